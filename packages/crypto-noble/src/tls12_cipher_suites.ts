/** Cipher suites of TLS 1.2 (RFC 5289, RFC 7905), in the order of speed that those of TLS 1.3 have. */
import { CipherSuite, type Tls12CipherSuite } from '@tyls/tls-core/provider';
import { tls12CipherSuite } from '@tyls/tls-core/tls12';
import { aes128Gcm, aes256Gcm, chacha20Poly1305 } from './aead.ts';
import { sha256, sha384 } from './hash.ts';

/** For servers with an ECDSA or Ed25519 key; no limit but that of the sequence numbers. */
export const TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  'ecdsa',
  sha256,
  chacha20Poly1305,
  'xor',
);

/** For servers with an ECDSA or Ed25519 key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  'ecdsa',
  sha256,
  aes128Gcm,
  'explicit',
);

/** For servers with an ECDSA or Ed25519 key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  'ecdsa',
  sha384,
  aes256Gcm,
  'explicit',
);

/** For servers with an RSA key; no limit but that of the sequence numbers. */
export const TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  'rsa',
  sha256,
  chacha20Poly1305,
  'xor',
);

/** For servers with an RSA key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  'rsa',
  sha256,
  aes128Gcm,
  'explicit',
);

/** For servers with an RSA key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = /* @__PURE__ */ tls12CipherSuite(
  CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  'rsa',
  sha384,
  aes256Gcm,
  'explicit',
);

/** In the order in which a client offers and a server prefers them. */
export const tls12CipherSuites: readonly Tls12CipherSuite[] = [
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];
