import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { type ClientOptions, type CryptoProvider, type ServerOptions } from '@tyls/tls-core';
import {
  Pair,
  type PairOptions,
  recordsOf,
  type Role,
  testClientConfig,
  testIdentity,
  testName,
  testRoot,
  testServerConfig,
} from '@tyls/testing';
import { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/codec/bytes.ts';
import { rejection } from '../helpers/promises.ts';

const providers: Readonly<Record<string, CryptoProvider>> = { node: nodeProvider(), webcrypto: webcryptoProvider() };

/** Any `length` bytes, but not the same one over and over. */
function numbered(length: number, seed: number = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8) + seed);
}

/** In hexadecimal: large arrays take a test long to compare. */
function all(...parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString('hex');
}

const roles = ['client', 'server'] as const;
const peerOf = { client: 'server', server: 'client' } as const;

describe.each(Object.keys(providers))('on %s', (name) => {
  const provider = providers[name]!;

  async function newPair(
    options: { client?: Partial<ClientOptions>; server?: Partial<ServerOptions> } & Partial<
      Omit<PairOptions, 'client' | 'server'>
    > = {},
  ): Promise<Pair> {
    const { client = {}, server = {}, ...rest } = options;
    return new Pair({
      client: await testClientConfig(provider, client),
      server: await testServerConfig(provider, server),
      ...rest,
    });
  }

  async function connected(options: Parameters<typeof newPair>[0] = {}): Promise<Pair> {
    const pair = await newPair(options);
    await pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.client.isHandshaking || pair.server.isHandshaking).toBe(false);
    return pair;
  }

  describe('sizes', () => {
    test.each([32, 16_384])('fragments of at most %i bytes carry sends from one byte to 100 KB', async (size) => {
      const options = { maxFragmentSize: size };
      const pair = await connected({ client: options, server: options, chop: [4096, 1, 100_000] });
      for (const role of roles) {
        const sends = [1, 2, 31, 32, 33, 1000, 16_383, 16_384, 16_385, 100_000].map((length) => numbered(length));
        pair.sent[role].splice(0);
        for (const data of sends) void pair[role].send(data);
        await pair.run();
        expect(all(pair.received(peerOf[role]))).toBe(all(...sends));
        const records = recordsOf(Buffer.concat(pair.sent[role]));
        expect(records).toHaveLength(sends.reduce((sum, { length }) => sum + Math.ceil(length / size), 0));
        expect(Math.max(...records.map(({ length }) => length))).toBe(5 + size + 1 + 16);
      }
    });

    test('the handshake is fragmented too', async () => {
      const pair = await newPair({ client: { maxFragmentSize: 32 }, server: { maxFragmentSize: 32 } });
      await pair.run();
      expect(pair.client.isHandshaking || pair.server.isHandshaking).toBe(false);
      for (const record of recordsOf(pair.sent.server[0]!)) expect(record.length).toBeLessThanOrEqual(5 + 32 + 17);
      expect(recordsOf(pair.sent.client[0]!).length).toBeGreaterThan(3);
    });

    test('one byte at a time', async () => {
      const pair = await newPair({ chop: [1] });
      void pair.client.send(numbered(300));
      await pair.run();
      expect(all(pair.received('server'))).toBe(all(numbered(300)));
    });

    test.each([undefined, [1], [4096, 1, 100_000]])('lent in pieces of %j bytes, overwritten at once', async (chop) => {
      const pair = await newPair({ lend: true, ...(chop === undefined ? {} : { chop }) });
      void pair.client.send(numbered(300));
      await pair.run();
      for (const role of roles) void pair[role].send(numbered(40_000));
      await pair.client.updateKeys();
      void pair.client.send(numbered(300));
      await pair.run();
      expect(all(pair.received('server'))).toBe(all(numbered(300), numbered(40_000), numbered(300)));
      expect(all(pair.received('client'))).toBe(all(numbered(40_000)));
    });

    test('nothing is sent for nothing', async () => {
      const pair = await connected();
      await pair.client.send(new Uint8Array(0));
      expect(pair.client.takeOutput()).toEqual([]);
    });
  });

  describe('before the handshake is complete', () => {
    test('what is sent waits, as it was when it was sent', async () => {
      const pair = await newPair();
      // A Buffer's slice() is a view.
      const data = Buffer.from(numbered(5));
      void pair.client.send(data);
      void pair.server.send(data);
      void pair.client.send(numbered(3, 100));
      data.fill(0);
      await pair.run();
      expect(all(pair.received('server'))).toBe(all(numbered(5), numbered(3, 100)));
      expect(all(pair.received('client'))).toBe(all(numbered(5)));
    });

    test('close waits until what was sent is sent, and the handshake is complete', async () => {
      const pair = await newPair();
      void pair.client.send(numbered(5));
      void pair.client.close();
      expect(() => pair.client.send(numbered(1))).toThrow(TypeError);
      void pair.server.close();
      await pair.run();
      expect(all(pair.received('server'))).toBe(all(numbered(5)));
      for (const role of roles) {
        expect(pair[role].error).toBeUndefined();
        expect(pair[role].peerClosed).toBe(true);
        await pair[role].receiveEnd();
      }
    });

    test('keys cannot be updated', async () => {
      const pair = await newPair();
      expect(() => pair.client.updateKeys()).toThrow(TypeError);
    });

    test('start twice is start', async () => {
      const pair = await newPair();
      await pair.client.start();
      await pair.client.start();
      expect(recordsOf(Buffer.concat(pair.client.takeOutput()))).toHaveLength(1);
    });
  });

  describe('KeyUpdate', () => {
    test.each([true, false])('from both sides at once (asking for the other: %s)', async (both) => {
      const pair = await connected();
      for (let round = 0; round < 5; round++) {
        for (const role of roles) {
          void pair[role].send(numbered(10, round));
          void pair[role].updateKeys(both);
          void pair[role].send(numbered(20_000, round));
          void pair[role].updateKeys(both);
        }
        await pair.run();
      }
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
      const expected = [0, 1, 2, 3, 4].flatMap((round) => [numbered(10, round), numbered(20_000, round)]);
      for (const role of roles) expect(all(pair.received(role))).toBe(all(...expected));
    });

    test('many that ask for an answer are answered once', async () => {
      const pair = await connected();
      for (let i = 0; i < 20; i++) void pair.client.updateKeys();
      pair.sent.server.splice(0);
      await pair.run();
      expect(recordsOf(Buffer.concat(pair.sent.server))).toHaveLength(1);
      void pair.server.send(numbered(9));
      await pair.run();
      expect(all(pair.received('client'))).toBe(all(numbered(9)));
    });

    test('happens by itself before the limit of a key is reached', async () => {
      const limited: CryptoProvider = {
        ...provider,
        cipherSuites: provider.cipherSuites.map((suite) => ({
          ...suite,
          aead: { ...suite.aead, confidentialityLimit: 8 },
        })),
      };
      const options = { provider: limited, maxFragmentSize: 4096 };
      const pair = await connected({ client: options, server: options });
      pair.sent.client.splice(0);
      void pair.client.send(numbered(4096 * 100));
      await pair.run();
      void pair.client.send(numbered(50));
      await pair.run();
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
      expect(all(pair.received('server'))).toBe(all(numbered(4096 * 100), numbered(50)));
      // With each key 6 records of data, the KeyUpdate, and room for an alert.
      expect(recordsOf(Buffer.concat(pair.sent.client))).toHaveLength(101 + Math.floor(100 / 6));
    });

    test('exporters do not change with it', async () => {
      const pair = await connected();
      const before = pair.client.exportKeyingMaterial(40, 'label');
      void pair.client.updateKeys();
      await pair.run();
      for (const role of roles) expect(pair[role].exportKeyingMaterial(40, 'label')).toEqual(before);
    });
  });

  describe('the end', () => {
    test.each(roles)('the %s closes its half, and goes on receiving', async (role) => {
      const pair = await connected();
      const peer = peerOf[role];
      void pair[role].send(numbered(5));
      void pair[role].close();
      void pair[role].close();
      await pair.run();
      expect(all(pair.received(peer))).toBe(all(numbered(5)));
      expect([pair[role].peerClosed, pair[peer].peerClosed]).toEqual([false, true]);
      expect(() => pair[role].send(numbered(1))).toThrow(TypeError);
      expect(() => pair[role].updateKeys()).toThrow(TypeError);

      void pair[peer].send(numbered(70_000));
      void pair[peer].updateKeys();
      void pair[peer].send(numbered(7));
      void pair[peer].close();
      await pair.run();
      expect(all(pair.received(role))).toBe(all(numbered(70_000), numbered(7)));
      expect([pair[role].peerClosed, pair[peer].peerClosed]).toEqual([true, true]);
      for (const end of [pair.client, pair.server]) {
        await end.receiveEnd();
        expect(end.error).toBeUndefined();
        // Section 6.1: what comes after close_notify is ignored.
        await end.receive(numbered(100));
        expect(end.error).toBeUndefined();
        expect(end.takeOutput()).toEqual([]);
      }
    });

    test.each(roles)('in each phase the %s tells a truncated connection from one that ended', async (role) => {
      const flights: Record<Role, Uint8Array[]> = { client: [], server: [] };
      const whole = await newPair({
        alter(from, flight) {
          // The tickets that come after the handshake are traffic.
          if (whole[peerOf[from]].isHandshaking) flights[from].push(flight);
          return flight;
        },
      });
      await whole.run();
      const phases = flights[peerOf[role]].length;
      for (let phase = 0; phase <= phases; phase++) {
        for (const cut of [false, true]) {
          let seen = 0;
          const pair = await newPair({
            alter(from, flight) {
              if (from === role || seen++ < phase) return flight;
              return flight.subarray(0, cut ? flight.length - 1 : 0);
            },
          });
          await pair.run();
          const during = pair[role].isHandshaking ? 'handshake' : 'traffic';
          const error = await rejection(Promise.resolve().then(() => pair[role].receiveEnd()));
          expect(error).toBe(pair[role].error);
          expect(pair[role].error?.detail).toEqual({ code: 'UnexpectedEof', during });
          expect(during).toBe(phase < phases ? 'handshake' : 'traffic');
          expect(pair[role].takeOutput()).toEqual([]);
        }
      }
    });

    test('what came before a truncation can still be taken', async () => {
      const pair = await connected();
      void pair.client.send(numbered(10));
      await pair.run();
      await rejection(Promise.resolve().then(() => pair.server.receiveEnd()));
      expect(all(pair.received('server'))).toBe(all(numbered(10)));
    });
  });

  describe('exported keying material', () => {
    test('depends on label, context and length, and is the same on both sides', async () => {
      const pair = await connected();
      const seen = new Set<string>();
      for (const [length, label, context] of [
        [32, 'a', undefined],
        [32, 'b', undefined],
        [32, 'a', Uint8Array.of(0)],
        [31, 'a', undefined],
        [255 * 48, 'a', undefined],
      ] as const) {
        const [ours, theirs] = roles.map((role) => hex(pair[role].exportKeyingMaterial(length, label, context)));
        expect(ours).toBe(theirs);
        expect(ours).toHaveLength(2 * length);
        seen.add(ours!);
      }
      expect(seen.size).toBe(5);
      // RFC 8446 section 7.5: no context is an empty one.
      expect(pair.client.exportKeyingMaterial(32, 'a', new Uint8Array(0))).toEqual(
        pair.client.exportKeyingMaterial(32, 'a'),
      );
      expect(new Set([pair, await connected()].map((one) => hex(one.client.exportKeyingMaterial(32, 'a')))).size).toBe(
        2,
      );
    });

    test('too much, or a label that is no label, is the mistake of the caller', async () => {
      const pair = await connected();
      expect(() => pair.client.exportKeyingMaterial(256 * 48, 'a')).toThrow(RangeError);
      expect(() => pair.client.exportKeyingMaterial(32, 'é')).toThrow(RangeError);
      expect(() => pair.client.exportKeyingMaterial(32, 'a'.repeat(250))).toThrow(RangeError);
      expect(pair.client.exportKeyingMaterial(32, 'a'.repeat(249))).toHaveLength(32);
      expect(pair.client.error).toBeUndefined();
    });
  });
});

/** Two ends of a pipe in memory, for node:tls. */
function pipe(): readonly [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const ends: [Duplex, Duplex] = [end(() => ends[1]), end(() => ends[0])];
  return ends;
}

test.each(roles)('node:tls as %s exports the same keying material', async (theirs) => {
  const [ours, wire] = pipe();
  const identity = await testIdentity();
  const root = await testRoot();
  const provider = nodeProvider();
  const socket =
    theirs === 'client'
      ? connect({ socket: wire, servername: testName, ca: root.certificatePem })
      : new TLSSocket(wire, {
          isServer: true,
          secureContext: createSecureContext({ key: identity.privateKeyPem, cert: identity.chainPem }),
        });
  const { client, server } = new Pair({
    client: await testClientConfig(provider),
    server: await testServerConfig(provider),
  });
  const end = theirs === 'client' ? server : client;
  const flush = (): void => {
    for (const piece of end.takeOutput()) ours.write(piece);
  };
  void end.start();
  flush();
  ours.on('data', (chunk: Buffer) => {
    void end.receive(chunk);
    flush();
  });
  const greeting = new Promise((resolve) => socket.once('data', resolve));
  void end.send(Buffer.from('hello'));
  expect(String(await greeting)).toBe('hello');
  for (const context of [new Uint8Array(0), Uint8Array.of(1, 2, 3)]) {
    expect(hex(end.exportKeyingMaterial(48, 'EXPORTER-test', context))).toBe(
      socket.exportKeyingMaterial(48, 'EXPORTER-test', Buffer.from(context)).toString('hex'),
    );
  }
  socket.destroy();
});

test('bytes that are given away are not touched again', async () => {
  const provider = nodeProvider();
  const pair = new Pair({ client: await testClientConfig(provider), server: await testServerConfig(provider) });
  await pair.run();
  void pair.client.send(numbered(10));
  void pair.client.send(numbered(10, 1));
  const output = Buffer.concat(pair.client.takeOutput());
  const received = Buffer.from(output);
  void pair.server.receive(received);
  const plaintext = pair.server.takePlaintext();
  received.fill(0);
  expect(all(...plaintext)).toBe(all(numbered(10), numbered(10, 1)));
  expect(pair.server.takePlaintext()).toEqual([]);
  expect(pair.server.error).toBeUndefined();
});
