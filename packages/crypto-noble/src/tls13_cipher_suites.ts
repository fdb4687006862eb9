/** Cipher suites of TLS 1.3 (RFC 8446 section B.4). */
import { CipherSuite, tls13CipherSuite, type Tls13CipherSuite } from '@tyls/tls-core/provider';
import { aes128Gcm, aes256Gcm, chacha20Poly1305 } from './aead.ts';
import { sha256, sha384 } from './hash.ts';

const { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 } = CipherSuite;

/** A key of 32 bytes; no limit but that of the sequence numbers. */
export const TLS13_CHACHA20_POLY1305_SHA256: Tls13CipherSuite = /* @__PURE__ */ tls13CipherSuite(
  TLS_CHACHA20_POLY1305_SHA256,
  sha256,
  chacha20Poly1305,
);
/** A key of 32 bytes; a key update after at most 2^24 records (RFC 8446 section 5.5). */
export const TLS13_AES_256_GCM_SHA384: Tls13CipherSuite = /* @__PURE__ */ tls13CipherSuite(
  TLS_AES_256_GCM_SHA384,
  sha384,
  aes256Gcm,
);
/** A key of 16 bytes; a key update after at most 2^24 records. */
export const TLS13_AES_128_GCM_SHA256: Tls13CipherSuite = /* @__PURE__ */ tls13CipherSuite(
  TLS_AES_128_GCM_SHA256,
  sha256,
  aes128Gcm,
);

/** AES with 128 bits before 256: it needs fewer rounds, and speed is what decides in JavaScript. */
export const tls13CipherSuites: readonly Tls13CipherSuite[] = [
  TLS13_CHACHA20_POLY1305_SHA256,
  TLS13_AES_128_GCM_SHA256,
  TLS13_AES_256_GCM_SHA384,
];
