/** Private keys as CryptoKeys: imported ones, which nobody can extract any more, and the user's own. */
import {
  ecFieldLength,
  encodePkcs8,
  encodeRsaPublicKey,
  type KeyKind,
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
import { curveName, hashName, type Platform, source } from './platform.ts';

const digestLength = { SHA256: 32, SHA384: 48, SHA512: 64 };

/** RSA (2048 to 8192 bits), ECDSA and Ed25519, as far as the platform has them. Rejects with an `Error` that says why. */
export function privateKeyLoaderOn({ subtle }: Platform): (der: PrivateKeyDer) => Promise<SigningKey> {
  return async (der) => {
    const key = parsePrivateKey(der);
    const pkcs8 = encodePkcs8(key);
    try {
      const publicKey = await publicKeyOf(subtle, key, pkcs8);
      // A CryptoKey is for one hash and one padding, and RSA has six pairs of them.
      const signers = signingAlgorithms[key.kind].map(async (algorithm) => {
        const parameters = keyParameters(key.kind, algorithm);
        const imported = await subtle.importKey('pkcs8', source(pkcs8), parameters, false, ['sign']);
        return signerOf(subtle, imported, key.kind, algorithm);
      });
      return signingKey(await Promise.all(signers), subjectPublicKeyInfo(key.kind, publicKey));
    } catch (cause) {
      throw new Error('the platform does not accept the private key', { cause });
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
      if (kind === 'rsa' || kind === 'ed25519') return signature;
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
  if (digest === undefined) return { name: 'Ed25519' };
  if (kind !== 'rsa') return { name: 'ECDSA', hash: hashName[digest] };
  return padding === 'PSS' ? { name: 'RSA-PSS', saltLength: digestLength[digest] } : { name: 'RSASSA-PKCS1-v1_5' };
}

/** The content of subjectPublicKey. */
async function publicKeyOf(subtle: SubtleCrypto, key: PrivateKey, pkcs8: Uint8Array): Promise<Uint8Array> {
  if (key.kind === 'rsa') return encodeRsaPublicKey(key);
  if (key.publicKey !== undefined) return key.publicKey.slice();
  // The API computes a public key only for JWK, beside the private number; a copy of that is not kept here.
  const algorithm = keyParameters(key.kind, signingAlgorithms[key.kind][0]!);
  const extractable = await subtle.importKey('pkcs8', source(pkcs8), algorithm, true, ['sign']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', extractable);
  const publicJwk = { kty, crv, x, ...(y !== undefined && { y }) } as JsonWebKey;
  const publicKey = await subtle.importKey('jwk', publicJwk, algorithm, true, ['verify']);
  return new Uint8Array(await subtle.exportKey('raw', publicKey));
}
