/** Sessions of TLS 1.2 with peers that resume what they must not: RFC 5246 section 7.3, RFC 5077 and RFC 7627 section 5.3. */
import { describe, expect, it } from 'vitest';
import { concat, equalBytes, hex } from '../../src/codec/bytes.ts';
import { AlertDescription, ContentType, ExtensionType, HandshakeType, ProtocolVersion } from '../../src/registry.ts';
import { parseServerName } from '../../src/server_name.ts';
import { serverScope } from '../../src/sessions/scope.ts';
import { decodeClientSession, decodeServerSession } from '../../src/sessions/session.ts';
import { clientSessionMemory } from '../../src/sessions/memory.ts';
import { type ClientConfig } from '../../src/config.ts';
import { testName } from '@tyls/testing';
import { bytes, flipped, handshake, record, vec8 } from '../hostile/wire.ts';
import {
  client,
  clientVerifier,
  clientWaitingFor,
  clientWithSession,
  established,
  masterSecret,
  refusal,
  ScriptedClient,
  ScriptedServer,
  server,
  serverWaitingFor,
  serverWithSession,
  sessionId,
  suites,
} from './scripted_peer.ts';

const { bad_record_mac, illegal_parameter, handshake_failure, unexpected_message, decode_error, decrypt_error } =
  AlertDescription;
const { extended_master_secret, session_ticket } = ExtensionType;
const announced = { append: [[session_ticket, bytes()]] } as const;

/** The session that a client would offer next. */
function storedIn(config: ClientConfig): ReturnType<typeof decodeClientSession> {
  const key = hex(serverScope(config, parseServerName(testName)));
  const stored = config.sessionStore!.tls12Session(key) as Uint8Array | undefined;
  return stored === undefined ? undefined : decodeClientSession(stored);
}

/** A client whose server has sent that session id, and that ticket if any. */
function afterFullHandshake(id: Uint8Array, ticket: Uint8Array | undefined): ClientConfig {
  const config = client();
  const scripted = new ScriptedServer(config);
  const { peer } = scripted;
  scripted.sendHello({ sessionId: id, ...(ticket !== undefined && announced) });
  peer.send(peer.certificate(), scripted.keyExchange(), scripted.done());
  if (ticket !== undefined) peer.send(scripted.ticket(ticket));
  scripted.sendFinish();
  established(peer);
  return config;
}

describe('a client', () => {
  it('asks for a ticket where it has no session, and sends a random id for middleboxes', () => {
    const hello = new ScriptedServer().clientHello;
    expect(hello.extensions.sessionTicket).toEqual(bytes());
    expect(hello.sessionId).toHaveLength(32);
  });

  it('sends neither where nothing is kept and TLS 1.3 not offered', () => {
    const config = client({ sessionStore: false, versions: [ProtocolVersion.TLSv1_2] });
    const hello = new ScriptedServer(config).clientHello;
    expect(hello.extensions.sessionTicket).toBeUndefined();
    expect(hello.sessionId).toHaveLength(0);
  });

  it('sends no session_ticket where it offers TLS 1.3 alone', () => {
    const hello = new ScriptedServer(client({ versions: [ProtocolVersion.TLSv1_3] })).clientHello;
    expect(hello.extensions.types).not.toContain(session_ticket);
  });

  it.each([undefined, [ProtocolVersion.TLSv1_2]])('offers a session by its id', (versions) => {
    const hello = new ScriptedServer(clientWithSession({}, { versions })).clientHello;
    expect(hello.sessionId).toEqual(sessionId);
    expect(hello.extensions.sessionTicket).toEqual(bytes());
  });

  it.each([undefined, [ProtocolVersion.TLSv1_2]])('offers a ticket with an id of its own', (versions) => {
    const config = clientWithSession({ ticket: bytes(7, 7) }, { versions });
    const [one, other] = [new ScriptedServer(config).clientHello, new ScriptedServer(config).clientHello];
    expect(one.extensions.sessionTicket).toEqual(bytes(7, 7));
    for (const hello of [one, other]) expect(hello.sessionId).toHaveLength(32);
    expect(equalBytes(one.sessionId, sessionId)).toBe(false);
    expect(equalBytes(one.sessionId, other.sessionId)).toBe(false);
  });

  it.each([
    ['has expired', { createdAtMillis: Date.now() - 1_000_000 }],
    ['is from the future', { createdAtMillis: Date.now() + 1_000_000 }],
    ['is of TLS 1.3', { version: ProtocolVersion.TLSv1_3 }],
    ['has no extended master secret', { extendedMasterSecret: false }],
    ['has a suite that is not enabled', { cipherSuite: 0xc013 }],
    ['is for another scope', { scope: new Uint8Array(32) }],
    ['has neither id nor ticket', { sessionId: bytes() }],
  ])('does not offer a session that %s', (_what, changes) => {
    const { clientHello } = new ScriptedServer(clientWithSession(changes));
    expect(equalBytes(clientHello.sessionId, sessionId)).toBe(false);
    expect(clientHello.extensions.sessionTicket).toEqual(bytes());
  });

  it('does not offer what a store made up', () => {
    const sessionStore = { ...clientSessionMemory(), tls12Session: () => bytes(1, 2, 3) };
    expect(new ScriptedServer(client({ sessionStore })).clientHello.extensions.sessionTicket).toEqual(bytes());
  });

  it.each([
    ['id', {}],
    ['ticket', { ticket: bytes(7) }],
  ])('resumes by %s, and keeps the session', (_way, changes) => {
    const config = clientWithSession(changes);
    const scripted = new ScriptedServer(config);
    scripted.sendResumption();
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.handshakeKind).toBe('resumed');
    expect(storedIn(config)).toMatchObject({ secret: masterSecret, ...changes });
  });

  it('accepts that the server knows the session no more, and forgets it', () => {
    const config = clientWithSession();
    const scripted = clientWaitingFor('Finished', config);
    expect(storedIn(config)).toBeDefined();
    scripted.peer.send(scripted.peer.finished());
    established(scripted.peer);
    expect(scripted.connection.handshakeKind).toBe('full');
    expect(storedIn(config)).toBeUndefined();
  });

  it.each([
    ['an id alone', bytes(9, 9), undefined, { sessionId: bytes(9, 9), ticket: bytes(), lifetimeSeconds: 86_400 }],
    ['a ticket', bytes(), bytes(1), { sessionId: bytes(), ticket: bytes(1), lifetimeSeconds: 60 }],
    ['both', bytes(9), bytes(1), { sessionId: bytes(), ticket: bytes(1), lifetimeSeconds: 60 }],
    ['an id, and no ticket after all', bytes(9), bytes(), { sessionId: bytes(9), ticket: bytes() }],
  ])('keeps a session with %s', (_what, id, ticket, expected) => {
    expect(storedIn(afterFullHandshake(id, ticket))).toMatchObject(expected);
  });

  it('keeps no session with neither', () => {
    expect(storedIn(afterFullHandshake(bytes(), undefined))).toBeUndefined();
    expect(storedIn(afterFullHandshake(bytes(), bytes()))).toBeUndefined();
  });

  it.each([12_289, 65_000])('keeps no ticket of %i bytes, which might not fit its ClientHello', (length) => {
    const config = afterFullHandshake(bytes(), new Uint8Array(length));
    expect(storedIn(config)).toBeUndefined();
    const scripted = new ScriptedServer(config);
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.clientHello.extensions.sessionTicket).toEqual(bytes());
  });

  it('keeps a ticket of 12 288 bytes, and its old one instead of a larger one', () => {
    const ticket = new Uint8Array(12_288);
    expect(storedIn(afterFullHandshake(bytes(), ticket))).toMatchObject({ ticket });
    const config = clientWithSession({ ticket: bytes(7) });
    const scripted = new ScriptedServer(config);
    scripted.sendResumption(announced);
    scripted.peer.send(scripted.ticket(new Uint8Array(12_289)));
    scripted.sendFinish();
    established(scripted.peer);
    expect(storedIn(config)).toMatchObject({ ticket: bytes(7) });
  });

  it.each([
    [0, 86_400],
    [60, 60],
    [0xffffffff, 604_800],
  ])('takes a lifetime hint of %i seconds for %i', (hint, lifetimeSeconds) => {
    const config = client();
    const scripted = new ScriptedServer(config);
    const { peer } = scripted;
    scripted.sendHello(announced);
    peer.send(peer.certificate(), scripted.keyExchange(), scripted.done(), scripted.ticket(bytes(1), hint));
    expect(storedIn(config)).toBeUndefined();
    scripted.sendFinish();
    expect(storedIn(config)).toMatchObject({ lifetimeSeconds });
  });

  it('keeps no session without the extended master secret', () => {
    const config = client();
    const scripted = new ScriptedServer(config);
    const { peer } = scripted;
    scripted.sendHello({ ...announced, sessionId: bytes(1), replace: { [extended_master_secret]: undefined } });
    peer.send(peer.certificate(), scripted.keyExchange(), scripted.done(), scripted.ticket());
    scripted.sendFinish();
    established(peer);
    expect(storedIn(config)).toBeUndefined();
  });

  it('replaces a ticket by the one that renews it, but not the session', () => {
    const createdAtMillis = Date.now() - 100_000;
    const config = clientWithSession({ ticket: bytes(7), createdAtMillis });
    const scripted = new ScriptedServer(config);
    scripted.sendResumption(announced);
    scripted.peer.send(scripted.ticket(bytes(8), 50));
    scripted.sendFinish();
    established(scripted.peer);
    expect(storedIn(config)).toMatchObject({ ticket: bytes(8), createdAtMillis, secret: masterSecret });
    expect(storedIn(config)!.lifetimeSeconds).toBeGreaterThanOrEqual(150);
    expect(storedIn(config)!.lifetimeSeconds).toBeLessThan(160);
  });

  it.each([
    ['one that was not offered', client(), {}, 'ServerEchoedCompatibilitySessionId', illegal_parameter],
    [
      'one with another suite',
      clientWithSession({ cipherSuite: suites[1]!.id }),
      {},
      'ResumptionOfferedWithVariedCipherSuite',
      illegal_parameter,
    ],
    [
      'one without the extended master secret that it has (RFC 7627 section 5.3)',
      clientWithSession(),
      { replace: { [extended_master_secret]: undefined } },
      'ResumptionOfferedWithVariedEms',
      handshake_failure,
    ],
    [
      'one that a renegotiation would have',
      clientWithSession(),
      { replace: { [ExtensionType.renegotiation_info]: vec8(bytes(1)) } },
      'IllegalRenegotiationInfo',
      handshake_failure,
    ],
  ] as const)('refuses a server that resumes %s, and forgets it', (_what, config, changes, reason, alert) => {
    const scripted = new ScriptedServer(config);
    scripted.sendResumption(changes);
    expect(refusal(scripted)).toEqual([`PeerMisbehaved.${reason}`, alert]);
    expect(storedIn(config)).toBeUndefined();
  });

  it('refuses a server that resumes without the extended master secret that is required', () => {
    const scripted = new ScriptedServer(clientWithSession({}, { requireEms: true }));
    scripted.sendResumption({ replace: { [extended_master_secret]: undefined } });
    expect(refusal(scripted)).toEqual(['PeerIncompatible.ExtendedMasterSecretExtensionRequired', handshake_failure]);
  });

  it.each([0x0302, 0x0301])('refuses a server that resumes with version %i', (legacyVersion) => {
    const scripted = new ScriptedServer(clientWithSession());
    scripted.sendResumption({ legacyVersion });
    expect(refusal(scripted)).toEqual(['PeerIncompatible.NoVersionInCommon', AlertDescription.protocol_version]);
  });

  it('refuses a session id of more than 32 bytes', () => {
    const scripted = new ScriptedServer(clientWithSession());
    scripted.sendHello({ sessionId: new Uint8Array(33) });
    expect(refusal(scripted)).toEqual(['InvalidMessage.VectorTooLong', decode_error]);
  });

  it('takes an id that is nearly its own for that of a new session', () => {
    const scripted = new ScriptedServer(clientWithSession());
    scripted.sendResumption({ sessionId: flipped(sessionId) });
    scripted.peer.sendChangeCipherSpec();
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it('refuses a server that does not know the master secret', () => {
    const config = clientWithSession();
    const scripted = new ScriptedServer(config);
    scripted.sendResumption({}, new Uint8Array(48));
    scripted.sendFinish();
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
    expect(storedIn(config)).toBeUndefined();
  });

  it('refuses a wrong Finished, and has sent nothing under the key by then', () => {
    const scripted = clientWaitingFor('Finished of a resumption');
    const sent = scripted.peer.received.length;
    scripted.peer.send(flipped(scripted.peer.finished()));
    expect(scripted.peer.received).toHaveLength(sent);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('refuses its own Finished sent back', () => {
    const scripted = clientWaitingFor('Finished of a resumption');
    const verifyData = scripted.peer.secrets!.verifyData('client', scripted.peer.transcript.digest());
    scripted.peer.send(handshake(HandshakeType.finished, verifyData));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('refuses a Certificate where the server said that it resumes', () => {
    const scripted = new ScriptedServer(clientWithSession());
    scripted.sendResumption();
    scripted.peer.send(scripted.peer.certificate());
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it('refuses a ticket that was announced and does not come', () => {
    for (const state of ['NewSessionTicket', 'NewSessionTicket of a resumption'] as const) {
      const scripted = clientWaitingFor(state);
      scripted.sendFinish();
      expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    }
  });

  it('refuses a ticket that comes unannounced', () => {
    for (const state of ['ChangeCipherSpec', 'ChangeCipherSpec of a resumption'] as const) {
      const scripted = clientWaitingFor(state);
      scripted.peer.send(scripted.ticket());
      expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    }
  });

  it('refuses a second ticket', () => {
    for (const state of ['NewSessionTicket', 'NewSessionTicket of a resumption'] as const) {
      const scripted = clientWaitingFor(state);
      scripted.peer.send(scripted.ticket(), scripted.ticket());
      expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
    }
  });

  it.each([
    ['cut short', handshake(HandshakeType.new_session_ticket, bytes(0, 0, 0, 1, 0)), 'MissingData'],
    ['with more', handshake(HandshakeType.new_session_ticket, bytes(0, 0, 0, 1, 0, 0, 0)), 'TrailingData'],
  ])('refuses a ticket %s', (_what, message, reason) => {
    const scripted = clientWaitingFor('NewSessionTicket');
    scripted.peer.send(message);
    expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
  });

  it('refuses a session_ticket that it did not ask for, or that says something', () => {
    const unasked = new ScriptedServer(client({ sessionStore: false }));
    unasked.sendHello(announced);
    expect(refusal(unasked)).toEqual(['PeerMisbehaved.UnsolicitedExtension', AlertDescription.unsupported_extension]);
    const talkative = new ScriptedServer();
    talkative.sendHello({ append: [[session_ticket, bytes(1)]] });
    expect(refusal(talkative)).toEqual(['InvalidMessage.TrailingData', decode_error]);
  });

  it('forgets its session when the server refuses the ClientHello', () => {
    const config = clientWithSession();
    const scripted = new ScriptedServer(config);
    scripted.peer.sendAlert(2, handshake_failure);
    expect(refusal(scripted)[0]).toBe('AlertReceived');
    expect(storedIn(config)).toBeUndefined();
  });

  it('forgets a session whose connection ended with a fatal alert, and with nothing less (RFC 5246 section 7.2.2)', () => {
    const resume = (): readonly [ScriptedServer, ClientConfig] => {
      const config = clientWithSession();
      const scripted = new ScriptedServer(config);
      scripted.sendResumption();
      scripted.sendFinish();
      return [scripted, config];
    };
    for (const [end, isKept] of [
      [({ peer }) => peer.sendAlert(2, handshake_failure), false],
      [({ peer }) => peer.deliver(record(ContentType.application_data, new Uint8Array(40))), false],
      [({ peer }) => peer.sendAlert(1, AlertDescription.close_notify), true],
      [({ peer, connection }) => peer.input(() => connection.receiveEnd()), true],
    ] as readonly (readonly [(scripted: ScriptedServer) => void, boolean])[]) {
      const [scripted, config] = resume();
      end(scripted);
      expect(storedIn(config) !== undefined).toBe(isKept);
    }
  });

  it('ends the connection when its store fails', () => {
    const fail = (): never => {
      throw new Error('the database is gone');
    };
    const memory = clientSessionMemory();
    const early = new ScriptedServer(client({ sessionStore: { ...memory, tls12Session: fail } }));
    expect(refusal(early)).toEqual(['General', AlertDescription.internal_error]);
    const late = new ScriptedServer(client({ sessionStore: { ...memory, setTls12Session: fail } }));
    const { peer } = late;
    late.sendHello({ sessionId: bytes(1) });
    peer.send(peer.certificate(), late.keyExchange(), late.done());
    late.sendFinish();
    expect(refusal(late)).toEqual(['General', AlertDescription.internal_error]);
  });

  it('says what went wrong at once, whenever its store answers', () => {
    const config = clientWithSession();
    const never = (): Promise<void> => new Promise(() => {});
    const sessionStore = { ...config.sessionStore, removeTls12Session: never };
    const early = new ScriptedServer({ ...config, sessionStore });
    early.sendResumption();
    early.peer.send(early.peer.certificate());
    expect(refusal(early)).toEqual(['InappropriateMessage', unexpected_message]);
    const late = new ScriptedServer({ ...config, sessionStore });
    late.sendResumption();
    late.sendFinish();
    established(late.peer);
    late.peer.deliver(record(ContentType.application_data, new Uint8Array(40)));
    expect(refusal(late)).toEqual(['DecryptError', bad_record_mac]);
    expect(() => late.connection.send(bytes(1))).toThrow('cannot decrypt');
  });

  it('says what went wrong, and not that its store cannot forget', () => {
    const config = clientWithSession();
    const sessionStore = {
      ...config.sessionStore,
      removeTls12Session() {
        throw new Error('the store is gone');
      },
    };
    const scripted = new ScriptedServer({ ...config, sessionStore });
    scripted.peer.sendAlert(2, handshake_failure);
    expect(refusal(scripted)[0]).toBe('AlertReceived');
  });
});

describe('a server', () => {
  const ticket = bytes(0x1d, 1);
  const offeringTicket = { sessionId: bytes(5), append: [[session_ticket, ticket]] } as const;

  it('resumes by id', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ sessionId });
    expect(scripted.serverHello.sessionId).toEqual(sessionId);
    expect(scripted.serverHello.extensions).toMatchObject({ extendedMasterSecret: true, renegotiationInfo: bytes() });
    expect(scripted.serverHello.extensions.sessionTicket).toBeUndefined();
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.handshakeKind).toBe('resumed');
  });

  it.each([0, 1, 16, 32])('resumes by ticket, and sends the id of %i bytes back (RFC 5077 section 3.4)', (length) => {
    const scripted = new ScriptedClient(serverWithSession());
    const id = new Uint8Array(length).fill(1);
    const { peer } = scripted;
    // With an empty id only the messages that follow say that the session is resumed.
    if (length === 0) {
      peer.onMessage = ((next) => (message) => {
        next(message);
        if (message.type !== HandshakeType.server_hello) return;
        peer.resume(suites[0]!, { client: scripted.random, server: scripted.serverHello.random });
      })(peer.onMessage.bind(peer));
    }
    scripted.sendClientHello({ sessionId: id, append: [[session_ticket, ticket]] });
    expect(scripted.serverHello.sessionId).toEqual(id);
    expect(scripted.serverHello.extensions.sessionTicket).toBe(true);
    scripted.sendFinish();
    established(peer);
    expect(peer.received.map(({ type }) => type)).toEqual([
      HandshakeType.server_hello,
      HandshakeType.new_session_ticket,
      HandshakeType.finished,
    ]);
    expect(scripted.connection.handshakeKind).toBe('resumed');
  });

  it('does not look for the id of a client with a ticket (RFC 5077 section 3.4)', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ sessionId, append: [[session_ticket, bytes(0)]] });
    expect(scripted.serverHello.sessionId).toHaveLength(0);
    expect(scripted.connection.handshakeKind).toBe('full');
  });

  it.each([
    ['whose session has expired', { createdAtMillis: Date.now() - 1_000_000 }, {}],
    ['whose session is of TLS 1.3', { version: ProtocolVersion.TLSv1_3 }, {}],
    ['whose session has no extended master secret', { extendedMasterSecret: false }, {}],
    ['whose session has a suite that is not enabled', { cipherSuite: 0xc013 }, {}],
    ['whose session is for another scope', { scope: new Uint8Array(32) }, {}],
    ['whose session is for another name', { serverName: bytes(0x61) }, {}],
    ['that does not offer the suite of its session', {}, { cipherSuites: [suites[1]!.id] }],
  ])('goes through a full handshake with a client %s', (_what, session, changes) => {
    const byId = new ScriptedClient(serverWithSession(session));
    byId.sendClientHello({ sessionId, ...changes });
    expect(byId.connection.handshakeKind).toBe('full');
    expect(equalBytes(byId.serverHello.sessionId, sessionId)).toBe(false);
    const byTicket = new ScriptedClient(serverWithSession(session));
    byTicket.sendClientHello({ ...offeringTicket, ...changes });
    expect(byTicket.connection.handshakeKind).toBe('full');
    expect(byTicket.serverHello.sessionId).toHaveLength(0);
  });

  it('goes through a full handshake with a client that nobody knows, where it must', () => {
    const options = { clientVerifier };
    const known = serverWithSession({}, options);
    expect(known.clientVerifier?.mandatory).toBe(true);
    const scripted = new ScriptedClient(known);
    scripted.sendClientHello({ sessionId });
    expect(scripted.connection.handshakeKind).toBe('full');
  });

  it.each([
    ['an id', { sessionId }],
    ['a ticket', offeringTicket],
  ])('refuses to resume by %s without the extended master secret (RFC 7627 section 5.3)', (_way, changes) => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ ...changes, replace: { [extended_master_secret]: undefined } });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.ResumptionAttemptedWithVariedEms', handshake_failure]);
  });

  it('keeps no session without the extended master secret', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({
      replace: { [extended_master_secret]: undefined },
      append: [[session_ticket, bytes()]],
    });
    expect(scripted.serverHello.sessionId).toHaveLength(0);
    expect(scripted.serverHello.extensions.sessionTicket).toBeUndefined();
    scripted.sendKeyExchange();
    scripted.sendFinish();
    established(scripted.peer);
  });

  it('puts sessions into its store for clients that know no tickets, once they are complete', () => {
    const config = serverWithSession();
    const scripted = new ScriptedClient(config);
    scripted.sendClientHello();
    const { sessionId: id } = scripted.serverHello;
    expect(id).toHaveLength(32);
    scripted.sendKeyExchange();
    scripted.peer.sendChangeCipherSpec();
    expect(config.sessionStore.get(hex(id))).toBeUndefined();
    scripted.peer.send(scripted.peer.finished());
    established(scripted.peer);
    const stored = decodeServerSession(config.sessionStore.get(hex(id)) as Uint8Array);
    expect(stored).toMatchObject({ secret: scripted.peer.secrets!.masterSecret, lifetimeSeconds: 86_400 });
  });

  it('sends a new ticket, and puts nothing into its store, for clients that know tickets', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ append: [[session_ticket, bytes()]] });
    expect(scripted.serverHello.sessionId).toHaveLength(0);
    expect(scripted.serverHello.extensions.sessionTicket).toBe(true);
    scripted.sendKeyExchange();
    scripted.sendFinish();
    established(scripted.peer);
    // Hint, length and ticket.
    expect(scripted.peer.received.at(-2)?.raw).toEqual(
      handshake(HandshakeType.new_session_ticket, bytes(0, 0, 0x03, 0xe8, 0, 2, 0x1d, 2)),
    );
  });

  it('refuses a session id of more than 32 bytes', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ sessionId: new Uint8Array(33) });
    expect(refusal(scripted)).toEqual(['InvalidMessage.VectorTooLong', decode_error]);
  });

  it('takes an id that is nearly that of a session for none', () => {
    for (const id of [flipped(sessionId), sessionId.subarray(1)]) {
      const scripted = new ScriptedClient(serverWithSession());
      scripted.sendClientHello({ sessionId: id });
      expect(scripted.connection.handshakeKind).toBe('full');
    }
  });

  it('refuses a client that does not know the master secret, and forgets the session', () => {
    const config = serverWithSession();
    const scripted = new ScriptedClient(config);
    scripted.sendClientHello({ sessionId });
    const randoms = { client: scripted.random, server: scripted.serverHello.random };
    scripted.peer.resume(suites[0]!, randoms, new Uint8Array(48));
    scripted.peer.sendChangeCipherSpec();
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, scripted.peer.finished()));
    expect(scripted.connection.error?.code).toBe('DecryptError');
    expect(config.sessionStore.get(hex(sessionId))).toBeUndefined();
  });

  it('refuses a wrong Finished', () => {
    const scripted = serverWaitingFor('Finished of a resumption');
    scripted.peer.send(flipped(scripted.peer.finished()));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('refuses its own Finished sent back', () => {
    const scripted = serverWaitingFor('Finished of a resumption');
    scripted.peer.send(scripted.peer.received.at(-1)!.raw);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('refuses a key exchange where it said that it resumes', () => {
    const scripted = new ScriptedClient(serverWithSession());
    scripted.sendClientHello({ sessionId });
    scripted.peer.deliver(
      record(ContentType.handshake, handshake(HandshakeType.client_key_exchange, concat([vec8(bytes(4))]))),
    );
    expect(refusal(scripted)).toEqual(['InappropriateMessage', unexpected_message]);
  });

  it('forgets a session whose connection ended with a fatal alert (RFC 5246 section 7.2.2)', () => {
    const config = server();
    const scripted = serverWaitingFor('traffic', config);
    const key = hex(scripted.serverHello.sessionId);
    expect(config.sessionStore!.get(key)).toBeDefined();
    scripted.peer.sendAlert(2, handshake_failure);
    expect(config.sessionStore!.get(key)).toBeUndefined();
  });

  it('ends the connection when its store or its ticketer fails, and says nothing of it to the client', () => {
    const fail = (): never => {
      throw new Error('the database is gone');
    };
    const { sessionStore, ticketer } = serverWithSession();
    const withTicket = { append: [[session_ticket, bytes(0x1d)]] } as const;
    const toResume = [
      [server({ sessionStore: { ...sessionStore, get: fail } }), { sessionId }],
      [server({ ticketer: { ...ticketer!, open: fail } }), withTicket],
      [serverWithSession({}, { ticketer: { ...ticketer!, seal: fail } }), {}],
      [server({ sessionStore: { ...sessionStore, put: fail } }), {}],
    ] as const;
    for (const [i, [config, changes]] of toResume.entries()) {
      const scripted = new ScriptedClient(config);
      scripted.sendClientHello(i === 2 ? { append: [[session_ticket, bytes()]] } : changes);
      if (i >= 2) {
        scripted.sendKeyExchange();
        scripted.sendFinish();
      }
      expect(scripted.connection.error?.detail).toMatchObject({ code: 'General', why: 'the database is gone' });
      expect(refusal(scripted)).toEqual(['General', AlertDescription.internal_error]);
    }
  });
});
