/** What connections tell of themselves. */
import { Pair, type PairOptions } from '@tyls/testing';
import {
  AlertDescription,
  type ClientOptions,
  CipherSuite,
  HandshakeType,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  type ServerOptions,
  type TraceEvent,
  type Tracer,
} from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { client, clientVerifier, identity, server } from '../tls12/scripted_peer.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;

function collect(): { readonly tracer: Tracer; readonly connections: TraceEvent[][] } {
  const connections: TraceEvent[][] = [];
  return {
    connections,
    tracer: () => {
      const events: TraceEvent[] = [];
      connections.push(events);
      return (event) => void events.push(event);
    },
  };
}

/** An event in a few words, without its sizes. */
function brief(event: TraceEvent): string {
  switch (event.type) {
    case 'expecting':
      return `expecting ${event.handshakeTypes.map((type) => nameOf(HandshakeType, type)).join('|')}`;
    case 'message':
      return `${event.direction} ${nameOf(HandshakeType, event.handshakeType)}`;
    case 'alert':
      return `${event.direction} alert ${nameOf(AlertDescription, event.description)}`;
    case 'key-change':
      return `${event.direction} key`;
    case 'negotiated':
      return `negotiated ${nameOf(ProtocolVersion, event.protocolVersion)} ${event.handshakeKind}`;
    case 'complete':
      return `complete ${event.alpnProtocol}`;
    case 'ended':
      return `ended ${event.error}`;
  }
}

interface Traced {
  readonly pair: Pair;
  readonly client: readonly TraceEvent[];
  readonly server: readonly TraceEvent[];
}

function run(
  clientOptions: Partial<ClientOptions>,
  serverOptions: Partial<ServerOptions>,
  options: Partial<PairOptions> = {},
): Traced {
  const [ours, theirs] = [collect(), collect()];
  const pair = new Pair({
    client: client({ ...clientOptions, trace: ours.tracer, sessionStore: false }),
    server: server({ ...serverOptions, trace: theirs.tracer, sessionStore: false }),
    ...options,
  });
  void pair.run();
  expect([ours.connections.length, theirs.connections.length]).toEqual([1, 1]);
  return { pair, client: ours.connections[0]!, server: theirs.connections[0]! };
}

describe('a trace', () => {
  it('of a TLS 1.3 handshake has all of it in order', () => {
    const traced = run({ alpnProtocols: ['h2'] }, { alpnProtocols: ['h2'] });
    expect(traced.client.map(brief)).toEqual([
      'sent client_hello',
      'expecting server_hello',
      'received server_hello',
      'negotiated TLSv1_3 full',
      'received key',
      'sent key',
      'expecting encrypted_extensions',
      'received encrypted_extensions',
      'expecting certificate_request|certificate',
      'received certificate',
      'expecting certificate_verify',
      'received certificate_verify',
      'expecting finished',
      'received finished',
      'received key',
      'sent finished',
      'sent key',
      'complete h2',
    ]);
    expect(traced.server.map(brief)).toEqual([
      'received client_hello',
      'negotiated TLSv1_3 full',
      'sent server_hello',
      'sent key',
      'received key',
      'sent encrypted_extensions',
      'sent certificate',
      'sent certificate_verify',
      'sent finished',
      'sent key',
      'expecting finished',
      'received finished',
      'received key',
      'complete h2',
    ]);
    expect(traced.server.find(({ type }) => type === 'negotiated')).toEqual({
      type: 'negotiated',
      protocolVersion: TLSv1_3,
      cipherSuite: CipherSuite.TLS_AES_256_GCM_SHA384,
      keyExchangeGroup: NamedGroup.X25519,
      handshakeKind: 'full',
    });
  });

  it('of a TLS 1.2 handshake with a client certificate too', () => {
    const traced = run({ versions: [TLSv1_2], certificate: identity }, { clientVerifier });
    expect(traced.client.map(brief).filter((text) => !text.startsWith('expecting'))).toEqual([
      'sent client_hello',
      'received server_hello',
      'negotiated TLSv1_2 full',
      'received certificate',
      'received server_key_exchange',
      'received certificate_request',
      'received server_hello_done',
      'sent certificate',
      'sent client_key_exchange',
      'sent certificate_verify',
      'sent key',
      'sent finished',
      'received key',
      'received finished',
      'complete undefined',
    ]);
    expect(traced.server.map(brief)).toContain('received certificate_verify');
    expect(traced.server.map(brief).at(-1)).toBe('complete undefined');
  });

  it('has both ClientHellos around a HelloRetryRequest', () => {
    const p384 = client().provider.keyExchangeGroups.filter(({ name }) => name === NamedGroup.secp384r1);
    const traced = run({}, { provider: { ...server().provider, keyExchangeGroups: p384 } });
    expect(traced.server.map(brief).slice(0, 5)).toEqual([
      'received client_hello',
      'negotiated TLSv1_3 full-with-hello-retry-request',
      'sent server_hello',
      'expecting client_hello',
      'received client_hello',
    ]);
    expect(traced.client.map(brief).filter((text) => text === 'sent client_hello')).toHaveLength(2);
  });

  it('has the sizes of messages, and counts records instead of telling of each', () => {
    const { pair, client: events, server: others } = run({}, {});
    void pair.client.send(new Uint8Array(40_000));
    void pair.run();
    void pair.client.updateKeys(false);
    void pair.client.close();
    void pair.run();
    const hello = events.find((event) => event.type === 'message' && event.handshakeType === 1);
    // Without the header of its record.
    expect(hello).toMatchObject({ length: pair.sent.client[0]!.length - 5 });
    const sizes = (list: readonly TraceEvent[], direction: string): unknown[] =>
      list.flatMap((event) =>
        event.type === 'message' && event.direction === direction ? [[event.handshakeType, event.length]] : [],
      );
    expect(sizes(others, 'received')).toEqual(sizes(events, 'sent'));
    expect(sizes(events, 'received')).toEqual(sizes(others, 'sent'));
    // Finished, 3 records of data, KeyUpdate; and close_notify.
    expect(others.filter(({ type }) => type === 'key-change').at(-1)).toMatchObject({ protectedRecords: 5 });
    expect(others.at(-1)).toMatchObject({ type: 'ended', error: undefined, protectedRecordsReceived: 6 });
    expect(events.map(brief).slice(-3)).toEqual(['sent key_update', 'sent key', 'sent alert close_notify']);
  });

  it('says how it ended', () => {
    const traced = run({ alpnProtocols: ['h2'] }, { alpnProtocols: ['http/1.1'] });
    expect(traced.server.map(brief).slice(-2)).toEqual([
      'sent alert no_application_protocol',
      'ended NoApplicationProtocol',
    ]);
    expect(traced.client.map(brief).slice(-2)).toEqual([
      'received alert no_application_protocol',
      'ended AlertReceived',
    ]);
  });

  it('ends once, whatever is done to a connection that has ended', () => {
    const { pair, server: events } = run({}, {});
    void pair.client.close();
    void pair.run();
    pair.server.abandon();
    expect(events.map(brief).filter((text) => text.startsWith('ended'))).toEqual(['ended undefined']);
  });

  it('begins where a server chooses its configuration', () => {
    const { tracer, connections } = collect();
    const config = server({ trace: tracer });
    const pair = new Pair({ client: client(), server: () => Promise.resolve(config) });
    return Promise.resolve(pair.run()).then(() => {
      expect(connections).toHaveLength(1);
      expect(connections[0]!.map(brief)[0]).toBe('received client_hello');
    });
  });

  it('has nothing but names and numbers', () => {
    const { client: events, server: others } = run({}, {});
    const isPlain = (value: unknown): boolean =>
      ['string', 'number', 'undefined'].includes(typeof value) || (Array.isArray(value) && value.every(isPlain));
    for (const event of [...events, ...others]) expect(Object.values(event).every(isPlain)).toBe(true);
  });
});

describe('a tracer that throws', () => {
  it.each([TLSv1_3, TLSv1_2])('is called no more, and changes nothing: %i', (version) => {
    const total = run({ versions: [version] }, {}).client.length;
    for (let at = 0; at <= total; at++) {
      let calls = 0;
      const trace: Tracer = () => {
        if (at === 0) throw new Error('no sink');
        return () => {
          if (++calls === at) throw new Error('disk full');
        };
      };
      const pair = new Pair({
        client: client({ versions: [version], trace, sessionStore: false }),
        server: server({ sessionStore: false }),
      });
      void pair.run();
      void pair.client.send(Uint8Array.of(1));
      void pair.run();
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
      expect(pair.received('server')).toEqual(Uint8Array.of(1));
      expect(calls).toBe(at);
    }
  });
});
