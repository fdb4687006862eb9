/** What is left in memory: every secret that HKDF made is wiped when its connection ends, however it ends. */
import { clientSessionMemory, serverSessionMemory } from '@tyls/tls-core';
import { Pair } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { type CryptoProvider } from '../../src/crypto/provider.ts';
import { TlsError } from '../../src/error.ts';
import { KeySchedule } from '../../src/keys/tls13_key_schedule.ts';
import { ContentType, HandshakeType, KeyUpdateRequest, ProtocolVersion } from '../../src/registry.ts';
import { settled } from '../helpers/promises.ts';
import { client, clientVerifier, optionalClientVerifier, provider, server, serverVerifier } from './fixtures.ts';
import { clientWaitingFor, type ScriptedClient, type ScriptedServer, serverWaitingFor } from './scripted_peer.ts';
import { bytes, flipped, handshake, record } from './wire.ts';

/** The provider, and every secret, key and shared secret that it gave away. */
function watched(): { readonly watchedProvider: CryptoProvider; readonly secrets: Uint8Array[] } {
  const secrets: Uint8Array[] = [];
  const kept = (secret: Uint8Array): Uint8Array => {
    secrets.push(secret);
    return secret;
  };
  const watchedProvider: CryptoProvider = {
    ...provider,
    cipherSuites: provider.cipherSuites.map((suite) => ({
      ...suite,
      hkdf: {
        ...suite.hkdf,
        extract: (salt, inputKeyMaterial) => kept(suite.hkdf.extract(salt, inputKeyMaterial)),
        // 12 bytes is an IV, which is of no use without its key.
        expand(key, info, length) {
          const output = suite.hkdf.expand(key, info, length);
          return length === 12 ? output : kept(output);
        },
      },
    })),
  };
  // Without a PSK it begins with what everybody can compute: kept once it is made, and no secret.
  for (const suite of watchedProvider.cipherSuites) {
    if (suite.version === ProtocolVersion.TLSv1_3) new KeySchedule(suite).wipe();
  }
  secrets.length = 0;
  return { watchedProvider, secrets };
}

const endings: readonly (readonly [string, (scripted: ScriptedClient | ScriptedServer) => void])[] = [
  ['a forged record', ({ peer }) => peer.deliver(record(ContentType.application_data, new Uint8Array(40)))],
  ['an unexpected message', ({ peer }) => peer.send(handshake(HandshakeType.message_hash, bytes()))],
  ['an alert', ({ peer }) => peer.sendAlert(2, 40)],
  ['the end of the transport', ({ peer, connection }) => peer.input(() => connection.receiveEnd())],
  ['being given up', ({ connection }) => connection.abandon()],
];

describe.each(endings)('secrets are wiped after %s', (_name, end) => {
  const clientStates = ['EncryptedExtensions', 'Certificate', 'CertificateVerify', 'Finished', 'traffic'] as const;
  it.each(clientStates)('to a client waiting for %s', (state) => {
    const { watchedProvider, secrets } = watched();
    end(clientWaitingFor(state, client({ provider: watchedProvider })));
    expect(unwiped(secrets)).toEqual([]);
  });

  const serverStates = ['Certificate', 'CertificateVerify', 'Finished after Certificate'] as const;
  it.each(serverStates)('to a server waiting for %s', (state) => {
    const { watchedProvider, secrets } = watched();
    end(serverWaitingFor(state, server({ provider: watchedProvider, clientVerifier })));
    expect(unwiped(secrets)).toEqual([]);
  });

  it('to a server in traffic', () => {
    const { watchedProvider, secrets } = watched();
    end(serverWaitingFor('traffic', server({ provider: watchedProvider })));
    expect(unwiped(secrets)).toEqual([]);
  });
});

describe('secrets are wiped', () => {
  it('after a wrong Finished', () => {
    const { watchedProvider, secrets } = watched();
    const scripted = clientWaitingFor('Finished', client({ provider: watchedProvider }));
    scripted.sendFinished(flipped(scripted.peer.finished()));
    expect(unwiped(secrets)).toEqual([]);
  });

  it('when a resolver of our own side fails after the traffic secrets were made', () => {
    const { watchedProvider, secrets } = watched();
    const certificate = (): never => {
      throw new TypeError('no certificate today');
    };
    const scripted = clientWaitingFor('Certificate', client({ provider: watchedProvider, certificate }));
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify());
    scripted.sendFinished();
    expect(scripted.connection.error?.code).toBe('General');
    expect(unwiped(secrets)).toEqual([]);
  });

  it('when a verifier refuses', () => {
    const { watchedProvider, secrets } = watched();
    const verifier = {
      ...serverVerifier,
      verifyServerCert(): never {
        throw new TlsError({ code: 'InvalidCertificate', reason: 'Other', why: 'no' });
      },
    };
    const scripted = clientWaitingFor('CertificateVerify', client({ provider: watchedProvider, verifier }));
    scripted.peer.send(scripted.peer.certificateVerify());
    expect(scripted.connection.error?.code).toBe('InvalidCertificate.Other');
    expect(unwiped(secrets)).toEqual([]);
  });

  it('of every generation after updates of the keys', () => {
    const { watchedProvider, secrets } = watched();
    const scripted = serverWaitingFor(
      'Certificate',
      server({ provider: watchedProvider, clientVerifier: optionalClientVerifier }),
    );
    scripted.peer.send(handshake(HandshakeType.certificate, bytes(0, 0, 0, 0)));
    scripted.sendFinished();
    scripted.peer.updateKeys(KeyUpdateRequest.update_requested);
    scripted.peer.input(() => scripted.connection.updateKeys());
    scripted.connection.exportKeyingMaterial(16, 'EXPORTER-of-other-length').fill(0);
    expect(scripted.connection.error).toBeUndefined();
    scripted.connection.abandon();
    expect(unwiped(secrets)).toEqual([]);
  });

  it('of sessions, of early data and of external PSKs, accepted or not', async () => {
    const { watchedProvider, secrets } = watched();
    const psk = { identity: bytes(1), secret: new Uint8Array(32).fill(1), hash: 'sha256' } as const;
    const options = { provider: watchedProvider, earlyData: true };
    const sessions = client(options);
    // A session that is not known is no external PSK either.
    const resolveExternalPsk = ({ length }: Uint8Array): typeof psk | undefined => (length === 1 ? psk : undefined);
    const sessionStore = serverSessionMemory();
    const servers = { provider: watchedProvider, maxEarlyDataSize: 10, resolveExternalPsk };
    const external = client({ ...options, externalPsks: [psk], sessionStore: false, earlyData: false });
    const both = client({ ...options, externalPsks: [psk] });
    const [same, other] = [server({ ...servers, sessionStore }), server(servers)];
    const keyExchangeGroups = watchedProvider.keyExchangeGroups.slice(1);
    const retrying = server({ ...servers, sessionStore, provider: { ...watchedProvider, keyExchangeGroups } });
    for (const [config, of, kind, accepted] of [
      [sessions, same, 'full', undefined],
      [sessions, same, 'resumed', true],
      [sessions, retrying, 'resumed-with-hello-retry-request', false],
      [sessions, other, 'full', false],
      [external, same, 'external-psk', undefined],
      [both, same, 'external-psk', undefined],
      [both, same, 'resumed', true],
    ] as const) {
      const pair = new Pair({ client: config, server: of });
      void pair.client.start();
      void pair.client.sendEarlyData(bytes(1, 2));
      await pair.run();
      expect([pair.client.handshakeKind, pair.client.earlyDataAccepted]).toEqual([kind, accepted]);
      pair.client.abandon();
      pair.server.abandon();
    }
    expect(unwiped(secrets)).toEqual([]);
    expect(psk.secret).toEqual(new Uint8Array(32).fill(1));
  });

  it('where a store fails, or has not answered when the connection is given up', async () => {
    const { watchedProvider, secrets } = watched();
    const never = new Promise<never>(() => {});
    const fails = () => Promise.reject(new Error('the database is gone'));
    const ends = { client: client({ provider: watchedProvider }), server: server({ provider: watchedProvider }) };
    for (const answer of [() => never, fails]) {
      const put = { ...serverSessionMemory(), put: answer };
      const addTicket = { ...clientSessionMemory(), addTicket: answer };
      for (const waiting of [
        { ...ends, server: server({ provider: watchedProvider, sessionStore: put }) },
        { ...ends, client: client({ provider: watchedProvider, sessionStore: addTicket }) },
      ]) {
        const pair = new Pair(waiting);
        void pair.run();
        await settled();
        for (const connection of [pair.client, pair.server]) connection.abandon();
        expect(unwiped(secrets)).toEqual([]);
      }
    }
  });

  it('of the handshake once it is complete', () => {
    const { watchedProvider, secrets } = watched();
    clientWaitingFor('traffic', client({ provider: watchedProvider }));
    expect(unwiped(secrets)).toEqual([]);
  });
});

function unwiped(secrets: readonly Uint8Array[]): Uint8Array[] {
  if (secrets.length < 5) throw new Error('there were no secrets to be wiped');
  return secrets.filter((secret) => secret.some((byte) => byte !== 0));
}
