/** Cipher suites of TLS 1.2 (RFC 5289, RFC 7905), in the order of speed that those of TLS 1.3 have. */
import { CipherSuite, ProtocolVersion, type Tls12CipherSuite } from '@tyls/tls-core/provider';
import { tls12 } from '@tyls/tls-core/tls12';
import { aes128Gcm, aes256Gcm, chacha20Poly1305 } from './aead.ts';
import { sha256, sha384 } from './hash.ts';

type Parts = Pick<Tls12CipherSuite, 'hash' | 'hkdf' | 'aead' | 'nonce'>;

const chacha20Poly1305Sha256: Parts = { ...sha256, aead: chacha20Poly1305, nonce: 'xor' };
const aes128GcmSha256: Parts = { ...sha256, aead: aes128Gcm, nonce: 'explicit' };
const aes256GcmSha384: Parts = { ...sha384, aead: aes256Gcm, nonce: 'explicit' };

/** For servers with an ECDSA or Ed25519 key; no limit but that of the sequence numbers. */
export const TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  version: ProtocolVersion.TLSv1_2,
  ...chacha20Poly1305Sha256,
  authentication: 'ecdsa',
  protocol: tls12,
};

/** For servers with an ECDSA or Ed25519 key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  version: ProtocolVersion.TLSv1_2,
  ...aes128GcmSha256,
  authentication: 'ecdsa',
  protocol: tls12,
};

/** For servers with an ECDSA or Ed25519 key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  version: ProtocolVersion.TLSv1_2,
  ...aes256GcmSha384,
  authentication: 'ecdsa',
  protocol: tls12,
};

/** For servers with an RSA key; no limit but that of the sequence numbers. */
export const TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  version: ProtocolVersion.TLSv1_2,
  ...chacha20Poly1305Sha256,
  authentication: 'rsa',
  protocol: tls12,
};

/** For servers with an RSA key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  version: ProtocolVersion.TLSv1_2,
  ...aes128GcmSha256,
  authentication: 'rsa',
  protocol: tls12,
};

/** For servers with an RSA key; a connection ends after at most 2^24 records. */
export const TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: Tls12CipherSuite = {
  id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  version: ProtocolVersion.TLSv1_2,
  ...aes256GcmSha384,
  authentication: 'rsa',
  protocol: tls12,
};

/** In the order in which a client offers and a server prefers them. */
export const tls12CipherSuites: readonly Tls12CipherSuite[] = [
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];
