/** Puts the parts together. */
import { type CryptoProvider } from '@tyls/tls-core/provider';
import { cipherSuitesOn } from './cipher_suites.ts';
import { groupsOn } from './key_exchange.ts';
import { type OptionalAlgorithm, type Platform } from './platform.ts';
import { privateKeyLoaderOn } from './private_key.ts';
import { signatureVerificationOn } from './signature_verification.ts';

export function providerOn(platform: Platform, without: readonly OptionalAlgorithm[]): CryptoProvider {
  return {
    cipherSuites: cipherSuitesOn(platform),
    keyExchangeGroups: groupsOn(platform, without),
    signatureVerification: signatureVerificationOn(platform, without),
    random: platform.random,
    loadPrivateKey: privateKeyLoaderOn(platform),
  };
}
