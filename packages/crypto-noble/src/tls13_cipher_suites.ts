/** Cipher suites of TLS 1.3 (RFC 8446 section B.4). */
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import {
  type Aead,
  CipherSuite,
  type Hash,
  type Hkdf,
  hkdfFromHmac,
  ProtocolVersion,
  type Tls13CipherSuite,
} from '@tyls/tls-core/provider';

const tagLength = 16;

/** A key of 32 bytes; no limit but that of the sequence numbers. */
export const TLS13_CHACHA20_POLY1305_SHA256: Tls13CipherSuite = {
  id: CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
  version: ProtocolVersion.TLSv1_3,
  ...withHkdf(sha256),
  // RFC 8446 section 5.5: the sequence numbers run out first.
  aead: aead(chacha20poly1305, 32, 2 ** 64),
};

// RFC 8446 section 5.5 has 2^24.5 records for AES-GCM.

/** A key of 32 bytes; a key update after at most 2^24 records. */
export const TLS13_AES_256_GCM_SHA384: Tls13CipherSuite = {
  id: CipherSuite.TLS_AES_256_GCM_SHA384,
  version: ProtocolVersion.TLSv1_3,
  ...withHkdf(sha384),
  aead: aead(gcm, 32, 2 ** 24),
};

/** A key of 16 bytes; a key update after at most 2^24 records. */
export const TLS13_AES_128_GCM_SHA256: Tls13CipherSuite = {
  id: CipherSuite.TLS_AES_128_GCM_SHA256,
  version: ProtocolVersion.TLSv1_3,
  ...withHkdf(sha256),
  aead: aead(gcm, 16, 2 ** 24),
};

/** AES with 128 bits before 256: it needs fewer rounds, and speed is what decides in JavaScript. */
export const cipherSuites: readonly Tls13CipherSuite[] = [
  TLS13_CHACHA20_POLY1305_SHA256,
  TLS13_AES_128_GCM_SHA256,
  TLS13_AES_256_GCM_SHA384,
];

function withHkdf(hash: typeof sha256 | typeof sha384): { readonly hash: Hash; readonly hkdf: Hkdf } {
  return {
    hash: {
      outputLength: hash.outputLen,
      start() {
        const context = hash.create();
        return {
          update: (data) => void context.update(data),
          peek: () => context.clone().digest(),
        };
      },
    },
    hkdf: hkdfFromHmac((key, message) => hmac(hash, key, message), hash.outputLen),
  };
}

function aead(cipher: typeof gcm | typeof chacha20poly1305, keyLength: number, confidentialityLimit: number): Aead {
  const copyKey = (key: Uint8Array): Uint8Array => {
    if (key.length !== keyLength) throw new RangeError(`this key has ${keyLength} bytes, not ${key.length}`);
    return Uint8Array.from(key);
  };
  return {
    keyLength,
    confidentialityLimit,
    sealer(rawKey) {
      const key = copyKey(rawKey);
      return {
        seal: (nonce, additionalData, plaintext) => [cipher(key, nonce, additionalData).encrypt(join(plaintext))],
      };
    },
    opener(rawKey) {
      const key = copyKey(rawKey);
      return {
        open(nonce, additionalData, ciphertext) {
          const joined = join(ciphertext);
          if (joined.length < tagLength) return undefined;
          const context = cipher(key, nonce, additionalData); // throws at a nonce of the wrong length, unlike below
          try {
            return [context.decrypt(joined)];
          } catch {
            return undefined;
          }
        },
      };
    },
  };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : concatBytes(...parts);
}
