import { isTlsError, parseServerName } from '@tyls/tls-core';
import { contextTag, derEncode } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import { parseCertificate, verifyServerName } from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { ascii, refusal, sequenceOf } from './craft.ts';

let ca: TestCa;
beforeAll(async () => {
  ca = await createCa();
});

const dnsName = (name: string): Uint8Array => derEncode(contextTag(2, false), ascii(name));
const ipAddress = (...bytes: number[]): Uint8Array => derEncode(contextTag(7, false), Uint8Array.from(bytes));
const subjectAltName = (...names: Uint8Array[]): RawExtension => ({ oid: '2.5.29.17', value: sequenceOf(...names) });

async function certificateFor(...names: Uint8Array[]) {
  const { certificate } = await ca.issue({ commonName: 'common.test', extensions: [subjectAltName(...names)] });
  return parseCertificate(certificate);
}

/** Against a reference as `parseServerName` makes it. */
async function isFor(presented: Uint8Array, reference: string): Promise<boolean> {
  const certificate = await certificateFor(presented);
  try {
    verifyServerName(certificate, parseServerName(reference));
    return true;
  } catch (error) {
    if (isTlsError(error) && error.code === 'InvalidCertificate.NotValidForName') return false;
    throw error;
  }
}

test.each([
  ['a.example.com', 'a.example.com'],
  ['A.eXample.COM', 'a.example.com'],
  ['a.example.com', 'A.Example.com'],
  ['a.example.com', 'a.example.com.'],
  ['localhost', 'localhost'],
  ['a_b.example.com', 'a_b.example.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['*.example.com', 'a.example.com'],
  ['*.EXAMPLE.com', 'a.example.com'],
  ['*.example.com', 'xn--bcher-kva.example.com'],
  ['*.b.example.com', 'a.b.example.com.'],
])('%s is for %s', async (presented, reference) => {
  expect(await isFor(dnsName(presented), reference)).toBe(true);
});

test.each([
  ['b.example.com', 'a.example.com'],
  ['example.com', 'a.example.com'],
  ['a.example.com', 'example.com'],
  ['a.example.com.', 'a.example.com'],
  ['.example.com', 'a.example.com'],
  ['', 'a.example.com'],
  ['*', 'localhost'],
  ['*.com', 'example.com'],
  ['*.', 'com'],
  ['*.com.', 'example.com'],
  ['*.example.com.', 'a.example.com'],
  ['*.example.com', 'example.com'],
  ['*.example.com', 'b.a.example.com'],
  ['*.*.example.com', 'b.a.example.com'],
  ['a.*.com', 'a.example.com'],
  ['a*.example.com', 'ab.example.com'],
  ['*a.example.com', 'ba.example.com'],
  ['xn--*.example.com', 'xn--a.example.com'],
  ['*example.com', 'aexample.com'],
  ['a.example.com\0.evil.test', 'a.example.com'],
  ['a..com', 'a.com'],
  ['b\u00fccher.example', 'xn--bcher-kva.example'],
  ['192.0.2.1', '192.0.2.1'],
  ['common.test', 'a.test'],
])('%s is not for %s', async (presented, reference) => {
  expect(await isFor(dnsName(presented), reference)).toBe(false);
});

describe('addresses', () => {
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
  test.each<[string, number[], boolean]>([
    ['192.0.2.1', [192, 0, 2, 1], true],
    ['192.0.2.1', [192, 0, 2, 2], false],
    ['192.0.2.1', [192, 0, 2, 1, 255, 255, 255, 255], false],
    ['192.0.2.1', [192, 0, 2], false],
    ['192.0.2.1', mapped, false],
    ['::ffff:192.0.2.1', mapped, true],
    ['::ffff:192.0.2.1', [192, 0, 2, 1], false],
    ['::1', [...Array<number>(15).fill(0), 1], true],
    ['[::1]', [...Array<number>(15).fill(0), 1], true],
    ['::2', [...Array<number>(15).fill(0), 1], false],
  ])('%s and %j: %j', async (reference, bytes, expected) => {
    expect(await isFor(ipAddress(...bytes), reference)).toBe(expected);
  });

  test('text is no address, and an address is no DNS name', async () => {
    expect(await isFor(derEncode(contextTag(7, false), ascii('192.0.2.1')), '192.0.2.1')).toBe(false);
    expect(await isFor(ipAddress(...ascii('a.bc')), 'a.bc')).toBe(false);
  });
});

test('commonName is no name of a server', async () => {
  const { certificate } = await ca.issue({ commonName: 'common.test' });
  const detail = refusal(() => verifyServerName(parseCertificate(certificate), parseServerName('common.test')));
  expect(detail).toMatchObject({ reason: 'NotValidForName', expected: 'common.test', presented: [] });
  const empty = await certificateFor();
  expect(refusal(() => verifyServerName(empty, parseServerName('a.test'))).reason).toBe('NotValidForName');
});

test('any of the names will do, and the error lists them in a form that is safe to print', async () => {
  const other = derEncode(contextTag(4, true), sequenceOf());
  const uri = derEncode(contextTag(6, false), ascii('https://a.test/'));
  const names = [
    other,
    dnsName('\u001b[2Jevil'),
    ipAddress(192, 0, 2, 1),
    ipAddress(...Array<number>(16).fill(1)),
    uri,
  ];
  const certificate = await certificateFor(...names, dnsName('a.test'));
  expect(() => verifyServerName(certificate, parseServerName('a.test'))).not.toThrow();
  expect(() => verifyServerName(certificate, parseServerName('192.0.2.1'))).not.toThrow();
  expect(refusal(() => verifyServerName(certificate, parseServerName('b.test')))).toMatchObject({
    presented: [
      'directoryName',
      '\\1b[2Jevil',
      '192.0.2.1',
      '0101:0101:0101:0101:0101:0101:0101:0101',
      'https://a.test/',
      'a.test',
    ],
  });
});

test('of many names the error lists twenty', async () => {
  const certificate = await certificateFor(...Array.from({ length: 25 }, (_, i) => dnsName(`n${i}.test`)));
  const detail = refusal(() => verifyServerName(certificate, parseServerName('a.test')));
  expect(detail.reason === 'NotValidForName' && detail.presented.slice(-2)).toEqual(['n19.test', '5 more']);
});

test('a name that is broken refuses the certificate, also behind one that matches', async () => {
  for (const broken of [Uint8Array.of(0x82, 5, 1), Uint8Array.of(0x30, 0), Uint8Array.of(0x89, 0)]) {
    const certificate = await certificateFor(dnsName('a.test'), broken);
    const detail = refusal(() => verifyServerName(certificate, parseServerName('a.test')));
    expect(detail.reason).toBe('BadEncoding');
  }
});
