/** Cipher suites of TLS 1.3 (RFC 8446 section B.4), in rustls's order. */
import { CipherSuite, ProtocolVersion, type Tls13CipherSuite } from '@tyls/tls-core/provider';
import { aes128Gcm, aes256Gcm, chacha20Poly1305 } from './aead.ts';
import { sha256, sha384 } from './hash.ts';

/** A key of 32 bytes; a key update after at most 2^24 records (RFC 8446 section 5.5). */
export const TLS13_AES_256_GCM_SHA384: Tls13CipherSuite = {
  id: CipherSuite.TLS_AES_256_GCM_SHA384,
  version: ProtocolVersion.TLSv1_3,
  ...sha384,
  aead: aes256Gcm,
};

/** A key of 16 bytes; a key update after at most 2^24 records. */
export const TLS13_AES_128_GCM_SHA256: Tls13CipherSuite = {
  id: CipherSuite.TLS_AES_128_GCM_SHA256,
  version: ProtocolVersion.TLSv1_3,
  ...sha256,
  aead: aes128Gcm,
};

/** A key of 32 bytes; no limit but that of the sequence numbers. */
export const TLS13_CHACHA20_POLY1305_SHA256: Tls13CipherSuite = {
  id: CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
  version: ProtocolVersion.TLSv1_3,
  ...sha256,
  aead: chacha20Poly1305,
};

/** In the order in which a client offers and a server prefers them. */
export const tls13CipherSuites: readonly Tls13CipherSuite[] = [
  TLS13_AES_256_GCM_SHA384,
  TLS13_AES_128_GCM_SHA256,
  TLS13_CHACHA20_POLY1305_SHA256,
];
