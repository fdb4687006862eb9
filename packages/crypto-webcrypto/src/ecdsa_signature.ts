/**
 * ECDSA signatures in two forms: ECDSA-Sig-Value in DER (RFC 3279 section 2.2.3), which TLS and certificates have, and
 * r and s one after the other, each as long as the curve's order (IEEE P1363), which the Web Cryptography API has.
 */
import { derEncode, DerReader, DerTag } from '@tyls/tls-core/der';

/**
 * @param length of r and s in bytes
 * @returns `undefined` if it is not strict DER, or a number is too long; their range is not checked
 */
export function p1363FromDer(der: Uint8Array, length: number): Uint8Array | undefined {
  const signature = new Uint8Array(2 * length);
  try {
    const outer = new DerReader(der, (what) => new Error(what));
    const numbers = outer.enter(DerTag.sequence);
    outer.finish();
    for (const end of [length, 2 * length]) {
      const number = numbers.unsignedInteger();
      if (number.length > length) return undefined;
      signature.set(number, end - number.length);
    }
    numbers.finish();
    return signature;
  } catch {
    return undefined;
  }
}

/**
 * @param length of r and s in bytes
 * @returns `undefined` if the signature has another length
 */
export function derFromP1363(signature: Uint8Array, length: number): Uint8Array | undefined {
  if (signature.length !== 2 * length) return undefined;
  const [r, s] = [signature.subarray(0, length), signature.subarray(length)];
  return derEncode(DerTag.sequence, encodeInteger(r), encodeInteger(s));
}

/** As short as it can be, with a leading zero byte only where the first bit would make it negative. */
function encodeInteger(bigEndian: Uint8Array): Uint8Array {
  const start = bigEndian.findIndex((byte) => byte !== 0);
  const digits = bigEndian.subarray(start === -1 ? bigEndian.length - 1 : start);
  return derEncode(DerTag.integer, ...(digits[0]! >= 0x80 ? [Uint8Array.of(0)] : []), digits);
}
