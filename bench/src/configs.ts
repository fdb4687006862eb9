/**
 * The same connection on both sides of every comparison: TLS 1.3, X25519, one suite, the chain of `pki.ts` verified up to
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
import { type WebChain } from './pki.ts';

/** In figures' names, and what it is called in IANA's registry and by OpenSSL. */
export const suites = {
  aes128gcm: 'TLS_AES_128_GCM_SHA256',
  aes256gcm: 'TLS_AES_256_GCM_SHA384',
  chacha20poly1305: 'TLS_CHACHA20_POLY1305_SHA256',
} as const;
export type SuiteName = keyof typeof suites;

/** The first choice of both tyls and OpenSSL. */
export const defaultSuite: SuiteName = 'aes256gcm';

export interface TylsConfigs {
  readonly client: ClientConfig;
  readonly server: ServerConfig;
}

/** @param maxFragmentSize of the server; 16 384 by default */
export async function tylsConfigs(chain: WebChain, suite: SuiteName, maxFragmentSize?: number): Promise<TylsConfigs> {
  const provider = onlySuite(nodeProvider(), suite);
  const roots = [trustAnchorFromCertificate(chain.root)];
  const key = await provider.loadPrivateKey({ format: 'pkcs8', der: chain.privateKey });
  return {
    client: clientConfig({ provider, verifier: serverCertVerifier({ roots, provider }) }),
    server: serverConfig({
      provider,
      certificate: { certificates: [chain.endEntity, chain.intermediate], key },
      maxFragmentSize,
    }),
  };
}

function onlySuite(provider: CryptoProvider, suite: SuiteName): CryptoProvider {
  return { ...provider, cipherSuites: provider.cipherSuites.filter(({ id }) => id === CipherSuite[suites[suite]]) };
}

const versions = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/** Newer OpenSSL has a post-quantum hybrid as its default, which tyls is not asked for. */
const group = { ecdhCurve: 'X25519' } as const;

export interface NodeOptions {
  readonly client: ConnectionOptions;
  readonly server: TlsOptions;
}

/** For `node:tls`. */
export function nodeOptions(chain: WebChain, suite: SuiteName): NodeOptions {
  const ciphers = suites[suite];
  return {
    client: { ...versions, ...group, ciphers, ca: chain.rootPem, servername: testName },
    server: { ...versions, ...group, ciphers, cert: chain.chainPem, key: chain.privateKeyPem },
  };
}

/** @throws Error if this connection of `node:tls` is not what {@link nodeOptions} asked for */
export function checkNegotiated(socket: TLSSocket, suite: SuiteName): void {
  const agreed = [socket.getProtocol(), socket.getCipher().name, groupOf(socket), socket.authorized];
  const wanted = ['TLSv1.3', suites[suite], 'X25519', true];
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
): void {
  const { cipherSuite, keyExchangeGroup } = connection;
  if (cipherSuite !== CipherSuite[suites[suite]] || keyExchangeGroup !== NamedGroup.X25519) {
    throw new Error(`tyls: suite ${cipherSuite} and group ${keyExchangeGroup} instead of ${suites[suite]} and X25519`);
  }
}
