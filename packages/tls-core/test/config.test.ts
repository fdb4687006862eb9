import { nodeProvider, tls12CipherSuites, tls13CipherSuites } from '@tyls/crypto-node';
import {
  ClientConnection,
  clientConfig,
  type ClientOptions,
  type CryptoProvider,
  NamedGroup,
  ProtocolVersion,
  serverConfig,
  type ServerOptions,
} from '@tyls/tls-core';
import { testCertifiedKey, testClientVerifier, testServerVerifier } from '@tyls/testing';
import { beforeAll, describe, expect, test } from 'vitest';

const provider = nodeProvider();
/** As a KEM would be. */
const hybrid = { ...provider.keyExchangeGroups[0]!, name: NamedGroup.X25519MLKEM768 };
const twice = <T>(values: readonly T[]): T[] => [...values, values[0]!];
let client: ClientOptions;
let server: ServerOptions;

beforeAll(async () => {
  client = { provider, verifier: await testServerVerifier(provider) };
  server = { provider, certificate: await testCertifiedKey(provider) };
});

describe('both configurations refuse', () => {
  const wrong: readonly (readonly [string, { provider?: CryptoProvider } & Partial<ClientOptions & ServerOptions>])[] =
    [
      ['no cipher suites', { provider: { ...provider, cipherSuites: [] } }],
      ['no key exchange groups', { provider: { ...provider, keyExchangeGroups: [] } }],
      ['a cipher suite twice', { provider: { ...provider, cipherSuites: twice(provider.cipherSuites) } }],
      ['a group twice', { provider: { ...provider, keyExchangeGroups: twice(provider.keyExchangeGroups) } }],
      ['versions is empty', { versions: [] }],
      ['no cipher suites for TLSv1_0', { versions: [ProtocolVersion.TLSv1_0] }],
      [
        'no cipher suites for TLSv1_2',
        { versions: [ProtocolVersion.TLSv1_2], provider: { ...provider, cipherSuites: tls13CipherSuites } },
      ],
      [
        'no cipher suites for TLSv1_3',
        { versions: [ProtocolVersion.TLSv1_3], provider: { ...provider, cipherSuites: tls12CipherSuites } },
      ],
      ['no key exchange group for TLS 1.2', { provider: { ...provider, keyExchangeGroups: [hybrid] } }],
      ['maxFragmentSize', { maxFragmentSize: 31 }],
      ['maxFragmentSize', { maxFragmentSize: 16_385 }],
      ['maxFragmentSize', { maxFragmentSize: 100.5 }],
      ['maxFragmentSize', { maxFragmentSize: Number.NaN }],
      ['ALPN', { alpnProtocols: [''] }],
      ['ALPN', { alpnProtocols: ['a'.repeat(256)] }],
      ['recordSizeLimit', { recordSizeLimit: 63 }],
      ['recordSizeLimit', { recordSizeLimit: 16_386 }],
      ['recordSizeLimit', { recordSizeLimit: 64.5 }],
      ['names a protocol twice', { alpnProtocols: ['h2', 'http/1.1', 'h2'] }],
      ['not ASCII', { alpnProtocols: ['ü'] }],
      ['chain is empty', { certificate: { certificates: [], key: { chooseScheme: () => undefined } } }],
    ];

  test.each(wrong)('%s (%#)', (message, options) => {
    expect(() => clientConfig({ ...client, ...options })).toThrow(message);
    expect(() => serverConfig({ ...server, ...options })).toThrow(message);
    expect(() => clientConfig({ ...client, ...options })).toThrow(RangeError);
  });
});

test('a verifier that could verify nobody', async () => {
  expect(() => clientConfig({ ...client, verifier: { ...client.verifier, schemes: [] } })).toThrow(
    'no signature schemes',
  );
  const clientVerifier = { ...(await testClientVerifier(provider)), schemes: [] };
  expect(() => serverConfig({ ...server, clientVerifier })).toThrow('no signature schemes');
});

test('what a client offers fits its ClientHello, and what a server asks for its CertificateRequest', async () => {
  // Each has a length of two bytes.
  const names = (count: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(1022));
  const psk = { identity: new Uint8Array(8192), secret: new Uint8Array(32), hash: 'sha256' } as const;
  const hinting = (count: number, options: Partial<ClientOptions> = {}): (() => unknown) => {
    return () =>
      clientConfig({ ...client, verifier: { ...client.verifier, rootHintSubjects: names(count) }, ...options });
  };
  expect(hinting(24)).not.toThrow();
  expect(hinting(25)).toThrow('rootHintSubjects');
  expect(hinting(24, { alpnProtocols: ['h2'] })).toThrow('alpnProtocols');
  expect(hinting(15, { externalPsks: [psk] })).not.toThrow();
  expect(hinting(16, { externalPsks: [psk] })).toThrow('externalPsks');
  const asking = await testClientVerifier(provider);
  const demanding = (count: number): (() => unknown) => {
    return () => serverConfig({ ...server, clientVerifier: { ...asking, rootHintSubjects: names(count) } });
  };
  expect(demanding(60)).not.toThrow();
  expect(demanding(61)).toThrow('rootHintSubjects');
});

test('key shares must be of groups that there are, each once', () => {
  expect(() => clientConfig({ ...client, keyShares: [NamedGroup.X25519, NamedGroup.X25519] })).toThrow('twice');
  expect(() => clientConfig({ ...client, keyShares: [NamedGroup.X448] })).toThrow('X448');
  const { keyShareGroups } = clientConfig({ ...client, keyShares: [NamedGroup.secp384r1, NamedGroup.X25519] });
  expect(keyShareGroups.map(({ name }) => name)).toEqual([NamedGroup.secp384r1, NamedGroup.X25519]);
});

test('defaults', () => {
  expect(clientConfig(client)).toMatchObject({
    sendServerName: true,
    middleboxCompatibility: true,
    maxFragmentSize: 16_384,
    alpnProtocols: [],
    keyLog: undefined,
    time: Date.now,
    keyShareGroups: [provider.keyExchangeGroups[0]],
  });
  expect(serverConfig(server)).toMatchObject({ clientVerifier: undefined, maxFragmentSize: 16_384, time: Date.now });
});

test('the versions are those of the provider, or fewer', () => {
  const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
  const all = serverConfig(server);
  expect([all.versions, all.tls13CipherSuites, all.tls12CipherSuites, all.requireEms]).toEqual([
    [TLSv1_3, TLSv1_2],
    tls13CipherSuites,
    tls12CipherSuites,
    false,
  ]);
  const newer = clientConfig({ ...client, versions: [TLSv1_3] });
  expect([newer.versions, newer.tls12CipherSuites]).toEqual([[TLSv1_3], []]);
  const older = clientConfig({ ...client, provider: { ...provider, cipherSuites: tls12CipherSuites } });
  expect([older.versions, older.tls13CipherSuites]).toEqual([[TLSv1_2], []]);
});

test('a configuration cannot be changed', () => {
  expect(Object.isFrozen(clientConfig(client))).toBe(true);
  expect(Object.isFrozen(serverConfig(server))).toBe(true);
});

test('the limits themselves are allowed', () => {
  for (const maxFragmentSize of [32, 16_384]) {
    expect(clientConfig({ ...client, maxFragmentSize, alpnProtocols: ['a', 'a'.repeat(255)] })).toMatchObject({
      maxFragmentSize,
    });
  }
});

test('a client needs a name that there can be', () => {
  expect(() => new ClientConnection(clientConfig(client), 'not a name')).toThrow(TypeError);
});
