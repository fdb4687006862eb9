/** What a log signed of a certificate before it was issued (RFC 6962 section 3.2). */
import { contextTag, DerReader, derEncode, DerTag } from '@tyls/tls-core/der';
import { type Certificate } from '../certificate.ts';
import { badEncodingOf } from '../error.ts';
import { oidText } from '../oid.ts';
import { extensionValue } from '../raw_extension.ts';

/** RFC 6962 section 3.3. */
const timestampListOid = '1.3.6.1.4.1.11129.2.4.2';

/**
 * @returns the SignedCertificateTimestampList in a certificate, `undefined` if it has none
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function embeddedTimestampList(certificate: Certificate): Uint8Array | undefined {
  const value = extensionValue(certificate, timestampListOid);
  if (value === undefined) return undefined;
  const reader = new DerReader(value, badEncodingOf('SignedCertificateTimestampList'));
  const list = reader.read(DerTag.octetString);
  reader.finish();
  return list;
}

/**
 * The TBSCertificate as the log saw it: without the timestamps that the log had yet to make. (The extension that poisons a
 * precertificate is not part of what is signed.)
 *
 * @returns DER of the TBSCertificate
 */
export function precertificateTbs({ signedData }: Certificate): Uint8Array {
  const bad = badEncodingOf('TBSCertificate');
  const tbs = new DerReader(signedData.data, bad).enter(DerTag.sequence);
  const fields: Uint8Array[] = [];
  while (!tbs.atEnd) {
    const { tag, content, whole } = tbs.element();
    if (tag !== contextTag(3, true)) {
      fields.push(whole);
      continue;
    }
    const kept: Uint8Array[] = [];
    const extensions = new DerReader(content, bad).enter(DerTag.sequence);
    while (!extensions.atEnd) {
      const extension = extensions.element();
      const id = new DerReader(extension.content, bad).read(DerTag.oid);
      if (oidText(id) !== timestampListOid) kept.push(extension.whole);
    }
    // Extensions are never an empty list (RFC 5280 section 4.1).
    if (kept.length > 0) fields.push(derEncode(tag, derEncode(DerTag.sequence, ...kept)));
  }
  return derEncode(DerTag.sequence, ...fields);
}
