/** Compression of Certificate messages (RFC 8879): the interfaces of algorithms, which platforms have. */
import { equalBytes } from './codec/bytes.ts';
import { type CertificateCompressionAlgorithm } from './registry.ts';
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

/** How many messages are remembered for a certificate: they differ in the algorithm, and in what is stapled. */
const maxRemembered = 4;

interface Remembered {
  readonly compressor: CertificateCompressor;
  readonly message: Uint8Array;
  readonly compressed: Uint8Array;
}

/** Compressed messages, since the same go out in every handshake; for as long as their certificates are in use. */
export class CompressionCache {
  readonly #remembered = new WeakMap<object, Remembered[]>();

  /**
   * @param owner whose certificate it is
   * @param message kept; found again by its content, so that whatever differs is compressed anew
   */
  *compress(owner: object, compressor: CertificateCompressor, message: Uint8Array): Step<Uint8Array> {
    const known = (this.#remembered.get(owner) ?? []).find(
      (entry) => entry.compressor === compressor && equalBytes(entry.message, message),
    );
    if (known !== undefined) return known.compressed;
    const compressed = yield* wait(compressor.compress(message));
    const others = this.#remembered.get(owner) ?? [];
    this.#remembered.set(owner, [{ compressor, message, compressed }, ...others.slice(0, maxRemembered - 1)]);
    return compressed;
  }
}
