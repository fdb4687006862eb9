/** That the floor under handshakes over TCP is one: the operations of each side, and the bytes that tyls sends. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import * as nodeCrypto from 'node:crypto';
import { suiteOf, versions } from '../src/configs.ts';
import { handshakeTurns } from '../src/handshake_floor.ts';
import { webChain } from '../src/pki.ts';
import { openStack, type StackName } from '../src/stacks.ts';

vi.mock('node:crypto', { spy: true });

const operations = [
  'generateKeyPairSync',
  'diffieHellman',
  'hash',
  'sign',
  'verify',
  'createCipheriv',
  'createDecipheriv',
] as const;

describe.each(versions)('the floor under a full handshake of %s', (version) => {
  test('has the operations of each side', async () => {
    const turns = handshakeTurns(await webChain('ecdsa'), version);
    const calls = ['client', 'server'].map((_side, first) => {
      vi.clearAllMocks();
      for (const [i, turn] of turns.entries()) if (i % 2 === first) turn();
      return Object.fromEntries(operations.map((name) => [name, vi.mocked(nodeCrypto[name]).mock.calls.length]));
    });
    // Two for each HMAC (RFC 2104).
    const hash = 2 * { tls13: 20, tls12: 10 }[version];
    const both = {
      generateKeyPairSync: 1,
      diffieHellman: 1,
      hash,
      createCipheriv: 1,
      createDecipheriv: 1,
    };
    expect(calls).toEqual([
      { ...both, sign: 0, verify: 3 },
      { ...both, sign: 1, verify: 0 },
    ]);
  });

  test('sends as many bytes as tyls in the same flights, and no more at the end', async () => {
    const flights = await flightsOver('floor', version);
    expect(flights).toEqual(await flightsOver('tyls', version));
    expect(flights.map(({ by }) => by)).toEqual(
      { tls13: ['client', 'server', 'client'], tls12: ['client', 'server', 'client', 'server'] }[version],
    );
  });
});

interface Flight {
  readonly by: 'client' | 'server';
  bytes: number;
}

/** What a relay between the two ends sees. Signatures of RSA have one length, those of ECDSA three. */
async function flightsOver(stackName: StackName, version: (typeof versions)[number]): Promise<readonly Flight[]> {
  const stack = await openStack(stackName, await webChain('rsa'), suiteOf(version, 'rsa'));
  let accepted!: (socket: Duplex) => void;
  const serverSocket = new Promise<Duplex>((resolve) => (accepted = resolve));
  const listener = await stack.listen((socket) => accepted(socket));
  const flights: Flight[] = [];
  const relayed = (by: Flight['by'], from: Socket, to: Socket): void => {
    from.on('data', ({ length }) => {
      const last = flights.at(-1);
      if (last?.by === by) last.bytes += length;
      else flights.push({ by, bytes: length });
    });
    from.pipe(to);
  };
  const relay = createServer((client) => {
    const server = connect(listener.port, '127.0.0.1');
    relayed('client', client, server);
    relayed('server', server, client);
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const client = await stack.connect((relay.address() as { readonly port: number }).port);
  const server = await serverSocket;
  client.destroy();
  server.destroy();
  relay.close();
  listener.close();
  await once(relay, 'close');
  return flights;
}
