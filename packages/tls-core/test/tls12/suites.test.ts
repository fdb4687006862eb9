/** Every cipher suite of TLS 1.2 between every pair of providers. */
import { nobleProvider, nobleTls13Provider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider, webcryptoTls13Provider } from '@tyls/crypto-webcrypto';
import { peculiarProvider } from '@tyls/crypto-webcrypto/peculiar';
import { type KeyType, Pair, testCertifiedKey, testClientConfig, testServerConfig } from '@tyls/testing';
import { type CryptoProvider, type Tls12CipherSuite } from '@tyls/tls-core';
import { describe, expect, test } from 'vitest';
import { CipherSuite, nameOf, ProtocolVersion } from '../../src/registry.ts';

const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['node', nodeProvider()],
  ['noble', nobleProvider()],
  ['webcrypto', webcryptoProvider()],
  ['peculiar', peculiarProvider()],
];

const tls12Suites = ({ cipherSuites }: CryptoProvider): readonly Tls12CipherSuite[] =>
  cipherSuites.filter((suite) => suite.version === ProtocolVersion.TLSv1_2);

/** A provider with that suite alone. */
function only(provider: CryptoProvider, id: number): CryptoProvider {
  return { ...provider, cipherSuites: provider.cipherSuites.filter((suite) => suite.id === id) };
}

const pairs = providers.flatMap(([clientName, client]) =>
  providers.map(([serverName, server]) => ({ name: `${clientName} to ${serverName}`, serverName, client, server })),
);

test('the providers have all suites that their AEADs allow', () => {
  expect(providers.map(([name, provider]) => [name, tls12Suites(provider).length])).toEqual([
    ['node', 6],
    ['noble', 6],
    ['webcrypto', 4],
    ['peculiar', 4],
  ]);
});

test.each([
  ['noble', nobleTls13Provider()],
  ['webcrypto', webcryptoTls13Provider()],
])('%s has a provider without them, which a config takes for TLS 1.3 alone', async (_name, provider) => {
  expect(provider.cipherSuites.length).toBeGreaterThan(1);
  expect(tls12Suites(provider)).toEqual([]);
  expect((await testClientConfig(provider)).versions).toEqual([ProtocolVersion.TLSv1_3]);
});

describe.each(pairs)('$name', ({ serverName, client, server }) => {
  const common = tls12Suites(client).filter(({ id }) => tls12Suites(server).some((other) => other.id === id));
  test.each(common.map((suite) => ({ suite: nameOf(CipherSuite, suite.id), ...suite })))(
    '$suite',
    async ({ id, authentication }) => {
      const keyType: KeyType = authentication === 'rsa' ? 'rsa2048' : 'p256';
      // noble does not sign with RSA.
      const signing = authentication === 'rsa' && serverName === 'noble' ? nodeProvider() : server;
      const certificate = await testCertifiedKey(signing, keyType);
      const pair = new Pair({
        client: await testClientConfig(only(client, id)),
        server: await testServerConfig(only(server, id), { certificate }),
      });
      await pair.run();
      void pair.client.send(new Uint8Array(17_000).fill(1));
      void pair.server.send(new Uint8Array(17_000).fill(2));
      await pair.run();
      void pair.client.close();
      void pair.server.close();
      await pair.run();
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
      expect(pair.received('server')).toEqual(new Uint8Array(17_000).fill(1));
      expect(pair.received('client')).toEqual(new Uint8Array(17_000).fill(2));
      expect(pair.client.peerClosed && pair.server.peerClosed).toBe(true);
      for (const end of [pair.client, pair.server]) {
        expect(end.protocolVersion).toBe(ProtocolVersion.TLSv1_2);
        expect(end.cipherSuite).toBe(id);
        expect(end.handshakeKind).toBe('full');
      }
      expect(pair.client.exportKeyingMaterial(40, 'EXPORTER-test')).toEqual(
        pair.server.exportKeyingMaterial(40, 'EXPORTER-test'),
      );
    },
  );
});
