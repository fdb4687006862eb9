/**
 * `@tyls/crypto-noble`: a crypto provider on the noble libraries. Pure JavaScript, synchronous, for any engine.
 *
 * Not offered: RSA signing, which in JavaScript's BigInt would tell the key by its timing.
 *
 * ```ts
 * import { nobleProvider } from '@tyls/crypto-noble';
 * const provider = nobleProvider();
 * ```
 */
import { type CryptoProvider, signatureVerification as build } from '@tyls/tls-core/provider';
import { cipherSuites } from './cipher_suites.ts';
import { curves, curvesWith, groupsOf } from './key_exchange.ts';
import { privateKeyLoaderWith } from './private_key.ts';
import { platformRandom, type Random } from './random.ts';
import { signatureVerification } from './signature_verification.ts';
import { smallX25519 } from './small_x25519.ts';
import { tls13CipherSuites } from './tls13_cipher_suites.ts';
import { webSignatures } from './web_signatures.ts';

export { cipherSuites, signatureVerification };
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

/** What {@link nobleProvider} can be told. */
export interface NobleProviderOptions {
  /**
   * Fills `bytes` with randomness fit for secrets; everything that this provider draws comes from it. Needed only on
   * an engine without `globalThis.crypto.getRandomValues`, which is the default.
   */
  readonly random?: (bytes: Uint8Array) => void;
}

/**
 * Everything that this package has. ChaCha20-Poly1305 comes first: in JavaScript it is the faster by far, and unlike
 * AES it looks up no tables by secret indexes.
 */
export function nobleProvider(options: NobleProviderOptions = {}): CryptoProvider {
  return { ...nobleTls13Provider(options), cipherSuites };
}

/** The same without the cipher suites of TLS 1.2: a bundle that has only this is without the code of that version. */
export function nobleTls13Provider(options: NobleProviderOptions = {}): CryptoProvider {
  const random: Random = options.random ?? platformRandom;
  return {
    cipherSuites: tls13CipherSuites,
    keyExchangeGroups: groupsOf(curves, random),
    signatureVerification,
    random,
    loadPrivateKey: privateKeyLoaderWith(random),
  };
}

/**
 * What a client of TLS 1.3 without a certificate of its own needs on the web, for the smallest bundle: no private keys, no
 * Ed25519 and no P-521 in certificates. A key share of X25519 takes it twice as long, but for the first of all.
 */
export function nobleTls13ClientProvider(options: NobleProviderOptions = {}): CryptoProvider {
  const random: Random = options.random ?? platformRandom;
  return {
    cipherSuites: tls13CipherSuites,
    keyExchangeGroups: groupsOf(curvesWith(smallX25519), random),
    signatureVerification: build(webSignatures),
    random,
    loadPrivateKey: loadNoPrivateKey,
  };
}

function loadNoPrivateKey(): never {
  throw new Error('nobleTls13ClientProvider loads no private keys: use nobleTls13Provider');
}
