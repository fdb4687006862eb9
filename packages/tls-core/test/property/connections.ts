/**
 * Both ends against what a peer with the right keys, or somebody on the way, can make of a good connection. Without
 * real cryptography, which would take most of the time; `real_provider.test.ts` has some with it.
 */
import { TlsError } from '@tyls/tls-core';
import { type Role } from '@tyls/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type Connection } from '../../src/connection.ts';
import { ContentType } from '../../src/registry.ts';
import { cheapCalls } from '../helpers/cheap_provider.ts';
import { byteMutation, mutateBytes, mutateItems, mutation, counterexample } from '../helpers/mutation.ts';
import { fatalAlertIn, type Item, recordScript, recordsFrom, type Script } from '../helpers/recorded.ts';

interface Outcome {
  readonly error: TlsError | undefined;
  readonly handshakeComplete: boolean;
  readonly plaintextBytes: number;
}

/** More than a whole connection of these scripts answers with, and an alert. */
const mostOutput = 4000;
/** More calls of the provider than it takes for them; then one for each record. */
const mostCalls = 150;
const shortestRecord = 5;

/** Feeds bytes in pieces, and checks all that must hold whatever they are. */
function attack({ newVictim }: Script, bytes: Uint8Array, pieces: readonly number[]): Outcome {
  const victim = newVictim();
  const callsBefore = cheapCalls.count;
  const output: Uint8Array[] = [];
  const plaintext: Uint8Array[] = [];
  const step = (act: () => unknown): void => {
    let thrown: unknown;
    try {
      if (act() !== undefined) throw new Error('a promise where nothing waits');
    } catch (error) {
      thrown = error;
    }
    if (thrown !== victim.error) throw thrown;
    output.push(...victim.takeOutput());
    plaintext.push(...victim.takePlaintext());
  };
  step(() => victim.start());
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = pieces.length === 0 ? bytes.length : pieces[turn % pieces.length]! + 1;
    const piece = bytes.slice(at, at + size);
    step(() => victim.receive(piece));
    at += size;
    if (victim.error !== undefined && turn > 50) break;
  }
  if (!victim.peerClosed) step(() => victim.receiveEnd());
  const calls = cheapCalls.count - callsBefore;
  if (calls > mostCalls + bytes.length / shortestRecord) throw new Error(`${calls} calls of the provider`);
  return checked(victim, concat(output), concat(plaintext).length, bytes.length);
}

function checked(victim: Connection, output: Uint8Array, plaintextBytes: number, inputBytes: number): Outcome {
  const { error } = victim;
  const handshakeComplete = !victim.isHandshaking;
  // One comparison a case: `expect` is most of what a case costs.
  const wrong = [
    error !== undefined && !(error instanceof TlsError) && 'not a TlsError',
    error?.detail.code === 'General' && `our own side failed: ${error.message}`,
    error === undefined && !victim.peerClosed && 'it neither failed nor ended',
    fatalAlertIn(output) !== error?.alert && `the alert is ${fatalAlertIn(output)}, not ${error?.alert}`,
    output.length > mostOutput && `${output.length} bytes of output`,
    plaintextBytes > inputBytes && 'more plaintext than input',
    !handshakeComplete && plaintextBytes > 0 && 'data before the handshake is complete',
    !handshakeComplete && victim.peerCertificates !== undefined && 'an identity that is not verified',
    !handshakeComplete && victim.alpnProtocol !== undefined && 'a protocol that is not verified',
  ].filter((one) => one !== false);
  if (wrong.length > 0) throw new Error(wrong.join('; '), { cause: error });
  return { error, handshakeComplete, plaintextBytes };
}

/** The handshake messages up to Finished, as one stream for each key: what the handshake authenticates. */
function authenticated(items: readonly Item[]): readonly string[] {
  return [0, 1].map((key) => {
    const messages = items.filter(({ type, epoch }) => type === ContentType.handshake && epoch === key);
    return Buffer.concat(messages.map(({ content }) => content)).toString('hex');
  });
}

const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(300)), { maxLength: 3 });

/** The tests of one end, in a file of its own so that both run at a time. */
export function testConnectionsOf(victim: Role): void {
  describe.each([
    [victim, recordScript(victim, false)],
    [`${victim} after a retry`, recordScript(victim, true)],
  ] as const)('%s', (_name, script) => {
    test('what was recorded, however it is cut, is a connection from hello to close_notify', () => {
      expect(
        counterexample(
          fc.property(sizes, sizes, (cuts, pieces) => {
            const outcome = attack(script, recordsFrom(script, script.items, cuts), pieces);
            expect(outcome).toEqual({ error: undefined, handshakeComplete: true, plaintextBytes: 200 });
          }),
          400,
        ),
      ).toBeUndefined();
    });

    test('cut short anywhere', () => {
      const bytes = recordsFrom(script, script.items, []);
      const codes = new Set<string | undefined>();
      for (let length = 0; length < bytes.length; length++) {
        codes.add(attack(script, bytes.subarray(0, length), []).error?.code);
      }
      expect(codes).toEqual(new Set(['UnexpectedEof']));
    });

    test('messages and records mutated before they are protected', () => {
      const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
      const codes = new Set<string>();
      const sent = authenticated(script.items);
      let completed = 0;
      expect(
        counterexample(
          fc.property(mutations, sizes, sizes, (changes, cuts, pieces) => {
            const items = mutateItems(script.items, changes);
            const { error, handshakeComplete } = attack(script, recordsFrom(script, items, cuts), pieces);
            codes.add(error?.code ?? 'none');
            if (!handshakeComplete) return;
            completed++;
            // Whatever else came: these messages are the ones that were sent, or the handshake was forged.
            const received = authenticated(items);
            if (!sent.every((stream, i) => received[i]!.startsWith(stream))) throw new Error('forged');
          }),
          10_000,
        ),
      ).toBeUndefined();
      // It does not all fail at one place.
      expect(codes.size).toBeGreaterThan(10);
      expect(completed).toBeGreaterThan(10);
    }, 300_000);

    test('bytes mutated on the way', () => {
      const bytes = recordsFrom(script, script.items, []);
      const mutations = fc.array(
        byteMutation.chain((change) => fc.nat(bytes.length).map((at) => ({ ...change, at }))),
        { minLength: 1, maxLength: 3 },
      );
      expect(
        counterexample(
          fc.property(mutations, sizes, (changes, pieces) => {
            attack(script, changes.reduce(mutateBytes, bytes), pieces);
          }),
          2000,
        ),
      ).toBeUndefined();
    });

    test('random bytes, alone and in records that are well-formed', () => {
      const records = fc.array(
        fc.record({
          type: fc.integer({ min: 20, max: 23 }),
          content: fc.uint8Array({ maxLength: 100 }),
          epoch: fc.nat(3),
        }),
        { minLength: 1, maxLength: 5 },
      );
      expect(
        counterexample(
          fc.property(fc.uint8Array({ maxLength: 200 }), records, fc.nat(), sizes, (bytes, items, prefix, pieces) => {
            attack(script, bytes, pieces);
            const before = script.items.slice(0, prefix % script.items.length);
            attack(script, recordsFrom(script, [...before, ...items], []), pieces);
          }),
          1000,
        ),
      ).toBeUndefined();
    });
  });
}
