/** AES-GCM and ChaCha20-Poly1305 (RFC 5116, RFC 8439) of noble. */
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { type Aead } from '@tyls/tls-core/provider';

const tagLength = 16;

/** RFC 8446 section 5.5 has 2^24.5 records for AES-GCM. */
export const aes128Gcm: Aead = aead(gcm, 16, 2 ** 24);
export const aes256Gcm: Aead = aead(gcm, 32, 2 ** 24);
/** RFC 8446 section 5.5: the sequence numbers run out first. */
export const chacha20Poly1305: Aead = aead(chacha20poly1305, 32, 2 ** 64);

function aead(cipher: typeof gcm | typeof chacha20poly1305, keyLength: number, confidentialityLimit: number): Aead {
  const copyKey = (key: Uint8Array): Uint8Array => {
    if (key.length !== keyLength) throw new RangeError(`this key has ${keyLength} bytes, not ${key.length}`);
    return Uint8Array.from(key);
  };
  return {
    keyLength,
    confidentialityLimit,
    sealer(rawKey) {
      const key = copyKey(rawKey);
      return {
        seal: (nonce, additionalData, plaintext) => [cipher(key, nonce, additionalData).encrypt(join(plaintext))],
      };
    },
    opener(rawKey) {
      const key = copyKey(rawKey);
      return {
        open(nonce, additionalData, ciphertext) {
          const joined = join(ciphertext);
          if (joined.length < tagLength) return undefined;
          const context = cipher(key, nonce, additionalData); // throws at a nonce of the wrong length, unlike below
          try {
            return [context.decrypt(joined)];
          } catch {
            return undefined;
          }
        },
      };
    },
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : concatBytes(...parts);
}
