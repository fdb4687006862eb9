/** X.509 certificates (RFC 5280 section 4.1). */
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { equalBytes } from './bytes.ts';
import { badEncodingOf, certificateError } from './error.ts';
import { type CertificateExtensions, parseExtensions, type RawExtension, readExtensions } from './extensions.ts';
import { readTime } from './time.ts';

/** As many bytes as a certificate may have; a handshake has no room for larger ones. */
export const maxCertificateLength = 65_536;

/** A certificate whose encoding is right; nothing of what it says has been verified. All bytes borrow its DER. */
export interface Certificate {
  readonly der: Uint8Array;
  readonly signedData: SignedData;
  /** Content of the INTEGER, as it stands: some are negative or zero (RFC 5280 section 4.1.2.2). */
  readonly serialNumber: Uint8Array;
  /** Content of the Name's SEQUENCE. */
  readonly issuer: Uint8Array;
  /** Milliseconds since 1970 UTC; valid from its beginning. */
  readonly notBefore: number;
  /** Milliseconds since 1970 UTC; valid to the end of this second. */
  readonly notAfter: number;
  /** Content of the Name's SEQUENCE. */
  readonly subject: Uint8Array;
  /** Content of the SubjectPublicKeyInfo's SEQUENCE. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: CertificateExtensions;
}

/** What is signed, how, and the signature. */
export interface SignedData {
  /** TBSCertificate with tag and length. */
  readonly data: Uint8Array;
  /** Content of the AlgorithmIdentifier's SEQUENCE. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Parses a certificate of version 3, strictly: DER throughout, the two signature algorithms the same, no extension twice.
 *
 * @param der borrowed by the result
 * @throws TlsError `InvalidCertificate`: `BadEncoding`, `UnsupportedCertVersion`, `InvalidCertValidity`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const { version, validity, extensions, ...fields } = readCertificate(der);
  if (version !== 3) throw certificateError({ reason: 'UnsupportedCertVersion' });
  const times = new DerReader(validity, badEncodingOf('Validity'));
  const notBefore = readTime(times);
  const notAfter = readTime(times);
  times.finish();
  if (notBefore > notAfter) throw certificateError({ reason: 'InvalidCertValidity', notBefore, notAfter });
  return { notBefore, notAfter, extensions: parseExtensions(extensions), ...fields };
}

/** Whether subject and issuer are the same name (RFC 5280 section 6.1): a CA that certifies another key of its own. */
export function isSelfIssued({ subject, issuer }: Pick<Certificate, 'subject' | 'issuer'>): boolean {
  return equalBytes(subject, issuer);
}

/** The fields, with what depends on their use left as it is: a trust anchor's validity and extensions do not count. */
interface RawCertificate extends Pick<
  Certificate,
  'der' | 'signedData' | 'serialNumber' | 'issuer' | 'subject' | 'subjectPublicKeyInfo'
> {
  readonly version: 1 | 3;
  readonly validity: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export function readCertificate(der: Uint8Array): RawCertificate {
  const bad = badEncodingOf('Certificate');
  if (der.length > maxCertificateLength) throw bad(`more than ${maxCertificateLength} bytes`);
  const outer = new DerReader(der, bad);
  const certificate = outer.enter(DerTag.sequence);
  outer.finish();
  if (certificate.nextTag !== DerTag.sequence) throw bad('no TBSCertificate');
  const { content, whole } = certificate.element();
  const algorithm = certificate.read(DerTag.sequence);
  const signature = certificate.bitStringBytes();
  certificate.finish();

  const tbs = new DerReader(content, badEncodingOf('TBSCertificate'));
  const version = readVersion(tbs);
  const serialNumber = tbs.read(DerTag.integer);
  if (serialNumber.length === 0) throw bad('an empty serialNumber');
  // RFC 5280 section 4.1.1.2: the two MUST be the same.
  if (!equalBytes(tbs.read(DerTag.sequence), algorithm)) throw bad('two signature algorithms that are not the same');
  const issuer = tbs.read(DerTag.sequence);
  const validity = tbs.read(DerTag.sequence);
  const subject = tbs.read(DerTag.sequence);
  const subjectPublicKeyInfo = tbs.read(DerTag.sequence);
  let extensions: readonly RawExtension[] = [];
  if (version === 3) {
    // issuerUniqueID and subjectUniqueID: nobody has a use for them.
    tbs.optional(contextTag(1, false));
    tbs.optional(contextTag(2, false));
    const wrapper = tbs.enterOptional(contextTag(3, true));
    if (wrapper !== undefined) {
      extensions = readExtensions(wrapper.enter(DerTag.sequence));
      wrapper.finish();
    }
  }
  tbs.finish();
  const signedData = { data: whole, algorithm, signature };
  return { der, version, signedData, serialNumber, issuer, validity, subject, subjectPublicKeyInfo, extensions };
}

/** Version 1 is the default and so absent (X.690 section 11.5); version 2 has never been in use. */
function readVersion(tbs: DerReader): 1 | 3 {
  const version = tbs.enterOptional(contextTag(0, true));
  if (version === undefined) return 1;
  const number = version.smallInteger();
  version.finish();
  if (number !== 2) throw certificateError({ reason: 'UnsupportedCertVersion' });
  return 3;
}
