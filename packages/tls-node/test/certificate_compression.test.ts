/** Certificate compression by node:zlib: what it takes back, and where it stops. */
import { cpuClock } from '@tyls/testing';
import { certificateCompression } from '@tyls/tls-node';
import { CertificateCompressionAlgorithm, nameOf } from '@tyls/tls-core';
import { once } from 'node:events';
import * as zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { pair } from './peers.ts';

const { certificateCompressors, certificateDecompressors } = certificateCompression();
const hasZstd = 'zstdCompressSync' in zlib;

test('there are brotli, zlib, and zstd where Node has it', () => {
  const { brotli, zlib: deflate, zstd } = CertificateCompressionAlgorithm;
  const expected = hasZstd ? [brotli, deflate, zstd] : [brotli, deflate];
  expect(certificateCompressors.map(({ algorithm }) => algorithm)).toEqual(expected);
  expect(certificateDecompressors.map(({ algorithm }) => algorithm)).toEqual(expected);
  const chosen = certificateCompression(['zlib', 'brotli']).certificateDecompressors;
  expect(chosen.map(({ algorithm }) => algorithm)).toEqual([deflate, brotli]);
  const zstdAlone = (): number | string => {
    try {
      return certificateCompression(['zstd']).certificateCompressors.length;
    } catch (error) {
      return (error as RangeError).message;
    }
  };
  expect(zstdAlone()).toBe(hasZstd ? 1 : 'this Node does not have zstd');
});

describe.each(
  certificateCompressors.map((one, i) => [nameOf(CertificateCompressionAlgorithm, one.algorithm), i] as const),
)('%s', (_name, i) => {
  const compress = (data: Uint8Array) => certificateCompressors[i]!.compress(data) as Uint8Array;
  const decompress = (data: Uint8Array, maxLength: number) =>
    certificateDecompressors[i]!.decompress(data, maxLength) as Uint8Array;
  const refuses = (data: Uint8Array, maxLength: number) => {
    try {
      decompress(data, maxLength);
      return false;
    } catch {
      return true;
    }
  };
  const data = Uint8Array.from({ length: 3000 }, (_, at) => (at * at) % 61);

  test('gives back what it took, as bytes of its own', () => {
    const compressed = compress(data);
    expect(compressed.length).toBeLessThan(data.length);
    const output = decompress(compressed, data.length);
    expect(output).toEqual(data);
    expect(output.constructor).toBe(Uint8Array);
    expect(compressed.constructor).toBe(Uint8Array);
    expect(decompress(compressed, 65_536)).toEqual(data);
  });

  test('stops where the length is reached', () => {
    expect(refuses(compress(data), data.length - 1)).toBe(true);
    expect(refuses(compress(data), 0)).toBe(true);
    const bomb = compress(new Uint8Array(50_000_000));
    expect(bomb.length).toBeLessThan(65_536);
    const before = process.memoryUsage().arrayBuffers;
    const spent = cpuClock();
    expect(refuses(bomb, 65_536)).toBe(true);
    // All of it would take a second and 50 MB.
    expect(spent()).toBeLessThan(500);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  });

  test('refuses what is not whole, or more than that', () => {
    const compressed = compress(data);
    for (let length = 0; length < compressed.length; length++) {
      expect(refuses(compressed.subarray(0, length), data.length)).toBe(true);
    }
    expect(refuses(Uint8Array.of(...compressed, 0), data.length)).toBe(true);
    expect(refuses(Uint8Array.of(...compressed, ...compressed), data.length)).toBe(true);
  });
});

test('both sides have their certificates compressed', async () => {
  const options = certificateCompression();
  const { client, server } = await pair(options, options);
  expect(client.peerCertificates).toBeDefined();
  client.end();
  server.resume().end();
  await once(client.resume(), 'close');
});
