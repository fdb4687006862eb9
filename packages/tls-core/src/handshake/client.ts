/** The client's handshake up to ServerHello, RFC 8446 sections 4.1 and 4.2; each version goes on in its own file. */
import { copyOf, emptyBytes, equalBytes, latin1 } from '../codec/bytes.ts';
import { type ClientConfig } from '../config.ts';
import { isEcdheGroup } from '../crypto/ecdhe.ts';
import { type KeyExchangeGroup, type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type ClientExtensions, clientHello, ocspStatusType } from '../messages/client_hello.ts';
import { checkSolicited } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { type HelloRetryRequest, type ServerHello, serverHello } from '../messages/server_hello.ts';
import {
  CipherSuite,
  ContentType,
  ECPointFormat,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  nameOf,
  ProtocolVersion,
} from '../registry.ts';
import { type ServerName } from '../server_name.ts';
import { type SessionsOfServer } from '../sessions/scope.ts';
import { type ClientSession, type Resumable } from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { offeredTypes, typeOf } from './certificate_types.ts';
import { clientTls13 } from './client_tls13.ts';
import { chooseHelloShape } from './hello_shape.ts';
import { type Offer, type OfferedKeyExchange } from './hellos.ts';
import { type HandshakeIo, sendChangeCipherSpec, startTrace, type Traffic } from './io.ts';
import { offeredRecordSizeLimit } from './negotiation.ts';
import { fittingPsks, kindOf, type OfferedPsk, selectedPsk, wipePsks } from './psk.ts';
import { clientPsksOf } from './psk_protocol.ts';
import { tls12HandshakesOf } from './tls12_protocol.ts';
import { Transcript } from './transcript.ts';

export function* clientHandshake(io: HandshakeIo, config: ClientConfig, serverName: ServerName): Step<Traffic> {
  startTrace(io, config);
  if (config.enableSecretExtraction) io.extractSecrets = config.extractSecrets;
  const { sessionsOf, choosePsks } = clientPsksOf(config);
  const sessions = sessionsOf(config, serverName);
  const psks = yield* choosePsks(config, sessions);
  try {
    if (!config.versions.includes(ProtocolVersion.TLSv1_2)) {
      return yield* negotiate(io, config, serverName, sessions, psks, undefined);
    }
    const { offeringSession } = tls12HandshakesOf(config.tls12CipherSuites);
    return yield* offeringSession(config, sessions, function* (tls12Session) {
      return yield* negotiate(io, config, serverName, sessions, psks, tls12Session);
    });
  } finally {
    wipePsks(psks);
  }
}

function* negotiate(
  io: HandshakeIo,
  config: ClientConfig,
  serverName: ServerName,
  sessions: SessionsOfServer | undefined,
  storedPsks: readonly OfferedPsk[],
  tls12Session: Resumable<ClientSession> | undefined,
): Step<Traffic> {
  const { firstGroups, startEarlyData } = clientPsksOf(config);
  const transcript = new Transcript();
  // The random and a session id in one draw, which is a call into the backend.
  const drawn = new Uint8Array(64);
  config.provider.random(drawn);
  const random = drawn.subarray(0, 32);
  const offersTls13 = config.versions.includes(ProtocolVersion.TLSv1_3);
  const sessionId = chooseSessionId(config, tls12Session, drawn.subarray(32));

  const shape = chooseHelloShape(config);
  let keyExchanges = offersTls13 ? yield* startKeyExchanges(config, yield* firstGroups(config, sessions)) : [];
  let offer = sendClientHello(
    io,
    config,
    serverName,
    { random, sessionId, keyExchanges, shape, tls12Session, psks: storedPsks },
    undefined,
    transcript,
  );
  const isEarly = startEarlyData(io, config, offer, transcript);
  if (offersTls13) io.inbound.allowChangeCipherSpec();
  io.inbound.heedAlertLevels(config.versions.includes(ProtocolVersion.TLSv1_2));

  let { hello, message } = yield* receiveServerHello(io);
  if (chooseVersion(config, hello) === ProtocolVersion.TLSv1_2) {
    // Section D.3: such a server cannot have known what became of the early data.
    if (isEarly) throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedEarlyDataWithOldProtocolVersion' });
    const hellos = { config, serverName, sessions, offer, message, transcript };
    return yield* tls12HandshakesOf(config.tls12CipherSuites).client(io, hellos);
  }
  io.inbound.heedAlertLevels(false);
  let retry: HelloRetryRequest | undefined;
  if (hello.retry) {
    retry = hello;
    io.inbound.checkFlightEnd();
    const suite = checkHelloRetryRequest(config, offer, retry);
    if (isEarly) {
      // Section 4.2.10: it is always rejected, and what follows it is in the clear.
      io.early?.end();
      io.outbound.dropSealer();
    }
    const psks = fittingPsks(storedPsks, suite);
    transcript.start(suite.hash);
    transcript.replaceWithMessageHash();
    transcript.add(message.raw);

    const { group } = retry.extensions;
    if (group !== undefined) {
      // Section 4.2.8: now a share of that group alone.
      const requested = config.provider.keyExchangeGroups.filter(({ name }) => name === group);
      keyExchanges = (yield* startKeyExchanges(config, requested)).filter((started) => started.group === group);
    }
    if (config.middleboxCompatibility && !isEarly) sendChangeCipherSpec(io.outbound);
    const changed = { random, sessionId, keyExchanges, shape, tls12Session, psks };
    offer = sendClientHello(io, config, serverName, changed, retry, transcript);
    ({ hello, message } = yield* receiveServerHello(io));
    if (hello.retry) {
      const received = HandshakeType.server_hello;
      throw new TlsError({ code: 'InappropriateHandshakeMessage', expected: [HandshakeType.server_hello], received });
    }
  }

  const suite = checkServerHello(config, offer, hello, retry);
  const psk = selectedPsk(offer.psks, hello.extensions.preSharedKey, suite);
  transcript.start(suite.hash);
  transcript.add(message.raw);
  io.facts.protocolVersion = ProtocolVersion.TLSv1_3;
  io.facts.cipherSuite = suite.id;
  io.facts.handshakeKind = kindOf(psk, retry !== undefined);
  const changeCipherSpecDue = config.middleboxCompatibility && retry === undefined && !isEarly;
  return yield* clientTls13(io, {
    config,
    serverName,
    sessions,
    offer,
    suite,
    serverHello: hello,
    psk,
    requestedGroup: retry?.extensions.group,
    transcript,
    changeCipherSpecDue,
  });
}

/** Section 4.1.2: that of a TLS 1.2 session where there is one, else what middleboxes take for one (section D.4). */
function chooseSessionId(
  { versions, middleboxCompatibility }: ClientConfig,
  tls12Session: ClientSession | undefined,
  random: Uint8Array,
): Uint8Array {
  if (tls12Session?.ticket.length === 0) return tls12Session.sessionId;
  // RFC 5077 section 3.4: with a ticket, one of our own, by which to see whether the server takes it.
  const sendsOwn = tls12Session !== undefined || (middleboxCompatibility && versions.includes(ProtocolVersion.TLSv1_3));
  return sendsOwn ? random : emptyBytes;
}

/**
 * Key shares for the groups, and for the classical half of a hybrid among them: that one costs nothing, and RFC 9954
 * section 3.2 allows the same key twice in one message.
 */
function* startKeyExchanges(
  { provider }: ClientConfig,
  groups: readonly KeyExchangeGroup[],
): Step<OfferedKeyExchange[]> {
  const started = new Map<NamedGroup, OfferedKeyExchange>();
  // Hybrids first, since they bring their half along.
  const hybridsFirst = groups.toSorted((a, b) => Number(isEcdheGroup(a.name)) - Number(isEcdheGroup(b.name)));
  for (const group of hybridsFirst) {
    if (started.has(group.name)) continue;
    const { keyShare, complete, hybridComponent: half } = yield* wait(group.start());
    started.set(group.name, { group: group.name, keyShare, complete });
    if (half !== undefined && !started.has(half.group)) started.set(half.group, half);
  }
  // Section 4.2.8: of groups that are offered, in the same order.
  return provider.keyExchangeGroups.map(({ name }) => started.get(name)).filter((offered) => offered !== undefined);
}

function sendClientHello(
  io: HandshakeIo,
  config: ClientConfig,
  serverName: ServerName,
  { random, sessionId, keyExchanges, shape, tls12Session, psks }: Omit<Offer, 'extensionTypes'>,
  retry: HelloRetryRequest | undefined,
  transcript: Transcript,
): Offer {
  const { provider, verifier, alpnProtocols, versions } = config;
  const { pskExtensions, addBoundHello } = clientPsksOf(config);
  const tls13 = versions.includes(ProtocolVersion.TLSv1_3);
  const tls12 = versions.includes(ProtocolVersion.TLSv1_2);
  const rootHints = verifier.rootHintSubjects ?? [];
  const groups = provider.keyExchangeGroups.map(({ name }) => name);
  const shares = keyExchanges.map(({ group, keyShare }) => ({ group, keyExchange: keyShare }));
  // Section 4.2.8: where a group was asked for, a share of that one alone.
  const greaseGroups = retry?.extensions.group === undefined ? shape.namedGroups : [];
  const greaseShares = greaseGroups.map((group) => ({ group, keyExchange: Uint8Array.of(0) }));
  const block: ClientExtensions = {
    types: shape.order,
    unknown: shape.extensions,
    // RFC 6066 section 3: never an address.
    serverName: config.sendServerName && serverName.type === 'dns' ? serverName.name : undefined,
    certificateStatusRequest: verifier.requestOcspResponse === true ? { statusType: ocspStatusType } : undefined,
    sctListRequest: verifier.requestSctList === true ? true : undefined,
    namedGroups: [...shape.namedGroups, ...groups.filter((name) => tls13 || isEcdheGroup(name))],
    ecPointFormats: tls12 ? Uint8Array.of(ECPointFormat.uncompressed) : undefined,
    signatureSchemes: [...shape.signatureSchemes, ...verifier.schemes],
    protocols: alpnProtocols.length > 0 ? alpnProtocols : undefined,
    clientCertificateTypes: offeredTypes(config.certificateType),
    serverCertificateTypes: offeredTypes(typeOf(verifier)),
    compressionAlgorithms: tls13 ? config.certificateCompression?.offeredAlgorithms : undefined,
    extendedMasterSecret: tls12 ? true : undefined,
    sessionTicket: tls12 && config.sessionStore !== undefined ? (tls12Session?.ticket ?? emptyBytes) : undefined,
    // Rather than the SCSV, so that the answer to it is an extension that was asked for.
    renegotiationInfo: tls12 ? emptyBytes : undefined,
    recordSizeLimit: offeredRecordSizeLimit(config),
    versions: [...shape.versions, ...versions],
    cookie: retry?.extensions.cookie,
    certificateAuthorities: rootHints.length > 0 ? rootHints : undefined,
    keyShares: tls13 ? [...greaseShares, ...shares] : undefined,
    ...(tls13 && pskExtensions(config, psks, retry !== undefined)),
  };
  const suites = [...config.tls13CipherSuites, ...config.tls12CipherSuites];
  const message = encodeMessage(HandshakeType.client_hello, clientHello, {
    legacyVersion: ProtocolVersion.TLSv1_2,
    random,
    sessionId,
    cipherSuites: [...shape.cipherSuites, ...suites.map(({ id }) => id)],
    compressionMethods: Uint8Array.of(0),
    extensions: block,
  });
  addBoundHello(transcript, message, psks);
  io.trace?.sent(ContentType.handshake, message);
  // A copy, since the output is the caller's: the transcript keeps the message until the hash is known.
  for (const fragment of io.outbound.fragments(copyOf(message))) {
    const version = retry === undefined ? ProtocolVersion.TLSv1_0 : ProtocolVersion.TLSv1_2;
    io.outbound.sendPlaintextRecord(ContentType.handshake, fragment, version);
  }
  // Read back, so that what counts as asked for is what the server can read, and nothing else.
  const { types } = parseBody('ClientHello', clientHello, {
    type: HandshakeType.client_hello,
    raw: message,
  }).extensions;
  const extensionTypes = types.filter((type) => !shape.extensions.some((grease) => grease.type === type));
  return { random, sessionId, keyExchanges, shape, tls12Session, psks, extensionTypes };
}

function* receiveServerHello(
  io: HandshakeIo,
): Step<{ hello: ServerHello | HelloRetryRequest; message: HandshakeMessage }> {
  const message = yield* io.inbound.message(HandshakeType.server_hello);
  return { hello: parseBody('ServerHello', serverHello, message), message };
}

/**
 * Most bytes of a cookie. A longer one, though section 4.2.2 allows it, might not fit a ClientHello with all the rest; nor
 * might this, with more than 4 KiB of what the configuration brings.
 */
const maxCookie = 32_768;
const maxCookieAndChosen = maxCookie + 4096;

/** Section 4.1.4; the suite that it chooses. */
function checkHelloRetryRequest(config: ClientConfig, offer: Offer, retry: HelloRetryRequest): Tls13CipherSuite {
  // The cookie is the one extension that may come unasked.
  const suite = checkHello(config, offer, retry, [...offer.extensionTypes, ExtensionType.cookie]);
  const { group, cookie } = retry.extensions;
  if (group === undefined && cookie === undefined) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalHelloRetryRequestWithNoChanges' });
  }
  if (cookie !== undefined && cookie.length > Math.min(maxCookie, maxCookieAndChosen - config.chosenLength)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalHelloRetryRequestWithOversizedCookie' });
  }
  if (group !== undefined) {
    const what = nameOf(NamedGroup, group);
    if (!config.provider.keyExchangeGroups.some(({ name }) => name === group)) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalHelloRetryRequestWithUnofferedGroup', what });
    }
    if (offer.keyExchanges.some((offered) => offered.group === group)) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalHelloRetryRequestWithOfferedGroup', what });
    }
  }
  return suite;
}

/** Section 4.1.3; the suite that it chooses. */
function checkServerHello(
  config: ClientConfig,
  offer: Offer,
  hello: ServerHello,
  retry: HelloRetryRequest | undefined,
): Tls13CipherSuite {
  const suite = checkHello(config, offer, hello, offer.extensionTypes);
  if (retry !== undefined && suite.id !== retry.cipherSuite) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedDifferentCipherSuiteAfterRetry' });
  }
  return suite;
}

/** What ServerHello and HelloRetryRequest have in common. */
function checkHello(
  config: ClientConfig,
  offer: Offer,
  hello: ServerHello | HelloRetryRequest,
  offered: readonly ExtensionType[],
): Tls13CipherSuite {
  if (chooseVersion(config, hello) !== ProtocolVersion.TLSv1_3) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedVersion' });
  }
  checkSolicited(hello.retry ? 'HelloRetryRequest' : 'ServerHello', hello.extensions, offered);
  if (!equalBytes(hello.sessionId, offer.sessionId)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IncorrectSessionId' });
  }
  if (hello.compressionMethod !== 0) {
    throw new TlsError({ code: 'InvalidMessage', reason: 'UnsupportedCompression', what: 'ServerHello' });
  }
  const suite = config.tls13CipherSuites.find(({ id }) => id === hello.cipherSuite);
  if (suite === undefined) {
    const isOffered = config.tls12CipherSuites.some(({ id }) => id === hello.cipherSuite);
    const reason = isOffered ? 'SelectedUnusableCipherSuiteForVersion' : 'SelectedUnofferedCipherSuite';
    throw new TlsError({ code: 'PeerMisbehaved', reason, what: nameOf(CipherSuite, hello.cipherSuite) });
  }
  return suite;
}

/** The last 8 bytes of a random, by which a TLS 1.3 server says that it was made to choose less (section 4.1.3). */
const downgradeSentinels = ['DOWNGRD\x01', 'DOWNGRD\x00'];

/**
 * Section 4.2.1: supported_versions decides; without it the server speaks TLS 1.2 or less. Section D.5: SSL 3.0 is never
 * heard out.
 */
function chooseVersion(config: ClientConfig, hello: ServerHello | HelloRetryRequest): ProtocolVersion {
  const { version } = hello.extensions;
  if (version === undefined || hello.legacyVersion === ProtocolVersion.SSLv3) {
    return checkLegacyVersion(config, hello);
  }
  if (version === ProtocolVersion.TLSv1_2) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedTls12UsingTls13VersionExtension' });
  }
  if (!config.versions.includes(version) || hello.legacyVersion !== ProtocolVersion.TLSv1_2) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedVersion' });
  }
  return version;
}

/** Section 4.1.3: TLS 1.2, if we speak it and nobody made the server choose it. */
function checkLegacyVersion(
  { versions }: ClientConfig,
  { legacyVersion, random, retry }: ServerHello | HelloRetryRequest,
): ProtocolVersion {
  if (versions.includes(ProtocolVersion.TLSv1_3) && downgradeSentinels.includes(latin1(random.subarray(24)))) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'AttemptedDowngradeToTls12WhenTls13IsSupported' });
  }
  if (retry || legacyVersion !== ProtocolVersion.TLSv1_2 || !versions.includes(legacyVersion)) {
    const what = `the server chose ${nameOf(ProtocolVersion, legacyVersion)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoVersionInCommon', what });
  }
  return legacyVersion;
}
