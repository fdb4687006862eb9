/** Text of certificates in errors: right for people, and harmless to a terminal. */
import { DerTag, derEncode } from '@tyls/tls-core/der';
import { describeName } from '@tyls/webpki';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { algorithmText, oidText } from '../src/oid.ts';
import { ascii, sequenceOf } from './craft.ts';

const type = { CN: 3, C: 6, O: 10, OU: 11 };
const attribute = (name: keyof typeof type, value: string, tag: number = DerTag.utf8String): Uint8Array =>
  sequenceOf(derEncode(DerTag.oid, Uint8Array.of(0x55, 4, type[name])), derEncode(tag, ascii(value)));
const name = (...attributes: Uint8Array[]): Uint8Array => {
  const sets = attributes.map((one) => derEncode(DerTag.set, one));
  return Uint8Array.from(sets.flatMap((set) => [...set]));
};

describe('describeName', () => {
  test.each([
    [name(attribute('C', 'XX'), attribute('O', 'Example'), attribute('CN', 'Root 1')), 'O=Example, CN=Root 1'],
    [name(attribute('OU', 'Unit', DerTag.printableString)), 'OU=Unit'],
    [name(attribute('CN', 'a\u001b[31m\n\u007f\u00e9')), 'CN=a\\1b[31m\\0a\\7f\\e9'],
    [name(attribute('CN', 'a, O=b+"c"\\')), 'CN=a\\, O=b\\+\\"c\\"\\\\'],
    [name(attribute('CN', 'x'.repeat(65))), `CN=${'x'.repeat(64)}…`],
    [name(...Array<Uint8Array>(9).fill(attribute('CN', 'a'))), 'CN=a, CN=a, CN=a, CN=a'],
    [name(attribute('C', 'XX')), '(a name without commonName)'],
    [name(), '(empty name)'],
    [Uint8Array.of(0x31, 5, 1), '(malformed name)'],
    [ascii('rubbish'), '(malformed name)'],
  ])('%#', (der, text) => {
    expect(describeName(der)).toBe(text);
  });

  test('never throws, and never lets a control character through', () => {
    const value = fc.uint8Array({ maxLength: 100 });
    const der = fc.oneof(
      value,
      value.map((bytes) => name(attribute('CN', String.fromCharCode(...bytes)))),
    );
    fc.assert(
      fc.property(der, (bytes) => {
        expect(describeName(bytes)).toMatch(/^[ -~…]{1,300}$/);
      }),
    );
  });
});

describe('object identifiers', () => {
  test.each([
    ['550406', '2.5.4.6'],
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['00', '0.0'],
    ['27', '0.39'],
    ['28', '1.0'],
    ['8837', '2.999'],
    ['2a8fffffffffffff7f', '1.2.9007199254740991'],
    ['', '0x'],
    ['80', '0x80'],
    ['558006', '0x558006'],
    ['5586', '0x5586'],
    ['2affffffffffffffffff7f', '0x2affffffffffffffffff7f'],
    ['01'.repeat(30), `0x${'01'.repeat(20)}…`],
  ])('%s is %s', (hex, text) => {
    expect(oidText(Uint8Array.from(Buffer.from(hex, 'hex')))).toBe(text);
  });

  test('algorithms are named where they have a name', () => {
    const text = (hex: string) => algorithmText(Uint8Array.from(Buffer.from(hex, 'hex')));
    expect(text('06092a864886f70d0101050500')).toBe('sha1WithRSAEncryption');
    expect(text('06072a8648ce3d020106082a8648ce3d030107')).toBe('ECDSA P-256');
    expect(text('06072a8648ce3d020106052b8104000a')).toBe('ECDSA 1.3.132.0.10');
    expect(text('0603')).toBe('0x0603');
  });
});
