/** Early data (RFC 8446 sections 2.3 and 4.2.10) and 0.5-RTT data, between two honest ends. */
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  CipherSuite,
  type ClientConfig,
  type ClientOptions,
  type CryptoProvider,
  NamedGroup,
  ProtocolVersion,
  type ServerConfigSource,
  serverSessionMemory,
  type ServerOptions,
  ticketer,
} from '@tyls/tls-core';
import {
  Pair,
  type PairOptions,
  recordsOf,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
  testServerVerifier,
} from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { concat, hex } from '../../src/codec/bytes.ts';
import { connect, shownMemory } from './sessions.ts';

const node = nodeProvider();
const providers: Readonly<Record<string, CryptoProvider>> = {
  node,
  noble: nobleProvider(),
  webcrypto: webcryptoProvider(),
};
const versions = [ProtocolVersion.TLSv1_3];
const clientOf = (options: Partial<ClientOptions> = {}) =>
  testClientConfig(node, { versions, earlyData: true, ...options });
const serverOf = (options: Partial<ServerOptions> = {}) =>
  testServerConfig(node, { versions, maxEarlyDataSize: 1000, ...options });
const withSuites = (...ids: readonly CipherSuite[]): CryptoProvider => ({
  ...node,
  cipherSuites: ids.map((id) => node.cipherSuites.find((suite) => suite.id === id)!),
});

/** A connection on which the client sends early data as soon as it can. */
async function early(
  client: ClientConfig,
  server: ServerConfigSource,
  data: Uint8Array = Buffer.from('GET /'),
  options: Partial<PairOptions> = {},
): Promise<{ readonly pair: Pair; readonly taken: number; readonly received: string }> {
  const pair = new Pair({ client, server, ...options });
  await pair.client.start();
  const taken = await pair.client.sendEarlyData(data);
  await pair.run();
  const error = pair.client.error ?? pair.server.error;
  if (error !== undefined) throw new Error('the pair failed', { cause: error });
  return { pair, taken, received: Buffer.from(concat(pair.server.takeEarlyData())).toString() };
}

describe.each(Object.keys(providers))('a client on %s', (clientName) => {
  it.each(Object.keys(providers))('sends early data to a server on %s', async (serverName) => {
    const client = await testClientConfig(providers[clientName]!, { earlyData: true });
    const server = await testServerConfig(providers[serverName]!, { maxEarlyDataSize: 1000 });
    const first = await early(client, server);
    expect([first.taken, first.received, first.pair.client.earlyDataAccepted]).toEqual([0, '', undefined]);
    expect(() => first.pair.client.exportEarlyKeyingMaterial(32, 'EXPORTER-test')).toThrow(TypeError);

    const { pair, taken, received } = await early(client, server);
    expect([taken, received]).toEqual([5, 'GET /']);
    for (const end of [pair.client, pair.server]) {
      expect([end.handshakeKind, end.earlyDataAccepted]).toEqual(['resumed', true]);
    }
    void pair.client.send(Buffer.from('ping'));
    void pair.server.send(Buffer.from('pong'));
    await pair.run();
    expect([pair.receivedText('server'), pair.receivedText('client')]).toEqual(['ping', 'pong']);
    const [ours, theirs] = [pair.client, pair.server].map((end) =>
      hex(end.exportEarlyKeyingMaterial(32, 'EXPORTER-test')),
    );
    expect(ours).toBe(theirs);
    expect(ours).not.toBe(hex(pair.client.exportKeyingMaterial(32, 'EXPORTER-test')));
  });
});

describe('early data', () => {
  it('goes out with the ClientHello, and is there before the handshake is complete', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const pair = new Pair({ client, server });
    expect(pair.client.earlyDataLimit).toBeUndefined();
    expect(pair.client.sendEarlyData(Buffer.from('too early'))).toBe(0);
    void pair.client.start();
    expect(pair.client.earlyDataLimit).toBe(1000);
    expect(pair.client.sendEarlyData(Buffer.from('one'))).toBe(3);
    expect(pair.client.sendEarlyData(Buffer.from('two'))).toBe(3);
    expect(pair.client.earlyDataLimit).toBe(994);
    expect(pair.client.earlyDataAccepted).toBeUndefined();
    void pair.server.receive(concat(pair.client.takeOutput()));
    expect(Buffer.from(concat(pair.server.takeEarlyData())).toString()).toBe('onetwo');
    expect([pair.server.isHandshaking, pair.server.earlyDataAccepted]).toEqual([true, true]);
    void pair.client.receive(concat(pair.server.takeOutput()));
    expect([pair.client.isHandshaking, pair.client.earlyDataAccepted]).toEqual([false, true]);
    expect([pair.client.earlyDataLimit, pair.client.sendEarlyData(Buffer.from('late'))]).toEqual([undefined, 0]);
    await pair.run();
    expect(pair.server.error).toBeUndefined();
    expect(pair.server.isHandshaking).toBe(false);
    expect(pair.server.takeEarlyData()).toEqual([]);
  });

  it('is separate from what comes after it, and in order', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const pair = new Pair({ client, server, chop: [7, 100] });
    await pair.client.start();
    void pair.client.sendEarlyData(Buffer.from('early'));
    void pair.client.send(Buffer.from('later'));
    void pair.client.close();
    await pair.run();
    expect(Buffer.from(concat(pair.server.takeEarlyData())).toString()).toBe('early');
    expect(pair.receivedText('server')).toBe('later');
    expect(pair.server.peerClosed).toBe(true);
  });

  it('ends at the limit of the ticket', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const { taken, received, pair } = await early(client, server, Buffer.alloc(1500, 'x'));
    expect([taken, received.length, pair.client.earlyDataAccepted]).toEqual([1000, 1000, true]);
  });

  it('is larger than a record where it may be', async () => {
    const [client, server] = [await clientOf(), await serverOf({ maxEarlyDataSize: 100_000 })];
    await connect(client, server);
    const { taken, received } = await early(client, server, Buffer.alloc(200_000, 'x'));
    expect([taken, received.length]).toEqual([100_000, 100_000]);
  });

  it('need not be sent where it may be', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const pair = await connect(client, server);
    expect([pair.client.earlyDataAccepted, pair.server.earlyDataAccepted]).toEqual([true, true]);
    expect(pair.server.takeEarlyData()).toEqual([]);
  });

  it('is offered only by a client that asks for it, to a server that takes some', async () => {
    const server = await serverOf();
    const plain = await clientOf({ earlyData: false });
    await connect(plain, server);
    expect((await early(plain, server)).taken).toBe(0);
    const client = await clientOf();
    const without = await serverOf({ maxEarlyDataSize: 0 });
    await connect(client, without);
    expect((await early(client, without)).taken).toBe(0);
  });

  it('looks like TLS 1.2 to middleboxes: change_cipher_spec comes before it, and once', async () => {
    const server = await serverOf();
    for (const middleboxCompatibility of [true, false]) {
      const client = await clientOf({ middleboxCompatibility });
      await connect(client, server);
      const { pair } = await early(client, server);
      const types = recordsOf(concat(pair.sent.client)).map(([type]) => type);
      expect(types.filter((type) => type === 20)).toHaveLength(middleboxCompatibility ? 1 : 0);
      expect(types.slice(0, 3)).toEqual(middleboxCompatibility ? [22, 20, 23] : [22, 23, 23]);
    }
  });

  it('is in the key log', async () => {
    const logged: Record<string, string[]> = { client: [], server: [] };
    const log = (role: string) => ({
      log: (label: string, _random: Uint8Array, secret: Uint8Array) => logged[role]!.push(`${label} ${hex(secret)}`),
    });
    const [client, server] = [await clientOf({ keyLog: log('client') }), await serverOf({ keyLog: log('server') })];
    await connect(client, server);
    await early(client, server);
    const ofEarly = (role: string) => logged[role]!.filter((line) => line.includes('EARLY'));
    expect(ofEarly('client').map((line) => line.split(' ')[0])).toEqual([
      'CLIENT_EARLY_TRAFFIC_SECRET',
      'EARLY_EXPORTER_SECRET',
    ]);
    expect(ofEarly('server')).toEqual(ofEarly('client'));
  });
});

describe('early data is rejected, and not sent again', () => {
  async function rejected(pair: Pair, received: string): Promise<void> {
    expect([pair.client.earlyDataAccepted, pair.server.earlyDataAccepted]).toEqual([false, false]);
    expect(() => pair.client.exportEarlyKeyingMaterial(32, 'EXPORTER-test')).toThrow(TypeError);
    expect(() => pair.server.exportEarlyKeyingMaterial(32, 'EXPORTER-test')).toThrow(TypeError);
    expect([received, pair.receivedText('server')]).toEqual(['', '']);
    void pair.client.send(Buffer.from('again'));
    await pair.run();
    expect(pair.receivedText('server')).toBe('again');
  }

  it('by a HelloRetryRequest', async () => {
    const client = await clientOf({ keyShares: [NamedGroup.X25519] });
    const sessionStore = serverSessionMemory();
    await connect(client, await serverOf({ sessionStore }));
    const keyExchangeGroups = node.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const other = await serverOf({ sessionStore, provider: { ...node, keyExchangeGroups } });
    const { pair, received } = await early(client, other);
    expect(pair.client.handshakeKind).toBe('resumed-with-hello-retry-request');
    await rejected(pair, received);
    const types = recordsOf(concat(pair.sent.client)).map(([type]) => type);
    expect(types.filter((type) => type === 20)).toHaveLength(1);
  });

  it('under a HelloRetryRequest with another hash, where the PSK goes too', async () => {
    const { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 } = CipherSuite;
    const verifier = await testServerVerifier(node);
    const client = await clientOf({
      provider: withSuites(TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384),
      keyShares: [NamedGroup.X25519],
      verifier,
    });
    const sessionStore = serverSessionMemory();
    await connect(client, await serverOf({ sessionStore, provider: withSuites(TLS_AES_128_GCM_SHA256) }));
    const keyExchangeGroups = node.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const provider = { ...withSuites(TLS_AES_256_GCM_SHA384), keyExchangeGroups };
    const { pair, received } = await early(client, await serverOf({ sessionStore, provider }));
    expect(pair.client.handshakeKind).toBe('full-with-hello-retry-request');
    await rejected(pair, received);
  });

  it('with a session that is not resumed', async () => {
    const client = await clientOf();
    await connect(client, await serverOf());
    const { pair, received } = await early(client, await serverOf());
    expect(pair.client.handshakeKind).toBe('full');
    await rejected(pair, received);
  });

  it('by a server that takes less than it told, and skips what it told', async () => {
    const sessionStore = serverSessionMemory();
    const client = await clientOf();
    await connect(client, await serverOf({ sessionStore, maxEarlyDataSize: 100_000 }));
    const less = await serverOf({ sessionStore, maxEarlyDataSize: 99_999 });
    const { pair, taken, received } = await early(client, less, Buffer.alloc(100_000, 'x'));
    expect([taken, pair.client.handshakeKind]).toEqual([100_000, 'resumed']);
    await rejected(pair, received);
  });

  it('under another suite', async () => {
    const { TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256 } = CipherSuite;
    const sessionStore = shownMemory();
    const verifier = await testServerVerifier(node);
    const both = withSuites(TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256);
    const client = await clientOf({ provider: both, sessionStore, verifier });
    const store = serverSessionMemory();
    const aes = await serverOf({ provider: withSuites(TLS_AES_128_GCM_SHA256), sessionStore: store });
    const chacha = await serverOf({ provider: withSuites(TLS_CHACHA20_POLY1305_SHA256), sessionStore: store });
    await connect(client, aes);
    // A server without the suite of the session does not resume it at all.
    const { pair, received } = await early(client, chacha);
    expect(pair.client.handshakeKind).toBe('full');
    await rejected(pair, received);
  });

  it('for another protocol', async () => {
    const sessionStore = serverSessionMemory();
    const client = await clientOf({ alpnProtocols: ['h2', 'http/1.1'] });
    await connect(client, await serverOf({ sessionStore, alpnProtocols: ['h2'] }));
    const { pair, received } = await early(client, await serverOf({ sessionStore, alpnProtocols: ['http/1.1'] }));
    expect([pair.client.handshakeKind, pair.client.alpnProtocol]).toEqual(['resumed', 'http/1.1']);
    await rejected(pair, received);
  });

  it('before it is sent, for a protocol that the client no longer speaks', async () => {
    const sessionStore = shownMemory();
    const verifier = await testServerVerifier(node);
    const server = await serverOf({ alpnProtocols: ['h2', 'http/1.1'] });
    await connect(await clientOf({ alpnProtocols: ['h2'], sessionStore, verifier }), server);
    const other = await clientOf({ alpnProtocols: ['http/1.1'], sessionStore, verifier });
    const { taken, pair } = await early(other, server);
    expect([taken, pair.client.handshakeKind]).toEqual([0, 'resumed']);
  });

  it('with a ticket that is used again', async () => {
    const sessionStore = shownMemory();
    const client = await clientOf({ sessionStore });
    const server = await serverOf();
    await connect(client, server);
    const ticket = sessionStore.added.at(-1)!;
    sessionStore.override = () => ticket.slice();
    expect((await early(client, server)).received).toBe('GET /');
    const { pair, received } = await early(client, server);
    await rejected(pair, received);
  });

  it('when it is replayed', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const { pair } = await early(client, server);
    const replayed = new Pair({ client, server });
    await replayed.server.receive(pair.sent.client[0]!);
    expect([replayed.server.earlyDataAccepted, replayed.server.takeEarlyData()]).toEqual([false, []]);
  });

  it.each([
    [60_000, true],
    [60_001, false],
    [-60_000, true],
    [-60_001, false],
  ])('(8.3) if it was %i ms on the way', async (delay, accepted) => {
    const start = Date.now() + 1_000_000;
    let now = start;
    let late = 0;
    const client = await clientOf({ time: () => now });
    const server = await serverOf({ time: () => now + late });
    await connect(client, server);
    now += 500_000;
    late = delay;
    const { pair, received } = await early(client, server);
    expect([pair.client.handshakeKind, pair.server.earlyDataAccepted]).toEqual(['resumed', accepted]);
    expect(received).toBe(accepted ? 'GET /' : '');
  });
});

describe('a configuration', () => {
  it('takes early data only where it cannot be used twice', async () => {
    await expect(serverOf({ sessionStore: false })).rejects.toThrow(RangeError);
    await expect(serverOf({ ticketer: ticketer({ provider: node }) })).rejects.toThrow(RangeError);
    await expect(serverOf({ maxEarlyDataSize: -1 })).rejects.toThrow(RangeError);
    await expect(serverOf({ maxEarlyDataSize: 0x1_0000_0000 })).rejects.toThrow(RangeError);
    await expect(clientOf({ sessionStore: false })).rejects.toThrow(RangeError);
  });
});

describe('0.5-RTT data', () => {
  /** What the client has of the server's data when only the server's first flight is there. */
  async function inFirstFlight(client: ClientConfig, server: ServerConfigSource): Promise<string> {
    const pair = new Pair({ client, server });
    await pair.client.start();
    void pair.server.send(Buffer.from('hello, '));
    await pair.server.receive(concat(pair.client.takeOutput()));
    void pair.server.send(Buffer.from('whoever you are'));
    const flight = concat(pair.server.takeOutput());
    await pair.client.receive(flight);
    const first = pair.receivedText('client');
    await pair.run();
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    expect(pair.receivedText('client')).toBe('hello, whoever you are');
    return first;
  }

  it('goes out after the Finished of a server that is to send it', async () => {
    const client = await clientOf();
    expect(await inFirstFlight(client, await serverOf())).toBe('');
    const server = await serverOf({ sendHalfRttData: true });
    expect(await inFirstFlight(client, server)).toBe('hello, whoever you are');
    expect(await inFirstFlight(client, server)).toBe('hello, whoever you are');
  });

  it('waits where clients are asked for certificates, also where one is resumed', async () => {
    const clientVerifier = await testClientVerifier(node, { mandatory: false });
    const server = await serverOf({ sendHalfRttData: true, clientVerifier });
    const client = await clientOf({ certificate: await testCertifiedKey(node) });
    expect(await inFirstFlight(client, server)).toBe('');
    expect(await inFirstFlight(client, server)).toBe('');
  });

  it('answers early data', async () => {
    const [client, server] = [await clientOf(), await serverOf({ sendHalfRttData: true })];
    await connect(client, server);
    const pair = new Pair({ client, server });
    await pair.client.start();
    void pair.client.sendEarlyData(Buffer.from('GET /'));
    await pair.server.receive(concat(pair.client.takeOutput()));
    expect(Buffer.from(concat(pair.server.takeEarlyData())).toString()).toBe('GET /');
    void pair.server.send(Buffer.from('200 OK'));
    await pair.client.receive(concat(pair.server.takeOutput()));
    expect(pair.receivedText('client')).toBe('200 OK');
  });
});
