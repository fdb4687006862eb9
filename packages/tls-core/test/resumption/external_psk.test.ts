/** External PSKs (RFC 8446 section 4.2.11) and their import (RFC 9258). */
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  AlertDescription,
  CipherSuite,
  type ClientOptions,
  type CryptoProvider,
  type ExternalPsk,
  importPsk,
  NamedGroup,
  ProtocolVersion,
  serverConfig,
  serverSessionMemory,
  type ServerOptions,
} from '@tyls/tls-core';
import { Pair, testClientConfig, testClientVerifier, testServerConfig, testServerVerifier } from '@tyls/testing';
import { createHash, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { equalBytes, hex } from '../../src/codec/bytes.ts';
import { later } from '../helpers/intercepted.ts';
import { connect, kindsOf, shownMemory } from './sessions.ts';

const node = nodeProvider();
const providers: Readonly<Record<string, CryptoProvider>> = {
  node,
  noble: nobleProvider(),
  webcrypto: webcryptoProvider(),
};
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const sensor: ExternalPsk = { identity: bytes('sensor 17'), secret: new Uint8Array(32).fill(1), hash: 'sha256' };
const gateway: ExternalPsk = { identity: bytes('gateway'), secret: new Uint8Array(48).fill(2), hash: 'sha384' };
const known = (...psks: readonly ExternalPsk[]) => {
  const resolve = (identity: Uint8Array) => psks.find((psk) => equalBytes(psk.identity, identity));
  return resolve;
};
const versions = [ProtocolVersion.TLSv1_3];
const clientOf = (externalPsks: readonly ExternalPsk[], options: Partial<ClientOptions> = {}) =>
  testClientConfig(node, { versions, externalPsks, ...options });
/** Without a certificate. */
const serverOf = (resolveExternalPsk: ServerOptions['resolveExternalPsk'], options: Partial<ServerOptions> = {}) =>
  serverConfig({ provider: node, versions, resolveExternalPsk, ...options });

async function failed(
  client: Awaited<ReturnType<typeof clientOf>>,
  server: ReturnType<typeof serverOf>,
): Promise<readonly unknown[]> {
  const pair = new Pair({ client, server });
  await pair.run();
  const detail = pair.client.error?.detail;
  return [pair.server.error?.code, detail?.code === 'AlertReceived' ? detail.alert : undefined];
}

describe.each(Object.keys(providers))('a client on %s', (clientName) => {
  it.each(Object.keys(providers))(
    'has a PSK in common with a server on %s, which needs no certificate',
    async (name) => {
      for (const psk of [sensor, gateway]) {
        const client = await testClientConfig(providers[clientName]!, { externalPsks: [psk] });
        const server = serverConfig({ provider: providers[name]!, resolveExternalPsk: known(sensor, gateway) });
        const pair = new Pair({ client, server });
        void pair.client.send(bytes('ping'));
        await pair.run();
        void pair.server.send(bytes('pong'));
        await pair.run();
        expect([pair.receivedText('server'), pair.receivedText('client')]).toEqual(['ping', 'pong']);
        for (const end of [pair.client, pair.server]) {
          expect([end.error, end.handshakeKind, end.pskIdentity]).toEqual([undefined, 'external-psk', psk.identity]);
          expect(end.peerCertificates).toBeUndefined();
        }
        const isSha384 = pair.client.cipherSuite === CipherSuite.TLS_AES_256_GCM_SHA384;
        expect(isSha384).toBe(psk.hash === 'sha384');
      }
    },
  );
});

describe('an external PSK', () => {
  it('is used again and again, and sessions go on from it', async () => {
    const server = serverOf(known(sensor));
    const without = await clientOf([sensor], { sessionStore: false });
    expect(await kindsOf(3, without, server)).toEqual(['external-psk', 'external-psk', 'external-psk']);
    const client = await clientOf([sensor]);
    expect(await kindsOf(3, client, server)).toEqual(['external-psk', 'resumed', 'resumed']);
    const resumed = await connect(client, server);
    expect(resumed.client.pskIdentity).toEqual(sensor.identity);
    expect(resumed.server.pskIdentity).toEqual(sensor.identity);
  });

  it('goes on after a HelloRetryRequest, also where the first suite had another hash', async () => {
    const keyExchangeGroups = node.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const server = serverOf(known(sensor), { provider: { ...node, keyExchangeGroups } });
    const client = await clientOf([gateway, sensor], { keyShares: [NamedGroup.X25519], sessionStore: false });
    expect(await kindsOf(1, client, server)).toEqual(['external-psk-with-hello-retry-request']);
  });

  it('that the server does not know leads to certificates, if it has one', async () => {
    const client = await clientOf([sensor]);
    const server = await testServerConfig(node, { versions, resolveExternalPsk: known(gateway) });
    const pair = await connect(client, server);
    expect([pair.client.handshakeKind, pair.client.pskIdentity]).toEqual(['full', undefined]);
    expect(await failed(client, serverOf(known(gateway)))).toEqual([
      'NoSuitableCertificate',
      AlertDescription.handshake_failure,
    ]);
  });

  it('with another secret is refused', async () => {
    const other = { ...sensor, secret: new Uint8Array(32).fill(9) };
    expect(await failed(await clientOf([other]), serverOf(known(sensor)))).toEqual([
      'PeerMisbehaved.IncorrectBinder',
      AlertDescription.decrypt_error,
    ]);
  });

  it('is found among several, the first that the server knows', async () => {
    const client = await clientOf([gateway, sensor], { sessionStore: false });
    expect((await connect(client, serverOf(known(sensor)))).server.pskIdentity).toEqual(sensor.identity);
    expect((await connect(client, serverOf(known(sensor, gateway)))).server.pskIdentity).toEqual(gateway.identity);
  });

  it('is not used with suites of another hash', async () => {
    const cipherSuites = node.cipherSuites.filter(({ id }) => id === CipherSuite.TLS_AES_128_GCM_SHA256);
    const server = await testServerConfig(node, {
      provider: { ...node, cipherSuites },
      resolveExternalPsk: known(gateway),
    });
    expect((await connect(await clientOf([gateway]), server)).client.handshakeKind).toBe('full');
  });

  it('stands for a client certificate', async () => {
    const clientVerifier = await testClientVerifier(node);
    const [client, server] = [await clientOf([sensor]), serverOf(known(sensor), { clientVerifier })];
    for (const kind of ['external-psk', 'resumed']) {
      const pair = await connect(client, server);
      expect([pair.server.handshakeKind, pair.server.pskIdentity]).toEqual([kind, sensor.identity]);
    }
  });

  it('does not lend its sessions to configurations without it, on either side', async () => {
    const sessionStore = shownMemory();
    const verifier = await testServerVerifier(node);
    await connect(await clientOf([sensor], { sessionStore, verifier }), serverOf(known(sensor)));
    const changed = { ...sensor, secret: new Uint8Array(32).fill(9) };
    const scopes = [[sensor], [changed], []].map(async (psks) => hex((await clientOf(psks, { verifier })).policies()));
    expect(new Set(await Promise.all(scopes)).size).toBe(3);
    const ticket = sessionStore.added.at(-1)!;
    sessionStore.override = () => ticket;
    const store = serverSessionMemory();
    const server = await testServerConfig(node, { versions, sessionStore: store });
    expect(await kindsOf(1, await clientOf([], { sessionStore, verifier }), server)).toEqual(['full']);

    const client = await clientOf([sensor]);
    await connect(client, serverOf(known(sensor), { sessionStore: store }));
    expect(await kindsOf(1, client, server)).toEqual(['full']);
  });

  it('may be looked up later, and a look-up that fails ends the connection', async () => {
    const client = await clientOf([sensor]);
    const lookUp = known(sensor);
    const slow = serverOf((identity) => later.awaitable!('verify', () => lookUp(identity)));
    expect(await kindsOf(1, client, slow)).toEqual(['external-psk']);
    const broken = serverOf(() => Promise.reject(new Error('no database')));
    expect(await failed(client, broken)).toEqual(['General', AlertDescription.internal_error]);
    const weak = serverOf(() => ({ ...sensor, secret: new Uint8Array(15) }));
    expect(await failed(client, weak)).toEqual(['General', AlertDescription.internal_error]);
  });

  it('that cannot be is refused when it is configured', async () => {
    await expect(clientOf([{ ...sensor, secret: new Uint8Array(15) }])).rejects.toThrow(RangeError);
    await expect(clientOf([{ ...sensor, secret: new Uint8Array() }])).rejects.toThrow(RangeError);
    await expect(clientOf([{ ...sensor, identity: new Uint8Array() }])).rejects.toThrow(RangeError);
    await expect(clientOf([{ ...sensor, identity: new Uint8Array(8193) }])).rejects.toThrow(RangeError);
    await expect(clientOf(Array.from({ length: 8 }, () => sensor))).rejects.toThrow(RangeError);
    expect(() => serverConfig({ provider: node })).toThrow(TypeError);
  });
});

describe('the import of a PSK (RFC 9258)', () => {
  const epsk = { identity: bytes('device'), secret: new Uint8Array(16).fill(7), context: bytes('lab') };

  it('gives one for each hash, which both sides find', async () => {
    const imported = importPsk(node, epsk);
    expect(imported.map(({ hash }) => hash)).toEqual(['sha256', 'sha384']);
    for (const psk of imported) {
      const pair = await connect(await clientOf([psk]), serverOf(known(...importPsk(node, epsk))));
      expect([pair.server.handshakeKind, pair.server.pskIdentity]).toEqual(['external-psk', psk.identity]);
    }
  });

  it('is what the RFC says', () => {
    // Section 3.1, ImportedIdentity: external_identity, context, target_protocol, target_kdf.
    const identity = Buffer.from(`0006${hex(epsk.identity)}0003${hex(epsk.context)}03040002`, 'hex');
    const label = Buffer.from('tls13 derived psk');
    const digest = createHash('sha256').update(identity).digest();
    const info = Buffer.concat([Buffer.from([0, 48, label.length]), label, Buffer.from([32]), digest]);
    const secret = new Uint8Array(hkdfSync('sha256', epsk.secret, new Uint8Array(32), info, 48));
    const [, sha384] = importPsk(node, epsk);
    expect(sha384).toEqual({ identity: new Uint8Array(identity), secret, hash: 'sha384', imported: true });
  });

  it('makes keys of their own: by context, by hash, and by the label of the binder', async () => {
    const all = [
      ...importPsk(node, epsk),
      ...importPsk(node, { ...epsk, context: bytes('field') }),
      ...importPsk(node, { ...epsk, hash: 'sha384' }),
    ];
    expect(new Set(all.map(({ secret }) => hex(secret))).size).toBe(6);
    const [psk] = importPsk(node, epsk);
    const notImported = { ...psk!, imported: false };
    expect(await failed(await clientOf([notImported]), serverOf(known(psk!)))).toEqual([
      'PeerMisbehaved.IncorrectBinder',
      AlertDescription.decrypt_error,
    ]);
  });

  it('refuses what cannot be', () => {
    expect(() => importPsk(node, { ...epsk, secret: new Uint8Array(15) })).toThrow(RangeError);
    expect(() => importPsk(node, { ...epsk, identity: new Uint8Array() })).toThrow(RangeError);
    const cipherSuites = node.cipherSuites.filter(({ id }) => id === CipherSuite.TLS_AES_128_GCM_SHA256);
    const small = { ...node, cipherSuites };
    expect(() => importPsk(small, { ...epsk, hash: 'sha384' })).toThrow(RangeError);
    expect(importPsk(small, epsk)).toHaveLength(1);
  });
});
