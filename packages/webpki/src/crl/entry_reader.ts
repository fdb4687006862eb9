/** Entries of a revocation list (RFC 5280 section 5.3). */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { oidText } from '../oid.ts';
import { crlError } from './error.ts';
import { readRevocationReason, type RevocationReason } from './revocation_reason.ts';

/** In bytes, of the content: 20 and, where the first bit is set, one for the sign (RFC 5280 section 4.1.2.2). */
export const maxSerialLength = 21;

/** As short as an entry can be, in bytes: a SEQUENCE of an INTEGER of one byte and an UTCTime. */
export const minEntryLength = 20;

/**
 * Reads entries in place and keeps nothing of them but positions: a list may have a million, and an object for each of
 * their elements would cost many times what reading them costs. Whether dates exist in the calendar is not looked at.
 */
export class EntryReader {
  readonly #bytes: Uint8Array;
  /** Content of the element that was read last. */
  #start = 0;
  #end = 0;

  /** Of the entry that was read last: where it ends. */
  end = 0;
  /** Content of the INTEGER. */
  serialStart = 0;
  serialEnd = 0;
  /** The Time's tag; it ends where the next element or the entry does. */
  dateStart = 0;
  reason: RevocationReason | undefined;
  /** The same of invalidityDate, 0 if there is none. */
  invalidityStart = 0;

  /** @param bytes content of revokedCertificates; borrowed */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * @param at where the entry starts
   * @throws TlsError `InvalidCertRevocationList`
   */
  read(at: number): void {
    this.#element(at, this.#bytes.length, DerTag.sequence);
    const end = this.#end;
    this.#element(this.#start, end, DerTag.integer);
    this.serialStart = this.#start;
    this.serialEnd = this.#end;
    this.#checkSerial();
    this.dateStart = this.#end;
    this.#time(this.#end, end);
    this.reason = undefined;
    this.invalidityStart = 0;
    if (this.#end < end) {
      // Some issuers write an empty SEQUENCE where they should leave it out.
      this.#element(this.#end, end, DerTag.sequence);
      this.#checkEnd(end);
      let next = this.#start;
      while (next < end) next = this.#extension(next, end);
    }
    this.end = end;
  }

  /** Only the minimal form: a serial number that is written otherwise would not be found. Zero and negative ones exist. */
  #checkSerial(): void {
    const [first, second] = [this.#bytes[this.#start]!, this.#bytes[this.#start + 1]!];
    const length = this.#end - this.#start;
    const isRedundant = length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    const isTooLong = length > maxSerialLength || (length === maxSerialLength && first !== 0);
    if (length === 0 || isRedundant || isTooLong) throw crlError({ reason: 'InvalidRevokedCertSerialNumber' });
  }

  /** RFC 5280 section 5.1.2.6: in the forms of Time that certificates have. */
  #time(at: number, limit: number): void {
    const tag = this.#bytes[at] === DerTag.utcTime ? DerTag.utcTime : DerTag.generalizedTime;
    this.#element(at, limit, tag);
    const last = this.#end - 1;
    const digits = tag === DerTag.utcTime ? 12 : 14;
    if (last - this.#start !== digits || this.#bytes[last] !== 0x5a) throw malformed('a Time');
    for (let i = this.#start; i < last; i++) {
      const byte = this.#bytes[i]!;
      if (byte < 0x30 || byte > 0x39) throw malformed('a Time');
    }
  }

  /** @returns where the next one starts */
  #extension(at: number, limit: number): number {
    this.#element(at, limit, DerTag.sequence);
    const end = this.#end;
    this.#element(this.#start, end, DerTag.oid);
    const oidStart = this.#start;
    const oidEnd = this.#end;
    let isCritical = false;
    if (this.#bytes[oidEnd] === DerTag.boolean && oidEnd < end) {
      isCritical = new DerReader(this.#bytes.subarray(oidEnd, end), malformed).boolean();
      this.#element(oidEnd, end, DerTag.boolean);
    }
    this.#element(this.#end, end, DerTag.octetString);
    this.#checkEnd(end);
    // id-ce, 2.5.29.
    const isStandard = oidEnd - oidStart === 3 && this.#bytes[oidStart] === 0x55 && this.#bytes[oidStart + 1] === 0x1d;
    switch (isStandard ? this.#bytes[oidStart + 2] : undefined) {
      case 21:
        this.#reasonCode(this.#start, end);
        break;
      case 24:
        if (this.invalidityStart !== 0) throw malformed('invalidityDate twice');
        this.invalidityStart = this.#start;
        this.#time(this.#start, end);
        this.#checkEnd(end);
        break;
      // certificateIssuer (RFC 5280 section 5.3.3): the entry is about a certificate of somebody else.
      case 29:
        throw crlError({ reason: 'UnsupportedIndirectCrl' });
      default:
        // RFC 5280 section 5.3: then none of the list may be used.
        if (isCritical) {
          const oid = oidText(this.#bytes.subarray(oidStart, oidEnd));
          throw crlError({ reason: 'UnsupportedCriticalExtension', oid });
        }
    }
    return end;
  }

  #reasonCode(at: number, end: number): void {
    if (this.reason !== undefined) throw malformed('reasonCode twice');
    this.#element(at, end, DerTag.enumerated);
    this.#checkEnd(end);
    this.reason = readRevocationReason(this.#bytes.subarray(this.#start, end));
    if (this.reason === undefined) throw crlError({ reason: 'UnsupportedRevocationReason' });
  }

  #element(at: number, limit: number, tag: number): void {
    if (at + 2 > limit || this.#bytes[at] !== tag) throw malformed(`expected tag 0x${tag.toString(16)}`);
    const length = this.#bytes[at + 1]!;
    if (length < 0x80) {
      this.#start = at + 2;
      this.#end = this.#start + length;
      if (this.#end > limit) throw malformed('truncated');
    } else {
      const { content, whole } = new DerReader(this.#bytes.subarray(at, limit), malformed).element();
      this.#end = at + whole.length;
      this.#start = this.#end - content.length;
    }
  }

  #checkEnd(end: number): void {
    if (this.#end !== end) throw malformed('trailing bytes');
  }
}

function malformed(what: string): Error {
  return crlError({ reason: 'ParseError', what: `revokedCertificates: ${what}` });
}
