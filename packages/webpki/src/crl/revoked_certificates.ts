/** The entries of a revocation list, found by serial number without an object for each of them. */
import { DerReader } from '@tyls/tls-core/der';
import { badEncodingOf } from '../error.ts';
import { readTime } from '../time.ts';
import { EntryReader, maxSerialLength, minEntryLength } from './entry_reader.ts';
import { readingCrl } from './error.ts';
import { type RevocationReason } from './revocation_reason.ts';

/** An entry of a revocation list (RFC 5280 section 5.3). */
export interface RevokedCertificate {
  /** Milliseconds since 1970 UTC. */
  readonly revocationDate: number;
  readonly reason: RevocationReason | undefined;
  /** Since when the key is known or suspected to be compromised; milliseconds since 1970 UTC. */
  readonly invalidityDate: number | undefined;
}

/** How many entries share a bucket on average. */
const bucketSize = 4;

/**
 * The positions of the entries, grouped by a hash of the serial number and in order of it within each group, so that a
 * look-up compares a few. Serial numbers chosen to have one hash make it a binary search among them, nothing worse.
 *
 * A million entries take 5 MB besides their encoding.
 */
export class RevokedCertificates {
  readonly #bytes: Uint8Array;
  readonly #entries: Uint32Array;
  /** Where in `#entries` each bucket begins, and where the last one ends. */
  readonly #buckets: Uint32Array;

  /**
   * @param bytes content of revokedCertificates, at most 2^32 - 1 bytes; kept
   * @throws TlsError `InvalidCertRevocationList`
   */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const found = readEntries(bytes);
    const count = 2 ** Math.ceil(Math.log2(Math.max(found.length / bucketSize, 1)));
    const bucketOf = found.map((entry) => serialHash(bytes, serialStart(bytes, entry)) & (count - 1));
    this.#buckets = new Uint32Array(count + 1);
    for (const bucket of bucketOf) this.#buckets[bucket + 1]!++;
    for (let i = 0; i < count; i++) this.#buckets[i + 1]! += this.#buckets[i]!;
    this.#entries = new Uint32Array(found.length);
    const next = this.#buckets.slice();
    for (let i = 0; i < found.length; i++) this.#entries[next[bucketOf[i]!]!++] = found[i]!;
    for (let i = 0; i < count; i++) {
      const bucket = this.#entries.subarray(this.#buckets[i], this.#buckets[i + 1]);
      if (bucket.length > 1) {
        bucket.sort((a, b) => compare(bytes, serialStart(bytes, a), bytes, serialStart(bytes, b)));
      }
    }
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Bytes that are held besides the list itself. */
  get indexLength(): number {
    return this.#entries.byteLength + this.#buckets.byteLength;
  }

  /** As many serial numbers as a look-up may have to compare. */
  get maxComparisons(): number {
    let largest = 0;
    for (let i = 1; i < this.#buckets.length; i++) {
      largest = Math.max(largest, this.#buckets[i]! - this.#buckets[i - 1]!);
    }
    return Math.ceil(Math.log2(largest + 1)) + 1;
  }

  /**
   * @param serialNumber content of the INTEGER, as in `Certificate.serialNumber`
   * @returns of several entries the first; `undefined` if it was not revoked
   * @throws TlsError `InvalidCertRevocationList.ParseError` if its dates are not in the calendar
   */
  find(serialNumber: Uint8Array): RevokedCertificate | undefined {
    const wanted = minimalWithLength(serialNumber);
    if (wanted.length - 1 > maxSerialLength) return undefined;
    const bucket = serialHash(wanted, 1) & (this.#buckets.length - 2);
    let low = this.#buckets[bucket]!;
    let high = this.#buckets[bucket + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#bytes, serialStart(this.#bytes, this.#entries[middle]!), wanted, 1) < 0) low = middle + 1;
      else high = middle;
    }
    const entry = this.#entries[low];
    if (entry === undefined || compare(this.#bytes, serialStart(this.#bytes, entry), wanted, 1) !== 0) return undefined;
    return readingCrl(() => this.#read(entry));
  }

  #read(entry: number): RevokedCertificate {
    const { dateStart, invalidityStart, reason, end } = readEntry(new EntryReader(this.#bytes), entry);
    const timeAt = (start: number): number =>
      readTime(new DerReader(this.#bytes.subarray(start, end), badEncodingOf('revokedCertificates')));
    const invalidityDate = invalidityStart === 0 ? undefined : timeAt(invalidityStart);
    return { revocationDate: timeAt(dateStart), reason, invalidityDate };
  }
}

/** @returns where each entry starts */
function readEntries(bytes: Uint8Array): Uint32Array {
  const starts = new Uint32Array(Math.floor(bytes.length / minEntryLength));
  const reader = new EntryReader(bytes);
  let count = 0;
  for (let at = 0; at < bytes.length; at = reader.end) {
    reader.read(at);
    starts[count++] = at;
  }
  return starts.slice(0, count);
}

function readEntry(reader: EntryReader, at: number): EntryReader {
  reader.read(at);
  return reader;
}

/** Where the serial number of an entry has its content, whose length is the byte before it. */
function serialStart(bytes: Uint8Array, entry: number): number {
  const length = bytes[entry + 1]!;
  return entry + (length < 0x80 ? 4 : 4 + (length & 0x7f));
}

/**
 * A serial number with its length before it, without bytes that a minimal INTEGER does not have: entries have none, and
 * some certificates do.
 */
function minimalWithLength(serialNumber: Uint8Array): Uint8Array {
  let start = 0;
  while (start < serialNumber.length - 1) {
    const sign = serialNumber[start + 1]! >= 0x80 ? 0xff : 0;
    if (serialNumber[start] !== sign) break;
    start++;
  }
  const content = serialNumber.subarray(start);
  const result = new Uint8Array(1 + content.length);
  result[0] = content.length;
  result.set(content, 1);
  return result;
}

/** FNV-1a of the bytes that start here, whose number is in the one before them. */
export function serialHash(bytes: Uint8Array, start: number): number {
  let value = 0x811c9dc5;
  const end = start + bytes[start - 1]!;
  for (let i = start; i < end; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/** By length, which is in the byte before each, then by bytes. */
function compare(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): number {
  const length = a[aStart - 1]!;
  if (length !== b[bStart - 1]!) return length - b[bStart - 1]!;
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
