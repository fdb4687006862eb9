/** Configurations of the core from what a Node program has: PEM and DER, files, defaults. */
import {
  type Awaitable,
  type CertifiedKey,
  type ClientCertResolver,
  type ClientCertVerifier,
  clientConfig,
  type ClientConfig,
  type ClientOptions,
  type CryptoProvider,
  isPromise,
  type KeyLog,
  type ServerCertResolver,
  type ServerCertVerifier,
  serverConfig,
  type ServerConfig,
} from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import {
  clientCertVerifier,
  type ClientCertVerifierOptions,
  type RootStore,
  rootStore,
  serverCertVerifier,
  type ServerCertVerifierOptions,
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

interface CommonOptions {
  /** The crypto backend; `nodeProvider()` of `@tyls/crypto-node` by default. */
  readonly provider?: CryptoProvider | undefined;
  /** The protocol versions to offer or accept, by `ProtocolVersion` of the core; TLS 1.3 and 1.2 by default. */
  readonly versions?: ClientOptions['versions'];
  /** Whether a TLS 1.2 peer without the extended master secret (RFC 7627) is refused; `false` by default. */
  readonly requireEms?: boolean | undefined;
  /** ALPN protocols in order of preference, such as `['h2', 'http/1.1']`. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Most plaintext in a record that is sent, in bytes: 32 to 16 384, the default. */
  readonly maxFragmentSize?: number | undefined;
  /** Most plaintext in a record that is accepted, in bytes, where the peer heeds it (RFC 8449): 64 to 16 385. */
  readonly recordSizeLimit?: number | undefined;
  /**
   * Takes the secrets of every connection, to decrypt captures with; `true` for the file that the environment variable
   * SSLKEYLOGFILE names, if it names one. None by default, whatever the environment says.
   */
  readonly keyLog?: KeyLog | true | undefined;
  /** The current time in milliseconds since 1970 UTC; `Date.now` by default. */
  readonly time?: (() => number) | undefined;
}

/** Whom to trust. */
export interface TrustOptions {
  /** Trust anchors; a store is made once and shared. */
  readonly roots?: RootStore | readonly TrustAnchor[] | undefined;
  /** Certificates to be trusted as roots, in PEM (one or many) or DER; beside `roots` where there are some. */
  readonly ca?: Encoded | readonly Encoded[] | undefined;
}

export interface ClientConfigOptions extends CommonOptions, TrustOptions {
  /** How servers are verified, instead of `roots`, `ca` and `verification`; without roots it is by Mozilla's. */
  readonly verifier?: ServerCertVerifier | undefined;
  /** What is demanded of servers beyond a path to one of the roots: a policy, revocation, OCSP, transparency, pins. */
  readonly verification?: Omit<ServerCertVerifierOptions, 'roots' | 'provider'> | undefined;
  /** For servers that ask for a certificate; a function chooses when they do. */
  readonly certificate?: Encoded | readonly Encoded[] | CertifiedKey | ClientCertResolver | undefined;
  /** What a function for `certificate` gives: X.509 certificates by default, or raw public keys. */
  readonly certificateType?: ClientOptions['certificateType'];
  /** Of an encoded `certificate`. */
  readonly key?: PrivateKey | undefined;
  /** Whether the server's DNS name is sent in clear, as SNI; `true` by default. */
  readonly sendServerName?: boolean | undefined;
  /** For which groups to send a key share at once; by default the provider's first. */
  readonly keyShares?: ClientOptions['keyShares'];
  /** Whether to look like TLS 1.2 to middleboxes (RFC 8446 section D.4); `true` by default. */
  readonly middleboxCompatibility?: boolean | undefined;
  /** Whether to offer values that mean nothing (RFC 8701), so that servers keep passing over them; `true` by default. */
  readonly grease?: boolean | undefined;
  /** Whether the extensions of a ClientHello come in another order each time, the default, or in the same. */
  readonly extensionOrder?: ClientOptions['extensionOrder'];
}

/** Refuses options that a configuration which is built already would overrule without a word. */
export function checkOnlyConfig(options: object): void {
  const ignored = configOptionNames.filter((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (ignored.length > 0)
    throw new TypeError(`${ignored.join(', ')}: give it to what builds config, not beside config`);
}

const configOptionNames = [
  'provider',
  'versions',
  'requireEms',
  'alpnProtocols',
  'maxFragmentSize',
  'recordSizeLimit',
  'keyLog',
  'time',
  'roots',
  'ca',
  'verifier',
  'verification',
  'certificate',
  'certificateType',
  'key',
  'sendServerName',
  'keyShares',
  'middleboxCompatibility',
  'grease',
  'extensionOrder',
  'ocspResponse',
  'sctList',
  'clientAuth',
] as const satisfies readonly (keyof ClientConfigOptions | keyof ServerConfigOptions)[];

/** Of whom clients need certificates, and what else is demanded of them. */
export interface ClientAuthOptions extends TrustOptions, Omit<ClientCertVerifierOptions, 'roots' | 'provider'> {}

export interface ServerConfigOptions extends CommonOptions {
  /** A function chooses by the ClientHello: by the name that the client asks for, say. */
  readonly certificate: Encoded | readonly Encoded[] | CertifiedKey | ServerCertResolver;
  /** Of an encoded `certificate`. */
  readonly key?: PrivateKey | undefined;
  /** An OCSPResponse in DER to staple to an encoded `certificate`. */
  readonly ocspResponse?: Uint8Array | undefined;
  /** A SignedCertificateTimestampList (RFC 6962 section 3.3), with its length, to go with an encoded `certificate`. */
  readonly sctList?: Uint8Array | undefined;
  /** Asks clients for certificates: of whom, or how they are verified. By default they are not asked. */
  readonly clientAuth?: ClientAuthOptions | ClientCertVerifier | undefined;
}

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
  const common = commonOptions(options);
  const { verifier, verification, roots, ca, sendServerName, keyShares } = options;
  const { middleboxCompatibility, grease, extensionOrder } = options;
  if (verifier !== undefined && (roots !== undefined || ca !== undefined || verification !== undefined)) {
    throw new TypeError(
      'a verifier has its own roots and options: give either verifier, or roots, ca and verification',
    );
  }
  return clientConfig({
    ...common,
    verifier:
      verifier ??
      serverCertVerifier({ ...verification, roots: trusted(options) ?? defaultRoots(), provider: common.provider }),
    certificate,
    certificateType: options.certificateType,
    sendServerName,
    keyShares,
    middleboxCompatibility,
    grease,
    extensionOrder,
  });
}

function serverConfigWith(
  options: ServerConfigOptions,
  certificate: CertifiedKey | ServerCertResolver | undefined,
): ServerConfig {
  if (certificate === undefined) throw new TypeError('a server needs a certificate');
  const common = commonOptions(options);
  return serverConfig({ ...common, certificate, clientVerifier: clientVerifier(options, common.provider) });
}

function clientVerifier({ clientAuth }: ServerConfigOptions, provider: CryptoProvider): ClientCertVerifier | undefined {
  if (clientAuth === undefined || 'verifyClientCert' in clientAuth) return clientAuth;
  const roots = trusted(clientAuth);
  // Everybody gets a certificate of the web's CAs, so that to trust those would be to let everybody in.
  if (roots === undefined)
    throw new TypeError('clientAuth needs roots or ca: who issues the clients their certificates?');
  return clientCertVerifier({ ...clientAuth, roots, provider });
}

function commonOptions({
  provider,
  versions,
  requireEms,
  alpnProtocols,
  maxFragmentSize,
  recordSizeLimit,
  keyLog,
  time,
}: CommonOptions): {
  readonly provider: CryptoProvider;
  readonly versions: ClientOptions['versions'];
  readonly requireEms: boolean | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
  readonly maxFragmentSize: number | undefined;
  readonly recordSizeLimit: number | undefined;
  readonly keyLog: KeyLog | undefined;
  readonly time: (() => number) | undefined;
} {
  return {
    provider: provider ?? nodeProvider(),
    versions,
    requireEms,
    alpnProtocols,
    maxFragmentSize,
    recordSizeLimit,
    keyLog: keyLog === true ? keyLogFromEnvironment() : keyLog,
    time,
  };
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
