/** Private keys in OpenSSL's hands. */
import {
  checkOwnPublicKey,
  encodePkcs8,
  parsePrivateKey,
  type PrivateKeyDer,
  type SigningAlgorithm,
  signingAlgorithms,
  type SigningKey,
  signingKey,
} from '@tyls/tls-core/provider';
import { constants, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { plain } from './bytes.ts';

/**
 * Loads RSA (2048 to 8192 bits), ECDSA (P-256, P-384, P-521) and Ed25519 keys, and ML-DSA keys where Node has that.
 *
 * Throws an `Error` that says what is wrong with the key.
 */
export function loadPrivateKey(der: PrivateKeyDer): SigningKey {
  const parsed = parsePrivateKey(der);
  // Without its public key, so that OpenSSL computes that, where it would else believe what it reads.
  const pkcs8 = encodePkcs8(parsed.kind === 'rsa' ? parsed : { ...parsed, publicKey: undefined });
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pkcs8.buffer), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new Error('OpenSSL does not accept the private key', { cause });
  } finally {
    pkcs8.fill(0);
  }
  const publicKey = plain(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  checkOwnPublicKey(parsed, publicKey);
  const signers = signingAlgorithms[parsed.kind].map((algorithm) => ({
    scheme: algorithm.scheme,
    sign: (message: Uint8Array) => plain(signWith(key, algorithm, message)),
  }));
  return signingKey(signers, publicKey);
}

function signWith(key: KeyObject, { digest, padding }: SigningAlgorithm, message: Uint8Array): Buffer {
  switch (padding) {
    case 'PSS': {
      const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
      return sign(digest, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    }
    case 'PKCS1':
      return sign(digest, message, { key, padding: constants.RSA_PKCS1_PADDING });
    default:
      // ECDSA's in DER; options would take Node 24 as long as half a signature.
      return sign(digest, message, key);
  }
}
