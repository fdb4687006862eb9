/** SHA-2, HMAC and HKDF on OpenSSL. */
import { type Hash, type Hkdf, hkdfFromHmac } from '@tyls/tls-core/provider';
import { createHash, createHmac, createSecretKey } from 'node:crypto';
import { plain } from './bytes.ts';

/** A hash and what is built on it: the part of a cipher suite. */
export interface HashAndHkdf {
  readonly hash: Hash;
  readonly hkdf: Hkdf;
}

/** Digests of 32 bytes. */
export const sha256: HashAndHkdf = hash('sha256', 32);
/** Digests of 48 bytes. */
export const sha384: HashAndHkdf = hash('sha384', 48);

function hash(algorithm: 'sha256' | 'sha384', outputLength: number): HashAndHkdf {
  // A KeyObject even for a single use: on Node 24 a raw key costs five times as much as making one.
  const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
    plain(createHmac(algorithm, createSecretKey(key)).update(message).digest());
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
