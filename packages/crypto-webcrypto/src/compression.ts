/**
 * `@tyls/crypto-webcrypto/compression`: certificate compression (RFC 8879) by the platform's Compression
 * Streams. Apart from the main entry, so that whoever does not ask for it does not have it.
 */
import {
  CertificateCompressionAlgorithm,
  type CertificateCompressor,
  type CertificateDecompressor,
} from '@tyls/tls-core/provider';

/** Options of a configuration. */
export interface CertificateCompression {
  readonly certificateCompressors: readonly CertificateCompressor[];
  readonly certificateDecompressors: readonly CertificateDecompressor[];
}

/**
 * To be spread into the options of a client or a server: with zlib, which all platforms have as `deflate`. It gives whoever
 * connects one more parser to talk to before it is known who that is; so it is not the default. Some platforms (Node 20)
 * pass over bytes behind the end of the data; they mean nothing then.
 */
export function certificateCompression(): CertificateCompression {
  const algorithm = CertificateCompressionAlgorithm.zlib;
  return {
    certificateCompressors: [
      { algorithm, compress: (message) => transformed(new CompressionStream('deflate'), message, Infinity) },
    ],
    certificateDecompressors: [
      {
        algorithm,
        decompress: (compressed, maxLength) => transformed(new DecompressionStream('deflate'), compressed, maxLength),
      },
    ],
  };
}

/** Deflate makes at most 1032 bytes of one, and a platform may do that to a whole chunk before anybody can stop it. */
const chunkLength = 64;

async function transformed(
  { readable, writable }: CompressionStream | DecompressionStream,
  data: Uint8Array,
  maxLength: number,
): Promise<Uint8Array> {
  const reader = readable.getReader();
  const fed = feed(writable.getWriter(), data);
  // Reading fails with it.
  fed.catch(() => {});
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      length += read.value.length;
      if (length > maxLength) throw new RangeError('longer than it may be');
      chunks.push(read.value);
    }
    await fed;
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  }
  const output = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return output;
}

async function feed(writer: WritableStreamDefaultWriter<BufferSource>, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; at += chunkLength) {
    await writer.ready;
    await writer.write(data.slice(at, at + chunkLength));
  }
  await writer.close();
}
