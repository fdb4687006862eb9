/** Cipher suites of TLS 1.2 (RFC 5289), in rustls's order. */
import { CipherSuite, ProtocolVersion, type Tls12CipherSuite } from '@tyls/tls-core/provider';
import { tls12 } from '@tyls/tls-core/tls12';
import { aesGcm } from './aead.ts';
import { sha256, sha384 } from './hash.ts';
import { type Platform } from './platform.ts';

export function tls12CipherSuitesOn(platform: Platform): readonly Tls12CipherSuite[] {
  const common = { version: ProtocolVersion.TLSv1_2, nonce: 'explicit', protocol: tls12 } as const;
  const aes256GcmSha384 = { ...common, ...sha384, aead: aesGcm(platform, 32) };
  const aes128GcmSha256 = { ...common, ...sha256, aead: aesGcm(platform, 16) };
  return [
    { id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, authentication: 'ecdsa', ...aes256GcmSha384 },
    { id: CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, authentication: 'ecdsa', ...aes128GcmSha256 },
    { id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, authentication: 'rsa', ...aes256GcmSha384 },
    { id: CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, authentication: 'rsa', ...aes128GcmSha256 },
  ];
}
