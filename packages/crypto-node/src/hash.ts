/** SHA-2, HMAC and HKDF on OpenSSL. */
import { type HashAndHkdf, hkdfFromHmac } from '@tyls/tls-core/provider';
import { createHash, createHmac, hash as hashOnce } from 'node:crypto';
import { plain } from './bytes.ts';

/** In bytes: longer than what the HMACs of a handshake are over. */
const short = 512;

/** Digests of 32 bytes. */
export const sha256: HashAndHkdf = hash('sha256', 32, 64);
/** Digests of 48 bytes. */
export const sha384: HashAndHkdf = hash('sha384', 48, 128);

type Algorithm = 'sha256' | 'sha384';

function hash(algorithm: Algorithm, outputLength: number, blockLength: number): HashAndHkdf {
  return {
    hash: {
      outputLength,
      start() {
        const context = createHash(algorithm);
        return {
          update: (data) => void context.update(data),
          peek: () => plain(context.copy().digest()),
        };
      },
    },
    hkdf: hkdfFromHmac(hmac(algorithm, outputLength, blockLength), outputLength),
  };
}

/**
 * HMAC (RFC 2104) by hashing twice, each in one call. `createHmac` is as fast for itself, but not on Node 24, which takes
 * 13 µs for a raw key and 4 to 5 for a KeyObject, where this takes 2 to 3; and each of the 42 of a handshake would leave a
 * stream and a native object for the garbage collector.
 */
function hmac(
  algorithm: Algorithm,
  outputLength: number,
  blockLength: number,
): (key: Uint8Array, message: readonly Uint8Array[]) => Uint8Array {
  const inner = new Uint8Array(blockLength + short);
  const outer = new Uint8Array(blockLength + outputLength);
  return (key, message) => {
    let end = blockLength;
    for (const { length } of message) end += length;
    if (key.length > blockLength || end > inner.length) {
      const context = createHmac(algorithm, key);
      for (const part of message) context.update(part);
      return plain(context.digest());
    }
    for (let i = 0; i < key.length; i++) {
      inner[i] = key[i]! ^ 0x36;
      outer[i] = key[i]! ^ 0x5c;
    }
    inner.fill(0x36, key.length, blockLength);
    outer.fill(0x5c, key.length, blockLength);
    let at = blockLength;
    for (const part of message) {
      inner.set(part, at);
      at += part.length;
    }
    const digest = hashOnce(algorithm, inner.subarray(0, end), 'buffer');
    outer.set(digest, blockLength);
    const code = plain(hashOnce(algorithm, outer, 'buffer'));
    digest.fill(0);
    inner.fill(0, 0, end);
    outer.fill(0);
    return code;
  };
}
