import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { Deframer, maxPlaintext } from '../../src/record/deframer.ts';
import { tls13MaxLength } from '../../src/record/protection_tls13.ts';
import { ContentType } from '../../src/registry.ts';

function record(type: number, payload: Uint8Array, version = 0x0303): Uint8Array {
  const header = Uint8Array.of(type, version >> 8, version & 0xff, payload.length >> 8, payload.length & 0xff);
  return concat([header, payload]);
}

function numbered(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => start + i);
}

const records = [
  record(ContentType.handshake, numbered(7)),
  record(ContentType.change_cipher_spec, numbered(1)),
  record(ContentType.application_data, new Uint8Array(0)),
  record(ContentType.alert, numbered(2, 9), 0x0301),
];
const stream = concat(records);

/** All records there are, put together again. */
function drain(deframer: Deframer): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let next = deframer.next(() => maxPlaintext); next !== undefined; next = deframer.next(() => maxPlaintext)) {
    expect(next.type).toBe(next.header[0]);
    expect(next.length).toBe(concat(next.payload).length);
    found.push(concat([next.header, ...next.payload]));
  }
  return found;
}

test('several records in one piece', () => {
  const deframer = new Deframer();
  deframer.push(stream);
  expect(drain(deframer)).toEqual(records);
  expect(deframer.take()).toHaveLength(0);
});

test('several records, split at every pair of places, read at once or at the end', () => {
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const pieces = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
      const eager = new Deframer();
      const found = pieces.flatMap((piece) => {
        eager.push(piece);
        return drain(eager);
      });
      expect(found).toEqual(records);
      const late = new Deframer();
      for (const piece of pieces) late.push(piece);
      expect(drain(late)).toEqual(records);
    }
  }
});

test('a large record in many pieces of one byte', () => {
  const large = record(ContentType.application_data, numbered(16_384));
  const deframer = new Deframer();
  for (const [i] of large.entries()) {
    expect(deframer.next(() => maxPlaintext)).toBeUndefined();
    deframer.push(large.subarray(i, i + 1));
  }
  expect(drain(deframer)).toEqual([large]);
});

test('any pieces of any records', () => {
  const payloads = fc.array(fc.tuple(fc.integer({ min: 20, max: 23 }), fc.uint8Array({ maxLength: 400 })));
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(200), { minLength: 1 }), (list, sizes) => {
      const whole = list.map(([type, payload]) => record(type, payload));
      const bytes = concat(whole);
      const deframer = new Deframer();
      const found: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = Math.max(1, sizes[turn % sizes.length]!);
        deframer.push(bytes.subarray(at, at + size));
        at += size;
        if (size % 3 !== 0) found.push(...drain(deframer));
      }
      found.push(...drain(deframer));
      expect(found).toEqual(whole);
      expect(deframer.take()).toHaveLength(0);
    }),
  );
});

test.each([
  ['a content type below', [19, 3, 3, 0, 0], 'InvalidMessage.InvalidContentType'],
  ['a content type above', [24, 3, 3, 0, 0], 'InvalidMessage.InvalidContentType'],
  ['HTTP', [0x47, 0x45, 0x54, 0x20, 0x2f], 'InvalidMessage.InvalidContentType'],
  ['version 2', [22, 2, 3, 0, 0], 'InvalidMessage.UnknownProtocolVersion'],
  ['version 4', [22, 4, 0, 0, 0], 'InvalidMessage.UnknownProtocolVersion'],
  ['2^14 + 1 bytes', [22, 3, 3, 0x40, 1], 'PeerSentOversizedRecord'],
] as const)('%s is refused as soon as the header is here, and every time', (_name, header, code) => {
  const deframer = new Deframer();
  for (const byte of header.slice(0, 4)) {
    deframer.push(Uint8Array.of(byte));
    expect(deframer.next(() => maxPlaintext)).toBeUndefined();
  }
  deframer.push(Uint8Array.of(header[4]));
  for (let i = 0; i < 3; i++)
    expect(() => deframer.next(() => maxPlaintext)).toThrow(expect.objectContaining({ code }) as Error);
  deframer.push(stream);
  expect(() => deframer.next(() => maxPlaintext)).toThrow(expect.objectContaining({ code }) as Error);
});

test('a refused header does not hide the records before it', () => {
  const deframer = new Deframer();
  deframer.push(concat([stream, Uint8Array.of(1, 2, 3, 4, 5)]));
  for (const expected of records) {
    const { header, payload } = deframer.next(() => maxPlaintext)!;
    expect(concat([header, ...payload])).toEqual(expected);
  }
  expect(() => deframer.next(() => maxPlaintext)).toThrow('InvalidContentType');
});

test('only protected application data may have 256 bytes more', () => {
  const limit = 16_384;
  for (const [type, maxLength, most] of [
    [ContentType.application_data, tls13MaxLength, limit + 256],
    [ContentType.application_data, () => maxPlaintext, limit],
    [ContentType.handshake, tls13MaxLength, limit],
  ] as const) {
    const deframer = new Deframer();
    deframer.push(record(type, new Uint8Array(most)));
    expect(deframer.next(maxLength)?.length).toBe(most);
    deframer.push(record(type, new Uint8Array(most + 1)));
    expect(() => deframer.next(maxLength)).toThrow('size limit');
  }
});

test('clear forgets a record that has begun', () => {
  const deframer = new Deframer();
  deframer.push(stream.subarray(0, 6));
  deframer.clear();
  expect(deframer.take()).toHaveLength(0);
  deframer.push(stream);
  expect(drain(deframer)).toEqual(records);
});
