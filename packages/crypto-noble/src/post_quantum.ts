/**
 * `@tyls/crypto-noble/post-quantum`: ML-KEM-768 in hybrid groups, for any provider that is without them. Apart from the
 * main entry because it needs @noble/post-quantum, an optional peer dependency.
 *
 * ```ts
 * import { nodeProvider } from '@tyls/crypto-node';
 * import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
 * const provider = withPostQuantum(nodeProvider());
 * ```
 */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { type CryptoProvider, type Encapsulation, type Kem, withHybrids } from '@tyls/tls-core/provider';
import { drawBytes, platformRandom, type Random } from './random.ts';

/**
 * The provider with what it lacks of this: X25519MLKEM768 and SecP256r1MLKEM768, before its other groups and made with
 * its own X25519 and secp256r1. All randomness is the provider's.
 */
export function withPostQuantum(provider: CryptoProvider): CryptoProvider {
  return { ...provider, keyExchangeGroups: withHybrids(provider.keyExchangeGroups, mlKem768(provider.random)) };
}

/**
 * ML-KEM-768 (FIPS 203).
 *
 * @param random fills its argument with randomness fit for secrets; `globalThis.crypto.getRandomValues` by default
 */
export function mlKem768(random: Random = platformRandom): Kem {
  return {
    generateKeyPair() {
      const seed = drawBytes(random, 64);
      const { publicKey, secretKey } = ml_kem768.keygen(seed);
      seed.fill(0);
      return {
        encapsulationKey: publicKey,
        decapsulate(ciphertext) {
          try {
            return ml_kem768.decapsulate(ciphertext, secretKey);
          } finally {
            secretKey.fill(0);
          }
        },
      };
    },
    encapsulate(encapsulationKey) {
      const message = drawBytes(random, 32);
      try {
        return encapsulateTo(encapsulationKey, message);
      } finally {
        message.fill(0);
      }
    },
  };
}

function encapsulateTo(encapsulationKey: Uint8Array, message: Uint8Array): Encapsulation | undefined {
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, message);
    return { ciphertext: cipherText, sharedSecret };
  } catch {
    return undefined; // a key whose coefficients are not all below the modulus
  }
}
