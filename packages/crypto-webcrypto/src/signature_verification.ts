/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import {
  ecFieldLength,
  type EcKeyKind,
  type MlDsaKeyKind,
  mlDsaLength,
  parseRsaPublicKey,
  type SignatureVerification,
  signatureVerification,
  type SignatureVerificationAlgorithm,
  subjectPublicKeyInfo,
} from '@tyls/tls-core/provider';
import { p1363FromDer } from './ecdsa_signature.ts';
import {
  curveName,
  hashName,
  mlDsaName,
  type OptionalAlgorithm,
  type Platform,
  refusable,
  source,
} from './platform.ts';

type Verify = SignatureVerificationAlgorithm['verify'];
type Digest = keyof typeof hashName;

/** Every algorithm that the seam has a name for, but for those that the platform is without. */
export function signatureVerificationOn(
  platform: Platform,
  without: readonly OptionalAlgorithm[],
): SignatureVerification {
  const rsaPkcs1Sha256 = rsaPkcs1(platform, 'SHA256');
  const rsaPkcs1Sha384 = rsaPkcs1(platform, 'SHA384');
  const rsaPkcs1Sha512 = rsaPkcs1(platform, 'SHA512');
  return signatureVerification({
    ECDSA_P256_SHA256: ecdsa(platform, 'ecP256', 'SHA256'),
    ECDSA_P256_SHA384: ecdsa(platform, 'ecP256', 'SHA384'),
    ECDSA_P256_SHA512: ecdsa(platform, 'ecP256', 'SHA512'),
    ECDSA_P384_SHA256: ecdsa(platform, 'ecP384', 'SHA256'),
    ECDSA_P384_SHA384: ecdsa(platform, 'ecP384', 'SHA384'),
    ECDSA_P384_SHA512: ecdsa(platform, 'ecP384', 'SHA512'),
    ...(!without.includes('P-521') && {
      ECDSA_P521_SHA256: ecdsa(platform, 'ecP521', 'SHA256'),
      ECDSA_P521_SHA384: ecdsa(platform, 'ecP521', 'SHA384'),
      ECDSA_P521_SHA512: ecdsa(platform, 'ecP521', 'SHA512'),
    }),
    ...(!without.includes('Ed25519') && { ED25519: ed25519(platform) }),
    ...(!without.includes('ML-DSA') && {
      ...(platform.supports('verify', mlDsaName.mlDsa44) && { ML_DSA_44: mlDsa(platform, 'mlDsa44') }),
      ...(platform.supports('verify', mlDsaName.mlDsa65) && { ML_DSA_65: mlDsa(platform, 'mlDsa65') }),
      ...(platform.supports('verify', mlDsaName.mlDsa87) && { ML_DSA_87: mlDsa(platform, 'mlDsa87') }),
    }),
    RSA_PKCS1_SHA256: rsaPkcs1Sha256,
    RSA_PKCS1_SHA384: rsaPkcs1Sha384,
    RSA_PKCS1_SHA512: rsaPkcs1Sha512,
    RSA_PKCS1_SHA256_ABSENT_PARAMETERS: rsaPkcs1Sha256,
    RSA_PKCS1_SHA384_ABSENT_PARAMETERS: rsaPkcs1Sha384,
    RSA_PKCS1_SHA512_ABSENT_PARAMETERS: rsaPkcs1Sha512,
    RSA_PSS_SHA256: rsaPss(platform, 'SHA256', 32),
    RSA_PSS_SHA384: rsaPss(platform, 'SHA384', 48),
    RSA_PSS_SHA512: rsaPss(platform, 'SHA512', 64),
  });
}

function ecdsa(platform: Platform, kind: EcKeyKind, digest: Digest): Verify {
  const length = ecFieldLength[kind];
  return verifier(platform, {
    key: (point) => (point.length === 1 + 2 * length && point[0] === 4 ? ['raw', point] : undefined),
    keyAlgorithm: { name: 'ECDSA', namedCurve: curveName[kind] },
    signature: (der) => p1363FromDer(der, length),
    algorithm: { name: 'ECDSA', hash: hashName[digest] },
  });
}

function ed25519(platform: Platform): Verify {
  return verifier(platform, {
    key: (publicKey) => (publicKey.length === 32 ? ['raw', publicKey] : undefined),
    keyAlgorithm: { name: 'Ed25519' },
    algorithm: { name: 'Ed25519' },
  });
}

function mlDsa(platform: Platform, kind: MlDsaKeyKind): Verify {
  return verifier(platform, {
    key: (publicKey) =>
      publicKey.length === mlDsaLength[kind].publicKey ? ['spki', subjectPublicKeyInfo(kind, publicKey)] : undefined,
    keyAlgorithm: { name: mlDsaName[kind] },
    algorithm: { name: mlDsaName[kind] },
  });
}

function rsaPkcs1(platform: Platform, digest: Digest): Verify {
  return verifier(platform, {
    key: rsaKey,
    signature: rsaSignature,
    keyAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: hashName[digest] },
    algorithm: { name: 'RSASSA-PKCS1-v1_5' },
  });
}

function rsaPss(platform: Platform, digest: Digest, saltLength: number): Verify {
  return verifier(platform, {
    key: rsaKey,
    signature: rsaSignature,
    keyAlgorithm: { name: 'RSA-PSS', hash: hashName[digest] },
    algorithm: { name: 'RSA-PSS', saltLength },
  });
}

function rsaKey(publicKey: Uint8Array): ImportableKey | undefined {
  return parseRsaPublicKey(publicKey) === undefined ? undefined : ['spki', subjectPublicKeyInfo('rsa', publicKey)];
}

/** RFC 8017 section 8.1.2, step 1: there are platforms that take an RSASSA-PSS signature without its leading zeros, too. */
function rsaSignature(signature: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  return signature.length === parseRsaPublicKey(publicKey)?.modulus.length ? signature : undefined;
}

type ImportableKey = readonly ['raw' | 'spki', Uint8Array];

interface Verification {
  /** The key in the form to import; `undefined` if it cannot be one. */
  readonly key: (publicKey: Uint8Array) => ImportableKey | undefined;
  readonly keyAlgorithm: RsaHashedImportParams | EcKeyImportParams | Algorithm;
  /** The signature as the API has it; `undefined` if it cannot be one. The same where this is absent. */
  readonly signature?: (signature: Uint8Array, publicKey: Uint8Array) => Uint8Array | undefined;
  readonly algorithm: RsaPssParams | EcdsaParams | Algorithm;
}

function verifier(platform: Platform, verification: Verification): Verify {
  const { subtle } = platform;
  const { key, keyAlgorithm, signature: convert, algorithm } = verification;
  return async (publicKey, message, signature) => {
    const importable = key(publicKey);
    const converted = convert === undefined ? signature : convert(signature, publicKey);
    if (importable === undefined || converted === undefined) return false;
    const [format, bytes] = importable;
    const valid = await refusable(platform, async () => {
      const imported = await subtle.importKey(format, source(bytes), keyAlgorithm, false, ['verify']);
      return subtle.verify(algorithm, imported, source(converted), source(message));
    });
    return valid === true;
  };
}
