import { type Awaitable, type Tls13CipherSuite } from '@tyls/tls-core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { Outbound } from '../../src/record/outbound.ts';
import { Tls13RecordSealer } from '../../src/record/protection_tls13.ts';
import { ContentType } from '../../src/registry.ts';
import { cheapSuite } from '../helpers/cheap_provider.ts';
import { settled } from '../helpers/promises.ts';

const { application_data, change_cipher_spec, handshake } = ContentType;

/** A record being sealed, until the test settles it. */
interface Job {
  readonly key: number;
  readonly first: number | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Sealers whose answers come when the test says; what they seal stays legible, behind the number of its key. */
class Seals {
  readonly jobs: Job[] = [];
  started = 0;
  /** What the next sealings do at once, in turn; otherwise they wait in `jobs`. */
  readonly atOnce: ('seal' | 'throw' | 'later')[] = [];

  sealer(key: number): Tls13RecordSealer {
    const seal = (parts: readonly Uint8Array[]): Awaitable<readonly Uint8Array[]> => {
      this.started++;
      const sealed = [Uint8Array.of(key), concat(parts), new Uint8Array(16)];
      const how = this.atOnce.shift();
      if (how === 'seal') return sealed;
      if (how === 'throw') throw new Error('sealing threw');
      return new Promise((resolve, reject) => {
        this.jobs.push({ key, first: parts[0]![0], resolve: () => resolve(sealed), reject });
      });
    };
    const suite: Tls13CipherSuite = {
      ...cheapSuite,
      aead: { ...cheapSuite.aead, sealer: () => ({ seal: (_nonce, _header, parts) => seal([...parts]) }) },
    };
    return new Tls13RecordSealer(suite, new Uint8Array(32));
  }
}

/** Key and first byte of each record in the output; of plaintext ones the type. */
function taken(outbound: Outbound): string[] {
  const bytes = concat(outbound.take());
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
    if (bytes[at] === application_data) {
      // The key's number was put before what the header counts.
      found.push(`${bytes[at + 5]}:${bytes[at + 6]}`);
      at += 6 + length;
    } else {
      found.push(`plain ${bytes[at]}`);
      at += 5 + length;
    }
  }
  return found;
}

describe('with a sealer that answers at once', () => {
  test('what is sent is in the output when send returns, in order', () => {
    const seals = new Seals();
    const outbound = new Outbound();
    seals.atOnce.push('seal', 'seal');
    outbound.sendRecord(handshake, Uint8Array.of(1));
    outbound.setSealer(seals.sealer(1));
    outbound.sendRecord(application_data, Uint8Array.of(2));
    outbound.sendPlaintextRecord(change_cipher_spec, Uint8Array.of(1));
    outbound.sendRecord(application_data, Uint8Array.of(3));
    expect(outbound.idle()).toBeUndefined();
    expect(outbound.drained()).toBeUndefined();
    expect(taken(outbound)).toEqual(['plain 22', '1:2', 'plain 20', '1:3']);
    expect(taken(outbound)).toEqual([]);
  });

  test('what it throws is thrown by send', () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    seals.atOnce.push('throw');
    expect(() => outbound.sendRecord(application_data, Uint8Array.of(1))).toThrow('sealing threw');
  });

  test('the output is counted until it is taken', () => {
    const outbound = new Outbound();
    outbound.sendPlaintextRecord(handshake, new Uint8Array(10));
    expect(outbound.outputBytes).toBe(15);
    outbound.take();
    expect(outbound.outputBytes).toBe(0);
  });
});

test('fragments: as few as fit, all of the data, one empty one for nothing', () => {
  const outbound = new Outbound();
  outbound.setMaxFragment(10);
  const lengths = (total: number): number[] =>
    [...outbound.fragments(new Uint8Array(total))].map((fragment) => fragment.length);
  expect(lengths(0)).toEqual([0]);
  expect(lengths(1)).toEqual([1]);
  expect(lengths(10)).toEqual([10]);
  expect(lengths(11)).toEqual([10, 1]);
  expect(lengths(30)).toEqual([10, 10, 10]);
});

describe('with a sealer that answers later', () => {
  test('eight records are sealed at a time, and leave in order', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    for (let i = 0; i < 20; i++) outbound.sendRecord(application_data, Uint8Array.of(i));
    expect(seals.started).toBe(8);
    for (const i of [7, 6, 5, 4, 3, 2, 1]) seals.jobs[i]!.resolve();
    await settled();
    expect(taken(outbound)).toEqual([]);
    expect(seals.started).toBe(8);
    seals.jobs[0]!.resolve();
    await settled();
    expect(taken(outbound)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `1:${i}`));
    expect(seals.started).toBe(16);
    let idle = false;
    const waiting = Promise.resolve(outbound.idle()).then(() => (idle = true));
    for (let i = 8; i < 20; i++) {
      expect(idle).toBe(false);
      seals.jobs[i]!.resolve();
      await settled();
    }
    await waiting;
    expect(taken(outbound)).toEqual(Array.from({ length: 12 }, (_, i) => `1:${i + 8}`));
    expect(outbound.idle()).toBeUndefined();
  });

  test('the order stands whatever the order of the answers, with changes of key and records in clear', async () => {
    const kinds = fc.array(fc.constantFrom('data', 'key', 'clear', 'at once'), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(kinds, fc.array(fc.nat(), { minLength: 1 }), async (sends, choices) => {
        const seals = new Seals();
        const outbound = new Outbound();
        let key = 1;
        outbound.setSealer(seals.sealer(key));
        const expected: string[] = [];
        for (const [i, kind] of sends.entries()) {
          if (kind === 'key') {
            outbound.setSealer(seals.sealer(++key));
          } else if (kind === 'clear') {
            outbound.sendPlaintextRecord(change_cipher_spec, Uint8Array.of(1));
            expected.push('plain 20');
          } else {
            // Which of them this is for is decided by the order in which they begin, and that is as good.
            seals.atOnce.push(kind === 'data' ? 'later' : 'seal');
            outbound.sendRecord(application_data, Uint8Array.of(i));
            expected.push(`${key}:${i}`);
          }
        }
        for (let turn = 0; outbound.idle() !== undefined; turn++) {
          const [job] = seals.jobs.splice(choices[turn % choices.length]! % seals.jobs.length, 1);
          job!.resolve();
          await settled();
        }
        expect(taken(outbound)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test('a failure is the last: what was sealed before it is out, idle rejects, and nothing follows', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    for (let i = 0; i < 12; i++) outbound.sendRecord(application_data, Uint8Array.of(i));
    const idle = Promise.resolve(outbound.idle());
    const drained = Promise.resolve(outbound.drained());
    seals.jobs[0]!.resolve();
    await settled();
    seals.jobs[1]!.reject(new Error('no more keys'));
    await expect(idle).rejects.toThrow('no more keys');
    await drained;
    for (const job of seals.jobs.slice(2)) job.resolve();
    await settled();
    expect(taken(outbound)).toEqual(['1:0']);
    expect(() => outbound.idle()).toThrow('no more keys');
    expect(outbound.drained()).toBeUndefined();
    outbound.sendRecord(application_data, Uint8Array.of(1));
    expect(taken(outbound)).toEqual([]);
  });

  test('the first failure is the one that is told', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    for (let i = 0; i < 3; i++) outbound.sendRecord(application_data, Uint8Array.of(i));
    const idle = Promise.resolve(outbound.idle());
    seals.jobs[2]!.reject(new Error('first'));
    seals.jobs[0]!.reject(new Error('second'));
    await expect(idle).rejects.toThrow('first');
    await settled();
    expect(() => outbound.idle()).toThrow('first');
  });

  test('a rejection without a reason is a failure too', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    outbound.sendRecord(application_data, Uint8Array.of(1));
    const idle = Promise.resolve(outbound.idle());
    seals.jobs[0]!.reject(undefined);
    await expect(idle).rejects.toThrow('internal failure');
  });

  test('what throws at once while others are being sealed fails like a rejection, and nobody waits for ever', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    outbound.sendRecord(application_data, Uint8Array.of(0));
    seals.atOnce.push('throw');
    outbound.sendRecord(application_data, Uint8Array.of(1));
    expect(() => outbound.idle()).toThrow('sealing threw');
    expect(outbound.drained()).toBeUndefined();
    seals.jobs[0]!.resolve();
    await settled();
    expect(taken(outbound)).toEqual([]);
  });

  test('what throws when its turn comes fails as well', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    for (let i = 0; i < 9; i++) outbound.sendRecord(application_data, Uint8Array.of(i));
    const idle = Promise.resolve(outbound.idle());
    seals.atOnce.push('throw');
    seals.jobs[0]!.resolve();
    await expect(idle).rejects.toThrow('sealing threw');
    expect(taken(outbound)).toEqual(['1:0']);
  });

  test('thousands that wait behind one and are then answered at once do not exhaust the stack', async () => {
    const seals = new Seals();
    const outbound = new Outbound();
    outbound.setSealer(seals.sealer(1));
    outbound.sendRecord(application_data, Uint8Array.of(0));
    for (let i = 0; i < 100_000; i++) outbound.sendPlaintextRecord(change_cipher_spec, Uint8Array.of(1));
    seals.jobs[0]!.resolve();
    await outbound.idle();
    expect(taken(outbound)).toHaveLength(100_001);
  });
});
