/**
 * The search for a path (RFC 4158): depth first from the end entity on, every way within a budget. No key is used before
 * it is known to be certified, so signatures are verified from the anchor down once one is reached.
 */
import { type CertificateErrorDetail, type Step } from '@tyls/tls-core';
import { Budget, maxIntermediates, maxIntermediatesLength } from './budget.ts';
import { binaryString } from './bytes.ts';
import { Candidate } from './candidate.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { checkAnchor, checkIssuer, type CheckOptions } from './certificate_checks.ts';
import { type CertificateRole } from './crl/distribution_point.ts';
import { type CertificateIssuer } from './crl/revocation.ts';
import { describeName } from './distinguished_name.ts';
import { attempt, certificateError, mostSpecific, type Refusal, refusalOf } from './error.ts';
import { keyIdentifierHints, namesOtherKey } from './key_identifier.ts';
import { checkNames, type NameConstraints, parseNameConstraints } from './name_constraints.ts';
import { type PathOptions, type VerifiedPath } from './path_options.ts';
import { verifySignedData } from './signed_data.ts';
import { type TrustAnchor } from './trust_anchor.ts';

type Outcome = 'valid' | Refusal;

export class Search {
  readonly #options: PathOptions;
  readonly #checks: CheckOptions;
  readonly #budget: Budget;
  /** Numbers for subjects with their keys, and for keys, in the order met. */
  readonly #numbers = new Map<string, number>();
  readonly #anchors = new Map<TrustAnchor, Outcome>();
  #intermediates: ReadonlyMap<string, readonly Candidate[]> | undefined;
  /** Why one of the intermediates could not be read: it may be the one that is missing. */
  unreadable: CertificateErrorDetail | undefined;

  constructor(options: PathOptions, checks: CheckOptions) {
    this.#options = options;
    this.#checks = checks;
    this.#budget = options.budget ?? new Budget();
  }

  candidate(certificate: Certificate): Candidate {
    const { subject, subjectPublicKeyInfo } = certificate;
    const key = binaryString(subjectPublicKeyInfo);
    const identity = `${subject.length}:${binaryString(subject)}${key}`;
    return new Candidate(certificate, this.#number(identity), this.#number(key));
  }

  #number(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }

  /**
   * Goes on from the last certificate of a path: to an anchor if one has its issuer's name, else through every
   * intermediate that has.
   *
   * @param path from the end entity on; longer while the search is below, and left longer if that finds a path
   */
  *extend(path: Candidate[]): Step<VerifiedPath | Refusal> {
    const head = path.at(-1)!;
    let refusal: Refusal | undefined;
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

  *#through(issuer: Candidate, path: Candidate[]): Step<VerifiedPath | Refusal> {
    const { maxDepth = maxIntermediates } = this.#options;
    // RFC 5280 section 6.1: self-issued certificates do not count for lengths.
    const below = path.slice(1).filter(({ isSelfIssued }) => !isSelfIssued).length;
    if (path.length > maxIntermediates || below + (issuer.isSelfIssued ? 0 : 1) > maxDepth) {
      return { reason: 'BudgetExceeded', what: 'intermediates' };
    }
    issuer.refusalAsIssuer ??= checkIssuer(issuer.certificate, this.#checks);
    if (issuer.refusalAsIssuer !== 'valid') return issuer.refusalAsIssuer;
    const counted = this.#checks.policy.selfIssuedIntermediates === 'exempt' ? below : path.length - 1;
    const { basicConstraints } = issuer.certificate.extensions;
    if (counted > (basicConstraints?.pathLenConstraint ?? maxIntermediates)) return issuer.pathLengthExceeded;
    path.push(issuer);
    const result = yield* this.extend(path);
    if ('reason' in result) path.pop();
    return result;
  }

  *#verifyUnder(anchor: TrustAnchor, path: readonly Candidate[]): Step<Outcome> {
    const refusal = this.#checkAnchor(anchor, path[0]!.certificate);
    if (refusal !== 'valid') return refusal;
    let key = this.#number(binaryString(anchor.subjectPublicKeyInfo));
    let issuer = this.#asIssuer(anchor);
    for (const [i, candidate] of [...path.entries()].toReversed()) {
      const { certificate } = candidate;
      const signature = yield* this.#verifySignature(candidate, issuer, key);
      if (signature !== 'valid') return signature;
      if (i === path.length - 1) this.#budget.takePath();
      const status = yield* this.#checkRevocation(certificate, i === 0 ? 'endEntity' : 'issuer', issuer);
      if (status !== 'valid') return status;
      key = candidate.key;
      issuer = { subjectPublicKeyInfo: certificate.subjectPublicKeyInfo, certificate };
    }
    return this.#checkNameConstraints(anchor, path);
  }

  /** Each signature once by each key, however many paths it is in. */
  *#verifySignature(candidate: Candidate, issuer: CertificateIssuer, key: number): Step<Outcome> {
    const known = candidate.signatures.get(key);
    if (known !== undefined) return known;
    this.#budget.takeSignature();
    const { certificate } = candidate;
    const result = yield* verifySignedData(certificate, issuer.subjectPublicKeyInfo, this.#options.algorithms);
    // Another key of the same name: the one that signed is missing.
    const isOther = issuer.certificate !== undefined && namesOtherKey(certificate, issuer.certificate);
    const outcome = result !== 'valid' && isOther ? candidate.unknownIssuer : result;
    candidate.signatures.set(key, outcome);
    return outcome;
  }

  *#checkRevocation(certificate: Certificate, role: CertificateRole, issuer: CertificateIssuer): Step<Outcome> {
    const { revocation, now } = this.#options;
    try {
      return revocation === undefined ? 'valid' : yield* revocation.check(certificate, role, issuer, this.#budget, now);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.reason === 'BudgetExceeded') throw error;
      return refusal;
    }
  }

  /** Of an anchor only the name and the key count, unless the policy has rules about its certificate. */
  #asIssuer({ subjectPublicKeyInfo, certificate }: TrustAnchor): CertificateIssuer {
    const isKnown = certificate !== undefined && this.#checks.policy.rules.length > 0;
    return { subjectPublicKeyInfo, certificate: isKnown ? parseCertificate(certificate) : undefined };
  }

  #checkAnchor(anchor: TrustAnchor, { notBefore }: Certificate): Outcome {
    const { subject, distrustAfter } = anchor;
    if (distrustAfter !== undefined && notBefore > distrustAfter) {
      return { reason: 'IssuerDistrusted', issuer: describeName(subject), distrustAfter, notBefore };
    }
    const result = this.#anchors.get(anchor) ?? checkAnchor(anchor, this.#checks);
    this.#anchors.set(anchor, result);
    return result;
  }

  #checkNameConstraints(anchor: TrustAnchor, path: readonly Candidate[]): Outcome {
    const { nameConstraints: content } = anchor;
    if (content !== undefined) {
      const result = this.#checkBelow(
        attempt(() => parseNameConstraints(content)),
        anchor.subject,
        path,
      );
      if (result !== 'valid') return result;
    }
    for (const [i, { nameConstraints, certificate }] of path.entries()) {
      // Those of an end entity are about nothing.
      if (i === 0 || nameConstraints === 'none') continue;
      const result = this.#checkBelow(nameConstraints, certificate.subject, path.slice(0, i));
      if (result !== 'valid') return result;
    }
    return 'valid';
  }

  #checkBelow(
    constraints: NameConstraints | CertificateErrorDetail,
    subject: Uint8Array,
    below: readonly Candidate[],
  ): Outcome {
    if ('reason' in constraints) return constraints;
    const { selfIssuedIntermediates, directoryNameConstraints } = this.#checks.policy;
    for (const [i, { isSelfIssued, names }] of below.entries()) {
      // RFC 5280 section 4.2.1.10: not applied to self-issued certificates but the last of the path.
      if (i > 0 && isSelfIssued && selfIssuedIntermediates === 'exempt') continue;
      if ('reason' in names) return names;
      const result = checkNames(names, constraints, subject, directoryNameConstraints, this.#budget);
      if (result !== 'valid') return result;
    }
    return 'valid';
  }

  #anchorsOf(candidate: Candidate): readonly TrustAnchor[] {
    candidate.anchors ??= this.#options.roots.withSubject(candidate.certificate.issuer);
    return candidate.anchors;
  }

  /** First those whose key is the one that the certificate says it is signed with: names may be shared by many. */
  #issuersOf(candidate: Candidate): readonly Candidate[] {
    this.#intermediates ??= this.#readIntermediates();
    candidate.issuers ??= keyIdentifierHints(
      candidate.certificate,
      this.#intermediates.get(binaryString(candidate.certificate.issuer)) ?? [],
    );
    return candidate.issuers;
  }

  #readIntermediates(): ReadonlyMap<string, readonly Candidate[]> {
    const { intermediates } = this.#options;
    if (intermediates.reduce((sum, { length }) => sum + length, 0) > maxIntermediatesLength) {
      throw certificateError({ reason: 'BudgetExceeded', what: 'bytes of intermediates' });
    }
    const bySubject = new Map<string, Candidate[]>();
    for (const der of new Map(intermediates.map((one) => [binaryString(one), one])).values()) {
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
