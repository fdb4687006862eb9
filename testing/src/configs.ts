/** Configurations that trust each other: one test CA, and an end entity for each kind of key. */
import {
  type CertifiedKey,
  type ClientCertVerifier,
  type ClientConfig,
  clientConfig,
  type ClientOptions,
  type CryptoProvider,
  type ServerCertVerifier,
  type ServerConfig,
  serverConfig,
  type ServerOptions,
} from '@tyls/tls-core';
import {
  clientCertVerifier,
  type ClientCertVerifierOptions,
  serverCertVerifier,
  trustAnchorFromCertificate,
} from '@tyls/webpki';
import { testName } from './pair.ts';
import { createCa, type KeyType, type TestCa, type TestIdentity } from './pki.ts';

let root: Promise<TestCa> | undefined;
const identities = new Map<KeyType, Promise<TestIdentity>>();

/** The root that everything here trusts, made once. */
export function testRoot(): Promise<TestCa> {
  return (root ??= createCa());
}

/** An end entity for {@link testName}, `localhost`, `127.0.0.1` and `::1`, and for clients too; made once for a key type. */
export function testIdentity(keyType: KeyType = 'p256'): Promise<TestIdentity> {
  let identity = identities.get(keyType);
  if (identity === undefined) {
    identity = testRoot().then((ca) => ca.issue({ keyType, names: [testName, 'localhost', '127.0.0.1', '::1'] }));
    identities.set(keyType, identity);
  }
  return identity;
}

/** That identity with its key in the provider's hands. */
export async function testCertifiedKey(provider: CryptoProvider, keyType?: KeyType): Promise<CertifiedKey> {
  const { chain, privateKey } = await testIdentity(keyType);
  return { certificates: chain, key: await provider.loadPrivateKey({ format: 'pkcs8', der: privateKey }) };
}

/** Verifies servers against {@link testRoot}. */
export async function testServerVerifier(provider: CryptoProvider): Promise<ServerCertVerifier> {
  return serverCertVerifier({ roots: [trustAnchorFromCertificate((await testRoot()).certificate)], provider });
}

/** Verifies clients against {@link testRoot}. */
export async function testClientVerifier(
  provider: CryptoProvider,
  options: Partial<ClientCertVerifierOptions> = {},
): Promise<ClientCertVerifier> {
  const roots = [trustAnchorFromCertificate((await testRoot()).certificate)];
  return clientCertVerifier({ roots, provider, ...options });
}

/** A client that trusts {@link testRoot}; `options` add to that or take its place. */
export async function testClientConfig(
  provider: CryptoProvider,
  options: Partial<ClientOptions> = {},
): Promise<ClientConfig> {
  return clientConfig({ provider, verifier: await testServerVerifier(provider), ...options });
}

/** A server with a {@link testCertifiedKey} of P-256; `options` add to that or take its place. */
export async function testServerConfig(
  provider: CryptoProvider,
  options: Partial<ServerOptions> = {},
): Promise<ServerConfig> {
  return serverConfig({ provider, certificate: options.certificate ?? (await testCertifiedKey(provider)), ...options });
}
