/** Sessions of TLS 1.2 between our two sides: by id (RFC 5246 section 7.3) and by ticket (RFC 5077). */
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { peculiarProvider } from '@tyls/crypto-webcrypto/peculiar';
import {
  Pair,
  type PairOptions,
  recordsOf,
  testCertifiedKey,
  testClientVerifier,
  testName,
  testServerVerifier,
} from '@tyls/testing';
import {
  type ClientConfig,
  clientConfig,
  type ClientOptions,
  clientSessionMemory,
  type ClientSessionStore,
  type CryptoProvider,
  NamedGroup,
  ProtocolVersion,
  type ServerConfig,
  serverConfig,
  type ServerOptions,
  serverSessionMemory,
  type ServerSessionStore,
  type Ticketer,
  ticketer,
} from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { hex } from '../../src/codec/bytes.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const provider = nodeProvider();

async function client(options: Partial<ClientOptions> = {}): Promise<ClientConfig> {
  const { provider: crypto = provider } = options;
  return clientConfig({ provider: crypto, verifier: await testServerVerifier(crypto), ...options });
}

/** Of TLS 1.2 alone. */
async function server(options: Partial<ServerOptions> = {}): Promise<ServerConfig> {
  const { provider: crypto = provider } = options;
  const certificate = await testCertifiedKey(crypto);
  return serverConfig({ provider: crypto, certificate, versions: [TLSv1_2], ...options });
}

/** A connection that succeeds, with data in both directions. */
async function connect(options: PairOptions): Promise<Pair> {
  const pair = new Pair(options);
  await pair.run();
  for (const role of ['client', 'server'] as const) {
    if (pair[role].error !== undefined) throw pair[role].error;
    await pair[role].send(Buffer.from(`from the ${role}`));
  }
  await pair.run();
  expect([pair.receivedText('client'), pair.receivedText('server')]).toEqual(['from the server', 'from the client']);
  expect(pair.client.handshakeKind).toBe(pair.server.handshakeKind);
  expect(pair.client.protocolVersion).toBe(pair.server.protocolVersion);
  return pair;
}

/** The kinds of as many connections, one after another. */
async function kinds(count: number, options: PairOptions): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) found.push((await connect(options)).client.handshakeKind);
  return found;
}

/** A clock that a test sets. */
function clock(): { now: number; readonly time: () => number } {
  const made = { now: 1_700_000_000_000, time: (): number => made.now };
  return made;
}

const ways = ['by id', 'by ticket'] as const;
type Way = (typeof ways)[number];

function serverOptions(way: Way, crypto: CryptoProvider = provider): Partial<ServerOptions> {
  return way === 'by id' ? {} : { ticketer: ticketer({ provider: crypto }), sessionStore: false };
}

const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['node', nodeProvider()],
  ['noble', nobleProvider()],
  ['webcrypto', webcryptoProvider()],
  ['peculiar', peculiarProvider()],
];

describe.each(providers)('a session %s resumes', (_name, crypto) => {
  it.each(ways)('%s, with the identity, the suite and other keys', async (way) => {
    const logged: string[] = [];
    const keyLog = {
      log: (label: string, _random: Uint8Array, secret: Uint8Array) => void logged.push(label + hex(secret)),
    };
    const config = await client({ provider: crypto, keyLog });
    const options = {
      client: config,
      server: await server({ provider: crypto, ...serverOptions(way, crypto), keyLog }),
    };
    const first = await connect(options);
    const second = await connect(options);
    const third = await connect(options);
    expect([first, second, third].map((pair) => pair.client.handshakeKind)).toEqual(['full', 'resumed', 'resumed']);
    for (const resumed of [second, third]) {
      expect(resumed.client.protocolVersion).toBe(TLSv1_2);
      expect(resumed.client.cipherSuite).toBe(first.client.cipherSuite);
      expect(resumed.server.cipherSuite).toBe(first.client.cipherSuite);
      expect(resumed.client.keyExchangeGroup).toBeUndefined();
      expect(resumed.client.peerCertificates).toEqual(first.client.peerCertificates);
      expect(resumed.client.peerSignatureScheme).toBe(first.client.peerSignatureScheme);
      expect(resumed.server.peerCertificates).toBeUndefined();
      expect(resumed.server.serverName).toBe(testName);
    }
    const exported = [first, second, third].map(({ client: ours, server: theirs }) => {
      const secret = hex(ours.exportKeyingMaterial(32, 'EXPORTER-test'));
      expect(hex(theirs.exportKeyingMaterial(32, 'EXPORTER-test'))).toBe(secret);
      return secret;
    });
    expect(new Set(exported).size).toBe(3);
    // The same master secret, logged by both sides each time.
    expect(logged).toHaveLength(6);
    expect(new Set(logged).size).toBe(1);
    expect(logged[0]).toMatch(/^CLIENT_RANDOM/);
  });
});

describe.each(ways)('a session resumed %s', (way) => {
  it('asks nobody for a certificate, and verifies none again', async () => {
    const counts = { resolved: 0, verified: 0, clients: 0 };
    const certificate = await testCertifiedKey(provider);
    const verifier = await testServerVerifier(provider);
    const clientVerifier = await testClientVerifier(provider);
    const config = await client({
      certificate,
      verifier: {
        ...verifier,
        verifyServerCert(certificates) {
          counts.verified++;
          return verifier.verifyServerCert(certificates);
        },
      },
    });
    const options = {
      client: config,
      server: await server({
        ...serverOptions(way),
        certificate() {
          counts.resolved++;
          return certificate;
        },
        clientVerifier: {
          ...clientVerifier,
          verifyClientCert(certificates) {
            counts.clients++;
            return clientVerifier.verifyClientCert(certificates);
          },
        },
      }),
    };
    const full = await connect(options);
    const resumed = await connect(options);
    expect(resumed.server.handshakeKind).toBe('resumed');
    expect(counts).toEqual({ resolved: 1, verified: 1, clients: 1 });
    expect(resumed.server.peerCertificates).toEqual(certificate.certificates);
    expect(resumed.server.peerSignatureScheme).toBe(full.server.peerSignatureScheme);
    expect(resumed.sent.client).toHaveLength(2 + 1);
  });

  it('has asynchronous stores', async () => {
    const slow = async <T>(value: T): Promise<T> => {
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
      return value;
    };
    const memory = clientSessionMemory();
    const sessionStore: ClientSessionStore = {
      ...memory,
      tls12Session: async (key) => slow(memory.tls12Session(key)),
      setTls12Session: async (key, session) => {
        await slow(undefined);
        await memory.setTls12Session(key, session);
      },
    };
    const sessions = serverSessionMemory();
    const store: ServerSessionStore = {
      ...sessions,
      put: async (key, session, lifetime) => {
        await slow(undefined);
        await sessions.put(key, session, lifetime);
      },
      get: async (key) => slow(sessions.get(key)),
    };
    const tickets = ticketer({ provider });
    const slowTickets: Ticketer = {
      ...tickets,
      seal: async (session) => slow(tickets.seal(session)),
      open: async (ticket) => slow(tickets.open(ticket)),
    };
    const options = way === 'by id' ? { sessionStore: store } : { ticketer: slowTickets };
    expect(await kinds(3, { client: await client({ sessionStore }), server: await server(options) })).toEqual([
      'full',
      'resumed',
      'resumed',
    ]);
  });

  it('has the data that the application kept with it, every time', async () => {
    const both = { client: await client(), server: await server(serverOptions(way)) };
    const first = new Pair(both);
    first.server.setResumptionData(Buffer.from('user 17'));
    await first.run();
    expect(first.server.receivedResumptionData).toBeUndefined();
    for (let i = 0; i < 2; i++) {
      const { receivedResumptionData } = (await connect(both)).server;
      expect(Buffer.from(receivedResumptionData!).toString()).toBe('user 17');
    }
  });

  it('negotiates ALPN anew', async () => {
    const accepting = await server({ ...serverOptions(way), alpnProtocols: ['h2', 'http/1.1'] });
    const sessionStore = clientSessionMemory();
    const verifier = await testServerVerifier(provider);
    const seen: (string | undefined)[] = [];
    for (const alpnProtocols of [['h2'], ['http/1.1'], []]) {
      const pair = await connect({
        client: await client({ sessionStore, verifier, alpnProtocols }),
        server: accepting,
      });
      seen.push(pair.client.handshakeKind, pair.client.alpnProtocol);
      expect(pair.server.alpnProtocol).toBe(pair.client.alpnProtocol);
    }
    expect(seen).toEqual(['full', 'h2', 'resumed', 'http/1.1', 'resumed', undefined]);
  });

  it('is good for as long as it was to be in the beginning', async () => {
    const at = clock();
    const tickets = ticketer({ provider, time: at.time, lifetimeSeconds: 86_400 });
    const options = way === 'by id' ? {} : { ticketer: tickets };
    const both = {
      client: await client({ time: at.time, verifier: await timeless() }),
      server: await server({ ...options, time: at.time }),
    };
    expect(await kinds(2, both)).toEqual(['full', 'resumed']);
    // Past half the lifetime of the ticketer's first key: a ticket that was renewed meanwhile is under the second.
    at.now += 50_000_000;
    expect(await kinds(1, both)).toEqual(['resumed']);
    at.now += 36_399_000;
    expect(await kinds(1, both)).toEqual(['resumed']);
    at.now += 1_000;
    expect(await kinds(2, both)).toEqual(['full', 'resumed']);
  });

  it('is not resumed when a clock was set back before it began', async () => {
    const at = clock();
    const both = {
      client: await client({ verifier: await timeless() }),
      server: await server({ ...serverOptions(way), time: at.time }),
    };
    expect(await kinds(1, both)).toEqual(['full']);
    at.now -= 1;
    expect(await kinds(1, both)).toEqual(['full']);
  });

  it('is not resumed under another name (RFC 6066 section 3)', async () => {
    // Whoever verifies nothing by name gives all names the same session.
    const certificate = await testCertifiedKey(provider);
    const accepting = await server({ ...serverOptions(way), certificate });
    const misled = (store: ClientSessionStore): ClientSessionStore => ({
      ...store,
      setTls12Session: (_key, session) => store.setTls12Session('', session),
      tls12Session: (_key) => store.tls12Session(''),
    });
    const sessionStore = misled(clientSessionMemory());
    const verifier = await testServerVerifier(provider);
    const named = await client({ sessionStore, verifier });
    const nameless = await client({ sessionStore, verifier, sendServerName: false });
    expect(await kinds(1, { client: named, server: accepting })).toEqual(['full']);
    expect(await kinds(1, { client: nameless, server: accepting })).toEqual(['full']);
    expect(await kinds(1, { client: nameless, server: accepting })).toEqual(['resumed']);
    expect(await kinds(1, { client: named, server: accepting })).toEqual(['full']);
  });

  it('is not resumed with a suite that one side no longer has', async () => {
    const verifier = await testServerVerifier(provider);
    const common = { ...serverOptions(way), ...(way === 'by id' && { sessionStore: serverSessionMemory() }) };
    const accepting = await server(common);
    for (const side of ['client', 'server'] as const) {
      const sessionStore = clientSessionMemory();
      const all = { client: await client({ sessionStore, verifier }), server: accepting };
      const { cipherSuite } = (await connect(all)).client;
      const fewer = { ...provider, cipherSuites: provider.cipherSuites.filter(({ id }) => id !== cipherSuite) };
      const changed = {
        client: await client({ sessionStore, verifier, provider: fewer }),
        server: await server({ ...common, provider: fewer }),
      };
      expect(await kinds(2, { ...all, [side]: changed[side] })).toEqual(['full', 'resumed']);
    }
  });

  it('is not resumed by a server with other rules for clients', async () => {
    const common = { ...serverOptions(way), ...(way === 'by id' && { sessionStore: serverSessionMemory() }) };
    const config = await client({ certificate: await testCertifiedKey(provider) });
    const lax = await server(common);
    const strict = await server({ ...common, clientVerifier: await testClientVerifier(provider) });
    expect(await kinds(2, { client: config, server: lax })).toEqual(['full', 'resumed']);
    const pair = await connect({ client: config, server: strict });
    expect(pair.client.handshakeKind).toBe('full');
    expect(pair.server.peerCertificates).toBeDefined();
    expect(await kinds(2, { client: config, server: lax })).toEqual(['full', 'resumed']);
  });

  it('is not offered by a client with other rules for servers', async () => {
    const sessionStore = clientSessionMemory();
    const accepting = await server(serverOptions(way));
    const verifier = await testServerVerifier(provider);
    const other = { ...verifier, policyId: Uint8Array.of(1) };
    expect(await kinds(2, { client: await client({ sessionStore, verifier }), server: accepting })).toEqual([
      'full',
      'resumed',
    ]);
    expect(await kinds(1, { client: await client({ sessionStore, verifier: other }), server: accepting })).toEqual([
      'full',
    ]);
  });

  it('is kept by nobody who has no store', async () => {
    const both = { client: await client({ sessionStore: false }), server: await server(serverOptions(way)) };
    expect(await kinds(2, both)).toEqual(['full', 'full']);
    const stateless = await server({ sessionStore: false });
    expect(await kinds(2, { client: await client(), server: stateless })).toEqual(['full', 'full']);
  });

  it('gives way to TLS 1.3 where the server has learned that', async () => {
    const config = await client();
    const certificate = await testCertifiedKey(provider);
    const old = await server({ ...serverOptions(way), certificate });
    const both = await server({ ...serverOptions(way), certificate, versions: [TLSv1_3, TLSv1_2] });
    expect(await kinds(2, { client: config, server: old })).toEqual(['full', 'resumed']);
    const pair = await connect({ client: config, server: both });
    expect(pair.client.protocolVersion).toBe(TLSv1_3);
  });

  it('is offered together with a ticket of TLS 1.3, and the server takes which it can', async () => {
    const config = await client();
    const certificate = await testCertifiedKey(provider);
    const old = await server({ ...serverOptions(way), certificate });
    const current = await server({
      ...serverOptions(way),
      certificate,
      sessionStore: serverSessionMemory(),
      versions: [TLSv1_3],
    });
    const seen: unknown[] = [];
    for (const accepting of [old, current, old, current]) {
      const pair = await connect({ client: config, server: accepting });
      seen.push(pair.client.protocolVersion, pair.client.handshakeKind);
    }
    expect(seen).toEqual([TLSv1_2, 'full', TLSv1_3, 'full', TLSv1_2, 'resumed', TLSv1_3, 'resumed']);
  });

  it('is offered again after a HelloRetryRequest', async () => {
    const config = await client();
    const certificate = await testCertifiedKey(provider);
    await connect({ client: config, server: await server({ ...serverOptions(way), certificate }) });
    const groups = provider.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const picky = await server({
      provider: { ...provider, keyExchangeGroups: groups },
      certificate,
      versions: [TLSv1_3, TLSv1_2],
    });
    const pair = await connect({ client: config, server: picky });
    expect(pair.client.handshakeKind).toBe('full-with-hello-retry-request');
  });

  it('does not come about when a bit of the first flights is changed on the way', async () => {
    const sessionStore = clientSessionMemory();
    const sessions = serverSessionMemory();
    const options = way === 'by id' ? { sessionStore: sessions } : serverOptions(way);
    const verifier = await testServerVerifier(provider);
    // What fails forgets nothing here, so that every attempt has the same session.
    const kept = { ...sessionStore, removeTls12Session: () => {}, setTls12Session: () => {} };
    const keeping = { ...sessions, take: () => undefined, put: () => {} };
    const first = { client: await client({ verifier, sessionStore }), server: await server(options) };
    expect(await kinds(1, first)).toEqual(['full']);
    const both = {
      client: await client({ verifier, sessionStore: kept }),
      server: await server(
        way === 'by id' ? { sessionStore: keeping } : { ...options, ticketer: first.server.ticketer },
      ),
    };
    const { sent } = await connect(both);
    for (const role of ['client', 'server'] as const) {
      const flight = sent[role][0]!;
      // The versions of records in the clear mean nothing.
      const headers = recordsOf(flight).map((record) => record.byteOffset - flight.byteOffset);
      for (let at = 0; at < flight.length; at += process.env['CI'] === undefined ? 7 : 1) {
        if (headers.some((start) => at === start + 2)) continue;
        let isAltered = false;
        const alter: PairOptions['alter'] = (from, bytes) => {
          if (from !== role || isAltered) return bytes;
          isAltered = true;
          // The ClientHello of each is another, but as long.
          bytes[at % bytes.length]! ^= 1 << (at % 8);
          return bytes;
        };
        const pair = new Pair({ ...both, alter });
        await pair.run();
        if (!pair.client.isHandshaking && !pair.server.isHandshaking) throw new Error(`${role}, byte ${at}: complete`);
      }
    }
  }, 60_000);

  it('arrives in any pieces', async () => {
    const both = { client: await client(), server: await server(serverOptions(way)) };
    expect(await kinds(2, { ...both, chop: [1] })).toEqual(['full', 'resumed']);
  });
});

/** A verifier for whom certificates are valid at any time. */
async function timeless(): Promise<ClientOptions['verifier']> {
  const verifier = await testServerVerifier(provider);
  return {
    ...verifier,
    verifyServerCert: (certificates) => verifier.verifyServerCert({ ...certificates, now: Date.now() }),
  };
}

describe('a server with tickets', () => {
  it('may think better of it', async () => {
    const refusing: Ticketer = { lifetimeSeconds: 60, seal: () => undefined, open: () => undefined };
    const both = { client: await client(), server: await server({ ticketer: refusing }) };
    expect(await kinds(2, both)).toEqual(['full', 'full']);
  });

  it('makes none that is too large to be sent back', async () => {
    const tickets = ticketer({ provider });
    const large: Ticketer = { ...tickets, seal: () => new Uint8Array(12_289) };
    const both = { client: await client(), server: await server({ ticketer: large }) };
    expect(await kinds(2, both)).toEqual(['full', 'full']);
  });

  it('whose keys are gone goes through a full handshake', async () => {
    const config = await client();
    const certificate = await testCertifiedKey(provider);
    const before = await server({ certificate, ticketer: ticketer({ provider }) });
    const after = await server({ certificate, ticketer: ticketer({ provider }) });
    expect(await kinds(2, { client: config, server: before })).toEqual(['full', 'resumed']);
    expect(await kinds(2, { client: config, server: after })).toEqual(['full', 'resumed']);
  });
});
