/**
 * A TLS 1.3 peer that plays its side message by message, and does at each what a test tells it: the honest thing, or
 * any bytes at all. It drives a connection under test that has a synchronous provider, and reads what that sends.
 */
import { recordsOf, testName } from '@tyls/testing';
import { ClientConnection } from '../../src/client.ts';
import { concat, equalBytes } from '../../src/codec/bytes.ts';
import { type CertifiedKey, type ClientConfig, type ServerConfig } from '../../src/config.ts';
import { type Connection } from '../../src/connection.ts';
import { type KeyExchangeAnswer, type Tls13CipherSuite } from '../../src/crypto/provider.ts';
import {
  certificateEntries,
  chooseSigner,
  finishedMessage,
  signHandshake,
} from '../../src/handshake/authentication.ts';
import { SecretLog } from '../../src/handshake/io.ts';
import { earlySecrets } from '../../src/handshake/tls13_secrets.ts';
import { Transcript } from '../../src/handshake/transcript.ts';
import {
  type BinderLabel,
  earlySecretOf,
  KeySchedule,
  nextTrafficSecret,
  pskBinder,
  ticketPsk,
} from '../../src/keys/tls13_key_schedule.ts';
import { certificate } from '../../src/messages/certificate.ts';
import { clientHello, type ClientHello } from '../../src/messages/client_hello.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../../src/messages/handshake.ts';
import { newSessionTicket, type NewSessionTicket } from '../../src/messages/post_handshake.ts';
import { helloRetryRequestRandom, serverHello, type ServerHello } from '../../src/messages/server_hello.ts';
import { Deframer, maxPlaintext } from '../../src/record/deframer.ts';
import { Joiner } from '../../src/record/joiner.ts';
import { Tls13RecordOpener, tls13MaxLength } from '../../src/record/protection_tls13.ts';
import {
  type AlertDescription,
  AlertLevel,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  PskKeyExchangeMode,
  SignatureScheme,
} from '../../src/registry.ts';
import { ServerConnection } from '../../src/server.ts';
import { type Awaitable, isPromise } from '../../src/step/step.ts';
import { runToEnd } from '../../src/step/runner.ts';
import { client as clientOf, hybridProvider, identity, provider, server as serverOf } from './fixtures.ts';
import { bytes, type Extension, extensionBlock, handshake, RawSealer, record, u16, u32, vec16, vec8 } from './wire.ts';

/** An alert as the connection under test sent it. */
export interface SentAlert {
  readonly level: number;
  readonly description: AlertDescription;
  readonly isProtected: boolean;
}

type Role = 'client' | 'server';
type Secrets = Readonly<Record<Role, Uint8Array>>;

/** Changes to an extensions block: by type, `undefined` to leave one out; then what is to stand at its end. */
export interface ExtensionChanges {
  readonly replace?: Readonly<Record<number, Uint8Array | undefined>>;
  readonly append?: readonly Extension[];
}

export interface HelloChanges extends ExtensionChanges {
  readonly legacyVersion?: number;
  readonly random?: Uint8Array;
  readonly sessionId?: Uint8Array;
  /** Of a ServerHello. */
  readonly cipherSuite?: number;
  /** Of a ClientHello: the vector with its length. */
  readonly cipherSuites?: Uint8Array;
  /** Of a ServerHello: a byte. Of a ClientHello: the vector with its length. */
  readonly compression?: Uint8Array;
}

function change(defaults: readonly Extension[], { replace = {}, append = [] }: ExtensionChanges): Extension[] {
  const changed = defaults.flatMap(([type, data]): Extension[] => {
    if (!(type in replace)) return [[type, data]];
    const other = replace[type];
    return other === undefined ? [] : [[type, other]];
  });
  const added = Object.entries(replace).flatMap(([type, data]): Extension[] =>
    data === undefined || defaults.some(([known]) => known === Number(type)) ? [] : [[Number(type), data]],
  );
  return [...changed, ...added, ...append];
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
  /** Records of the connection under test, as they came. */
  readonly records: Uint8Array[] = [];
  changeCipherSpecs = 0;
  /** Application data of the connection under test. */
  readonly applicationData: Uint8Array[] = [];
  /** What the last input of the connection threw. */
  thrown: unknown;
  suite: Tls13CipherSuite = provider.cipherSuites[0]!;
  writeKey: RawSealer | undefined;
  handshakeSecrets: Secrets | undefined;
  applicationSecrets: Secrets | undefined;
  /** The PSK with which the handshake goes on, if it is to be one with a PSK. */
  psk: Uint8Array | undefined;
  /** Once both have sent Finished. */
  resumptionSecret: Uint8Array | undefined;
  /** What opens the early data of a client under test, up to its EndOfEarlyData. */
  earlyOpener: Tls13RecordOpener | undefined;
  #opener: Tls13RecordOpener | undefined;
  #schedule: KeySchedule | undefined;
  readonly #joiner = new Joiner();

  constructor(connection: Connection, role: Role) {
    this.connection = connection;
    this.role = role;
    this.input(() => connection.start());
  }

  get peerRole(): Role {
    return this.role === 'client' ? 'server' : 'client';
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

  /** Bytes for the connection, in one piece. */
  deliver(...parts: readonly Uint8Array[]): void {
    this.input(() => this.connection.receive(concat(parts)));
  }

  /** A record under the key of the moment, or in the clear before there is one. */
  protect(type: ContentType, content: Uint8Array): Uint8Array {
    return this.writeKey?.record(type, content) ?? record(type, content);
  }

  /** Handshake messages, each in records of its own. */
  send(...messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      this.transcript.add(message);
      for (const fragment of fragments(message)) this.deliver(this.protect(ContentType.handshake, fragment));
    }
  }

  sendAlert(level: number, description: number): void {
    this.deliver(this.protect(ContentType.alert, bytes(level, description)));
  }

  sendData(data: Uint8Array): void {
    this.deliver(this.protect(ContentType.application_data, data));
  }

  /** Both hellos are in the transcript: derives the handshake's keys, and changes to them. */
  enterHandshake(sharedSecret: Uint8Array): void {
    const schedule = new KeySchedule(
      this.suite,
      this.psk === undefined ? undefined : earlySecretOf(this.suite, this.psk),
    );
    schedule.enterHandshake(sharedSecret);
    const hash = this.transcript.digest();
    this.#schedule = schedule;
    this.handshakeSecrets = {
      client: schedule.derive('c hs traffic', hash).slice(),
      server: schedule.derive('s hs traffic', hash).slice(),
    };
    this.writeKey = new RawSealer(this.suite, this.handshakeSecrets[this.role]);
    this.#opener = new Tls13RecordOpener(this.suite, this.handshakeSecrets[this.peerRole]);
  }

  /** The server's Finished is in the transcript: derives the traffic keys. */
  deriveApplicationSecrets(): void {
    this.#schedule!.enterMain();
    const hash = this.transcript.digest();
    this.applicationSecrets = {
      client: this.#schedule!.derive('c ap traffic', hash).slice(),
      server: this.#schedule!.derive('s ap traffic', hash).slice(),
    };
  }

  /** The secret of early data with a PSK; the ClientHello is all that is in the transcript. */
  earlySecret(psk: Uint8Array): Uint8Array {
    return earlySecrets(this.suite, earlySecretOf(this.suite, psk), this.transcript, new SecretLog(undefined, bytes()))
      .traffic;
  }

  /** The client's Finished is in the transcript. */
  deriveResumptionSecret(): void {
    this.resumptionSecret = this.#schedule!.derive('res master', this.transcript.digest()).slice();
  }

  /** Sends under the traffic key from here on. */
  enterTraffic(): void {
    this.writeKey = new RawSealer(this.suite, this.applicationSecrets![this.role]);
  }

  /** Sends a KeyUpdate and changes the key. */
  updateKeys(request: number): void {
    this.deliver(this.protect(ContentType.handshake, handshake(HandshakeType.key_update, bytes(request))));
    this.nextWriteKey();
  }

  nextWriteKey(): void {
    const next = nextTrafficSecret(this.suite, this.applicationSecrets![this.role].slice());
    this.applicationSecrets = { ...this.applicationSecrets!, [this.role]: next };
    this.enterTraffic();
  }

  // Messages that both roles have, honest but for what is asked otherwise; `send` sends them.

  certificate({
    certified = identity,
    context = bytes(),
  }: { certified?: CertifiedKey; context?: Uint8Array } = {}): Uint8Array {
    const entries = certificateEntries(certified, { ocspResponse: false, sctList: false });
    return encodeMessage(HandshakeType.certificate, certificate, { context, entries });
  }

  /** @param as whose context string it has, and over which transcript hash */
  certificateVerify({
    certified = identity,
    as = this.role,
    transcriptHash = this.transcript.digest(),
    schemes = Object.values(SignatureScheme),
  }: {
    certified?: CertifiedKey;
    as?: Role;
    transcriptHash?: Uint8Array;
    schemes?: readonly number[];
  } = {}): Uint8Array {
    const signer = chooseSigner(certified.key, schemes)!;
    return runToEnd(signHandshake(as, signer, transcriptHash)) as Uint8Array;
  }

  finished(): Uint8Array {
    return finishedMessage(this.suite, this.handshakeSecrets![this.role], this.transcript.digest());
  }

  #read(): void {
    const deframer = new Deframer();
    for (const raw of recordsOf(concat(this.connection.takeOutput()))) {
      this.records.push(raw);
      deframer.push(raw);
      const { type, payload } = deframer.next(tls13MaxLength)!;
      if (type === ContentType.change_cipher_spec) {
        assert(equalBytes(concat(payload), bytes(1)), 'a strange change_cipher_spec');
        this.changeCipherSpecs++;
      } else if (type === ContentType.application_data) {
        const inner = concat(this.#open(raw));
        this.#content(inner.at(-1)!, inner.subarray(0, -1), true);
      } else {
        this.#content(type, concat(payload), false);
      }
    }
  }

  #open(raw: Uint8Array): readonly Uint8Array[] {
    const deframer = new Deframer();
    deframer.push(raw);
    const plaintext = (this.earlyOpener ?? this.#opener)?.open(deframer.next(tls13MaxLength)!);
    if (plaintext === undefined || isPromise(plaintext)) throw new Error('cannot open what the connection sent');
    return plaintext;
  }

  #content(type: ContentType, content: Uint8Array, isProtected: boolean): void {
    if (type === ContentType.alert) {
      assert(content.length === 2, 'a strange alert');
      this.alerts.push({ level: content[0]!, description: content[1]!, isProtected });
    } else if (type === ContentType.handshake) {
      this.#joiner.push(content);
      for (let m = this.#joiner.next(); m !== undefined; m = this.#joiner.next()) this.#message(m);
    } else {
      this.applicationData.push(content);
    }
  }

  #message(message: HandshakeMessage): void {
    this.received.push(message);
    const traffic = this.applicationSecrets;
    if (message.type === HandshakeType.key_update) {
      const next = nextTrafficSecret(this.suite, traffic![this.peerRole].slice());
      this.applicationSecrets = { ...traffic!, [this.peerRole]: next };
      this.#opener = new Tls13RecordOpener(this.suite, next);
      return;
    }
    // What comes after the handshake is no part of it.
    if (message.type === HandshakeType.new_session_ticket) return;
    if (message.type === HandshakeType.server_hello && this.role === 'client') this.receivedServerHello?.(message);
    else this.transcript.add(message.raw);
    if (message.type === HandshakeType.end_of_early_data) this.earlyOpener = undefined;
    if (message.type !== HandshakeType.finished) return;
    if (this.role === 'client') this.deriveApplicationSecrets();
    else this.deriveResumptionSecret();
    this.#opener = new Tls13RecordOpener(this.suite, this.applicationSecrets![this.peerRole]);
  }

  /** What a scripted client does with a ServerHello. */
  receivedServerHello?: (message: HandshakeMessage) => void;
}

/** A server that a client under test talks to. */
export class ScriptedServer {
  readonly peer: ScriptedPeer;
  readonly connection: ClientConnection;

  constructor(config: ClientConfig = clientOf(), serverName: string = testName) {
    this.connection = new ClientConnection(config, serverName);
    this.peer = new ScriptedPeer(this.connection, 'server');
  }

  /** The client's last. */
  get clientHello(): ClientHello {
    return parseBody(
      'ClientHello',
      clientHello,
      this.peer.received.findLast(({ type }) => type === 1)!,
    );
  }

  /** What the key exchange with the client's first share that is not GREASE gives, or with that of `group`. */
  answer(group?: NamedGroup): KeyExchangeAnswer & { readonly group: NamedGroup } {
    const { keyShares = [] } = this.clientHello.extensions;
    const groups = hybridProvider.keyExchangeGroups.filter(({ name }) => group === undefined || name === group);
    const share = keyShares.find((candidate) => groups.some(({ name }) => name === candidate.group))!;
    const exchange = groups.find(({ name }) => name === share.group)!;
    return { ...(exchange.respond(share.keyExchange) as KeyExchangeAnswer), group: share.group };
  }

  hello(changes: HelloChanges, extensions: readonly Extension[]): Uint8Array {
    const { legacyVersion = 0x0303, cipherSuite = this.peer.suite.id, compression = bytes(0) } = changes;
    return handshake(
      HandshakeType.server_hello,
      concat([
        u16(legacyVersion),
        changes.random ?? new Uint8Array(32).fill(7),
        vec8(changes.sessionId ?? this.clientHello.sessionId),
        u16(cipherSuite),
        compression,
        extensionBlock(change(extensions, changes)),
      ]),
    );
  }

  /** Sends it, and changes to the handshake's keys. */
  sendServerHello(changes: HelloChanges = {}): void {
    const { group, keyShare, sharedSecret } = this.answer();
    const message = this.hello(changes, [
      [ExtensionType.supported_versions, u16(ProtocolVersion.TLSv1_3)],
      [ExtensionType.key_share, concat([u16(group), vec16(keyShare)])],
    ]);
    this.peer.transcript.start(this.peer.suite.hash);
    this.peer.send(message);
    // What a client that refuses it has to say comes in the clear.
    if (this.connection.error === undefined) this.peer.enterHandshake(sharedSecret);
  }

  /** Without changes: asks for a share of secp384r1. */
  sendHelloRetryRequest(changes: HelloChanges = {}): void {
    this.peer.transcript.start(this.peer.suite.hash);
    this.peer.transcript.replaceWithMessageHash();
    this.peer.send(
      this.hello({ random: helloRetryRequestRandom, ...changes }, [
        [ExtensionType.supported_versions, u16(ProtocolVersion.TLSv1_3)],
        [ExtensionType.key_share, u16(NamedGroup.secp384r1)],
      ]),
    );
  }

  encryptedExtensions(extensions: readonly Extension[] = []): Uint8Array {
    return handshake(HandshakeType.encrypted_extensions, extensionBlock(extensions));
  }

  certificateRequest(changes: ExtensionChanges = {}, context: Uint8Array = bytes()): Uint8Array {
    const schemes = vec16(u16(...provider.signatureVerification.schemes.map(({ scheme }) => scheme)));
    const extensions = change([[ExtensionType.signature_algorithms, schemes]], changes);
    return handshake(HandshakeType.certificate_request, concat([vec8(context), extensionBlock(extensions)]));
  }

  /** Sends Finished, honest or not, and changes to the traffic key if it is accepted. */
  sendFinished(message: Uint8Array = this.peer.finished()): void {
    this.peer.transcript.add(message);
    this.peer.deriveApplicationSecrets();
    this.peer.deliver(this.peer.protect(ContentType.handshake, message));
    this.peer.enterTraffic();
  }
}

/** A ticket, and the PSK that goes with it. */
export interface OfferableTicket {
  readonly ticket: Uint8Array;
  readonly psk: Uint8Array;
  /** It is as if it came just now. */
  readonly ageAdd?: number;
  /** That of a ticket by default. */
  readonly binderLabel?: BinderLabel;
}

/** A client that a server under test talks to. */
export class ScriptedClient {
  readonly peer: ScriptedPeer;
  readonly connection: ServerConnection;
  /** Of its first key share. */
  readonly group: NamedGroup;
  /** For early data with the first PSK that it offered. */
  earlyKey: RawSealer | undefined;
  #offered: readonly OfferableTicket[] = [];
  readonly #exchanges = new Map<NamedGroup, ReturnType<typeof startExchange>>();

  constructor(config: ServerConfig = serverOf(), group: NamedGroup = NamedGroup.X25519) {
    this.connection = new ServerConnection(config);
    this.peer = new ScriptedPeer(this.connection, 'client');
    this.peer.receivedServerHello = (message) => this.#receivedServerHello(message);
    this.group = group;
  }

  keyShare(group: NamedGroup = this.group): Uint8Array {
    const exchange = this.#exchanges.get(group) ?? startExchange(group);
    this.#exchanges.set(group, exchange);
    return concat([u16(group), vec16(exchange.keyShare)]);
  }

  clientHello(changes: HelloChanges = {}): Uint8Array {
    const schemes = provider.signatureVerification.schemes.map(({ scheme }) => scheme);
    const extensions: Extension[] = [
      [ExtensionType.supported_versions, vec8(u16(ProtocolVersion.TLSv1_3))],
      [ExtensionType.supported_groups, vec16(u16(...provider.keyExchangeGroups.map(({ name }) => name)))],
      [ExtensionType.signature_algorithms, vec16(u16(...schemes))],
      [ExtensionType.key_share, vec16(this.keyShare())],
    ];
    return handshake(
      HandshakeType.client_hello,
      concat([
        u16(changes.legacyVersion ?? 0x0303),
        changes.random ?? new Uint8Array(32).fill(9),
        vec8(changes.sessionId ?? new Uint8Array(32).fill(5)),
        changes.cipherSuites ?? vec16(u16(...provider.cipherSuites.map(({ id }) => id))),
        changes.compression ?? vec8(bytes(0)),
        extensionBlock(change(extensions, changes)),
      ]),
    );
  }

  sendClientHello(changes: HelloChanges = {}): void {
    this.peer.send(this.clientHello(changes));
  }

  sendFinished(message: Uint8Array = this.peer.finished()): void {
    this.peer.transcript.add(message);
    this.peer.deriveResumptionSecret();
    this.peer.deliver(this.peer.protect(ContentType.handshake, message));
    this.peer.enterTraffic();
  }

  /** The tickets that came, with the PSK of each. */
  get tickets(): readonly (NewSessionTicket & { readonly psk: Uint8Array })[] {
    const { received, suite, resumptionSecret } = this.peer;
    return received
      .filter(({ type }) => type === HandshakeType.new_session_ticket)
      .map((message) => parseBody('NewSessionTicket', newSessionTicket, message))
      .map((ticket) => ({ ...ticket, psk: ticketPsk(suite, resumptionSecret!, ticket.nonce) }));
  }

  /**
   * Sends a ClientHello with pre_shared_key, and goes on with the PSK that the server chooses.
   *
   * @param binders what to send in place of the right ones
   */
  sendBoundHello(
    psks: readonly OfferableTicket[],
    {
      changes = {},
      modes = vec8(bytes(PskKeyExchangeMode.psk_dhe_ke)),
      binders = (right) => right,
    }: {
      readonly changes?: HelloChanges;
      readonly modes?: Uint8Array;
      readonly binders?: (right: readonly Uint8Array[]) => readonly Uint8Array[];
    } = {},
  ): void {
    const { peer } = this;
    const { hash } = peer.suite;
    const identities = vec16(...psks.map(({ ticket, ageAdd = 0 }) => concat([vec16(ticket), u32(ageAdd)])));
    const listOf = (list: readonly Uint8Array[]): Uint8Array => vec16(...list.map((binder) => vec8(binder)));
    const helloWith = (list: Uint8Array): Uint8Array =>
      this.clientHello({
        ...changes,
        replace: { [ExtensionType.psk_key_exchange_modes]: modes, ...changes.replace },
        append: [...(changes.append ?? []), [ExtensionType.pre_shared_key, concat([identities, list])]],
      });
    const list = listOf(psks.map(() => new Uint8Array(hash.outputLength)));
    const unbound = helloWith(list);
    const truncated = unbound.subarray(0, unbound.length - list.length);
    peer.transcript.add(truncated);
    const transcriptHash = peer.transcript.digestBy(hash);
    const sent = helloWith(
      listOf(
        binders(
          psks.map(({ psk, binderLabel = 'res binder' }) =>
            pskBinder(peer.suite, earlySecretOf(peer.suite, psk), binderLabel, transcriptHash),
          ),
        ),
      ),
    );
    peer.transcript.add(sent.subarray(truncated.length));
    this.#offered = psks;
    if (psks[0] !== undefined) this.earlyKey = new RawSealer(peer.suite, peer.earlySecret(psks[0].psk));
    peer.deliver(...recordsOfMessage(sent));
  }

  #receivedServerHello(message: HandshakeMessage): void {
    const { transcript } = this.peer;
    const hello = parseBody('ServerHello', serverHello, message);
    this.peer.suite = provider.cipherSuites.find(({ id }) => id === hello.cipherSuite)!;
    transcript.start(this.peer.suite.hash);
    if (equalBytes(hello.random, helloRetryRequestRandom)) transcript.replaceWithMessageHash();
    transcript.add(message.raw);
    const { keyShare, preSharedKey } = (hello as ServerHello).extensions;
    this.peer.psk = preSharedKey === undefined ? undefined : this.#offered[preSharedKey]!.psk;
    if (hello.retry || keyShare === undefined) return;
    const exchange = this.#exchanges.get(keyShare.group)!;
    this.peer.enterHandshake(exchange.complete(keyShare.keyExchange) as Uint8Array);
  }
}

function startExchange(group: NamedGroup): {
  readonly keyShare: Uint8Array;
  readonly complete: (share: Uint8Array) => Awaitable<Uint8Array | undefined>;
} {
  const started = hybridProvider.keyExchangeGroups.find(({ name }) => name === group)!.start();
  if (isPromise(started)) throw new Error('the provider is to be synchronous');
  return started;
}

/** Where a client under test stands: what it waits for. */
export type ClientState =
  | 'ServerHello'
  | 'second ServerHello'
  | 'EncryptedExtensions'
  | 'Certificate or CertificateRequest'
  | 'Certificate'
  | 'CertificateVerify'
  | 'Finished'
  | 'traffic';

/** Plays an honest server until the client waits for that. */
export function clientWaitingFor(state: ClientState, config?: ClientConfig): ScriptedServer {
  const server = new ScriptedServer(config);
  const { peer } = server;
  if (state === 'ServerHello') return server;
  if (state === 'second ServerHello') {
    server.sendHelloRetryRequest();
    return server;
  }
  server.sendServerHello();
  if (state === 'EncryptedExtensions') return server;
  peer.send(server.encryptedExtensions());
  if (state === 'Certificate or CertificateRequest') return server;
  if (state === 'Certificate') {
    peer.send(server.certificateRequest());
    return server;
  }
  peer.send(peer.certificate());
  if (state === 'CertificateVerify') return server;
  peer.send(peer.certificateVerify());
  if (state === 'Finished') return server;
  server.sendFinished();
  assertEstablished(peer);
  return server;
}

/** Where a server under test stands: what it waits for. */
export type ServerState =
  | 'ClientHello'
  | 'second ClientHello'
  | 'Certificate'
  | 'CertificateVerify'
  | 'Finished'
  | 'Finished after Certificate'
  | 'traffic';

/** Plays an honest client until the server waits for that. */
export function serverWaitingFor(state: ServerState, config?: ServerConfig): ScriptedClient {
  const client = new ScriptedClient(config);
  const { peer } = client;
  if (state === 'ClientHello') return client;
  if (state === 'second ClientHello') {
    client.sendClientHello({ replace: { [ExtensionType.key_share]: vec16() } });
    return client;
  }
  client.sendClientHello();
  if (state === 'Finished' || state === 'Certificate') return client;
  if (state === 'traffic') {
    client.sendFinished();
    assertEstablished(peer);
    return client;
  }
  peer.send(peer.certificate());
  if (state === 'CertificateVerify') return client;
  peer.send(peer.certificateVerify());
  return client;
}

/** Throws unless the connection under test is in traffic and nothing went wrong. */
export function assertEstablished({ connection, thrown, alerts }: ScriptedPeer): void {
  if (connection.error !== undefined) throw connection.error;
  assert(thrown === undefined, 'it threw');
  assert(alerts.length === 0, 'it sent an alert');
  assert(!connection.isHandshaking, 'the handshake is not complete');
}

/**
 * How the connection under test refused: the code of its error, and the alert that it sent for it. Throws unless it
 * threw that error and no other, sent at most that one alert (fatal, and in the clear exactly before it had keys), and
 * from then on throws the same error and sends nothing.
 */
export function refusal({
  peer,
}: {
  readonly peer: ScriptedPeer;
}): [code: string, alert: AlertDescription | undefined] {
  const { connection, alerts } = peer;
  const { error } = connection;
  if (error === undefined) throw new Error('it accepted');
  assert(peer.thrown === error, 'it threw something else');
  assert(alerts.length <= 1, 'it sent several alerts');
  const [alert] = alerts;
  if (alert !== undefined) {
    assert(alert.level === AlertLevel.fatal, 'its alert is not fatal');
    assert(alert.isProtected === (peer.handshakeSecrets !== undefined), 'its alert is under the wrong protection');
  }
  for (const again of [() => connection.receive(bytes(22)), () => connection.receiveEnd(), () => connection.start()]) {
    assert(errorOf(again) === error, 'its error is not final');
  }
  assert(connection.takeOutput().length === 0, 'it went on sending');
  return [error.code, alert?.description];
}

function recordsOfMessage(message: Uint8Array): Uint8Array[] {
  return [...fragments(message)].map((fragment) => record(ContentType.handshake, fragment));
}

function* fragments(message: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < message.length; at += maxPlaintext) yield message.subarray(at, at + maxPlaintext);
}

function errorOf(act: () => Awaitable<void>): unknown {
  try {
    void act();
  } catch (error) {
    return error;
  }
  return undefined;
}

function assert(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
