/** ECDHE groups (RFC 8446 section 4.2.8.2, RFC 7748). */
import { type ActiveKeyExchange, type KeyExchangeGroup, NamedGroup, withHybrids } from '@tyls/tls-core/provider';
import {
  createECDH,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { plain } from './bytes.ts';
import { mlKem768 } from './ml_kem.ts';

/** Shares and secrets of 32 bytes. A share that makes the secret zero is refused (RFC 7748 section 6.1). */
export const x25519: KeyExchangeGroup = group(NamedGroup.X25519, () => {
  const { publicKey, privateKey } = generateX25519();
  const keyShare = plain(Buffer.from(publicKey.x!, 'base64url'));
  return { keyShare, complete: (share) => agreeX25519(privateKey, share) };
});

/** NIST P-256: uncompressed points of 65 bytes, secrets of 32. A share that is no point of the curve is refused. */
export const secp256r1: KeyExchangeGroup = group(NamedGroup.secp256r1, () => generateEc('prime256v1', 65));

/** NIST P-384: uncompressed points of 97 bytes, secrets of 48. */
export const secp384r1: KeyExchangeGroup = group(NamedGroup.secp384r1, () => generateEc('secp384r1', 97));

const classical = [x25519, secp256r1, secp384r1];

/**
 * All of them, in order of preference: a client sends a key share for the first. X25519MLKEM768 and SecP256r1MLKEM768
 * stand in front where Node has ML-KEM.
 */
export const keyExchangeGroups: readonly KeyExchangeGroup[] =
  mlKem768 === undefined ? classical : withHybrids(classical, mlKem768);

/** {@link ActiveKeyExchange} that answers at once. */
interface StartedKeyExchange extends ActiveKeyExchange {
  readonly complete: (serverShare: Uint8Array) => Uint8Array | undefined;
}

function group(name: NamedGroup, start: () => StartedKeyExchange): KeyExchangeGroup {
  return {
    name,
    start,
    respond(clientShare) {
      const { keyShare, complete } = start();
      const sharedSecret = complete(clientShare);
      return sharedSecret === undefined ? undefined : { keyShare, sharedSecret };
    },
  };
}

/**
 * The public key comes out as JWK, which takes Node 20 2 µs, where SPKI takes it 100. While the pair is made, not by
 * `export()` afterwards: on Node 20 that can deadlock with the garbage collector, which takes the lock of the key for
 * what is left of its generation.
 */
function generateX25519(): { readonly publicKey: JsonWebKey; readonly privateKey: KeyObject } {
  // The types of node:crypto do not have this encoding.
  const generate = generateKeyPairSync as unknown as (
    type: 'x25519',
    options: { readonly publicKeyEncoding: { readonly format: 'jwk' } },
  ) => ReturnType<typeof generateX25519>;
  return generate('x25519', { publicKeyEncoding: { format: 'jwk' } });
}

function generateEc(curve: string, shareLength: number): StartedKeyExchange {
  const key = createECDH(curve);
  const keyShare = plain(key.generateKeys());
  return { keyShare, complete: (share) => agreeEc(key, share, shareLength) };
}

/** X25519 with a peer whose share nobody has checked */
export function agreeX25519(privateKey: KeyObject, share: Uint8Array): Uint8Array | undefined {
  if (share.length !== 32) return undefined;
  try {
    // As JWK because Node 20 imports that in a fraction of the time that it takes for SPKI.
    const key = { kty: 'OKP', crv: 'X25519', x: Buffer.from(share).toString('base64url') };
    const secret = plain(diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'jwk' }) }));
    // OpenSSL refuses the all-zero result (RFC 7748 section 6.1); this is for whatever stands in its place.
    return secret.every((byte) => byte === 0) ? undefined : secret;
  } catch {
    return undefined;
  }
}

/** ECDH with a peer whose share nobody has checked */
export function agreeEc(key: ECDH, share: Uint8Array, shareLength: number): Uint8Array | undefined {
  if (share.length !== shareLength || share[0] !== 4) return undefined;
  try {
    return plain(key.computeSecret(share)); // which checks that the point is on the curve
  } catch {
    return undefined;
  }
}
