/** Pre-shared keys on their way through a handshake, RFC 8446 section 4.2.11. */
import { wipe } from '../codec/bytes.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type BinderLabel } from '../keys/tls13_key_schedule.ts';
import { anonymous, type PeerIdentity } from '../sessions/peer_identity.ts';
import { type ClientSession, type Resumable, type ServerSession } from '../sessions/session.ts';
import { type HandshakeKind } from './io.ts';

/** A PSK, wherever it comes from. */
interface Psk {
  readonly identity: Uint8Array;
  /** Section 7.1: the Early Secret that it gives. Wiped after the handshake. */
  readonly earlySecret: Uint8Array;
  readonly binderLabel: BinderLabel;
}

/** A PSK that a ClientHello offers. */
export interface OfferedPsk extends Psk {
  /** That of the session, or another with the hash of an external PSK: any with the same hash may be chosen. */
  readonly suite: Tls13CipherSuite;
  /** Of which it is the ticket, its secret wiped; `undefined` for an external PSK. */
  readonly session: Resumable<ClientSession> | undefined;
}

declare const proof: unique symbol;

/**
 * Proof that the server took a PSK of ours, so that whoever sends the right Finished knows it. Only {@link selectedPsk}
 * makes one.
 */
export interface SelectedPsk extends OfferedPsk {
  readonly [proof]: 'SelectedPsk';
}

/** A PSK that a server knows by an identity of the client's. That the client knows it too is not verified yet. */
export interface FoundPsk extends Psk {
  /** As the client says. */
  readonly obfuscatedTicketAge: number;
  /** Its secret wiped; `undefined` for an external PSK. */
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

export function wipePsks(psks: readonly OfferedPsk[]): void {
  wipe(...psks.map(({ earlySecret }) => earlySecret));
}

/** Section 4.1.4: what may be offered again once the suite, and so the hash, is known. */
export function fittingPsks(psks: readonly OfferedPsk[], chosen: Tls13CipherSuite): OfferedPsk[] {
  return psks.filter(({ suite }) => hasHashOf(chosen, suite));
}

function hasHashOf(a: Tls13CipherSuite, b: Tls13CipherSuite): boolean {
  return a.hash.outputLength === b.hash.outputLength;
}

/** Section 4.2.11: the PSK that the server chose, which must be one that was offered, and fit the suite that it chose. */
export function selectedPsk(
  psks: readonly OfferedPsk[],
  index: number | undefined,
  chosen: Tls13CipherSuite,
): SelectedPsk | undefined {
  if (index === undefined) return undefined;
  const psk = psks[index];
  if (psk === undefined) throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedInvalidPsk' });
  if (!hasHashOf(chosen, psk.suite)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'ResumptionOfferedWithIncompatibleCipherSuite' });
  }
  return psk as SelectedPsk;
}
