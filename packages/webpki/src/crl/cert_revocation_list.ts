/** Certificate revocation lists (RFC 5280 section 5): complete ones of version 2, about certificates of their issuer. */
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { equalBytes } from '../bytes.ts';
import { type SignedData } from '../certificate.ts';
import { badEncodingOf } from '../error.ts';
import { readExtensions } from '../extensions.ts';
import { authorityKeyIdentifierOid, parseAuthorityKeyIdentifier } from '../key_identifier.ts';
import { readTime } from '../time.ts';
import { type IssuingDistributionPoint, parseIssuingDistributionPoint } from './distribution_point.ts';
import { crlError, readingCrl } from './error.ts';
import { RevokedCertificates } from './revoked_certificates.ts';

/** A list whose encoding is right; its signature has not been verified. All bytes borrow its DER. */
export interface CertRevocationList {
  readonly signedData: SignedData;
  /** Content of the Name's SEQUENCE. */
  readonly issuer: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly thisUpdate: number;
  /** Milliseconds since 1970 UTC. */
  readonly nextUpdate: number;
  /** Big-endian without leading zeroes, at most 20 bytes. */
  readonly crlNumber: Uint8Array;
  /** Which of the issuer's keys signed it, where the list says it (RFC 5280 section 4.2.1.1). */
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  /** Content of the extension. */
  readonly issuingDistributionPoint: (IssuingDistributionPoint & { readonly value: Uint8Array }) | undefined;
  readonly revokedCertificates: RevokedCertificates;
}

/**
 * Parses a revocation list. A million entries take half a second and 5 MB besides the DER; a look-up then takes about a
 * microsecond.
 *
 * Refused are lists without nextUpdate or cRLNumber, which RFC 5280 sections 5.1.2.5 and 5.2.3 demand; delta and indirect
 * lists; those for some reasons or for attribute certificates only; and unknown critical extensions, also of entries.
 *
 * @param der at most 2^32 - 1 bytes; kept, so that whoever changes it changes what is revoked
 * @throws TlsError `InvalidCertRevocationList`
 */
export function parseCertRevocationList(der: Uint8Array): CertRevocationList {
  return readingCrl(() => readCertRevocationList(der));
}

function readCertRevocationList(der: Uint8Array): CertRevocationList {
  const bad = badEncodingOf('CertificateList');
  const outer = new DerReader(der, bad);
  const list = outer.enter(DerTag.sequence);
  outer.finish();
  if (list.nextTag !== DerTag.sequence) throw bad('no TBSCertList');
  const { content, whole } = list.element();
  const algorithm = list.read(DerTag.sequence);
  const signature = list.bitStringBytes();
  list.finish();

  const tbs = new DerReader(content, badEncodingOf('TBSCertList'));
  // RFC 5280 section 5.1.2.1: it MUST be there, and 2 is encoded as 1.
  if (tbs.nextTag !== DerTag.integer || tbs.smallInteger() !== 1) throw crlError({ reason: 'UnsupportedCrlVersion' });
  // RFC 5280 section 5.1.1.2: the two MUST be the same.
  if (!equalBytes(tbs.read(DerTag.sequence), algorithm)) throw bad('two signature algorithms that are not the same');
  const issuer = tbs.read(DerTag.sequence);
  const thisUpdate = readTime(tbs);
  const nextUpdate = readTime(tbs);
  // RFC 5280 section 5.1.2.6 wants an empty list left out; some are not.
  const revokedCertificates = new RevokedCertificates(tbs.optional(DerTag.sequence) ?? new Uint8Array());
  const wrapper = tbs.enter(contextTag(0, true));
  const extensions = parseCrlExtensions(wrapper.enter(DerTag.sequence));
  wrapper.finish();
  tbs.finish();
  const signedData = { data: whole, algorithm, signature };
  return { signedData, issuer, thisUpdate, nextUpdate, ...extensions, revokedCertificates };
}

/** RFC 5280 section 5.2. */
function parseCrlExtensions(
  list: DerReader,
): Pick<CertRevocationList, 'crlNumber' | 'authorityKeyIdentifier' | 'issuingDistributionPoint'> {
  let crlNumber: Uint8Array | undefined;
  let authorityKeyIdentifier: Uint8Array | undefined;
  let issuingDistributionPoint: CertRevocationList['issuingDistributionPoint'];
  for (const { oid, critical, value } of readExtensions(list)) {
    switch (oid) {
      case '2.5.29.20':
        // RFC 5280 section 5.2.3: it MUST NOT be critical.
        if (critical) throw crlError({ reason: 'InvalidCrlNumber' });
        crlNumber = parseCrlNumber(value);
        break;
      case '2.5.29.27':
        throw crlError({ reason: 'UnsupportedDeltaCrl' });
      case '2.5.29.28':
        issuingDistributionPoint = { ...parseIssuingDistributionPoint(value), value };
        break;
      case authorityKeyIdentifierOid:
        authorityKeyIdentifier = parseAuthorityKeyIdentifier(value).keyIdentifier;
        break;
      default:
        // RFC 5280 section 5.2: then the list MUST NOT be used.
        if (critical) throw crlError({ reason: 'UnsupportedCriticalExtension', oid });
    }
  }
  if (crlNumber === undefined) throw crlError({ reason: 'InvalidCrlNumber' });
  return { crlNumber, authorityKeyIdentifier, issuingDistributionPoint };
}

/** RFC 5280 section 5.2.3: at most 20 bytes. */
function parseCrlNumber(value: Uint8Array): Uint8Array {
  const bad = (): Error => crlError({ reason: 'InvalidCrlNumber' });
  const reader = new DerReader(value, bad);
  const crlNumber = reader.unsignedInteger();
  reader.finish();
  if (crlNumber.length > 20) throw bad();
  return crlNumber;
}

/** Whether `a` is of a later number than `b`. */
export function isNewer(a: CertRevocationList, b: CertRevocationList): boolean {
  const [x, y] = [a.crlNumber, b.crlNumber];
  if (x.length !== y.length) return x.length > y.length;
  const different = x.findIndex((byte, i) => byte !== y[i]);
  return different >= 0 && x[different]! > y[different]!;
}
