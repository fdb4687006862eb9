/** Verification of signatures: ECDSA, Ed25519 and RSA, in the forms that TLS and certificates have them. */
import { copyOf } from '@tyls/tls-core/der';
import {
  type Awaitable,
  ecFieldLength,
  type EcKeyKind,
  type MlDsaKeyKind,
  mlDsaLength,
  parseRsaPublicKey,
  RecentKeys,
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
  const [p256, p384, p521] = [ecdsa(platform, 'ecP256'), ecdsa(platform, 'ecP384'), ecdsa(platform, 'ecP521')];
  const rsaPkcs1Sha256 = rsaPkcs1(platform, 'SHA256');
  const rsaPkcs1Sha384 = rsaPkcs1(platform, 'SHA384');
  const rsaPkcs1Sha512 = rsaPkcs1(platform, 'SHA512');
  return signatureVerification({
    ECDSA_P256_SHA256: p256('SHA256'),
    ECDSA_P256_SHA384: p256('SHA384'),
    ECDSA_P256_SHA512: p256('SHA512'),
    ECDSA_P384_SHA256: p384('SHA256'),
    ECDSA_P384_SHA384: p384('SHA384'),
    ECDSA_P384_SHA512: p384('SHA512'),
    ...(!without.includes('P-521') && {
      ECDSA_P521_SHA256: p521('SHA256'),
      ECDSA_P521_SHA384: p521('SHA384'),
      ECDSA_P521_SHA512: p521('SHA512'),
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

/** One memory of keys for all hashes. */
function ecdsa(platform: Platform, kind: EcKeyKind): (digest: Digest) => Verify {
  const length = ecFieldLength[kind];
  const importKey = importerOf(platform, { name: 'ECDSA', namedCurve: curveName[kind] }, (point) =>
    point.length === 1 + 2 * length && point[0] === 4 ? ['raw', point] : undefined,
  );
  return (digest) =>
    verifier(platform, importKey, { name: 'ECDSA', hash: hashName[digest] }, (der) => p1363FromDer(der, length));
}

function ed25519(platform: Platform): Verify {
  const algorithm = { name: 'Ed25519' };
  const importKey = importerOf(platform, algorithm, (key) => (key.length === 32 ? ['raw', key] : undefined));
  return verifier(platform, importKey, algorithm);
}

function mlDsa(platform: Platform, kind: MlDsaKeyKind): Verify {
  const algorithm = { name: mlDsaName[kind] };
  const importKey = importerOf(platform, algorithm, (key) =>
    key.length === mlDsaLength[kind].publicKey ? ['spki', subjectPublicKeyInfo(kind, key)] : undefined,
  );
  return verifier(platform, importKey, algorithm);
}

function rsaPkcs1(platform: Platform, digest: Digest): Verify {
  const name = 'RSASSA-PKCS1-v1_5';
  const importKey = importerOf(platform, { name, hash: hashName[digest] }, rsaKey);
  return verifier(platform, importKey, { name }, rsaSignature);
}

function rsaPss(platform: Platform, digest: Digest, saltLength: number): Verify {
  const name = 'RSA-PSS';
  const importKey = importerOf(platform, { name, hash: hashName[digest] }, rsaKey);
  return verifier(platform, importKey, { name, saltLength }, rsaSignature);
}

function rsaKey(publicKey: Uint8Array): ImportableKey | undefined {
  return parseRsaPublicKey(publicKey) === undefined ? undefined : ['spki', subjectPublicKeyInfo('rsa', publicKey)];
}

/** RFC 8017 section 8.1.2, step 1: there are platforms that take an RSASSA-PSS signature without its leading zeros, too. */
function rsaSignature(signature: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  return signature.length === parseRsaPublicKey(publicKey)?.modulus.length ? signature : undefined;
}

/** The form of a key that is imported. */
type ImportableKey = readonly ['raw' | 'spki', Uint8Array];

/** Gives at once what is remembered; `undefined` if it cannot be a key. */
type ImportKey = (publicKey: Uint8Array) => Awaitable<CryptoKey | undefined>;

/** @param form `undefined` if the bytes cannot be a key */
function importerOf(
  { subtle }: Platform,
  algorithm: RsaHashedImportParams | EcKeyImportParams | Algorithm,
  form: (publicKey: Uint8Array) => ImportableKey | undefined,
): ImportKey {
  const keys = new RecentKeys<CryptoKey>();
  const importAnew = async (borrowed: Uint8Array): Promise<CryptoKey | undefined> => {
    // What is remembered must be what was imported, whatever becomes of the caller's bytes meanwhile.
    const publicKey = copyOf(borrowed);
    const importable = form(publicKey);
    if (importable === undefined) return undefined;
    const [format, bytes] = importable;
    const key = await subtle.importKey(format, source(bytes), algorithm, false, ['verify']);
    keys.add(publicKey, key);
    return key;
  };
  return (publicKey) => keys.get(publicKey) ?? importAnew(publicKey);
}

/** @param convert the signature as the API has it; `undefined` if it cannot be one. By default it is the same. */
function verifier(
  platform: Platform,
  importKey: ImportKey,
  algorithm: RsaPssParams | EcdsaParams | Algorithm,
  convert: (signature: Uint8Array, publicKey: Uint8Array) => Uint8Array | undefined = (signature) => signature,
): Verify {
  return async (publicKey, message, signature) => {
    const converted = convert(signature, publicKey);
    if (converted === undefined) return false;
    const valid = await refusable(platform, async () => {
      const key = await importKey(publicKey);
      return key !== undefined && platform.subtle.verify(algorithm, key, source(converted), source(message));
    });
    return valid === true;
  };
}
