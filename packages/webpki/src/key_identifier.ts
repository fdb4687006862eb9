/** Key identifiers (RFC 5280 sections 4.2.1.1 and 4.2.1.2): hints about which key signed, which decide nothing. */
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { equalBytes } from './bytes.ts';
import { type Certificate } from './certificate.ts';
import { attempt, badEncodingOf } from './error.ts';
import { sequenceContent } from './extensions.ts';

export interface AuthorityKeyIdentifier {
  readonly keyIdentifier: Uint8Array | undefined;
  readonly hasAuthorityCertIssuer: boolean;
  readonly hasAuthorityCertSerialNumber: boolean;
}

/**
 * @param value of the extension
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function parseAuthorityKeyIdentifier(value: Uint8Array): AuthorityKeyIdentifier {
  const structure = 'AuthorityKeyIdentifier';
  const reader = new DerReader(sequenceContent(value, structure), badEncodingOf(structure));
  const keyIdentifier = reader.optional(contextTag(0, false));
  const hasAuthorityCertIssuer = reader.optional(contextTag(1, true)) !== undefined;
  const hasAuthorityCertSerialNumber = reader.optional(contextTag(2, false)) !== undefined;
  reader.finish();
  return { keyIdentifier, hasAuthorityCertIssuer, hasAuthorityCertSerialNumber };
}

/**
 * @param value of the extension
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function parseSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value, badEncodingOf('SubjectKeyIdentifier'));
  const keyIdentifier = reader.read(DerTag.octetString);
  reader.finish();
  return keyIdentifier;
}

export const subjectKeyIdentifierOid = '2.5.29.14';
export const authorityKeyIdentifierOid = '2.5.29.35';

/** Whether a certificate says that it is signed by another key than this one of its issuer's name. */
export function namesOtherKey(certificate: Certificate, issuer: Certificate): boolean {
  const wanted = authorityKey(certificate);
  const found = subjectKey(issuer);
  return wanted !== undefined && found !== undefined && !equalBytes(found, wanted);
}

/** Those with the key identifier that a certificate names first, else in the order given. */
export function keyIdentifierHints<Issuer extends { readonly keyIdentifier: Uint8Array | 'none' }>(
  certificate: Certificate,
  issuers: readonly Issuer[],
): readonly Issuer[] {
  const wanted = issuers.length < 2 ? undefined : authorityKey(certificate);
  if (wanted === undefined) return issuers;
  const named = new Set(
    issuers.filter(({ keyIdentifier }) => keyIdentifier !== 'none' && equalBytes(keyIdentifier, wanted)),
  );
  return [...named, ...issuers.filter((issuer) => !named.has(issuer))];
}

function authorityKey(certificate: Certificate): Uint8Array | undefined {
  return hint(certificate, authorityKeyIdentifierOid, (value) => parseAuthorityKeyIdentifier(value).keyIdentifier);
}

/** The key identifier of a certificate's own key, `undefined` if it has none that can be read. */
export function subjectKey(certificate: Certificate): Uint8Array | undefined {
  return hint(certificate, subjectKeyIdentifierOid, parseSubjectKeyIdentifier);
}

function hint(
  { extensions }: Certificate,
  wanted: string,
  parse: (value: Uint8Array) => Uint8Array | undefined,
): Uint8Array | undefined {
  const extension = extensions.list.find(({ oid }) => oid === wanted);
  const parsed = extension === undefined ? undefined : attempt(() => parse(extension.value));
  return parsed instanceof Uint8Array ? parsed : undefined;
}
