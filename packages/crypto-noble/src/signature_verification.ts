/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import {
  type SignatureVerification,
  signatureVerification as build,
  type SignatureVerificationAlgorithm,
} from '@tyls/tls-core/provider';
import { rsaPkcs1, rsaPss } from './rsa.ts';

type Verify = SignatureVerificationAlgorithm['verify'];

const rsaPkcs1Sha256 = rsaPkcs1(sha256);
const rsaPkcs1Sha384 = rsaPkcs1(sha384);
const rsaPkcs1Sha512 = rsaPkcs1(sha512);

/** Every algorithm that the seam has a name for but ML-DSA, which is in `@tyls/crypto-noble/post-quantum`. */
export const signatureVerification: SignatureVerification = build({
  ECDSA_P256_SHA256: ecdsa(p256, sha256),
  ECDSA_P256_SHA384: ecdsa(p256, sha384),
  ECDSA_P256_SHA512: ecdsa(p256, sha512),
  ECDSA_P384_SHA256: ecdsa(p384, sha256),
  ECDSA_P384_SHA384: ecdsa(p384, sha384),
  ECDSA_P384_SHA512: ecdsa(p384, sha512),
  ECDSA_P521_SHA256: ecdsa(p521, sha256),
  ECDSA_P521_SHA384: ecdsa(p521, sha384),
  ECDSA_P521_SHA512: ecdsa(p521, sha512),
  ED25519: verifyEd25519,
  RSA_PKCS1_SHA256: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512: rsaPkcs1Sha512,
  RSA_PKCS1_SHA256_ABSENT_PARAMETERS: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384_ABSENT_PARAMETERS: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512_ABSENT_PARAMETERS: rsaPkcs1Sha512,
  RSA_PSS_SHA256: rsaPss(sha256),
  RSA_PSS_SHA384: rsaPss(sha384),
  RSA_PSS_SHA512: rsaPss(sha512),
});

function ecdsa(curve: typeof p256, hash: (message: Uint8Array) => Uint8Array): Verify {
  return (publicKey, message, signature) => {
    // Only the uncompressed form (RFC 5480 section 2.2 lets us refuse the other), of which 0x04 is the mark.
    if (publicKey[0] !== 4) return false;
    try {
      // Half of all valid signatures have a high s; noble's default comes from a protocol that forbids them.
      return curve.verify(signature, hash(message), publicKey, { prehash: false, lowS: false, format: 'der' });
    } catch {
      return false; // a signature of an impossible length
    }
  };
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // ZIP 215 accepts encodings of points that RFC 8032 section 5.1.3 forbids.
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // a key or a signature of the wrong length
  }
}
