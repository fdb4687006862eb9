/** Pre-shared keys of a client, RFC 8446 sections 2.2 and 4.2.11: those that it offers, and sessions that it keeps. */
import { copyOf, emptyBytes, equalBytes, hex, wipe } from '../codec/bytes.ts';
import { type ClientConfig } from '../config.ts';
import { type KeyExchangeGroup, type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { hashLength } from '../keys/external_psk.ts';
import { pskBinder, ticketPsk } from '../keys/tls13_key_schedule.ts';
import { type NewSessionTicket } from '../messages/post_handshake.ts';
import { bindersLength, type OfferedPsks } from '../messages/pre_shared_key.ts';
import { type NamedGroup, ProtocolVersion } from '../registry.ts';
import { type ServerName } from '../server_name.ts';
import { serverScope } from '../sessions/scope.ts';
import {
  decodeClientSession,
  encodeClientSession,
  maxLifetimeSeconds,
  maxTicket,
  type PeerIdentity,
  resumable,
} from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { type OfferedPsk, type SelectedPsk } from './psk.ts';
import { type Transcript } from './transcript.ts';

/** The groups for the first key shares: what the server asked for last time, or else what the configuration says. */
export function* firstGroups(config: ClientConfig, serverName: ServerName): Step<readonly KeyExchangeGroup[]> {
  const { sessionStore, followsGroupHints, provider, keyShareGroups } = config;
  if (sessionStore === undefined || !followsGroupHints) return keyShareGroups;
  const hint = yield* wait(sessionStore.groupHint(hex(serverScope(config, serverName))));
  const hinted = provider.keyExchangeGroups.filter(({ name }) => name === hint);
  return hinted.length > 0 ? hinted : keyShareGroups;
}

/** Remembers the group that the server asked for. */
export function* keepGroupHint(config: ClientConfig, serverName: ServerName, group: NamedGroup): Step<void> {
  const { sessionStore, followsGroupHints } = config;
  if (sessionStore === undefined || !followsGroupHints) return;
  yield* wait(sessionStore.setGroupHint(hex(serverScope(config, serverName)), group));
}

/** The PSK of a stored ticket, taken out of the store, if it can be resumed here and now. */
function* takePsk(config: ClientConfig, serverName: ServerName): Step<OfferedPsk[]> {
  const { sessionStore } = config;
  if (sessionStore === undefined || config.tls13CipherSuites.length === 0) return [];
  const scope = serverScope(config, serverName);
  const stored = yield* wait(sessionStore.takeTicket(hex(scope)));
  const decoded = stored === undefined ? undefined : decodeClientSession(stored);
  const session = resumable(decoded, ProtocolVersion.TLSv1_3, scope, config.time());
  const suite = config.tls13CipherSuites.find(({ id }) => id === session?.cipherSuite);
  const { ticket, secret } = session ?? { ticket: emptyBytes, secret: emptyBytes };
  const isOfferable = ticket.length > 0 && ticket.length <= maxTicket && secret.length === suite?.hash.outputLength;
  if (session !== undefined && suite !== undefined && isOfferable) {
    return [{ identity: ticket, secret, binderLabel: 'res binder', suite, session }];
  }
  wipe(decoded?.secret);
  return [];
}

/** The PSKs to offer: that of a session first, since early data goes with the first alone. */
export function* choosePsks(config: ClientConfig, serverName: ServerName): Step<OfferedPsk[]> {
  const external = config.externalPsks.flatMap((psk): OfferedPsk[] => {
    const { identity, imported } = psk;
    const suite = config.tls13CipherSuites.find(({ hash }) => hash.outputLength === hashLength(psk.hash));
    if (suite === undefined) return [];
    const binderLabel = imported === true ? 'imp binder' : 'ext binder';
    return [{ identity, secret: copyOf(psk.secret), binderLabel, suite, session: undefined }];
  });
  return [...(yield* takePsk(config, serverName)), ...external];
}

export function wipePsks(psks: readonly OfferedPsk[]): void {
  wipe(...psks.map(({ secret }) => secret));
}

/**
 * Section 4.2.10: only with the first PSK, as far as its ticket allows it, and for a protocol that can be chosen again.
 */
export function canSendEarlyData({ earlyData, alpnProtocols }: ClientConfig, [psk]: readonly OfferedPsk[]): boolean {
  if (!earlyData || psk?.session === undefined || psk.session.maxEarlyDataSize === 0) return false;
  const { protocol } = psk.session;
  return protocol.length === 0 || alpnProtocols.some((offered) => equalBytes(offered, protocol));
}

/** The PSKs as a ClientHello has them, with binders of zeros until {@link addBoundHello}. */
export function unboundPsks(psks: readonly OfferedPsk[], now: number): OfferedPsks | undefined {
  if (psks.length === 0) return undefined;
  return {
    identities: psks.map(({ identity, session }) => ({
      identity,
      // Section 4.2.11.1: modulo 2^32. Time may have passed since the age was found to be good. An external PSK has none.
      obfuscatedTicketAge: session === undefined ? 0 : (now - session.createdAtMillis + session.ageAdd) >>> 0,
    })),
    binders: psks.map(({ suite }) => new Uint8Array(suite.hash.outputLength)),
  };
}

/**
 * Section 4.2.11.2: fills in the binders, over all that comes before them; and adds the message to the transcript.
 *
 * @param message a ClientHello, with {@link unboundPsks} at its end
 */
export function addBoundHello(transcript: Transcript, message: Uint8Array, psks: readonly OfferedPsk[]): void {
  if (psks.length === 0) return transcript.add(message);
  const { binders } = unboundPsks(psks, 0)!;
  const truncated = message.length - bindersLength(binders);
  transcript.add(message.subarray(0, truncated));
  let at = truncated + 2;
  for (const { suite, secret, binderLabel } of psks) {
    const binder = pskBinder(suite, secret, binderLabel, transcript.digestBy(suite.hash));
    message.set(binder, at + 1);
    at += 1 + binder.length;
  }
  transcript.add(message.subarray(truncated));
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

/** What a client learned in its handshake, for the sessions that go on from it. */
export interface Tls13ClientSessionState {
  readonly suite: Tls13CipherSuite;
  readonly protocol: Uint8Array | undefined;
  readonly peer: PeerIdentity;
  /** For how many seconds from now a session may be resumed at most. */
  readonly lifetimeSeconds: number;
  readonly establishedAtMillis: number;
}

/** Section 4.6.1: keeps the tickets of a connection. */
export class TicketKeeper {
  readonly #config: ClientConfig;
  readonly #serverName: ServerName;
  readonly #state: Tls13ClientSessionState;
  readonly #resumptionSecret: Uint8Array;

  /** @param resumptionSecret kept, and wiped */
  constructor(
    config: ClientConfig,
    serverName: ServerName,
    state: Tls13ClientSessionState,
    resumptionSecret: Uint8Array,
  ) {
    this.#config = config;
    this.#serverName = serverName;
    this.#state = state;
    this.#resumptionSecret = resumptionSecret;
  }

  *keep({ lifetimeSeconds, ageAdd, nonce, ticket, extensions }: NewSessionTicket): Step<void> {
    const { sessionStore, time } = this.#config;
    const { suite, protocol, peer } = this.#state;
    const now = time();
    const sinceHandshake = Math.max(0, Math.ceil((now - this.#state.establishedAtMillis) / 1000));
    const lifetime = Math.min(lifetimeSeconds, maxLifetimeSeconds, this.#state.lifetimeSeconds - sinceHandshake);
    // A lifetime of zero is for a ticket to be discarded at once.
    if (sessionStore === undefined || lifetime <= 0 || ticket.length > maxTicket) return;
    const scope = serverScope(this.#config, this.#serverName);
    const secret = ticketPsk(suite, this.#resumptionSecret, nonce);
    const session = encodeClientSession({
      version: ProtocolVersion.TLSv1_3,
      cipherSuite: suite.id,
      secret,
      scope,
      createdAtMillis: now,
      lifetimeSeconds: lifetime,
      protocol: protocol ?? emptyBytes,
      peer,
      extendedMasterSecret: false,
      ageAdd,
      maxEarlyDataSize: extensions.maxEarlyDataSize ?? 0,
      ticket,
      sessionId: emptyBytes,
    });
    // It is in the session.
    wipe(secret);
    if (session !== undefined) yield* wait(sessionStore.addTicket(hex(scope), session));
  }

  wipe(): void {
    wipe(this.#resumptionSecret);
  }
}
