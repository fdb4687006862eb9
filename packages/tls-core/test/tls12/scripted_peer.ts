/**
 * A TLS 1.2 peer that plays its side message by message, and does at each what a test tells it: the honest thing, or any
 * bytes at all. It drives a connection under test that has a synchronous provider, and reads what that sends.
 */
import { nodeProvider } from '@tyls/crypto-node';
import { recordsOf, testCertifiedKey, testClientVerifier, testName, testServerVerifier } from '@tyls/testing';
import { ClientConnection } from '../../src/client.ts';
import { concat, equalBytes, hex } from '../../src/codec/bytes.ts';
import { clientConfig } from '../../src/client_config.ts';
import {
  type CertifiedKey,
  type ClientConfig,
  type ClientOptions,
  type ServerConfig,
  serverConfig,
  type ServerOptions,
} from '../../src/config.ts';
import { type Connection } from '../../src/connection.ts';
import { type ActiveKeyExchange, type CryptoProvider, type Tls12CipherSuite } from '../../src/crypto/provider.ts';
import { schemesFor, signedParams } from '../../src/handshake/authentication_tls12.ts';
import { Transcript } from '../../src/handshake/transcript.ts';
import { ConnectionSecrets, type Randoms } from '../../src/keys/tls12_prf.ts';
import { certificateVerify } from '../../src/messages/certificate.ts';
import { tls12Certificate } from '../../src/messages/certificate_tls12.ts';
import { clientHello, type ClientHello } from '../../src/messages/client_hello.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../../src/messages/handshake.ts';
import {
  clientKeyExchange,
  encodeServerEcdhParams,
  serverKeyExchange,
  type ServerKeyExchange,
} from '../../src/messages/key_exchange_tls12.ts';
import { tls12ServerHello, type Tls12ServerHello } from '../../src/messages/server_hello_tls12.ts';
import { tls12NewSessionTicket } from '../../src/messages/session_ticket_tls12.ts';
import { Deframer, maxPlaintext, maxTls12Ciphertext } from '../../src/record/deframer.ts';
import { Joiner } from '../../src/record/joiner.ts';
import { Tls12RecordOpener, Tls12RecordSealer } from '../../src/record/protection_tls12.ts';
import {
  type AlertDescription,
  AlertLevel,
  ContentType,
  ECCurveType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '../../src/registry.ts';
import { ServerConnection } from '../../src/server.ts';
import { clientSessionMemory, serverSessionMemory } from '../../src/sessions/memory.ts';
import { parseServerName } from '../../src/server_name.ts';
import { serverScope } from '../../src/sessions/scope.ts';
import {
  type ClientSession,
  encodeClientSession,
  encodeServerSession,
  type ServerSession,
  type Session,
} from '../../src/sessions/session.ts';
import { type ClientSessionStore, type ServerSessionStore, type Ticketer } from '../../src/sessions/store.ts';
import { isEcdheGroup } from '../../src/crypto/ecdhe.ts';
import { type Awaitable, isPromise } from '../../src/step/step.ts';
import {
  bytes,
  changeCipherSpec,
  type Extension,
  extensionBlock,
  handshake,
  record,
  u16,
  vec16,
  vec8,
} from '../hostile/wire.ts';

/** Without the hybrids that it has on a newer Node, which are not for TLS 1.2. */
export const provider: CryptoProvider = {
  ...nodeProvider(),
  keyExchangeGroups: nodeProvider().keyExchangeGroups.filter(({ name }) => isEcdheGroup(name)),
};
export const suites: readonly Tls12CipherSuite[] = provider.cipherSuites.filter(
  (suite) => suite.version === ProtocolVersion.TLSv1_2,
);
/** Of P-256. */
export const identity: CertifiedKey = await testCertifiedKey(provider);
export const rsaIdentity: CertifiedKey = await testCertifiedKey(provider, 'rsa2048');
const verifier = await testServerVerifier(provider);
export const clientVerifier = await testClientVerifier(provider);
export const optionalClientVerifier = await testClientVerifier(provider, { mandatory: false });

/** Of both versions, as by default. */
export function client(options: Partial<ClientOptions> = {}): ClientConfig {
  return clientConfig({ provider, verifier, ...options });
}

export function server(options: Partial<ServerOptions> = {}): ServerConfig {
  return serverConfig({ provider, certificate: identity, ...options });
}

/** Of the sessions that tests make up. */
export const masterSecret: Uint8Array = new Uint8Array(48).fill(0x5e);
export const sessionId: Uint8Array = new Uint8Array(32).fill(0x1d);

const commonSession: Omit<Session, 'scope'> = {
  version: ProtocolVersion.TLSv1_2,
  cipherSuite: suites[0]!.id,
  secret: masterSecret,
  createdAtMillis: Date.now(),
  lifetimeSeconds: 1000,
  protocol: bytes(),
  peer: { certificates: [], scheme: 0 },
  extendedMasterSecret: true,
  ageAdd: 0,
  maxEarlyDataSize: 0,
};

/** A client that knows a session, by its id if not told otherwise, of which the server may know nothing. */
export function clientWithSession(
  changes: Partial<ClientSession> = {},
  options: Partial<ClientOptions> = {},
): ClientConfig & { readonly sessionStore: ClientSessionStore } {
  const sessionStore = clientSessionMemory();
  const config = client({ ...options, sessionStore });
  const scope = serverScope(config, parseServerName(testName));
  const peer = { certificates: identity.certificates, scheme: SignatureScheme.ecdsa_secp256r1_sha256 };
  const session = { ...commonSession, scope, peer, ticket: bytes(), sessionId, ...changes };
  void sessionStore.setTls12Session(hex(scope), encodeClientSession(session)!);
  return { ...config, sessionStore };
}

/** A server that knows a session by {@link sessionId}, and by any ticket that begins with the same byte. */
export function serverWithSession(
  changes: Partial<ServerSession> = {},
  options: Partial<ServerOptions> = {},
): ServerConfig & { readonly sessionStore: ServerSessionStore } {
  const sessionStore = serverSessionMemory();
  const tickets: Uint8Array[] = [];
  const ticketer: Ticketer = {
    lifetimeSeconds: 1000,
    seal: () => bytes(0x1d, 2),
    open: (ticket) => (ticket[0] === 0x1d ? tickets[0]!.slice() : undefined),
  };
  const config = server({ ticketer, ...options, sessionStore });
  const session = { ...commonSession, scope: config.policies(), serverName: bytes(), applicationData: bytes() };
  const stored = encodeServerSession({ ...session, ...changes })!;
  tickets.push(stored);
  void sessionStore.put(hex(sessionId), stored, 1000);
  return { ...config, sessionStore };
}

export interface SentAlert {
  readonly level: number;
  readonly description: AlertDescription;
}

type Role = 'client' | 'server';

/** Changes to a hello: extensions by type, `undefined` to leave one out. */
export interface HelloChanges {
  readonly legacyVersion?: number;
  readonly random?: Uint8Array;
  readonly sessionId?: Uint8Array;
  readonly cipherSuites?: readonly number[];
  readonly compression?: Uint8Array;
  readonly replace?: Readonly<Record<number, Uint8Array | undefined>>;
  readonly append?: readonly Extension[];
}

function change(defaults: readonly Extension[], { replace = {}, append = [] }: HelloChanges): Extension[] {
  const kept = defaults.filter(([type]) => !(type in replace));
  const replaced = Object.entries(replace).flatMap(([type, data]): Extension[] =>
    data === undefined ? [] : [[Number(type), data]],
  );
  return [...kept, ...replaced, ...append];
}

/** What both roles can do. */
export class ScriptedPeer {
  readonly connection: Connection;
  /** The one that this peer plays. */
  readonly role: Role;
  readonly transcript: Transcript = new Transcript();
  /** Handshake messages of the connection under test. */
  readonly received: HandshakeMessage[] = [];
  readonly alerts: SentAlert[] = [];
  readonly records: Uint8Array[] = [];
  readonly applicationData: Uint8Array[] = [];
  /** What the last input of the connection threw. */
  thrown: unknown;
  secrets: ConnectionSecrets | undefined;
  sealer: Tls12RecordSealer | undefined;
  onMessage: (message: HandshakeMessage) => void = () => {};
  #opener: Tls12RecordOpener | undefined;
  #nextOpener: Tls12RecordOpener | undefined;
  #nextSealer: Tls12RecordSealer | undefined;
  readonly #joiner = new Joiner();

  constructor(connection: Connection, role: Role) {
    this.connection = connection;
    this.role = role;
  }

  /** Does something to the connection, and reads what it sends for it. */
  input(act: () => Awaitable<void>): void {
    try {
      if (isPromise(act())) throw new Error('the provider is to be synchronous');
    } catch (error) {
      this.thrown = error;
    }
    this.#read();
  }

  deliver(...parts: readonly Uint8Array[]): void {
    this.input(() => this.connection.receive(concat(parts)));
  }

  /** A record under the key of the moment, or in the clear before there is one. */
  protect(type: ContentType, content: Uint8Array): Uint8Array {
    return this.sealer === undefined
      ? record(type, content)
      : concat(this.sealer.prepare(type, content)() as readonly Uint8Array[]);
  }

  /** Handshake messages, each in a record of its own, or in several if it is too long for one. */
  send(...messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      this.transcript.add(message);
      for (let at = 0; at < message.length; at += maxPlaintext) {
        this.deliver(this.protect(ContentType.handshake, message.subarray(at, at + maxPlaintext)));
      }
    }
  }

  sendAlert(level: number, description: number): void {
    this.deliver(this.protect(ContentType.alert, bytes(level, description)));
  }

  sendData(data: Uint8Array): void {
    this.deliver(this.protect(ContentType.application_data, data));
  }

  /** ClientKeyExchange is in the transcript. */
  derive(suite: Tls12CipherSuite, randoms: Randoms, premaster: Uint8Array, isExtended: boolean): void {
    const sessionHash = isExtended ? this.transcript.digest() : undefined;
    this.#use(suite, ConnectionSecrets.fromKeyExchange(suite, randoms, premaster, sessionHash));
  }

  /** Goes on with the keys of a session. */
  resume(suite: Tls12CipherSuite, randoms: Randoms, secret: Uint8Array = masterSecret): void {
    this.#use(suite, new ConnectionSecrets(suite, randoms, secret.slice()));
  }

  #use(suite: Tls12CipherSuite, secrets: ConnectionSecrets): void {
    this.secrets = secrets;
    const keys = secrets.keyBlock();
    const [ours, theirs] = this.role === 'client' ? [keys.client, keys.server] : [keys.server, keys.client];
    this.#nextSealer = new Tls12RecordSealer(suite, ours);
    this.#nextOpener = new Tls12RecordOpener(suite, theirs);
  }

  /** Changes the key without saying so. */
  changeKey(): void {
    this.sealer = this.#nextSealer;
  }

  sendChangeCipherSpec(): void {
    this.deliver(changeCipherSpec);
    this.changeKey();
  }

  // Messages that both roles have, honest but for what is asked otherwise; `send` sends them.

  finished(): Uint8Array {
    return handshake(HandshakeType.finished, this.secrets!.verifyData(this.role, this.transcript.digest()));
  }

  certificate(certificates: readonly Uint8Array[] = identity.certificates): Uint8Array {
    return encodeMessage(HandshakeType.certificate, tls12Certificate, certificates);
  }

  #read(): void {
    for (const raw of recordsOf(concat(this.connection.takeOutput()))) {
      this.records.push(raw);
      const deframer = new Deframer();
      deframer.push(raw);
      const { type, payload } = deframer.next(() => maxTls12Ciphertext)!;
      let content = concat(payload);
      if (type === ContentType.change_cipher_spec) {
        this.#opener = this.#nextOpener;
        continue;
      }
      if (this.#opener !== undefined) {
        deframer.push(raw);
        const opened = this.#opener.open(deframer.next(() => maxTls12Ciphertext)!);
        if (opened === undefined || isPromise(opened)) throw new Error('cannot open what the connection sent');
        content = concat(opened);
      }
      this.#content(type, content);
    }
  }

  #content(type: ContentType, content: Uint8Array): void {
    if (type === ContentType.alert) {
      this.alerts.push({ level: content[0]!, description: content[1]! });
    } else if (type === ContentType.handshake) {
      this.#joiner.push(content);
      for (let m = this.#joiner.next(); m !== undefined; m = this.#joiner.next()) {
        this.received.push(m);
        this.transcript.add(m.raw);
        this.onMessage(m);
      }
    } else {
      this.applicationData.push(content);
    }
  }
}

function startExchange(group: NamedGroup): ActiveKeyExchange {
  return provider.keyExchangeGroups.find(({ name }) => name === group)!.start() as ActiveKeyExchange;
}

/** What a ServerKeyExchange is to be like, if not as it should. */
export interface KeyExchangeChanges {
  readonly certified?: CertifiedKey;
  readonly group?: NamedGroup;
  readonly publicKey?: Uint8Array;
  readonly scheme?: SignatureScheme;
  /** Instead of the randoms that were exchanged. */
  readonly randoms?: Randoms;
}

/** A server that a client under test talks to. */
export class ScriptedServer {
  readonly peer: ScriptedPeer;
  readonly connection: ClientConnection;
  readonly suite: Tls12CipherSuite;
  readonly random: Uint8Array = new Uint8Array(32).fill(7);
  #exchange: ActiveKeyExchange = startExchange(NamedGroup.X25519);
  #isExtended = true;

  constructor(config: ClientConfig = client(), suite: Tls12CipherSuite = suites[0]!) {
    this.suite = suite;
    this.connection = new ClientConnection(config, testName);
    this.peer = new ScriptedPeer(this.connection, 'server');
    this.peer.onMessage = (message) => this.#received(message);
    this.peer.input(() => this.connection.start());
  }

  get clientHello(): ClientHello {
    return parseBody('ClientHello', clientHello, this.peer.received[0]!);
  }

  hello(changes: HelloChanges = {}): Uint8Array {
    const extensions = change(
      [
        [ExtensionType.extended_master_secret, bytes()],
        [ExtensionType.renegotiation_info, vec8()],
      ],
      changes,
    );
    this.#isExtended = extensions.some(([type]) => type === ExtensionType.extended_master_secret);
    return handshake(
      HandshakeType.server_hello,
      concat([
        u16(changes.legacyVersion ?? 0x0303),
        changes.random ?? this.random,
        vec8(changes.sessionId ?? bytes()),
        u16(...(changes.cipherSuites ?? [this.suite.id])),
        changes.compression ?? bytes(0),
        extensionBlock(extensions),
      ]),
    );
  }

  sendHello(changes: HelloChanges = {}): void {
    this.peer.transcript.start(this.suite.hash, true);
    this.peer.send(this.hello(changes));
  }

  get randoms(): Randoms {
    return { client: this.clientHello.random, server: this.random };
  }

  keyExchange(changes: KeyExchangeChanges = {}): Uint8Array {
    const { certified = identity, group = NamedGroup.X25519, randoms = this.randoms } = changes;
    if (group !== NamedGroup.X25519 && changes.publicKey === undefined) this.#exchange = startExchange(group);
    const params = { group, publicKey: changes.publicKey ?? this.#exchange.keyShare };
    const all = Object.values(SignatureScheme);
    const signer = certified.key.chooseScheme(
      changes.scheme === undefined ? schemesFor([this.suite.authentication], all) : [changes.scheme],
    )!;
    const signature = signer.sign(signedParams(randoms, encodeServerEcdhParams(params))) as Uint8Array;
    const scheme = signer.scheme;
    return encodeMessage(HandshakeType.server_key_exchange, serverKeyExchange, { params, scheme, signature });
  }

  /** A ServerKeyExchange of any bytes: these params, a signature that does not matter. */
  rawKeyExchange(params: Uint8Array): Uint8Array {
    return handshake(HandshakeType.server_key_exchange, concat([params, u16(0x0403), vec16(bytes(1))]));
  }

  certificateRequest(
    types: Uint8Array = bytes(64, 1),
    schemes: readonly number[] = [SignatureScheme.ecdsa_secp256r1_sha256],
  ): Uint8Array {
    return handshake(HandshakeType.certificate_request, concat([vec8(types), vec16(u16(...schemes)), vec16()]));
  }

  /** ServerHello of a handshake that resumes a session, by default the one that the client offers. */
  sendResumption(changes: HelloChanges = {}, secret?: Uint8Array): void {
    this.sendHello({ sessionId: this.clientHello.sessionId, ...changes });
    this.peer.resume(this.suite, this.randoms, secret);
  }

  ticket(ticket: Uint8Array = bytes(1, 2, 3), lifetimeHint: number = 60): Uint8Array {
    return encodeMessage(HandshakeType.new_session_ticket, tls12NewSessionTicket, { lifetimeHint, ticket });
  }

  done(): Uint8Array {
    return handshake(HandshakeType.server_hello_done, bytes());
  }

  /** change_cipher_spec and Finished, honest. */
  sendFinish(): void {
    this.peer.sendChangeCipherSpec();
    this.peer.send(this.peer.finished());
  }

  #received(message: HandshakeMessage): void {
    if (message.type !== HandshakeType.client_key_exchange) return;
    const publicKey = parseBody('ClientKeyExchange', clientKeyExchange, message);
    const premaster = this.#exchange.complete(publicKey) as Uint8Array;
    this.peer.derive(this.suite, this.randoms, premaster, this.#isExtended);
  }
}

/** A client that a server under test talks to. */
export class ScriptedClient {
  readonly peer: ScriptedPeer;
  readonly connection: ServerConnection;
  #sessionId: Uint8Array = bytes();
  readonly random: Uint8Array = new Uint8Array(32).fill(9);
  #hello: Tls12ServerHello | undefined;
  #serverExchange: ServerKeyExchange | undefined;
  #isExtended = true;

  constructor(config: ServerConfig = server()) {
    this.connection = new ServerConnection(config);
    this.peer = new ScriptedPeer(this.connection, 'client');
    this.peer.onMessage = (message) => this.#received(message);
  }

  get serverHello(): Tls12ServerHello {
    return this.#hello!;
  }

  clientHello(changes: HelloChanges = {}): Uint8Array {
    const schemes = provider.signatureVerification.schemes.map(({ scheme }) => scheme);
    const extensions = change(
      [
        [ExtensionType.supported_groups, vec16(u16(...provider.keyExchangeGroups.map(({ name }) => name)))],
        [ExtensionType.signature_algorithms, vec16(u16(...schemes))],
        [ExtensionType.ec_point_formats, vec8(bytes(0))],
        [ExtensionType.extended_master_secret, bytes()],
        [ExtensionType.renegotiation_info, vec8()],
      ],
      changes,
    );
    this.#isExtended = extensions.some(([type]) => type === ExtensionType.extended_master_secret);
    this.#sessionId = changes.sessionId ?? bytes();
    return handshake(
      HandshakeType.client_hello,
      concat([
        u16(changes.legacyVersion ?? 0x0303),
        changes.random ?? this.random,
        vec8(this.#sessionId),
        vec16(u16(...(changes.cipherSuites ?? suites.map(({ id }) => id)))),
        changes.compression ?? vec8(bytes(0)),
        extensionBlock(extensions),
      ]),
    );
  }

  sendClientHello(changes: HelloChanges = {}): void {
    this.peer.send(this.clientHello(changes));
  }

  /** ClientKeyExchange with a share of the server's group, or the one given. Sends it, and derives the keys. */
  sendKeyExchange(publicKey?: Uint8Array): void {
    const { group, publicKey: serverKey } = this.#serverExchange!.params;
    const exchange = startExchange(group);
    const message = encodeMessage(HandshakeType.client_key_exchange, clientKeyExchange, publicKey ?? exchange.keyShare);
    this.peer.transcript.add(message);
    const suite = suites.find(({ id }) => id === this.serverHello.cipherSuite)!;
    const randoms = { client: this.random, server: this.serverHello.random };
    this.peer.derive(suite, randoms, exchange.complete(serverKey) as Uint8Array, this.#isExtended);
    this.peer.deliver(record(ContentType.handshake, message));
  }

  certificateVerify(
    certified: CertifiedKey = identity,
    messages: Uint8Array = this.peer.transcript.messages(),
    scheme?: SignatureScheme,
  ): Uint8Array {
    const signer = certified.key.chooseScheme(scheme === undefined ? Object.values(SignatureScheme) : [scheme])!;
    const signature = signer.sign(messages) as Uint8Array;
    return encodeMessage(HandshakeType.certificate_verify, certificateVerify, { scheme: signer.scheme, signature });
  }

  sendFinish(): void {
    this.peer.sendChangeCipherSpec();
    this.peer.send(this.peer.finished());
  }

  #received(message: HandshakeMessage): void {
    if (message.type === HandshakeType.server_hello) {
      this.#hello = parseBody('ServerHello', tls12ServerHello, message);
      const suite = suites.find(({ id }) => id === this.serverHello.cipherSuite)!;
      this.peer.transcript.start(suite.hash, true);
      if (this.serverHello.sessionId.length > 0 && equalBytes(this.serverHello.sessionId, this.#sessionId)) {
        this.peer.resume(suite, { client: this.random, server: this.serverHello.random });
      }
    } else if (message.type === HandshakeType.server_key_exchange) {
      this.#serverExchange = parseBody('ServerKeyExchange', serverKeyExchange, message);
    }
  }
}

/** Params of a named curve, or of what is said to be one. */
export function ecdhParams(
  publicKey: Uint8Array,
  group: number = NamedGroup.X25519,
  curveType: number = ECCurveType.named_curve,
): Uint8Array {
  return concat([bytes(curveType), u16(group), vec8(publicKey)]);
}

/** Where a client under test stands: what it waits for. */
export const clientStates = [
  'ServerHello',
  'Certificate',
  'ServerKeyExchange',
  'CertificateStatus',
  'CertificateRequest or ServerHelloDone',
  'ServerHelloDone',
  'NewSessionTicket',
  'ChangeCipherSpec',
  'Finished',
  'NewSessionTicket of a resumption',
  'ChangeCipherSpec of a resumption',
  'Finished of a resumption',
  'traffic',
] as const;
export type ClientState = (typeof clientStates)[number];

/** Plays an honest server until the client waits for that. */
export function clientWaitingFor(state: ClientState, config?: ClientConfig): ScriptedServer {
  const resumes = state.endsWith('of a resumption');
  const ocsp = clientConfig({ provider, verifier: { ...verifier, requestOcspResponse: true } });
  const honest = state === 'CertificateStatus' ? ocsp : resumes ? clientWithSession() : client();
  const scripted = new ScriptedServer(config ?? honest);
  const { peer } = scripted;
  if (state === 'ServerHello') return scripted;
  const announced: HelloChanges = state.startsWith('NewSessionTicket')
    ? { append: [[ExtensionType.session_ticket, bytes()]] }
    : {};
  if (resumes) {
    scripted.sendResumption(announced);
    if (state === 'Finished of a resumption') peer.sendChangeCipherSpec();
    return scripted;
  }
  scripted.sendHello(state === 'CertificateStatus' ? { append: [[ExtensionType.status_request, bytes()]] } : announced);
  if (state === 'Certificate') return scripted;
  peer.send(peer.certificate());
  if (state === 'ServerKeyExchange' || state === 'CertificateStatus') return scripted;
  peer.send(scripted.keyExchange());
  if (state === 'CertificateRequest or ServerHelloDone') return scripted;
  if (state === 'ServerHelloDone') peer.send(scripted.certificateRequest());
  if (state === 'ServerHelloDone') return scripted;
  peer.send(scripted.done());
  if (state === 'ChangeCipherSpec' || state === 'NewSessionTicket') return scripted;
  peer.sendChangeCipherSpec();
  if (state === 'Finished') return scripted;
  peer.send(peer.finished());
  established(peer);
  return scripted;
}

/** Where a server under test stands: what it waits for. */
export const serverStates = [
  'ClientHello',
  'Certificate',
  'ClientKeyExchange',
  'ClientKeyExchange after Certificate',
  'CertificateVerify',
  'ChangeCipherSpec',
  'ChangeCipherSpec after CertificateVerify',
  'Finished',
  'ChangeCipherSpec of a resumption',
  'Finished of a resumption',
  'traffic',
] as const;
export type ServerState = (typeof serverStates)[number];

/** Plays an honest client until the server waits for that. */
export function serverWaitingFor(state: ServerState, config?: ServerConfig): ScriptedClient {
  if (state.endsWith('of a resumption')) {
    const resumed = new ScriptedClient(config ?? serverWithSession());
    resumed.sendClientHello({ sessionId });
    if (state === 'Finished of a resumption') resumed.peer.sendChangeCipherSpec();
    return resumed;
  }
  const isAsked = state.includes('Certificate');
  const scripted = new ScriptedClient(config ?? (isAsked ? server({ clientVerifier }) : server()));
  const { peer } = scripted;
  if (state === 'ClientHello') return scripted;
  scripted.sendClientHello();
  if (state === 'Certificate' || state === 'ClientKeyExchange') return scripted;
  if (isAsked) peer.send(peer.certificate());
  if (state === 'ClientKeyExchange after Certificate') return scripted;
  scripted.sendKeyExchange();
  if (state === 'CertificateVerify') return scripted;
  if (isAsked) peer.send(scripted.certificateVerify());
  if (state.startsWith('ChangeCipherSpec')) return scripted;
  peer.sendChangeCipherSpec();
  if (state === 'Finished') return scripted;
  peer.send(peer.finished());
  established(peer);
  return scripted;
}

/** That the connection under test is in traffic and nothing went wrong; throws otherwise. */
export function established({ connection, thrown, alerts }: ScriptedPeer): true {
  if (connection.error !== undefined) throw connection.error;
  assert(thrown === undefined, 'it threw');
  assert(alerts.length === 0, 'it sent an alert');
  assert(!connection.isHandshaking, 'the handshake is not complete');
  return true;
}

/**
 * How the connection under test refused: the code of its error, and the alert that it sent for it. Throws unless it
 * threw that error and no other, sent at most that one fatal alert, and from then on throws the same error.
 */
export function refusal({
  peer,
}: {
  readonly peer: ScriptedPeer;
}): [code: string, alert: AlertDescription | undefined] {
  const { connection } = peer;
  const { error } = connection;
  if (error === undefined) throw new Error('it accepted');
  assert(peer.thrown === error, 'it threw something else');
  const fatal = peer.alerts.filter(({ level }) => level === AlertLevel.fatal);
  assert(fatal.length <= 1, 'it sent several fatal alerts');
  peer.thrown = undefined;
  peer.deliver(bytes(22));
  assert(peer.thrown === error, 'its error is not final');
  assert(connection.takeOutput().length === 0, 'it went on sending');
  return [error.code, fatal[0]?.description];
}

function assert(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
