/**
 * What a full TLS 1.3 handshake costs whoever implements it: the operations of both sides, straight on `node:crypto`.
 *
 * Four operations on X25519 keys and their import, one signature, three verifications, the HMACs of the key schedule
 * (RFC 8446 section 7.1), the records that are sealed and opened. Long-lived keys are at hand and the peers' are
 * imported each time, as they come off the wire. Nothing is parsed or encoded, no transcript is hashed, no name is compared.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  type VerifyKeyObjectInput,
  X509Certificate,
} from 'node:crypto';
import { parseCertificate } from '@tyls/webpki';
import { type WebChain } from './pki.ts';

/**
 * HMACs of one side: 3 HKDF-Extract, 2 "derived", the 4 traffic secrets and the exporter's, key and IV of each of the 4, 2 keys
 * and 2 MACs of Finished.
 */
const hmacsOfOneSide = 3 + 2 + 5 + 8 + 4;

/** Sealed by one side and opened by the other: the server's flight, and the client's Finished. */
const records = [1800, 64];

export function handshakePrimitives(chain: WebChain): () => void {
  const privateKey = createPrivateKey(chain.privateKeyPem);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const handshakePadding = privateKey.asymmetricKeyType === 'rsa' ? pss : {};
  const [endEntityKey, intermediateKey, rootKey] = [chain.endEntity, chain.intermediate, chain.root].map((der) =>
    new X509Certificate(der).publicKey.export({ format: 'jwk' }),
  );
  const [endEntity, intermediate] = [chain.endEntity, chain.intermediate].map(
    (der) => parseCertificate(der).signedData,
  );
  const content = randomBytes(130);
  return () => {
    const [client, server] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')];
    agree(client.privateKey, shareOf(server.publicKey));
    agree(server.privateKey, shareOf(client.publicKey));
    const signature = sign('sha256', content, { key: privateKey, ...handshakePadding });
    check(content, { key: imported(endEntityKey!), ...handshakePadding }, signature);
    check(endEntity!.data, { key: imported(intermediateKey!) }, endEntity!.signature);
    check(intermediate!.data, { key: imported(rootKey!) }, intermediate!.signature);
    for (let i = 0; i < 2 * hmacsOfOneSide; i++) {
      createHmac('sha384', createSecretKey(content.subarray(0, 48)))
        .update(content)
        .digest();
    }
    for (const length of records) sealAndOpen(length);
  };
}

function imported(jwk: JsonWebKey): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

function check(message: Uint8Array, publicKey: VerifyKeyObjectInput, signature: Uint8Array): void {
  if (!verify('sha256', message, publicKey, signature)) throw new Error('a signature is not valid');
}

function shareOf(publicKey: KeyObject): string {
  // As JWK a generated key can deadlock on Node 20.
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64url');
}

function agree(privateKey: KeyObject, x: string): void {
  diffieHellman({ privateKey, publicKey: imported({ kty: 'OKP', crv: 'X25519', x }) });
}

const key = createSecretKey(randomBytes(32));
const nonce = randomBytes(12);

function sealAndOpen(length: number): void {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = cipher.update(Buffer.allocUnsafe(length));
  cipher.final();
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.update(sealed);
  decipher.setAuthTag(cipher.getAuthTag());
  decipher.final();
}
