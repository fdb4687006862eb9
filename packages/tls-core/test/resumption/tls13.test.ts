/** Resumption in TLS 1.3 (RFC 8446 section 2.2), between two honest ends. */
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  CipherSuite,
  type ClientOptions,
  type CryptoProvider,
  NamedGroup,
  ProtocolVersion,
  type ServerCertVerifier,
  serverSessionMemory,
  type ServerOptions,
  ticketer,
} from '@tyls/tls-core';
import {
  Pair,
  type Role,
  testCertifiedKey,
  testClientConfig,
  testClientVerifier,
  testServerConfig,
  testServerVerifier,
} from '@tyls/testing';
import { describe, expect, it, test } from 'vitest';
import { hex } from '../../src/codec/bytes.ts';
import { decodeClientSession, encodeClientSession } from '../../src/sessions/session.ts';
import { connect, kindsOf, shownMemory } from './sessions.ts';

const node = nodeProvider();
const providers: Readonly<Record<string, CryptoProvider>> = {
  node,
  noble: nobleProvider(),
  webcrypto: webcryptoProvider(),
};
const hour = 3_600_000;

/** One end's options, of TLS 1.3 alone. */
const versions = [ProtocolVersion.TLSv1_3];
const clientOf = (options: Partial<ClientOptions> = {}) => testClientConfig(node, { versions, ...options });
const serverOf = (options: Partial<ServerOptions> = {}) => testServerConfig(node, { versions, ...options });

/** With these suites of node's, in this order. */
function withSuites(...ids: readonly CipherSuite[]): CryptoProvider {
  return { ...node, cipherSuites: ids.map((id) => node.cipherSuites.find((suite) => suite.id === id)!) };
}

function withGroups(...names: readonly NamedGroup[]): CryptoProvider {
  return { ...node, keyExchangeGroups: names.map((name) => node.keyExchangeGroups.find((one) => one.name === name)!) };
}

describe.each(Object.keys(providers))('a client on %s', (clientName) => {
  it.each(Object.keys(providers))(
    'resumes with a server on %s, and both know each other',
    async (serverName) => {
      const [ours, theirs] = [providers[clientName]!, providers[serverName]!];
      const client = await testClientConfig(ours, {
        certificate: await testCertifiedKey(ours),
        alpnProtocols: ['h2'],
      });
      const clientVerifier = await testClientVerifier(theirs);
      const server = await testServerConfig(theirs, { clientVerifier, alpnProtocols: ['h2'] });
      const first = await connect(client, server);
      const pair = new Pair({ client, server });
      void pair.client.send(Buffer.from('ping'));
      await pair.run();
      void pair.server.send(Buffer.from('pong'));
      await pair.run();
      expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
      expect([pair.receivedText('server'), pair.receivedText('client')]).toEqual(['ping', 'pong']);
      for (const [before, after] of [
        [first.client, pair.client],
        [first.server, pair.server],
      ] as const) {
        expect([before.handshakeKind, after.handshakeKind]).toEqual(['full', 'resumed']);
        expect(after.peerCertificates).toEqual(before.peerCertificates);
        expect(after.peerCertificates).not.toBeUndefined();
        expect(after.peerSignatureScheme).toBe(before.peerSignatureScheme);
        expect(after.alpnProtocol).toBe('h2');
        expect(after.protocolVersion).toBe(ProtocolVersion.TLSv1_3);
      }
      const exported = [pair.client, pair.server, first.client].map((end) =>
        hex(end.exportKeyingMaterial(32, 'EXPORTER-test')),
      );
      expect(exported[0]).toBe(exported[1]);
      expect(exported[0]).not.toBe(exported[2]);
    },
    30_000,
  );
});

describe('a session', () => {
  it('is resumed again and again, and by several connections, each with a ticket of its own', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    expect(await kindsOf(4, client, server)).toEqual(['full', 'resumed', 'resumed', 'resumed']);
    const first = new Pair({ client, server });
    const second = new Pair({ client, server });
    await Promise.all([first.run(), second.run()]);
    expect([first.client.handshakeKind, second.client.handshakeKind]).toEqual(['resumed', 'resumed']);
  });

  it('goes on after a HelloRetryRequest', async () => {
    const client = await clientOf({ keyShares: [NamedGroup.X25519] });
    const server = await serverOf({ provider: withGroups(NamedGroup.secp384r1) });
    expect(await kindsOf(2, client, server)).toEqual([
      'full-with-hello-retry-request',
      'resumed-with-hello-retry-request',
    ]);
  });

  it('is resumed under another suite with the same hash, and not with another hash', async () => {
    const { TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_256_GCM_SHA384 } = CipherSuite;
    const sessionStore = serverSessionMemory();
    const clientSessions = shownMemory();
    const all = [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_256_GCM_SHA384] as const;
    const server = await serverOf({ provider: withSuites(...all), sessionStore });
    // The verifier is what decides whether the session is the client's; the suites are not.
    const verifier = await testServerVerifier(node);
    const clientWith = (...suites: readonly CipherSuite[]) =>
      clientOf({ provider: withSuites(...suites), sessionStore: clientSessions, verifier });
    await connect(await clientWith(TLS_AES_128_GCM_SHA256), server);
    // Not offered by the second, since it does not have the suite of the session.
    const unoffered = await connect(await clientWith(TLS_CHACHA20_POLY1305_SHA256), server);
    expect(unoffered.client.handshakeKind).toBe('full');

    await connect(await clientWith(TLS_AES_128_GCM_SHA256), server);
    const chacha = await serverOf({
      provider: withSuites(TLS_CHACHA20_POLY1305_SHA256, ...all.slice(0, 1)),
      sessionStore,
    });
    const same = await connect(await clientWith(TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256), chacha);
    // The session's own, whatever the server prefers.
    expect([same.client.handshakeKind, same.client.cipherSuite]).toEqual(['resumed', TLS_AES_128_GCM_SHA256]);

    const sha384 = await serverOf({ provider: withSuites(TLS_AES_256_GCM_SHA384), sessionStore });
    const other = await connect(await clientWith(...all), sha384);
    expect([other.client.handshakeKind, other.client.cipherSuite]).toEqual(['full', TLS_AES_256_GCM_SHA384]);
  });

  it('is not resumed under another name, nor by a client that verifies otherwise', async () => {
    const server = await serverOf();
    const sessionStore = shownMemory();
    const verifier = await testServerVerifier(node);
    const client = await clientOf({ sessionStore, verifier });
    await connect(client, server);
    const elsewhere = await connect(client, server, { serverName: 'localhost' });
    expect(elsewhere.client.handshakeKind).toBe('full');
    // The same name for the client, and none for the server.
    const withoutName = await clientOf({ sessionStore, verifier, sendServerName: false });
    expect((await connect(withoutName, server)).client.handshakeKind).toBe('full');
    // Even if the store gives it.
    await connect(client, server);
    const stolen = sessionStore.added.at(-1)!;
    sessionStore.override = () => stolen;
    // One that is made of the other, to look closer.
    let verified = 0;
    const otherVerifier: ServerCertVerifier = {
      ...verifier,
      verifyServerCert(certificates) {
        verified++;
        return verifier.verifyServerCert(certificates);
      },
    };
    const other = await clientOf({ sessionStore, verifier: otherVerifier });
    expect((await connect(other, server)).client.handshakeKind).toBe('full');
    expect(verified).toBe(1);
    expect((await connect(client, server)).client.handshakeKind).toBe('resumed');
  });

  it('of a client without a certificate does not pass for one with', async () => {
    const sessionStore = serverSessionMemory();
    const provider = node;
    const optional = await testClientVerifier(node, { mandatory: false });
    const lax = await serverOf({ clientVerifier: optional, sessionStore });
    const client = await clientOf();
    const [, again] = [await connect(client, lax), await connect(client, lax)];
    expect(again.server.handshakeKind).toBe('resumed');
    expect(again.server.peerCertificates).toBeUndefined();
    const strict = await testServerConfig(provider, {
      versions,
      clientVerifier: await testClientVerifier(node),
      sessionStore,
    });
    const refused = new Pair({ client, server: strict });
    await refused.run();
    expect(refused.server.error?.code).toBe('NoCertificatesPresented');
    // A verifier that changes its mind.
    let mandatory = false;
    const changing = {
      ...optional,
      get mandatory() {
        return mandatory;
      },
    };
    const server = await serverOf({ clientVerifier: changing });
    expect(await kindsOf(2, client, server)).toEqual(['full', 'resumed']);
    mandatory = true;
    const second = new Pair({ client, server });
    await second.run();
    expect(second.server.error?.code).toBe('NoCertificatesPresented');
  });

  it('is good for one use: the store gives it away once', async () => {
    const sessionStore = shownMemory();
    const client = await clientOf({ sessionStore });
    const server = await serverOf();
    await connect(client, server);
    const ticket = sessionStore.added.at(-1)!;
    sessionStore.override = () => ticket.slice();
    expect(await kindsOf(2, client, server)).toEqual(['resumed', 'full']);
  });

  it('ends with its lifetime, and so does all that came of it', async () => {
    let now = Date.now();
    const time = () => now;
    const [client, server] = [await clientOf({ time }), await serverOf({ time })];
    expect(await kindsOf(1, client, server)).toEqual(['full']);
    now += 23 * hour;
    expect(await kindsOf(2, client, server)).toEqual(['resumed', 'resumed']);
    // These tickets are an hour old. What they go back to is a day old.
    now += hour;
    expect(await kindsOf(2, client, server)).toEqual(['full', 'resumed']);
  });

  it('of a client whose clock was set back is not resumed', async () => {
    let now = Date.now();
    const client = await clientOf({ time: () => now });
    const server = await serverOf();
    await connect(client, server);
    now -= 1000;
    expect(await kindsOf(1, client, server)).toEqual(['full']);
  });
});

describe('tickets', () => {
  const store = async (options: Partial<ServerOptions>, request?: ClientOptions['ticketRequest']) => {
    const sessionStore = shownMemory();
    const client = await clientOf({ sessionStore, ...(request === undefined ? {} : { ticketRequest: request }) });
    const server = await serverOf(options);
    await connect(client, server);
    const full = sessionStore.added.length;
    await connect(client, server);
    return [full, sessionStore.added.length - full];
  };

  it('are two, or as many as the server is to send, and one for each that comes back', async () => {
    expect(await store({})).toEqual([2, 1]);
    expect(await store({ ticketCount: 0 })).toEqual([0, 0]);
    expect(await store({ ticketCount: 1 })).toEqual([1, 1]);
    expect(await store({ ticketCount: 16 })).toEqual([16, 1]);
    expect(await store({ sessionStore: false })).toEqual([0, 0]);
    await expect(serverOf({ ticketCount: 17 })).rejects.toThrow(RangeError);
  });

  it('are left where a connection broke before it had a new one, as many as it had', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    await connect(client, server);
    const kinds: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      // ServerHello to Finished arrives, and nothing after it.
      let flights = 0;
      const alter = (from: Role, flight: Uint8Array): Uint8Array =>
        from === 'server' && ++flights > 1 ? new Uint8Array() : flight;
      kinds.push((await connect(client, server, { alter })).client.handshakeKind);
    }
    expect(kinds).toEqual(['resumed', 'resumed', 'full']);
  });

  it('(RFC 9149) are as many as the client wants, but never more than the server is to send', async () => {
    expect(await store({ ticketCount: 4 }, { newSessionCount: 3, resumptionCount: 1 })).toEqual([3, 1]);
    expect(await store({ ticketCount: 4 }, { newSessionCount: 1, resumptionCount: 3 })).toEqual([1, 3]);
    expect(await store({ ticketCount: 4 }, { newSessionCount: 255, resumptionCount: 0 })).toEqual([4, 0]);
    expect(await store({ ticketCount: 4 }, { newSessionCount: 1, resumptionCount: 255 })).toEqual([1, 4]);
    await expect(clientOf({ ticketRequest: { newSessionCount: 256, resumptionCount: 1 } })).rejects.toThrow(RangeError);
    await expect(clientOf({ ticketRequest: { newSessionCount: 1, resumptionCount: -1 } })).rejects.toThrow(RangeError);
  });

  it('do not come to a client that keeps none', async () => {
    const client = await clientOf({ sessionStore: false, ticketRequest: { newSessionCount: 1, resumptionCount: 1 } });
    const pair = await connect(client, await serverOf());
    // ServerHello to Finished, and nothing after the client's.
    expect(pair.sent.server).toHaveLength(1);
  });

  it('are what the resumption secret is derived for, on a side that has any to do with them', async () => {
    const derived: Role[] = [];
    const telling = (role: Role): CryptoProvider => ({
      ...node,
      cipherSuites: node.cipherSuites.map((suite) => ({
        ...suite,
        hkdf: {
          ...suite.hkdf,
          expand(key, info, length) {
            if (Buffer.from(info).includes('res master')) derived.push(role);
            return suite.hkdf.expand(key, info, length);
          },
        },
      })),
    });
    const sides = async (client: Partial<ClientOptions>, server: Partial<ServerOptions>): Promise<readonly Role[]> => {
      derived.length = 0;
      const ends = [
        await testClientConfig(telling('client'), { versions, ...client }),
        await testServerConfig(telling('server'), { versions, ...server }),
      ] as const;
      await connect(...ends);
      return derived;
    };
    expect(await sides({}, {})).toEqual(['client', 'server']);
    expect(await sides({ sessionStore: false }, {})).toEqual([]);
    expect(await sides({}, { ticketCount: 0 })).toEqual(['client']);
    expect(await sides({ ticketRequest: { newSessionCount: 0, resumptionCount: 0 } }, {})).toEqual(['client']);
  });

  it('each have a PSK, an age_add and a ticket of their own', async () => {
    const sessionStore = shownMemory();
    await connect(await clientOf({ sessionStore }), await serverOf({ ticketCount: 16 }));
    const sessions = sessionStore.added.map((ticket) => decodeClientSession(ticket)!);
    for (const field of ['secret', 'ticket'] as const) {
      expect(new Set(sessions.map((session) => hex(session[field]))).size).toBe(16);
    }
    expect(new Set(sessions.map(({ ageAdd }) => ageAdd)).size).toBe(16);
  });

  it('of a ticketer are read by whoever has its keys, and by nobody else', async () => {
    const keys = [new Uint8Array(32).fill(1)];
    const client = await clientOf();
    // Without anything stored.
    const sessionStore = {
      put: () => expect.fail('stored'),
      get: () => expect.fail('asked for'),
      take: () => expect.fail('taken'),
    };
    const one = await serverOf({ ticketer: ticketer({ provider: node, keys }), sessionStore });
    const same = await serverOf({ ticketer: ticketer({ provider: node, keys }) });
    const other = await serverOf({ ticketer: ticketer({ provider: node }) });
    expect(await kindsOf(2, client, one)).toEqual(['full', 'resumed']);
    expect(await kindsOf(1, client, same)).toEqual(['resumed']);
    expect(await kindsOf(1, client, other)).toEqual(['full']);
  });

  it('of a ticketer are wiped once they are read', async () => {
    const opened: Uint8Array[] = [];
    const made = ticketer({ provider: node });
    const open = (ticket: Uint8Array): Uint8Array | undefined => {
      const session = made.open(ticket) as Uint8Array | undefined;
      if (session !== undefined) opened.push(session);
      return session;
    };
    expect(await kindsOf(2, await clientOf(), await serverOf({ ticketer: { ...made, open } }))).toEqual([
      'full',
      'resumed',
    ]);
    expect(opened).toEqual([new Uint8Array(opened[0]!.length)]);
  });

  it('of a ticketer that makes none are not sent', async () => {
    const none = { ...ticketer({ provider: node }), seal: () => undefined };
    expect(await store({ ticketer: none })).toEqual([0, 0]);
  });

  it('that a client could not send again are neither sent nor kept', async () => {
    const padded = (length: number) => ({ ...ticketer({ provider: node }), seal: () => new Uint8Array(length) });
    expect(await store({ ticketer: padded(12_288) })).toEqual([2, 2]);
    expect(await store({ ticketer: padded(12_289) })).toEqual([0, 0]);
  });

  it('that were tampered with lead to a full handshake', async () => {
    const sessionStore = shownMemory();
    const client = await clientOf({ sessionStore });
    const server = await serverOf({ ticketer: ticketer({ provider: node }) });
    await connect(client, server);
    const session = decodeClientSession(sessionStore.added.at(-1)!)!;
    for (let at = 0; at < session.ticket.length; at += 13) {
      const ticket = session.ticket.slice();
      ticket[at]! ^= 1;
      sessionStore.override = () => encodeClientSession({ ...session, ticket })!;
      expect(await kindsOf(1, client, server)).toEqual(['full']);
    }
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['garbage', new Uint8Array(300).fill(7)],
  ])('of which a store gives back %s lead to a full handshake', async (_what, bytes) => {
    const sessionStore = shownMemory();
    sessionStore.override = () => bytes;
    const serverSessions = { ...serverSessionMemory(), take: () => bytes };
    const [client, server] = [await clientOf({ sessionStore }), await serverOf({ sessionStore: serverSessions })];
    expect(await kindsOf(2, client, server)).toEqual(['full', 'full']);
    expect(await kindsOf(2, await clientOf(), server)).toEqual(['full', 'full']);
  });

  it.each([
    ['a version', { version: ProtocolVersion.TLSv1_2 }],
    ['a suite', { cipherSuite: 0x1305 }],
    ['a secret', { secret: new Uint8Array(20) }],
    ['no ticket', { ticket: new Uint8Array() }],
    ['a ticket too long', { ticket: new Uint8Array(12_289) }],
    ['a scope', { scope: new Uint8Array(32) }],
  ])('with %s that cannot be are not offered', async (_what, change) => {
    const sessionStore = shownMemory();
    const client = await clientOf({ sessionStore });
    const server = await serverOf();
    await connect(client, server);
    const session = decodeClientSession(sessionStore.added.at(-1)!)!;
    sessionStore.override = () => encodeClientSession({ ...session, ...change })!;
    expect(await kindsOf(1, client, server)).toEqual(['full']);
  });
});

describe('group hints', () => {
  const server = () => serverOf({ provider: withGroups(NamedGroup.secp384r1) });

  it('save the round trip that the first connection took', async () => {
    expect(await kindsOf(3, await clientOf(), await server())).toEqual([
      'full-with-hello-retry-request',
      'resumed',
      'resumed',
    ]);
  });

  it('are not followed where key shares are fixed, nor kept without a store', async () => {
    const sessionStore = shownMemory();
    const fixed = await clientOf({ keyShares: [NamedGroup.X25519], sessionStore });
    expect(await kindsOf(2, fixed, await server())).toEqual([
      'full-with-hello-retry-request',
      'resumed-with-hello-retry-request',
    ]);
    expect(sessionStore.hints).toEqual([]);
    const forgetful = await clientOf({ sessionStore: false });
    expect(await kindsOf(2, forgetful, await server())).toEqual(
      Array.from({ length: 2 }, () => 'full-with-hello-retry-request'),
    );
  });

  it('are kept only where a server asked, and one that means nothing is passed over', async () => {
    const sessionStore = shownMemory();
    await connect(await clientOf({ sessionStore }), await serverOf());
    expect(sessionStore.hints).toEqual([]);
    const lying = { ...shownMemory(), groupHint: () => 0x2a2a };
    expect(await kindsOf(1, await clientOf({ sessionStore: lying }), await serverOf())).toEqual(['full']);
  });
});

describe('resumption data', () => {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));

  test.each([
    ['in the store', {}],
    ['in tickets', { ticketer: ticketer({ provider: node }) }],
  ])('comes back with the session, kept %s', async (_where, options) => {
    const [client, server] = [await clientOf(), await serverOf(options)];
    const first = new Pair({ client, server });
    first.server.setResumptionData(bytes('user 17'));
    await first.run();
    expect(first.server.receivedResumptionData).toBeUndefined();
    expect(() => first.server.setResumptionData(bytes('x'))).toThrow(TypeError);
    const second = await connect(client, server);
    expect(second.server.receivedResumptionData).toEqual(bytes('user 17'));
    // Not kept any further unless it is said again.
    const third = await connect(client, server);
    expect(third.server.receivedResumptionData).toEqual(bytes(''));
  });

  it('has at most 8192 bytes', async () => {
    const [client, server] = [await clientOf(), await serverOf()];
    const pair = new Pair({ client, server });
    expect(() => pair.server.setResumptionData(new Uint8Array(8193))).toThrow(RangeError);
    pair.server.setResumptionData(new Uint8Array(8192).fill(1));
    await pair.run();
    expect((await connect(client, server)).server.receivedResumptionData).toEqual(new Uint8Array(8192).fill(1));
  });
});
