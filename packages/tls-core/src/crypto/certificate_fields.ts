/** What choosing among certificates has to know of them (RFC 5280 section 4.1): read, and nothing of it verified. */
import { equalBytes } from '../codec/bytes.ts';
import { contextTag, DerReader, DerTag } from '../codec/der.ts';
import { CertificateType, NamedGroup } from '../registry.ts';
import { publicKeyAlgorithm } from './algorithm_identifier.ts';

export interface CertificateFields {
  /** A Name in DER. */
  readonly issuer: Uint8Array;
  /** A Name in DER. */
  readonly subject: Uint8Array;
  /** With which the issuer signed: content of the AlgorithmIdentifier's SEQUENCE. */
  readonly signatureAlgorithm: Uint8Array;
  /** Of subjectPublicKeyInfo: content of the AlgorithmIdentifier's SEQUENCE. */
  readonly keyAlgorithm: Uint8Array;
}

/** @returns views of `der`; `undefined` if it is no X.509 certificate */
export function certificateFields(der: Uint8Array): CertificateFields | undefined {
  return attempt(der, readFields);
}

class BadDer extends Error {}

/** @returns `undefined` if it is not what is to be read: whoever verifies it says what is wrong */
function attempt<T>(der: Uint8Array, read: (reader: DerReader) => T): T | undefined {
  try {
    return read(new DerReader(der, (what) => new BadDer(what)));
  } catch (error) {
    if (error instanceof BadDer) return undefined;
    throw error;
  }
}

function readFields(reader: DerReader): CertificateFields {
  const tbs = reader.enter(DerTag.sequence).enter(DerTag.sequence);
  tbs.optional(contextTag(0, true));
  tbs.read(DerTag.integer);
  const signatureAlgorithm = tbs.read(DerTag.sequence);
  const issuer = tbs.element().whole;
  tbs.read(DerTag.sequence);
  const subject = tbs.element().whole;
  const keyAlgorithm = tbs.enter(DerTag.sequence).read(DerTag.sequence);
  return { issuer, subject, signatureAlgorithm, keyAlgorithm };
}

const curves: readonly (readonly [NamedGroup, Uint8Array])[] = [
  [NamedGroup.secp256r1, publicKeyAlgorithm.ecP256],
  [NamedGroup.secp384r1, publicKeyAlgorithm.ecP384],
  [NamedGroup.secp521r1, publicKeyAlgorithm.ecP521],
];

/**
 * The curve of a peer's key; `undefined` if it has none that supported_groups speaks of (RFC 8422 section 5.1.1).
 *
 * @param der a certificate, or the SubjectPublicKeyInfo of a raw public key
 */
export function keyCurve(type: CertificateType, der: Uint8Array): NamedGroup | undefined {
  const keyAlgorithm =
    type === CertificateType.RawPublicKey
      ? attempt(der, (reader) => reader.enter(DerTag.sequence).read(DerTag.sequence))
      : certificateFields(der)?.keyAlgorithm;
  if (keyAlgorithm === undefined) return undefined;
  return curves.find(([, algorithm]) => equalBytes(algorithm, keyAlgorithm))?.[0];
}
