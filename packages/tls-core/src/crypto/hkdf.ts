/** HKDF (RFC 5869) for providers that have HMAC. */
import { concat } from '../codec/bytes.ts';
import { type Hkdf } from './provider.ts';

/**
 * @param hmac HMAC over one hash, of a key and a message
 * @param outputLength of the hash, in bytes
 */
export function hkdfFromHmac(hmac: (key: Uint8Array, message: Uint8Array) => Uint8Array, outputLength: number): Hkdf {
  return {
    hmac,
    extract: hmac,
    expand(pseudorandomKey, info, length) {
      if (length > 255 * outputLength) throw new RangeError(`HKDF-Expand gives at most ${255 * outputLength} bytes`);
      const output = new Uint8Array(length);
      let block: Uint8Array = new Uint8Array(0);
      for (let at = 0, counter = 1; at < length; at += outputLength, counter++) {
        block = hmac(pseudorandomKey, concat([block, info, Uint8Array.of(counter)]));
        output.set(block.subarray(0, length - at), at);
      }
      return output;
    },
  };
}
