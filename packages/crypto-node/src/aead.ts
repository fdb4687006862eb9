/** AES-GCM and ChaCha20-Poly1305 (RFC 5116, RFC 8439) on OpenSSL's streaming ciphers: no part is ever copied. */
import { type Aead } from '@tyls/tls-core/provider';
import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { plain } from './bytes.ts';

const tagLength = 16;
// No other length is accepted then.
const options = { authTagLength: tagLength } as const;

/** RFC 8446 section 5.5 has 2^24.5 records. */
export const aes128Gcm: Aead = aead('aes-128-gcm', 16, 2 ** 24);
export const aes256Gcm: Aead = aead('aes-256-gcm', 32, 2 ** 24);
/** RFC 8446 section 5.5: the sequence numbers run out first. */
export const chacha20Poly1305: Aead = aead('chacha20-poly1305', 32, 2 ** 64);

/** Up to so many bytes a copy costs less than another call into OpenSSL, and less still than what that allocates. */
const short = 4096;

function joinShort(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (parts.length === 1) return parts;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return length <= short ? [Buffer.concat(parts, length)] : parts;
}

function aead(
  algorithm: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305',
  keyLength: number,
  confidentialityLimit: number,
): Aead {
  // node:crypto's types give ChaCha20-Poly1305 the methods of CCM, whose setAAD demands a length that it does not need.
  const cipher = algorithm as CipherGCMTypes;
  const keyObject = (key: Uint8Array): KeyObject => {
    if (key.length !== keyLength)
      throw new RangeError(`a key of ${algorithm} has ${keyLength} bytes, not ${key.length}`);
    return createSecretKey(key);
  };
  return {
    keyLength,
    confidentialityLimit,
    sealer(rawKey) {
      const key = keyObject(rawKey);
      return {
        seal(nonce, additionalData, plaintext) {
          const context = createCipheriv(cipher, key, nonce, options);
          context.setAAD(additionalData);
          const pieces = joinShort(plaintext).map((part) => plain(context.update(part)));
          context.final(); // empty: these are stream ciphers
          pieces.push(plain(context.getAuthTag()));
          return pieces;
        },
      };
    },
    opener(rawKey) {
      const key = keyObject(rawKey);
      return {
        open(nonce, additionalData, ciphertext) {
          const tagIsWhole = ciphertext.at(-1)!.length >= tagLength;
          const parts = tagIsWhole ? joinShort(ciphertext) : [Buffer.concat(ciphertext)];
          const last = parts.at(-1)!;
          if (last.length < tagLength) return undefined;
          const context = createDecipheriv(cipher, key, nonce, options);
          context.setAAD(additionalData);
          context.setAuthTag(last.subarray(-tagLength));
          const encrypted = [...parts.slice(0, -1), last.subarray(0, -tagLength)];
          const pieces = encrypted.map((part) => plain(context.update(part)));
          try {
            context.final();
          } catch {
            for (const piece of pieces) piece.fill(0); // never to be seen, since nobody vouches for it
            return undefined;
          }
          return pieces;
        },
      };
    },
  };
}
