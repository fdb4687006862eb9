/** AES-GCM (RFC 5116) of the platform. */
import { concatBytes } from '@noble/hashes/utils.js';
import { type Aead } from '@tyls/tls-core/provider';
import { type Platform, refusable, source } from './platform.ts';

/** @param keyLength in bytes: 16 or 32 */
export function aesGcm(platform: Platform, keyLength: number): Aead {
  const { subtle } = platform;
  const withKey = (key: Uint8Array, usage: 'encrypt' | 'decrypt'): (<T>(use: Use<T>) => Promise<T>) => {
    if (key.length !== keyLength)
      throw new RangeError(`a key of AES-GCM has ${keyLength} bytes here, not ${key.length}`);
    return whenReady(subtle.importKey('raw', source(key), 'AES-GCM', false, [usage]));
  };
  return {
    keyLength,
    confidentialityLimit: 2 ** 24, // RFC 8446 section 5.5 has 2^24.5 records
    sealer(rawKey) {
      const use = withKey(rawKey, 'encrypt');
      return {
        seal: (nonce, additionalData, plaintext) =>
          use(async (key) => {
            const sealed = await subtle.encrypt(parameters(nonce, additionalData), key, source(join(plaintext)));
            return [new Uint8Array(sealed)];
          }),
      };
    },
    opener(rawKey) {
      const use = withKey(rawKey, 'decrypt');
      return {
        open: (nonce, additionalData, ciphertext) =>
          use((key) =>
            refusable(platform, async () => {
              const opened = await subtle.decrypt(parameters(nonce, additionalData), key, source(join(ciphertext)));
              return [new Uint8Array(opened)];
            }),
          ),
      };
    },
  };
}

function parameters(nonce: Uint8Array, additionalData: Uint8Array): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: source(nonce),
    additionalData: source(additionalData),
    tagLength: 128,
  };
}

type Use<T> = (key: CryptoKey) => Promise<T>;

/** Uses of a key that is still being imported: they wait for it, and once it is there they begin at once. */
function whenReady(importing: Promise<CryptoKey>): <T>(use: Use<T>) => Promise<T> {
  let ready: CryptoKey | undefined;
  importing.then(
    (key) => {
      ready = key;
    },
    () => {}, // each use gets this rejection; without a use it is nobody's
  );
  return (use) => (ready === undefined ? importing.then(use) : use(ready));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : concatBytes(...parts);
}
