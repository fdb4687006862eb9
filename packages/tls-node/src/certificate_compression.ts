/** Certificate compression (RFC 8879) by node:zlib. */
import * as zlib from 'node:zlib';
import {
  type CertificateCompressor,
  type CertificateDecompressor,
  CertificateCompressionAlgorithm,
} from '@tyls/tls-core';

/** `zstd` from Node 22.15 on. */
export type CertificateCompressionName = keyof typeof CertificateCompressionAlgorithm;

/** Options of a configuration. */
export interface CertificateCompression {
  readonly certificateCompressors: readonly CertificateCompressor[];
  readonly certificateDecompressors: readonly CertificateDecompressor[];
}

interface Engine {
  readonly compress: (data: Uint8Array) => Uint8Array;
  readonly decompress: (data: Uint8Array, options: Bounds) => unknown;
}

/** The output may not grow over that; with `info` comes an engine that says how much of the input it took. */
interface Bounds {
  readonly maxOutputLength: number;
  readonly info: true;
}

/** Not there in older versions of Node. */
interface Zstd {
  readonly zstdCompressSync?: (data: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync?: (data: Uint8Array, options: Bounds & { readonly params: object }) => unknown;
}

interface ZstdConstants {
  readonly ZSTD_d_windowLogMax: number;
}

const { BROTLI_PARAM_QUALITY } = zlib.constants;

/** At the highest quality of 11 brotli takes some 30 times longer, for a few bytes. */
const brotliParams = { [BROTLI_PARAM_QUALITY]: 5 };

function engineOf(name: CertificateCompressionName): Engine | undefined {
  switch (name) {
    case 'brotli':
      return {
        compress: (data) => zlib.brotliCompressSync(data, { params: brotliParams }),
        decompress: (data, options) => zlib.brotliDecompressSync(data, options),
      };
    case 'zlib':
      return {
        compress: (data) => zlib.deflateSync(data),
        decompress: (data, options) => zlib.inflateSync(data, options),
      };
    case 'zstd': {
      const { zstdCompressSync, zstdDecompressSync } = zlib as Zstd;
      if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
      // RFC 9659: nobody needs a window of more than 8 MiB, whatever a frame says.
      const params = { [(zlib.constants as typeof zlib.constants & ZstdConstants).ZSTD_d_windowLogMax]: 23 };
      return {
        compress: (data) => zstdCompressSync(data),
        decompress: (data, options) => zstdDecompressSync(data, { ...options, params }),
      };
    }
  }
}

/**
 * To be spread into the options of a client or a server: both sides' certificates are compressed then where the other side
 * can do so too. It makes the handshake shorter by a third or so, and gives whoever connects one more parser to talk to
 * before it is known who that is; so it is not the default.
 *
 * ```ts
 * connect({ host: 'example.org', port: 443, ...certificateCompression() });
 * ```
 *
 * @param names in order of preference; by default all that this Node has
 * @throws RangeError for one that this Node does not have
 */
export function certificateCompression(names?: readonly CertificateCompressionName[]): CertificateCompression {
  const engines = (names ?? (['brotli', 'zlib', 'zstd'] as const)).flatMap((name) => {
    const engine = engineOf(name);
    if (engine === undefined && names !== undefined) throw new RangeError(`this Node does not have ${name}`);
    return engine === undefined ? [] : [{ algorithm: CertificateCompressionAlgorithm[name], ...engine }];
  });
  return {
    certificateCompressors: engines.map(({ algorithm, compress }) => ({
      algorithm,
      compress: (message) => plainBytes(compress(message)),
    })),
    certificateDecompressors: engines.map(({ algorithm, decompress }) => ({
      algorithm,
      decompress: (compressed, maxLength) => {
        const { buffer, engine } = decompress(compressed, { maxOutputLength: maxLength, info: true }) as Inflated;
        if (engine.bytesWritten !== compressed.length) throw new Error('bytes after the end');
        return plainBytes(buffer);
      },
    })),
  };
}

interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
