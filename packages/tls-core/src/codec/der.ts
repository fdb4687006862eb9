/**
 * DER (X.690 section 10): the subset that X.509 and private keys are written in, with nothing tolerated.
 *
 * Refused: indefinite and non-minimal lengths, tag numbers over 30, lengths over 2^32 - 1, trailing bytes.
 */

/** Tags of this subset, with their class and constructed bits. */
export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The tag of a context-specific element, `[number]`. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number;
}

/** An element: its tag, its content, and all of it with tag and length. The views borrow the input. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Reads elements one after another. What it returns borrows the input. Whoever makes one calls {@link finish}. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #fail: (what: string) => Error;
  readonly #end: number;
  #at: number;

  /**
   * @param fail makes the error to throw; it is told what is wrong
   * @param at where in `bytes` the elements begin
   * @param end where they end
   */
  constructor(bytes: Uint8Array, fail: (what: string) => Error, at: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#fail = fail;
    this.#at = at;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The tag of the next element, `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.atEnd ? undefined : this.#bytes[this.#at];
  }

  /** The next element, whatever it is. */
  element(): DerElement {
    const start = this.#at;
    const tag = this.#bytes[start]!;
    const content = this.#skip();
    return {
      tag,
      content: this.#bytes.subarray(content, this.#at),
      whole: this.#bytes.subarray(start, this.#at),
    };
  }

  /** Goes past the next element. @returns where its content begins */
  #skip(): number {
    const bytes = this.#bytes;
    const start = this.#at;
    if (start + 2 > this.#end) throw this.#fail('truncated');
    const tag = bytes[start]!;
    if ((tag & 0x1f) === 0x1f) throw this.#fail('a tag number over 30');
    let length = bytes[start + 1]!;
    let at = start + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 4) throw this.#fail('a length that is not definite or too large');
      if (at + size > this.#end) throw this.#fail('truncated');
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + bytes[at++]!;
      const minimal = length >= 0x80 && (size === 1 || length >= 2 ** (8 * (size - 1)));
      if (!minimal) throw this.#fail('a length that is not minimal');
    }
    if (length > this.#end - at) throw this.#fail('truncated');
    this.#at = at + length;
    return at;
  }

  #skipTagged(tag: number): number {
    if (this.nextTag !== tag) throw this.#fail(`expected tag 0x${tag.toString(16)}`);
    return this.#skip();
  }

  /** The content of the next element, which must have this tag. */
  read(tag: number): Uint8Array {
    const content = this.#skipTagged(tag);
    return this.#bytes.subarray(content, this.#at);
  }

  /** The same where the element may be absent. */
  optional(tag: number): Uint8Array | undefined {
    return this.nextTag === tag ? this.read(tag) : undefined;
  }

  /** A reader over the content of the next element, which must have this tag; the caller finishes it. */
  enter(tag: number): DerReader {
    const content = this.#skipTagged(tag);
    return new DerReader(this.#bytes, this.#fail, content, this.#at);
  }

  /** The same where the element may be absent. */
  enterOptional(tag: number): DerReader | undefined {
    return this.nextTag === tag ? this.enter(tag) : undefined;
  }

  /** BOOLEAN: in DER only 0x00 and 0xff (X.690 section 11.1). */
  boolean(): boolean {
    const content = this.read(DerTag.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw this.#fail('a BOOLEAN');
    return content[0] === 0xff;
  }

  /** A non-negative INTEGER without its leading zero byte; minimal as X.690 section 8.3.2 demands. */
  unsignedInteger(): Uint8Array {
    const content = this.read(DerTag.integer);
    if (content.length === 0) throw this.#fail('an INTEGER');
    const [first, second] = content;
    if (first! >= 0x80) throw this.#fail('a negative INTEGER');
    if (first !== 0 || content.length === 1) return content;
    if (second! < 0x80) throw this.#fail('an INTEGER that is not minimal');
    return content.subarray(1);
  }

  /** A non-negative INTEGER under 2^31. */
  smallInteger(): number {
    const content = this.unsignedInteger();
    if (content.length > 4 || (content.length === 4 && content[0]! >= 0x80)) throw this.#fail('an INTEGER too large');
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A BIT STRING of whole bytes. */
  bitStringBytes(): Uint8Array {
    const content = this.read(DerTag.bitString);
    if (content.length === 0 || content[0] !== 0) throw this.#fail('a BIT STRING of whole bytes');
    return content.subarray(1);
  }

  /** Refuses trailing bytes. */
  finish(): void {
    if (!this.atEnd) throw this.#fail('trailing bytes');
  }
}

/** An element of these contents, one after another. */
export function derEncode(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  const size: number[] = [];
  if (length >= 0x80) {
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
    size.unshift(0x80 | size.length);
  } else {
    size.push(length);
  }
  const encoded = new Uint8Array(1 + size.length + length);
  encoded[0] = tag;
  encoded.set(size, 1);
  let at = 1 + size.length;
  for (const content of contents) {
    encoded.set(content, at);
    at += content.length;
  }
  return encoded;
}
