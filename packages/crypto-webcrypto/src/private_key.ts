/** Private keys as CryptoKeys: imported ones, which nobody can extract any more, and the user's own. */
import {
  ecFieldLength,
  encodePkcs8,
  encodeRsaPublicKey,
  isEcKind,
  type KeyKind,
  type MlDsaKeyKind,
  parsePrivateKey,
  type PrivateKey,
  type PrivateKeyDer,
  type Signer,
  type SigningAlgorithm,
  signingAlgorithms,
  type SigningKey,
  signingKey,
  subjectPublicKeyInfo,
} from '@tyls/tls-core/provider';
import { derFromP1363 } from './ecdsa_signature.ts';
import { curveName, hashName, mlDsaName, type Platform, source } from './platform.ts';

const digestLength = { SHA256: 32, SHA384: 48, SHA512: 64 };

/** RSA (2048 to 8192 bits), ECDSA, Ed25519 and ML-DSA, as far as the platform has them. Rejects with an `Error` that says why. */
export function privateKeyLoaderOn({ subtle }: Platform): (der: PrivateKeyDer) => Promise<SigningKey> {
  return async (der) => {
    const key = parsePrivateKey(der);
    const pkcs8 = encodePkcs8(key);
    try {
      const publicKey = await publicKeyOf(subtle, key, pkcs8);
      // A CryptoKey is for one hash and one padding, and RSA has six pairs of them.
      const signers = signingAlgorithms[key.kind].map(async (algorithm) => {
        const parameters = keyParameters(key.kind, algorithm);
        const privateKey = await subtle.importKey('pkcs8', source(pkcs8), parameters, false, ['sign']);
        return signerOf(subtle, privateKey, key.kind, algorithm);
      });
      return signingKey(await Promise.all(signers), publicKey);
    } catch (cause) {
      throw new Error(
        `the private key is not accepted: ${cause instanceof Error ? cause.message : 'by the platform'}`,
        { cause },
      );
    } finally {
      pkcs8.fill(0);
    }
  };
}

/**
 * A signing key of a private CryptoKey, which may be non-extractable: one that the platform generated, or keeps in
 * hardware. An RSA key makes only the scheme with its own padding and hash.
 *
 * Throws a `TypeError` if it is not a private key that may sign, or makes no signature that TLS has a scheme for.
 *
 * @param crypto what the key belongs to
 * @param publicKey its SubjectPublicKeyInfo in DER, if known (`exportKey('spki', …)` gives it); kept
 */
export function signingKeyFromCryptoKey(crypto: Crypto, key: CryptoKey, publicKey?: Uint8Array): SigningKey {
  if (key.type !== 'private' || !key.usages.includes('sign')) {
    throw new TypeError(`the CryptoKey is not a private key with the usage 'sign'`);
  }
  for (const kind of Object.keys(signingAlgorithms) as KeyKind[]) {
    for (const algorithm of signingAlgorithms[kind]) {
      if (!isFor(key.algorithm, keyParameters(kind, algorithm))) continue;
      return signingKey([signerOf(crypto.subtle, key, kind, algorithm)], publicKey);
    }
  }
  throw new TypeError(`TLS has no signature scheme for this CryptoKey (${key.algorithm.name})`);
}

/** All that tells one key from another when it is imported; absent where the algorithm has no such parameter. */
interface KeyParameters {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: string;
}

function keyParameters(kind: KeyKind, { digest, padding }: SigningAlgorithm): KeyParameters {
  switch (kind) {
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'mlDsa44':
    case 'mlDsa65':
    case 'mlDsa87':
      return { name: mlDsaName[kind] };
    case 'rsa':
      return { name: padding === 'PSS' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: hashName[digest!] };
    default:
      return { name: 'ECDSA', namedCurve: curveName[kind] };
  }
}

function isFor(algorithm: KeyAlgorithm, parameters: KeyParameters): boolean {
  const { name, namedCurve, hash, modulusLength } = algorithm as Partial<EcKeyAlgorithm & RsaHashedKeyAlgorithm>;
  const tooSmall = modulusLength !== undefined && (modulusLength < 2048 || modulusLength > 8192);
  return (
    !tooSmall && name === parameters.name && namedCurve === parameters.namedCurve && hash?.name === parameters.hash
  );
}

function signerOf(subtle: SubtleCrypto, key: CryptoKey, kind: KeyKind, algorithm: SigningAlgorithm): Signer {
  const parameters = signatureParameters(kind, algorithm);
  return {
    scheme: algorithm.scheme,
    async sign(message) {
      const signature = new Uint8Array(await subtle.sign(parameters, key, source(message)));
      if (!isEcKind(kind)) return signature;
      const der = derFromP1363(signature, ecFieldLength[kind]);
      if (der === undefined) throw new Error(`the platform made an ECDSA signature of ${signature.length} bytes`);
      return der;
    },
  };
}

function signatureParameters(
  kind: KeyKind,
  { digest, padding }: SigningAlgorithm,
): Algorithm | EcdsaParams | RsaPssParams {
  if (digest === undefined) return { name: isMlDsaKind(kind) ? mlDsaName[kind] : 'Ed25519' };
  if (kind !== 'rsa') return { name: 'ECDSA', hash: hashName[digest] };
  return padding === 'PSS' ? { name: 'RSA-PSS', saltLength: digestLength[digest] } : { name: 'RSASSA-PKCS1-v1_5' };
}

/** SubjectPublicKeyInfo; `undefined` if neither the key's encoding nor the platform has it. */
async function publicKeyOf(subtle: SubtleCrypto, key: PrivateKey, pkcs8: Uint8Array): Promise<Uint8Array | undefined> {
  if (key.kind === 'rsa') return subjectPublicKeyInfo('rsa', encodeRsaPublicKey(key));
  const algorithm = signingAlgorithms[key.kind][0]!;
  const parameters = keyParameters(key.kind, algorithm);
  const privateKey = await subtle.importKey('pkcs8', source(pkcs8), parameters, true, ['sign']);
  if (key.publicKey !== undefined) {
    const spki = subjectPublicKeyInfo(key.kind, key.publicKey);
    const publicKey = await subtle.importKey('spki', source(spki), parameters, false, ['verify']);
    // Platforms believe what they read. A signature tells.
    const how = signatureParameters(key.kind, algorithm);
    const signature = await subtle.sign(how, privateKey, source(spki));
    if (await subtle.verify(how, publicKey, signature, source(spki))) return spki;
    throw new Error('the private key comes with a public key that is not its own');
  }
  // The API computes a public key only for JWK, where the private number is a string beside it: dropped at once.
  const { kty, crv, x, y, alg, pub } = (await subtle.exportKey('jwk', privateKey)) as Partial<Record<string, string>>;
  const isWhole = pub !== undefined || (x !== undefined && (y !== undefined || key.kind === 'ed25519'));
  if (!isWhole) return undefined; // @peculiar/webcrypto computes none for EC
  const publicJwk = (
    isMlDsaKind(key.kind) ? { kty, alg, pub } : { kty, crv, x, ...(y !== undefined && { y }) }
  ) as JsonWebKey;
  const publicKey = await subtle.importKey('jwk', publicJwk, parameters, true, ['verify']);
  return new Uint8Array(await subtle.exportKey('spki', publicKey));
}

function isMlDsaKind(kind: KeyKind): kind is MlDsaKeyKind {
  return kind in mlDsaName;
}
