/** SHA-2, HMAC and HKDF, which are not the platform's. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha384 as nobleSha384 } from '@noble/hashes/sha2.js';
import { type Hash, type Hkdf, hkdfFromHmac } from '@tyls/tls-core/provider';

/** A hash and what is built on it: the part of a cipher suite. */
export interface HashAndHkdf {
  readonly hash: Hash;
  readonly hkdf: Hkdf;
}

/** Digests of 32 bytes. */
export const sha256: HashAndHkdf = withHkdf(nobleSha256);
/** Digests of 48 bytes. */
export const sha384: HashAndHkdf = withHkdf(nobleSha384);

/** The API hashes only what it is given at once, and 60 to 80 promises a handshake would outweigh all the rest. */
function withHkdf(hash: typeof nobleSha256 | typeof nobleSha384): HashAndHkdf {
  return {
    hash: {
      outputLength: hash.outputLen,
      start() {
        const context = hash.create();
        return {
          update: (data) => void context.update(data),
          peek: () => context.clone().digest(),
        };
      },
    },
    hkdf: hkdfFromHmac((key, message) => hmac(hash, key, message), hash.outputLen),
  };
}
