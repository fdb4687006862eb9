/** Puts the parts together. */
import { type CryptoProvider } from '@tyls/tls-core/provider';
import { groupsOn } from './key_exchange.ts';
import { type OptionalAlgorithm, type Platform } from './platform.ts';
import { privateKeyLoaderOn } from './private_key.ts';
import { signatureVerificationOn } from './signature_verification.ts';
import { tls12CipherSuitesOn } from './tls12_cipher_suites.ts';
import { tls13CipherSuitesOn } from './tls13_cipher_suites.ts';

export function providerOn(platform: Platform, without: readonly OptionalAlgorithm[]): CryptoProvider {
  const tls13 = tls13ProviderOn(platform, without);
  return { ...tls13, cipherSuites: [...tls13.cipherSuites, ...tls12CipherSuitesOn(platform)] };
}

/** Without what belongs to TLS 1.2 alone. */
export function tls13ProviderOn(platform: Platform, without: readonly OptionalAlgorithm[]): CryptoProvider {
  return {
    cipherSuites: tls13CipherSuitesOn(platform),
    keyExchangeGroups: groupsOn(platform, without),
    signatureVerification: signatureVerificationOn(platform, without),
    random: platform.random,
    loadPrivateKey: privateKeyLoaderOn(platform),
  };
}
