/** Public keys as OpenSSL has them, imported from what stands in certificates. */
import {
  ecFieldLength,
  type EcKeyKind,
  type MlDsaKeyKind,
  mlDsaLength,
  parseRsaPublicKey,
  RecentKeys,
  subjectPublicKeyInfo,
} from '@tyls/tls-core/provider';
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/**
 * Imports a public key, given as in {@link SignatureVerificationAlgorithm.verify}; `undefined`, or an exception, if it
 * is malformed.
 */
export type ImportKey = (publicKey: Uint8Array) => KeyObject | undefined;

/** Uncompressed points. */
export const ecKey: Readonly<Record<EcKeyKind, ImportKey>> = {
  ecP256: remembering(ec('ecP256', 'P-256')),
  ecP384: remembering(ec('ecP384', 'P-384')),
  ecP521: remembering(ec('ecP521', 'P-521')),
};

/** 32 bytes. */
export const ed25519Key: ImportKey = remembering((bytes) =>
  bytes.length === 32 ? imported({ kty: 'OKP', crv: 'Ed25519', x: base64url(bytes) }) : undefined,
);

/** Of ML-DSA; throws where Node is without it. */
export const mlDsaKey: Readonly<Record<MlDsaKeyKind, ImportKey>> = {
  mlDsa44: remembering(mlDsa('mlDsa44')),
  mlDsa65: remembering(mlDsa('mlDsa65')),
  mlDsa87: remembering(mlDsa('mlDsa87')),
};

/** RSAPublicKey in DER, of a size that we verify with. */
export const rsaKey: ImportKey = remembering((bytes) => {
  const key = parseRsaPublicKey(bytes);
  if (key === undefined) return undefined;
  return imported({ kty: 'RSA', n: base64url(key.modulus), e: base64url(key.publicExponent) });
});

function ec(kind: EcKeyKind, crv: string): ImportKey {
  const length = ecFieldLength[kind];
  return (point) => {
    if (point.length !== 1 + 2 * length || point[0] !== 4) return undefined;
    const [x, y] = [point.subarray(1, 1 + length), point.subarray(1 + length)];
    return imported({ kty: 'EC', crv, x: base64url(x), y: base64url(y) });
  };
}

function mlDsa(kind: MlDsaKeyKind): ImportKey {
  return (bytes) => {
    if (bytes.length !== mlDsaLength[kind].publicKey) return undefined;
    return createPublicKey({ key: Buffer.from(subjectPublicKeyInfo(kind, bytes)), format: 'der', type: 'spki' });
  };
}

/** As JWK, which Node 20 imports in a fraction of the time that it takes for SPKI. */
function imported(key: JsonWebKey): KeyObject {
  return createPublicKey({ key, format: 'jwk' });
}

function remembering(importKey: ImportKey): ImportKey {
  const keys = new RecentKeys<KeyObject>();
  return (publicKey) => {
    const known = keys.get(publicKey);
    if (known !== undefined) return known;
    const key = importKey(publicKey);
    if (key !== undefined) keys.add(publicKey, key);
    return key;
  };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
