/** Much data, to be sent and to be recognised by its hash. */
import { createHash, randomBytes } from 'node:crypto';

/** 100 MB. */
export const bulkLength = 100_000_000;

const pattern = Buffer.from(randomBytes(1_000_003).map((byte) => byte | 0x80));

/**
 * `length` bytes in pieces of no round length. All are over 0x7f, so that they are commands to no peer and differ from
 * all that one prints.
 */
export function* bulk(length: number = bulkLength): Generator<Buffer> {
  for (let left = length; left > 0; left -= pattern.length) yield pattern.subarray(0, left);
}

/** Takes data and says whether it was all of {@link bulk}. */
export class BulkReceiver {
  /** Resolves once so many bytes are here as are expected. */
  readonly complete: Promise<void>;
  readonly #expected: number;
  readonly #hash = createHash('sha256');
  readonly #complete: () => void;
  #length = 0;

  constructor(expected: number = bulkLength) {
    this.#expected = expected;
    let complete!: () => void;
    this.complete = new Promise((resolve) => (complete = resolve));
    this.#complete = complete;
  }

  readonly add = (data: Uint8Array): void => {
    this.#hash.update(data);
    this.#length += data.length;
    if (this.#length >= this.#expected) this.#complete();
  };

  /** Length in bytes and SHA-256 of what came, to be compared with {@link bulkDigest}. Ends it. */
  digest(): string {
    return `${this.#length} ${this.#hash.digest('hex')}`;
  }
}

/** Of {@link bulk}. */
export function bulkDigest(length?: number): string {
  const receiver = new BulkReceiver(length);
  for (const piece of bulk(length)) receiver.add(piece);
  return receiver.digest();
}
