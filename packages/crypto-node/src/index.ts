/**
 * `@tyls/crypto-node`: a crypto provider on `node:crypto`, which is OpenSSL. Synchronous throughout.
 *
 * ```ts
 * import { nodeProvider } from '@tyls/crypto-node';
 * const provider = nodeProvider();
 * ```
 */
import { type CryptoProvider } from '@tyls/tls-core/provider';
import { randomFillSync } from 'node:crypto';
import { cipherSuites } from './cipher_suites.ts';
import { keyExchangeGroups } from './key_exchange.ts';
import { loadPrivateKey } from './private_key.ts';
import { signatureVerification } from './signature_verification.ts';

export { cipherSuites, keyExchangeGroups, loadPrivateKey, signatureVerification };
export {
  TLS13_AES_128_GCM_SHA256,
  TLS13_AES_256_GCM_SHA384,
  TLS13_CHACHA20_POLY1305_SHA256,
  tls13CipherSuites,
} from './tls13_cipher_suites.ts';
export {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  tls12CipherSuites,
} from './tls12_cipher_suites.ts';
export { secp256r1, secp384r1, x25519 } from './key_exchange.ts';
export { mlKem768 } from './ml_kem.ts';

/** Fills `bytes` from OpenSSL's random generator. */
export function random(bytes: Uint8Array): void {
  randomFillSync(bytes);
}

/** Everything that this package has, in its order of preference. */
export function nodeProvider(): CryptoProvider {
  return { cipherSuites, keyExchangeGroups, signatureVerification, random, loadPrivateKey };
}
