/** Cuts the transport's bytes into records (RFC 8446 section 5.1) without joining what need not be joined. */
import { concat, copyOf } from '../codec/bytes.ts';
import { TlsError } from '../error.ts';
import { ContentType } from '../registry.ts';

/** A record as it came. */
export interface RawRecord {
  readonly type: ContentType;
  /** The 5-byte header: the additional data of a protected record. */
  readonly header: Uint8Array;
  /** The payload in the pieces in which it came, views of them. */
  readonly payload: readonly Uint8Array[];
  /** Of the payload, in bytes. */
  readonly length: number;
}

const headerLength = 5;
/** Section 5.1. */
export const maxPlaintext = 16_384;
/** The longest payload that a record of any version may have (RFC 5246 section 6.2.3). */
export const maxTls12Ciphertext: number = maxPlaintext + 2048;
/** How many pieces may wait for the rest of a record before they are joined: a piece costs more memory than a byte. */
const maxPieces = 64;

export class Deframer {
  /** Pieces not consumed yet; the first from `#at` on. */
  #pieces: Uint8Array[] = [];
  #at = 0;
  #available = 0;

  /** Keeps `bytes` until its records are consumed. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#available += bytes.length;
    if (this.#pieces.length > maxPieces && this.#available < headerLength + maxTls12Ciphertext) {
      this.#pieces[0] = this.#pieces[0]!.subarray(this.#at);
      this.#at = 0;
      this.#pieces = [concat(this.#pieces)];
    }
  }

  /** Copies what is left of what was pushed last: the array may change from here on. */
  keep(): void {
    const last = this.#pieces.at(-1);
    if (last === undefined) return;
    const isFirst = this.#pieces.length === 1;
    this.#pieces[this.#pieces.length - 1] = copyOf(isFirst ? last.subarray(this.#at) : last);
    if (isFirst) this.#at = 0;
  }

  /** Gives up what is here, as one. */
  take(): Uint8Array {
    const [first, ...others] = this.#pieces;
    const bytes = first === undefined ? new Uint8Array(0) : concat([first.subarray(this.#at), ...others]);
    this.clear();
    return bytes;
  }

  /** Forgets everything. */
  clear(): void {
    this.#pieces = [];
    this.#at = 0;
    this.#available = 0;
  }

  /**
   * The next whole record, or `undefined` before it is here. Its header is checked as soon as that is; when it is
   * refused nothing is consumed, so that the next call refuses it again.
   *
   * @param maxLength the longest payload, in bytes, that a record with this type in its header may have
   */
  next(maxLength: (type: ContentType) => number): RawRecord | undefined {
    if (this.#available < headerLength) return undefined;
    const header = this.#peekHeader();
    const type = header[0]!;
    if (type < ContentType.change_cipher_spec || type > ContentType.application_data) {
      throw new TlsError({ code: 'InvalidMessage', reason: 'InvalidContentType', what: 'record' });
    }
    // legacy_record_version is to be ignored (section 5.1), but what is not of version 3.x is not TLS at all.
    if (header[1] !== 3) {
      throw new TlsError({ code: 'InvalidMessage', reason: 'UnknownProtocolVersion', what: 'record' });
    }
    const length = (header[3]! << 8) | header[4]!;
    if (length > maxLength(type)) throw new TlsError({ code: 'PeerSentOversizedRecord' });
    if (this.#available < headerLength + length) return undefined;
    this.#take(headerLength);
    return { type, header, payload: this.#take(length), length };
  }

  #peekHeader(): Uint8Array {
    const first = this.#pieces[0]!;
    if (first.length - this.#at >= headerLength) return first.slice(this.#at, this.#at + headerLength);
    // No piece is empty: so many have it.
    const [, ...others] = this.#pieces.slice(0, headerLength).map((piece) => piece.subarray(0, headerLength));
    return concat([first.subarray(this.#at), ...others]).slice(0, headerLength);
  }

  /** The next `length` bytes, which are there. */
  #take(length: number): Uint8Array[] {
    this.#available -= length;
    const taken: Uint8Array[] = [];
    let wanted = length;
    let used = 0;
    while (wanted > 0) {
      const piece = this.#pieces[used]!;
      const part = piece.subarray(this.#at, this.#at + wanted);
      taken.push(part);
      wanted -= part.length;
      this.#at += part.length;
      if (this.#at === piece.length) {
        used++;
        this.#at = 0;
      }
    }
    if (used > 0) this.#pieces.splice(0, used);
    return taken;
  }
}
