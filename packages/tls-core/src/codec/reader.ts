/** Reads and writes the presentation language of RFC 8446 section 3. */
import { type InvalidMessageReason, TlsError } from '../error.ts';

/**
 * Reads values from a view of bytes; never copies, so what it returns borrows the buffer.
 * Throws `InvalidMessage` with the name of the struct being read. Whoever makes one calls {@link finish}.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #end: number;
  #at: number;

  /** @param what name of the struct, for errors */
  constructor(bytes: Uint8Array, what: string, at: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = at;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  #take(length: number): number {
    const at = this.#at;
    if (this.#end - at < length) throw this.error('MissingData');
    this.#at = at + length;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }

  u24(): number {
    const at = this.#take(3);
    return (this.#bytes[at]! << 16) | (this.#bytes[at + 1]! << 8) | this.#bytes[at + 2]!;
  }

  u32(): number {
    return this.u8() * 0x1000000 + this.u24();
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** `opaque x<min..max>`, `max` under 2^8 */
  vec8(min: number = 0, max: number = 255): Uint8Array {
    const length = this.u8();
    if (length > max) throw this.error('VectorTooLong');
    return this.#opaque(length, min);
  }

  /** `opaque x<min..2^16-1>` */
  vec16(min: number = 0): Uint8Array {
    return this.#opaque(this.u16(), min);
  }

  /** `opaque x<min..2^24-1>` */
  vec24(min: number = 0): Uint8Array {
    return this.#opaque(this.u24(), min);
  }

  #opaque(length: number, min: number): Uint8Array {
    if (length < min) throw this.error('IllegalEmptyList');
    return this.bytes(length);
  }

  /** A reader over the next `length` bytes, which the caller finishes. */
  sub(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.#bytes, this.#what, at, at + length);
  }

  sub16(): Reader {
    return this.sub(this.u16());
  }

  /** Refuses trailing bytes. */
  finish(): void {
    if (this.#at !== this.#end) throw this.error('TrailingData');
  }

  /** The error for a value that the caller found to be wrong. */
  error(reason: InvalidMessageReason): TlsError {
    return new TlsError({ code: 'InvalidMessage', reason, what: this.#what });
  }
}

/** Builds an encoding in a buffer that grows. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #grow(by: number): number {
    const at = this.#length;
    if (at + by > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + by));
      grown.set(this.#bytes.subarray(0, at));
      // What is outgrown may hold the secret of a session.
      this.#bytes.fill(0);
      this.#bytes = grown;
    }
    this.#length = at + by;
    return at;
  }

  u8(value: number): this {
    // The buffer is looked up after it has grown.
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >> 8).u8(value);
  }

  u24(value: number): this {
    return this.u8(value >> 16).u16(value);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  vec8(value: Uint8Array): this {
    return this.#vec(1, value);
  }

  vec16(value: Uint8Array): this {
    return this.#vec(2, value);
  }

  vec24(value: Uint8Array): this {
    return this.#vec(3, value);
  }

  #vec(size: 1 | 2 | 3, value: Uint8Array): this {
    this.#setLength(this.#grow(size), size, value.length);
    return this.bytes(value);
  }

  /** Writes `body` behind a length prefix of `size` bytes, filled in afterwards. */
  prefixed(size: 1 | 2 | 3, body: (w: this) => void): this {
    const at = this.#grow(size);
    const start = this.#length;
    body(this);
    this.#setLength(at, size, this.#length - start);
    return this;
  }

  #setLength(at: number, size: 1 | 2 | 3, length: number): void {
    if (length >= 2 ** (8 * size)) throw new RangeError(`${length} bytes do not fit a length prefix of ${size} bytes`);
    for (let i = at + size - 1, left = length; i >= at; i--, left >>= 8) this.#bytes[i] = left;
  }

  /** The encoding; a view of the writer's own buffer, which it gives away. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
