/** Compressed certificates (RFC 8879) of both sides, by node:zlib: when they are, what is remembered, what is not. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  Pair,
  recordsOf,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
} from '@tyls/testing';
import {
  CertificateCompressionAlgorithm,
  type CertificateCompressor,
  type CertificateDecompressor,
  clientConfig,
  type ClientOptions,
  type CryptoProvider,
  ProtocolVersion,
  type ServerOptions,
} from '@tyls/tls-core';
import { certificateCompression } from '@tyls/tls-node';
import { describe, expect, test } from 'vitest';
import { intercepted, later } from '../helpers/intercepted.ts';

const { brotli, zlib } = CertificateCompressionAlgorithm;
const provider = nodeProvider();

/** That counts what it does, and perhaps answers later. */
interface Counted {
  readonly certificateCompressors: readonly CertificateCompressor[];
  readonly certificateDecompressors: readonly CertificateDecompressor[];
  readonly compressed: number[];
  readonly decompressed: number[];
}

function counted(isLater: boolean = false, names: Parameters<typeof certificateCompression>[0] = ['zlib']): Counted {
  const { certificateCompressors, certificateDecompressors } = certificateCompression(names);
  const compressed: number[] = [];
  const decompressed: number[] = [];
  const answer = <T>(value: T) => (isLater ? Promise.resolve(value) : value);
  return {
    certificateCompressors: certificateCompressors.map(({ algorithm, compress }) => ({
      algorithm,
      compress: (message) => {
        compressed.push(algorithm);
        return answer(compress(message) as Uint8Array);
      },
    })),
    certificateDecompressors: certificateDecompressors.map(({ algorithm, decompress }) => ({
      algorithm,
      decompress: (bytes, maxLength) => {
        decompressed.push(algorithm);
        return answer(decompress(bytes, maxLength) as Uint8Array);
      },
    })),
    compressed,
    decompressed,
  };
}

const unstapled = { ocspResponse: undefined, sctList: undefined };

async function run(client: Partial<ClientOptions>, server: Partial<ServerOptions>, by: CryptoProvider = provider) {
  const pair = new Pair({
    client: await testClientConfig(by, client),
    server: await testServerConfig(by, server),
  });
  await pair.run();
  expect(pair.client.error ?? pair.server.error).toBeUndefined();
  return pair;
}

describe.each([
  ['at once', false],
  ['later', true],
])('with algorithms that answer %s', (_name, isLater) => {
  test('both sides compress for each other', async () => {
    const by = isLater ? intercepted(provider, later) : provider;
    const [client, server] = [counted(isLater), counted(isLater)];
    const certificate = await testCertifiedKey(by, 'rsa2048');
    const clientVerifier = await testClientVerifier(by);
    const pair = await run({ ...client, certificate }, { ...server, certificate, clientVerifier }, by);
    expect(pair.client.peerCertificates).toEqual(certificate.certificates);
    expect(pair.server.peerCertificates).toEqual(certificate.certificates);
    const once = { compressed: [zlib], decompressed: [zlib] };
    expect(client).toMatchObject(once);
    expect(server).toMatchObject(once);
    const plain = await run({ certificate }, { certificate, clientVerifier }, by);
    for (const role of ['client', 'server'] as const) {
      expect(sizeOf(pair, role)).toBeLessThan(sizeOf(plain, role));
    }
  });
});

function sizeOf({ sent }: Pair, role: 'client' | 'server'): number {
  return sent[role].flatMap(recordsOf).reduce((sum, { length }) => sum + length, 0);
}

test('our preference decides, among what the other side offers', async () => {
  const certificate = await testCertifiedKey(provider, 'rsa2048');
  const server = counted(false, ['brotli', 'zlib']);
  await run(counted(false, ['zlib', 'brotli']), { ...server, certificate });
  await run(counted(false, ['zlib']), { ...server, certificate });
  expect(server.compressed).toEqual([brotli, zlib]);
});

test('nothing is compressed that the other side cannot read, nor in TLS 1.2', async () => {
  const certificate = await testCertifiedKey(provider, 'rsa2048');
  const clientVerifier = await testClientVerifier(provider);
  const ours = counted();
  const { certificateCompressors, certificateDecompressors } = ours;
  await run({ certificate }, { certificateCompressors, clientVerifier });
  await run({ certificateDecompressors }, {});
  await run({ certificateCompressors, certificate }, { clientVerifier });
  await run({ certificate }, { certificateDecompressors, clientVerifier });
  const both = { ...ours, certificate };
  const versions = [ProtocolVersion.TLSv1_2];
  await run({ ...both, versions }, { ...both, clientVerifier });
  await run(both, { ...both, versions, clientVerifier });
  await run({ ...counted(false, ['brotli']), certificate }, { ...both, clientVerifier });
  expect(ours).toMatchObject({ compressed: [], decompressed: [] });
});

test('a client that has none sends none, without compressing it', async () => {
  const ours = counted();
  const clientVerifier = await testClientVerifier(provider, { mandatory: false });
  await run({ certificateCompressors: ours.certificateCompressors }, { ...counted(), clientVerifier });
  expect(ours.compressed).toEqual([]);
});

test('what compression does not make shorter is sent as it is', async () => {
  const lengthening: CertificateCompressor = {
    algorithm: zlib,
    compress: (message) => new Uint8Array(message.length + 1),
  };
  const client = counted();
  await run(client, { certificateCompressors: [lengthening] });
  await run(client, { certificateCompressors: [{ ...lengthening, compress: () => new Uint8Array(0) }] });
  expect(client.decompressed).toEqual([]);
});

describe('a server remembers', () => {
  test('what it compressed, for as long as nothing differs', async () => {
    const certificate = await testCertifiedKey(provider, 'rsa2048');
    const ours = counted(false, ['brotli', 'zlib']);
    const server = await testServerConfig(provider, {
      ...ours,
      certificate: { ...certificate, ocspResponse: Uint8Array.of(0x30, 0) },
    });
    const { verifier } = await testClientConfig(provider);
    const asking: ClientOptions['verifier'] = {
      ...verifier,
      requestOcspResponse: true,
      verifyServerCert: (certificates) => verifier.verifyServerCert({ ...certificates, ...unstapled }),
    };
    for (let i = 0; i < 3; i++) {
      for (const options of [
        { ...counted(), verifier },
        { ...counted(), verifier: asking },
        { ...counted(false, ['brotli']), verifier },
      ]) {
        const pair = new Pair({ client: clientConfig({ provider, ...options }), server });
        await pair.run();
        expect(pair.client.error).toBeUndefined();
        expect(options.decompressed).toHaveLength(1);
      }
    }
    expect(ours.compressed).toEqual([zlib, zlib, brotli]);
  });

  test('the last four of what keeps changing', async () => {
    const certificate = await testCertifiedKey(provider, 'rsa2048');
    const ours = counted();
    // One certificate whose staple is replaced in place, time and again.
    const changing = { ...certificate, ocspResponse: Uint8Array.of(0x30, 0) };
    const server = await testServerConfig(provider, { ...ours, certificate: changing });
    const { verifier } = await testClientConfig(provider);
    const seen: (Uint8Array | undefined)[] = [];
    const client = clientConfig({
      provider,
      ...counted(),
      // Resumed, it would see no certificate.
      sessionStore: false,
      verifier: {
        ...verifier,
        requestOcspResponse: true,
        verifyServerCert: (certificates) => {
          seen.push(certificates.ocspResponse);
          return verifier.verifyServerCert({ ...certificates, ...unstapled });
        },
      },
    });
    const connect = async (staple: number) => {
      changing.ocspResponse = Uint8Array.of(0x30, staple);
      await new Pair({ client, server }).run();
      expect(seen.at(-1)).toEqual(changing.ocspResponse);
      return ours.compressed.length;
    };
    for (let staple = 1; staple <= 5; staple++) expect(await connect(staple)).toBe(staple);
    for (const staple of [5, 4, 3, 2]) expect(await connect(staple)).toBe(5);
    expect(await connect(1)).toBe(6);
  });
});

test('a compressor that fails is a failure of our own side', async () => {
  const failing: CertificateCompressor = {
    algorithm: zlib,
    compress: () => {
      throw new Error('out of order');
    },
  };
  const pair = new Pair({
    client: await testClientConfig(provider, counted()),
    server: await testServerConfig(provider, { certificateCompressors: [failing] }),
  });
  await pair.run();
  expect(pair.server.error?.detail).toEqual({ code: 'General', why: 'out of order' });
});

test('an algorithm that is there twice is refused', async () => {
  const { certificateDecompressors, certificateCompressors } = certificateCompression(['zlib']);
  const twice = [...certificateDecompressors, ...certificateDecompressors];
  await expect(testClientConfig(provider, { certificateDecompressors: twice })).rejects.toThrow(RangeError);
  const compressors = [...certificateCompressors, ...certificateCompressors];
  await expect(testServerConfig(provider, { certificateCompressors: compressors })).rejects.toThrow(RangeError);
});
