import { isDnsName, parseIpAddress, parseServerName } from '@tyls/tls-core';
import { expect, test } from 'vitest';
import { hex } from '../src/codec/bytes.ts';

const label63 = 'a'.repeat(63);
/** 253 bytes. */
const longest = `${label63}.${label63}.${label63}.${'b'.repeat(61)}`;

test.each([
  ['example.com', 'example.com'],
  ['EXAMPLE.Com', 'example.com'],
  ['example.com.', 'example.com'],
  ['localhost', 'localhost'],
  ['a', 'a'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['_service._tcp.example.com', '_service._tcp.example.com'],
  ['a--b.c-d', 'a--b.c-d'],
  ['1.example', '1.example'],
  ['1.2.3.4a', '1.2.3.4a'],
  ['1.2.3.4.example', '1.2.3.4.example'],
  ['0x7f.a', '0x7f.a'],
  [label63, label63],
  [longest, longest],
])('DNS name %s', (text, name) => {
  expect(parseServerName(text)).toEqual({ type: 'dns', name });
});

test.each([
  '',
  '.',
  '..',
  'a..b',
  '.example.com',
  'example.com..',
  '-a.example',
  'a-.example',
  'a b',
  'a/b',
  'a:b',
  '*.example.com',
  'bücher.example',
  // Lower case, but not its own, is ASCII.
  '\u212Aelvin.example',
  'exa\0mple.com',
  'example.com\n',
  ' example.com',
  '[example.com]',
  '[1.2.3.4',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.4.',
  '127.1',
  '2130706433',
  'example.123',
  `${label63}a.example`,
  `a${longest}`,
])('neither DNS name nor address: %j', (text) => {
  expect(() => parseServerName(text)).toThrow(TypeError);
});

test.each([
  ['0.0.0.0', '00000000'],
  ['127.0.0.1', '7f000001'],
  ['255.255.255.255', 'ffffffff'],
  ['192.0.2.10', 'c000020a'],
])('IPv4 address %s', (text, address) => {
  expect(hex(parseIpAddress(text)!)).toBe(address);
  expect(parseServerName(text)).toEqual({ type: 'ip', name: text, address: parseIpAddress(text) });
});

test.each([
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['1::', '00010000000000000000000000000000'],
  ['2001:db8::1', '20010db8000000000000000000000001'],
  ['2001:DB8:0:0:0:0:0:1', '20010db8000000000000000000000001'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
  ['1::8', '00010000000000000000000000000008'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ['abcd:ef01:2345:6789:abcd:ef01:2345:6789', 'abcdef0123456789abcdef0123456789'],
])('IPv6 address %s, with and without brackets', (text, address) => {
  expect(hex(parseIpAddress(text)!)).toBe(address);
  for (const written of [text, `[${text}]`]) {
    expect(parseServerName(written)).toEqual({ type: 'ip', name: text, address: parseIpAddress(text) });
  }
});

test.each([
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  '1::2::3',
  ':1::2',
  '1::2:',
  '12345::',
  'g::',
  '::1%eth0',
  'fe80::1%25eth0',
  '::1.2.3',
  '::256.1.1.1',
  '::01.2.3.4',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '1:2:3:4:5:6:7:1.2.3.4',
  '::ffff:1.2.3.4.5',
  ' ::1',
  '::1/64',
])('no IPv6 address: %s', (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
  expect(() => parseServerName(text)).toThrow(TypeError);
});

test('a trailing dot belongs to no name in a certificate or SNI', () => {
  expect(isDnsName('example.com')).toBe(true);
  expect(isDnsName('example.com.')).toBe(false);
});
