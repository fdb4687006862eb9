/** Whether certificates were revoked, by the lists that the user has (RFC 5280 section 6.3). Nothing is fetched. */
import {
  type CertificateErrorDetail,
  type SignatureVerificationAlgorithm,
  type Step,
  type TlsError,
} from '@tyls/tls-core';
import { type Budget } from '../budget.ts';
import { binaryString, equalBytes } from '../bytes.ts';
import { type Certificate } from '../certificate.ts';
import { describeName } from '../distinguished_name.ts';
import { certificateError, type Refusal } from '../error.ts';
import { crlError } from './error.ts';
import { parseSubjectKeyIdentifier, subjectKeyIdentifierOid } from '../key_identifier.ts';
import { extensionValue } from '../raw_extension.ts';
import { verifySignedData } from '../signed_data.ts';
import { type CertRevocationList, isNewer } from './cert_revocation_list.ts';
import { type CertificateRole, crlDistributionPointsOid, isInScope } from './distribution_point.ts';

export interface RevocationOptions {
  /** At least one. */
  readonly crls: readonly CertRevocationList[];
  /** Which certificates of a path are looked up: by default `'chain'`, all of them. */
  readonly depth?: 'chain' | 'endEntity';
  /** What happens to a certificate that no list is about: by default `'deny'`, it is refused. */
  readonly unknownStatus?: 'deny' | 'allow';
  /** What happens after a list's nextUpdate: by default `'ignore'`, it goes on being used. */
  readonly expiration?: 'ignore' | 'enforce';
}

export function revocationError(refusal: Refusal): TlsError {
  return 'code' in refusal ? crlError(refusal) : certificateError(refusal);
}

/** Who issued a certificate, and so signs, or has others sign, what is said of it. */
export interface CertificateIssuer {
  /** Content of the SubjectPublicKeyInfo's SEQUENCE. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** `undefined` for a trust anchor, which is trusted to sign anything. */
  readonly certificate: Certificate | undefined;
}

/** Looks certificates up in lists. Make one and share it: it remembers which signatures it has verified. */
export class RevocationChecker {
  readonly #byIssuer = new Map<string, CertRevocationList[]>();
  readonly #algorithms: readonly SignatureVerificationAlgorithm[];
  readonly #depth: 'chain' | 'endEntity';
  readonly #unknownStatus: 'deny' | 'allow';
  readonly #expiration: 'ignore' | 'enforce';
  /** By which key each list was found to be signed: a large one takes long to verify. */
  readonly #signers = new WeakMap<CertRevocationList, Uint8Array>();

  /** @throws RangeError if there are no lists */
  constructor(options: RevocationOptions, algorithms: readonly SignatureVerificationAlgorithm[]) {
    if (options.crls.length === 0) throw new RangeError('no revocation lists to look certificates up in');
    for (const crl of options.crls) {
      const key = binaryString(crl.issuer);
      const known = this.#byIssuer.get(key);
      if (known === undefined) this.#byIssuer.set(key, [crl]);
      else known.push(crl);
    }
    this.#algorithms = algorithms;
    this.#depth = options.depth ?? 'chain';
    this.#unknownStatus = options.unknownStatus ?? 'deny';
    this.#expiration = options.expiration ?? 'ignore';
  }

  /** The error for a refusal: here, so that who looks into no lists does not have what is said of them. */
  error(refusal: Refusal): TlsError {
    return revocationError(refusal);
  }

  /**
   * @param certificate whose signature by `issuer` was verified
   * @param now milliseconds since 1970 UTC
   * @returns why it is refused
   * @throws TlsError `InvalidCertificate.BudgetExceeded`, `.BadEncoding` of an extension
   */
  *check(
    certificate: Certificate,
    role: CertificateRole,
    issuer: CertificateIssuer,
    budget: Budget,
    now: number,
  ): Step<'valid' | Refusal> {
    if (this.#depth === 'endEntity' && role === 'issuer') return 'valid';
    const crl = this.#authoritative(certificate, role, issuer);
    if (crl === undefined) {
      if (this.#unknownStatus === 'allow') return 'valid';
      return { reason: 'UnknownRevocationStatus', subject: describeName(certificate.subject) };
    }
    const refusal = yield* this.#verify(crl, issuer, budget);
    if (refusal !== 'valid') return refusal;
    if (this.#expiration !== 'ignore' && !(now < crl.nextUpdate)) {
      const { nextUpdate } = crl;
      return { reason: 'ExpiredRevocationList', now, nextUpdate, issuer: describeName(crl.issuer) };
    }
    const revoked = crl.revokedCertificates.find(certificate.serialNumber);
    if (revoked === undefined) return 'valid';
    const { revocationDate, reason } = revoked;
    const subject = describeName(certificate.subject);
    return { reason: 'Revoked', subject, revocationDate, ...(reason !== undefined && { revocationReason: reason }) };
  }

  /**
   * The list to believe: the first one that is about the certificate, or one of the same scope that takes its place: the
   * one by the issuer's present key if it has several, else the newest.
   */
  #authoritative(
    certificate: Certificate,
    role: CertificateRole,
    issuer: CertificateIssuer,
  ): CertRevocationList | undefined {
    const candidates = this.#byIssuer.get(binaryString(certificate.issuer)) ?? [];
    if (candidates.length === 0) return undefined;
    const distributionPoints = extensionValue(certificate, crlDistributionPointsOid);
    const keyIdentifier = keyIdentifierOf(issuer);
    const isByKey = ({ authorityKeyIdentifier: id }: CertRevocationList): boolean =>
      id !== undefined && keyIdentifier !== undefined && equalBytes(id, keyIdentifier);
    let best: CertRevocationList | undefined;
    for (const crl of candidates) {
      const point = crl.issuingDistributionPoint;
      if (point !== undefined && !isInScope(point, role, distributionPoints)) continue;
      best ??= crl;
      if (!isOfSameScope(crl, best)) continue;
      const supersedes = isByKey(crl) === isByKey(best) ? isNewer(crl, best) : isByKey(crl);
      if (supersedes) best = crl;
    }
    return best;
  }

  *#verify(crl: CertRevocationList, issuer: CertificateIssuer, budget: Budget): Step<'valid' | Refusal> {
    const signer = this.#signers.get(crl);
    if (signer === undefined || !equalBytes(signer, issuer.subjectPublicKeyInfo)) {
      budget.takeSignature();
      const signed = { signedData: crl.signedData, subject: crl.issuer };
      const result = yield* verifySignedData(signed, issuer.subjectPublicKeyInfo, this.#algorithms);
      if (result !== 'valid') return crlSignatureRefusal(result, describeName(crl.issuer));
      this.#signers.set(crl, issuer.subjectPublicKeyInfo.slice());
    }
    // RFC 5280 section 6.3.3 step (f), where the certificate has the extension.
    if (issuer.certificate?.extensions.keyUsage?.cRLSign === false) {
      return { code: 'InvalidCertRevocationList', reason: 'IssuerInvalidForCrl', issuer: describeName(crl.issuer) };
    }
    return 'valid';
  }
}

/** What is wrong with the signature of a list is not to be taken for the certificate's. */
function crlSignatureRefusal(refusal: CertificateErrorDetail, issuer: string): Refusal {
  const code = 'InvalidCertRevocationList';
  switch (refusal.reason) {
    case 'BadSignature':
      return { code, reason: 'BadSignature', issuer };
    case 'UnsupportedSignatureAlgorithm':
    case 'UnsupportedSignatureAlgorithmForPublicKey':
      return { code, ...refusal };
    default:
      return refusal;
  }
}

function isOfSameScope(a: CertRevocationList, b: CertRevocationList): boolean {
  const [x, y] = [a.issuingDistributionPoint?.value, b.issuingDistributionPoint?.value];
  return x === undefined || y === undefined ? x === y : equalBytes(x, y);
}

function keyIdentifierOf({ certificate }: CertificateIssuer): Uint8Array | undefined {
  const value = certificate === undefined ? undefined : extensionValue(certificate, subjectKeyIdentifierOid);
  return value === undefined ? undefined : parseSubjectKeyIdentifier(value);
}
