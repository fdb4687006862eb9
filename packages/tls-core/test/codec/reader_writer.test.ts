import { expect, test } from 'vitest';
import { Reader, Writer } from '../../src/codec/reader.ts';
import { TlsError } from '../../src/error.ts';

function reader(...bytes: number[]): Reader {
  return new Reader(Uint8Array.from(bytes), 'Thing');
}

function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error instanceof TlsError ? error.detail : error;
  }
  return undefined;
}

test('integers are read in network order, the largest too', () => {
  const r = reader(0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xff, 0xff, 0xff, 0xff);
  expect([r.u8(), r.u16(), r.u24(), r.u32()]).toEqual([0xff, 0xfefd, 0xfcfbfa, 0xffffffff]);
  r.finish();
});

test.each([
  ['u8', 1, (r: Reader) => r.u8()],
  ['u16', 2, (r: Reader) => r.u16()],
  ['u24', 3, (r: Reader) => r.u24()],
  ['u32', 4, (r: Reader) => r.u32()],
  ['bytes', 5, (r: Reader) => r.bytes(5)],
  ['sub', 5, (r: Reader) => r.sub(5)],
] as const)('%s refuses to read past the end', (_name, size, read) => {
  for (let length = 0; length < size; length++) {
    const detail = refusal(() => read(new Reader(new Uint8Array(length), 'Thing')));
    expect(detail).toEqual({ code: 'InvalidMessage', reason: 'MissingData', what: 'Thing' });
  }
  read(new Reader(new Uint8Array(size), 'Thing'));
});

test('vectors have their bounds', () => {
  expect(reader(2, 7, 8).vec8()).toEqual(Uint8Array.of(7, 8));
  expect(reader(0, 1, 9).vec16(1)).toEqual(Uint8Array.of(9));
  expect(reader(0, 0, 0).vec24()).toEqual(new Uint8Array(0));
  expect(refusal(() => reader(3, 1, 2, 3).vec8(0, 2))).toMatchObject({ reason: 'VectorTooLong' });
  expect(refusal(() => reader(0).vec8(1))).toMatchObject({ reason: 'IllegalEmptyList' });
  expect(refusal(() => reader(0, 0).vec16(1))).toMatchObject({ reason: 'IllegalEmptyList' });
  expect(refusal(() => reader(0, 0, 0).vec24(1))).toMatchObject({ reason: 'IllegalEmptyList' });
  expect(refusal(() => reader(0, 2, 1).vec16())).toMatchObject({ reason: 'MissingData' });
});

test('a sub-reader ends where its vector ends, though the buffer goes on', () => {
  const r = reader(5, 0, 1, 6);
  for (const [sub, value] of [
    [r.sub(1), 5],
    [r.sub16(), 6],
  ] as const) {
    expect(sub.remaining).toBe(1);
    expect(sub.u8()).toBe(value);
    expect(refusal(() => sub.u8())).toMatchObject({ reason: 'MissingData' });
    sub.finish();
  }
  expect(r.remaining).toBe(0);
});

test('trailing bytes are refused', () => {
  const r = reader(1, 2);
  r.u8();
  expect(refusal(() => r.finish())).toEqual({ code: 'InvalidMessage', reason: 'TrailingData', what: 'Thing' });
  expect(r.rest()).toEqual(Uint8Array.of(2));
  r.finish();
});

test('a reader can be set to a part of a buffer', () => {
  const r = new Reader(Uint8Array.of(1, 2, 3, 4), 'Thing', 1, 3);
  expect(r.rest()).toEqual(Uint8Array.of(2, 3));
  expect(refusal(() => r.u8())).toMatchObject({ reason: 'MissingData' });
});

test('the writer grows wherever its capacity ends', () => {
  const write = (capacity: number): Uint8Array =>
    new Writer(capacity)
      .u8(0x01)
      .u16(0x0203)
      .u24(0x040506)
      .u32(0xf7f8f9fa)
      .bytes(Uint8Array.of(0x0b, 0x0c))
      .vec8(Uint8Array.of(0x0e))
      .prefixed(2, (w) => w.vec16(Uint8Array.of(0x10, 0x11)).prefixed(3, (inner) => inner.u8(0x12)))
      .vec24(Uint8Array.of(0x13))
      .done();
  const expected = Uint8Array.from([
    1, 2, 3, 4, 5, 6, 0xf7, 0xf8, 0xf9, 0xfa, 0x0b, 0x0c, 1, 0x0e, 0, 8, 0, 2, 0x10, 0x11, 0, 0, 1, 0x12, 0, 0, 1, 0x13,
  ]);
  for (let capacity = 0; capacity <= expected.length + 1; capacity++) expect(write(capacity)).toEqual(expected);
});

test('the writer knows its length, which is not its capacity', () => {
  const w = new Writer(100).u24(1);
  expect(w.length).toBe(3);
  expect(w.done()).toHaveLength(3);
});

test.each([
  [1, 0xff],
  [2, 0xffff],
  [3, 0xffffff],
] as const)('a length prefix of %i bytes holds %i bytes and not one more', (size, most) => {
  const whole = new Writer().prefixed(size, (w) => w.bytes(new Uint8Array(most))).done();
  expect(whole.subarray(0, size).every((byte) => byte === 0xff)).toBe(true);
  expect(whole).toHaveLength(size + most);
  expect(() => new Writer().prefixed(size, (w) => w.bytes(new Uint8Array(most + 1)))).toThrow(RangeError);
});

test('a writer leaves nothing behind where it grows: it may write secrets', () => {
  const w = new Writer(4).u32(0x01020304);
  const outgrown = w.done();
  expect(w.u8(5).done()).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  expect(outgrown).toEqual(new Uint8Array(4));
});
