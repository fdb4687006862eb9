import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { expect, test } from 'vitest';
import { Pair, type PairOptions, recordsOf, testClientConfig, testServerConfig } from '../src/index.ts';

async function options(provider = nodeProvider()): Promise<PairOptions> {
  return { client: await testClientConfig(provider), server: await testServerConfig(provider) };
}

test('synchronous providers are done when run() returns', async () => {
  const pair = new Pair(await options());
  expect(pair.run()).toBeUndefined();
  expect(pair.client.isHandshaking).toBe(false);
  expect(pair.server.isHandshaking).toBe(false);
});

test('asynchronous providers are waited for, and data goes both ways', async () => {
  const pair = new Pair(await options(webcryptoProvider()));
  void pair.client.send(Buffer.from('ping'));
  await pair.run();
  void pair.server.send(Buffer.from('pong'));
  await pair.run();
  expect(pair.receivedText('server')).toBe('ping');
  expect(pair.receivedText('client')).toBe('pong');
});

test('bytes arrive in pieces of the sizes asked for', async () => {
  const pair = new Pair({ ...(await options()), chop: [1, 7, 300] });
  void pair.client.send(new Uint8Array(1000).fill(5));
  await pair.run();
  expect(pair.client.error ?? pair.server.error).toBeUndefined();
  expect(pair.received('server')).toEqual(new Uint8Array(1000).fill(5));
});

test('flights are seen, and altered ones arrive altered', async () => {
  const seen: string[] = [];
  const pair = new Pair({
    ...(await options()),
    alter(from, flight) {
      seen.push(from);
      if (from === 'server') flight[flight.length - 1]! ^= 1;
      return flight;
    },
  });
  await pair.run();
  expect(seen.slice(0, 2)).toEqual(['client', 'server']);
  expect(pair.client.error?.code).toBe('DecryptError');
  expect(pair.server.error?.code).toBe('AlertReceived');
  expect(recordsOf(pair.sent.client[0]!)).toHaveLength(1);
});

test('a record that is cut short is no record', () => {
  expect(() => recordsOf(Uint8Array.of(22, 3, 3, 0, 2, 1))).toThrow('cut short');
});
