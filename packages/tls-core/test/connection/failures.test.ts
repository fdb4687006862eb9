import { nodeProvider } from '@tyls/crypto-node';
import {
  AlertDescription,
  type Awaitable,
  type ClientOptions,
  type CryptoProvider,
  NamedGroup,
  type ServerOptions,
  TlsError,
} from '@tyls/tls-core';
import {
  Pair,
  type PairOptions,
  recordsOf,
  type Role,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
} from '@tyls/testing';
import { describe, expect, test } from 'vitest';
import {
  awaitableCalls,
  type Hooks,
  immediateCalls,
  intercepted,
  interceptedKey,
  later,
} from '../helpers/intercepted.ts';
import { settled } from '../helpers/promises.ts';

const roles = ['client', 'server'] as const;
const peerOf = { client: 'server', server: 'client' } as const;
const data = Uint8Array.of(1, 2, 3);

interface Setup extends Partial<Omit<PairOptions, 'client' | 'server'>> {
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
}

async function newPair(provider: CryptoProvider, { client = {}, server = {}, ...rest }: Setup = {}): Promise<Pair> {
  return new Pair({
    client: await testClientConfig(provider, client),
    server: await testServerConfig(provider, server),
    ...rest,
  });
}

/** What an input fails with, at once or later; `undefined` if it does not. */
async function failureOf(act: () => Awaitable<unknown>): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** All that can be done with an end but to abandon it. */
function inputs(end: Pair['client'] | Pair['server']): Readonly<Record<string, () => Awaitable<unknown>>> {
  return {
    start: () => end.start(),
    receive: () => end.receive(data),
    receiveEnd: () => end.receiveEnd(),
    send: () => end.send(data),
    updateKeys: () => end.updateKeys(),
    exportKeyingMaterial: () => end.exportKeyingMaterial(1, 'label'),
    close: () => end.close(),
  };
}

async function expectFinal(end: Pair['client'] | Pair['server'], error: TlsError): Promise<void> {
  expect(end.error).toBe(error);
  for (const input of Object.values(inputs(end))) {
    expect(await failureOf(input)).toBe(error);
  }
  expect(end.takeOutput()).toEqual([]);
  expect(end.error).toBe(error);
}

describe('a provider that fails at any of its calls', () => {
  /** Handshake with certificates on both sides and a retry, data, KeyUpdate: every call there is. */
  async function everything(hooksOf: Readonly<Record<Role, Hooks>>): Promise<Pair> {
    const plain = nodeProvider();
    const [client, server] = [intercepted(plain, hooksOf.client), intercepted(plain, hooksOf.server)];
    const certified = await testCertifiedKey(plain);
    const pair = new Pair({
      client: await testClientConfig(client, { certificate: interceptedKey(certified, hooksOf.client) }),
      server: await testServerConfig(
        { ...server, keyExchangeGroups: server.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1) },
        {
          certificate: interceptedKey(certified, hooksOf.server),
          clientVerifier: await testClientVerifier(server),
        },
      ),
    });
    await pair.run();
    for (const role of roles) {
      await failureOf(() => pair[role].send(data));
      if (!pair[role].isHandshaking) await failureOf(() => pair[role].updateKeys());
      await failureOf(() => pair[role].send(data));
      await pair.run();
    }
    return pair;
  }

  interface Fault {
    readonly call: string;
    /** Which of the calls of that name. */
    readonly nth: number;
    readonly rejects: boolean;
  }

  /** Counts the calls, and fails at one of them. */
  function hooks(counts: Map<string, number>, fault?: Fault): Hooks {
    const isFault = (call: string): boolean => {
      const nth = counts.get(call) ?? 0;
      counts.set(call, nth + 1);
      return fault?.call === call && fault.nth === nth;
    };
    return {
      awaitable(call, act) {
        if (!isFault(call)) return act();
        if (fault?.rejects === true) return Promise.reject(new Error('broken'));
        throw new Error('broken');
      },
      immediate(call) {
        if (isFault(call)) throw new Error('broken');
      },
    };
  }

  async function faultsOf(role: Role): Promise<Fault[]> {
    const counts = new Map<string, number>();
    const pair = await everything({ client: {}, server: {}, [role]: hooks(counts) });
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    return [...counts].flatMap(([call, count]) =>
      Array.from({ length: count }, (_, nth) => nth).flatMap((nth) => [
        { call, nth, rejects: false },
        ...(immediateCalls.some((name) => name === call) ? [] : [{ call, nth, rejects: true }]),
      ]),
    );
  }

  test('every call is reached, by one side or the other', async () => {
    const faults = [...(await faultsOf('client')), ...(await faultsOf('server'))];
    expect(new Set(faults.map(({ call }) => call))).toEqual(new Set([...awaitableCalls, ...immediateCalls]));
  });

  test.each(roles)('on the %s: a General error and internal_error for the peer', async (role) => {
    for (const fault of await faultsOf(role)) {
      const pair = await everything({ client: {}, server: {}, [role]: hooks(new Map(), fault) });
      const { error } = pair[role];
      expect({ fault, detail: error?.detail }).toEqual({ fault, detail: { code: 'General', why: 'broken' } });
      expect(error?.alert).toBe(AlertDescription.internal_error);
      const peer = pair[peerOf[role]];
      // A record that could not be sealed leaves a gap, and the alert behind it cannot be read.
      const told: unknown[] = fault.call === 'seal' ? [undefined, 'DecryptError', 'AlertReceived'] : ['AlertReceived'];
      expect({ fault, told: told.includes(peer.error?.code) }).toEqual({ fault, told: true });
      await expectFinal(pair[role], error!);
    }
  });
});

describe.each([
  ['at once', nodeProvider()],
  ['later', intercepted(nodeProvider(), later)],
] as const)('with providers that answer %s', (_name, provider) => {
  test('the first error is the last, for every input', async () => {
    for (const role of roles) {
      const pair = await newPair(provider, { alter: (from, flight) => (from === role ? flight : flight.with(0, 99)) });
      await pair.run();
      expect(pair[role].error?.code).toBe('InvalidMessage.InvalidContentType');
      await expectFinal(pair[role], pair[role].error!);
    }
  });

  test('the alert is in the output when the input has failed', async () => {
    const pair = await newPair(provider);
    await pair.run();
    const bad = Uint8Array.of(23, 3, 3, 0, 17, ...new Uint8Array(17));
    expect(await failureOf(() => pair.server.receive(bad))).toBe(pair.server.error);
    expect(pair.server.error?.code).toBe('DecryptError');
    const output = Buffer.concat(pair.server.takeOutput());
    expect(recordsOf(output)).toHaveLength(1);
    await failureOf(() => pair.client.receive(output));
    expect(pair.client.error?.detail).toEqual({ code: 'AlertReceived', alert: AlertDescription.bad_record_mac });
    // Section 6.2: nothing answers a fatal alert.
    expect(pair.client.takeOutput()).toEqual([]);
  });

  test('data from before the error can be taken; data that was queued is not sent', async () => {
    const pair = await newPair(provider);
    void pair.server.send(Uint8Array.of(9));
    await pair.client.start();
    await pair.server.receive(Buffer.concat(pair.client.takeOutput()));
    pair.server.takeOutput();
    await failureOf(() => pair.server.receive(Uint8Array.of(99, 3, 3, 0, 0)));
    expect(recordsOf(Buffer.concat(pair.server.takeOutput()))).toHaveLength(1);

    const other = await newPair(provider);
    await other.run();
    await other.client.send(data);
    const bytes = Buffer.concat([...other.client.takeOutput(), Uint8Array.of(99, 3, 3, 0, 0)]);
    await failureOf(() => other.server.receive(bytes));
    expect(other.server.error?.code).toBe('InvalidMessage.InvalidContentType');
    expect(other.received('server')).toEqual(data);
  });

  test('no alert follows close_notify', async () => {
    const pair = await newPair(provider);
    await pair.run();
    await pair.client.close();
    expect(recordsOf(Buffer.concat(pair.client.takeOutput()))).toHaveLength(1);
    await failureOf(() => pair.client.receive(Uint8Array.of(99, 3, 3, 0, 0)));
    expect(pair.client.error?.code).toBe('InvalidMessage.InvalidContentType');
    expect(pair.client.takeOutput()).toEqual([]);
  });

  test('of two errors at once the first is told to everybody', async () => {
    const pair = await newPair(provider);
    await pair.run();
    const failures = await Promise.all([
      failureOf(() => pair.client.receive(Uint8Array.of(99, 3, 3, 0, 0))),
      failureOf(() => pair.client.receive(Uint8Array.of(22, 9, 9, 0, 0))),
      failureOf(() => pair.client.receiveEnd()),
      failureOf(() => pair.client.send(data)),
    ]);
    expect(new Set(failures)).toEqual(new Set([pair.client.error]));
    expect(recordsOf(Buffer.concat(pair.client.takeOutput()))).toHaveLength(1);
  });

  describe('abandon', () => {
    const states: Readonly<Record<string, (pair: Pair, role: Role) => Awaitable<unknown>>> = {
      'before anything': () => undefined,
      'after start': (pair, role) => pair[role].start(),
      'in the middle of the handshake': async (pair) => {
        await pair.client.start();
        await pair.server.receive(Buffer.concat(pair.client.takeOutput()));
        const flight = Buffer.concat(pair.server.takeOutput());
        await pair.client.receive(flight.subarray(0, flight.length - 20));
      },
      'with a call under way': (pair, role) => {
        if (role === 'client') void failureOf(() => pair.client.start());
        else void failureOf(() => pair.server.receive(Uint8Array.of(22, 3)));
      },
      'in traffic': (pair) => pair.run(),
      'with data under way': async (pair, role) => {
        await pair.run();
        void failureOf(() => pair[role].send(new Uint8Array(100_000)));
        pair[role].takeOutput();
      },
      'after close': async (pair, role) => {
        await pair.run();
        await pair[role].close();
      },
      'after the peer closed': async (pair, role) => {
        await pair.run();
        await pair[peerOf[role]].close();
        await pair.run();
      },
    };

    test.each(Object.keys(states).flatMap((state) => roles.map((role) => [state, role] as const)))(
      '%s, the %s: every input fails, and nothing more is sent',
      async (state, role) => {
        for (const reason of [undefined, new TlsError({ code: 'HandshakeTimeout', afterMillis: 5 })]) {
          const pair = await newPair(provider);
          await states[state]!(pair, role);
          pair[role].takeOutput();
          if (reason === undefined) pair[role].abandon();
          else pair[role].abandon(reason);
          const error = pair[role].error!;
          expect(error.code).toBe(reason?.code ?? 'Closed');
          await settled();
          pair[role].takeOutput();
          await expectFinal(pair[role], error);
          pair[role].abandon(new TlsError({ code: 'DecryptError' }));
          expect(pair[role].error).toBe(error);
        }
      },
    );

    test('whatever the reason, the peer is not told', async () => {
      const pair = await newPair(provider);
      await pair.run();
      pair.client.abandon(new TlsError({ code: 'General', why: 'enough' }));
      await settled();
      expect(pair.client.takeOutput()).toEqual([]);
      expect(pair.client.error?.code).toBe('General');
    });

    test('after an error changes nothing', async () => {
      const pair = await newPair(provider);
      await failureOf(() => pair.server.receive(Uint8Array.of(99, 3, 3, 0, 0)));
      const { error } = pair.server;
      pair.server.abandon();
      expect(pair.server.error).toBe(error);
      expect(recordsOf(Buffer.concat(pair.server.takeOutput()))).toHaveLength(1);
    });

    test('from within what the connection calls', async () => {
      const certified = await testCertifiedKey(provider);
      const abandon = (): void => pair.server.abandon();
      const setups: readonly Setup[] = [
        {
          server: {
            certificate() {
              abandon();
              return certified;
            },
          },
        },
        {
          server: {
            async certificate() {
              await settled();
              abandon();
              return certified;
            },
          },
        },
        { server: { keyLog: { log: abandon } } },
      ];
      let pair: Pair;
      for (const setup of setups) {
        pair = await newPair(provider, setup);
        await pair.client.start();
        const hello = Buffer.concat(pair.client.takeOutput());
        const failure = await failureOf(() => pair.server.receive(hello));
        expect(failure).toBe(pair.server.error);
        expect(pair.server.error?.code).toBe('Closed');
        expect(pair.server.isHandshaking).toBe(true);
        pair.server.takeOutput();
        await expectFinal(pair.server, pair.server.error!);
      }
    });
  });
});

test('a call that never answers does not keep a connection from being abandoned', async () => {
  const never = intercepted(nodeProvider(), { awaitable: () => new Promise(() => {}) });
  const pair = await newPair(nodeProvider(), { client: { provider: never } });
  void pair.client.start();
  pair.client.abandon();
  expect(await failureOf(() => pair.client.start())).toBe(pair.client.error);
});

test('sealing and opening that fail together make one error', async () => {
  const broken: Hooks = {
    async awaitable(call, act) {
      await settled();
      if (armed && (call === 'seal' || call === 'open')) throw new Error(call);
      return act();
    },
  };
  let armed = false;
  const pair = await newPair(intercepted(nodeProvider(), broken));
  await pair.run();
  await pair.server.send(data);
  const bytes = Buffer.concat(pair.server.takeOutput());
  armed = true;
  const failures = await Promise.all([
    failureOf(() => pair.client.send(data)),
    failureOf(() => pair.client.receive(bytes)),
    failureOf(() => pair.client.updateKeys()),
  ]);
  expect(new Set(failures)).toEqual(new Set([pair.client.error]));
  expect(pair.client.error?.detail).toEqual({ code: 'General', why: 'seal' });
  expect(pair.client.takeOutput()).toEqual([]);
});

test('a verifier of the user that refuses, in its own words or not', async () => {
  const provider = nodeProvider();
  const { verifier } = await testClientConfig(provider);
  const own = new TlsError({ code: 'InvalidCertificate', reason: 'ApplicationVerificationFailure', why: 'not today' });
  for (const [thrown, code, alert] of [
    [own, own.code, AlertDescription.access_denied],
    [new Error('oops'), 'General', AlertDescription.internal_error],
  ] as const) {
    for (const verifyServerCert of [
      () => Promise.reject(thrown),
      () => {
        throw thrown;
      },
    ]) {
      const pair = await newPair(provider, { client: { verifier: { ...verifier, verifyServerCert } } });
      await pair.run();
      expect(pair.client.error?.code).toBe(code);
      expect(pair.server.error?.detail).toEqual({ code: 'AlertReceived', alert });
    }
  }
});
