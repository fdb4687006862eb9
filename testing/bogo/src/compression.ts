/** The compression algorithms of the runner, which no other program has: for what they do to lengths. */
import { type CertificateCompressor, type CertificateDecompressor } from '@tyls/tls-core';
import { type Flags } from './flags.ts';

type Algorithm = CertificateCompressor & CertificateDecompressor;

/** Puts four bytes in front. */
const expanding: Algorithm = {
  algorithm: 0xff02,
  compress: (message) => concat(Uint8Array.of(1, 2, 3, 4), message),
  decompress: (compressed) => withoutPrefix(compressed, Uint8Array.of(1, 2, 3, 4)),
};

/** Leaves out the two bytes that every Certificate message begins with. */
const shrinking: Algorithm = {
  algorithm: 0xff01,
  compress: (message) => withoutPrefix(message, Uint8Array.of(0, 0)),
  decompress: (compressed) => concat(Uint8Array.of(0, 0), compressed),
};

/** Puts any byte in front. */
const random: Algorithm = {
  algorithm: 0xff03,
  compress: (message) => concat(crypto.getRandomValues(new Uint8Array(1)), message),
  decompress: (compressed) => compressed.slice(1),
};

/** Those that the flags install. */
export function algorithmsOf(flags: Flags): readonly Algorithm[] {
  const one = flags['install-one-cert-compression-alg'];
  return [expanding, shrinking, random].filter(
    ({ algorithm }) => flags['install-cert-compression-algs'] === true || algorithm === one,
  );
}

function concat(prefix: Uint8Array, rest: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([prefix, rest]));
}

function withoutPrefix(bytes: Uint8Array, prefix: Uint8Array): Uint8Array {
  if (Buffer.compare(bytes.subarray(0, prefix.length), prefix) !== 0) throw new Error('not of this algorithm');
  return bytes.slice(prefix.length);
}
