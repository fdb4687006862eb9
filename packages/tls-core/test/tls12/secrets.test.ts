/** What is left in memory: the secrets of TLS 1.2 are wiped when they are used up, or when their connection ends. */
import { describe, expect, it } from 'vitest';
import { type CryptoProvider } from '../../src/crypto/provider.ts';
import { isPromise } from '../../src/step/step.ts';
import { type KeyLog } from '../../src/keys/key_log.ts';
import { ContentType, HandshakeType } from '../../src/registry.ts';
import { bytes, flipped, handshake, record } from '../hostile/wire.ts';
import {
  client,
  clientVerifier,
  clientWaitingFor,
  clientWithSession,
  identity,
  provider,
  type ScriptedClient,
  type ScriptedServer,
  server,
  serverWaitingFor,
  serverWithSession,
} from './scripted_peer.ts';

interface Watched {
  readonly provider: CryptoProvider;
  /** Premaster secrets, keys, and whatever the PRF's HMAC took as its key or gave. */
  readonly secrets: Uint8Array[];
  /** Master secrets. */
  readonly keyLog: KeyLog;
}

function watched(): Watched {
  const secrets: Uint8Array[] = [];
  const kept = <T extends Uint8Array | undefined>(secret: T): T => {
    if (secret !== undefined) secrets.push(secret);
    return secret;
  };
  return {
    secrets,
    keyLog: { log: (_label, _random, secret) => void secrets.push(secret) },
    provider: {
      ...provider,
      cipherSuites: provider.cipherSuites.map((suite) => ({
        ...suite,
        hkdf: { ...suite.hkdf, hmac: (key, message) => kept(suite.hkdf.hmac(kept(key), message)) },
        aead: {
          ...suite.aead,
          sealer: (key) => suite.aead.sealer(kept(key)),
          opener: (key) => suite.aead.opener(kept(key)),
        },
      })),
      keyExchangeGroups: provider.keyExchangeGroups.map((group) => ({
        ...group,
        start() {
          const started = group.start();
          if (isPromise(started)) throw new Error('the provider is to be synchronous');
          const complete: typeof started.complete = (share) => {
            const secret = started.complete(share);
            if (isPromise(secret)) throw new Error('the provider is to be synchronous');
            return kept(secret);
          };
          return { keyShare: started.keyShare, complete };
        },
      })),
    },
  };
}

const unwiped = (secrets: readonly Uint8Array[]): Uint8Array[] =>
  secrets.filter((secret) => secret.some((byte) => byte !== 0));

const endings: readonly (readonly [string, (scripted: ScriptedClient | ScriptedServer) => void])[] = [
  ['a forged record', ({ peer }) => peer.deliver(record(ContentType.application_data, new Uint8Array(40)))],
  ['an unexpected message', ({ peer }) => peer.send(handshake(HandshakeType.message_hash, bytes()))],
  ['an alert', ({ peer }) => peer.sendAlert(2, 40)],
  ['the end of the transport', ({ peer, connection }) => peer.input(() => connection.receiveEnd())],
  ['being given up', ({ connection }) => connection.abandon()],
];

describe.each(endings)('secrets are wiped after %s', (_name, end) => {
  it.each(['ChangeCipherSpec', 'Finished', 'traffic'] as const)('to a client waiting for %s', (state) => {
    const { secrets, ...options } = watched();
    end(clientWaitingFor(state, client(options)));
    // The premaster secret, the master secret, two keys, and what made them.
    expect(secrets.length).toBeGreaterThan(8);
    expect(unwiped(secrets)).toEqual([]);
  });

  it.each(['NewSessionTicket', 'ChangeCipherSpec', 'Finished'] as const)(
    'to a client waiting for %s of a resumption',
    (state) => {
      const { secrets, ...options } = watched();
      end(clientWaitingFor(`${state} of a resumption`, clientWithSession({}, options)));
      expect(secrets.length).toBeGreaterThan(8);
      expect(unwiped(secrets)).toEqual([]);
    },
  );

  it.each(['ChangeCipherSpec', 'Finished'] as const)('to a server waiting for %s of a resumption', (state) => {
    const { secrets, ...options } = watched();
    end(serverWaitingFor(`${state} of a resumption`, serverWithSession({}, options)));
    expect(secrets.length).toBeGreaterThan(8);
    expect(unwiped(secrets)).toEqual([]);
  });

  it.each(['CertificateVerify', 'ChangeCipherSpec', 'Finished', 'traffic'] as const)(
    'to a server waiting for %s',
    (state) => {
      const { secrets, ...options } = watched();
      end(serverWaitingFor(state, server({ ...options, ...(state === 'CertificateVerify' && { clientVerifier }) })));
      expect(secrets.length).toBeGreaterThan(8);
      expect(unwiped(secrets)).toEqual([]);
    },
  );
});

describe('secrets are wiped', () => {
  it('after a wrong Finished', () => {
    const { secrets, ...options } = watched();
    const { peer } = clientWaitingFor('Finished', client(options));
    peer.send(flipped(peer.finished()));
    expect(unwiped(secrets)).toEqual([]);
  });

  it('when a key of our own side fails to sign', () => {
    const { secrets, ...options } = watched();
    const certificate = {
      ...identity,
      key: {
        chooseScheme: (offered: readonly number[]) => ({
          scheme: offered[0]!,
          sign() {
            throw new Error('the HSM is gone');
          },
        }),
      },
    };
    const scripted = clientWaitingFor('CertificateRequest or ServerHelloDone', client({ ...options, certificate }));
    scripted.peer.send(scripted.certificateRequest(), scripted.done());
    expect(scripted.connection.error?.detail).toMatchObject({ why: 'the HSM is gone' });
    expect(secrets.length).toBeGreaterThan(8);
    expect(unwiped(secrets)).toEqual([]);
  });

  it('as far as traffic does not need them', () => {
    const { secrets, ...options } = watched();
    const { connection } = clientWaitingFor('traffic', client(options));
    expect(unwiped(secrets)).toEqual([]);
    expect(connection.exportKeyingMaterial(32, 'EXPORTER-x')).not.toEqual(new Uint8Array(32));
    expect(unwiped(secrets)).not.toEqual([]);
    connection.abandon();
    expect(unwiped(secrets)).toEqual([]);
    expect(() => connection.exportKeyingMaterial(32, 'EXPORTER-x')).toThrow(connection.error);
  });
});
