/** Pre-shared keys on their way through a handshake, RFC 8446 section 4.2.11. */
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { type BinderLabel } from '../keys/tls13_key_schedule.ts';
import {
  anonymous,
  type ClientSession,
  type PeerIdentity,
  type Resumable,
  type ServerSession,
} from '../sessions/session.ts';
import { type HandshakeKind } from './io.ts';

/** A PSK, wherever it comes from. */
interface Psk {
  readonly identity: Uint8Array;
  /** Wiped after the handshake. */
  readonly secret: Uint8Array;
  readonly binderLabel: BinderLabel;
}

/** A PSK that a ClientHello offers. */
export interface OfferedPsk extends Psk {
  /** That of the session, or another with the hash of an external PSK: any with the same hash may be chosen. */
  readonly suite: Tls13CipherSuite;
  /** Of which it is the ticket; `undefined` for an external PSK. */
  readonly session: Resumable<ClientSession> | undefined;
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
export interface FoundPsk extends Psk {
  /** As the client says. */
  readonly obfuscatedTicketAge: number;
  /** `undefined` for an external PSK. */
  readonly session: Resumable<ServerSession> | undefined;
  /** To be chosen: it has the PSK's hash. */
  readonly suite: Tls13CipherSuite;
}

/** Proof that the client knows a PSK of ours. Only `verifyBinder` makes one. */
export interface VerifiedPsk extends FoundPsk {
  readonly [proof]: 'VerifiedPsk';
  /** In the client's list. */
  readonly index: number;
}

/** Who the peer is, if its Finished is right: of a session who it was in the beginning. */
export function peerOf({ session, identity }: SelectedPsk | VerifiedPsk): PeerIdentity {
  return session === undefined ? { ...anonymous, pskIdentity: identity } : session.peer;
}

/** How a handshake went, or goes for now. */
export function kindOf(psk: FoundPsk | OfferedPsk | undefined, retried: boolean): HandshakeKind {
  const kind = psk === undefined ? 'full' : psk.session === undefined ? 'external-psk' : 'resumed';
  return retried ? `${kind}-with-hello-retry-request` : kind;
}
