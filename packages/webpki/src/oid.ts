/** Object identifiers: the ones this package knows, and text for those it does not. */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { badEncodingOf } from './error.ts';

/** Longer ones are shown cut: a peer must not fill a log. */
const maxShownArcs = 20;

/**
 * In dotted form. What is not encoded as X.690 section 8.19 has it, or has numbers over 2^53, is shown in hexadecimal, so
 * that the text of a known object identifier is the text of no other bytes.
 *
 * @param content of the OBJECT IDENTIFIER
 */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  let isStart = true;
  for (const byte of content) {
    if (isStart && byte === 0x80) return hexText(content);
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) return hexText(content);
    isStart = byte < 0x80;
    if (!isStart) continue;
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - 40 * first);
    } else {
      arcs.push(arc);
    }
    if (arcs.length > maxShownArcs) return hexText(content);
    arc = 0;
  }
  return arcs.length > 0 && isStart ? arcs.join('.') : hexText(content);
}

function hexText(content: Uint8Array): string {
  const shown = Array.from(content.subarray(0, maxShownArcs), (byte) => byte.toString(16).padStart(2, '0'));
  return `0x${shown.join('')}${content.length > maxShownArcs ? '…' : ''}`;
}

/** What people know an algorithm or curve by; SHA-1 and its like are here since they are what is refused. */
const algorithmNames: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.2.840.10040.4.1': 'DSA',
  '1.2.840.10045.2.1': 'ECDSA',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

/**
 * For messages.
 *
 * @param algorithm content of an AlgorithmIdentifier
 */
export function algorithmText(algorithm: Uint8Array): string {
  try {
    const reader = new DerReader(algorithm, badEncodingOf('AlgorithmIdentifier'));
    const name = nameOf(reader.read(DerTag.oid));
    const curve = reader.optional(DerTag.oid);
    return curve === undefined ? name : `${name} ${nameOf(curve)}`;
  } catch {
    return hexText(algorithm);
  }
}

function nameOf(oid: Uint8Array): string {
  const text = oidText(oid);
  return algorithmNames[text] ?? text;
}
