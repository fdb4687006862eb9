/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import {
  ecFieldLength,
  type EcKeyKind,
  parseRsaPublicKey,
  type SignatureVerification,
  signatureVerification as build,
  type SignatureVerificationAlgorithm,
} from '@tyls/tls-core/provider';
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

type Verify = SignatureVerificationAlgorithm['verify'];
type Digest = 'SHA256' | 'SHA384' | 'SHA512';

const rsaPkcs1Sha256 = rsa(constants.RSA_PKCS1_PADDING, 'SHA256');
const rsaPkcs1Sha384 = rsa(constants.RSA_PKCS1_PADDING, 'SHA384');
const rsaPkcs1Sha512 = rsa(constants.RSA_PKCS1_PADDING, 'SHA512');

/** Every algorithm that the seam has a name for. */
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

// Keys go in as JWK, which Node 20 imports in a fraction of the time that it takes for SPKI.

function ecdsa(kind: EcKeyKind, digest: Digest): Verify {
  const length = ecFieldLength[kind];
  const crv = { ecP256: 'P-256', ecP384: 'P-384', ecP521: 'P-521' }[kind];
  return verifier(
    (point) => {
      if (point.length !== 1 + 2 * length || point[0] !== 4) return undefined;
      const x = base64url(point.subarray(1, 1 + length));
      const y = base64url(point.subarray(1 + length));
      return createPublicKey({ key: { kty: 'EC', crv, x, y }, format: 'jwk' });
    },
    (key, message, signature) => verify(digest, message, { key, dsaEncoding: 'der' }, signature),
  );
}

function ed25519(): Verify {
  return verifier(
    (bytes) =>
      bytes.length === 32
        ? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64url(bytes) }, format: 'jwk' })
        : undefined,
    (key, message, signature) => verify(null, message, key, signature),
  );
}

function rsa(padding: number, digest: Digest): Verify {
  return verifier(
    (bytes) => {
      const key = parseRsaPublicKey(bytes);
      if (key === undefined) return undefined;
      const n = base64url(key.modulus);
      const e = base64url(key.publicExponent);
      return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
    },
    (key, message, signature) =>
      // The salt is as long as the digest; PKCS#1 v1.5 ignores it.
      verify(digest, message, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature),
  );
}

/** OpenSSL throws at malformed keys, and at some malformed signatures. */
function verifier(
  importKey: (publicKey: Uint8Array) => KeyObject | undefined,
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

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
