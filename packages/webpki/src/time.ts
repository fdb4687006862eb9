/** Time (RFC 5280 section 4.1.2.5): UTCTime and GeneralizedTime, in the one form that DER allows each. */
import { type DerReader, DerTag } from '@tyls/tls-core/der';
import { certificateError } from './error.ts';

/**
 * Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`: with seconds, in UTC, without a fraction (RFC 5280 sections 4.1.2.5.1 and
 * 4.1.2.5.2), from 1970 on.
 *
 * @returns milliseconds since 1970 UTC
 */
export function readTime(reader: DerReader): number {
  const utc = reader.optional(DerTag.utcTime);
  const text = utc ?? reader.read(DerTag.generalizedTime);
  const yearLength = utc === undefined ? 4 : 2;
  if (text.length !== yearLength + 11 || text.at(-1) !== zulu) throw badTime();
  const pair = (index: number): number => decimal(text, yearLength + 2 * index, 2);
  const written = decimal(text, 0, yearLength);
  // RFC 5280 section 4.1.2.5.1: 50 to 99 are of the 20th century.
  const year = utc === undefined ? written : written + (written >= 50 ? 1900 : 2000);
  if (year < 1970) throw badTime();
  const [month, day, hour, minute, second] = [pair(0), pair(1), pair(2), pair(3), pair(4)];
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exists =
    time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour <= 23 && minute <= 59 && second <= 59;
  if (!exists) throw badTime();
  return time.getTime();
}

/** @throws RangeError if it is no number: every comparison with it would be false, and so nothing ever too old */
export function checkVerificationTime(now: number): void {
  if (!Number.isFinite(now)) throw new RangeError('the verification time is not a number');
}

/** The character `Z`. */
const zulu = 0x5a;

function decimal(digits: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let at = start; at < start + length; at++) {
    const digit = digits[at]! - 0x30;
    if (digit < 0 || digit > 9) throw badTime();
    value = 10 * value + digit;
  }
  return value;
}

function badTime(): Error {
  return certificateError({ reason: 'BadEncoding', what: 'Time' });
}
