/** A certificate that a path may go through. What is found out about it holds in every path, and is kept. */
import { type CertificateErrorDetail } from '@tyls/tls-core';
import { type Certificate, isSelfIssued } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { attempt } from './error.ts';
import { subjectKey } from './key_identifier.ts';
import {
  type ConstrainedName,
  constrainedNames,
  type NameConstraints,
  parseNameConstraints,
} from './name_constraints.ts';
import { type TrustAnchor } from './trust_anchor.ts';

export class Candidate {
  readonly certificate: Certificate;
  /** The same for two certificates with the same subject and key. */
  readonly identity: number;
  /** The same for two certificates with the same key. */
  readonly key: number;
  readonly isSelfIssued: boolean;
  /** Why it cannot issue certificates. */
  refusalAsIssuer?: 'valid' | CertificateErrorDetail;
  anchors?: readonly TrustAnchor[];
  issuers?: readonly Candidate[];
  /** What verifying its signature by a key said. */
  readonly signatures: Map<number, 'valid' | CertificateErrorDetail> = new Map();
  #names: readonly ConstrainedName[] | CertificateErrorDetail | undefined;
  #nameConstraints: NameConstraints | CertificateErrorDetail | 'none' | undefined;
  #keyIdentifier: Uint8Array | 'none' | undefined;
  #unknownIssuer: CertificateErrorDetail | undefined;
  #pathLengthExceeded: CertificateErrorDetail | undefined;

  constructor(certificate: Certificate, identity: number, key: number) {
    this.certificate = certificate;
    this.identity = identity;
    this.key = key;
    this.isSelfIssued = isSelfIssued(certificate);
  }

  /** What name constraints above it are about, or why it has no such names. */
  get names(): readonly ConstrainedName[] | CertificateErrorDetail {
    this.#names ??= attempt(() => constrainedNames(this.certificate));
    return this.#names;
  }

  /** The constraints on what is below it. */
  get nameConstraints(): NameConstraints | CertificateErrorDetail | 'none' {
    const { nameConstraints } = this.certificate.extensions;
    this.#nameConstraints ??=
      nameConstraints === undefined ? 'none' : attempt(() => parseNameConstraints(nameConstraints));
    return this.#nameConstraints;
  }

  /** Of its key, if it says so. */
  get keyIdentifier(): Uint8Array | 'none' {
    this.#keyIdentifier ??= subjectKey(this.certificate) ?? 'none';
    return this.#keyIdentifier;
  }

  /** The refusal if it leads nowhere. */
  get unknownIssuer(): CertificateErrorDetail {
    this.#unknownIssuer ??= {
      reason: 'UnknownIssuer',
      issuer: describeName(this.certificate.issuer),
      ...(this.isSelfIssued && { hint: 'which is its own issuer, but no root of ours' }),
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
