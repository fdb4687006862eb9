/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import {
  type EcKeyKind,
  type MlDsaKeyKind,
  type SignatureVerification,
  signatureVerification as build,
  type SignatureVerificationAlgorithm,
} from '@tyls/tls-core/provider';
import { constants, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { ecKey, ed25519Key, type ImportKey, mlDsaKey, rsaKey } from './public_keys.ts';

type Verify = SignatureVerificationAlgorithm['verify'];
type Digest = 'SHA256' | 'SHA384' | 'SHA512';

const rsaPkcs1Sha256 = rsa(constants.RSA_PKCS1_PADDING, 'SHA256');
const rsaPkcs1Sha384 = rsa(constants.RSA_PKCS1_PADDING, 'SHA384');
const rsaPkcs1Sha512 = rsa(constants.RSA_PKCS1_PADDING, 'SHA512');

/** Every algorithm that the seam has a name for; ML-DSA where Node has it, which is from 24.6 on. */
export const signatureVerification: SignatureVerification = build({
  ECDSA_P256_SHA256: ecdsa('ecP256', 'SHA256'),
  ECDSA_P256_SHA384: ecdsa('ecP256', 'SHA384'),
  ECDSA_P256_SHA512: ecdsa('ecP256', 'SHA512'),
  ECDSA_P384_SHA256: ecdsa('ecP384', 'SHA256'),
  ECDSA_P384_SHA384: ecdsa('ecP384', 'SHA384'),
  ECDSA_P384_SHA512: ecdsa('ecP384', 'SHA512'),
  ECDSA_P521_SHA256: ecdsa('ecP521', 'SHA256'),
  ECDSA_P521_SHA384: ecdsa('ecP521', 'SHA384'),
  ECDSA_P521_SHA512: ecdsa('ecP521', 'SHA512'),
  ED25519: ed25519(),
  ...(hasMlDsa() && { ML_DSA_44: mlDsa('mlDsa44'), ML_DSA_65: mlDsa('mlDsa65'), ML_DSA_87: mlDsa('mlDsa87') }),
  RSA_PKCS1_SHA256: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512: rsaPkcs1Sha512,
  RSA_PKCS1_SHA256_ABSENT_PARAMETERS: rsaPkcs1Sha256,
  RSA_PKCS1_SHA384_ABSENT_PARAMETERS: rsaPkcs1Sha384,
  RSA_PKCS1_SHA512_ABSENT_PARAMETERS: rsaPkcs1Sha512,
  RSA_PSS_SHA256: rsa(constants.RSA_PKCS1_PSS_PADDING, 'SHA256'),
  RSA_PSS_SHA384: rsa(constants.RSA_PKCS1_PSS_PADDING, 'SHA384'),
  RSA_PSS_SHA512: rsa(constants.RSA_PKCS1_PSS_PADDING, 'SHA512'),
});

function ecdsa(kind: EcKeyKind, digest: Digest): Verify {
  // With the key itself: Node 24 takes 15 µs to find out that an object with options is no key. Signatures are in DER then.
  return verifier(ecKey[kind], (key, message, signature) => verify(digest, message, key, signature));
}

function ed25519(): Verify {
  return verifier(ed25519Key, (key, message, signature) => verify(null, message, key, signature));
}

/** Whether Node, and the OpenSSL that it was linked with, know ML-DSA: only trying tells. */
function hasMlDsa(): boolean {
  try {
    // A key type that the types of older Nodes do not have.
    (generateKeyPairSync as unknown as (type: string) => unknown)('ml-dsa-44');
    return true;
  } catch {
    return false;
  }
}

function mlDsa(kind: MlDsaKeyKind): Verify {
  return verifier(mlDsaKey[kind], (key, message, signature) => verify(null, message, key, signature));
}

function rsa(padding: number, digest: Digest): Verify {
  return verifier(rsaKey, (key, message, signature) => {
    // RFC 8017 section 8.1.2, step 1: OpenSSL takes an RSASSA-PSS signature without its leading zeros, too.
    if (8 * signature.length < key.asymmetricKeyDetails!.modulusLength!) return false;
    // The salt is as long as the digest; PKCS#1 v1.5 ignores it.
    return verify(digest, message, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
  });
}

/** OpenSSL throws at malformed keys, and at some malformed signatures. */
function verifier(
  importKey: ImportKey,
  check: (key: KeyObject, message: Uint8Array, signature: Uint8Array) => boolean,
): Verify {
  return (publicKey, message, signature) => {
    try {
      const key = importKey(publicKey);
      return key !== undefined && check(key, message, signature);
    } catch {
      return false;
    }
  };
}
