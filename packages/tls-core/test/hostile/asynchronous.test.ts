/**
 * What a hostile peer, a slow or broken provider and an unlucky order of calls do together. A promise whose rejection
 * nobody handles fails the run by itself.
 */
import { Pair, recordsOf } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { ClientConnection } from '../../src/client.ts';
import { concat } from '../../src/codec/bytes.ts';
import { type CryptoProvider } from '../../src/crypto/provider.ts';
import { AlertDescription, ContentType, HandshakeType } from '../../src/registry.ts';
import { ServerConnection } from '../../src/server.ts';
import { type Awaitable } from '../../src/step/step.ts';
import { type PeerVerified, type ServerCertificates } from '../../src/verify.ts';
import { intercepted, later } from '../helpers/intercepted.ts';
import { settled } from '../helpers/promises.ts';
import { client, provider, server, serverVerifier } from './fixtures.ts';
import { clientWaitingFor, refusal } from './scripted_peer.ts';
import { bytes, record } from './wire.ts';

const slow = intercepted(provider, later);
describe.each([
  ['synchronous', provider],
  ['asynchronous', slow],
])('with a provider that is %s, whatever byte changes on the way', (_kind, its) => {
  const config = { client: client({ provider: its }), server: server({ provider: its }) };

  it.each(['client', 'server'] as const)('from the %s, each end says so or is not concerned', async (role) => {
    const honest = new Pair(config);
    await honest.run();
    const flights = honest.sent[role].map(({ length }) => length);
    for (const [index, length] of flights.entries()) {
      for (let at = 0; at < length; at += 41) {
        let flight = 0;
        const pair = new Pair({
          ...config,
          alter(from, data) {
            if (from === role && flight++ === index) data[at % data.length]! ^= 0x10;
            return data;
          },
        });
        await pair.run();
        for (const end of [pair.client, pair.server]) {
          expect(end.error?.detail.code).not.toBe('General');
          // Half a handshake is no handshake: who has not failed still waits, or has heard of it by an alert.
          expect(end.error !== undefined || end.isHandshaking || index === flights.length - 1).toBe(true);
        }
      }
    }
  });

  it('in traffic, what is delivered is the beginning of what was sent', async () => {
    const data = new Uint8Array(100_000).map((_, i) => i >> 8);
    for (let at = 0; at < 100_000; at += 9_973) {
      const pair = new Pair({
        ...config,
        alter(from, flight) {
          if (from === 'client' && flight.length > 50_000) flight[at]! ^= 1;
          return flight;
        },
      });
      await pair.run();
      await pair.client.send(data);
      await pair.run();
      const received = pair.received('server');
      expect(received).toEqual(data.subarray(0, received.length));
      expect(received.length % 16_384).toBe(0);
      expect(received.length).toBeLessThanOrEqual(at);
      expect(pair.server.error).toBeDefined();
    }
  });
});

describe('with an asynchronous provider', () => {
  it('all calls that wait end with the one error, whoever has made them', async () => {
    const { toServer } = await hello();
    const connection = new ServerConnection(server({ provider: slow }));
    const first = connection.receive(toServer);
    const second = connection.receive(record(99, bytes(1)));
    await expect(first).rejects.toThrow('corrupt');
    const { error } = connection;
    await expect(second).rejects.toBe(error);
    expect(() => connection.receive(bytes(1))).toThrow(error);
  });

  it('records behind one that fails are not delivered, though they were opened ahead', async () => {
    const pair = new Pair({ client: client({ provider: slow }), server: server({ provider: slow }) });
    await pair.run();
    await pair.client.send(new Uint8Array(6 * 16_384).fill(1));
    const records = recordsOf(concat(pair.client.takeOutput()));
    expect(records).toHaveLength(6);
    records[2]![100]! ^= 1;
    await expect(pair.server.receive(concat(records))).rejects.toThrow('cannot decrypt');
    expect(pair.received('server')).toHaveLength(2 * 16_384);
    await settled();
    expect(pair.server.takePlaintext()).toEqual([]);
  });

  it('close_notify ends what was opened ahead of it', async () => {
    const pair = new Pair({ client: client({ provider: slow }), server: server({ provider: slow }) });
    await pair.run();
    await pair.client.send(bytes(1));
    await pair.client.close();
    const flight = concat(pair.client.takeOutput());
    await pair.server.receive(concat([flight, flight, record(23, new Uint8Array(40))]));
    expect(pair.received('server')).toEqual(bytes(1));
    expect(pair.server.peerClosed).toBe(true);
    expect(pair.server.error).toBeUndefined();
  });

  it('a connection that is given up while it waits hears of nothing afterwards', async () => {
    for (const outcome of ['resolves', 'rejects'] as const) {
      let settle!: () => void;
      const gate = new Promise<void>((resolve, reject) => {
        settle = () => (outcome === 'resolves' ? resolve() : reject(new Error('too late')));
      });
      const waiting = intercepted(provider, {
        awaitable: (call, act) => (call === 'respond' ? gate.then(act) : act()),
      });
      const { toServer } = await hello();
      const connection = new ServerConnection(server({ provider: waiting }));
      const receiving = connection.receive(toServer);
      connection.abandon();
      settle();
      await expect(receiving).rejects.toBe(connection.error);
      expect(connection.error?.code).toBe('Closed');
      expect(connection.takeOutput()).toEqual([]);
    }
  });
});

/** A whole ClientHello. */
async function hello(): Promise<{ readonly toServer: Uint8Array }> {
  const connection = new ClientConnection(client(), 'server.example.com');
  await connection.start();
  return { toServer: concat(connection.takeOutput()) };
}

describe('calls from within', () => {
  /** A client that does something while it verifies the server's certificate. */
  function meddling(act: (connection: ClientConnection) => void): ReturnType<typeof clientWaitingFor> {
    const verifier = {
      ...serverVerifier,
      verifyServerCert(certificates: ServerCertificates): Awaitable<PeerVerified> {
        act(scripted.connection);
        return serverVerifier.verifyServerCert(certificates);
      },
    };
    const scripted = clientWaitingFor('CertificateVerify', client({ verifier }));
    return scripted;
  }

  /** The rest of the flight, in one piece. */
  function deliverRest({ peer }: ReturnType<typeof clientWaitingFor>): void {
    const verify = peer.certificateVerify();
    peer.transcript.add(verify);
    const finished = peer.finished();
    peer.transcript.add(finished);
    peer.deriveApplicationSecrets();
    peer.deliver(peer.protect(ContentType.handshake, concat([verify, finished])));
  }

  it('a connection that its verifier gives up sends nothing and completes nothing', () => {
    const scripted = meddling((connection) => connection.abandon());
    deliverRest(scripted);
    expect(refusal(scripted)).toEqual(['Closed', undefined]);
    expect(scripted.connection.isHandshaking).toBe(true);
    expect(scripted.peer.received.map(({ type }) => type)).toEqual([HandshakeType.client_hello]);
  });

  it('a connection that its verifier feeds fails', () => {
    const scripted = meddling((connection) => void connection.receive(bytes(1)));
    deliverRest(scripted);
    expect(refusal(scripted)).toEqual(['General', AlertDescription.internal_error]);
  });

  it('what its verifier sends waits for the handshake', () => {
    const scripted = meddling((connection) => void connection.send(bytes(7)));
    deliverRest(scripted);
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.peer.applicationData).toEqual([bytes(7)]);
  });

  it('a promise that answers at once is as good as any', async () => {
    const eager: CryptoProvider = {
      ...provider,
      keyExchangeGroups: provider.keyExchangeGroups.map((group) => ({
        ...group,
        respond: (share) => answeredAtOnce(group.respond(share)),
      })),
    };
    const pair = new Pair({ client: client(), server: server({ provider: eager }) });
    await pair.run();
    expect(pair.server.isHandshaking).toBe(false);
  });
});

/** Calls back while it is asked, which no promise of the language does. */
function answeredAtOnce<T>(value: T): PromiseLike<Awaited<T>> {
  const then = (onFulfilled: (value: unknown) => unknown): unknown => onFulfilled(value);
  // oxlint-disable-next-line unicorn/no-thenable
  return { then } as unknown as PromiseLike<Awaited<T>>;
}
