/** HKDF (RFC 5869) for providers that have HMAC. */
import { wipe } from '../codec/bytes.ts';
import { type Hkdf } from './provider.ts';

/**
 * @param hmac HMAC over one hash, of a key and of the parts of a message, which is not put together for it
 * @param outputLength of the hash, in bytes
 */
export function hkdfFromHmac(
  hmac: (key: Uint8Array, message: readonly Uint8Array[]) => Uint8Array,
  outputLength: number,
): Hkdf {
  return {
    hmac: (key, message) => hmac(key, [message]),
    extract: (salt, inputKeyMaterial) => hmac(salt, [inputKeyMaterial]),
    expand(pseudorandomKey, info, length) {
      if (length > 255 * outputLength) throw new RangeError(`HKDF-Expand gives at most ${255 * outputLength} bytes`);
      let block = hmac(pseudorandomKey, [info, Uint8Array.of(1)]);
      if (length === outputLength) return block;
      const output = new Uint8Array(length);
      output.set(block.subarray(0, length));
      // T(i-1), info, i: each block is the HMAC of it, the first without T(0).
      for (let at = outputLength, i = 2; at < length; at += outputLength, i++) {
        const next = hmac(pseudorandomKey, [block, info, Uint8Array.of(i)]);
        wipe(block);
        block = next;
        output.set(block.subarray(0, length - at), at);
      }
      wipe(block);
      return output;
    },
  };
}
