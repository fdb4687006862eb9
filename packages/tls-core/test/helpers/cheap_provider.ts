/**
 * A provider without any security and at almost no cost, for tests in which cryptography is not the point: of orders,
 * of asynchrony, of a hundred thousand mutated flights. Every value still depends on every input, so that what was
 * altered does not verify.
 */
import {
  type Aead,
  type CertifiedKey,
  type ClientCertVerifier,
  type CryptoProvider,
  handshakeSignatureValid,
  type KeyExchangeGroup,
  NamedGroup,
  peerVerified,
  ProtocolVersion,
  type ServerCertVerifier,
  SignatureScheme,
  type SignatureVerifier,
  TlsError,
  type Tls13CipherSuite,
} from '@tyls/tls-core';
import { concat, equalBytes } from '../../src/codec/bytes.ts';

const tagLength = 16;

/** FNV-1a over the bytes, from a state. */
function absorb(state: number, bytes: Uint8Array): number {
  let hash = state;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.imul(hash ^ bytes.length, 0x01000193);
}

function squeeze(state: number, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let x = state | 1;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    output[i] = x;
  }
  return output;
}

/** How much work it was given: every derivation, tag and signature counts. */
export const cheapCalls: { count: number } = { count: 0 };

function digest(length: number, ...parts: Uint8Array[]): Uint8Array {
  cheapCalls.count++;
  return squeeze(
    parts.reduce((state, part) => absorb(state, part), 0x811c9dc5 | 0),
    length,
  );
}

/** The plaintext as it is, and a checksum. */
const cheapAead: Aead = {
  keyLength: 16,
  confidentialityLimit: 2 ** 24,
  sealer: (key) => {
    const ownKey = key.slice();
    return {
      seal(nonce, additionalData, plaintext) {
        const whole = concat(plaintext);
        return [whole, digest(tagLength, ownKey, nonce, additionalData, whole)];
      },
    };
  },
  opener: (key) => {
    const ownKey = key.slice();
    return {
      open(nonce, additionalData, ciphertext) {
        const whole = concat(ciphertext);
        const plaintext = whole.slice(0, -tagLength);
        const tag = digest(tagLength, ownKey, nonce, additionalData, plaintext);
        return equalBytes(tag, whole.subarray(-tagLength)) ? [plaintext] : undefined;
      },
    };
  },
};

export const cheapSuite: Tls13CipherSuite = suite(0x1301, 32);

function suite(id: number, outputLength: number): Tls13CipherSuite {
  return {
    id,
    version: ProtocolVersion.TLSv1_3,
    hash: {
      outputLength,
      start() {
        let state = 0x811c9dc5 | 0;
        return {
          update(data) {
            // Over the bytes alone: a transcript is the same however it is cut.
            for (const byte of data) state = Math.imul(state ^ byte, 0x01000193);
          },
          peek: () => squeeze(state, outputLength),
        };
      },
    },
    hkdf: {
      extract: (salt, inputKeyMaterial) => digest(outputLength, salt, inputKeyMaterial),
      expand: (key, info, length) => digest(length, key, info),
      hmac: (key, message) => digest(outputLength, key, message),
    },
    aead: cheapAead,
  };
}

/** Both sides draw a share; the secret is what the two have in common. Shares of the wrong length are invalid. */
function group(name: NamedGroup, length: number, random: (bytes: Uint8Array) => void): KeyExchangeGroup {
  const draw = (): Uint8Array => {
    const share = new Uint8Array(length);
    random(share);
    return share;
  };
  const agree = (a: Uint8Array, b: Uint8Array): Uint8Array | undefined =>
    a.length === b.length
      ? digest(
          32,
          a.map((byte, i) => byte ^ b[i]!),
        )
      : undefined;
  return {
    name,
    start() {
      const keyShare = draw();
      return { keyShare, complete: (serverShare) => agree(keyShare, serverShare) };
    },
    respond(clientShare) {
      const keyShare = draw();
      const sharedSecret = agree(keyShare, clientShare);
      return sharedSecret === undefined ? undefined : { keyShare, sharedSecret };
    },
  };
}

/** Its randomness is the same each time. */
export function cheapProvider(): CryptoProvider {
  let drawn = 0;
  const random = (bytes: Uint8Array): void => bytes.set(squeeze(Math.imul(++drawn, 0x9e3779b1), bytes.length));
  return {
    cipherSuites: [cheapSuite, suite(0x1302, 48)],
    keyExchangeGroups: [group(NamedGroup.X25519, 32, random), group(NamedGroup.secp256r1, 65, random)],
    signatureVerification: { algorithms: [], schemes: [] },
    random,
    loadPrivateKey: () => {
      throw new Error('the cheap provider has no keys');
    },
  };
}

const schemes = [SignatureScheme.ed25519, SignatureScheme.ecdsa_secp256r1_sha256];

/** Any certificate will do: its bytes are its key. */
export function cheapCertifiedKey(certificate: Uint8Array = new Uint8Array(100).fill(7)): CertifiedKey {
  return {
    certificates: [certificate, new Uint8Array(50).fill(8)],
    key: {
      chooseScheme: (offered) => {
        const scheme = schemes.find((candidate) => offered.includes(candidate));
        if (scheme === undefined) return undefined;
        return { scheme, sign: (message) => digest(32, Uint8Array.of(scheme & 0xff), certificate, message) };
      },
    },
  };
}

const verifySignature: SignatureVerifier['verifyTls13Signature'] = ({ scheme, endEntity, message, signature }) => {
  if (!equalBytes(signature, digest(32, Uint8Array.of(scheme & 0xff), endEntity, message))) {
    throw new TlsError({ code: 'BadHandshakeSignature', scheme });
  }
  return handshakeSignatureValid();
};

const signatures: SignatureVerifier = {
  schemes,
  verifyTls13Signature: verifySignature,
  verifyTls12Signature: verifySignature,
};

export const cheapServerVerifier: ServerCertVerifier = { ...signatures, verifyServerCert: () => peerVerified() };

export const cheapClientVerifier: ClientCertVerifier = {
  ...signatures,
  mandatory: false,
  rootHintSubjects: [Uint8Array.of(0x30, 0)],
  verifyClientCert: () => peerVerified(),
};
