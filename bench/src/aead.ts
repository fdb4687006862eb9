/** AEADs of `node:crypto` with nothing around them: what sealing and opening a record costs at least. */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { type BulkSuiteName } from './configs.ts';

const algorithms = {
  aes128gcm: { cipher: 'aes-128-gcm', keyLength: 16 },
  aes256gcm: { cipher: 'aes-256-gcm', keyLength: 32 },
  // node:crypto's types know it under the rules of CCM alone, which are not its own.
  chacha20poly1305: { cipher: 'chacha20-poly1305' as 'aes-256-gcm', keyLength: 32 },
} as const;

export const tagLength = 16;
const options = { authTagLength: tagLength } as const;
const additionalData = Uint8Array.of(23, 3, 3, 0, 0);
/** One for all: nothing here is a secret. */
const nonce = randomBytes(12);

export interface Sealed {
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** @returns what seals `data` in one piece, each time it is called */
export function sealing(suite: BulkSuiteName, data: Uint8Array): () => Sealed {
  const { cipher, keyLength } = algorithms[suite];
  const key = createSecretKey(Buffer.alloc(keyLength, 'key'));
  return () => {
    const context = createCipheriv(cipher, key, nonce, options);
    context.setAAD(additionalData);
    const ciphertext = context.update(data);
    context.final();
    return { ciphertext, tag: context.getAuthTag() };
  };
}

/** @returns what opens what {@link sealing} made, in one piece */
export function opening(suite: BulkSuiteName): (sealed: Sealed) => Uint8Array {
  const { cipher, keyLength } = algorithms[suite];
  const key = createSecretKey(Buffer.alloc(keyLength, 'key'));
  return ({ ciphertext, tag }) => {
    const context = createDecipheriv(cipher, key, nonce, options);
    context.setAAD(additionalData);
    const plaintext = context.update(ciphertext);
    context.setAuthTag(tag);
    context.final();
    return plaintext;
  };
}
