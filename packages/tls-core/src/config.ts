/** Configurations: built once, checked once, immutable, shared by any number of connections. */
import { asciiBytes } from './codec/bytes.ts';
import {
  type CertificateCompression,
  certificateCompressionOf,
  type CertificateCompressionOptions,
} from './compression.ts';
import { isEcdheGroup } from './crypto/ecdhe.ts';
import {
  type CryptoProvider,
  type KeyExchangeGroup,
  type SigningKey,
  type Tls12CipherSuite,
  type Tls13CipherSuite,
} from './crypto/provider.ts';
import { type ExternalPsk } from './keys/external_psk.ts';
import { type KeyLog } from './keys/key_log.ts';
import { type TicketRequest } from './messages/client_hello.ts';
import { minRecordSizeLimit } from './messages/extension.ts';
import { maxPlaintext } from './record/deframer.ts';
import { extractSecrets, type SecretExtraction } from './record/secret_extraction.ts';
import {
  CertificateType,
  type CipherSuite,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  type SignatureScheme,
} from './registry.ts';
import { serverSessionMemory } from './sessions/memory.ts';
import { lazyPolicyDigest, type Policy } from './sessions/scope.ts';
import { type ClientSessionStore, type ServerSessionStore, type Ticketer } from './sessions/store.ts';
import { type Awaitable } from './step/step.ts';
import { beginTrace, type TraceBeginning, type Tracer } from './trace.ts';
import { type ClientCertVerifier, type ServerCertVerifier } from './verify.ts';

/** A certificate chain and the key of its first certificate. */
export interface CertifiedKey {
  /**
   * DER, the end entity first, each followed by its issuer; the root may be left out. Of a raw public key it is the
   * SubjectPublicKeyInfo alone. Kept.
   */
  readonly certificates: readonly Uint8Array[];
  /** What they are: X.509 certificates by default, or a raw public key (RFC 7250). */
  readonly certificateType?: CertificateType | undefined;
  readonly key: SigningKey;
  /** An OCSPResponse in DER, stapled for peers that ask. Kept. */
  readonly ocspResponse?: Uint8Array | undefined;
  /** A SignedCertificateTimestampList (RFC 6962 section 3.3), with its length, for peers that ask. Kept. */
  readonly sctList?: Uint8Array | undefined;
}

/** What a server knows of a client before it answers: views of nothing, may be kept. */
export interface ClientHelloInfo {
  /** SNI, in lower case. */
  readonly serverName: string | undefined;
  /** ALPN protocols in the client's order; bytes outside ASCII as Latin-1. */
  readonly alpnProtocols: readonly string[];
  readonly versions: readonly ProtocolVersion[];
  /** The version that was chosen; `undefined` before that, where a configuration is still to be chosen. */
  readonly protocolVersion: ProtocolVersion | undefined;
  readonly cipherSuites: readonly CipherSuite[];
  readonly namedGroups: readonly NamedGroup[];
  /** For the handshake; where the version is chosen, those alone that it, and in TLS 1.2 a suite in common, can use. */
  readonly signatureSchemes: readonly SignatureScheme[];
  /** For certificates: signature_algorithms_cert, or else signature_algorithms (RFC 8446 section 4.2.3). */
  readonly signatureSchemesCert: readonly SignatureScheme[];
  /** What the client can show and what it can verify, in its order (RFC 7250): X.509 if it does not say. */
  readonly clientCertificateTypes: readonly CertificateType[];
  readonly serverCertificateTypes: readonly CertificateType[];
  /** DER Names of the CAs that the client trusts, where it says so. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

/** What a client knows of a server that asks for a certificate. */
export interface CertificateRequestInfo {
  readonly signatureSchemes: readonly SignatureScheme[];
  readonly signatureSchemesCert: readonly SignatureScheme[];
  /** DER Names of the CAs that the server trusts, where it says so. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

/** Chooses a server's certificate from the ClientHello; `undefined` if it has none for this client. */
export type ServerCertResolver = (hello: ClientHelloInfo) => Awaitable<CertifiedKey | undefined>;

/**
 * Finds an external PSK by the identity that a client sent (the caller's own copy), of at most 8 a client; `undefined` if
 * there is none. A client that has one is believed for it, and not asked for a certificate. For a session that goes on from
 * it nobody asks again, for as long as the session lasts.
 */
export type ExternalPskResolver = ((identity: Uint8Array) => Awaitable<ExternalPsk | undefined>) & Policy;

/** Chooses a client's certificate; `undefined` to send none. */
export type ClientCertResolver = ((request: CertificateRequestInfo) => Awaitable<CertifiedKey | undefined>) & Policy;

interface CommonOptions extends CertificateCompressionOptions {
  readonly provider: CryptoProvider;
  /** The protocol versions to offer or accept; by default all that the provider has cipher suites for. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  /**
   * Whether a TLS 1.2 peer without the extended master secret (RFC 7627) is refused, since sessions with it are not
   * bound to their handshakes; `false` by default. TLS 1.3 always binds them.
   */
  readonly requireEms?: boolean | undefined;
  /** ALPN protocols in order of preference (RFC 7301), each 1 to 255 ASCII characters and none twice. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Most plaintext in a record that is sent, in bytes: 32 to 16 384, the default. */
  readonly maxFragmentSize?: number | undefined;
  /**
   * Most plaintext in a protected record that is accepted, in bytes: 64 to 16 385 (RFC 8449), where in TLS 1.3 the content
   * type and padding count too; for who has little memory. By default a client does not ask for it, and a server names
   * the most that its protocol allows. Servers tell it only to clients that ask, and clients may not know of it.
   * Whatever the peer says is heeded when sending, besides `maxFragmentSize`.
   */
  readonly recordSizeLimit?: number | undefined;
  /**
   * Whether to send values that mean nothing among those that do (RFC 8701), some 30 bytes in a ClientHello and 4 with
   * each ticket of TLS 1.3, so that peers keep passing over what they do not know; `true` by default: browsers do the
   * same, so every server that is to serve them bears it.
   */
  readonly grease?: boolean | undefined;
  /** Takes the secrets of every connection, to decrypt captures with. None by default. */
  readonly keyLog?: KeyLog | undefined;
  /**
   * Whether `extractSecrets` of a connection gives its keys away, for the kernel's TLS and the like; `false` by default.
   * Whoever has them can read and forge all that the connection carries.
   */
  readonly enableSecretExtraction?: boolean | undefined;
  /** Gives for each connection what takes its events: messages, states, keys and alerts, by name and size. None by default. */
  readonly trace?: Tracer | undefined;
  /** The current time in milliseconds since 1970 UTC; `Date.now` by default. */
  readonly time?: (() => number) | undefined;
}

/** What {@link clientConfig} checks. */
export interface ClientOptions extends CommonOptions {
  /** How the server is verified; `@tyls/webpki` has one. */
  readonly verifier: ServerCertVerifier;
  /** The certificate for servers that ask for one; none by default. */
  readonly certificate?: CertifiedKey | ClientCertResolver | undefined;
  /** What a function for `certificate` gives, which servers are told before they ask; X.509 certificates by default. */
  readonly certificateType?: CertificateType | undefined;
  /** Whether the server's DNS name is sent in clear, as SNI; `true` by default. */
  readonly sendServerName?: boolean | undefined;
  /**
   * For which groups to send a key share at once; by default the provider's first, or the one that the server asked for
   * last time. Others may cost a round trip, and with none the server has to ask for one.
   */
  readonly keyShares?: readonly NamedGroup[] | undefined;
  /**
   * Where sessions are kept for later connections; by default in memory, of 256 servers, for this configuration.
   * `false`: none is kept and none resumed.
   */
  readonly sessionStore?: ClientSessionStore | false | undefined;
  /**
   * How many tickets to ask a TLS 1.3 server for (RFC 9149), each 0 to 255; by default the server decides. Of no use
   * without a session store.
   */
  readonly ticketRequest?: TicketRequest | undefined;
  /**
   * Whether to offer early data (0-RTT, RFC 8446 section 2.3) where a ticket allows it: `sendEarlyData` sends some.
   * `false` by default. It is not protected from being replayed, and has no forward secrecy: only for requests that may
   * be answered twice.
   */
  readonly earlyData?: boolean | undefined;
  /**
   * Keys that the server has from elsewhere (RFC 8446 section 4.2.11), at most 7, offered in TLS 1.3. A server that takes
   * one shows no certificate, and none is verified. None by default.
   */
  readonly externalPsks?: readonly ExternalPsk[] | undefined;
  /** Whether to look like TLS 1.2 to middleboxes (RFC 8446 section D.4); `true` by default. */
  readonly middleboxCompatibility?: boolean | undefined;
  /**
   * In which order a ClientHello has its extensions: `'random'`, the default, is another in each connection, so that
   * nobody comes to depend on one; pre_shared_key is the last in any.
   */
  readonly extensionOrder?: 'random' | 'fixed' | undefined;
}

/** What {@link serverConfig} checks. */
export interface ServerOptions extends CommonOptions {
  /** May be left out by a server that has external PSKs, and then speaks with their holders alone. */
  readonly certificate?: CertifiedKey | ServerCertResolver | undefined;
  /** Finds the key that a client has from elsewhere. None by default. */
  readonly resolveExternalPsk?: ExternalPskResolver | undefined;
  /** How clients are verified; by default they are not asked for a certificate. */
  readonly clientVerifier?: ClientCertVerifier | undefined;
  /**
   * Where sessions are kept that clients may resume; by default 256 of them in memory, for this configuration. `false`:
   * none is kept. Without this and without a ticketer nothing is resumed.
   */
  readonly sessionStore?: ServerSessionStore | false | undefined;
  /**
   * Makes tickets that bring their session with them; then nothing is put into the store, but for TLS 1.2 clients that
   * know no tickets. None by default.
   */
  readonly ticketer?: Ticketer | undefined;
  /**
   * How many tickets to send to a client after a TLS 1.3 handshake at most: 0 to 16; 2 by default. After a resumed one it
   * is one, which takes the place of the one that the client used, unless it asks for more; fewer if it asks for fewer
   * (RFC 9149).
   */
  readonly ticketCount?: number | undefined;
  /**
   * How much early data (0-RTT, RFC 8446 section 2.3) to accept from a client that resumes, in bytes; none by default.
   * Needs a session store, and goes with no ticketer: that the store gives each session away once is what keeps early
   * data from being replayed to servers that share it.
   */
  readonly maxEarlyDataSize?: number | undefined;
  /**
   * Whether what is sent before the handshake is complete goes out at once, after our Finished (0.5-RTT, RFC 8446
   * section 4.4.4); `false` by default. Who gets it has not shown yet that it is there now. Never where clients are asked
   * for certificates.
   */
  readonly sendHalfRttData?: boolean | undefined;
}

interface CommonConfig {
  readonly provider: CryptoProvider;
  /** Newest first. */
  readonly versions: readonly ProtocolVersion[];
  /** Empty if TLS 1.3 is not among the versions. */
  readonly tls13CipherSuites: readonly Tls13CipherSuite[];
  /** Empty if TLS 1.2 is not among the versions. */
  readonly tls12CipherSuites: readonly Tls12CipherSuite[];
  readonly requireEms: boolean;
  readonly alpnProtocols: readonly Uint8Array[];
  readonly maxFragmentSize: number;
  readonly recordSizeLimit: number | undefined;
  readonly grease: boolean;
  readonly keyLog: KeyLog | undefined;
  readonly enableSecretExtraction: boolean;
  readonly trace: Tracer | undefined;
  readonly time: () => number;
}

declare const checked: unique symbol;

declare const brought: unique symbol;

/**
 * What a client does with PSKs, and with the sessions that they come from. That a configuration brings it is what makes a
 * program without them be bundled without it.
 */
export interface ClientPskProtocol {
  readonly [brought]: 'PSKs of a client';
}

/** How a client shows a certificate; brought in the same way. */
export interface ClientCertificateProtocol {
  readonly [brought]: 'certificates of a client';
}

/** What a client's configuration has that another may be bundled without. */
export interface ClientExtras {
  readonly resolveCertificate: ClientCertResolver;
  /** What that gives. */
  readonly certificateType: CertificateType;
  readonly certificateProtocol: ClientCertificateProtocol;
  readonly certificateCompression: CertificateCompression | undefined;
  readonly pskProtocol: ClientPskProtocol;
  readonly sessionStore: ClientSessionStore | undefined;
  readonly ticketRequest: TicketRequest | undefined;
  readonly earlyData: boolean;
  readonly externalPsks: readonly ExternalPsk[];
  readonly beginTrace: TraceBeginning | undefined;
  readonly extractSecrets: SecretExtraction | undefined;
  /** Digest of all that decides whom to believe, and as whom to appear: 32 bytes. */
  readonly policies: () => Uint8Array;
}

/** A checked client configuration: of `clientConfig`, or of `minimalClientConfig`. */
export interface ClientConfig extends CommonConfig, ClientExtras {
  readonly [checked]: 'client';
  readonly verifier: ServerCertVerifier;
  readonly sendServerName: boolean;
  /** Not empty if TLS 1.3 is offered. */
  readonly keyShareGroups: readonly KeyExchangeGroup[];
  /** Whether the group that a server asked for last time comes in place of those. */
  readonly followsGroupHints: boolean;
  readonly middleboxCompatibility: boolean;
  readonly extensionOrder: 'random' | 'fixed';
  /** How much of a ClientHello is what the configuration's user chose the length of, in bytes. */
  readonly chosenLength: number;
}

/** A checked server configuration. Only {@link serverConfig} makes one. */
export interface ServerConfig extends CommonConfig {
  readonly [checked]: 'server';
  readonly certificateCompression: CertificateCompression | undefined;
  /** Digest of all that decides whom to believe: 32 bytes. */
  readonly policies: () => Uint8Array;
  readonly resolveExternalPsk: ExternalPskResolver | undefined;
  readonly resolveCertificate: ServerCertResolver;
  readonly clientVerifier: ClientCertVerifier | undefined;
  readonly sessionStore: ServerSessionStore | undefined;
  readonly ticketer: Ticketer | undefined;
  readonly ticketCount: number;
  readonly maxEarlyDataSize: number;
  readonly sendHalfRttData: boolean;
  readonly beginTrace: TraceBeginning;
  readonly extractSecrets: SecretExtraction;
}

/**
 * Most bytes of a ClientHello for authorities, PSK identities and protocols: beside them it has room for a ticket of each
 * version, all key shares, and a cookie.
 */
const maxChosenLength = 24_576;

/** Most bytes of a CertificateRequest for authorities. */
const maxRequestAuthorities = 61_440;

/** Checks all but the extras, which are the caller's. */
export function checkedClientConfig(options: ClientOptions, extras: ClientExtras): ClientConfig {
  const { verifier } = options;
  const common = commonConfig(options);
  checkVerifier(verifier);
  const authorities = lengthOf(verifier.rootHintSubjects ?? []);
  const identities = lengthOf(extras.externalPsks.map(({ identity }) => identity));
  const chosenLength = authorities + identities + lengthOf(common.alpnProtocols);
  if (chosenLength > maxChosenLength) {
    throw new RangeError(
      `rootHintSubjects, externalPsks and alpnProtocols have at most ${maxChosenLength} bytes, not ${chosenLength}`,
    );
  }
  const groups = options.provider.keyExchangeGroups;
  const names = options.keyShares ?? [groups[0]!.name];
  if (new Set(names).size !== names.length) throw new RangeError('keyShares names a group twice');
  return Object.freeze({
    ...common,
    ...extras,
    verifier,
    sendServerName: options.sendServerName ?? true,
    keyShareGroups: names.map((name) => {
      const group = groups.find((candidate) => candidate.name === name);
      if (group === undefined)
        throw new RangeError(`the provider has no group ${nameOf(NamedGroup, name)} for keyShares`);
      return group;
    }),
    followsGroupHints: options.keyShares === undefined,
    middleboxCompatibility: options.middleboxCompatibility ?? true,
    extensionOrder: options.extensionOrder ?? 'random',
    chosenLength,
  }) as Omit<ClientConfig, typeof checked> as ClientConfig;
}

/** @throws TypeError or RangeError that says which option cannot be and why */
export function serverConfig(options: ServerOptions): ServerConfig {
  const { certificate, clientVerifier, sessionStore, ticketer, ticketCount = 2, maxEarlyDataSize = 0 } = options;
  const { resolveExternalPsk } = options;
  if (certificate === undefined && resolveExternalPsk === undefined) {
    throw new TypeError('a server needs a certificate, or external PSKs');
  }
  if (clientVerifier !== undefined) {
    checkVerifier(clientVerifier);
    const authorities = lengthOf(clientVerifier.rootHintSubjects);
    if (authorities > maxRequestAuthorities) {
      throw new RangeError(
        `rootHintSubjects has at most ${maxRequestAuthorities} bytes, not ${authorities}: without any a server asks for all`,
      );
    }
  }
  if (!(Number.isInteger(ticketCount) && ticketCount >= 0 && ticketCount <= 16)) {
    throw new RangeError(`ticketCount is 0 to 16, not ${ticketCount}`);
  }
  if (!(Number.isInteger(maxEarlyDataSize) && maxEarlyDataSize >= 0 && maxEarlyDataSize <= 0xffff_ffff)) {
    throw new RangeError(`maxEarlyDataSize is 0 to 4 294 967 295 bytes, not ${maxEarlyDataSize}`);
  }
  // RFC 8446 section 8.1: it must be single-use, and a ticket that brings its session with it is not.
  if (maxEarlyDataSize > 0 && (ticketer !== undefined || sessionStore === false)) {
    throw new RangeError('maxEarlyDataSize needs a session store, and no ticketer');
  }
  // A session says who the client is, and nothing of the server: any certificate of ours may go on with it.
  const policies = resolveExternalPsk === undefined ? [clientVerifier] : [clientVerifier, resolveExternalPsk];
  return Object.freeze({
    ...commonConfig(options),
    certificateCompression: certificateCompressionOf(options),
    policies: lazyPolicyDigest(options.provider, policies),
    resolveExternalPsk,
    resolveCertificate: resolverOf(certificate),
    clientVerifier,
    sessionStore: sessionStore === false ? undefined : (sessionStore ?? serverSessionMemory()),
    ticketer,
    ticketCount,
    maxEarlyDataSize,
    sendHalfRttData: options.sendHalfRttData ?? false,
    beginTrace,
    extractSecrets,
  }) as Omit<ServerConfig, typeof checked> as ServerConfig;
}

function commonConfig(options: CommonOptions): CommonConfig {
  checkProvider(options.provider);
  const suites = enabledSuites(options.provider, options.versions);
  const maxFragmentSize = options.maxFragmentSize ?? maxPlaintext;
  if (!isWithin(maxFragmentSize, 32, maxPlaintext)) {
    throw new RangeError(`maxFragmentSize is 32 to ${maxPlaintext} bytes, not ${maxFragmentSize}`);
  }
  const { recordSizeLimit } = options;
  if (recordSizeLimit !== undefined && !isWithin(recordSizeLimit, minRecordSizeLimit, maxPlaintext + 1)) {
    throw new RangeError(
      `recordSizeLimit is ${minRecordSizeLimit} to ${maxPlaintext + 1} bytes, not ${recordSizeLimit}`,
    );
  }
  const alpnProtocols = (options.alpnProtocols ?? []).map((protocol) => {
    if (protocol.length === 0 || protocol.length > 255) throw new RangeError('an ALPN protocol has 1 to 255 bytes');
    return asciiBytes(protocol);
  });
  if (new Set(options.alpnProtocols).size !== alpnProtocols.length) {
    throw new RangeError('alpnProtocols names a protocol twice');
  }
  return {
    provider: options.provider,
    ...suites,
    requireEms: options.requireEms ?? false,
    alpnProtocols,
    maxFragmentSize,
    recordSizeLimit,
    grease: options.grease ?? true,
    keyLog: options.keyLog,
    enableSecretExtraction: options.enableSecretExtraction ?? false,
    trace: options.trace,
    time: options.time ?? Date.now,
  };
}

/** A provider that could not complete a handshake is refused here, not in the first connection. */
function checkProvider(provider: CryptoProvider): void {
  if (provider.cipherSuites.length === 0) throw new RangeError('the provider has no cipher suites');
  if (provider.keyExchangeGroups.length === 0) throw new RangeError('the provider has no key exchange groups');
  if (twice(provider.cipherSuites.map(({ id }) => id))) throw new RangeError('the provider has a cipher suite twice');
  if (twice(provider.keyExchangeGroups.map(({ name }) => name))) throw new RangeError('the provider has a group twice');
}

/** The versions of which something can be spoken, and what of them. */
function enabledSuites(
  { cipherSuites, keyExchangeGroups }: CryptoProvider,
  versions: readonly ProtocolVersion[] | undefined,
): Pick<CommonConfig, 'versions' | 'tls13CipherSuites' | 'tls12CipherSuites'> {
  if (versions?.length === 0) throw new RangeError('versions is empty: leave it out for the default');
  for (const version of versions ?? []) {
    if (!cipherSuites.some((suite) => suite.version === version)) {
      throw new RangeError(`the provider has no cipher suites for ${nameOf(ProtocolVersion, version)}`);
    }
  }
  const isEnabled = (version: ProtocolVersion): boolean => versions === undefined || versions.includes(version);
  const enabled = cipherSuites.filter(({ version }) => isEnabled(version));
  const tls12CipherSuites = enabled.filter((suite) => suite.version === ProtocolVersion.TLSv1_2);
  if (tls12CipherSuites.length > 0 && !keyExchangeGroups.some(({ name }) => isEcdheGroup(name))) {
    throw new RangeError('the provider has no key exchange group for TLS 1.2');
  }
  return {
    versions: [ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2].filter((version) =>
      enabled.some((suite) => suite.version === version),
    ),
    tls13CipherSuites: enabled.filter((suite) => suite.version === ProtocolVersion.TLSv1_3),
    tls12CipherSuites,
  };
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function twice(values: readonly number[]): boolean {
  return new Set(values).size !== values.length;
}

function checkVerifier({ schemes }: { readonly schemes: readonly SignatureScheme[] }): void {
  if (schemes.length === 0) throw new RangeError('the verifier has no signature schemes: it could verify nobody');
}

/** With a length of two bytes each. */
function lengthOf(values: readonly Uint8Array[]): number {
  return values.reduce((sum, value) => sum + 2 + value.length, 0);
}

/** A certificate of one's own is the answer to every question. */
export function resolverOf<Info>(
  certificate: CertifiedKey | ((info: Info) => Awaitable<CertifiedKey | undefined>) | undefined,
): (info: Info) => Awaitable<CertifiedKey | undefined> {
  if (typeof certificate === 'function') return certificate;
  if (certificate?.certificates.length === 0) throw new RangeError('the certificate chain is empty');
  if (certificate?.certificateType === CertificateType.RawPublicKey && certificate.certificates.length > 1) {
    throw new RangeError('a raw public key stands alone');
  }
  return () => certificate;
}
