/** RSAPublicKey (RFC 8017 appendix A.1.1), and the limits on it. Apart from private keys, which a client may be without. */
import { derEncode, DerReader, DerTag } from '../codec/der.ts';

/** Big-endian, without leading zeros. */
export interface RsaPublicKey {
  readonly modulus: Uint8Array;
  readonly publicExponent: Uint8Array;
}

/** The content of subjectPublicKey of an RSA key. */
export function encodeRsaPublicKey(key: RsaPublicKey): Uint8Array {
  return derEncode(DerTag.sequence, encodeUnsigned(key.modulus), encodeUnsigned(key.publicExponent));
}

/**
 * Reads RSAPublicKey (RFC 8017 appendix A.1.1), within the limits that every provider keeps to: a modulus of 2048 to
 * 8192 bits, and an odd exponent from 3 to 2^33 - 1, so that nobody's key makes a verification slow.
 *
 * @returns views of `der`, or `undefined` if it is malformed or outside the limits
 */
export function parseRsaPublicKey(der: Uint8Array): RsaPublicKey | undefined {
  try {
    const key = enterSequence(der, (what) => new Error(what));
    const publicKey = { modulus: key.unsignedInteger(), publicExponent: key.unsignedInteger() };
    key.finish();
    return rsaLimitBroken(publicKey) === undefined ? publicKey : undefined;
  } catch {
    return undefined;
  }
}

/** Which limit of {@link parseRsaPublicKey} a key breaks. */
export function rsaLimitBroken({ modulus, publicExponent }: RsaPublicKey): string | undefined {
  const bits = bitLength(modulus);
  if (bits < 2048 || bits > 8192) return `its modulus has ${bits} bits, not 2048 to 8192`;
  if (modulus.at(-1)! % 2 === 0) return 'its modulus is even';
  const exponentBits = bitLength(publicExponent);
  if (exponentBits < 2 || exponentBits > 33) return 'its public exponent is under 3 or over 33 bits';
  if (publicExponent.at(-1)! % 2 === 0) return 'its public exponent is even';
  return undefined;
}

/** Of a number without leading zeros. */
function bitLength(bigEndian: Uint8Array): number {
  return bigEndian.length * 8 - (Math.clz32(bigEndian[0]!) - 24);
}

/** A reader over the content of the one SEQUENCE that `der` is. */
export function enterSequence(der: Uint8Array, fail: (what: string) => Error): DerReader {
  const outer = new DerReader(der, fail);
  const sequence = outer.enter(DerTag.sequence);
  outer.finish();
  return sequence;
}

function encodeUnsigned(bigEndian: Uint8Array): Uint8Array {
  return bigEndian[0]! < 0x80
    ? derEncode(DerTag.integer, bigEndian)
    : derEncode(DerTag.integer, Uint8Array.of(0), bigEndian);
}
