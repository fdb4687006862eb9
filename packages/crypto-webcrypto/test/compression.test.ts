/** Certificate compression by Compression Streams: what it takes back, where it stops, and whole handshakes. */
import { Pair, testCertifiedKey, testClientConfig, testServerConfig } from '@tyls/testing';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { certificateCompression } from '../src/compression.ts';
import { webcryptoProvider } from '../src/index.ts';

const [compressor] = certificateCompression().certificateCompressors;
const [decompressor] = certificateCompression().certificateDecompressors;
const { compress } = compressor!;
const { decompress } = decompressor!;
const data = Uint8Array.from({ length: 3000 }, (_, at) => (at * at) % 61);

async function refuses(compressed: Uint8Array, maxLength: number): Promise<boolean> {
  try {
    await decompress(compressed, maxLength);
    return false;
  } catch {
    return true;
  }
}

test('gives back what it took, and what node:zlib makes', async () => {
  const compressed = await compress(data);
  expect(compressed.length).toBeLessThan(data.length);
  expect(await decompress(compressed, data.length)).toEqual(data);
  expect(await decompress(compressed, 65_536)).toEqual(data);
  expect(await decompress(deflateSync(data), data.length)).toEqual(data);
});

test('stops where the length is reached', async () => {
  expect(await refuses(await compress(data), data.length - 1)).toBe(true);
  expect(await refuses(await compress(data), 0)).toBe(true);
  const bomb = deflateSync(new Uint8Array(60_000_000));
  const before = process.memoryUsage().arrayBuffers;
  expect(await refuses(bomb, 65_536)).toBe(true);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
});

test('refuses what is not whole, and what is none', async () => {
  const compressed = await compress(data);
  for (let length = 0; length < compressed.length; length += 7) {
    expect(await refuses(compressed.subarray(0, length), data.length)).toBe(true);
  }
  expect(await refuses(compressed.subarray(0, -1), data.length)).toBe(true);
  expect(await refuses(data, 65_536)).toBe(true);
  expect(await refuses(compressed.with(compressed.length - 1, compressed.at(-1)! ^ 1), data.length)).toBe(true);
});

test('a handshake with it', async () => {
  const provider = webcryptoProvider();
  const certificate = await testCertifiedKey(provider, 'rsa2048');
  const pair = new Pair({
    client: await testClientConfig(provider, certificateCompression()),
    server: await testServerConfig(provider, { ...certificateCompression(), certificate }),
  });
  await pair.run();
  expect(pair.client.error ?? pair.server.error).toBeUndefined();
  expect(pair.client.peerCertificates).toEqual(certificate.certificates);
});
