/** Cipher suites of TLS 1.2 (RFC 5289), in rustls's order. */
import { CipherSuite, type Tls12CipherSuite } from '@tyls/tls-core/provider';
import { tls12CipherSuite } from '@tyls/tls-core/tls12';
import { aesGcm } from './aead.ts';
import { sha256, sha384 } from './hash.ts';
import { type Platform } from './platform.ts';

export function tls12CipherSuitesOn(platform: Platform): readonly Tls12CipherSuite[] {
  const [aes128Gcm, aes256Gcm] = [aesGcm(platform, 16), aesGcm(platform, 32)];
  return [
    tls12CipherSuite(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 'ecdsa', sha384, aes256Gcm, 'explicit'),
    tls12CipherSuite(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 'ecdsa', sha256, aes128Gcm, 'explicit'),
    tls12CipherSuite(CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 'rsa', sha384, aes256Gcm, 'explicit'),
    tls12CipherSuite(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 'rsa', sha256, aes128Gcm, 'explicit'),
  ];
}
