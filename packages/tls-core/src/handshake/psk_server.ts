/** Pre-shared keys of a server, RFC 8446 sections 2.2, 4.2.11 and 4.6.1: those that it finds, and tickets for sessions. */
import { asciiBytes, concat, constantTimeEqual, copyOf, emptyBytes, equalBytes, hex, wipe } from '../codec/bytes.ts';
import { Reader } from '../codec/reader.ts';
import { type ClientHelloInfo, type ServerConfig } from '../config.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { checkExternalPsk, hashLength } from '../keys/external_psk.ts';
import { earlySecretOf, pskBinder, ticketPsk } from '../keys/tls13_key_schedule.ts';
import { type ClientHello } from '../messages/client_hello.ts';
import { onlyKnown } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage } from '../messages/handshake.ts';
import { newSessionTicket } from '../messages/post_handshake.ts';
import { bindersLength } from '../messages/pre_shared_key.ts';
import { ContentType, HandshakeType, ProtocolVersion, PskKeyExchangeMode } from '../registry.ts';
import { type PeerIdentity } from '../sessions/peer_identity.ts';
import {
  decodeServerSession,
  defaultLifetimeSeconds,
  encodeServerSession,
  maxTicket,
  openTicket,
  remainingSeconds,
  type Resumable,
  resumable,
  type ServerSession,
} from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { type ServerHellos } from './hellos.ts';
import { greaseValue } from './hello_shape.ts';
import { type HandshakeIo } from './io.ts';
import { suitesInCommon } from './negotiation.ts';
import { type FoundPsk, type VerifiedPsk } from './psk.ts';
import { type Transcript } from './transcript.ts';

/** Of how many identities to find out whether we know them: each may cost a decryption, or a question to a store. */
const maxIdentities = 8;

/** What stands for a session in the store. */
const keyLength = 32;

/** Sections 4.2.9 and 4.2.11: the first of the client's PSKs that we can go on with; without one, a full handshake. */
export function* findPsk(config: ServerConfig, hello: ClientHello, info: ClientHelloInfo): Step<FoundPsk | undefined> {
  const { preSharedKey } = hello.extensions;
  if (preSharedKey === undefined || !wantsPskWithKeyExchange(hello)) return undefined;
  for (const { identity, obfuscatedTicketAge } of preSharedKey.identities.slice(0, maxIdentities)) {
    const psk = (yield* findSession(config, hello, info, identity)) ?? (yield* findExternal(config, hello, identity));
    if (psk !== undefined) return { identity, obfuscatedTicketAge, ...psk };
  }
  return undefined;
}

type KnownPsk = Omit<FoundPsk, 'identity' | 'obfuscatedTicketAge'>;

function* findSession(
  config: ServerConfig,
  hello: ClientHello,
  info: ClientHelloInfo,
  identity: Uint8Array,
): Step<KnownPsk | undefined> {
  const decoded = yield* storedSession(config, identity);
  try {
    const session = resumable(decoded, ProtocolVersion.TLSv1_3, config.policies(), config.time());
    const suite = session === undefined ? undefined : suiteFor(config, hello, info, session);
    if (session === undefined || suite === undefined) return undefined;
    return { earlySecret: earlySecretOf(suite, session.secret), binderLabel: 'res binder', session, suite };
  } finally {
    wipe(decoded?.secret);
  }
}

function* findExternal(config: ServerConfig, hello: ClientHello, identity: Uint8Array): Step<KnownPsk | undefined> {
  const psk = yield* wait(config.resolveExternalPsk?.(copyOf(identity)));
  if (psk === undefined) return undefined;
  checkExternalPsk(psk);
  const common = suitesInCommon(config.tls13CipherSuites, hello);
  const suite = common.find(({ hash }) => hash.outputLength === hashLength(psk.hash));
  if (suite === undefined) return undefined;
  const binderLabel = psk.imported === true ? 'imp binder' : 'ext binder';
  return { earlySecret: earlySecretOf(suite, psk.secret), binderLabel, session: undefined, suite };
}

function wantsPskWithKeyExchange({ extensions }: ClientHello): boolean {
  return extensions.pskModes?.includes(PskKeyExchangeMode.psk_dhe_ke) === true;
}

function* storedSession(
  { ticketer, sessionStore }: ServerConfig,
  identity: Uint8Array,
): Step<ServerSession | undefined> {
  if (ticketer !== undefined) return yield* openTicket(ticketer, identity);
  if (sessionStore === undefined || identity.length !== keyLength) return undefined;
  const stored = yield* wait(sessionStore.take(hex(identity)));
  return stored === undefined ? undefined : decodeServerSession(stored);
}

/** The suite with which the session can be resumed here: best its own, else another with the same hash. */
function suiteFor(
  { tls13CipherSuites, clientVerifier }: ServerConfig,
  { cipherSuites }: ClientHello,
  { serverName }: ClientHelloInfo,
  session: Resumable<ServerSession>,
): Tls13CipherSuite | undefined {
  const own = tls13CipherSuites.find(({ id }) => id === session.cipherSuite);
  if (own === undefined || session.secret.length !== own.hash.outputLength) return undefined;
  if (!equalBytes(session.serverName, serverNameBytes(serverName))) return undefined;
  const { certificates, pskIdentity } = session.peer;
  if (clientVerifier?.mandatory === true && certificates.length === 0 && pskIdentity === undefined) return undefined;
  const fitting = tls13CipherSuites.filter(({ hash }) => hash.outputLength === own.hash.outputLength);
  return [own, ...fitting].find(({ id }) => cipherSuites.includes(id));
}

function serverNameBytes(serverName: string | undefined): Uint8Array {
  return serverName === undefined ? emptyBytes : asciiBytes(serverName);
}

/**
 * Section 4.2.11.2: verifies the binder of the PSK that was found, over all that comes before the binders; and adds the
 * ClientHello to the transcript.
 *
 * @returns `undefined` without one, and for a second ClientHello that no longer offers it
 */
export function verifyBinder(
  transcript: Transcript,
  { raw }: HandshakeMessage,
  { extensions }: ClientHello,
  found: FoundPsk | undefined,
): VerifiedPsk | undefined {
  const { identities, binders } = extensions.preSharedKey ?? { identities: [], binders: [] };
  const index = found === undefined ? -1 : identities.findIndex(({ identity }) => equalBytes(identity, found.identity));
  const binder = binders[index];
  if (found === undefined || binder === undefined) {
    transcript.add(raw);
    return undefined;
  }
  const truncated = raw.length - bindersLength(binders);
  transcript.add(raw.subarray(0, truncated));
  const { suite, earlySecret, binderLabel } = found;
  if (!constantTimeEqual(binder, pskBinder(suite, earlySecret, binderLabel, transcript.digest()))) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IncorrectBinder' });
  }
  transcript.add(raw.subarray(truncated));
  return { index, ...found } as VerifiedPsk;
}

/** How far the client's idea of a ticket's age may be from ours, in milliseconds. */
const maxAgeSkew = 60_000;

/**
 * Section 4.2.10: whether to take the client's early data, which we do only if all is as it was in the connection of the
 * ticket. That the store gives a session to one caller alone is what makes it single-use (section 8.1); section 8.3 adds
 * that it must have been sent just now.
 */
export function acceptsEarlyData(
  { config, hello, suite, psk }: ServerHellos,
  protocol: Uint8Array = emptyBytes,
): boolean {
  if (hello.extensions.earlyData === undefined || psk?.session === undefined || psk.index !== 0) return false;
  const { session } = psk;
  const age = config.time() - session.createdAtMillis;
  const claimedAge = (psk.obfuscatedTicketAge - session.ageAdd) >>> 0;
  return (
    session.maxEarlyDataSize > 0 &&
    session.maxEarlyDataSize <= config.maxEarlyDataSize &&
    suite.id === session.cipherSuite &&
    equalBytes(protocol, session.protocol) &&
    Math.abs(claimedAge - age) <= maxAgeSkew
  );
}

/**
 * How many tickets to send (section 4.6.1, RFC 9149): not more than the client wants, and none that it could not use. If it
 * does not say, one for the one that it resumes with, which is used up.
 */
export function ticketCount({ config, hello, psk }: ServerHellos): number {
  const isPossible = config.ticketer !== undefined || config.sessionStore !== undefined;
  if (!isPossible || !wantsPskWithKeyExchange(hello)) return 0;
  const { ticketRequest } = hello.extensions;
  const wanted = psk?.session === undefined ? ticketRequest?.newSessionCount : (ticketRequest?.resumptionCount ?? 1);
  return Math.min(config.ticketCount, wanted ?? config.ticketCount);
}

/** What a server learned in its handshake, for the sessions that go on from it. */
export interface Tls13ServerSessionState {
  readonly protocol: Uint8Array | undefined;
  readonly peer: PeerIdentity;
  /** Borrowed. */
  readonly resumptionSecret: Uint8Array;
}

/** Section 4.6.1: sends so many tickets, each of its own PSK. */
export function* sendTickets(
  io: HandshakeIo,
  hellos: ServerHellos,
  state: Tls13ServerSessionState,
  count: number,
): Step<void> {
  const { config, psk, suite } = hellos;
  const offered = config.ticketer?.lifetimeSeconds ?? defaultLifetimeSeconds;
  // A chain of sessions ends with the first, or the client would never be verified again.
  const lifetimeSeconds =
    psk?.session === undefined ? offered : Math.min(offered, remainingSeconds(psk.session, config.time()));
  if (lifetimeSeconds <= 0) return;
  const maxEarlyDataSize = config.maxEarlyDataSize > 0 ? config.maxEarlyDataSize : undefined;
  const messages: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const nonce = Uint8Array.of(i);
    // One draw: each is a call into the backend.
    const random = new Reader(randomBytes(config, 4 + 1 + keyLength), 'random');
    const ageAdd = random.u32();
    const grease = greaseValue(random.u8());
    const key = random.bytes(keyLength);
    const secret = ticketPsk(suite, state.resumptionSecret, nonce);
    const session = encodeServerSession(sessionOf(hellos, state, { secret, ageAdd, lifetimeSeconds }));
    wipe(secret);
    const ticket = session === undefined ? undefined : yield* makeTicket(config, key, session, lifetimeSeconds);
    if (ticket === undefined || ticket.length > maxTicket) continue;
    // RFC 8701 section 4.1.
    const unknown = config.grease ? [{ type: grease, data: emptyBytes }] : [];
    const extensions = { maxEarlyDataSize, ...onlyKnown, unknown };
    const message = { lifetimeSeconds, ageAdd, nonce, ticket, extensions };
    messages.push(encodeMessage(HandshakeType.new_session_ticket, newSessionTicket, message));
  }
  if (messages.length > 0) io.outbound.send(ContentType.handshake, concat(messages));
}

function sessionOf(
  { config, info, suite, resumptionData }: ServerHellos,
  { protocol, peer }: Tls13ServerSessionState,
  ticket: Pick<ServerSession, 'secret' | 'ageAdd' | 'lifetimeSeconds'>,
): ServerSession {
  return {
    version: ProtocolVersion.TLSv1_3,
    cipherSuite: suite.id,
    scope: config.policies(),
    createdAtMillis: config.time(),
    protocol: protocol ?? emptyBytes,
    peer,
    extendedMasterSecret: false,
    maxEarlyDataSize: config.maxEarlyDataSize,
    serverName: serverNameBytes(info.serverName),
    applicationData: resumptionData.toKeep,
    ...ticket,
  };
}

/** The session as a ticket, or else `key`, under which it is stored. */
function* makeTicket(
  { ticketer, sessionStore }: ServerConfig,
  key: Uint8Array,
  session: Uint8Array,
  lifetimeSeconds: number,
): Step<Uint8Array | undefined> {
  if (ticketer !== undefined) {
    try {
      return yield* wait(ticketer.seal(session));
    } finally {
      wipe(session);
    }
  }
  yield* wait(sessionStore?.put(hex(key), session, lifetimeSeconds));
  return key;
}

function randomBytes({ provider }: ServerConfig, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  provider.random(bytes);
  return bytes;
}
