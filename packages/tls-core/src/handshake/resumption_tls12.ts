/**
 * Sessions of TLS 1.2, by id (RFC 5246 section 7.3) and by ticket (RFC 5077): where they come from and where they go.
 * Those without the extended master secret are neither kept nor resumed, since nothing binds them to their handshake
 * (RFC 7627 section 5.3).
 */
import { asciiBytes, emptyBytes, equalBytes, hex, wipe } from '../codec/bytes.ts';
import { type ClientConfig, type ServerConfig } from '../config.ts';
import { isTlsError, TlsError } from '../error.ts';
import { encodeMessage } from '../messages/handshake.ts';
import { type Tls12NewSessionTicket, tls12NewSessionTicket } from '../messages/session_ticket_tls12.ts';
import { HandshakeType, ProtocolVersion } from '../registry.ts';
import { type SessionsOfServer } from '../sessions/scope.ts';
import {
  type ClientSession,
  decodeClientSession,
  decodeServerSession,
  defaultLifetimeSeconds,
  encodeClientSession,
  encodeServerSession,
  maxLifetimeSeconds,
  maxTicket,
  openTicket,
  type Resumable,
  resumable,
  type ServerSession,
} from '../sessions/session.ts';
import { runToEnd } from '../step/runner.ts';
import { isPromise, type Step, wait } from '../step/step.ts';
import { type Tls12ServerHellos } from './hellos.ts';
import { type Traffic } from './io.ts';

/** Takes a session out of its store. */
export type ForgetSession = () => Step<void>;

/** There is none in a store. */
function* nothing(): Step<void> {}

/** RFC 5246 section 7.2.2: a connection that ends with a fatal alert cannot be resumed. A transport that just ends is none. */
export function* forgettingOnFailure<T>(step: Step<T>, forget: ForgetSession): Step<T> {
  try {
    return yield* step;
  } catch (error) {
    if (!(isTlsError(error) && error.detail.code === 'UnexpectedEof')) forgetQuietly(forget);
    throw error;
  }
}

/** What failed first is what counts: neither it nor the alert for it waits for a store. */
function forgetQuietly(forget: ForgetSession): void {
  try {
    const forgotten = runToEnd(forget());
    if (isPromise(forgotten)) forgotten.then(undefined, () => {});
  } catch {
    // A store that cannot forget it: the server will say whether it is still good.
  }
}

// On a client.

/** A client's handshake, given the session that is stored for this server, if there is one that can be resumed. */
export function* offeringSession(
  config: ClientConfig,
  sessions: SessionsOfServer | undefined,
  handshake: (session: Resumable<ClientSession> | undefined) => Step<Traffic>,
): Step<Traffic> {
  const session = yield* storedSession(config, sessions);
  if (session === undefined) return yield* handshake(undefined);
  try {
    return yield* forgettingOnFailure(handshake(session), forgetClientSession(sessions));
  } finally {
    wipe(session.secret);
  }
}

function* storedSession(
  config: ClientConfig,
  sessions: SessionsOfServer | undefined,
): Step<Resumable<ClientSession> | undefined> {
  const stored = yield* wait(sessions?.store.tls12Session(sessions.key));
  if (sessions === undefined || stored === undefined) return undefined;
  const decoded = decodeClientSession(stored);
  const session = resumable(decoded, ProtocolVersion.TLSv1_2, sessions.scope, config.time());
  const isOfferable =
    session?.extendedMasterSecret === true &&
    config.tls12CipherSuites.some(({ id }) => id === session.cipherSuite) &&
    (session.ticket.length > 0 || session.sessionId.length > 0);
  if (isOfferable) return session;
  wipe(decoded?.secret);
  return undefined;
}

export function forgetClientSession(sessions: SessionsOfServer | undefined): ForgetSession {
  return function* () {
    yield* wait(sessions?.store.removeTls12Session(sessions.key));
  };
}

/** What a client learned in a full handshake, or knew from before. */
export type ClientSessionState = Pick<
  ClientSession,
  'cipherSuite' | 'secret' | 'protocol' | 'peer' | 'createdAtMillis' | 'ticket' | 'sessionId'
>;

/**
 * Stores a client's session, in place of the one before.
 *
 * @param state `secret` is borrowed
 * @param lifetimeHint that came with the ticket, if one did
 */
export function* keepClientSession(
  { time }: ClientConfig,
  sessions: SessionsOfServer | undefined,
  state: ClientSessionState,
  lifetimeHint: number,
): Step<void> {
  if (sessions === undefined) return;
  // From when the master secret was agreed on, and not longer than that is good for.
  const age = Math.floor((time() - state.createdAtMillis) / 1000);
  const lifetime = lifetimeHint === 0 ? defaultLifetimeSeconds : age + lifetimeHint;
  const session = encodeClientSession({
    ...state,
    version: ProtocolVersion.TLSv1_2,
    scope: sessions.scope,
    lifetimeSeconds: Math.min(Math.max(lifetime, 0), maxLifetimeSeconds),
    extendedMasterSecret: true,
    ageAdd: 0,
    maxEarlyDataSize: 0,
  });
  if (session !== undefined) yield* wait(sessions.store.setTls12Session(sessions.key, session));
}

// On a server.

/** Of those that a server of ours chooses. */
const sessionIdLength = 32;

/** A session that a server resumes, and how to forget it where that is in its hands. */
export interface FoundSession {
  readonly session: Resumable<ServerSession>;
  readonly forget: ForgetSession;
}

/** What a ticket or an id stands for, and how to forget that. */
interface Stored {
  readonly session: ServerSession | undefined;
  readonly forget: ForgetSession;
}

/** The session that the client offers to resume, if it is one of ours and fits all that the client says. */
export function* findSession(hellos: Tls12ServerHellos, isExtended: boolean): Step<FoundSession | undefined> {
  const { config } = hellos;
  const found = yield* lookUp(hellos);
  const session = resumable(found?.session, ProtocolVersion.TLSv1_2, config.policies(), config.time());
  if (found === undefined || session === undefined || !fits(hellos, session)) {
    wipe(found?.session?.secret);
    return undefined;
  }
  // RFC 7627 section 5.3.
  if (!isExtended) {
    wipe(session.secret);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'ResumptionAttemptedWithVariedEms' });
  }
  return { session, forget: found.forget };
}

/** RFC 5077 section 3.4: whoever presents a ticket is not asked for its session id. */
function* lookUp({ config, hello }: Tls12ServerHellos): Step<Stored | undefined> {
  const { sessionTicket = emptyBytes } = hello.extensions;
  if (sessionTicket.length > 0) {
    const { ticketer } = config;
    if (ticketer === undefined) return undefined;
    return { session: yield* openTicket(ticketer, sessionTicket), forget: nothing };
  }
  const { sessionStore } = config;
  if (sessionStore === undefined || hello.sessionId.length !== sessionIdLength) return undefined;
  const key = hex(hello.sessionId);
  const stored = yield* wait(sessionStore.get(key));
  if (stored === undefined) return undefined;
  return { session: decodeServerSession(stored), forget: forgetServerSession(config, key) };
}

function fits({ config, hello, info }: Tls12ServerHellos, session: ServerSession): boolean {
  return (
    session.extendedMasterSecret &&
    hello.cipherSuites.includes(session.cipherSuite) &&
    config.tls12CipherSuites.some(({ id }) => id === session.cipherSuite) &&
    // RFC 6066 section 3.
    equalBytes(session.serverName, asciiBytes(info.serverName ?? '')) &&
    !(config.clientVerifier?.mandatory === true && session.peer.certificates.length === 0)
  );
}

/** How a server lets the client resume this session. */
export type Issuance =
  | { readonly kind: 'ticket' }
  /** In the store, under a new session id. */
  | { readonly kind: 'id'; readonly sessionId: Uint8Array }
  | { readonly kind: 'none' };

/** Whether NewSessionTicket is sent: to whoever knows tickets, if we make any. */
export function issuesTicket({ config, hello }: Tls12ServerHellos): boolean {
  return config.ticketer !== undefined && hello.extensions.sessionTicket !== undefined;
}

/** RFC 7627 section 5.4: a session without the extended master secret is not to be resumed. */
export function chooseIssuance(hellos: Tls12ServerHellos, isExtended: boolean): Issuance {
  const { config } = hellos;
  if (!isExtended) return { kind: 'none' };
  if (issuesTicket(hellos)) return { kind: 'ticket' };
  if (config.sessionStore === undefined) return { kind: 'none' };
  const sessionId = new Uint8Array(sessionIdLength);
  config.provider.random(sessionId);
  return { kind: 'id', sessionId };
}

function forgetServerSession({ sessionStore }: ServerConfig, key: string): ForgetSession {
  return function* () {
    yield* wait(sessionStore?.take(key));
  };
}

/** What a server learned in a full handshake. */
export type ServerSessionState = Pick<ServerSession, 'cipherSuite' | 'secret' | 'protocol' | 'peer'>;

/**
 * Puts a server's session into the store, or into a NewSessionTicket; how to forget it.
 *
 * @param state `secret` is borrowed
 */
export function* keepServerSession(
  hellos: Tls12ServerHellos,
  issuance: Issuance,
  state: ServerSessionState,
): Step<{ readonly message?: Uint8Array; readonly forget: ForgetSession }> {
  const { config } = hellos;
  switch (issuance.kind) {
    case 'ticket': {
      const session = newServerSession(hellos, config.ticketer!.lifetimeSeconds, state);
      return { message: yield* newSessionTicket(config, session), forget: nothing };
    }
    case 'id': {
      const session = newServerSession(hellos, defaultLifetimeSeconds, state);
      const key = hex(issuance.sessionId);
      const bytes = encodeServerSession(session);
      if (bytes !== undefined) yield* wait(config.sessionStore?.put(key, bytes, session.lifetimeSeconds));
      return { forget: forgetServerSession(config, key) };
    }
    case 'none':
      return { forget: nothing };
  }
}

function newServerSession(
  { config, info, resumptionData }: Tls12ServerHellos,
  lifetimeSeconds: number,
  state: ServerSessionState,
): ServerSession {
  return {
    ...state,
    version: ProtocolVersion.TLSv1_2,
    scope: config.policies(),
    createdAtMillis: config.time(),
    lifetimeSeconds: Math.min(lifetimeSeconds, maxLifetimeSeconds),
    extendedMasterSecret: true,
    ageAdd: 0,
    maxEarlyDataSize: 0,
    serverName: asciiBytes(info.serverName ?? ''),
    applicationData: resumptionData.toKeep,
  };
}

/**
 * RFC 5077 section 3.3: a NewSessionTicket, with an empty ticket if the session cannot have one. What renews a ticket
 * does not renew the session: a master secret is good for as long as it was to be in the beginning.
 */
export function* newSessionTicket({ ticketer, time }: ServerConfig, session: ServerSession): Step<Uint8Array> {
  const bytes = encodeServerSession(session);
  const sealed = bytes === undefined ? undefined : yield* wait(ticketer?.seal(bytes));
  wipe(bytes);
  const left = session.lifetimeSeconds - Math.floor((time() - session.createdAtMillis) / 1000);
  const value: Tls12NewSessionTicket =
    sealed === undefined || sealed.length > maxTicket || left <= 0
      ? { lifetimeHint: 0, ticket: emptyBytes }
      : { lifetimeHint: left, ticket: sealed };
  return encodeMessage(HandshakeType.new_session_ticket, tls12NewSessionTicket, value);
}
