/** Handshakes of every provider with every other, over what the two have in common. */
import { nobleProvider, nobleTls13ClientProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { peculiarProvider } from '@tyls/crypto-webcrypto/peculiar';
import {
  CipherSuite,
  clientConfig,
  type CryptoProvider,
  NamedGroup,
  ProtocolVersion,
  type ServerConfig,
  SignatureScheme,
} from '@tyls/tls-core';
import { type KeyType, Pair, testServerConfig, testCertifiedKey, testServerVerifier } from '@tyls/testing';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/codec/bytes.ts';

const { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 } = CipherSuite;
const aes = [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384];
const keyTypes: readonly KeyType[] = ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'];

/** What each is to have; a handshake that needs it fails where it is missing. */
interface Backend {
  readonly provider: CryptoProvider;
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly NamedGroup[];
  /** Keys that it signs with. All verify all. */
  readonly signs: readonly KeyType[];
  /** Whether it is too slow for every combination. */
  readonly slow?: true;
}

const groups = [NamedGroup.X25519, NamedGroup.secp256r1, NamedGroup.secp384r1];
const backends: Readonly<Record<string, Backend>> = {
  node: { provider: nodeProvider(), suites: [...aes, TLS_CHACHA20_POLY1305_SHA256], groups, signs: keyTypes },
  noble: {
    provider: nobleProvider(),
    suites: [...aes, TLS_CHACHA20_POLY1305_SHA256],
    groups,
    signs: keyTypes.filter((type) => type !== 'rsa2048'),
    slow: true,
  },
  webcrypto: { provider: webcryptoProvider(), suites: aes, groups, signs: keyTypes },
  peculiar: { provider: peculiarProvider(), suites: aes, groups, signs: keyTypes },
};

const schemes: Readonly<Record<KeyType, readonly SignatureScheme[]>> = {
  rsa2048: [
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
  ],
  p256: [SignatureScheme.ecdsa_secp256r1_sha256],
  p384: [SignatureScheme.ecdsa_secp384r1_sha384],
  p521: [SignatureScheme.ecdsa_secp521r1_sha512],
  ed25519: [SignatureScheme.ed25519],
};

interface Combination {
  readonly suite: CipherSuite;
  readonly group: NamedGroup;
  readonly keyType: KeyType;
}

function combinations(client: Backend, server: Backend): Combination[] {
  const suites = server.suites.filter((suite) => client.suites.includes(suite));
  const shared = server.groups.filter((group) => client.groups.includes(group));
  const all = suites.flatMap((suite) =>
    shared.flatMap((group) => server.signs.map((keyType) => ({ suite, group, keyType }))),
  );
  if (client.slow !== true && server.slow !== true) return all;
  // Each value at least once.
  return Array.from({ length: Math.max(suites.length, shared.length, server.signs.length) }, (_, i) => ({
    suite: suites[i % suites.length]!,
    group: shared[i % shared.length]!,
    keyType: server.signs[i % server.signs.length]!,
  }));
}

interface Outcome {
  readonly keyType: KeyType;
  readonly error: unknown;
  readonly received: readonly string[];
  readonly facts: readonly unknown[];
  readonly exportedTheSame: boolean;
}

async function handshake(client: Backend, server: ServerConfig, chosen: Combination): Promise<Outcome> {
  const provider = {
    ...client.provider,
    cipherSuites: client.provider.cipherSuites.filter(({ id }) => id === chosen.suite),
  };
  const verifier = await testServerVerifier(provider);
  const pair = new Pair({ client: clientConfig({ provider, verifier, keyShares: [chosen.group] }), server });
  void pair.client.send(Buffer.from('ping'));
  await pair.run();
  const error = pair.client.error ?? pair.server.error;
  if (error !== undefined) throw new Error(JSON.stringify(chosen), { cause: error });
  void pair.server.send(Buffer.from('pong'));
  await pair.run();
  const [ours, theirs] = [pair.client, pair.server].map((end) => hex(end.exportKeyingMaterial(32, 'EXPORTER-test')));
  return {
    keyType: keyTypes.find((type) => schemes[type].includes(pair.client.peerSignatureScheme ?? 0))!,
    error: pair.client.error ?? pair.server.error,
    received: [pair.receivedText('server'), pair.receivedText('client')],
    facts: [pair.client, pair.server].map((end) => [
      end.protocolVersion,
      end.cipherSuite,
      end.keyExchangeGroup,
      end.handshakeKind,
    ]),
    exportedTheSame: ours === theirs,
  };
}

describe.each(Object.keys(backends))('client on %s', (clientName) => {
  test.each(Object.keys(backends))(
    'with server on %s',
    async (serverName) => {
      const client = backends[clientName]!;
      const server = backends[serverName]!;
      for (const chosen of combinations(client, server)) {
        const facts = [ProtocolVersion.TLSv1_3, chosen.suite, chosen.group, 'full'];
        const certificate = await testCertifiedKey(server.provider, chosen.keyType);
        const outcome = await handshake(client, await testServerConfig(server.provider, { certificate }), chosen);
        expect(outcome).toEqual({
          keyType: chosen.keyType,
          error: undefined,
          received: ['ping', 'pong'],
          facts: [facts, facts],
          exportedTheSame: true,
        });
      }
    },
    60_000,
  );
});

test('a provider has what this test says', () => {
  for (const { provider, suites, groups: expected } of Object.values(backends)) {
    const ofTls13 = provider.cipherSuites.filter(({ version }) => version === ProtocolVersion.TLSv1_3);
    expect(new Set(ofTls13.map(({ id }) => id))).toEqual(new Set(suites));
    expect(provider.keyExchangeGroups.map(({ name }) => name)).toEqual(expect.arrayContaining([...expected]));
  }
});

test('noble refuses to sign with RSA, and says what to do', async () => {
  await expect(async () => testCertifiedKey(nobleProvider(), 'rsa2048')).rejects.toThrow('loadPrivateKey');
});

test.each(['p256', 'p384', 'rsa2048'] as const)(
  "noble's provider for clients verifies a server of %s",
  async (keyType) => {
    const node = nodeProvider();
    const provider = nobleTls13ClientProvider();
    const pair = new Pair({
      client: clientConfig({ provider, verifier: await testServerVerifier(provider) }),
      server: await testServerConfig(node, { certificate: await testCertifiedKey(node, keyType) }),
    });
    await pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.client.isHandshaking || pair.server.isHandshaking).toBe(false);
  },
);
