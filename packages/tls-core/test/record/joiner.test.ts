import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { Joiner } from '../../src/record/joiner.ts';
import { HandshakeType } from '../../src/registry.ts';

function message(type: number, length: number): Uint8Array {
  const raw = new Uint8Array(4 + length).fill(length);
  raw.set([type, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return raw;
}

function drain(joiner: Joiner): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let next = joiner.next(); next !== undefined; next = joiner.next()) {
    expect(next.type).toBe(next.raw[0]);
    found.push(next.raw);
  }
  return found;
}

test('messages in fragments of every size', () => {
  const messages = [message(1, 0), message(2, 5), message(3, 300), message(4, 1)];
  const stream = concat(messages);
  for (let size = 1; size <= stream.length; size++) {
    const joiner = new Joiner();
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      joiner.push(stream.subarray(at, at + size));
      found.push(...drain(joiner));
      expect(joiner.pending).toBe(at + size < stream.length && concat(found).length < at + size);
    }
    expect(found).toEqual(messages);
  }
});

test('messages in any fragments, taken now or later', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(255), fc.nat(500))),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 700 }), fc.boolean()), { minLength: 1 }),
      (list, turns) => {
        const messages = list.map(([type, length]) => message(type, length));
        const stream = concat(messages);
        const joiner = new Joiner();
        const found: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const [size, take] = turns[i % turns.length]!;
          joiner.push(stream.subarray(at, at + size));
          at += size;
          if (take) {
            const next = joiner.next();
            if (next !== undefined) found.push(next.raw);
          }
        }
        found.push(...drain(joiner));
        expect(found).toEqual(messages);
        expect(joiner.pending).toBe(false);
      },
    ),
  );
});

test('what it gives is a copy', () => {
  const joiner = new Joiner();
  const fragment = message(1, 3);
  joiner.push(fragment);
  const { raw } = joiner.next()!;
  fragment.fill(0);
  joiner.push(message(2, 200));
  expect(raw).toEqual(message(1, 3));
});

test('the longest message passes; a longer one is refused at its header, every time', () => {
  const longest = message(HandshakeType.finished, 65_535);
  const joiner = new Joiner();
  joiner.push(longest);
  expect(drain(joiner)).toEqual([longest]);
  for (const [type, reason] of [
    [HandshakeType.finished, 'HandshakePayloadTooLarge'],
    [HandshakeType.certificate, 'CertificatePayloadTooLarge'],
  ] as const) {
    const refusing = new Joiner();
    refusing.push(Uint8Array.of(type, 1, 0));
    expect(refusing.next()).toBeUndefined();
    refusing.push(Uint8Array.of(0));
    for (let i = 0; i < 2; i++) expect(() => refusing.next()).toThrow(reason);
  }
});

test('empty fragments are nothing', () => {
  const joiner = new Joiner();
  joiner.push(new Uint8Array(0));
  expect(joiner.pending).toBe(false);
  expect(joiner.next()).toBeUndefined();
});
