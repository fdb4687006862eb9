/**
 * Sessions and tickets that come back with a bit changed, each byte in turn. The keys are real; certificates, which a
 * session keeps as bytes that nobody reads, are short and signed with cheaply.
 */
import { nodeProvider } from '@tyls/crypto-node';
import {
  type ClientConfig,
  clientSessionMemory,
  type ClientSessionStore,
  ProtocolVersion,
  type ServerConfig,
  serverSessionMemory,
  type ServerSessionStore,
  ticketer,
} from '@tyls/tls-core';
import { Pair, testClientConfig, testServerConfig } from '@tyls/testing';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/codec/bytes.ts';
import { decodeClientSession, encodeClientSession } from '../../src/sessions/session.ts';
import { cheapCertifiedKey, cheapClientVerifier, cheapServerVerifier } from '../helpers/cheap_provider.ts';

const provider = nodeProvider();
const certificate = cheapCertifiedKey(Uint8Array.of(1, 2, 3, 4));
const { TLSv1_3, TLSv1_2 } = ProtocolVersion;

/** Every byte in CI, else one in so many. */
const stride = process.env['CI'] === undefined ? 29 : 1;

/** One bit of each byte in turn, another bit in the next byte. */
function* flipped(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += stride) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << (at % 8);
    yield changed;
  }
}

/** Both sides, their stores empty or with one session in each; it is the same session all the time. */
interface World {
  readonly client: ClientConfig;
  readonly server: ServerConfig;
  readonly clientSession: Uint8Array;
  readonly serverSession: Uint8Array;
  readonly store: (clientSession: Uint8Array, serverSession: Uint8Array) => Promise<void>;
}

async function world(version: ProtocolVersion, way: 'stores' | 'tickets'): Promise<World> {
  let ours = clientSessionMemory();
  let theirs = serverSessionMemory();
  let kept: { key: string; session: Uint8Array } | undefined;
  let put: { key: string; session: Uint8Array } | undefined;
  const clientStore: ClientSessionStore = {
    groupHint: (key) => ours.groupHint(key),
    setGroupHint: (key, group) => ours.setGroupHint(key, group),
    tls12Session: (key) => ours.tls12Session(key),
    setTls12Session: (key, session) => ours.setTls12Session(key, (kept = { key, session }).session),
    removeTls12Session: (key) => ours.removeTls12Session(key),
    addTicket: (key, session) => ours.addTicket(key, (kept = { key, session }).session),
    takeTicket: (key) => ours.takeTicket(key),
  };
  const serverStore: ServerSessionStore = {
    put: (key, session, lifetime) => theirs.put(key, (put = { key, session }).session, lifetime),
    get: (key) => theirs.get(key),
    take: (key) => theirs.take(key),
  };
  const client = await testClientConfig(provider, {
    certificate,
    verifier: cheapServerVerifier,
    sessionStore: clientStore,
    versions: [version],
  });
  const server = await testServerConfig(provider, {
    certificate,
    clientVerifier: cheapClientVerifier,
    sessionStore: serverStore,
    ticketer: way === 'tickets' ? ticketer({ provider }) : undefined,
    versions: [version],
  });
  await visit({ client, server });
  const [of, at] = [kept!, put ?? { key: '', session: new Uint8Array() }];
  return {
    client,
    server,
    clientSession: of.session.slice(),
    serverSession: at.session.slice(),
    store: async (clientSession, serverSession) => {
      ours = clientSessionMemory();
      theirs = serverSessionMemory();
      await (version === TLSv1_3 ? ours.addTicket(of.key, clientSession) : ours.setTls12Session(of.key, clientSession));
      await theirs.put(at.key, serverSession, 3600);
    },
  };
}

/** What became of a connection: how it began, or that it failed on both sides with a `TlsError`. Throws at all else. */
async function visit({ client, server }: Pick<World, 'client' | 'server'>): Promise<string> {
  const pair = new Pair({ client, server });
  await pair.run();
  const failed = [pair.client.error, pair.server.error];
  if (failed.every((error) => error !== undefined)) return 'failed';
  if (failed.some((error) => error !== undefined)) throw new Error('one side does not know that the other failed');
  const [mine, theirs] = [pair.client, pair.server].map((end) => end.exportKeyingMaterial(32, 'EXPERIMENTAL test'));
  if (!equalBytes(mine!, theirs!)) throw new Error('the two sides do not have the same keys');
  if (pair.client.handshakeKind !== pair.server.handshakeKind) throw new Error('the two sides do not agree');
  return pair.client.handshakeKind!;
}

/** What became of the first connection with each of these stores; if it fails, the next one must go well. */
async function outcomes(tested: World, stores: Iterable<readonly [Uint8Array, Uint8Array]>): Promise<string[]> {
  const found: string[] = [];
  for (const [clientSession, serverSession] of stores) {
    await tested.store(clientSession, serverSession);
    const outcome = await visit(tested);
    found.push(outcome);
    if (outcome === 'failed' && (await visit(tested)) === 'failed') {
      throw new Error('a session that is no good is in the way for ever');
    }
  }
  return found;
}

describe.each([
  ['TLS 1.3', TLSv1_3],
  ['TLS 1.2', TLSv1_2],
])('%s', { timeout: 300_000 }, (_name, version) => {
  test('a ticket that is not as it was means a full handshake', async () => {
    const tested = await world(version, 'tickets');
    const { clientSession, serverSession } = tested;
    expect(await outcomes(tested, [[clientSession, serverSession]])).toEqual(['resumed']);
    const session = decodeClientSession(clientSession)!;
    const stores = [...flipped(session.ticket)].map(
      (ticket) => [encodeClientSession({ ...session, ticket })!, serverSession] as const,
    );
    expect(new Set(await outcomes(tested, stores))).toEqual(new Set(['full']));
  });

  test.each(['stores', 'tickets'] as const)('a session that a client finds changed does no harm (%s)', async (way) => {
    const tested = await world(version, way);
    const { clientSession, serverSession } = tested;
    const stores = [...flipped(clientSession)].map((changed) => [changed, serverSession] as const);
    const found = await outcomes(tested, stores);
    // What it remembers of the server's certificate has no part in the keys; its scope, its secret and its form have.
    expect(new Set(found)).toEqual(new Set(['full', 'failed', 'resumed']));
    const session = decodeClientSession(clientSession)!;
    const secrets = [...flipped(session.secret)].map(
      (secret) => [encodeClientSession({ ...session, secret })!, serverSession] as const,
    );
    expect(new Set(await outcomes(tested, secrets))).toEqual(new Set(['failed']));
  });

  test('a session that a server finds changed does no harm', async () => {
    const tested = await world(version, 'stores');
    const { clientSession, serverSession } = tested;
    expect(await outcomes(tested, [[clientSession, serverSession]])).toEqual(['resumed']);
    const stores = [...flipped(serverSession)].map((changed) => [clientSession, changed] as const);
    expect(new Set(await outcomes(tested, stores))).toEqual(new Set(['full', 'failed', 'resumed']));
  });
});
