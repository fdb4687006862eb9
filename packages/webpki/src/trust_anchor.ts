/** Trust anchors (RFC 5280 section 6.1.1): what is trusted without asking. */
import { isTlsError, type TlsError } from '@tyls/tls-core';
import { copyOf, derEncode, DerTag } from '@tyls/tls-core/der';
import { binaryString } from './bytes.ts';
import { readCertificate } from './certificate.ts';
import { nameConstraintsOid, sequenceContent } from './extensions.ts';
import { certificatesFromPem } from './pem.ts';

/** A name and a key that are trusted to issue certificates. */
export interface TrustAnchor {
  /** Content of the Name's SEQUENCE, in DER. */
  readonly subject: Uint8Array;
  /** Content of the SubjectPublicKeyInfo's SEQUENCE, in DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Content of the NameConstraints' SEQUENCE, in DER: what is below must keep to them. */
  readonly nameConstraints?: Uint8Array;
  /** End entities whose validity begins after it are not trusted; milliseconds since 1970 UTC. */
  readonly distrustAfter?: number;
  /** Its certificate in DER, where it is known. It counts only for policies that have rules about it. */
  readonly certificate?: Uint8Array;
}

/**
 * Takes a certificate of a root as trust anchor. Its validity, purposes and signature do not count: it is trusted
 * because it is in the store (RFC 5280 section 6.2 leaves this to implementations). A policy may demand more of it.
 *
 * @param der of version 3, or of version 1 as some old roots are; copied
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function trustAnchorFromCertificate(der: Uint8Array): TrustAnchor {
  const { subject, subjectPublicKeyInfo, extensions } = readCertificate(der);
  const constraints = extensions.find(({ oid }) => oid === nameConstraintsOid);
  return {
    subject: copyOf(subject),
    subjectPublicKeyInfo: copyOf(subjectPublicKeyInfo),
    ...(constraints !== undefined && {
      nameConstraints: copyOf(sequenceContent(constraints.value, 'NameConstraints')),
    }),
    certificate: copyOf(der),
  };
}

export interface ParsedTrustAnchors {
  readonly anchors: readonly TrustAnchor[];
  /** Those that are no certificates. */
  readonly ignored: readonly { readonly certificate: Uint8Array; readonly error: TlsError }[];
}

/** The trust anchors in a collection such as an operating system's, where some may be too old or broken to be read. */
export function trustAnchorsFromCertificates(certificates: Iterable<Uint8Array>): ParsedTrustAnchors {
  const anchors: TrustAnchor[] = [];
  const ignored: { certificate: Uint8Array; error: TlsError }[] = [];
  for (const certificate of certificates) {
    try {
      anchors.push(trustAnchorFromCertificate(certificate));
    } catch (error) {
      if (!isTlsError(error)) throw error;
      ignored.push({ certificate, error });
    }
  }
  return { anchors, ignored };
}

/** Trust anchors, found by name. Immutable; make one and share it. */
export class RootStore {
  readonly anchors: readonly TrustAnchor[];
  readonly #bySubject = new Map<string, TrustAnchor[]>();

  /**
   * @param anchors kept, with their bytes: whoever changes them changes what is trusted
   * @throws RangeError if there are none
   */
  constructor(anchors: Iterable<TrustAnchor>) {
    this.anchors = [...anchors];
    if (this.anchors.length === 0) {
      throw new RangeError('no roots in the store: every certificate will be unknown issuer');
    }
    for (const anchor of this.anchors) {
      const key = binaryString(anchor.subject);
      const known = this.#bySubject.get(key);
      if (known === undefined) this.#bySubject.set(key, [anchor]);
      else known.push(anchor);
    }
  }

  /** @param name content of a Name's SEQUENCE, in DER */
  withSubject(name: Uint8Array): readonly TrustAnchor[] {
    return this.#bySubject.get(binaryString(name)) ?? [];
  }

  /** The anchors' Names in DER, as certificate_authorities carries them (RFC 8446 section 4.2.4). */
  get subjects(): readonly Uint8Array[] {
    return this.anchors.map(({ subject }) => derEncode(DerTag.sequence, subject));
  }
}

/**
 * A root store of trust anchors, or of certificates in PEM.
 *
 * @throws RangeError if there is nothing in it
 * @throws TypeError if the text is no PEM; TlsError `InvalidCertificate.BadEncoding` if one of its certificates is broken
 */
export function rootStore(roots: string | Uint8Array | Iterable<TrustAnchor>): RootStore {
  const isPem = typeof roots === 'string' || roots instanceof Uint8Array;
  return new RootStore(isPem ? certificatesFromPem(roots).map(trustAnchorFromCertificate) : roots);
}
