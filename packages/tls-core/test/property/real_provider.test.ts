/** Both ends against what somebody on the way, or a peer with the right keys, makes of real connections. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  AlertDescription,
  type ClientConfig,
  type CryptoProvider,
  nameOf,
  ProtocolVersion,
  type ServerConfig,
  TlsError,
} from '@tyls/tls-core';
import {
  Pair,
  type PairOptions,
  type Role,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
} from '@tyls/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type ByteMutation, byteMutation, mutateBytes, counterexample } from '../helpers/mutation.ts';

const peerOf = { client: 'server', server: 'client' } as const;

/** What a provider seals, mutated once: the nth record from when it is armed. */
class Mutator {
  #countdown = -1;
  #mutation: ByteMutation | undefined;

  arm(nth: number, mutation: ByteMutation): void {
    this.#countdown = nth;
    this.#mutation = mutation;
  }

  around(provider: CryptoProvider): CryptoProvider {
    const mutated = (plaintext: readonly Uint8Array[]): readonly Uint8Array[] =>
      this.#countdown-- === 0 ? [mutateBytes(concat(plaintext), this.#mutation!)] : plaintext;
    return {
      ...provider,
      cipherSuites: provider.cipherSuites.map((suite) => ({
        ...suite,
        aead: {
          ...suite.aead,
          sealer(key) {
            const sealer = suite.aead.sealer(key);
            return {
              seal(nonce, header, plaintext) {
                const parts = mutated(plaintext);
                // In TLS 1.3 it is the header, which goes out and says how much follows; in TLS 1.2 it is not.
                const length = concat(parts).length + (header.length === 5 ? 16 : 0);
                header.set([length >> 8, length & 0xff], header.length - 2);
                return sealer.seal(nonce, header, parts);
              },
            };
          },
        },
      })),
    };
  }
}

const mutators: Readonly<Record<Role, Mutator>> = { client: new Mutator(), server: new Mutator() };
interface Ends {
  readonly client: ClientConfig;
  readonly server: ServerConfig;
}
const configs = new Map<ProtocolVersion, Ends>();

beforeAll(async () => {
  const provider = nodeProvider();
  const common = { maxFragmentSize: 500 };
  const certificate = await testCertifiedKey(provider);
  const clientVerifier = await testClientVerifier(provider);
  for (const version of [ProtocolVersion.TLSv1_2, ProtocolVersion.TLSv1_3]) {
    const options = { ...common, versions: [version] };
    const client = await testClientConfig(mutators.client.around(provider), { ...options, certificate });
    const server = await testServerConfig(mutators.server.around(provider), { ...options, clientVerifier });
    configs.set(version, { client, server });
  }
});

/** A whole connection, with data, a KeyUpdate where there are some, and an end on both sides. */
function converse(version: ProtocolVersion, options: Partial<PairOptions>): Pair {
  const pair = new Pair({ ...configs.get(version)!, ...options });
  const done = (answer: unknown): void => {
    if (answer !== undefined) throw new Error('a promise where nothing waits');
  };
  done(pair.run());
  for (const act of ['send', 'updateKeys', 'send', 'close'] as const) {
    for (const end of [pair.client, pair.server]) {
      if (end.error !== undefined || end.isHandshaking) continue;
      if (act === 'send') done(end.send(Uint8Array.of(1, 2, 3)));
      else if (act === 'close' || version === ProtocolVersion.TLSv1_3) done(end[act]());
    }
    done(pair.run());
  }
  for (const end of [pair.client, pair.server]) {
    try {
      done(end.receiveEnd());
    } catch (error) {
      if (error !== end.error) throw error;
    }
  }
  return pair;
}

/** `from` is the end that was mutated, or whose bytes were. */
function check(pair: Pair, from: Role): void {
  const victim = pair[peerOf[from]];
  for (const { error } of [victim, pair[from]]) {
    if (error !== undefined && (!(error instanceof TlsError) || error.detail.code === 'General')) throw error;
  }
  // Section 6.1: no alert follows close_notify.
  if (pair[from].peerClosed) return;
  // The alert of the victim went back unaltered; it is legible if both have the same keys.
  const { alert } = victim.error ?? {};
  const heard = pair[from].error?.detail;
  const wasToldOtherwise = heard?.code === 'AlertReceived' && heard.alert !== alert;
  if (alert !== undefined && (heard === undefined || wasToldOtherwise)) {
    const cause = { victim: victim.error, peer: pair[from].error };
    throw new Error(`the alert should be ${nameOf(AlertDescription, alert)}`, { cause });
  }
}

const chops = fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 2 });
const roles = fc.constantFrom<Role>('client', 'server');

describe.each([
  ['TLS 1.2', ProtocolVersion.TLSv1_2],
  ['TLS 1.3', ProtocolVersion.TLSv1_3],
])('%s', (_name, version) => {
  test('nothing mutated is a whole connection', () => {
    const pair = converse(version, { chop: [1, 100] });
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.client.peerClosed && pair.server.peerClosed).toBe(true);
    expect([...pair.received('client'), ...pair.received('server')]).toHaveLength(12);
  });

  test('bytes mutated on the way', () => {
    expect(
      counterexample(
        fc.property(roles, fc.nat(6), byteMutation, chops, (from, nth, mutation, chop) => {
          let flights = 0;
          const alter = (role: Role, flight: Uint8Array): Uint8Array =>
            role === from && flights++ === nth ? mutateBytes(flight, mutation) : flight;
          check(converse(version, { alter, ...(chop.length > 0 && { chop }) }), from);
        }),
        1500,
      ),
    ).toBeUndefined();
  }, 300_000);

  test('what is protected mutated before it is', () => {
    const failures = new Set<string>();
    expect(
      counterexample(
        fc.property(roles, fc.nat(9), byteMutation, (from, nth, mutation) => {
          mutators[from].arm(nth, mutation);
          const pair = converse(version, {});
          mutators[from].arm(-1, mutation);
          check(pair, from);
          failures.add(pair[peerOf[from]].error?.code ?? 'none');
        }),
        1500,
      ),
    ).toBeUndefined();
    // It does not all fail at one place; TLS 1.2 protects no more of the handshake than Finished.
    expect(failures.size).toBeGreaterThan(version === ProtocolVersion.TLSv1_2 ? 2 : 5);
  }, 300_000);
});
