/**
 * `@tyls/crypto-noble/post-quantum`: ML-KEM-768 in hybrid groups, and ML-DSA, for any provider that is without them.
 * Apart from the main entry because it needs @noble/post-quantum, an optional peer dependency.
 *
 * ```ts
 * import { nodeProvider } from '@tyls/crypto-node';
 * import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
 * const provider = withPostQuantum(nodeProvider());
 * ```
 */
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { equalBytes } from '@noble/post-quantum/utils.js';
import {
  checkOwnPublicKey,
  type CryptoProvider,
  type Encapsulation,
  isMlDsaKey,
  type Kem,
  type MlDsaKeyKind,
  type MlDsaPrivateKey,
  parsePrivateKey,
  type SignatureVerification,
  signatureVerification as build,
  type SignatureVerificationAlgorithm,
  signingAlgorithms,
  type SigningKey,
  signingKey,
  subjectPublicKeyInfo,
  withHybrids,
} from '@tyls/tls-core/provider';
import { drawBytes, platformRandom, type Random } from './random.ts';

const parameterSets = { mlDsa44: ml_dsa44, mlDsa65: ml_dsa65, mlDsa87: ml_dsa87 };

/** ML-DSA (FIPS 204) alone, of handshakes and certificates. */
export const mlDsaVerification: SignatureVerification = build({
  ML_DSA_44: verifyWith('mlDsa44'),
  ML_DSA_65: verifyWith('mlDsa65'),
  ML_DSA_87: verifyWith('mlDsa87'),
});

/**
 * The provider with what it lacks of this: X25519MLKEM768 and SecP256r1MLKEM768, before its other groups and made with
 * its own X25519 and secp256r1; verification of ML-DSA, after its other schemes; and ML-DSA keys to sign with. All
 * randomness is the provider's.
 */
export function withPostQuantum(provider: CryptoProvider): CryptoProvider {
  const { keyExchangeGroups, signatureVerification, random } = provider;
  const { algorithms, schemes } = signatureVerification;
  const lacking = mlDsaVerification.schemes.filter(({ scheme }) => !schemes.some((one) => one.scheme === scheme));
  return {
    ...provider,
    keyExchangeGroups: withHybrids(keyExchangeGroups, mlKem768(random)),
    signatureVerification: {
      algorithms: [...algorithms, ...lacking.flatMap((one) => one.algorithms)],
      schemes: [...schemes, ...lacking],
    },
    loadPrivateKey(der) {
      // RSA that is out of bounds, or what is no key at all, is the provider's to refuse.
      if (lacking.length === 0 || der.format !== 'pkcs8') return provider.loadPrivateKey(der);
      const key = parsePrivateKey(der);
      return isMlDsaKey(key) ? mlDsaKey(key, random) : provider.loadPrivateKey(der);
    },
  };
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

function verifyWith(kind: MlDsaKeyKind): SignatureVerificationAlgorithm['verify'] {
  return (publicKey, message, signature) => {
    try {
      return parameterSets[kind].verify(signature, message, publicKey);
    } catch {
      return false; // a key or a signature of the wrong length
    }
  };
}

/** @param random for what makes signatures hedged (FIPS 204 section 3.4) */
function mlDsaKey(key: MlDsaPrivateKey, random: Random): SigningKey {
  const { kind } = key;
  const secretKey = expanded(key);
  const publicKey = subjectPublicKeyInfo(kind, parameterSets[kind].getPublicKey(secretKey));
  checkOwnPublicKey(key, publicKey);
  const sign = (message: Uint8Array): Uint8Array =>
    parameterSets[kind].sign(message, secretKey, { extraEntropy: drawBytes(random, 32) });
  return signingKey(
    signingAlgorithms[kind].map(({ scheme }) => ({ scheme, sign })),
    publicKey,
  );
}

/** The expanded key, a copy. */
function expanded({ kind, seed, expandedKey }: MlDsaPrivateKey): Uint8Array {
  if (seed === undefined) return expandedKey!.slice();
  const { secretKey } = parameterSets[kind].keygen(seed);
  // RFC 9881 section 8.2.
  if (expandedKey !== undefined && !equalBytes(secretKey, expandedKey)) {
    throw new Error('the ML-DSA private key comes with a seed that is not its own');
  }
  return secretKey;
}
