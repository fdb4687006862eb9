/** What the hostile tests share: one synchronous provider, and configurations that trust each other. */
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { nodeProvider } from '@tyls/crypto-node';
import {
  createCa,
  type IssueOptions,
  type TestCa,
  testCertifiedKey,
  testClientVerifier,
  testName,
  testRoot,
  testServerVerifier,
} from '@tyls/testing';
import {
  type CertifiedKey,
  type ClientConfig,
  clientConfig,
  type ClientOptions,
  type ClientCertVerifier,
  type CryptoProvider,
  ProtocolVersion,
  type ServerCertVerifier,
  type ServerConfig,
  serverConfig,
  type ServerOptions,
  type Tls13CipherSuite,
} from '@tyls/tls-core';
import { isEcdheGroup } from '../../src/crypto/ecdhe.ts';

/** Of TLS 1.3 alone, which these tests are about. */
export const provider: Omit<CryptoProvider, 'cipherSuites'> & { readonly cipherSuites: readonly Tls13CipherSuite[] } = {
  ...nodeProvider(),
  // Without the hybrids that it has on a newer Node: they have tests of their own.
  keyExchangeGroups: nodeProvider().keyExchangeGroups.filter(({ name }) => isEcdheGroup(name)),
  cipherSuites: nodeProvider().cipherSuites.filter((suite) => suite.version === ProtocolVersion.TLSv1_3),
};
/** The same with X25519MLKEM768 and SecP256r1MLKEM768 before the other groups. */
export const hybridProvider: CryptoProvider = withPostQuantum(provider);
/** Of P-256. */
export const identity: CertifiedKey = await testCertifiedKey(provider);
export const p384Identity: CertifiedKey = await testCertifiedKey(provider, 'p384');
export const rsaIdentity: CertifiedKey = await testCertifiedKey(provider, 'rsa2048');
/** A chain and its key, in the provider's hands. */
export async function certifiedKeyOf(ca: TestCa, options: IssueOptions): Promise<CertifiedKey> {
  const { chain, privateKey } = await ca.issue(options);
  return { certificates: chain, key: await provider.loadPrivateKey({ format: 'pkcs8', der: privateKey }) };
}

/** As good as {@link identity}, with another key. */
export const otherIdentity: CertifiedKey = await certifiedKeyOf(await testRoot(), { names: [testName] });
/** Of a CA that nobody trusts. */
export const strangerIdentity: CertifiedKey = await certifiedKeyOf(await createCa({ name: 'stranger' }), {
  names: [testName],
});
export const serverVerifier: ServerCertVerifier = await testServerVerifier(provider);
export const clientVerifier: ClientCertVerifier = await testClientVerifier(provider);
export const optionalClientVerifier: ClientCertVerifier = await testClientVerifier(provider, { mandatory: false });

export function client(options: Partial<ClientOptions> = {}): ClientConfig {
  return clientConfig({ provider, verifier: serverVerifier, ...options });
}

export function server(options: Partial<ServerOptions> = {}): ServerConfig {
  return serverConfig({ provider, certificate: identity, ...options });
}
