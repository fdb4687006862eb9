/** What a configuration is built from: the options of the core, and what a Node program has in place of some of them. */
import {
  type CertifiedKey,
  type ClientCertResolver,
  type ClientCertVerifier,
  type ClientOptions,
  type CryptoProvider,
  type KeyLog,
  type ServerCertResolver,
  type ServerCertVerifier,
  type ServerOptions,
  type TicketerOptions,
} from '@tyls/tls-core';
import {
  type ClientCertVerifierOptions,
  type RootStore,
  type ServerCertVerifierOptions,
  type TrustAnchor,
} from '@tyls/webpki';
import { type Encoded, type PrivateKey } from './certified_key.ts';

interface CommonOptions {
  /** The crypto backend; `nodeProvider()` of `@tyls/crypto-node` by default. */
  readonly provider?: CryptoProvider | undefined;
  /**
   * Takes the secrets of every connection, to decrypt captures with; `true` for the file that the environment variable
   * SSLKEYLOGFILE names, if it names one. None by default, whatever the environment says.
   */
  readonly keyLog?: KeyLog | true | undefined;
}

/** Whom to trust. */
export interface TrustOptions {
  /** Trust anchors; a store is made once and shared. */
  readonly roots?: RootStore | readonly TrustAnchor[] | undefined;
  /** Certificates to be trusted as roots, in PEM (one or many) or DER; beside `roots` where there are some. */
  readonly ca?: Encoded | readonly Encoded[] | undefined;
}

/** The core's `ClientOptions`, except for these. */
export interface ClientConfigOptions
  extends CommonOptions, TrustOptions, Omit<ClientOptions, keyof CommonOptions | 'verifier' | 'certificate'> {
  /** How servers are verified, instead of `roots`, `ca` and `verification`; without roots it is by Mozilla's. */
  readonly verifier?: ServerCertVerifier | undefined;
  /** What is demanded of servers beyond a path to one of the roots: a policy, revocation, OCSP, transparency, pins. */
  readonly verification?: Omit<ServerCertVerifierOptions, 'roots' | 'provider'> | undefined;
  /** For servers that ask for a certificate; a function chooses when they do. */
  readonly certificate?: Encoded | readonly Encoded[] | CertifiedKey | ClientCertResolver | undefined;
  /** Of an encoded `certificate`. */
  readonly key?: PrivateKey | undefined;
  /**
   * Where sessions are kept for later connections; by default in one memory for the whole process, of 256 servers. A
   * configuration is built for each `connect()` that is given options, and would not live to resume anything from a
   * memory of its own. To share one is safe, since sessions are found only by who would verify the same server in the
   * same way, and show it the same certificate: anybody else finds other sessions, or none. (What is verified by code of
   * yours, or with a policy or revocation lists, is compared by identity: build such a configuration once.) A server can
   * tell that connections that resume come from one process: those that are not to be linked need stores of their own,
   * or `false`, with which no session is kept and none resumed.
   */
  readonly sessionStore?: ClientOptions['sessionStore'];
}

/** Of whom clients need certificates, and what else is demanded of them. */
export interface ClientAuthOptions extends TrustOptions, Omit<ClientCertVerifierOptions, 'roots' | 'provider'> {}

/** The core's `ServerOptions`, except for these. */
export interface ServerConfigOptions
  extends CommonOptions, Omit<ServerOptions, keyof CommonOptions | 'clientVerifier' | 'certificate'> {
  /**
   * A function chooses by the ClientHello: by the name that the client asks for, say. Only a server with
   * `resolveExternalPsk` can do without.
   */
  readonly certificate?: Encoded | readonly Encoded[] | CertifiedKey | ServerCertResolver | undefined;
  /** Of an encoded `certificate`. */
  readonly key?: PrivateKey | undefined;
  /** An OCSPResponse in DER to staple to an encoded `certificate`. */
  readonly ocspResponse?: Uint8Array | undefined;
  /** A SignedCertificateTimestampList (RFC 6962 section 3.3), with its length, to go with an encoded `certificate`. */
  readonly sctList?: Uint8Array | undefined;
  /** Asks clients for certificates: of whom, or how they are verified. By default they are not asked. */
  readonly clientAuth?: ClientAuthOptions | ClientCertVerifier | undefined;
  /**
   * Keys of 32 random bytes each for tickets that bring their session with them, so that servers with the same keys
   * resume one another's sessions, and their own after a restart: the first makes tickets, all of them read them. A
   * function is asked for them with every ticket. Whoever has a key can read and forge sessions: replace it every few
   * hours. Instead of a `ticketer`, which has the details.
   */
  readonly ticketKeys?: TicketerOptions['keys'];
}

/** Every option of a configuration: the compiler says which is missing here. */
const configOptions: Readonly<Record<keyof ClientConfigOptions | keyof ServerConfigOptions, true>> = {
  provider: true,
  versions: true,
  requireEms: true,
  alpnProtocols: true,
  maxFragmentSize: true,
  recordSizeLimit: true,
  keyLog: true,
  trace: true,
  enableSecretExtraction: true,
  time: true,
  roots: true,
  ca: true,
  verifier: true,
  verification: true,
  certificate: true,
  certificateType: true,
  certificateCompressors: true,
  certificateDecompressors: true,
  key: true,
  sendServerName: true,
  keyShares: true,
  middleboxCompatibility: true,
  grease: true,
  extensionOrder: true,
  ocspResponse: true,
  sctList: true,
  clientAuth: true,
  sessionStore: true,
  ticketRequest: true,
  earlyData: true,
  externalPsks: true,
  ticketer: true,
  ticketCount: true,
  ticketKeys: true,
  maxEarlyDataSize: true,
  sendHalfRttData: true,
  resolveExternalPsk: true,
};

/** Refuses options that a configuration which is built already would overrule without a word. */
export function checkOnlyConfig(options: object): void {
  const ignored = Object.keys(configOptions).filter((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (ignored.length > 0)
    throw new TypeError(`${ignored.join(', ')}: give it to what builds config, not beside config`);
}
