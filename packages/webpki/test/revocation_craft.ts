/** Revocation lists made by hand, each field as a test wants it. */
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { type TestCa } from '@tyls/testing';
import { isTlsError, type TlsErrorDetail } from '@tyls/tls-core';
import { parseCertificate } from '@tyls/webpki';
import { ascii, bitString, sequenceOf } from './craft.ts';

export const none: Uint8Array = new Uint8Array();

export function integer(...bytes: readonly number[]): Uint8Array {
  return derEncode(DerTag.integer, Uint8Array.from(bytes));
}

export function enumerated(...bytes: readonly number[]): Uint8Array {
  return derEncode(DerTag.enumerated, Uint8Array.from(bytes));
}

export function octetString(...contents: readonly Uint8Array[]): Uint8Array {
  return derEncode(DerTag.octetString, ...contents);
}

/** @param dotted with numbers under 2^28 */
export function oid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let high = arc >>> 7; high > 0; high >>>= 7) septets.unshift(0x80 | (high & 0x7f));
    return septets;
  });
  return derEncode(DerTag.oid, Uint8Array.from(bytes));
}

export function generalizedTime(millis: number): Uint8Array {
  const digits = new Date(millis).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return derEncode(DerTag.generalizedTime, ascii(digits));
}

export function utcTime(millis: number): Uint8Array {
  const digits = new Date(millis)
    .toISOString()
    .slice(2)
    .replaceAll(/[-:T]|\.\d+/g, '');
  return derEncode(DerTag.utcTime, ascii(digits));
}

export function extension(id: string, value: Uint8Array, critical: boolean = false): Uint8Array {
  const flags = critical ? [derEncode(DerTag.boolean, Uint8Array.of(0xff))] : [];
  return sequenceOf(oid(id), ...flags, octetString(value));
}

export const ecdsaSha256: Uint8Array = sequenceOf(oid('1.2.840.10045.4.3.2'));
export const sha256WithRsa: Uint8Array = sequenceOf(oid('1.2.840.113549.1.1.11'), derEncode(DerTag.null));

export const hour = 3_600_000;
export const day: number = 24 * hour;
/** A whole second, as certificates and lists have them. */
export const now: number = Math.floor(Date.now() / 1000) * 1000;

/** An entry: a serial number, a date, and perhaps extensions. */
export function entry(serialNumber: Uint8Array, ...extensions: readonly Uint8Array[]): Uint8Array {
  const list = extensions.length === 0 ? [] : [sequenceOf(...extensions)];
  return sequenceOf(derEncode(DerTag.integer, serialNumber), utcTime(now - hour), ...list);
}

export function crlNumber(...bytes: readonly number[]): Uint8Array {
  return extension('2.5.29.20', integer(...bytes));
}

export function uri(text: string): Uint8Array {
  return derEncode(contextTag(6, false), ascii(text));
}

/** DistributionPointName with a full name. */
export function fullName(...names: readonly Uint8Array[]): Uint8Array {
  return derEncode(contextTag(0, true), derEncode(contextTag(0, true), ...names));
}

/** A flag in issuingDistributionPoint. */
export function flag(number: number, value: number = 0xff): Uint8Array {
  return derEncode(contextTag(number, false), Uint8Array.of(value));
}

export function issuingDistributionPoint(...parts: readonly Uint8Array[]): Uint8Array {
  return extension('2.5.29.28', sequenceOf(...parts), true);
}

export interface CrlFields {
  readonly version?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly nextUpdate?: Uint8Array;
  readonly entries?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  /** In place of `extensions`, with its tag. */
  readonly wrapper?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly more?: readonly Uint8Array[];
}

/** A list by this CA, in force since yesterday and for a week. */
export async function crlBy(ca: TestCa, fields: CrlFields = {}): Promise<Uint8Array> {
  const { entries = [], extensions = [crlNumber(1)], algorithm = ecdsaSha256 } = fields;
  const tbs = sequenceOf(
    fields.version ?? integer(1),
    algorithm,
    fields.issuer ?? sequenceOf(parseCertificate(ca.certificate).subject),
    utcTime(now - day),
    fields.nextUpdate ?? utcTime(now + 7 * day),
    ...(entries.length === 0 ? [] : [sequenceOf(...entries)]),
    fields.wrapper ?? derEncode(contextTag(0, true), sequenceOf(...extensions)),
    ...(fields.more ?? []),
  );
  return sequenceOf(tbs, fields.outerAlgorithm ?? algorithm, bitString(await ca.sign(tbs)));
}

/** What an error says; fails if there is none, or one that is no `TlsError`. */
export function detailOf(run: () => unknown): TlsErrorDetail {
  try {
    run();
  } catch (error) {
    if (isTlsError(error)) return error.detail;
    throw error;
  }
  throw new Error('it was accepted');
}
