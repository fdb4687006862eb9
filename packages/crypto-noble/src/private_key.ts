/** Private keys in noble's hands: ECDSA and Ed25519. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { copyOf } from '@tyls/tls-core/der';
import {
  checkOwnPublicKey,
  type EcPrivateKey,
  type Ed25519PrivateKey,
  parsePrivateKey,
  type PrivateKeyDer,
  signingAlgorithms,
  type SigningKey,
  signingKey,
  subjectPublicKeyInfo,
} from '@tyls/tls-core/provider';
import { drawBytes, type Random } from './random.ts';

const ecCurves = { ecP256: p256, ecP384: p384, ecP521: p521 };

/** @param random for what makes ECDSA's nonces unpredictable even where a computation goes wrong */
export function privateKeyLoaderWith(random: Random): (der: PrivateKeyDer) => SigningKey {
  return (der) => {
    const key = parsePrivateKey(der);
    switch (key.kind) {
      case 'rsa':
        throw new Error(
          'this provider does not sign with RSA: use an ECDSA or Ed25519 key, or take loadPrivateKey from another ' +
            'provider, as in { ...nobleProvider(), loadPrivateKey: webcryptoProvider().loadPrivateKey }',
        );
      case 'ed25519':
        return ed25519Key(key);
      case 'mlDsa44':
      case 'mlDsa65':
      case 'mlDsa87':
        throw new Error(
          'this provider does not sign with ML-DSA by itself: use withPostQuantum(nobleProvider()) of ' +
            '@tyls/crypto-noble/post-quantum',
        );
      default:
        return ecdsaKey(key, random);
    }
  };
}

function ecdsaKey(key: EcPrivateKey, random: Random): SigningKey {
  const curve = ecCurves[key.kind];
  const scalar = copyOf(key.scalar);
  const publicKey = subjectPublicKeyInfo(key.kind, curve.getPublicKey(scalar, false));
  checkOwnPublicKey(key, publicKey);
  const sign = (message: Uint8Array): Uint8Array =>
    // Each of these curves signs with the hash that noble gives it. RFC 6979 section 3.6 has the extra entropy.
    curve.sign(message, scalar, { format: 'der', lowS: false, extraEntropy: drawBytes(random, 32) });
  return signingKey(
    signingAlgorithms[key.kind].map(({ scheme }) => ({ scheme, sign })),
    publicKey,
  );
}

function ed25519Key(key: Ed25519PrivateKey): SigningKey {
  const seed = copyOf(key.seed);
  const publicKey = subjectPublicKeyInfo('ed25519', ed25519.getPublicKey(seed));
  checkOwnPublicKey(key, publicKey);
  const sign = (message: Uint8Array): Uint8Array => ed25519.sign(message, seed);
  return signingKey(
    signingAlgorithms.ed25519.map(({ scheme }) => ({ scheme, sign })),
    publicKey,
  );
}
