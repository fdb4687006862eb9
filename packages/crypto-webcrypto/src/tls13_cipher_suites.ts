/** Cipher suites of TLS 1.3 (RFC 8446 section B.4), in rustls's order. */
import { CipherSuite, tls13CipherSuite, type Tls13CipherSuite } from '@tyls/tls-core/provider';
import { aesGcm } from './aead.ts';
import { sha256, sha384 } from './hash.ts';
import { type Platform } from './platform.ts';

export function tls13CipherSuitesOn(platform: Platform): readonly Tls13CipherSuite[] {
  return [
    tls13CipherSuite(CipherSuite.TLS_AES_256_GCM_SHA384, sha384, aesGcm(platform, 32)),
    tls13CipherSuite(CipherSuite.TLS_AES_128_GCM_SHA256, sha256, aesGcm(platform, 16)),
  ];
}
