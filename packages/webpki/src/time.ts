/** Time (RFC 5280 section 4.1.2.5): UTCTime and GeneralizedTime, in the one form that DER allows each. */
import { type DerReader, DerTag } from '@tyls/tls-core/der';
import { binaryString } from './bytes.ts';
import { certificateError } from './error.ts';

/**
 * Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`: with seconds, in UTC, without a fraction (RFC 5280 sections 4.1.2.5.1 and
 * 4.1.2.5.2), from 1970 on.
 *
 * @returns milliseconds since 1970 UTC
 */
export function readTime(reader: DerReader): number {
  const utc = reader.optional(DerTag.utcTime);
  const text = binaryString(utc ?? reader.read(DerTag.generalizedTime));
  // RFC 5280 section 4.1.2.5.1: 50 to 99 are of the 20th century.
  const full = utc === undefined ? text : `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`;
  const digits = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(full);
  if (digits === null || Number(digits[1]) < 1970) throw badTime();
  const [year, month, day, hour, minute, second] = digits.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
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

function badTime(): Error {
  return certificateError({ reason: 'BadEncoding', what: 'Time' });
}
