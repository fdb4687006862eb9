import { afterAll, beforeAll, expect, test } from 'vitest';
import { webcryptoProvider } from '../src/index.ts';

/** A real `Crypto` of which one method fails in the way that a missing algorithm does. */
function without(method: 'importKey' | 'encrypt' | 'decrypt' | 'deriveBits' | 'verify'): Crypto {
  const subtle = new Proxy(crypto.subtle, {
    get(target, name) {
      if (name === method) return () => Promise.reject(new DOMException('not here', 'NotSupportedError'));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { subtle, getRandomValues: crypto.getRandomValues.bind(crypto), randomUUID: crypto.randomUUID.bind(crypto) };
}

const unhandled: unknown[] = [];
const note = (reason: unknown): unknown => unhandled.push(reason);
beforeAll(() => process.on('unhandledRejection', note));
afterAll(() => process.off('unhandledRejection', note));

const nonce = new Uint8Array(12);
const none = new Uint8Array(0);

test('a key that is not imported fails each use of it, and nothing where it is not used', async () => {
  const { aead } = webcryptoProvider(without('importKey')).cipherSuites[0]!;
  const [sealer, opener] = [aead.sealer(new Uint8Array(32)), aead.opener(new Uint8Array(32))];
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(unhandled).toEqual([]);
  await expect(sealer.seal(nonce, none, [none])).rejects.toThrow('not here');
  await expect(opener.open(nonce, none, [new Uint8Array(16)])).rejects.toThrow('not here');
});

test('only bad input is a refusal; a fault rejects', async () => {
  const sealing = webcryptoProvider(without('encrypt')).cipherSuites[0]!.aead.sealer(new Uint8Array(32));
  await expect(sealing.seal(nonce, none, [none])).rejects.toThrow('not here');
  const opening = webcryptoProvider(without('decrypt')).cipherSuites[0]!.aead.opener(new Uint8Array(32));
  await expect(opening.open(nonce, none, [new Uint8Array(16)])).rejects.toThrow('not here');

  const group = webcryptoProvider(without('deriveBits')).keyExchangeGroups[0]!;
  const { keyShare, complete } = await group.start();
  await expect(complete(keyShare)).rejects.toThrow('not here');
  await expect(group.respond(keyShare)).rejects.toThrow('not here');

  const [ecdsa] = webcryptoProvider(without('verify')).signatureVerification.algorithms;
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const signature = Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1);
  await expect(ecdsa!.verify(publicKey, none, signature)).rejects.toThrow('not here');
});
