import {
  type ClientSessionStore,
  clientSessionMemory,
  ProtocolVersion,
  serverSessionMemory,
  ticketer,
} from '@tyls/tls-core';
import { createCa } from '@tyls/testing';
import {
  accept,
  type ClientConfigOptions,
  connect,
  createClientConfig,
  createServerConfig,
  type ServerConfigOptions,
  type TlsSocket,
} from '@tyls/tls-node';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ca, clientOptions, dial, duplexPair, failure, pair, providers, serve, serverOptions } from './peers.ts';

type ClientOptions = Omit<ClientConfigOptions, 'earlyData'> & { readonly serverName?: string };

/** What became of connections to a server that says hello, one after another. */
async function kinds(port: number, count: number, options: ClientOptions = {}): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    const client = dial(port, options);
    let said = '';
    client.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    // To the end: tickets come after the handshake.
    await once(client, 'close');
    expect(said).toBe('hello');
    expect(client.isResumed).toBe(client.handshakeKind?.startsWith('resumed'));
    expect(client.peerCertificates).toHaveLength(1);
    found.push(client.handshakeKind);
  }
  return found;
}

const { TLSv1_3, TLSv1_2 } = ProtocolVersion;

describe.each([
  ['TLS 1.3', TLSv1_3],
  ['TLS 1.2', TLSv1_2],
])('%s', (_name, version) => {
  const versions = [version];
  const greeting = async (options: Partial<ServerConfigOptions> = {}): Promise<number> =>
    (await serve({ versions, ...options }, (socket) => void socket.end('hello'))).port;

  describe.each(Object.keys(providers))('with the %s provider', (name) => {
    const provider = providers[name]!;

    test('connect() resumes what an earlier connect() left, with nothing said', async () => {
      const port = await greeting({ provider });
      const [first, ...later] = await kinds(port, 3, { provider });
      // The other tests of this file leave sessions of the same server name, which this server does not know.
      expect(first).toBe('full');
      expect(later).toEqual(['resumed', 'resumed']);
    });

    test("servers that share ticket keys resume one another's sessions", async () => {
      const keys = [randomBytes(32), randomBytes(32)];
      const sessionStore = clientSessionMemory();
      const [one, other] = [
        await greeting({ provider, ticketKeys: keys }),
        await greeting({ ticketKeys: () => keys.toReversed() }),
      ];
      expect(await kinds(one, 1, { sessionStore, provider })).toEqual(['full']);
      expect(await kinds(other, 1, { sessionStore, provider })).toEqual(['resumed']);
      expect(await kinds(one, 1, { sessionStore, provider })).toEqual(['resumed']);
      const stranger = await greeting({ ticketKeys: [randomBytes(32)] });
      expect(await kinds(stranger, 1, { sessionStore, provider })).toEqual(['full']);
    });
  });

  test('is not resumed by who verifies otherwise, or appears otherwise', async () => {
    const port = await greeting({ clientAuth: { ca: ca.certificate, mandatory: false } });
    const sessionStore = clientSessionMemory();
    const user = await ca.issue({ usage: 'client' });
    const others: ClientOptions[] = [
      { ca: [ca.certificate, (await createCa({ name: 'another root' })).certificate] },
      { verification: { maxDepth: 3 } },
      { certificate: user.chainPem, key: user.privateKeyPem },
      { serverName: '127.0.0.1' },
    ];
    expect(await kinds(port, 2, { sessionStore })).toEqual(['full', 'resumed']);
    for (const other of others) expect(await kinds(port, 2, { sessionStore, ...other })).toEqual(['full', 'resumed']);
    expect(await kinds(port, 1, { sessionStore })).toEqual(['resumed']);
  });

  test('is not resumed without a store, on either side', async () => {
    const port = await greeting();
    expect(await kinds(port, 2, { sessionStore: false })).toEqual(['full', 'full']);
    const forgetful = await greeting({ sessionStore: false });
    expect(await kinds(forgetful, 2, { sessionStore: clientSessionMemory() })).toEqual(['full', 'full']);
  });

  test('is resumed with configurations that are built once, and with others that are built alike', async () => {
    const sessionStore = clientSessionMemory();
    const config = await createServerConfig({ ...serverOptions, versions, sessionStore: serverSessionMemory(10) });
    const { port } = await serve(
      { config, certificate: undefined, key: undefined },
      (socket) => void socket.end('hello'),
    );
    const alone = { ca: undefined, config: await createClientConfig({ ca: ca.certificatePem, sessionStore }) };
    expect(await kinds(port, 2, alone as ClientOptions)).toEqual(['full', 'resumed']);
    expect(await kinds(port, 1, { sessionStore })).toEqual(['resumed']);
  });

  test('is resumed from stores that take their time', async () => {
    const [mine, theirs] = [clientSessionMemory(), serverSessionMemory()];
    const slowly =
      <A extends unknown[], R>(act: (...args: A) => R) =>
      async (...args: A): Promise<Awaited<R>> => {
        await setTimeout(5);
        return await act(...args);
      };
    const sessionStore: ClientSessionStore = {
      groupHint: slowly(mine.groupHint),
      setGroupHint: slowly(mine.setGroupHint),
      tls12Session: slowly(mine.tls12Session),
      setTls12Session: slowly(mine.setTls12Session),
      removeTls12Session: slowly(mine.removeTls12Session),
      addTicket: slowly(mine.addTicket),
      takeTicket: slowly(mine.takeTicket),
    };
    const { put, get, take } = theirs;
    const port = await greeting({ sessionStore: { put: slowly(put), get: slowly(get), take: slowly(take) } });
    expect(await kinds(port, 3, { sessionStore })).toEqual(['full', 'resumed', 'resumed']);
  });

  test('fails with what a store fails with', async () => {
    const broken = async (): Promise<never> => Promise.reject(new Error('the store is gone'));
    const sessionStore = { ...clientSessionMemory(), takeTicket: broken, tls12Session: broken };
    const port = await greeting();
    expect((await failure(dial(port, { versions, sessionStore }))).message).toContain('the store is gone');
    const { server, port: brokenPort } = await serve({
      versions,
      sessionStore: { put: broken, get: broken, take: broken },
    });
    const failed = new Promise<Error>((resolve) => {
      server.on('tlsClientError', resolve);
      server.on('secureConnection', (socket) => void socket.on('error', resolve));
    });
    const client = dial(brokenPort, { sessionStore: clientSessionMemory() });
    client.on('error', () => {});
    expect((await failed).message).toContain('the store is gone');
  });
});

test('a server sends no more tickets than it is told to', async () => {
  for (const ticketCount of [0, 1, 3]) {
    const tickets: Uint8Array[] = [];
    const memory = clientSessionMemory();
    const sessionStore: ClientSessionStore = { ...memory, addTicket: (_key, ticket) => void tickets.push(ticket) };
    const { port } = await serve({ ticketCount }, (socket) => void socket.end('hello'));
    await kinds(port, 1, { sessionStore });
    expect(tickets).toHaveLength(ticketCount);
  }
});

test('ticket keys are for a server that has no ticketer', async () => {
  const provider = providers['node']!;
  const both = { ...serverOptions, ticketKeys: [randomBytes(32)], ticketer: ticketer({ provider }) };
  expect(() => createServerConfig(both)).toThrow('a ticketer has its own keys');
  expect(() => createServerConfig({ ...serverOptions, ticketKeys: [randomBytes(16)] })).toThrow(
    'a ticket key has 32 bytes, not 16',
  );
  const config = await createClientConfig({ ...clientOptions, serverName: undefined } as object);
  expect(() => dial(1, { config, ca: undefined, sessionStore: false } as never)).toThrow('sessionStore');
});

describe('accept()', () => {
  const visit = async (
    sessionStore: ClientSessionStore,
    accepting: (stream: Duplex) => TlsSocket,
  ): Promise<{ readonly client: TlsSocket; readonly server: TlsSocket }> => {
    const [left, right] = duplexPair();
    const server = accepting(right);
    const client = connect({ socket: left, ...clientOptions, sessionStore });
    server.end('hello');
    server.resume();
    client.resume().end();
    await Promise.all([once(client, 'close'), once(server, 'close')]);
    return { client, server };
  };

  test('sends no tickets that nobody would take back', async () => {
    const memory = clientSessionMemory();
    const addTicket = (): void => expect.fail('a ticket');
    await visit({ ...memory, addTicket }, (stream) => accept(stream, serverOptions));
    expect(() => accept(new PassThrough(), { ...serverOptions, maxEarlyDataSize: 1 })).toThrow('a session store');
  });

  test.each<[string, ServerConfigOptions]>([
    ['a store', { ...serverOptions, sessionStore: serverSessionMemory() }],
    ['ticket keys', { ...serverOptions, ticketKeys: [randomBytes(32)] }],
  ])('resumes with %s, and gives back what was kept with the session', async (_what, options) => {
    const sessionStore = clientSessionMemory();
    const data = Buffer.from('basket 17');
    const keeping = (stream: Duplex): TlsSocket => {
      const socket = accept(stream, options);
      socket.setResumptionData(data);
      return socket;
    };
    const first = await visit(sessionStore, keeping);
    expect([first.client.isResumed, first.server.receivedResumptionData]).toEqual([false, undefined]);
    expect(() => first.server.setResumptionData(data)).toThrow('after the handshake');
    expect(() => first.client.setResumptionData(data)).toThrow('for servers');
    const second = await visit(sessionStore, keeping);
    expect(second.client.isResumed).toBe(true);
    expect(Buffer.from(second.server.receivedResumptionData!)).toEqual(data);
    expect(second.client.receivedResumptionData).toBeUndefined();
  });
});

test('an external PSK stands for certificates', async () => {
  const psk = { identity: Buffer.from('sensor 17'), secret: randomBytes(32), hash: 'sha256' } as const;
  const certificates = { certificate: undefined, key: undefined };
  const resolveExternalPsk = (identity: Uint8Array) => (psk.identity.equals(identity) ? psk : undefined);
  const { client, server } = await pair(
    { ...certificates, resolveExternalPsk },
    { externalPsks: [psk], sessionStore: false },
  );
  for (const end of [client, server]) {
    expect([end.handshakeKind, end.peerCertificates, end.peerSignatureScheme]).toEqual([
      'external-psk',
      undefined,
      undefined,
    ]);
    expect(Buffer.from(end.pskIdentity!)).toEqual(psk.identity);
  }
  expect(() => createServerConfig({})).toThrow('a server needs a certificate, or external PSKs');
});
