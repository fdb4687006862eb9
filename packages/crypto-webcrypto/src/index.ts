/**
 * `@tyls/crypto-webcrypto`: a crypto provider on the Web Cryptography API. Asynchronous where the API is; hashes, HMAC
 * and HKDF come from @noble/hashes and answer at once.
 *
 * ```ts
 * import { webcryptoProvider } from '@tyls/crypto-webcrypto';
 * const provider = webcryptoProvider();
 * ```
 *
 * No ChaCha20-Poly1305, which few implementations have; another provider's can be added:
 * `{ ...provider, cipherSuites: [...provider.cipherSuites, TLS13_CHACHA20_POLY1305_SHA256] }`.
 */
import { type CryptoProvider } from '@tyls/tls-core/provider';
import { type OptionalAlgorithm, webPlatform } from './platform.ts';
import { providerOn, tls13ProviderOn } from './provider.ts';

export { type OptionalAlgorithm } from './platform.ts';
export { signingKeyFromCryptoKey } from './private_key.ts';

/** What {@link webcryptoProvider} can be told. */
export interface WebcryptoProviderOptions {
  /**
   * What the implementation lacks, and is not to be offered: these came to some of them late, or not yet. It is said
   * here because to ask the implementation would take a promise. Only of ML-KEM-768 and ML-DSA does it
   * tell at once (`SubtleCrypto.supports`): that need not be said.
   */
  readonly without?: readonly OptionalAlgorithm[];
}

/**
 * A provider on `crypto`: AES-GCM; X25519, secp256r1 and secp384r1, where it has ML-KEM-768 the hybrids of the first two; ECDSA, Ed25519 and RSA.
 *
 * Throws a `TypeError` if there is no `crypto.subtle`, as on web pages that did not come over HTTPS.
 *
 * @param crypto for @peculiar/webcrypto use `@tyls/crypto-webcrypto/peculiar`
 */
export function webcryptoProvider(
  crypto: Crypto = globalThis.crypto,
  options: WebcryptoProviderOptions = {},
): CryptoProvider {
  return providerOn(webPlatform(crypto), options.without ?? []);
}

/** The same without the cipher suites of TLS 1.2: a bundle that has only this is without the code of that version. */
export function webcryptoTls13Provider(
  crypto: Crypto = globalThis.crypto,
  options: WebcryptoProviderOptions = {},
): CryptoProvider {
  return tls13ProviderOn(webPlatform(crypto), options.without ?? []);
}
