/** Pre-shared keys on their way through a handshake, RFC 8446 section 4.2.11. */
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { type ClientSession, type Resumable, type ServerSession } from '../sessions/session.ts';
import { type HandshakeKind } from './io.ts';

/** A PSK that a ClientHello offers, by the ticket of a session. */
export interface OfferedPsk {
  readonly session: Resumable<ClientSession>;
  /** That of the session: it may be resumed with any other that has the same hash. */
  readonly suite: Tls13CipherSuite;
}

declare const proof: unique symbol;

/**
 * Proof that the server took a PSK of ours, so that whoever sends the right Finished knows it. Only `selectedPsk` makes
 * one.
 */
export interface SelectedPsk extends OfferedPsk {
  readonly [proof]: 'SelectedPsk';
}

/** A PSK that a server knows by an identity of the client's. That the client knows it too is not verified yet. */
export interface FoundPsk {
  readonly identity: Uint8Array;
  /** As the client says. */
  readonly obfuscatedTicketAge: number;
  readonly session: Resumable<ServerSession>;
  /** To be chosen: it has the PSK's hash. */
  readonly suite: Tls13CipherSuite;
}

/** Proof that the client knows a PSK of ours. Only `verifyBinder` makes one. */
export interface VerifiedPsk extends FoundPsk {
  readonly [proof]: 'VerifiedPsk';
  /** In the client's list. */
  readonly index: number;
}

/** How a handshake went, or goes for now. */
export function kindOf(psk: FoundPsk | OfferedPsk | undefined, retried: boolean): HandshakeKind {
  const kind = psk === undefined ? 'full' : 'resumed';
  return retried ? `${kind}-with-hello-retry-request` : kind;
}
