/** Compression of Certificate messages (RFC 8879), by algorithms which platforms have. */
import { equalBytes } from './codec/bytes.ts';
import { TlsError } from './error.ts';
import { compressedCertificate } from './messages/compressed_certificate.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from './messages/handshake.ts';
import { CertificateCompressionAlgorithm, HandshakeType, nameOf } from './registry.ts';
import { type Awaitable, type Step, wait } from './step/step.ts';

/** Compresses our Certificate messages. */
export interface CertificateCompressor {
  readonly algorithm: CertificateCompressionAlgorithm;
  /**
   * @param message borrowed until it has answered; a few thousand bytes mostly
   * @returns the caller's own, kept and sent many times
   */
  readonly compress: (message: Uint8Array) => Awaitable<Uint8Array>;
}

/** Decompresses Certificate messages of peers, before anything is known of them. */
export interface CertificateDecompressor {
  readonly algorithm: CertificateCompressionAlgorithm;
  /**
   * Throws, or rejects, with any error where the data is not that of the algorithm, to its last byte; and as soon as there
   * is more than `maxLength`, so that nobody makes it work or remember more than that.
   *
   * @param compressed less than 64 KiB; borrowed until it has answered
   * @param maxLength in bytes, 65 536 at most
   * @returns the caller's own
   */
  readonly decompress: (compressed: Uint8Array, maxLength: number) => Awaitable<Uint8Array>;
}

/** What a configuration may be told of it. */
export interface CertificateCompressionOptions {
  /**
   * What our Certificate messages may be compressed with in TLS 1.3 (RFC 8879), in order of preference, and what those of
   * the peer may; by default nothing, since it hands bytes of anybody to one more parser.
   */
  readonly certificateCompressors?: readonly CertificateCompressor[] | undefined;
  readonly certificateDecompressors?: readonly CertificateDecompressor[] | undefined;
}

/** How many messages are remembered for a certificate: they differ in the algorithm, and in what is stapled. */
const maxRemembered = 4;

interface Remembered {
  readonly compressor: CertificateCompressor;
  readonly body: Uint8Array;
  readonly compressed: Uint8Array;
}

/** Of a configuration. That it brings this is what makes a program without compression be bundled without it. */
export class CertificateCompression {
  readonly #compressors: readonly CertificateCompressor[];
  readonly #decompressors: readonly CertificateDecompressor[];
  /** Since the same messages go out in every handshake; for as long as their certificates are in use. */
  readonly #remembered = new WeakMap<object, Remembered[]>();

  /** @throws RangeError if an algorithm is there twice */
  constructor({ certificateCompressors = [], certificateDecompressors = [] }: CertificateCompressionOptions) {
    this.#compressors = checkedAlgorithms(certificateCompressors);
    this.#decompressors = checkedAlgorithms(certificateDecompressors);
  }

  /** Section 3: what we can decompress; nothing is said where that is nothing. */
  get offeredAlgorithms(): readonly CertificateCompressionAlgorithm[] | undefined {
    return this.#decompressors.length > 0 ? this.#decompressors.map(({ algorithm }) => algorithm) : undefined;
  }

  /** Section 4: the body of the Certificate in a CompressedCertificate. */
  *decompress(message: HandshakeMessage): Step<Uint8Array> {
    const { algorithm, uncompressedLength, compressed } = parseBody(
      'CompressedCertificate',
      compressedCertificate,
      message,
    );
    const decompressor = this.#decompressors.find((offered) => offered.algorithm === algorithm);
    const what = nameOf(CertificateCompressionAlgorithm, algorithm);
    if (decompressor === undefined) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedCertCompression', what });
    }
    let body: Uint8Array;
    try {
      body = yield* wait(decompressor.decompress(compressed, uncompressedLength));
    } catch (cause) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidCertCompression', what }, { cause });
    }
    if (body.length !== uncompressedLength) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidCertCompression', what });
    }
    return body;
  }

  /**
   * A CompressedCertificate, by the first of our algorithms that the peer offers; `undefined` if that makes it no shorter.
   *
   * @param owner whose certificate it is
   * @param body of the Certificate; kept, and found again by its content, so that whatever differs is compressed anew
   */
  *compress(
    owner: object,
    body: Uint8Array,
    offered: readonly CertificateCompressionAlgorithm[],
  ): Step<Uint8Array | undefined> {
    const compressor = this.#compressors.find(({ algorithm }) => offered.includes(algorithm));
    if (compressor === undefined) return undefined;
    const compressed = yield* this.#compressOnce(owner, compressor, body);
    if (compressed.length === 0 || compressed.length >= body.length) return undefined;
    return encodeMessage(HandshakeType.compressed_certificate, compressedCertificate, {
      algorithm: compressor.algorithm,
      uncompressedLength: body.length,
      compressed,
    });
  }

  *#compressOnce(owner: object, compressor: CertificateCompressor, body: Uint8Array): Step<Uint8Array> {
    const known = (this.#remembered.get(owner) ?? []).find(
      (entry) => entry.compressor === compressor && equalBytes(entry.body, body),
    );
    if (known !== undefined) return known.compressed;
    const compressed = yield* wait(compressor.compress(body));
    const others = this.#remembered.get(owner) ?? [];
    this.#remembered.set(owner, [{ compressor, body, compressed }, ...others.slice(0, maxRemembered - 1)]);
    return compressed;
  }
}

/** @returns `undefined` where there is none */
export function certificateCompressionOf(options: CertificateCompressionOptions): CertificateCompression | undefined {
  const { certificateCompressors, certificateDecompressors } = options;
  if (certificateCompressors === undefined && certificateDecompressors === undefined) return undefined;
  return new CertificateCompression(options);
}

function checkedAlgorithms<T extends { readonly algorithm: number }>(algorithms: readonly T[]): readonly T[] {
  if (new Set(algorithms.map(({ algorithm }) => algorithm)).size !== algorithms.length) {
    throw new RangeError('a compression algorithm is there twice');
  }
  return [...algorithms];
}
