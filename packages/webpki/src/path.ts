/**
 * Path building and validation (RFC 5280 section 6, RFC 4158): from an end entity through certificates that came in any
 * order to a trust anchor, trying every way within a budget. Revocation is not looked at.
 */
import {
  type Awaitable,
  type CertificateErrorDetail,
  runToEnd,
  type SignatureVerificationAlgorithm,
  type Step,
} from '@tyls/tls-core';
import { binaryString, equalBytes } from './bytes.ts';
import { Budget, maxIntermediates, maxIntermediatesLength } from './budget.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { certificateError, mostSpecific, refusalOf } from './error.ts';
import { checkPurpose, type Purpose } from './purpose.ts';
import { verifySignedData } from './signed_data.ts';
import { type RootStore, type TrustAnchor } from './trust_anchor.ts';

export interface PathOptions {
  /** DER of the certificate to verify; borrowed by the result. */
  readonly endEntity: Uint8Array;
  /** DER of others that may help, in any order; borrowed by the result. */
  readonly intermediates: readonly Uint8Array[];
  readonly roots: RootStore;
  /** Those that signatures on certificates may have. */
  readonly algorithms: readonly SignatureVerificationAlgorithm[];
  readonly purpose: Purpose;
  /** Verification time, milliseconds since 1970 UTC. */
  readonly now: number;
}

export interface VerifiedPath {
  readonly endEntity: Certificate;
  /** From the end entity's issuer up to the one that the anchor issued. */
  readonly intermediates: readonly Certificate[];
  readonly anchor: TrustAnchor;
}

/**
 * Verifies an end entity's certificate up to one of the roots. Its names are not looked at.
 *
 * At most 6 intermediates, 100 signatures and 200 000 steps are tried. Whatever has name constraints is refused.
 *
 * @throws TlsError `InvalidCertificate`: of all the ways tried, what says best why it is refused
 */
export function verifyPath(options: PathOptions): Awaitable<VerifiedPath> {
  return runToEnd(pathVerification(options));
}

/** {@link verifyPath} as a step. */
export function* pathVerification(options: PathOptions): Step<VerifiedPath> {
  if (!Number.isFinite(options.now)) throw new RangeError('the verification time is not a number');
  const endEntity = parseCertificate(options.endEntity);
  const search = new Search(options);
  const refusal = search.checkEndEntity(endEntity);
  if (refusal !== 'valid') throw certificateError(refusal);
  const found = yield* search.extend([search.candidate(endEntity)]);
  if (!('reason' in found)) return found;
  throw certificateError(mostSpecific(search.unreadable, found));
}

/** A certificate that a path may go through. What is found out about it holds in every path, and is kept. */
class Candidate {
  readonly certificate: Certificate;
  /** The same for two certificates with the same subject and key. */
  readonly identity: number;
  /** Why it cannot issue certificates. */
  refusalAsIssuer?: 'valid' | CertificateErrorDetail;
  anchors?: readonly TrustAnchor[];
  issuers?: readonly Candidate[];
  #unknownIssuer: CertificateErrorDetail | undefined;
  #pathLengthExceeded: CertificateErrorDetail | undefined;

  constructor(certificate: Certificate, identity: number) {
    this.certificate = certificate;
    this.identity = identity;
  }

  /** The refusal if it leads nowhere. */
  get unknownIssuer(): CertificateErrorDetail {
    const { subject, issuer } = this.certificate;
    this.#unknownIssuer ??= {
      reason: 'UnknownIssuer',
      issuer: describeName(issuer),
      ...(equalBytes(subject, issuer) && { hint: 'which is its own issuer, but no root of ours' }),
    };
    return this.#unknownIssuer;
  }

  get pathLengthExceeded(): CertificateErrorDetail {
    this.#pathLengthExceeded ??= {
      reason: 'PathLengthExceeded',
      subject: describeName(this.certificate.subject),
    };
    return this.#pathLengthExceeded;
  }
}

class Search {
  readonly #options: PathOptions;
  readonly #now: number;
  readonly #budget = new Budget();
  readonly #identities = new Map<string, number>();
  #intermediates: ReadonlyMap<string, readonly Candidate[]> | undefined;
  /** Why one of the intermediates could not be read: it may be the one that is missing. */
  unreadable: CertificateErrorDetail | undefined;

  constructor(options: PathOptions) {
    this.#options = options;
    // Certificates count in whole seconds, and are valid to the end of the last one.
    this.#now = Math.floor(options.now / 1000) * 1000;
  }

  candidate(certificate: Certificate): Candidate {
    const { subject, subjectPublicKeyInfo } = certificate;
    const key = `${subject.length}:${binaryString(subject)}${binaryString(subjectPublicKeyInfo)}`;
    const identity = this.#identities.get(key) ?? this.#identities.size;
    this.#identities.set(key, identity);
    return new Candidate(certificate, identity);
  }

  /**
   * Goes on from the last certificate of a path, depth first: to an anchor if one has its issuer's name, else through
   * every intermediate that has.
   *
   * @param path from the end entity on; longer while the search is below, and left longer if that finds a path
   */
  *extend(path: Candidate[]): Step<VerifiedPath | CertificateErrorDetail> {
    const head = path.at(-1)!;
    let refusal: CertificateErrorDetail | undefined;
    for (const anchor of this.#anchorsOf(head)) {
      const result = yield* this.#verifyUnder(anchor, path);
      if (result === 'valid') {
        const [endEntity, ...intermediates] = path.map(({ certificate }) => certificate);
        return { endEntity: endEntity!, intermediates, anchor };
      }
      refusal = mostSpecific(refusal, result);
    }
    for (const issuer of this.#issuersOf(head)) {
      this.#budget.takeStep();
      // RFC 4158 section 5.2: no subject and key twice, or two CAs that certify each other make a loop.
      if (path.some(({ identity }) => identity === issuer.identity)) continue;
      const result = yield* this.#through(issuer, path);
      if (!('reason' in result)) return result;
      refusal = mostSpecific(refusal, result);
    }
    return refusal ?? head.unknownIssuer;
  }

  *#through(issuer: Candidate, path: Candidate[]): Step<VerifiedPath | CertificateErrorDetail> {
    if (path.length > maxIntermediates) return { reason: 'BudgetExceeded', what: 'intermediates' };
    issuer.refusalAsIssuer ??= this.#checkIssuer(issuer.certificate);
    if (issuer.refusalAsIssuer !== 'valid') return issuer.refusalAsIssuer;
    // Every intermediate below counts, self-issued ones too: stricter than RFC 5280 section 4.2.1.9.
    const below = path.length - 1;
    const { basicConstraints } = issuer.certificate.extensions;
    if (below > (basicConstraints?.pathLenConstraint ?? maxIntermediates)) {
      return issuer.pathLengthExceeded;
    }
    path.push(issuer);
    const result = yield* this.extend(path);
    if ('reason' in result) path.pop();
    return result;
  }

  /** The signatures of a path from the anchor down, so that no key is used before it is known to be certified. */
  *#verifyUnder(anchor: TrustAnchor, path: readonly Candidate[]): Step<'valid' | CertificateErrorDetail> {
    if (anchor.nameConstraints !== undefined) {
      return { reason: 'UnsupportedNameConstraints', subject: describeName(anchor.subject) };
    }
    let issuerKey = anchor.subjectPublicKeyInfo;
    for (const { certificate } of path.toReversed()) {
      this.#budget.takeSignature();
      const { algorithms } = this.#options;
      const result = yield* verifySignedData(certificate, issuerKey, algorithms);
      if (result !== 'valid') return result;
      issuerKey = certificate.subjectPublicKeyInfo;
    }
    return 'valid';
  }

  /** @returns why it is refused, whoever issued it */
  checkEndEntity(certificate: Certificate): 'valid' | CertificateErrorDetail {
    const { basicConstraints, keyUsage, extendedKeyUsage } = certificate.extensions;
    const refusal = this.#checkAny(certificate);
    if (refusal !== 'valid') return refusal;
    // RFC 5280 section 4.2.1.9: keyCertSign is for CAs only.
    if (basicConstraints?.cA === true || keyUsage?.keyCertSign === true) return { reason: 'CaUsedAsEndEntity' };
    return checkPurpose(extendedKeyUsage, this.#options.purpose);
  }

  #checkIssuer(certificate: Certificate): 'valid' | CertificateErrorDetail {
    const { basicConstraints, keyUsage, extendedKeyUsage } = certificate.extensions;
    const refusal = this.#checkAny(certificate);
    if (refusal !== 'valid') return refusal;
    const { subject } = certificate;
    if (basicConstraints?.cA !== true) return { reason: 'EndEntityUsedAsCa', subject: describeName(subject) };
    // A CA's certificate must have keyUsage (RFC 5280 section 4.2.1.3); old ones without it are in use.
    if (keyUsage?.keyCertSign === false) {
      return { reason: 'KeyUsageForbidden', required: 'keyCertSign', subject: describeName(subject) };
    }
    return checkPurpose(extendedKeyUsage, this.#options.purpose);
  }

  #checkAny({ subject, notBefore, notAfter, extensions }: Certificate): 'valid' | CertificateErrorDetail {
    const { unhandledCritical: oid, nameConstraints } = extensions;
    const { now } = this.#options;
    if (oid !== undefined) return { reason: 'UnhandledCriticalExtension', oid, subject: describeName(subject) };
    if (nameConstraints !== undefined) return { reason: 'UnsupportedNameConstraints', subject: describeName(subject) };
    if (this.#now < notBefore) return { reason: 'NotValidYet', now, notBefore, subject: describeName(subject) };
    if (this.#now > notAfter) return { reason: 'Expired', now, notAfter, subject: describeName(subject) };
    return 'valid';
  }

  #anchorsOf(candidate: Candidate): readonly TrustAnchor[] {
    candidate.anchors ??= this.#options.roots.withSubject(candidate.certificate.issuer);
    return candidate.anchors;
  }

  #issuersOf(candidate: Candidate): readonly Candidate[] {
    this.#intermediates ??= this.#readIntermediates();
    candidate.issuers ??= this.#intermediates.get(binaryString(candidate.certificate.issuer)) ?? [];
    return candidate.issuers;
  }

  #readIntermediates(): ReadonlyMap<string, readonly Candidate[]> {
    const { intermediates } = this.#options;
    if (intermediates.reduce((sum, { length }) => sum + length, 0) > maxIntermediatesLength) {
      throw certificateError({ reason: 'BudgetExceeded', what: 'bytes of intermediates' });
    }
    const bySubject = new Map<string, Candidate[]>();
    for (const der of intermediates) {
      try {
        const candidate = this.candidate(parseCertificate(der));
        const subject = binaryString(candidate.certificate.subject);
        const known = bySubject.get(subject);
        if (known === undefined) bySubject.set(subject, [candidate]);
        else known.push(candidate);
      } catch (error) {
        this.unreadable ??= refusalOf(error);
      }
    }
    return bySubject;
  }
}
