/** What the inbound side keeps is bounded whatever comes: it takes no more than one record, one message, or refuses. */
import { TlsError } from '@tyls/tls-core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deframer, maxPlaintext } from '../../src/record/deframer.ts';
import { Joiner } from '../../src/record/joiner.ts';
import { tls13MaxLength } from '../../src/record/protection_tls13.ts';
import { counterexample } from '../helpers/mutation.ts';

const pieces = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Headers of long records and messages, and much to fill them.
    fc
      .tuple(fc.integer({ min: 20, max: 23 }), fc.nat(0xffff))
      .map(([type, length]) => Uint8Array.of(type, 3, 3, length >> 8, length & 0xff)),
    fc
      .tuple(fc.nat(25), fc.nat(0x1ffff))
      .map(([type, length]) => Uint8Array.of(type, length >> 16, (length >> 8) & 0xff, length & 0xff)),
    fc.integer({ min: 1, max: 30_000 }).map((length) => new Uint8Array(length)),
  ),
  { minLength: 1, maxLength: 10 },
);

/** Pushes the pieces, takes all there is after each, and checks what must then be left. */
function bounded(
  list: readonly Uint8Array[],
  limit: number,
  push: (piece: Uint8Array) => void,
  take: () => number | undefined,
): void {
  let kept = 0;
  for (const piece of list) {
    push(piece);
    kept += piece.length;
    try {
      for (let taken = take(); taken !== undefined; taken = take()) kept -= taken;
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      return;
    }
    if (kept > limit) throw new Error(`${kept} bytes are kept`);
  }
}

test('no more than a record is kept', () => {
  expect(
    counterexample(
      fc.property(pieces, fc.boolean(), (list, isProtected) => {
        const deframer = new Deframer();
        bounded(
          list,
          5 + 16_384 + 256,
          (piece) => deframer.push(piece),
          () => {
            const record = deframer.next(isProtected ? tls13MaxLength : () => maxPlaintext);
            return record === undefined ? undefined : 5 + record.length;
          },
        );
      }),
      1000,
    ),
  ).toBeUndefined();
});

test('no more than a message is kept', () => {
  expect(
    counterexample(
      fc.property(pieces, (list) => {
        const joiner = new Joiner();
        bounded(
          list,
          4 + 65_535,
          (piece) => joiner.push(piece),
          () => joiner.next()?.raw.length,
        );
      }),
      1000,
    ),
  ).toBeUndefined();
});
