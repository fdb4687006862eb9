/** HKDF (RFC 5869) for providers that have HMAC. */
import { concat, wipe } from '../codec/bytes.ts';
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
      const first = new Uint8Array(info.length + 1);
      first.set(info);
      first[info.length] = 1;
      let block = hmac(pseudorandomKey, first);
      if (length === outputLength) return block;
      const output = new Uint8Array(length);
      output.set(block.subarray(0, length));
      // T(i-1), info, i: each block is the HMAC of it, the first without T(0).
      for (let at = outputLength, i = 2; at < length; at += outputLength, i++) {
        const message = concat([block, info, Uint8Array.of(i)]);
        wipe(block);
        block = hmac(pseudorandomKey, message);
        wipe(message);
        output.set(block.subarray(0, length - at), at);
      }
      wipe(block);
      return output;
    },
  };
}
