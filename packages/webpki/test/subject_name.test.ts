import { isTlsError, parseServerName } from '@tyls/tls-core';
import { contextTag, derEncode } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa } from '@tyls/testing';
import { parseCertificate, verifyAnyPeerName, verifyPeerName, verifyServerName } from '@tyls/webpki';
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
      '(empty name)',
      '\\1b[2Jevil',
      '192.0.2.1',
      '101:101:101:101:101:101:101:101',
      'https://a.test/',
      'a.test',
    ],
  });
});

test.each([
  [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
  [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
  [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], '2001:db8::'],
  [[0x2001, 0xdb8, 0, 1, 0, 0, 0, 1], '2001:db8:0:1::1'],
  [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], '2001:db8::1:0:0:1'],
  [[0x2001, 0xdb8, 0, 1, 2, 3, 4, 0xabcd], '2001:db8:0:1:2:3:4:abcd'],
  [[0x10, 0, 0xa0, 0, 0, 0x100, 0, 0], '10:0:a0::100:0:0'],
])('an address is shown as RFC 5952 has it: %j', async (groups, text) => {
  const certificate = await certificateFor(ipAddress(...groups.flatMap((group) => [group >> 8, group & 0xff])));
  const detail = refusal(() => verifyServerName(certificate, parseServerName('a.test')));
  expect(detail).toMatchObject({ presented: [text] });
});

describe('e-mail addresses', () => {
  const rfc822Name = (name: string): Uint8Array => derEncode(contextTag(1, false), ascii(name));
  const isForMailbox = async (presented: string, name: string): Promise<boolean> => {
    const certificate = await certificateFor(rfc822Name(presented));
    try {
      verifyPeerName(certificate, { type: 'email', name });
      return true;
    } catch (error) {
      if (isTlsError(error) && error.code === 'InvalidCertificate.NotValidForName') return false;
      throw error;
    }
  };

  test.each([
    ['user@example.com', 'user@EXAMPLE.com', true],
    ['User@example.com', 'user@example.com', false],
    ['user@a.example.com', 'user@example.com', false],
    ['*@example.com', 'user@example.com', false],
    ['*@example.com', '*@example.com', true],
    ['"a@b"@example.com', '"a@b"@example.com', true],
    ['a@b@example.com', 'b@example.com', false],
    ['user', 'user@example.com', false],
    ['example.com', 'user@example.com', false],
  ])('%s for %s: %s', async (presented, name, expected) => {
    expect(await isForMailbox(presented, name)).toBe(expected);
  });

  test('what is no e-mail address cannot be asked for', async () => {
    for (const name of ['user', 'a@b@c', '@example.com', 'a..b@example.com']) {
      await expect(isForMailbox('user@example.com', name)).rejects.toThrow(TypeError);
    }
  });

  test('a host name or an address is none', async () => {
    const certificate = await certificateFor(dnsName('user.example.com'), ipAddress(192, 0, 2, 1));
    const run = () => verifyPeerName(certificate, { type: 'email', name: 'user@example.com' });
    expect(refusal(run).reason).toBe('NotValidForName');
  });
});

test('one of several names is enough', async () => {
  const certificate = await certificateFor(dnsName('a.test'));
  const names = ['b.test', 'a.test'].map(parseServerName);
  expect(() => verifyAnyPeerName(certificate, names)).not.toThrow();
  expect(refusal(() => verifyAnyPeerName(certificate, names.slice(0, 1))).reason).toBe('NotValidForName');
  expect(refusal(() => verifyAnyPeerName(certificate, [])).reason).toBe('NotValidForName');
});

test('a wildcard directly below a public suffix is for nobody, where suffixes are known', async () => {
  const isPublicSuffix = (domain: string): boolean => domain === 'co.example';
  const certificate = await certificateFor(dnsName('*.CO.example'), dnsName('*.a.co.example'), dnsName('co.example'));
  const run = (name: string) => verifyServerName(certificate, parseServerName(name), { isPublicSuffix });
  expect(refusal(() => run('a.co.example'))).toMatchObject({
    presented: ['*.CO.example', '*.a.co.example', 'co.example'],
  });
  expect(() => run('b.a.co.example')).not.toThrow();
  expect(() => run('co.example')).not.toThrow();
  expect(() => verifyServerName(certificate, parseServerName('a.co.example'))).not.toThrow();
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
