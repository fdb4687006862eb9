/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p521 } from '@noble/curves/nist.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { type SignatureVerification, signatureVerification as build } from '@tyls/tls-core/provider';
import { ecdsa, webSignatures } from './web_signatures.ts';

/** Every algorithm that the seam has a name for, but ML-DSA. */
export const signatureVerification: SignatureVerification = build({
  ...webSignatures,
  ECDSA_P521_SHA256: ecdsa(p521, sha256),
  ECDSA_P521_SHA384: ecdsa(p521, sha384),
  ECDSA_P521_SHA512: ecdsa(p521, sha512),
  ED25519: verifyEd25519,
});

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // ZIP 215 accepts encodings of points that RFC 8032 section 5.1.3 forbids.
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // a key or a signature of the wrong length
  }
}
