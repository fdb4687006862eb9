/** What record protection is to the two directions of a connection: one object for each direction and key. */
import { type ContentType } from '../registry.ts';
import { type Awaitable } from '../step/step.ts';
import { type RawRecord } from './deframer.ts';

/** Of every AEAD here, in bytes. */
export const tagLength = 16;

/** A record without protection. */
export interface PlainRecord {
  readonly type: ContentType;
  /** In the pieces that decryption gave. */
  readonly content: readonly Uint8Array[];
  /** Of the content, in bytes. */
  readonly length: number;
}

export interface RecordSealer {
  /** Of the record that comes next. */
  readonly sequenceNumber: number;
  /** Whether this key must not seal any more application data; what ends or replaces it may still be sealed. */
  readonly exhausted: boolean;
  /**
   * Gives the record of one fragment its place in the order; what it returns seals it, when its turn comes, and gives
   * the whole record in pieces.
   *
   * @param fragment at most 16 384 bytes; borrowed until the answer is there
   */
  readonly prepare: (type: ContentType, fragment: Uint8Array) => () => Awaitable<readonly Uint8Array[]>;
}

export interface RecordOpener {
  /** Of the record that comes next. */
  readonly sequenceNumber: number;
  /** The longest payload, in bytes, of a record with this type in its header. */
  readonly maxLength: (type: ContentType) => number;
  /** What was sealed, in pieces; `undefined` if it is not authentic. */
  readonly open: (record: RawRecord) => Awaitable<readonly Uint8Array[] | undefined>;
  /**
   * The record that `open` gave the plaintext of. Throws the `TlsError` for a plaintext that must not be.
   *
   * @param limit most bytes of the plaintext, where the version does not allow fewer: in TLS 1.3 with content type and
   *   padding (RFC 8449 section 4)
   */
  readonly unwrap: (record: RawRecord, plaintext: readonly Uint8Array[], limit: number) => PlainRecord;
  /** The record before was no record of this key (skipped early data): the next one has its number. */
  readonly skip: () => void;
}

/** How many bytes the pieces have. */
export function totalLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/**
 * RFC 8446 section 5.3 and RFC 7905 section 2: the sequence number, XORed into the last 8 bytes of the IV. A number is
 * exact far past every limit.
 */
export function nonceOf(iv: Uint8Array, sequenceNumber: number): Uint8Array {
  const nonce = iv.slice();
  for (let i = nonce.length - 1, left = sequenceNumber; left > 0; i--) {
    nonce[i]! ^= left;
    left = Math.floor(left / 256);
  }
  return nonce;
}

const zero = new Uint8Array(8);

/** 8 bytes. */
export function sequenceBytes(sequenceNumber: number): Uint8Array {
  return nonceOf(zero, sequenceNumber);
}
