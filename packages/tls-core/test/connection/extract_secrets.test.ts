/** Keys that leave a connection, and records made and read with nothing but them. */
import { Pair } from '@tyls/testing';
import {
  type ClientOptions,
  clientSessionMemory,
  type DirectionSecrets,
  type ExtractedSecrets,
  ProtocolVersion,
  type ServerOptions,
  type SupportedCipherSuite,
} from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { ContentType } from '../../src/registry.ts';
import { intercepted, later } from '../helpers/intercepted.ts';
import { settled } from '../helpers/promises.ts';
import { client as tls13Client } from '../hostile/fixtures.ts';
import { clientWaitingFor } from '../hostile/scripted_peer.ts';
import { bytes, u16 } from '../hostile/wire.ts';
import { client, provider, rsaIdentity, server } from '../tls12/scripted_peer.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const enableSecretExtraction = true;

function run(clientOptions: Partial<ClientOptions> = {}, serverOptions: Partial<ServerOptions> = {}): Pair {
  const pair = new Pair({
    client: client({ enableSecretExtraction, ...clientOptions }),
    server: server({ enableSecretExtraction, ...serverOptions }),
  });
  void pair.run();
  expect(pair.client.error ?? pair.server.error).toBeUndefined();
  return pair;
}

function sequenceBytes(sequenceNumber: number): Uint8Array {
  return concat([new Uint8Array(4), u16(sequenceNumber >>> 16, sequenceNumber & 0xffff)]);
}

/** What comes before the payload, what protects it and what is protected, by the RFCs alone. */
function parts(suite: SupportedCipherSuite, { iv, sequenceNumber }: DirectionSecrets, length: number): Uint8Array[] {
  const sequence = sequenceBytes(sequenceNumber);
  const xored = iv.map((byte, i) => byte ^ (i < 4 ? 0 : sequence[i - 4]!));
  if (suite.version === TLSv1_3) {
    const header = concat([bytes(23, 3, 3), u16(length + 1 + 16)]);
    return [header, xored, header];
  }
  const explicit = suite.nonce === 'explicit' ? sequence : bytes();
  const header = concat([bytes(23, 3, 3), u16(explicit.length + length + 16), explicit]);
  const nonce = suite.nonce === 'explicit' ? concat([iv, sequence]) : xored;
  return [header, nonce, concat([sequence, bytes(23, 3, 3), u16(length)])];
}

function seal(suite: SupportedCipherSuite, secrets: DirectionSecrets, content: Uint8Array): Uint8Array {
  const [header, nonce, additional] = parts(suite, secrets, content.length);
  const plaintext = suite.version === TLSv1_3 ? [content, bytes(ContentType.application_data)] : [content];
  const sealed = suite.aead.sealer(secrets.key).seal(nonce!, additional!, plaintext) as readonly Uint8Array[];
  return concat([header!, ...sealed]);
}

function open(suite: SupportedCipherSuite, secrets: DirectionSecrets, record: Uint8Array, length: number): Uint8Array {
  const [header, nonce, additional] = parts(suite, secrets, length);
  expect(record.subarray(0, header!.length)).toEqual(header);
  const opened = suite.aead.opener(secrets.key).open(nonce!, additional!, [record.subarray(header!.length)]);
  return concat(opened as readonly Uint8Array[]).subarray(0, length);
}

function suiteOf({ cipherSuite }: ExtractedSecrets): SupportedCipherSuite {
  return provider.cipherSuites.find(({ id }) => id === cipherSuite)!;
}

const text = new Uint8Array(Buffer.from('after the handover'));

describe.each(provider.cipherSuites.map((suite) => [suite.id, suite] as const))(
  'extractSecrets, suite %i',
  (id, suite) => {
    const certificate = suite.version === TLSv1_2 && suite.authentication === 'rsa' ? { certificate: rsaIdentity } : {};
    const start = (): Pair => run({ provider: { ...provider, cipherSuites: [suite] } }, certificate);

    it.each(['client', 'server'] as const)('of a %s: what has them goes on', (role) => {
      const pair = start();
      const [us, peer] = role === 'client' ? [pair.client, pair.server] : [pair.server, pair.client];
      void us.send(new Uint8Array(20_000));
      void peer.send(bytes(1));
      void pair.run();
      pair.received(role);
      const secrets = us.extractSecrets();
      expect(secrets).toMatchObject({ cipherSuite: id, protocolVersion: suite.version, partialRecord: bytes() });
      expect(suiteOf(secrets)).toBe(suite);

      void peer.receive(seal(suite, secrets.tx, text));
      expect(concat(peer.takePlaintext()).subarray(-text.length)).toEqual(text);
      void peer.send(text);
      expect(open(suite, secrets.rx, concat(peer.takeOutput()), text.length)).toEqual(text);
    });

    it('are the same on both sides', () => {
      const pair = start();
      const [ours, theirs] = [pair.client.extractSecrets(), pair.server.extractSecrets()];
      expect(ours.tx).toEqual(theirs.rx);
      expect(ours.rx).toEqual(theirs.tx);
      expect(ours.tx.key).toHaveLength(suite.aead.keyLength);
      expect(ours.tx.key).not.toEqual(ours.rx.key);
    });
  },
);

describe('extractSecrets', () => {
  it('has the keys of the moment, after a KeyUpdate', () => {
    const pair = run();
    void pair.client.updateKeys();
    void pair.run();
    const [ours, theirs] = [pair.client.extractSecrets(), pair.server.extractSecrets()];
    expect(ours.tx.sequenceNumber).toBe(0);
    expect(ours.tx).toEqual(theirs.rx);
    expect(ours.rx).toEqual(theirs.tx);
  });

  it('hands over the beginning of a record, too', () => {
    const pair = run();
    void pair.server.send(text);
    const record = concat(pair.server.takeOutput());
    void pair.client.receive(record.slice(0, 3));
    void pair.client.receive(record.slice(3, 9));
    const secrets = pair.client.extractSecrets();
    expect(secrets.partialRecord).toEqual(record.subarray(0, 9));
    expect(open(suiteOf(secrets), secrets.rx, record, text.length)).toEqual(text);
  });

  it('ends the connection', () => {
    const pair = run();
    pair.client.extractSecrets();
    expect(pair.client.error?.code).toBe('Closed');
    for (const act of [
      () => pair.client.send(text),
      () => pair.client.receive(text),
      () => pair.client.close(),
      () => pair.client.extractSecrets(),
      () => pair.client.exportKeyingMaterial(16, 'EXPORTER-x'),
    ]) {
      expect(act).toThrow('the connection was closed');
    }
    expect(pair.client.takeOutput()).toEqual([]);
  });

  it('is refused unless it is allowed', () => {
    for (const versions of [[TLSv1_2], [TLSv1_3]]) {
      const pair = run({ versions, enableSecretExtraction: false }, { enableSecretExtraction: undefined });
      expect(() => pair.client.extractSecrets()).toThrow('enableSecretExtraction');
      expect(() => pair.server.extractSecrets()).toThrow(TypeError);
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
    }
  });

  it('is refused before the handshake is complete', () => {
    const pair = new Pair({ client: client({ enableSecretExtraction }), server: server() });
    expect(() => pair.client.extractSecrets()).toThrow(expect.objectContaining({ code: 'HandshakeNotComplete' }));
  });

  it.each<[string, (pair: Pair) => void]>([
    ['output', ({ client: end }) => void end.send(text)],
    [
      'plaintext',
      ({ client: end, server: peer }) => {
        void peer.send(text);
        void end.receive(concat(peer.takeOutput()));
      },
    ],
    ['open', ({ client: end }) => void end.close()],
    [
      'open',
      ({ client: end, server: peer }) => {
        void peer.close();
        void end.receive(concat(peer.takeOutput()));
      },
    ],
  ])('is refused while anything is left to do: %s (%#)', (message, leave) => {
    const pair = run();
    leave(pair);
    expect(() => pair.client.extractSecrets()).toThrow(message);
    expect(() => pair.client.extractSecrets()).toThrow(TypeError);
    expect(pair.client.error).toBeUndefined();
  });

  it('is refused while a record is being opened, which would be lost', async () => {
    const slow = intercepted(provider, later);
    const pair = new Pair({ client: client({ enableSecretExtraction, provider: slow }), server: server() });
    await pair.run();
    void pair.server.send(text);
    const receiving = pair.client.receive(concat(pair.server.takeOutput()));
    expect(() => pair.client.extractSecrets()).toThrow('is still being worked on');
    await receiving;
    expect(pair.received('client')).toEqual(text);
    expect(pair.client.extractSecrets().rx.sequenceNumber).toBeGreaterThan(0);
  });

  it('is refused while a store has not answered', async () => {
    const added: (() => void)[] = [];
    const memory = clientSessionMemory();
    const sessionStore = { ...memory, addTicket: () => new Promise<void>((resolve) => added.push(resolve)) };
    const pair = new Pair({ client: client({ enableSecretExtraction, sessionStore }), server: server() });
    const running = pair.run();
    expect(() => pair.client.extractSecrets()).toThrow('is still being worked on');
    while (added.length > 0) {
      added.pop()!();
      await settled();
    }
    await running;
    expect(pair.client.extractSecrets().partialRecord).toHaveLength(0);
  });

  it('is refused between the parts of a message', () => {
    const { peer, connection } = clientWaitingFor('traffic', tls13Client({ enableSecretExtraction }));
    peer.deliver(peer.protect(ContentType.handshake, bytes(24, 0)));
    expect(() => connection.extractSecrets()).toThrow('between the parts of a message');
    peer.deliver(peer.protect(ContentType.handshake, bytes(0, 1, 0)));
    peer.nextWriteKey();
    expect(connection.extractSecrets().rx.sequenceNumber).toBe(0);
  });
});
