/** The errors of this package, and which of several says best why no path was found. */
import { type CertificateErrorDetail, type CertRevocationListErrorDetail, isTlsError, TlsError } from '@tyls/tls-core';
import { describeCertificate } from './describe.ts';

export function certificateError(detail: CertificateErrorDetail): TlsError {
  const message = `invalid peer certificate: ${describeCertificate(detail)}`;
  return new TlsError({ code: 'InvalidCertificate', ...detail }, { message });
}

/** Why a certificate is refused: for what it is, or since its issuer's revocation list cannot be used. */
export type Refusal =
  CertificateErrorDetail | ({ readonly code: 'InvalidCertRevocationList' } & CertRevocationListErrorDetail);

/** For `DerReader`: makes its errors, naming the structure that was being read. */
export function badEncodingOf(structure: string): (what: string) => TlsError {
  return (what) => certificateError({ reason: 'BadEncoding', what: `${structure}: ${what}` });
}

/** Why `error` says a certificate is refused; what says nothing of the kind is thrown on. */
export function refusalOf(error: unknown): CertificateErrorDetail {
  if (!isTlsError(error) || error.detail.code !== 'InvalidCertificate') throw error;
  const { code: _, ...refusal } = error.detail; // a code is what the refusal of a list has
  return refusal;
}

/** A value, or the refusal that was thrown in its place. */
export function attempt<T>(make: () => T): T | CertificateErrorDetail {
  try {
    return make();
  } catch (error) {
    return refusalOf(error);
  }
}

/**
 * How much an error tells about the cause, more being better: each candidate path fails in its own way, and what is
 * said of one that fits but is expired matters more than that others did not fit at all.
 */
const rank: Readonly<Record<Refusal['reason'], number>> = {
  Expired: 16,
  NotValidYet: 16,
  NotValidForName: 15,
  Revoked: 14,
  UnknownRevocationStatus: 14,
  ExpiredRevocationList: 14,
  InvalidOcspResponse: 14,
  InsufficientScts: 14,
  BadSignature: 13,
  IssuerDistrusted: 12,
  InvalidPurpose: 12,
  NameConstraintViolation: 11,
  PathLengthExceeded: 10,
  KeyUsageForbidden: 9,
  CaUsedAsEndEntity: 8,
  EndEntityUsedAsCa: 8,
  IssuerInvalidForCrl: 8,
  InvalidCertValidity: 8,
  PolicyViolation: 8,
  UnsupportedSignatureAlgorithmForPublicKey: 7,
  UnsupportedSignatureAlgorithm: 6,
  InvalidCrlNumber: 6,
  InvalidRevokedCertSerialNumber: 6,
  UnsupportedNameConstraints: 5,
  UnhandledCriticalExtension: 4,
  UnsupportedCertVersion: 4,
  UnsupportedCriticalExtension: 4,
  UnsupportedCrlVersion: 4,
  UnsupportedDeltaCrl: 4,
  UnsupportedIndirectCrl: 4,
  UnsupportedCrlIssuingDistributionPoint: 4,
  UnsupportedRevocationReason: 4,
  UnsupportedRevocationReasonsPartitioning: 4,
  BudgetExceeded: 3,
  ApplicationVerificationFailure: 2,
  UnknownPublicKey: 2,
  Other: 2,
  BadEncoding: 1,
  ParseError: 1,
  UnknownIssuer: 0,
};

/** The better explanation; of two as good the one found first. */
export function mostSpecific(current: Refusal | undefined, next: Refusal): Refusal {
  return current !== undefined && rank[current.reason] >= rank[next.reason] ? current : next;
}
