/**
 * What a handshake costs whoever implements it: the operations of both sides, straight on `node:crypto`, or as
 * `@tyls/crypto-node` does them where that knows the fastest way.
 *
 * A full one: two X25519 key pairs, two agreements with a share as it comes off the wire, one signature, three
 * verifications, the HMACs of the key schedule (RFC 8446 section 7.1) or of the PRF (RFC 5246 section 5), the records that
 * are sealed and opened. The keys of certificates are imported already. One that resumes has more HMACs in TLS 1.3, for the
 * binder and for a ticket, and neither signatures nor, in TLS 1.2, a key exchange. Nothing is parsed or encoded, no
 * transcript is hashed, no name is compared.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
  verify,
  type VerifyKeyObjectInput,
  X509Certificate,
} from 'node:crypto';
import { TLS13_AES_256_GCM_SHA384, x25519 } from '@tyls/crypto-node';
import { parseCertificate } from '@tyls/webpki';
import { atOnce } from './at_once.ts';
import { type Version } from './configs.ts';
import { type WebChain } from './pki.ts';

/**
 * HMACs of one side. TLS 1.3: 3 HKDF-Extract, 2 "derived", the 4 traffic secrets and the exporter's, key and IV of each of
 * the 4, 2 keys and 2 MACs of Finished. TLS 1.2: two for each block of the master secret (1), the keys (2) and Finished (2).
 */
export const hmacsOfOneSide: Readonly<Record<Version, number>> = { tls13: 3 + 2 + 5 + 8 + 4, tls12: 2 * (1 + 2 + 2) };

/** TLS 1.3: 4 for the binder, 2 for the PSK of the next ticket. TLS 1.2: the master secret is that of the session. */
const resumedHmacsOfOneSide: Readonly<Record<Version, number>> = {
  tls13: hmacsOfOneSide.tls13 + 4 + 2,
  tls12: hmacsOfOneSide.tls12 - 2,
};

const { hmac } = TLS13_AES_256_GCM_SHA384.hkdf;

/** Sealed by one side and opened by the other: the server's flight, and the client's Finished; or both Finished. */
const records: Readonly<Record<Version, readonly number[]>> = { tls13: [1800, 64], tls12: [16, 16] };
/** And the ticket, in TLS 1.3. */
const resumedRecords: Readonly<Record<Version, readonly number[]>> = { tls13: [80, 64, 80], tls12: [16, 16] };

export function handshakePrimitives(chain: WebChain, version: Version): () => void {
  const privateKey = createPrivateKey(chain.privateKeyPem);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  // The key itself where there is nothing to say of it: Node 24 takes 15 µs for options.
  const handshakeKey = (key: KeyObject): KeyObject | VerifyKeyObjectInput => (isRsa ? { key, ...pss } : key);
  const [endEntityKey, intermediateKey, rootKey] = [chain.endEntity, chain.intermediate, chain.root].map((der) =>
    imported(new X509Certificate(der).publicKey.export({ format: 'jwk' })),
  );
  const [endEntity, intermediate] = [chain.endEntity, chain.intermediate].map(
    (der) => parseCertificate(der).signedData,
  );
  const content = randomBytes(130);
  return () => {
    exchangeKeys();
    const signature = sign('sha256', content, handshakeKey(privateKey));
    check(content, handshakeKey(endEntityKey!), signature);
    check(endEntity!.data, intermediateKey!, endEntity!.signature);
    check(intermediate!.data, rootKey!, intermediate!.signature);
    deriveAndProtect(2 * hmacsOfOneSide[version], records[version]);
  };
}

export function resumedPrimitives(version: Version): () => void {
  return () => {
    if (version === 'tls13') exchangeKeys();
    deriveAndProtect(2 * resumedHmacsOfOneSide[version], resumedRecords[version]);
  };
}

function exchangeKeys(): void {
  const client = atOnce(x25519.start());
  atOnce(client.complete(atOnce(x25519.respond(client.keyShare))!.keyShare));
}

const secret = randomBytes(48);
/** As long as an HkdfLabel with a transcript hash. */
const info = randomBytes(70);

function deriveAndProtect(hmacs: number, lengths: readonly number[]): void {
  for (let i = 0; i < hmacs; i++) hmac(secret, info);
  for (const length of lengths) sealAndOpen(length);
}

function imported(jwk: JsonWebKey): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

function check(message: Uint8Array, publicKey: KeyObject | VerifyKeyObjectInput, signature: Uint8Array): void {
  if (!verify('sha256', message, publicKey, signature)) throw new Error('a signature is not valid');
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
