/** Pre-shared keys of a client, RFC 8446 sections 2.2 and 4.2.11: those that it offers, and sessions that it keeps. */
import { emptyBytes, equalBytes, wipe } from '../codec/bytes.ts';
import { type ClientConfig, type ClientPskProtocol } from '../config.ts';
import { type KeyExchangeGroup } from '../crypto/provider.ts';
import { hashLength } from '../keys/external_psk.ts';
import { earlySecretOf, pskBinder, ticketPsk } from '../keys/tls13_key_schedule.ts';
import { type NewSessionTicket } from '../messages/post_handshake.ts';
import { bindersLength, type OfferedPsks } from '../messages/pre_shared_key.ts';
import { Tls13RecordSealer } from '../record/protection_tls13.ts';
import { ExtensionType, type NamedGroup, ProtocolVersion, PskKeyExchangeMode } from '../registry.ts';
import { type SessionsOfServer, sessionsOfServer } from '../sessions/scope.ts';
import {
  decodeClientSession,
  encodeClientSession,
  maxLifetimeSeconds,
  maxTicket,
  remainingSeconds,
  resumable,
} from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { EarlyData } from './early_data.ts';
import { type Offer } from './hellos.ts';
import { type HandshakeIo, SecretLog, sendChangeCipherSpec } from './io.ts';
import { type OfferedPsk } from './psk.ts';
import { clientPskProtocolOf, type HandshakeOutcome, ignoredTickets, type PskExtensions } from './psk_protocol.ts';
import { earlySecrets } from './tls13_secrets.ts';
import { type TicketSink } from './traffic_tls13.ts';
import { type Transcript } from './transcript.ts';

/** The groups for the first key shares: what the server asked for last time, or else what the configuration says. */
function* firstGroups(
  { followsGroupHints, provider, keyShareGroups }: ClientConfig,
  sessions: SessionsOfServer | undefined,
): Step<readonly KeyExchangeGroup[]> {
  if (sessions === undefined || !followsGroupHints) return keyShareGroups;
  const hint = yield* wait(sessions.store.groupHint(sessions.key));
  const hinted = provider.keyExchangeGroups.filter(({ name }) => name === hint);
  return hinted.length > 0 ? hinted : keyShareGroups;
}

/** Remembers the group that the server asked for. */
function* keepGroupHint(
  { followsGroupHints }: ClientConfig,
  sessions: SessionsOfServer | undefined,
  group: NamedGroup,
): Step<void> {
  if (followsGroupHints) yield* wait(sessions?.store.setGroupHint(sessions.key, group));
}

/** The PSK of a stored ticket, taken out of the store, if it can be resumed here and now. */
function* takePsk(config: ClientConfig, sessions: SessionsOfServer | undefined): Step<OfferedPsk[]> {
  if (sessions === undefined || config.tls13CipherSuites.length === 0) return [];
  const stored = yield* wait(sessions.store.takeTicket(sessions.key));
  const decoded = stored === undefined ? undefined : decodeClientSession(stored);
  try {
    const session = resumable(decoded, ProtocolVersion.TLSv1_3, sessions.scope, config.time());
    const suite = config.tls13CipherSuites.find(({ id }) => id === session?.cipherSuite);
    if (session === undefined || suite === undefined) return [];
    const { ticket, secret } = session;
    if (ticket.length === 0 || ticket.length > maxTicket || secret.length !== suite.hash.outputLength) return [];
    const earlySecret = earlySecretOf(suite, secret);
    return [{ identity: ticket, earlySecret, binderLabel: 'res binder', suite, session }];
  } finally {
    wipe(decoded?.secret);
  }
}

/** The PSKs to offer: that of a session first, since early data goes with the first alone. */
function* choosePsks(config: ClientConfig, sessions: SessionsOfServer | undefined): Step<OfferedPsk[]> {
  const resumption = yield* takePsk(config, sessions);
  const external = config.externalPsks.flatMap((psk): OfferedPsk[] => {
    const { identity, imported } = psk;
    const suite = config.tls13CipherSuites.find(({ hash }) => hash.outputLength === hashLength(psk.hash));
    if (suite === undefined) return [];
    const binderLabel = imported === true ? 'imp binder' : 'ext binder';
    return [{ identity, earlySecret: earlySecretOf(suite, psk.secret), binderLabel, suite, session: undefined }];
  });
  return [...resumption, ...external];
}

/**
 * Section 4.2.10: only with the first PSK, as far as its ticket allows it, and for a protocol that can be chosen again.
 */
function canSendEarlyData({ earlyData, alpnProtocols }: ClientConfig, [psk]: readonly OfferedPsk[]): boolean {
  if (!earlyData || psk?.session === undefined || psk.session.maxEarlyDataSize === 0) return false;
  const { protocol } = psk.session;
  return protocol.length === 0 || alpnProtocols.some((offered) => equalBytes(offered, protocol));
}

/** Sections 2.3 and D.4: early data may follow the ClientHello at once, if it offers any; whether it does. */
function startEarlyData(
  io: HandshakeIo,
  { keyLog, middleboxCompatibility }: ClientConfig,
  { random, psks, extensionTypes }: Offer,
  transcript: Transcript,
): boolean {
  const [psk] = psks;
  if (psk?.session === undefined || !extensionTypes.includes(ExtensionType.early_data)) return false;
  const { suite, earlySecret, session } = psk;
  if (middleboxCompatibility) sendChangeCipherSpec(io.outbound);
  const { traffic, exporter } = earlySecrets(suite, earlySecret, transcript, new SecretLog(keyLog, random));
  io.early = new EarlyData(io.facts, io.outbound, suite, exporter);
  io.early.offer(new Tls13RecordSealer(suite, traffic), session.maxEarlyDataSize);
  wipe(traffic);
  return true;
}

/** What a ClientHello says of PSKs. */
function pskExtensions(config: ClientConfig, psks: readonly OfferedPsk[], isRetry: boolean): PskExtensions {
  const { sessionStore, ticketRequest, externalPsks, time } = config;
  const keepsSessions = sessionStore !== undefined;
  return {
    // Section 4.2.9: without it a server neither resumes nor sends tickets.
    pskModes: keepsSessions || externalPsks.length > 0 ? Uint8Array.of(PskKeyExchangeMode.psk_dhe_ke) : undefined,
    ticketRequest: keepsSessions ? ticketRequest : undefined,
    // Section 4.1.2: not again.
    earlyData: !isRetry && canSendEarlyData(config, psks) ? true : undefined,
    preSharedKey: unboundPsks(psks, time()),
  };
}

/** The PSKs as a ClientHello has them, with binders of zeros until {@link addBoundHello}. */
function unboundPsks(psks: readonly OfferedPsk[], now: number): OfferedPsks | undefined {
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
function addBoundHello(transcript: Transcript, message: Uint8Array, psks: readonly OfferedPsk[]): void {
  if (psks.length === 0) return transcript.add(message);
  const { binders } = unboundPsks(psks, 0)!;
  const truncated = message.length - bindersLength(binders);
  transcript.add(message.subarray(0, truncated));
  let at = truncated + 2;
  for (const { suite, earlySecret, binderLabel } of psks) {
    const binder = pskBinder(suite, earlySecret, binderLabel, transcript.digestBy(suite.hash));
    message.set(binder, at + 1);
    at += 1 + binder.length;
  }
  transcript.add(message.subarray(truncated));
}

/** Keeps the tickets of a connection (section 4.6.1), each as a session that goes on from this handshake. */
function ticketSink(
  config: ClientConfig,
  sessions: SessionsOfServer | undefined,
  { psk, ...outcome }: HandshakeOutcome,
  resumptionSecret: () => Uint8Array,
): TicketSink {
  if (sessions === undefined) return ignoredTickets;
  const now = config.time();
  const state = {
    // A chain of sessions ends with the first, or the server would never be verified again.
    lifetimeSeconds: psk?.session === undefined ? maxLifetimeSeconds : remainingSeconds(psk.session, now),
    establishedAtMillis: now,
    ...outcome,
  };
  return new TicketKeeper(config, sessions, state, resumptionSecret().slice());
}

interface TicketState extends Omit<HandshakeOutcome, 'psk'> {
  /** For how many seconds from now a session may be resumed at most. */
  readonly lifetimeSeconds: number;
  readonly establishedAtMillis: number;
}

class TicketKeeper implements TicketSink {
  readonly #config: ClientConfig;
  readonly #sessions: SessionsOfServer;
  readonly #state: TicketState;
  readonly #resumptionSecret: Uint8Array;

  /** @param resumptionSecret kept, and wiped */
  constructor(config: ClientConfig, sessions: SessionsOfServer, state: TicketState, resumptionSecret: Uint8Array) {
    this.#config = config;
    this.#sessions = sessions;
    this.#state = state;
    this.#resumptionSecret = resumptionSecret;
  }

  *keep({ lifetimeSeconds, ageAdd, nonce, ticket, extensions }: NewSessionTicket): Step<void> {
    const sessions = this.#sessions;
    const { suite, protocol, peer } = this.#state;
    const now = this.#config.time();
    const sinceHandshake = Math.max(0, Math.ceil((now - this.#state.establishedAtMillis) / 1000));
    const lifetime = Math.min(lifetimeSeconds, maxLifetimeSeconds, this.#state.lifetimeSeconds - sinceHandshake);
    // A lifetime of zero is for a ticket to be discarded at once.
    if (lifetime <= 0 || ticket.length > maxTicket) return;
    const secret = ticketPsk(suite, this.#resumptionSecret, nonce);
    const session = encodeClientSession({
      version: ProtocolVersion.TLSv1_3,
      cipherSuite: suite.id,
      secret,
      scope: sessions.scope,
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
    if (session !== undefined) yield* wait(sessions.store.addTicket(sessions.key, session));
  }

  wipe(): void {
    wipe(this.#resumptionSecret);
  }
}

/** For a configuration to bring. */
export const clientPsks: ClientPskProtocol = /* @__PURE__ */ clientPskProtocolOf({
  sessionsOf: sessionsOfServer,
  choosePsks,
  firstGroups,
  keepGroupHint,
  startEarlyData,
  pskExtensions,
  addBoundHello,
  ticketSink,
});
