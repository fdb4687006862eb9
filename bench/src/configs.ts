/**
 * The same connection on both sides of every comparison: one version, X25519, one suite, the chain of `pki.ts` verified up to
 * its root and for the name asked for, no client certificate, no ALPN.
 */
import {
  CipherSuite,
  clientConfig,
  type ClientConfig,
  type CryptoProvider,
  NamedGroup,
  serverConfig,
  type ServerConfig,
} from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { testName } from '@tyls/testing';
import { serverCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import { type ConnectionOptions, type TlsOptions, type TLSSocket } from 'node:tls';
import { type ChainKind, type WebChain } from './pki.ts';

/** By IANA's names: those of TLS 1.3 as the names of figures have them, and one of TLS 1.2 for each kind of chain. */
export const suites = {
  aes128gcm: 'TLS_AES_128_GCM_SHA256',
  aes256gcm: 'TLS_AES_256_GCM_SHA384',
  chacha20poly1305: 'TLS_CHACHA20_POLY1305_SHA256',
  tls12ecdsa: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  tls12rsa: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
} as const;
export type SuiteName = keyof typeof suites;

/** Those of TLS 1.3, for what is measured of records: TLS 1.2 seals them in the same way. */
export type BulkSuiteName = 'aes128gcm' | 'aes256gcm' | 'chacha20poly1305';
export const bulkSuiteNames: readonly BulkSuiteName[] = ['aes128gcm', 'aes256gcm', 'chacha20poly1305'];

/** What OpenSSL calls those of TLS 1.2. */
const opensslNames: Readonly<Record<string, string>> = {
  [suites.tls12ecdsa]: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  [suites.tls12rsa]: 'ECDHE-RSA-AES256-GCM-SHA384',
};

/** The first choice of both tyls and OpenSSL. */
export const defaultSuite: SuiteName = 'aes256gcm';

/** As they stand in figures' names. */
export const versions = ['tls13', 'tls12'] as const;
export type Version = (typeof versions)[number];

/** The first choice of a version, for a chain. */
export function suiteOf(version: Version, kind: ChainKind): SuiteName {
  return version === 'tls13' ? defaultSuite : `tls12${kind}`;
}

export function versionOf(suite: SuiteName): Version {
  return suite.startsWith('tls12') ? 'tls12' : 'tls13';
}

export interface TylsConfigs {
  readonly client: ClientConfig;
  readonly server: ServerConfig;
}

export interface TylsOptions {
  /** Whether the client keeps sessions, and so resumes them; full handshakes are what is measured else. */
  readonly resumes?: boolean;
  /** `nodeProvider()` by default; only the suite asked for is left of its suites. */
  readonly provider?: CryptoProvider;
}

export async function tylsConfigs(
  chain: WebChain,
  suite: SuiteName,
  { resumes = false, provider: whole = nodeProvider() }: TylsOptions = {},
): Promise<TylsConfigs> {
  const provider = onlySuite(whole, suite);
  const roots = [trustAnchorFromCertificate(chain.root)];
  const key = await provider.loadPrivateKey({ format: 'pkcs8', der: chain.privateKey });
  return {
    client: clientConfig({
      provider,
      verifier: serverCertVerifier({ roots, provider }),
      ...(!resumes && { sessionStore: false }),
    }),
    server: serverConfig({
      provider,
      certificate: { certificates: [chain.endEntity, chain.intermediate], key },
    }),
  };
}

/** Nor are the hybrids left, which newer Node.js has: {@link nodeOptions} asks for none either. */
function onlySuite(provider: CryptoProvider, suite: SuiteName): CryptoProvider {
  return {
    ...provider,
    cipherSuites: provider.cipherSuites.filter(({ id }) => id === CipherSuite[suites[suite]]),
    keyExchangeGroups: provider.keyExchangeGroups.filter(({ name }) => name < NamedGroup.SecP256r1MLKEM768),
  };
}

const protocols = { tls13: 'TLSv1.3', tls12: 'TLSv1.2' } as const;

/**
 * Newer OpenSSL has a post-quantum hybrid as its default, which tyls is not asked for. In TLS 1.2 the curve of the
 * server's key must be among them (RFC 8422 section 5.1).
 */
const groups = { tls13: 'X25519', tls12: 'X25519:P-256' } as const;

export interface NodeOptions {
  readonly client: ConnectionOptions;
  readonly server: TlsOptions;
}

/** For `node:tls`. */
export function nodeOptions(chain: WebChain, suite: SuiteName): NodeOptions {
  const version = versionOf(suite);
  const protocol = protocols[version];
  const ciphers = opensslNames[suites[suite]] ?? suites[suite];
  const both = { ecdhCurve: groups[version], minVersion: protocol, maxVersion: protocol, ciphers };
  return {
    client: { ...both, ca: chain.rootPem, servername: testName },
    server: { ...both, cert: chain.chainPem, key: chain.privateKeyPem },
  };
}

/** @throws Error if this connection of `node:tls` is not what {@link nodeOptions} asked for */
export function checkNegotiated(socket: TLSSocket, suite: SuiteName): void {
  const agreed = [socket.getProtocol(), socket.getCipher().standardName, groupOf(socket), socket.authorized];
  const wanted = [protocols[versionOf(suite)], suites[suite], 'X25519', true];
  if (agreed.join() !== wanted.join()) throw new Error(`node:tls: ${agreed.join(' ')} instead of ${wanted.join(' ')}`);
}

function groupOf(socket: TLSSocket): string | undefined {
  const info = socket.getEphemeralKeyInfo();
  return info !== null && 'name' in info ? info.name : undefined;
}

/** {@link checkNegotiated} for tyls. */
export function checkTyls(
  connection: { readonly cipherSuite: CipherSuite | undefined; readonly keyExchangeGroup: NamedGroup | undefined },
  suite: SuiteName,
  group: NamedGroup = NamedGroup.X25519,
): void {
  const { cipherSuite, keyExchangeGroup } = connection;
  if (cipherSuite !== CipherSuite[suites[suite]] || keyExchangeGroup !== group) {
    throw new Error(
      `tyls: suite ${cipherSuite} and group ${keyExchangeGroup} instead of ${suites[suite]} and ${group}`,
    );
  }
}
