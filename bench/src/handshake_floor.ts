/**
 * What a handshake costs whoever implements it: the operations of both sides, straight on `node:crypto`, or as
 * `@tyls/crypto-node` does them where that knows the fastest way.
 *
 * A full one, of each side: an X25519 key pair, an agreement with a share as it comes off the wire, the HMACs of the key
 * schedule (RFC 8446 section 7.1) or of the PRF (RFC 5246 section 5), the record that it seals and the one that it opens;
 * the server signs, the client verifies three signatures. The keys of certificates are imported already. Each is done when
 * its side has what it needs for it, see {@link handshakeTurns}. One that resumes has more HMACs in TLS 1.3, for the binder
 * and for a ticket, and neither signatures nor, in TLS 1.2, a key exchange. Nothing is parsed or encoded, no transcript is
 * hashed, no name is compared.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
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
import { opening, sealing } from './aead.ts';
import { atOnce } from './at_once.ts';
import { type Version } from './configs.ts';
import { type WebChain } from './pki.ts';

/**
 * HMACs of one side. TLS 1.3: 2 HKDF-Extract and the "derived" between them, the 4 traffic secrets and the exporter's, key and
 * IV of each of the 4, 2 keys and 2 MACs of Finished; what comes before is the same for every handshake without a PSK. TLS
 * 1.2: two for each block of the master secret (1), the keys (2) and Finished (2).
 */
export const hmacsOfOneSide: Readonly<Record<Version, number>> = { tls13: 2 + 1 + 5 + 8 + 4, tls12: 2 * (1 + 2 + 2) };

/**
 * TLS 1.3: 2 for the Early Secret, 3 for the binder, 2 for the PSK of the next ticket. TLS 1.2: the master secret is that of
 * the session.
 */
const resumedHmacsOfOneSide: Readonly<Record<Version, number>> = {
  tls13: hmacsOfOneSide.tls13 + 2 + 3 + 2,
  tls12: hmacsOfOneSide.tls12 - 2,
};

/** What a side does between the flight that it waits for, if any, and the one that it then sends, if any. */
export type Turn = () => void;

/**
 * Of a full handshake without tickets: the client begins and the sides alternate, each turn but the last ending with a
 * flight. What the other side made is made in advance, so that each side can be alone in its process.
 */
export function handshakeTurns(chain: WebChain, version: Version): readonly Turn[] {
  const { signTranscript, verifyAll } = signaturesOf(chain);
  const derive = (): void => computeHmacs(hmacsOfOneSide[version]);
  switch (version) {
    case 'tls13':
      return [
        startKeyExchange,
        () => {
          answerKeyShare();
          derive();
          signTranscript();
          serverFlight.seal();
        },
        () => {
          completeKeyExchange();
          derive();
          serverFlight.open();
          verifyAll();
          clientFinished.seal();
        },
        clientFinished.open,
      ];
    case 'tls12':
      return [
        () => {},
        () => {
          startKeyExchange();
          signTranscript();
        },
        () => {
          verifyAll();
          answerKeyShare();
          derive();
          tls12Finished.seal();
        },
        () => {
          completeKeyExchange();
          derive();
          tls12Finished.open();
          tls12Finished.seal();
        },
        tls12Finished.open,
      ];
  }
}

/** A full handshake, both sides. */
export function handshakePrimitives(chain: WebChain, version: Version): () => void {
  const turns = handshakeTurns(chain, version);
  return () => {
    for (const turn of turns) turn();
  };
}

/** One that resumes, both sides. */
export function resumedPrimitives(version: Version): () => void {
  const records = version === 'tls13' ? [resumedServerFlight, clientFinished, ticket] : [tls12Finished, tls12Finished];
  return () => {
    if (version === 'tls13') {
      startKeyExchange();
      answerKeyShare();
      completeKeyExchange();
    }
    computeHmacs(2 * resumedHmacsOfOneSide[version]);
    for (const { seal, open } of records) {
      seal();
      open();
    }
  };
}

interface Signatures {
  /** The server's, of the handshake. */
  readonly signTranscript: () => void;
  /** That one, and those of the certificates. */
  readonly verifyAll: () => void;
}

function signaturesOf(chain: WebChain): Signatures {
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
  const signTranscript = (): Buffer => sign('sha256', content, handshakeKey(privateKey));
  const signature = signTranscript();
  return {
    signTranscript,
    verifyAll() {
      check(content, handshakeKey(endEntityKey!), signature);
      check(endEntity!.data, intermediateKey!, endEntity!.signature);
      check(intermediate!.data, rootKey!, intermediate!.signature);
    },
  };
}

function imported(jwk: JsonWebKey): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

function check(message: Uint8Array, publicKey: KeyObject | VerifyKeyObjectInput, signature: Uint8Array): void {
  if (!verify('sha256', message, publicKey, signature)) throw new Error('a signature is not valid');
}

/** In the place of the other side's, and of the own one that was made a turn before: an agreement takes as long with any. */
const keyExchange = atOnce(x25519.start());

function startKeyExchange(): void {
  atOnce(x25519.start());
}

function answerKeyShare(): void {
  atOnce(x25519.respond(keyExchange.keyShare));
}

function completeKeyExchange(): void {
  atOnce(keyExchange.complete(keyExchange.keyShare));
}

const { hmac } = TLS13_AES_256_GCM_SHA384.hkdf;
const secret = randomBytes(48);
/** As long as an HkdfLabel with a transcript hash. */
const info = randomBytes(70);

function computeHmacs(count: number): void {
  for (let i = 0; i < count; i++) hmac(secret, info);
}

/** Sealed by one side and opened by the other. */
interface ProtectedRecord {
  readonly seal: () => void;
  readonly open: () => void;
}

/** @param length of its content, in bytes */
function protectedRecord(length: number): ProtectedRecord {
  const [seal, unseal] = [sealing('aes256gcm', Buffer.alloc(length)), opening('aes256gcm')];
  const sealed = seal();
  return { seal, open: () => unseal(sealed) };
}

const serverFlight = protectedRecord(1800);
const resumedServerFlight = protectedRecord(80);
const clientFinished = protectedRecord(64);
const ticket = protectedRecord(80);
const tls12Finished = protectedRecord(16);
