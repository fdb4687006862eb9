import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { webcryptoProvider } from '../src/index.ts';

type ImportKey = (this: unknown, ...args: unknown[]) => Promise<CryptoKey>;

/** A real `Crypto`, and what is called instead of its `importKey`. */
function importingBy(importKey: ImportKey): Crypto {
  const subtle = new Proxy(crypto.subtle, {
    get(target, name) {
      if (name === 'importKey') return importKey;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { subtle, getRandomValues: crypto.getRandomValues.bind(crypto), randomUUID: crypto.randomUUID.bind(crypto) };
}

const importKey = crypto.subtle.importKey.bind(crypto.subtle) as ImportKey;

async function signed(): Promise<{ readonly publicKey: Uint8Array; readonly signature: Uint8Array }> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
    signature: sign('sha256', message, { key, format: 'der', type: 'pkcs8' }),
  };
}

const message = Uint8Array.of(1, 2, 3);

test('a key is imported once, and verifies each time anew', async () => {
  let imports = 0;
  const platform = importingBy((...args) => {
    imports++;
    return importKey(...args);
  });
  const [ecdsa] = webcryptoProvider(platform).signatureVerification.algorithms;
  const { publicKey, signature } = await signed();
  expect(await ecdsa!.verify(publicKey, message, signature)).toBe(true);
  expect(await ecdsa!.verify(publicKey.slice(), message, signature)).toBe(true);
  expect(await ecdsa!.verify(publicKey, Uint8Array.of(1, 2, 4), signature)).toBe(false);
  expect(imports).toBe(1);
  const other = await signed();
  expect(await ecdsa!.verify(other.publicKey, message, signature)).toBe(false);
  expect(await ecdsa!.verify(other.publicKey, message, other.signature)).toBe(true);
  expect(imports).toBe(2);
});

test('a key that was not imported is not remembered', async () => {
  let fails = true;
  const platform = importingBy((...args) =>
    fails ? Promise.reject(new DOMException('not now', 'NotSupportedError')) : importKey(...args),
  );
  const [ecdsa] = webcryptoProvider(platform).signatureVerification.algorithms;
  const { publicKey, signature } = await signed();
  await expect(ecdsa!.verify(publicKey, message, signature)).rejects.toThrow('not now');
  fails = false;
  expect(await ecdsa!.verify(publicKey, message, signature)).toBe(true);
});

test('bytes that change while they are imported are remembered as what was imported', async () => {
  const [ecdsa] = webcryptoProvider().signatureVerification.algorithms;
  const [one, other] = [await signed(), await signed()];
  const buffer = one.publicKey.slice();
  const verifying = ecdsa!.verify(buffer, message, one.signature);
  buffer.set(other.publicKey);
  expect(await verifying).toBe(true);
  expect(await ecdsa!.verify(other.publicKey, message, one.signature)).toBe(false);
  expect(await ecdsa!.verify(one.publicKey, message, one.signature)).toBe(true);
});
