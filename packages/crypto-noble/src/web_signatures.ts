/** Verification of the signatures that servers on the web have: ECDSA on P-256 and P-384, and RSA. */
import { p256, p384 } from '@noble/curves/nist.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { type SignatureAlgorithmName, type SignatureVerificationAlgorithm } from '@tyls/tls-core/provider';
import { rsaPkcs1, rsaPss } from './rsa.ts';

type Verify = SignatureVerificationAlgorithm['verify'];

const rsaPkcs1Sha256 = rsaPkcs1(sha256);
const rsaPkcs1Sha384 = rsaPkcs1(sha384);
const rsaPkcs1Sha512 = rsaPkcs1(sha512);

/** By the names of the seam. */
export const webSignatures: Readonly<Partial<Record<SignatureAlgorithmName, Verify>>> = {
  ECDSA_P256_SHA256: ecdsa(p256, sha256),
  ECDSA_P256_SHA384: ecdsa(p256, sha384),
  ECDSA_P256_SHA512: ecdsa(p256, sha512),
  ECDSA_P384_SHA256: ecdsa(p384, sha256),
  ECDSA_P384_SHA384: ecdsa(p384, sha384),
  ECDSA_P384_SHA512: ecdsa(p384, sha512),
  RSA_PKCS1_SHA256: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512: rsaPkcs1Sha512,
  RSA_PKCS1_SHA256_ABSENT_PARAMETERS: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384_ABSENT_PARAMETERS: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512_ABSENT_PARAMETERS: rsaPkcs1Sha512,
  RSA_PSS_SHA256: rsaPss(sha256),
  RSA_PSS_SHA384: rsaPss(sha384),
  RSA_PSS_SHA512: rsaPss(sha512),
};

/** Verifies ECDSA with one hash on one curve. */
export function ecdsa(curve: typeof p256, hash: (message: Uint8Array) => Uint8Array): Verify {
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
