import { isPromise, type Step, type Tls13CipherSuite } from '@tyls/tls-core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { Inbound } from '../../src/record/inbound.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../../src/record/protection_tls13.ts';
import { AlertDescription, ContentType } from '../../src/registry.ts';
import { Runner } from '../../src/step/runner.ts';
import { cheapSuite } from '../helpers/cheap_provider.ts';
import { rejection, settled } from '../helpers/promises.ts';

const { alert, application_data, handshake } = ContentType;
const keyUpdate = Uint8Array.of(24, 0, 0, 1, 0);
const secret = (key: number): Uint8Array => new Uint8Array(32).fill(key);

/** Openers whose answers come when the test says, and which read their input no sooner. */
class Openings {
  /** Whether the next answer comes later. */
  isLater = (): boolean => true;
  readonly jobs: { readonly settle: () => void; readonly reject: (error: Error) => void }[] = [];
  started = 0;

  opener(key: number): Tls13RecordOpener {
    const { aead } = cheapSuite;
    const suite: Tls13CipherSuite = {
      ...cheapSuite,
      aead: {
        ...aead,
        opener: (writeKey) => {
          const opener = aead.opener(writeKey);
          return {
            open: (...record) => {
              this.started++;
              if (!this.isLater()) return opener.open(...record);
              return new Promise((resolve, reject) => {
                this.jobs.push({ settle: () => resolve(opener.open(...record)), reject });
              });
            },
          };
        },
      },
    };
    return new Tls13RecordOpener(suite, secret(key));
  }

  /** Settles everything, in the order that `choices` gives, until nothing more begins. */
  async settleAll(choices: readonly number[] = [0]): Promise<void> {
    for (let turn = 0; this.jobs.length > 0; turn++) {
      const [job] = this.jobs.splice(choices[turn % choices.length]! % this.jobs.length, 1);
      job!.settle();
      await settled();
    }
  }
}

/** Seals records, one key after the other. */
class Peer {
  #key = 1;
  #sealer = new Tls13RecordSealer(cheapSuite, secret(1));

  record(type: number, content: Uint8Array): Uint8Array {
    return concat(this.#sealer.prepare(type, content)() as Uint8Array[]);
  }

  data(first: number): Uint8Array {
    return this.record(application_data, Uint8Array.of(first));
  }

  keyUpdate(): Uint8Array {
    const record = this.record(handshake, keyUpdate);
    this.#sealer = new Tls13RecordSealer(cheapSuite, secret(++this.#key));
    return record;
  }
}

interface Receiver {
  readonly inbound: Inbound;
  readonly openings: Openings;
  readonly runner: Runner<void>;
  /** First bytes of application data; -1 for a KeyUpdate. */
  readonly received: number[];
}

/** Receives under key 1, and goes on to the next at each KeyUpdate. */
function receiver(handshakeComplete = true): Receiver {
  const inbound = new Inbound();
  const openings = new Openings();
  const received: number[] = [];
  inbound.setOpener(openings.opener(1));
  if (handshakeComplete) inbound.handshakeComplete();
  let key = 1;
  function* receive(): Step<void> {
    for (;;) {
      const record = yield* inbound.record();
      if (record === undefined) return;
      if (record.type === application_data) {
        received.push(concat(record.content)[0]!);
      } else {
        expect(inbound.join(record)?.type).toBe(24);
        received.push(-1);
        inbound.setOpener(openings.opener(++key));
      }
    }
  }
  return { inbound, openings, runner: new Runner(receive()), received };
}

test('eight records are opened at a time, and delivered in order', async () => {
  const { inbound, openings, runner, received } = receiver();
  const peer = new Peer();
  inbound.push(concat(Array.from({ length: 20 }, (_, i) => peer.data(i))));
  const running = runner.run();
  expect(openings.started).toBe(8);
  for (const job of openings.jobs.splice(1).toReversed()) job.settle();
  await settled();
  expect(received).toEqual([]);
  openings.jobs.pop()!.settle();
  await settled();
  expect(received).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  await openings.settleAll();
  await running;
  expect(received).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('what was lent may be overwritten at once, whenever the openers answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
      async (updates, later, sizes) => {
        const { inbound, openings, runner, received } = receiver();
        openings.isLater = () => later[openings.started % later.length]!;
        const peer = new Peer();
        const stream = concat(updates.map((update, i) => (update ? peer.keyUpdate() : peer.data(i))));
        // A Buffer, of which more is a view.
        const memory = Buffer.alloc(100);
        let running: unknown;
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const piece = stream.subarray(at, at + sizes[turn % sizes.length]!);
          memory.set(piece);
          inbound.push(memory.subarray(0, piece.length), true);
          running = runner.run();
          inbound.keep();
          memory.fill(0xff);
          at += piece.length;
        }
        await openings.settleAll();
        await running;
        expect(received).toEqual(updates.map((update, i) => (update ? -1 : i)));
      },
    ),
  );
});

test('during the handshake one at a time, since the next may be under another key', async () => {
  const { inbound, openings, runner } = receiver(false);
  const peer = new Peer();
  inbound.push(concat([peer.data(0), peer.data(1)]));
  const running = runner.run();
  expect(openings.started).toBe(1);
  await openings.settleAll();
  await running;
  expect(openings.started).toBe(2);
});

test('records behind a KeyUpdate are opened again with the new key, whatever the order of the answers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(), { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
      async (updates, choices, sizes) => {
        const { inbound, openings, runner, received } = receiver();
        const peer = new Peer();
        const stream = concat(updates.map((update, i) => (update ? peer.keyUpdate() : peer.data(i))));
        let running: unknown;
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          inbound.push(stream.subarray(at, at + size));
          running = runner.run();
          at += size;
        }
        await openings.settleAll(choices);
        await running;
        expect(received).toEqual(updates.map((update, i) => (update ? -1 : i)));
      },
    ),
    { numRuns: 100 },
  );
});

describe('what is good is delivered before the error behind it', () => {
  const corrupt = (record: Uint8Array): Uint8Array => record.with(record.length - 1, record.at(-1)! ^ 1);

  test.each([
    ['a record that is not authentic', (peer: Peer) => corrupt(peer.data(9)), 'cannot decrypt'],
    ['a record too short for a tag', () => Uint8Array.of(23, 3, 3, 0, 1, 0), 'cannot decrypt'],
    ['a header that is refused', () => Uint8Array.of(99, 3, 3, 0, 0), 'InvalidContentType'],
    ['an alert', (peer: Peer) => peer.record(alert, Uint8Array.of(2, 40)), 'handshake_failure'],
    [
      'a content type that is never under protection',
      (peer: Peer) => peer.record(20, new Uint8Array(0)),
      'IllegalTlsInnerPlaintext',
    ],
  ])('%s', async (_name, bad, message) => {
    const { inbound, openings, runner, received } = receiver();
    const peer = new Peer();
    inbound.push(concat([peer.data(1), peer.data(2), bad(peer), peer.data(3)]));
    const failure = rejection(runner.run());
    await openings.settleAll([1, 0, 2]);
    expect((await failure).message).toContain(message);
    expect(received).toEqual([1, 2]);
    expect(() => runner.run()).toThrow(message);
  });

  test('an opener that rejects, once with its cause', async () => {
    const { inbound, openings, runner, received } = receiver();
    const peer = new Peer();
    inbound.push(concat([peer.data(1), peer.data(2), peer.data(3)]));
    const failure = rejection(runner.run());
    const [first, second, third] = openings.jobs.splice(0);
    // Nobody waits for the third, and that it rejects must not end the process.
    third!.reject(new Error('late'));
    second!.reject(new Error('no keys'));
    await settled();
    first!.settle();
    const error = await failure;
    expect(error.message).toBe('no keys');
    expect((error.cause as Error).message).toBe('no keys');
    expect(received).toEqual([1]);
  });
});

test('close_notify ends it: what was being opened behind it is dropped, and what comes after is not kept', async () => {
  const { inbound, openings, runner, received } = receiver();
  const peer = new Peer();
  const closeNotify = peer.record(alert, Uint8Array.of(1, AlertDescription.close_notify));
  inbound.push(concat([closeNotify, peer.data(1), peer.data(2), Uint8Array.of(99)]));
  const running = runner.run();
  expect(openings.started).toBe(3);
  await openings.settleAll([2, 0]);
  await running;
  expect(received).toEqual([]);
  expect(inbound.closed).toBe(true);
  expect(runner.result).toEqual({ value: undefined });
  inbound.push(peer.data(3));
  expect(runner.run()).toBeUndefined();
});

test('with an opener that answers at once, nothing is a promise', () => {
  const inbound = new Inbound();
  inbound.setOpener(new Tls13RecordOpener(cheapSuite, secret(1)));
  inbound.handshakeComplete();
  const peer = new Peer();
  inbound.push(concat([peer.data(1), peer.data(2)]));
  const received: number[] = [];
  const runner = new Runner(
    (function* (): Step<void> {
      for (;;) received.push(concat((yield* inbound.record())!.content)[0]!);
    })(),
  );
  expect(isPromise(runner.run())).toBe(false);
  expect(received).toEqual([1, 2]);
});

test('the end without close_notify is told from a clean one, behind everything that came', async () => {
  const { inbound, openings, runner, received } = receiver();
  const peer = new Peer();
  inbound.push(concat([peer.data(1), peer.data(2).subarray(0, 9)]));
  inbound.end();
  const failure = rejection(runner.run());
  await openings.settleAll();
  expect((await failure).message).toContain('without close_notify during traffic');
  expect(received).toEqual([1]);
});

test('padding is removed, all of it, in whatever pieces the plaintext came', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat(40),
      fc.array(fc.nat(5), { minLength: 1 }).filter((sizes) => sizes.some((size) => size > 0)),
      (content, padding, sizes) => {
        const plaintext = concat([content, Uint8Array.of(application_data), new Uint8Array(padding)]);
        const pieces: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < plaintext.length; turn++) {
          const size = sizes[turn % sizes.length]!;
          pieces.push(plaintext.subarray(at, at + size));
          at += size;
        }
        const suite = { ...cheapSuite, aead: { ...cheapSuite.aead, opener: () => ({ open: () => pieces }) } };
        const inbound = new Inbound();
        inbound.setOpener(new Tls13RecordOpener(suite, secret(1)));
        inbound.handshakeComplete();
        inbound.push(concat([Uint8Array.of(23, 3, 3, 0, 16), new Uint8Array(16)]));
        const found: Uint8Array[] = [];
        const runner = new Runner(
          (function* (): Step<void> {
            found.push(...((yield* inbound.record())?.content ?? []));
          })(),
        );
        void runner.run();
        expect(concat(found)).toEqual(content);
      },
    ),
  );
});
