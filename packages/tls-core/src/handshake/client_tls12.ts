/** The client's TLS 1.2 handshake from ServerHello on, RFC 5246 section 7.3 and RFC 8422 section 5, straight down. */
import { concat, emptyBytes, equalBytes, latin1 } from '../codec/bytes.ts';
import { type CertificateRequestInfo, type ClientConfig } from '../config.ts';
import { keyCurve } from '../crypto/certificate_fields.ts';
import { isEcdheGroup } from '../crypto/ecdhe.ts';
import { type Signer, type Tls12CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { ConnectionSecrets, type Randoms } from '../keys/tls12_prf.ts';
import { certificateStatus, certificateVerify } from '../messages/certificate.ts';
import { tls12CertificateOf, tls12CertificateRequest } from '../messages/certificate_tls12.ts';
import { checkSolicited } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import {
  clientKeyExchange,
  encodeServerEcdhParams,
  serverHelloDone,
  type ServerEcdhParams,
  serverKeyExchange,
} from '../messages/key_exchange_tls12.ts';
import { tls12ServerHello, type Tls12ServerHello } from '../messages/server_hello_tls12.ts';
import { type Tls12NewSessionTicket, tls12NewSessionTicket } from '../messages/session_ticket_tls12.ts';
import {
  type CertificateType,
  CipherSuite,
  ContentType,
  ECPointFormat,
  HandshakeType,
  NamedGroup,
  nameOf,
  ProtocolVersion,
  SignatureScheme,
} from '../registry.ts';
import { type ClientSession, maxTicket, type Resumable } from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { type FinishedVerified, type PeerAuthenticated, publishIdentity } from './authentication.ts';
import { checkTls12Scheme, kindsOf, schemesFor, signedParams } from './authentication_tls12.ts';
import { checkServerType, selectedType, typeOf } from './certificate_types.ts';
import { Tls12Finish } from './finished_tls12.ts';
import { type Tls12ClientHellos } from './hellos.ts';
import { type HandshakeIo, SecretLog, type Traffic } from './io.ts';
import { acceptRecordSizeLimit, checkProtocol, resolveClientCertificate } from './negotiation.ts';
import { type ClientSessionState, forgetClientSession, keepClientSession } from './resumption_tls12.ts';
import { Tls12Traffic } from './traffic_tls12.ts';

/** After ServerHello a full handshake, or one that resumes a session. */
export function* clientTls12(io: HandshakeIo, hellos: Tls12ClientHellos): Step<Traffic> {
  const { config, transcript, offer } = hellos;
  io.inbound.enterTls12();
  const hello = parseBody('ServerHello', tls12ServerHello, hellos.message);
  const suite = checkServerHello(hellos, hello);
  acceptRecordSizeLimit(io, config, ProtocolVersion.TLSv1_2, hello.extensions.recordSizeLimit);
  const session = acceptedSession(hellos, hello);
  transcript.start(suite.hash, session === undefined);
  transcript.add(hellos.message.raw);
  io.facts.protocolVersion = ProtocolVersion.TLSv1_2;
  io.facts.cipherSuite = suite.id;
  const negotiated = { hello, suite, randoms: { client: offer.random, server: hello.random } };
  if (session === undefined) return yield* fullHandshake(io, hellos, negotiated);
  return yield* abbreviatedHandshake(io, hellos, negotiated, session);
}

interface Negotiated {
  readonly hello: Tls12ServerHello;
  readonly suite: Tls12CipherSuite;
  readonly randoms: Randoms;
}

function* fullHandshake(
  io: HandshakeIo,
  hellos: Tls12ClientHellos,
  { hello, suite, randoms }: Negotiated,
): Step<Traffic> {
  const { config, transcript, offer, sessions } = hellos;
  const isExtended = hello.extensions.extendedMasterSecret === true;
  io.facts.handshakeKind = 'full';
  const clientType = selectedType(config.certificateType, hello.extensions.clientCertificateType);
  const { server, params } = yield* authenticateServer(io, hellos, hello, suite, randoms);
  const request = yield* receiveServerHelloDone(io, hellos);
  const identity = request === undefined ? undefined : yield* chooseCertificate(hellos, request, clientType);
  const { publicKey, premasterSecret } = yield* agree(io, hellos, params);

  const flight: Uint8Array[] = [];
  const send = (message: Uint8Array): void => {
    transcript.add(message);
    flight.push(message);
  };
  if (identity === undefined) transcript.forgetMessages();
  if (request !== undefined) {
    // RFC 5246 section 7.4.6: an empty one, if we have none that fits.
    send(encodeMessage(HandshakeType.certificate, tls12CertificateOf(clientType), identity?.certificates ?? []));
  }
  send(encodeMessage(HandshakeType.client_key_exchange, clientKeyExchange, publicKey));
  const sessionHash = isExtended ? transcript.digest() : undefined;
  const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premasterSecret, sessionHash);
  try {
    new SecretLog(config.keyLog, offer.random).log('CLIENT_RANDOM', secrets.masterSecret);
    const finish = new Tls12Finish(io, 'client', suite, transcript, secrets);
    if (identity !== undefined) {
      send(yield* signMessages(identity.signer, transcript.messages()));
      transcript.forgetMessages();
    }
    io.outbound.send(ContentType.handshake, concat(flight));
    finish.send();

    const issued = yield* receiveTicket(io, hellos, hello);
    const serverFinished = yield* finish.receive();

    const { protocol = emptyBytes } = hello.extensions;
    const ticket = issued?.ticket ?? emptyBytes;
    const forget = forgetClientSession(sessions);
    if (isExtended && (ticket.length > 0 || hello.sessionId.length > 0)) {
      const { certificates, scheme } = server;
      const state: ClientSessionState = {
        cipherSuite: suite.id,
        secret: secrets.masterSecret,
        protocol,
        peer: { certificates, scheme },
        createdAtMillis: config.time(),
        ticket,
        // RFC 5077 section 3.4: with a ticket the id means nothing.
        sessionId: ticket.length > 0 ? emptyBytes : hello.sessionId,
      };
      yield* keepClientSession(config, sessions, state, issued?.lifetimeHint ?? 0);
    } else if (offer.tls12Session !== undefined) {
      // The server no longer knows it.
      yield* forget();
    }
    if (protocol.length > 0) io.facts.alpnProtocol = latin1(protocol);
    publishIdentity(io.facts, server);
    return established(server, serverFinished, new Tls12Traffic(io.inbound, 'client', secrets.copy(), forget));
  } finally {
    secrets.wipe();
  }
}

/** RFC 5246 section 7.3, RFC 5077 section 3.1: the server finishes first. */
function* abbreviatedHandshake(
  io: HandshakeIo,
  hellos: Tls12ClientHellos,
  { hello, suite, randoms }: Negotiated,
  session: Resumable<ClientSession>,
): Step<Traffic> {
  const { config, transcript, offer, sessions } = hellos;
  io.facts.handshakeKind = 'resumed';
  const secrets = new ConnectionSecrets(suite, randoms, session.secret);
  try {
    new SecretLog(config.keyLog, offer.random).log('CLIENT_RANDOM', secrets.masterSecret);
    const finish = new Tls12Finish(io, 'client', suite, transcript, secrets);
    const issued = yield* receiveTicket(io, hellos, hello);
    const serverFinished = yield* finish.receive();
    finish.send();

    const { protocol = emptyBytes } = hello.extensions;
    if (issued !== undefined && issued.ticket.length > 0) {
      const renewed = { ...session, protocol, ticket: issued.ticket, sessionId: emptyBytes };
      yield* keepClientSession(config, sessions, renewed, issued.lifetimeHint);
    }
    if (protocol.length > 0) io.facts.alpnProtocol = latin1(protocol);
    publishIdentity(io.facts, session.peer);
    const forget = forgetClientSession(sessions);
    return established(session, serverFinished, new Tls12Traffic(io.inbound, 'client', secrets.copy(), forget));
  } finally {
    secrets.wipe();
  }
}

/** Takes both proofs, so that a handshake that skipped one does not compile. */
function established(
  _server: PeerAuthenticated | Resumable<ClientSession>,
  _finished: FinishedVerified,
  traffic: Traffic,
): Traffic {
  return traffic;
}

/** RFC 5246 section 7.4.1.3, and the extensions that it answers; the suite that it chooses. */
function checkServerHello({ config, offer }: Tls12ClientHellos, hello: Tls12ServerHello): Tls12CipherSuite {
  const { extensions, cipherSuite } = hello;
  checkSolicited('ServerHello', extensions, offer.extensionTypes);
  if (hello.compressionMethod !== 0) {
    throw new TlsError({ code: 'InvalidMessage', reason: 'UnsupportedCompression', what: 'ServerHello' });
  }
  const suite = config.tls12CipherSuites.find(({ id }) => id === cipherSuite);
  if (suite === undefined) {
    const isOffered = config.tls13CipherSuites.some(({ id }) => id === cipherSuite);
    const reason = isOffered ? 'SelectedUnusableCipherSuiteForVersion' : 'SelectedUnofferedCipherSuite';
    throw new TlsError({ code: 'PeerMisbehaved', reason, what: nameOf(CipherSuite, cipherSuite) });
  }
  const { ecPointFormats, extendedMasterSecret, protocol, renegotiationInfo } = extensions;
  // RFC 5746 section 3.4.
  if (renegotiationInfo !== undefined && renegotiationInfo.length > 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalRenegotiationInfo' });
  }
  if (config.requireEms && extendedMasterSecret === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'ExtendedMasterSecretExtensionRequired' });
  }
  // RFC 8422 section 5.1.2.
  if (ecPointFormats?.includes(ECPointFormat.uncompressed) === false) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'UncompressedEcPointsRequired' });
  }
  checkProtocol(config, protocol);
  return suite;
}

/** RFC 5246 section 7.4.1.3: a server that sends our session id back resumes the session that we offered. */
function acceptedSession({ offer }: Tls12ClientHellos, hello: Tls12ServerHello): Resumable<ClientSession> | undefined {
  if (hello.sessionId.length === 0 || !equalBytes(hello.sessionId, offer.sessionId)) return undefined;
  const session = offer.tls12Session;
  // Whoever echoes the id of middlebox compatibility mode claims to resume a session that never was.
  if (session === undefined) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'ServerEchoedCompatibilitySessionId' });
  }
  if (hello.cipherSuite !== session.cipherSuite) {
    const what = nameOf(CipherSuite, hello.cipherSuite);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'ResumptionOfferedWithVariedCipherSuite', what });
  }
  // RFC 7627 section 5.3; sessions without it are not offered.
  if (hello.extensions.extendedMasterSecret === undefined) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'ResumptionOfferedWithVariedEms' });
  }
  return session;
}

/** RFC 5077 section 3.3: sent if it was announced, and only then. One that is too large counts as none. */
function* receiveTicket(
  io: HandshakeIo,
  { transcript }: Tls12ClientHellos,
  { extensions }: Tls12ServerHello,
): Step<Tls12NewSessionTicket | undefined> {
  if (extensions.sessionTicket === undefined) return undefined;
  const message = yield* io.inbound.message(HandshakeType.new_session_ticket);
  const issued = parseBody('NewSessionTicket', tls12NewSessionTicket, message);
  transcript.add(message.raw);
  return issued.ticket.length > maxTicket ? undefined : issued;
}

/** RFC 5246 sections 7.4.2 and 7.4.3: Certificate, CertificateStatus and ServerKeyExchange, all verified. */
function* authenticateServer(
  io: HandshakeIo,
  { config, serverName, transcript }: Tls12ClientHellos,
  { extensions }: Tls12ServerHello,
  suite: Tls12CipherSuite,
  randoms: Randoms,
): Step<{ readonly server: PeerAuthenticated; readonly params: ServerEcdhParams }> {
  const { verifier } = config;
  const { sctList } = extensions;
  const type = selectedType(typeOf(verifier), extensions.serverCertificateType);
  checkServerType(typeOf(verifier), type);
  const certificateMessage = yield* io.inbound.message(HandshakeType.certificate);
  const certificates = parseBody('Certificate', tls12CertificateOf(type), certificateMessage);
  transcript.add(certificateMessage.raw);
  const [endEntity, ...intermediates] = certificates;
  if (endEntity === undefined) {
    throw new TlsError({ code: 'InvalidMessage', reason: 'IllegalEmptyList', what: 'Certificate' });
  }
  const types: HandshakeType[] = [HandshakeType.server_key_exchange];
  // RFC 6066 section 8: a server may announce it and not send it.
  if (extensions.certificateStatusRequest === true) types.push(HandshakeType.certificate_status);
  let message = yield* io.inbound.message(...types);
  let ocspResponse: Uint8Array | undefined;
  if (message.type === HandshakeType.certificate_status) {
    ocspResponse = parseBody('CertificateStatus', certificateStatus, message);
    transcript.add(message.raw);
    message = yield* io.inbound.message(HandshakeType.server_key_exchange);
  }
  const { params, scheme, signature } = parseBody('ServerKeyExchange', serverKeyExchange, message);
  transcript.add(message.raw);
  checkTls12Scheme(verifier, scheme);
  if (schemesFor([suite.authentication], [scheme]).length === 0) {
    const what = `${nameOf(SignatureScheme, scheme)} with ${nameOf(CipherSuite, suite.id)}`;
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SignedKxWithWrongAlgorithm', what });
  }
  const verified = yield* wait(
    verifier.verifyServerCert({ endEntity, intermediates, serverName, ocspResponse, sctList, now: config.time() }),
  );
  checkCurve(config, type, endEntity);
  const signed = signedParams(randoms, encodeServerEcdhParams(params));
  const valid = yield* wait(verifier.verifyTls12Signature({ message: signed, endEntity, scheme, signature }));
  return { server: { certificate: verified, signature: valid, certificates, scheme }, params };
}

/** RFC 8422 section 5.1.1: what was offered in supported_groups are the curves of certificates too. */
function checkCurve({ provider }: ClientConfig, type: CertificateType, endEntity: Uint8Array): void {
  const curve = keyCurve(type, endEntity);
  if (curve !== undefined && !provider.keyExchangeGroups.some(({ name }) => name === curve)) {
    const what = nameOf(NamedGroup, curve);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'PresentedKeyOnUnofferedCurve', what });
  }
}

/** RFC 5246 sections 7.4.4 and 7.4.5; what the server wants to know of us, if anything. */
function* receiveServerHelloDone(
  io: HandshakeIo,
  { transcript }: Tls12ClientHellos,
): Step<CertificateRequestInfo | undefined> {
  let message = yield* io.inbound.message(HandshakeType.certificate_request, HandshakeType.server_hello_done);
  let request: CertificateRequestInfo | undefined;
  if (message.type === HandshakeType.certificate_request) {
    request = parseCertificateRequest(message);
    transcript.add(message.raw);
    message = yield* io.inbound.message(HandshakeType.server_hello_done);
  }
  parseBody('ServerHelloDone', serverHelloDone, message);
  io.inbound.checkFlightEnd();
  transcript.add(message.raw);
  return request;
}

function parseCertificateRequest(message: HandshakeMessage): CertificateRequestInfo {
  const request = parseBody('CertificateRequest', tls12CertificateRequest, message);
  return {
    // RFC 5246 section 7.4.4: the types and the schemes must both allow a key.
    signatureSchemes: schemesFor(kindsOf(request.certificateTypes), request.signatureSchemes),
    signatureSchemesCert: request.signatureSchemes,
    certificateAuthorities: request.certificateAuthorities,
  };
}

/** RFC 8422 sections 5.4 and 5.7: our key pair on the server's curve, which must be one that was offered. */
function* agree(
  io: HandshakeIo,
  { config }: Tls12ClientHellos,
  params: ServerEcdhParams,
): Step<{ readonly publicKey: Uint8Array; readonly premasterSecret: Uint8Array }> {
  const group = config.provider.keyExchangeGroups.find(({ name }) => name === params.group && isEcdheGroup(name));
  if (group === undefined) {
    const what = nameOf(NamedGroup, params.group);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedKxGroup', what });
  }
  const { keyShare, complete } = yield* wait(group.start());
  const premasterSecret = yield* wait(complete(params.publicKey));
  if (premasterSecret === undefined) throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidKeyShare' });
  io.facts.keyExchangeGroup = group.name;
  return { publicKey: keyShare, premasterSecret };
}

/** Our certificates, and what signs with their key. */
interface Identity {
  readonly certificates: readonly Uint8Array[];
  readonly signer: Signer;
}

function* chooseCertificate(
  { config }: Tls12ClientHellos,
  request: CertificateRequestInfo,
  clientType: CertificateType,
): Step<Identity | undefined> {
  const certified = yield* resolveClientCertificate(config, request, clientType);
  const signer = certified?.key.chooseScheme(request.signatureSchemes);
  if (certified === undefined || signer === undefined) return undefined;
  return { certificates: certified.certificates, signer };
}

/** RFC 5246 section 7.4.8. */
function* signMessages(signer: Signer, messages: Uint8Array): Step<Uint8Array> {
  const signature = yield* wait(signer.sign(messages));
  return encodeMessage(HandshakeType.certificate_verify, certificateVerify, { scheme: signer.scheme, signature });
}
