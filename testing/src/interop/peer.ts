/** What all peers have in common, whatever they are: the tests of the handshake are written once against this. */
import { type TestIdentity } from '../pki.ts';
import { type Output } from './output.ts';

export type Suite = 'TLS_AES_128_GCM_SHA256' | 'TLS_AES_256_GCM_SHA384' | 'TLS_CHACHA20_POLY1305_SHA256';
/** By the names of RFC 8446; so are suites. */
export type Group = 'X25519' | 'secp256r1' | 'secp384r1';

interface PeerOptions {
  /** All three by default, in the peer's order. */
  readonly suites?: readonly Suite[] | undefined;
  readonly groups?: readonly Group[] | undefined;
  readonly alpn?: readonly string[] | undefined;
  /** The one version to speak; by default the peer speaks TLS 1.3 and some others. */
  readonly version?: 'TLSv1.2' | undefined;
  /** Exports keying material and prints it as `Key material: HEX` or `Keying material: HEX`. */
  readonly exporter?: { readonly label: string; readonly length: number } | undefined;
  /** Where to write the key log, for peers that can. */
  readonly keyLogPath?: string | undefined;
}

export interface ServerPeerOptions extends PeerOptions {
  readonly identity: TestIdentity;
  /** For clients that ask for its name. Where a peer chooses by SNI only. */
  readonly alternative?: { readonly name: string; readonly identity: TestIdentity } | undefined;
  /** Asks clients for a certificate that was issued under `ca` (PEM). */
  readonly clientAuth?: { readonly ca: string; readonly mandatory: boolean } | undefined;
}

export interface ClientPeerOptions extends PeerOptions {
  readonly port: number;
  /** Whom to trust, in PEM. */
  readonly ca: string;
  /** Sent as SNI and verified; `localhost` by default. */
  readonly serverName?: string | undefined;
  readonly identity?: TestIdentity | undefined;
}

/** A server that runs, and that answers each line. */
export interface RunningServer {
  readonly port: number;
  /** What it prints: of its connections too. */
  readonly output: Output;
  readonly stop: () => Promise<void>;
}

export interface ServerPeer {
  readonly name: string;
  readonly start: (options: ServerPeerOptions) => Promise<RunningServer>;
  /** The line that it answers with. */
  readonly answer: (line: string) => string;
  /** What its output has when it got this fatal alert; the name in words. */
  readonly alertReport: (name: string, code: number) => RegExp;
}

/** How a connection of a client went. */
export interface ClientRun {
  /** Whether it sent {@link clientLine}, got it back and was content. */
  readonly ok: boolean;
  readonly output: string;
}

export interface ClientPeer {
  readonly name: string;
  /** Connects, sends {@link clientLine}, waits for it to come back, closes. Always resolves. */
  readonly run: (options: ClientPeerOptions) => Promise<ClientRun>;
  readonly alertReport: (name: string, code: number) => RegExp;
}

/** What clients send and expect back. */
export const clientLine = 'a line of text';
