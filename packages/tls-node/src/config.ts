/** Configurations of the core from what a Node program has: PEM and DER, files, defaults. */
import {
  type Awaitable,
  type CertifiedKey,
  type ClientCertResolver,
  type ClientCertVerifier,
  clientConfig,
  type ClientConfig,
  clientSessionMemory,
  type ClientSessionStore,
  type CryptoProvider,
  isPromise,
  type KeyLog,
  type ServerCertResolver,
  serverConfig,
  type ServerConfig,
  type Ticketer,
  ticketer,
} from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import {
  clientCertVerifier,
  type RootStore,
  rootStore,
  serverCertVerifier,
  type TrustAnchor,
  trustAnchorFromCertificate,
} from '@tyls/webpki';
import { webpkiRoots } from '@tyls/webpki-roots';
import {
  checkCertifiedKey,
  decodeCertificates,
  type Encoded,
  loadCertifiedKey,
  type PrivateKey,
} from './certified_key.ts';
import { keyLogFromEnvironment } from './key_log_file.ts';
import { type ClientConfigOptions, type ServerConfigOptions, type TrustOptions } from './options.ts';

/**
 * A client's configuration, built and checked once for any number of connections.
 *
 * @returns a promise only if there is a key and the provider loads keys asynchronously
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function createClientConfig(options: ClientConfigOptions = {}): Awaitable<ClientConfig> {
  const certificate = certificateOf(options);
  return isPromise(certificate)
    ? certificate.then((loaded) => clientConfigWith(options, loaded))
    : clientConfigWith(options, certificate);
}

/**
 * A server's configuration, built and checked once for any number of connections.
 *
 * @returns a promise only if there is a key and the provider loads keys asynchronously
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function createServerConfig(options: ServerConfigOptions): Awaitable<ServerConfig> {
  const certificate = certificateOf(options);
  return isPromise(certificate)
    ? certificate.then((loaded) => serverConfigWith(options, loaded))
    : serverConfigWith(options, certificate);
}

/**
 * The same for a connection that is about to begin: a key that is still being loaded is waited for when it is needed.
 *
 * @param failed called if loading it fails
 */
export function startClientConfig(options: ClientConfigOptions, failed: (error: Error) => void): ClientConfig {
  const certificate = certificateOf(options);
  return clientConfigWith(options, isPromise(certificate) ? whenLoaded(certificate, failed) : certificate);
}

/** As {@link startClientConfig}. */
export function startServerConfig(options: ServerConfigOptions, failed: (error: Error) => void): ServerConfig {
  const certificate = certificateOf(options);
  return serverConfigWith(options, isPromise(certificate) ? whenLoaded(certificate, failed) : certificate);
}

function whenLoaded(
  loading: PromiseLike<CertifiedKey>,
  failed: (error: Error) => void,
): () => PromiseLike<CertifiedKey> {
  loading.then(undefined, failed);
  return () => loading;
}

function clientConfigWith(
  options: ClientConfigOptions,
  certificate: CertifiedKey | ClientCertResolver | undefined,
): ClientConfig {
  const { verifier, verification, roots, ca } = options;
  if (verifier !== undefined && (roots !== undefined || ca !== undefined || verification !== undefined)) {
    throw new TypeError(
      'a verifier has its own roots and options: give either verifier, or roots, ca and verification',
    );
  }
  const { provider, keyLog } = common(options);
  return clientConfig({
    ...options,
    provider,
    keyLog,
    verifier: verifier ?? serverCertVerifier({ ...verification, roots: trusted(options) ?? defaultRoots(), provider }),
    certificate,
    sessionStore: options.sessionStore ?? processSessions(),
  });
}

function serverConfigWith(
  options: ServerConfigOptions,
  certificate: CertifiedKey | ServerCertResolver | undefined,
): ServerConfig {
  const { provider, keyLog } = common(options);
  return serverConfig({
    ...options,
    provider,
    keyLog,
    certificate,
    clientVerifier: clientVerifier(options, provider),
    ticketer: ticketerOf(options, provider),
  });
}

function ticketerOf(options: ServerConfigOptions, provider: CryptoProvider): Ticketer | undefined {
  const { ticketKeys: keys, time } = options;
  if (keys === undefined) return options.ticketer;
  if (options.ticketer !== undefined) throw new TypeError('a ticketer has its own keys: give it or ticketKeys');
  return ticketer({ provider, keys, time });
}

function clientVerifier({ clientAuth }: ServerConfigOptions, provider: CryptoProvider): ClientCertVerifier | undefined {
  if (clientAuth === undefined || 'verifyClientCert' in clientAuth) return clientAuth;
  const roots = trusted(clientAuth);
  // Everybody gets a certificate of the web's CAs, so that to trust those would be to let everybody in.
  if (roots === undefined)
    throw new TypeError('clientAuth needs roots or ca: who issues the clients their certificates?');
  return clientCertVerifier({ ...clientAuth, roots, provider });
}

/** What stands in the core for options that are not its own. */
function common({ provider = nodeProvider(), keyLog }: ClientConfigOptions | ServerConfigOptions): {
  readonly provider: CryptoProvider;
  readonly keyLog: KeyLog | undefined;
} {
  return { provider, keyLog: keyLog === true ? keyLogFromEnvironment() : keyLog };
}

function certificateOf<Resolver extends (info: never) => unknown>({
  certificate,
  key,
  provider,
  ocspResponse,
  sctList,
}: {
  readonly certificate?: Encoded | readonly Encoded[] | CertifiedKey | Resolver | undefined;
  readonly key?: PrivateKey | undefined;
  readonly provider?: CryptoProvider | undefined;
  readonly ocspResponse?: Uint8Array | undefined;
  readonly sctList?: Uint8Array | undefined;
}): Awaitable<CertifiedKey> | Resolver | undefined {
  if (typeof certificate === 'string' || certificate instanceof Uint8Array || isArray(certificate)) {
    if (key === undefined) throw new TypeError('certificate needs its key');
    return loadCertifiedKey({ certificate, key, ocspResponse, sctList, provider });
  }
  if (key !== undefined || ocspResponse !== undefined || sctList !== undefined) {
    throw new TypeError('key, ocspResponse and sctList belong to a certificate in PEM or DER');
  }
  if (certificate !== undefined && 'certificates' in certificate) checkCertifiedKey(certificate);
  return certificate;
}

/** As Array.isArray, which does not know that an array may be readonly. */
function isArray(value: unknown): value is readonly Encoded[] {
  return Array.isArray(value);
}

/** @returns `undefined` if neither is there */
function trusted({ roots, ca }: TrustOptions): RootStore | undefined {
  if (roots !== undefined && 'withSubject' in roots && ca === undefined) return roots;
  if (roots === undefined && ca === undefined) return undefined;
  const anchors = roots === undefined ? [] : 'anchors' in roots ? roots.anchors : roots;
  const added = ca === undefined ? [] : decodeCertificates(ca).map(trustAnchor);
  return rootStore([...anchors, ...added]);
}

function trustAnchor(der: Uint8Array): TrustAnchor {
  try {
    return trustAnchorFromCertificate(der);
  } catch (cause) {
    throw new TypeError(`ca: not a certificate: ${(cause as Error).message}`, { cause });
  }
}

let mozillaRoots: RootStore | undefined;

function defaultRoots(): RootStore {
  mozillaRoots ??= rootStore(webpkiRoots());
  return mozillaRoots;
}

let sessions: ClientSessionStore | undefined;

function processSessions(): ClientSessionStore {
  sessions ??= clientSessionMemory();
  return sessions;
}
