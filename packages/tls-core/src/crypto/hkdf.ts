/** HKDF (RFC 5869) for providers that have HMAC. */
import { wipe } from '../codec/bytes.ts';
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
      // T(i-1), info, i: each block is the HMAC of it, the first without T(0).
      const message = new Uint8Array(outputLength + info.length + 1);
      message.set(info, outputLength);
      const counter = message.length - 1;
      message[counter] = 1;
      let block = hmac(pseudorandomKey, message.subarray(outputLength));
      if (length === outputLength) return block;
      const output = new Uint8Array(length);
      for (let at = 0; ; at += outputLength) {
        output.set(block.subarray(0, length - at), at);
        message.set(block);
        wipe(block);
        if (at + outputLength >= length) break;
        message[counter]++;
        block = hmac(pseudorandomKey, message);
      }
      wipe(message);
      return output;
    },
  };
}
