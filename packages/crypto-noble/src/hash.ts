/** SHA-2, HMAC and HKDF of noble. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha384 as nobleSha384 } from '@noble/hashes/sha2.js';
import { hashAndHkdf, type HashAndHkdf } from '@tyls/tls-core/provider';

/** Digests of 32 bytes. */
export const sha256: HashAndHkdf = /* @__PURE__ */ hashAndHkdf(nobleSha256, (key, data) =>
  hmac(nobleSha256, key, data),
);
/** Digests of 48 bytes. */
export const sha384: HashAndHkdf = /* @__PURE__ */ hashAndHkdf(nobleSha384, (key, data) =>
  hmac(nobleSha384, key, data),
);
