/** Whether certificates were revoked: which list is believed, and what it says. */
import { nodeProvider } from '@tyls/crypto-node';
import { runToEnd, type SignatureVerificationAlgorithm } from '@tyls/tls-core';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import {
  Budget,
  type Certificate,
  type CertificateRole,
  parseCertificate,
  parseCertRevocationList,
  RevocationChecker,
  revocationError,
  type RevocationOptions,
} from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { extensionValue } from '../src/raw_extension.ts';
import { atOnce, bitString, sequenceOf } from './craft.ts';
import {
  crlBy,
  type CrlFields,
  crlNumber,
  detailOf,
  entry,
  enumerated,
  extension,
  flag,
  fullName,
  hour,
  issuingDistributionPoint,
  now,
  sha256WithRsa,
  uri,
} from './revocation_craft.ts';

const { algorithms } = nodeProvider().signatureVerification;

let root: TestCa;
let ca: TestCa;
let leaf: Certificate;
beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root });
  leaf = await issued();
});

const issued = async (...extensions: RawExtension[]): Promise<Certificate> =>
  parseCertificate((await ca.issue({ names: ['a.test'], extensions })).certificate);
const list = async (fields: CrlFields = {}, by: TestCa = ca) => parseCertRevocationList(await crlBy(by, fields));
const revoking = (certificate: Certificate): CrlFields => ({ entries: [entry(certificate.serialNumber)] });
const issuerOf = (by: TestCa) => {
  const certificate = parseCertificate(by.certificate);
  return { subjectPublicKeyInfo: certificate.subjectPublicKeyInfo, certificate };
};

interface Check {
  readonly certificate?: Certificate;
  readonly role?: CertificateRole;
  readonly issuer?: ReturnType<typeof issuerOf> | { subjectPublicKeyInfo: Uint8Array; certificate: undefined };
  readonly at?: number;
  readonly budget?: Budget;
}

function checked(options: RevocationOptions | RevocationChecker, check: Check = {}) {
  const checker = options instanceof RevocationChecker ? options : new RevocationChecker(options, algorithms);
  const { certificate = leaf, role = 'endEntity', issuer = issuerOf(ca), at = now, budget = new Budget() } = check;
  return atOnce(runToEnd(checker.check(certificate, role, issuer, budget, at)));
}

/** The code of the refusal, or `'valid'`. */
function verdict(options: RevocationOptions | RevocationChecker, check: Check = {}): string {
  const result = checked(options, check);
  return result === 'valid' ? result : revocationError(result).code;
}

describe('what a list says', () => {
  test('a certificate that is not in it is valid', async () => {
    const other = await issued();
    expect(verdict({ crls: [await list(revoking(other))] })).toBe('valid');
  });

  test('one that is in it was revoked; the error says when and why', async () => {
    const crl = await list({ entries: [entry(leaf.serialNumber, extension('2.5.29.21', enumerated(1)))] });
    const result = checked({ crls: [crl] });
    expect(result).toEqual({
      reason: 'Revoked',
      subject: 'CN=a.test',
      revocationDate: now - hour,
      revocationReason: 'keyCompromise',
    });
    if (result === 'valid') return;
    const error = revocationError(result);
    expect(error.alert).toBe(44);
    expect(error.message).toMatch(/CN=a\.test was revoked on 20.*Z \(keyCompromise\)$/);
    expect(checked({ crls: [await list(revoking(leaf))] })).not.toHaveProperty('revocationReason');
  });

  test('the serial number counts for the issuer of the list alone', async () => {
    const foreign = await list(revoking(leaf), root);
    expect(verdict({ crls: [foreign] })).toBe('InvalidCertificate.UnknownRevocationStatus');
    expect(verdict({ crls: [foreign, await list()] })).toBe('valid');
  });

  test('an anchor has no certificate, and no key usage', async () => {
    const { subjectPublicKeyInfo } = issuerOf(ca);
    const issuer = { subjectPublicKeyInfo, certificate: undefined };
    expect(verdict({ crls: [await list()] }, { issuer })).toBe('valid');
    expect(verdict({ crls: [await list(revoking(leaf))] }, { issuer })).toBe('InvalidCertificate.Revoked');
  });
});

describe('policies', () => {
  test('a certificate that no list is about is refused, or allowed where the policy is so', async () => {
    const crls = [await list({}, root)];
    const result = checked({ crls });
    expect(result).toEqual({ reason: 'UnknownRevocationStatus', subject: 'CN=a.test' });
    expect(result !== 'valid' && revocationError(result).alert).toBe(48);
    expect(verdict({ crls, unknownStatus: 'deny' })).toBe('InvalidCertificate.UnknownRevocationStatus');
    expect(verdict({ crls, unknownStatus: 'allow' })).toBe('valid');
  });

  test('the depth says whether issuers are looked up', async () => {
    const intermediate = parseCertificate(ca.certificate);
    const crls = [await list(revoking(intermediate), root)];
    const check: Check = { certificate: intermediate, role: 'issuer', issuer: issuerOf(root) };
    expect(verdict({ crls }, check)).toBe('InvalidCertificate.Revoked');
    expect(verdict({ crls, depth: 'chain' }, check)).toBe('InvalidCertificate.Revoked');
    expect(verdict({ crls, depth: 'endEntity' }, check)).toBe('valid');
    expect(verdict({ crls: [await list(revoking(leaf))], depth: 'endEntity' })).toBe('InvalidCertificate.Revoked');
  });

  test('a list past its nextUpdate is used, or not where the policy is so', async () => {
    const crl = await list();
    const crls = [crl];
    expect(verdict({ crls }, { at: crl.nextUpdate })).toBe('valid');
    expect(verdict({ crls, expiration: 'ignore' }, { at: crl.nextUpdate })).toBe('valid');
    expect(verdict({ crls, expiration: 'enforce' }, { at: crl.nextUpdate - 1 })).toBe('valid');
    const result = checked({ crls, expiration: 'enforce' }, { at: crl.nextUpdate });
    const { nextUpdate } = crl;
    expect(result).toEqual({ reason: 'ExpiredRevocationList', now: nextUpdate, nextUpdate, issuer: 'CN=ca' });
    expect(result !== 'valid' && revocationError(result).alert).toBe(48);
    expect(result !== 'valid' && revocationError(result).message).toMatch(/revocation list of CN=ca expired on 20/);
  });

  test('no lists are a mistake of whoever makes a checker', () => {
    expect(() => new RevocationChecker({ crls: [] }, algorithms)).toThrow(RangeError);
  });
});

describe('which list is believed', () => {
  test('the newest, whatever the order', async () => {
    const numbers = [[3], [1, 0], [0, 0xff], [1, 1]];
    const lists = await Promise.all(
      numbers.map((number) => list({ extensions: [crlNumber(...number)], ...(number[1] === 1 && revoking(leaf)) })),
    );
    for (let i = 0; i < lists.length; i++) {
      const crls = [...lists.slice(i), ...lists.slice(0, i)];
      expect(verdict({ crls })).toBe('InvalidCertificate.Revoked');
      expect(verdict({ crls: crls.filter(({ crlNumber: number }) => number[1] !== 1) })).toBe('valid');
    }
  });

  test('of lists with the same number the first', async () => {
    const [empty, full] = [await list(), await list(revoking(leaf))];
    expect(verdict({ crls: [empty, full] })).toBe('valid');
    expect(verdict({ crls: [full, empty] })).toBe('InvalidCertificate.Revoked');
  });

  test("the one by the issuer's present key, where it has changed its key", async () => {
    const renewed = await createCa({ name: 'ca', issuer: root });
    const by = (signer: TestCa, number: number, fields: CrlFields = {}) => {
      // SubjectKeyIdentifier is an OCTET STRING of 20 bytes.
      const identifier = extensionValue(parseCertificate(signer.certificate), '2.5.29.14')!.subarray(2);
      const authorityKeyIdentifier = sequenceOf(derEncode(contextTag(0, false), identifier));
      return list(
        { ...fields, extensions: [crlNumber(number), extension('2.5.29.35', authorityKeyIdentifier)] },
        signer,
      );
    };
    const [old, present] = [await by(ca, 9), await by(renewed, 5, revoking(leaf))];
    for (const crls of [
      [old, present],
      [present, old],
      [await by(renewed, 4), old, present],
    ]) {
      expect(verdict({ crls }, { issuer: issuerOf(renewed) })).toBe('InvalidCertificate.Revoked');
      expect(verdict({ crls }, { issuer: issuerOf(ca) })).toBe('valid');
    }
  });
});

describe('scope', () => {
  const points = (...list_: Uint8Array[]): RawExtension => ({ oid: '2.5.29.31', value: sequenceOf(...list_) });
  const point = (...parts: Uint8Array[]): Uint8Array => sequenceOf(...parts);
  const named = (...names: string[]): Uint8Array => fullName(...names.map(uri));
  const scoped = (...parts: Uint8Array[]): CrlFields => ({
    ...revoking(leaf),
    extensions: [crlNumber(1), issuingDistributionPoint(...parts)],
  });
  const unknown = 'InvalidCertificate.UnknownRevocationStatus';

  test.each<[string, number[], CertificateRole, boolean]>([
    ['every certificate', [], 'endEntity', true],
    ['every certificate', [], 'issuer', true],
    ['end entities', [1], 'endEntity', true],
    ['end entities', [1], 'issuer', false],
    ['CAs', [2], 'endEntity', false],
    ['CAs', [2], 'issuer', true],
  ])('a list about %s %j is about an %s: %s', async (_, flags, role, isAbout) => {
    const crl = await list(scoped(named('http://crl.test/1'), ...flags.map((number) => flag(number))));
    expect(verdict({ crls: [crl] }, { role })).toBe(isAbout ? 'InvalidCertificate.Revoked' : unknown);
  });

  test.each<[string, boolean, () => RawExtension]>([
    ['the same', true, () => points(point(named('http://crl.test/1')))],
    ['another', false, () => points(point(named('http://crl.test/2')))],
    ['several, one the same', true, () => points(point(named('ldap://x', 'http://crl.test/1')))],
    ['several points', true, () => points(point(named('http://a')), point(named('http://crl.test/1')))],
    ['one in capitals', false, () => points(point(named('HTTP://crl.test/1')))],
    ['none', false, () => points()],
    ['one without a name', false, () => points(point())],
    ['a name that is no URI', false, () => points(point(fullName(derEncode(contextTag(2, false), new Uint8Array()))))],
    [
      'a name relative to the issuer',
      false,
      () => points(point(derEncode(contextTag(0, true), derEncode(contextTag(1, true))))),
    ],
    [
      'one for some reasons only',
      false,
      () => points(point(named('http://crl.test/1'), derEncode(contextTag(1, false), Uint8Array.of(1, 2)))),
    ],
    ['one by another issuer', false, () => points(point(named('http://crl.test/1'), derEncode(contextTag(2, true))))],
  ])('a certificate that names %s: %s', async (_, isAbout, make) => {
    const certificate = await issued(make());
    const fields = { ...scoped(named('http://crl.test/1')), ...revoking(certificate) };
    const crls = [await list(fields)];
    expect(verdict({ crls }, { certificate })).toBe(isAbout ? 'InvalidCertificate.Revoked' : unknown);
    // A list without issuingDistributionPoint is about every certificate of its issuer.
    expect(verdict({ crls: [await list(revoking(certificate))] }, { certificate })).toBe('InvalidCertificate.Revoked');
  });

  test('distribution points that are broken refuse the certificate', async () => {
    const certificate = await issued({ oid: '2.5.29.31', value: sequenceOf(derEncode(DerTag.null)) });
    const crls = [await list(scoped(named('http://crl.test/1')))];
    expect(detailOf(() => checked({ crls }, { certificate }))).toMatchObject({ reason: 'BadEncoding' });
    expect(detailOf(() => checked({ crls, unknownStatus: 'allow' }, { certificate }))).toMatchObject({
      code: 'InvalidCertificate',
      reason: 'BadEncoding',
    });
  });

  test('a newer list of another scope does not take the place of one', async () => {
    const first = await list(revoking(leaf));
    const other = await list({ extensions: [crlNumber(9), issuingDistributionPoint(named('http://crl.test/1'))] });
    expect(verdict({ crls: [first, other] })).toBe('InvalidCertificate.Revoked');
    expect(verdict({ crls: [other, first] })).toBe('valid');
  });
});

describe('the signature', () => {
  test('by another key is refused', async () => {
    const impostor = await createCa({ name: 'ca' });
    const result = checked({ crls: [await list({}, impostor)] });
    expect(result).toEqual({ code: 'InvalidCertRevocationList', reason: 'BadSignature', issuer: 'CN=ca' });
    expect(result !== 'valid' && revocationError(result).alert).toBe(80);
  });

  test('of an algorithm that is not supported, or not for this key', async () => {
    const crls = [await list()];
    const rsaOnly = algorithms.filter(({ publicKeyAlgorithm }) => publicKeyAlgorithm.length === 13);
    expect(rsaOnly.length).toBeGreaterThan(0);
    expect(verdict(new RevocationChecker({ crls }, rsaOnly))).toBe(
      'InvalidCertRevocationList.UnsupportedSignatureAlgorithm',
    );
    expect(verdict({ crls: [await list({ algorithm: sha256WithRsa })] })).toBe(
      'InvalidCertRevocationList.UnsupportedSignatureAlgorithmForPublicKey',
    );
  });

  test('is refused where the key of the issuer cannot be read', async () => {
    const issuer = { subjectPublicKeyInfo: new Uint8Array(), certificate: undefined };
    expect(verdict({ crls: [await list()] }, { issuer })).toBe('InvalidCertificate.BadEncoding');
  });

  test('is refused where the issuer may not sign lists', async () => {
    const keyUsage = (bits: number, unused: number): RawExtension => ({
      oid: '2.5.29.15',
      critical: true,
      value: bitString(Uint8Array.of(bits), unused),
    });
    const by = (bits: number, unused: number) =>
      createCa({ keyOf: ca, issuer: root, name: 'ca', extensions: [keyUsage(bits, unused)] });
    const crls = [await list()];
    const forbidden = checked({ crls }, { issuer: issuerOf(await by(0x04, 2)) });
    expect(forbidden).toEqual({ code: 'InvalidCertRevocationList', reason: 'IssuerInvalidForCrl', issuer: 'CN=ca' });
    expect(verdict({ crls }, { issuer: issuerOf(await by(0x06, 1)) })).toBe('valid');
    const without = await createCa({
      keyOf: ca,
      issuer: root,
      name: 'ca',
      extensions: [{ oid: '2.5.29.15', value: undefined }],
    });
    expect(verdict({ crls }, { issuer: issuerOf(without) })).toBe('valid');
    // Also where the key is known to have signed it.
    const checker = new RevocationChecker({ crls }, algorithms);
    expect(verdict(checker)).toBe('valid');
    expect(verdict(checker, { issuer: issuerOf(await by(0x04, 2)) })).toBe(
      'InvalidCertRevocationList.IssuerInvalidForCrl',
    );
  });

  test('is verified once for a list and key, and taken from the budget', async () => {
    let signatures = 0;
    const counting = algorithms.map((one): SignatureVerificationAlgorithm => ({
      ...one,
      verify: (...values) => {
        signatures++;
        return one.verify(...values);
      },
    }));
    const checker = new RevocationChecker({ crls: [await list()] }, counting);
    for (let i = 0; i < 3; i++) expect(verdict(checker)).toBe('valid');
    expect(signatures).toBe(1);
    const impostor = issuerOf(await createCa({ name: 'ca' }));
    for (let i = 0; i < 2; i++) {
      expect(verdict(checker, { issuer: impostor })).toBe('InvalidCertRevocationList.BadSignature');
    }
    expect(verdict(checker)).toBe('valid');
    expect(signatures).toBe(3);
    const budget = new Budget();
    for (let i = 0; i < 100; i++) verdict(checker, { issuer: impostor, budget });
    expect(detailOf(() => checked(checker, { issuer: impostor, budget }))).toMatchObject({ reason: 'BudgetExceeded' });
  });

  test('may be verified later', async () => {
    const asynchronous = algorithms.map((one) => ({
      ...one,
      verify: (...values: Parameters<typeof one.verify>) => Promise.resolve(one.verify(...values)),
    }));
    const checker = new RevocationChecker({ crls: [await list(revoking(leaf))] }, asynchronous);
    const running = runToEnd(checker.check(leaf, 'endEntity', issuerOf(ca), new Budget(), now));
    await expect(running).resolves.toMatchObject({ reason: 'Revoked' });
  });
});
