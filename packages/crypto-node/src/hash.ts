/** SHA-2, HMAC and HKDF on OpenSSL. */
import { type HashAndHkdf, hkdfFromHmac } from '@tyls/tls-core/provider';
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { plain } from './bytes.ts';

/** Node 23 to 25 take 15 µs for a raw key, and 4 for the KeyObject made of it; the others are faster without (3 and 5). */
const hmacKey: (key: Uint8Array) => Uint8Array | KeyObject = /^v2[345]/.test(process.version)
  ? (key) => createSecretKey(key)
  : (key) => key;

/** Digests of 32 bytes. */
export const sha256: HashAndHkdf = hash('sha256', 32);
/** Digests of 48 bytes. */
export const sha384: HashAndHkdf = hash('sha384', 48);

function hash(algorithm: 'sha256' | 'sha384', outputLength: number): HashAndHkdf {
  const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
    plain(createHmac(algorithm, hmacKey(key)).update(message).digest());
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
    hkdf: hkdfFromHmac(hmac, outputLength),
  };
}
