import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { asciiBytes, concat, constantTimeEqual, equalBytes, hex, join, latin1, wipe } from '../../src/codec/bytes.ts';
import { type Codec, empty, opaque, opaque16, opaque8, struct, u16, u32, u8, vec } from '../../src/codec/codec.ts';
import { Reader, Writer } from '../../src/codec/reader.ts';

function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const w = new Writer(0);
  codec.write(w, value);
  return w.done().slice();
}

function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const r = new Reader(bytes, 'Thing');
  const value = codec.read(r);
  r.finish();
  return value;
}

const thing = struct({
  byte: u8,
  short: u16,
  long: u32,
  fixed: opaque(3),
  small: opaque8(0, 5),
  large: opaque16(1),
  list: vec(1, u16),
  things: vec(2, struct({ name: opaque8(1) }), true),
  flag: empty,
});

const bytes = (constraints: fc.IntArrayConstraints): fc.Arbitrary<Uint8Array> => fc.uint8Array(constraints);
const things = fc.record({
  byte: fc.nat(0xff),
  short: fc.nat(0xffff),
  long: fc.nat(0xffffffff),
  fixed: bytes({ minLength: 3, maxLength: 3 }),
  small: bytes({ maxLength: 5 }),
  large: bytes({ minLength: 1, maxLength: 300 }),
  list: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 20 }),
  things: fc.array(fc.record({ name: bytes({ minLength: 1, maxLength: 9 }) }), { maxLength: 5 }),
  flag: fc.constant(true as const),
});

test('what was written is read again, and no part of it alone', () => {
  fc.assert(
    fc.property(things, fc.nat(), (value, cut) => {
      const encoded = encode(thing, value);
      expect(decode(thing, encoded)).toEqual(value);
      expect(() => decode(thing, encoded.subarray(0, cut % encoded.length))).toThrow('Thing');
      expect(() => decode(thing, concat([encoded, Uint8Array.of(0)]))).toThrow('TrailingData');
    }),
  );
});

test('fields stand in the order of the struct', () => {
  expect(hex(encode(struct({ a: u8, b: u16 }), { a: 1, b: 2 }))).toBe('010002');
});

test('an empty list is refused unless it may be empty', () => {
  expect(() => decode(vec(1, u8), Uint8Array.of(0))).toThrow('IllegalEmptyList');
  expect(() => decode(vec(2, u8), Uint8Array.of(0, 0))).toThrow('IllegalEmptyList');
  expect(decode(vec(2, u8, true), Uint8Array.of(0, 0))).toEqual([]);
});

test('a list ends with an item, not within one', () => {
  expect(() => decode(vec(1, u16), Uint8Array.of(3, 0, 1, 0))).toThrow('MissingData');
});

test('bytes are joined, and only copied where that is needed', () => {
  const part = Uint8Array.of(1, 2);
  expect(join([part])).toBe(part);
  expect(concat([part])).toEqual(part);
  expect(concat([part])).not.toBe(part);
  expect(concat([])).toEqual(new Uint8Array(0));
  expect(join([part, new Uint8Array(0), part])).toEqual(Uint8Array.of(1, 2, 1, 2));
});

test.each([
  ['equalBytes', equalBytes],
  ['constantTimeEqual', constantTimeEqual],
])('%s compares every byte and the length', (_name, equal) => {
  const a = Uint8Array.of(1, 2, 3, 0x80);
  expect(equal(a, a.slice())).toBe(true);
  for (let i = 0; i < a.length; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const b = a.slice();
      b[i]! ^= 1 << bit;
      expect(equal(a, b)).toBe(false);
    }
  }
  expect(equal(a, a.subarray(1))).toBe(false);
  expect(equal(a.subarray(0, 3), a)).toBe(false);
  expect(equal(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});

test('text is ASCII or an error; bytes are always text', () => {
  expect(asciiBytes('a\x7f')).toEqual(Uint8Array.of(0x61, 0x7f));
  expect(() => asciiBytes('é')).toThrow(RangeError);
  expect(() => asciiBytes('\u{1f600}')).toThrow(RangeError);
  expect(latin1(Uint8Array.of(0, 0x41, 0xff))).toBe('\0Aÿ');
  expect(latin1(new Uint8Array(100_001).fill(0x41))).toBe('A'.repeat(100_001));
  expect(hex(Uint8Array.of(0, 0x0a, 0x9f, 0xf9, 0xff))).toBe('000a9ff9ff');
});

test('wipe overwrites what there is', () => {
  const secret = Uint8Array.of(1, 2);
  wipe(secret, undefined);
  expect(secret).toEqual(new Uint8Array(2));
});
