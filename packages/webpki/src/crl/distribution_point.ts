/**
 * Distribution points: the part of an issuer's certificates that a revocation list is about (RFC 5280 section 5.2.5), and
 * the lists that a certificate names (section 4.2.1.13).
 */
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { equalBytes } from '../bytes.ts';
import { badEncodingOf } from '../error.ts';
import { sequenceContent } from '../extensions.ts';
import { crlError } from './error.ts';

export const crlDistributionPointsOid = '2.5.29.31';

/** Whether a certificate is that of an end entity, or issued the one below it. */
export type CertificateRole = 'endEntity' | 'issuer';

export interface IssuingDistributionPoint {
  /** The uniformResourceIdentifiers among the full name of the distribution point. */
  readonly uris: readonly Uint8Array[];
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
}

/**
 * @param value content of the extension
 * @throws TlsError `InvalidCertRevocationList` for what is not supported, `InvalidCertificate.BadEncoding`
 */
export function parseIssuingDistributionPoint(value: Uint8Array): IssuingDistributionPoint {
  const bad = badEncodingOf('IssuingDistributionPoint');
  const reader = new DerReader(sequenceContent(value, 'IssuingDistributionPoint'), bad);
  const distributionPoint = reader.enterOptional(contextTag(0, true));
  const onlyContainsUserCerts = readFlag(reader, 1, bad);
  const onlyContainsCACerts = readFlag(reader, 2, bad);
  const onlySomeReasons = reader.optional(contextTag(3, false));
  const indirectCRL = readFlag(reader, 4, bad);
  const onlyContainsAttributeCerts = readFlag(reader, 5, bad);
  reader.finish();
  if (indirectCRL) throw crlError({ reason: 'UnsupportedIndirectCrl' });
  if (onlySomeReasons !== undefined) throw crlError({ reason: 'UnsupportedRevocationReasonsPartitioning' });
  // RFC 5280 section 5.2.5: at most one of the three, and conforming issuers MUST leave the last FALSE.
  if (onlyContainsAttributeCerts || (onlyContainsUserCerts && onlyContainsCACerts)) {
    throw bad('a scope without public key certificates');
  }
  const uris = distributionPoint === undefined ? undefined : readFullName(distributionPoint, bad);
  if (uris === undefined) throw crlError({ reason: 'UnsupportedCrlIssuingDistributionPoint' });
  return { uris, onlyContainsUserCerts, onlyContainsCACerts };
}

/** [number] IMPLICIT BOOLEAN DEFAULT FALSE; a FALSE that should have been left out is tolerated. */
function readFlag(reader: DerReader, number: number, bad: (what: string) => Error): boolean {
  const content = reader.optional(contextTag(number, false));
  if (content === undefined) return false;
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw bad('a BOOLEAN');
  return content[0] === 0xff;
}

/**
 * @param reader over a DistributionPointName
 * @returns the uniformResourceIdentifiers in it; `undefined` if the name is relative to the issuer
 */
function readFullName(reader: DerReader, bad: (what: string) => Error): Uint8Array[] | undefined {
  const { tag, content } = reader.element();
  reader.finish();
  if (tag === contextTag(1, true)) return undefined;
  if (tag !== contextTag(0, true)) throw bad('a DistributionPointName');
  const uris: Uint8Array[] = [];
  const names = new DerReader(content, bad);
  while (!names.atEnd) {
    const name = names.element();
    if (name.tag === contextTag(6, false)) uris.push(name.content);
  }
  return uris;
}

/**
 * The uniformResourceIdentifiers of the distribution points in a certificate. Points with lists for some reasons only or
 * from another issuer count for nothing, since such lists are not supported.
 *
 * @param value content of cRLDistributionPoints
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function distributionPointUris(value: Uint8Array): Uint8Array[] {
  const bad = badEncodingOf('CRLDistributionPoints');
  const points = new DerReader(sequenceContent(value, 'CRLDistributionPoints'), bad);
  const uris: Uint8Array[] = [];
  while (!points.atEnd) {
    const point = points.enter(DerTag.sequence);
    const name = point.enterOptional(contextTag(0, true));
    const reasons = point.optional(contextTag(1, false));
    const cRLIssuer = point.optional(contextTag(2, true));
    point.finish();
    const fullName = name === undefined ? undefined : readFullName(name, bad);
    if (fullName !== undefined && reasons === undefined && cRLIssuer === undefined) uris.push(...fullName);
  }
  return uris;
}

/**
 * Whether a list with this issuingDistributionPoint is about a certificate of its issuer: one in its scope that names no
 * list, or names this one.
 *
 * @param cRLDistributionPoints of the certificate: content of the extension
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function isInScope(
  { uris, onlyContainsUserCerts, onlyContainsCACerts }: IssuingDistributionPoint,
  role: CertificateRole,
  cRLDistributionPoints: Uint8Array | undefined,
): boolean {
  if (role === 'endEntity' ? onlyContainsCACerts : onlyContainsUserCerts) return false;
  if (cRLDistributionPoints === undefined) return true;
  return distributionPointUris(cRLDistributionPoints).some((named) => uris.some((uri) => equalBytes(uri, named)));
}
