/** What errors say to people. */
import { type CertificateErrorDetail, type CertRevocationListErrorDetail, type TlsErrorDetail } from '@tyls/tls-core';
import { describe, expect, test } from 'vitest';
import { certificateError } from '../src/error.ts';
import { crlError } from '../src/crl/error.ts';

const subject = 'CN=a.example';
const [now, notBefore, notAfter] = [Date.UTC(2026, 0, 2), Date.UTC(2027, 0, 1), Date.UTC(2025, 0, 1)];
const certificates: {
  readonly [R in CertificateErrorDetail['reason']]: Omit<Extract<CertificateErrorDetail, { reason: R }>, 'reason'>;
} = {
  BadEncoding: { what: 'Time' },
  Expired: { now, notAfter, subject },
  NotValidYet: { now, notBefore, subject },
  InvalidCertValidity: { notBefore, notAfter },
  UnsupportedCertVersion: {},
  IssuerDistrusted: { issuer: 'CN=b', distrustAfter: notAfter, notBefore },
  UnhandledCriticalExtension: { oid: '1.2.3', subject },
  UnknownIssuer: { issuer: 'CN=b', hint: 'the store has no roots' },
  BadSignature: { subject },
  UnsupportedSignatureAlgorithm: { algorithm: 'MD5', supported: ['ED25519'] },
  UnsupportedSignatureAlgorithmForPublicKey: { algorithm: 'ED25519', key: 'RSA' },
  NotValidForName: { expected: 'b.example', presented: ['a.example'] },
  InvalidPurpose: { required: 'serverAuth', presented: ['clientAuth'], subject },
  CaUsedAsEndEntity: { subject },
  EndEntityUsedAsCa: { subject },
  PathLengthExceeded: { subject },
  KeyUsageForbidden: { required: 'keyCertSign', subject },
  NameConstraintViolation: { name: 'a.example', subject },
  UnsupportedNameConstraints: { subject },
  BudgetExceeded: { what: 'signatures' },
  Revoked: { subject, revocationDate: notAfter, revocationReason: 'keyCompromise' },
  UnknownRevocationStatus: { subject },
  ExpiredRevocationList: { now, nextUpdate: notAfter, issuer: 'CN=b' },
  InvalidOcspResponse: { why: 'it is old' },
  InsufficientScts: { valid: 1, operators: 1, requiredValid: 2, requiredOperators: 2, why: ['log x is unknown'] },
  PolicyViolation: { rule: 'BR 7.1', why: 'it is too long', subject },
  UnknownPublicKey: { sha256: ['abc', 'def'] },
  ApplicationVerificationFailure: { why: 'not on the list' },
  Other: { why: 'something else' },
};

const revocationLists: {
  readonly [R in CertRevocationListErrorDetail['reason']]: Omit<
    Extract<CertRevocationListErrorDetail, { reason: R }>,
    'reason'
  >;
} = {
  BadSignature: { issuer: 'CN=b' },
  UnsupportedSignatureAlgorithm: { algorithm: 'MD5', supported: ['ED25519'] },
  UnsupportedSignatureAlgorithmForPublicKey: { algorithm: 'ED25519', key: 'RSA' },
  InvalidCrlNumber: {},
  InvalidRevokedCertSerialNumber: {},
  IssuerInvalidForCrl: { issuer: 'CN=b' },
  ParseError: { what: 'Time' },
  UnsupportedCrlVersion: {},
  UnsupportedCriticalExtension: { oid: '1.2.3' },
  UnsupportedDeltaCrl: {},
  UnsupportedIndirectCrl: {},
  UnsupportedCrlIssuingDistributionPoint: {},
  UnsupportedRevocationReason: {},
  UnsupportedRevocationReasonsPartitioning: {},
};

const reasons = <R extends string>(table: Readonly<Record<R, unknown>>): R[] => Object.keys(table) as R[];

const all = [
  ...reasons(certificates).map((reason) =>
    certificateError({ reason, ...certificates[reason] } as CertificateErrorDetail),
  ),
  ...reasons(revocationLists).map((reason) =>
    crlError({ reason, ...revocationLists[reason] } as CertRevocationListErrorDetail),
  ),
];

describe('every refusal', () => {
  test.each(all.map((error) => [error.code, error] as const))('%s says what was in it', (_, { detail, message }) => {
    expect(message).toMatch(/^\S[^]{8,}\S$/);
    expect(message).not.toMatch(/undefined|NaN|\[object/);
    const { code, reason, ...context } = detail as TlsErrorDetail & { readonly reason: string };
    for (const value of Object.values(context).flat() as unknown[]) {
      const text = typeof value === 'number' && value > 1e9 ? new Date(value).toISOString().slice(0, 10) : value;
      expect(message, `${code}.${reason}`).toContain(String(text));
    }
  });

  test('says something of its own', () => {
    expect(new Set(all.map(({ message }) => message)).size).toBe(all.length);
  });
});

test.each([
  [{ reason: 'NotValidForName', expected: 'a.example', presented: [] }, 'it has no names in its subjectAltName'],
  [{ reason: 'Expired', now: Number.NaN, notAfter: 1e300, subject }, 'expired on 1e+300 ms'],
] as const)('%j', (detail, text) => {
  expect(certificateError(detail).message).toContain(text);
});
