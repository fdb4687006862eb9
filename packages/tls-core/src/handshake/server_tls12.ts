/** The server's TLS 1.2 handshake from ClientHello on, RFC 5246 section 7.3 and RFC 8422 section 5, straight down. */
import { asciiBytes, concat, emptyBytes, latin1 } from '../codec/bytes.ts';
import { type CertifiedKey, type ClientHelloInfo } from '../config.ts';
import { keyCurve } from '../crypto/certificate_fields.ts';
import { isEcdheGroup } from '../crypto/ecdhe.ts';
import {
  type ActiveKeyExchange,
  type KeyExchangeGroup,
  type Signer,
  type Tls12CipherSuite,
} from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { ConnectionSecrets, type Randoms } from '../keys/tls12_prf.ts';
import { certificateStatus, certificateVerify } from '../messages/certificate.ts';
import { tls12CertificateOf, tls12CertificateRequest } from '../messages/certificate_tls12.ts';
import { ocspStatusType } from '../messages/client_hello.ts';
import { type ExtensionBlock, onlyKnown } from '../messages/extension.ts';
import { encodeMessage, parseBody } from '../messages/handshake.ts';
import {
  clientKeyExchange,
  encodeServerEcdhParams,
  serverHelloDone,
  serverKeyExchange,
} from '../messages/key_exchange_tls12.ts';
import { type Tls12ServerExtensions, tls12ServerHello } from '../messages/server_hello_tls12.ts';
import {
  CipherSuite,
  ContentType,
  ECPointFormat,
  HandshakeType,
  NamedGroup,
  nameOf,
  namesOf,
  ProtocolVersion,
  SignatureScheme,
} from '../registry.ts';
import { anonymous } from '../sessions/peer_identity.ts';
import { type Resumable, type ServerSession } from '../sessions/session.ts';
import { type Step, wait } from '../step/step.ts';
import { type ClientCertVerifier, type PeerVerified } from '../verify.ts';
import { type Anonymous, type FinishedVerified, type PeerAuthenticated, publishIdentity } from './authentication.ts';
import { certificateTypesFor, checkTls12Scheme, schemesFor, signedParams } from './authentication_tls12.ts';
import { chooseClientVerifier, selectedTypes, typeOf } from './certificate_types.ts';
import { Tls12Finish } from './finished_tls12.ts';
import { type Tls12ServerHellos } from './hellos.ts';
import { type HandshakeIo, SecretLog, type Traffic } from './io.ts';
import {
  answeredRecordSizeLimit,
  chooseProtocol,
  heedRecordSizeLimit,
  resolveCertificate,
  suitesInCommon,
} from './negotiation.ts';
import {
  chooseIssuance,
  findSession,
  forgettingOnFailure,
  type FoundSession,
  type Issuance,
  issuesTicket,
  keepServerSession,
  newSessionTicket,
} from './resumption_tls12.ts';
import { Tls12Traffic } from './traffic_tls12.ts';

/** A full handshake, or one that resumes a session. */
export function* serverTls12(io: HandshakeIo, hellos: Tls12ServerHellos): Step<Traffic> {
  const { config, hello, info } = hellos;
  io.inbound.enterTls12();
  const isExtended = checkClientHello(hellos);
  const protocol = chooseProtocol(config, hello, info);
  io.facts.protocolVersion = ProtocolVersion.TLSv1_2;
  io.inbound.limitPlaintext(answeredRecordSizeLimit(config, ProtocolVersion.TLSv1_2, hello));
  heedRecordSizeLimit(io, ProtocolVersion.TLSv1_2, hello.extensions.recordSizeLimit);
  const found = yield* findSession(hellos, isExtended);
  if (found === undefined) return yield* fullHandshake(io, hellos, protocol, isExtended);
  const resumed = abbreviatedHandshake(io, hellos, protocol, found);
  return yield* forgettingOnFailure(resumed, found.forget);
}

function* fullHandshake(
  io: HandshakeIo,
  hellos: Tls12ServerHellos,
  protocol: Uint8Array | undefined,
  isExtended: boolean,
): Step<Traffic> {
  const { config, hello, transcript } = hellos;
  const group = chooseGroup(hellos);
  const identity = yield* chooseIdentity(hellos);
  const { suite } = identity;
  const clientVerifier = chooseClientVerifier(config, hello);
  transcript.start(suite.hash, clientVerifier !== undefined);
  transcript.add(hellos.message.raw);
  io.facts.cipherSuite = suite.id;
  io.facts.keyExchangeGroup = group.name;
  io.facts.handshakeKind = 'full';

  const randoms = { client: hello.random, server: serverRandom(hellos) };
  const issuance = chooseIssuance(hellos, isExtended);
  const negotiated = { identity, group, randoms, protocol, isExtended, issuance, clientVerifier };
  const keyExchange = yield* sendFlight(io, hellos, negotiated);

  const certificates =
    clientVerifier === undefined ? 'anonymous' : yield* receiveCertificate(io, hellos, clientVerifier);
  const premasterSecret = yield* receiveClientKeyExchange(io, hellos, keyExchange);
  const sessionHash = isExtended ? transcript.digest() : undefined;
  const secrets = ConnectionSecrets.fromKeyExchange(suite, randoms, premasterSecret, sessionHash);
  try {
    new SecretLog(config.keyLog, hello.random).log('CLIENT_RANDOM', secrets.masterSecret);
    const finish = new Tls12Finish(io, 'server', suite, transcript, secrets);
    const client = certificates === 'anonymous' ? certificates : yield* authenticateClient(io, hellos, certificates);
    transcript.forgetMessages();

    const clientFinished = yield* finish.receive();
    const peer = client === 'anonymous' ? anonymous : { certificates: client.certificates, scheme: client.scheme };
    // Before our Finished, after which the client may come back at once.
    const { message, forget } = yield* keepServerSession(hellos, issuance, {
      cipherSuite: suite.id,
      secret: secrets.masterSecret,
      protocol: protocol ?? emptyBytes,
      peer,
    });
    if (message !== undefined) {
      transcript.add(message);
      io.outbound.send(ContentType.handshake, message);
    }
    finish.send();

    if (protocol !== undefined) io.facts.alpnProtocol = latin1(protocol);
    publishIdentity(io.facts, peer);
    return established(client, clientFinished, new Tls12Traffic(io.inbound, 'server', secrets.copy(), forget));
  } finally {
    secrets.wipe();
  }
}

/** RFC 5246 section 7.3, RFC 5077 section 3.1: we finish first. */
function* abbreviatedHandshake(
  io: HandshakeIo,
  hellos: Tls12ServerHellos,
  protocol: Uint8Array | undefined,
  { session, forget }: FoundSession,
): Step<Traffic> {
  const { config, hello, transcript } = hellos;
  const suite = config.tls12CipherSuites.find(({ id }) => id === session.cipherSuite)!;
  transcript.start(suite.hash);
  transcript.add(hellos.message.raw);
  io.facts.cipherSuite = suite.id;
  io.facts.handshakeKind = 'resumed';

  const randoms = { client: hello.random, server: serverRandom(hellos) };
  const secrets = new ConnectionSecrets(suite, randoms, session.secret);
  try {
    new SecretLog(config.keyLog, hello.random).log('CLIENT_RANDOM', secrets.masterSecret);
    const finish = new Tls12Finish(io, 'server', suite, transcript, secrets);
    const sessionTicket = issuesTicket(hellos) ? true : undefined;
    const flight = [
      // The id of the ClientHello in either case (RFC 5077 section 3.4).
      encodeServerHello(hellos, suite, randoms, hello.sessionId, {
        protocol,
        extendedMasterSecret: true,
        sessionTicket,
      }),
    ];
    if (sessionTicket !== undefined) flight.push(yield* newSessionTicket(config, session));
    for (const message of flight) transcript.add(message);
    io.outbound.send(ContentType.handshake, concat(flight));
    finish.send();
    const clientFinished = yield* finish.receive();

    if (protocol !== undefined) io.facts.alpnProtocol = latin1(protocol);
    publishIdentity(io.facts, session.peer);
    hellos.resumptionData.received = session.applicationData;
    return established(session, clientFinished, new Tls12Traffic(io.inbound, 'server', secrets.copy(), forget));
  } finally {
    secrets.wipe();
  }
}

/** Takes both proofs, so that a handshake that skipped one does not compile. */
function established(
  _client: PeerAuthenticated | Anonymous | Resumable<ServerSession>,
  _finished: FinishedVerified,
  traffic: Traffic,
): Traffic {
  return traffic;
}

/** What TLS 1.2 demands of a ClientHello; whether it has the extended master secret. */
function checkClientHello({ config, hello }: Tls12ServerHellos): boolean {
  const { ecPointFormats, extendedMasterSecret, renegotiationInfo, signatureSchemes } = hello.extensions;
  // RFC 5246 section 7.4.1.2.
  if (!hello.compressionMethods.includes(0)) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NullCompressionRequired' });
  }
  // RFC 5746 section 3.6.
  if (renegotiationInfo !== undefined && renegotiationInfo.length > 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IllegalRenegotiationInfo' });
  }
  // RFC 8422 section 5.1.2.
  if (ecPointFormats?.includes(ECPointFormat.uncompressed) === false) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'UncompressedEcPointsRequired' });
  }
  // Without it a client has SHA-1 alone (RFC 5246 section 7.4.1.4.1).
  if (signatureSchemes === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'SignatureAlgorithmsExtensionRequired' });
  }
  if (config.requireEms && extendedMasterSecret === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'ExtendedMasterSecretExtensionRequired' });
  }
  return extendedMasterSecret === true;
}

/** Our preference. */
function chooseGroup({ config, hello }: Tls12ServerHellos): KeyExchangeGroup {
  const offered = hello.extensions.namedGroups;
  if (offered === undefined) throw new TlsError({ code: 'PeerIncompatible', reason: 'NamedGroupsExtensionRequired' });
  const group = config.provider.keyExchangeGroups.find(({ name }) => isEcdheGroup(name) && offered.includes(name));
  if (group === undefined) {
    const what = `the client offers ${namesOf(NamedGroup, offered)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoGroupsInCommon', what });
  }
  return group;
}

/** A certificate, what signs with its key in this handshake, and a suite that goes with that. */
interface Identity {
  readonly certified: CertifiedKey;
  readonly signer: Signer;
  readonly suite: Tls12CipherSuite;
}

/** The order of the suites in common decides, as far as the certificate's key allows. */
function* chooseIdentity({ config, hello, info }: Tls12ServerHellos): Step<Identity> {
  const common = suitesInCommon(config.tls12CipherSuites, hello);
  if (common.length === 0) {
    const what = `the client offers ${namesOf(CipherSuite, hello.cipherSuites)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoCipherSuitesInCommon', what });
  }
  // A key that goes with none of the suites is of no use, whatever the client could verify.
  const kinds = common.map(({ authentication }) => authentication);
  const signatureSchemes = schemesFor(kinds, info.signatureSchemes);
  const protocolVersion = ProtocolVersion.TLSv1_2;
  const certified = yield* resolveCertificate(config, hello, { ...info, protocolVersion, signatureSchemes });
  checkCurve(certified, info);
  for (const suite of common) {
    const signer = certified.key.chooseScheme(schemesFor([suite.authentication], signatureSchemes));
    if (signer !== undefined) return { certified, signer, suite };
  }
  const what = `the client offers ${namesOf(SignatureScheme, signatureSchemes)} for the suites in common`;
  throw new TlsError({ code: 'PeerIncompatible', reason: 'NoSignatureSchemesInCommon', what });
}

/** RFC 8422 section 5.1: the client's curves are for the key of a certificate too. */
function checkCurve(certified: CertifiedKey, { namedGroups }: ClientHelloInfo): void {
  const curve = keyCurve(typeOf(certified), certified.certificates[0]!);
  if (curve === undefined || namedGroups.includes(curve)) return;
  const what = `the certificate's key is on ${nameOf(NamedGroup, curve)}; the client offers ${namesOf(NamedGroup, namedGroups)}`;
  throw new TlsError({ code: 'PeerIncompatible', reason: 'NoGroupsInCommon', what });
}

/** RFC 8446 section 4.1.3: says to a client that could do better that somebody is between us, if we could too. */
function serverRandom({ config }: Tls12ServerHellos): Uint8Array {
  const random = new Uint8Array(32);
  config.provider.random(random);
  if (config.versions.includes(ProtocolVersion.TLSv1_3)) random.set(asciiBytes('DOWNGRD\x01'), 24);
  return random;
}

interface Negotiated {
  readonly identity: Identity;
  readonly group: KeyExchangeGroup;
  readonly randoms: Randoms;
  readonly protocol: Uint8Array | undefined;
  readonly isExtended: boolean;
  readonly issuance: Issuance;
  readonly clientVerifier: ClientCertVerifier | undefined;
}

/** ServerHello to ServerHelloDone, RFC 5246 sections 7.4.1.3 to 7.4.5; our half of the key exchange. */
function* sendFlight(
  io: HandshakeIo,
  hellos: Tls12ServerHellos,
  { identity, group, randoms, protocol, isExtended, issuance, clientVerifier }: Negotiated,
): Step<ActiveKeyExchange> {
  const { hello, info, transcript } = hellos;
  const { certified, signer, suite } = identity;
  const keyExchange = yield* wait(group.start());
  const params = { group: group.name, publicKey: keyExchange.keyShare };
  const signature = yield* wait(signer.sign(signedParams(randoms, encodeServerEcdhParams(params))));

  const { certificateStatusRequest, sctListRequest } = hello.extensions;
  const wantsOcspResponse = certificateStatusRequest?.statusType === ocspStatusType;
  const ocspResponse = wantsOcspResponse ? certified.ocspResponse : undefined;
  const sessionId = issuance.kind === 'id' ? issuance.sessionId : emptyBytes;
  const serverHello = encodeServerHello(hellos, suite, randoms, sessionId, {
    // RFC 6066 section 3: says that the name was used; not where a session is resumed.
    serverName: info.serverName === undefined ? undefined : true,
    certificateStatusRequest: ocspResponse === undefined ? undefined : true,
    sctList: sctListRequest === true ? certified.sctList : undefined,
    protocol,
    extendedMasterSecret: isExtended ? true : undefined,
    sessionTicket: issuance.kind === 'ticket' ? true : undefined,
    ...selectedTypes(hello, certified, clientVerifier),
  });
  const certificate = tls12CertificateOf(typeOf(certified));
  const flight = [serverHello, encodeMessage(HandshakeType.certificate, certificate, certified.certificates)];
  if (ocspResponse !== undefined) {
    flight.push(encodeMessage(HandshakeType.certificate_status, certificateStatus, ocspResponse));
  }
  const { scheme } = signer;
  flight.push(encodeMessage(HandshakeType.server_key_exchange, serverKeyExchange, { params, scheme, signature }));
  if (clientVerifier !== undefined) {
    const { schemes, rootHintSubjects } = clientVerifier;
    const signatureSchemes = schemesFor(['ecdsa', 'rsa'], schemes);
    const certificateTypes = certificateTypesFor(signatureSchemes);
    const request = { certificateTypes, signatureSchemes, certificateAuthorities: rootHintSubjects };
    flight.push(encodeMessage(HandshakeType.certificate_request, tls12CertificateRequest, request));
  }
  flight.push(encodeMessage(HandshakeType.server_hello_done, serverHelloDone, true));
  for (const message of flight) transcript.add(message);
  io.outbound.send(ContentType.handshake, concat(flight));
  return keyExchange;
}

/** RFC 5246 section 7.4.1.3; with `extensions`, and those that every ServerHello of ours has where the client offers them. */
function encodeServerHello(
  { config, hello }: Tls12ServerHellos,
  suite: Tls12CipherSuite,
  randoms: Randoms,
  sessionId: Uint8Array,
  extensions: Omit<
    Tls12ServerExtensions,
    keyof ExtensionBlock | 'ecPointFormats' | 'renegotiationInfo' | 'recordSizeLimit'
  >,
): Uint8Array {
  const { ecPointFormats, renegotiationInfo } = hello.extensions;
  // RFC 5746 section 3.6: the suite says the same as the extension.
  const isSecure =
    renegotiationInfo !== undefined || hello.cipherSuites.includes(CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
  return encodeMessage(HandshakeType.server_hello, tls12ServerHello, {
    legacyVersion: ProtocolVersion.TLSv1_2,
    random: randoms.server,
    sessionId,
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions: {
      ecPointFormats: ecPointFormats === undefined ? undefined : Uint8Array.of(ECPointFormat.uncompressed),
      renegotiationInfo: isSecure ? emptyBytes : undefined,
      recordSizeLimit: answeredRecordSizeLimit(config, ProtocolVersion.TLSv1_2, hello),
      ...extensions,
      ...onlyKnown,
    },
  });
}

/** A client's certificates, verified, whose key it is still to prove that it has. */
interface ClientChain {
  readonly certificates: readonly Uint8Array[];
  readonly endEntity: Uint8Array;
  readonly verified: PeerVerified;
  readonly verifier: ClientCertVerifier;
}

/** RFC 5246 section 7.4.6, if the client was asked for it. */
function* receiveCertificate(
  io: HandshakeIo,
  { config, transcript }: Tls12ServerHellos,
  verifier: ClientCertVerifier,
): Step<ClientChain | Anonymous> {
  const message = yield* io.inbound.message(HandshakeType.certificate);
  const certificates = parseBody('Certificate', tls12CertificateOf(typeOf(verifier)), message);
  transcript.add(message.raw);
  const [endEntity, ...intermediates] = certificates;
  if (endEntity === undefined) {
    if (verifier.mandatory) {
      throw new TlsError({ code: 'NoCertificatesPresented', version: ProtocolVersion.TLSv1_2 });
    }
    return 'anonymous';
  }
  const verified = yield* wait(
    // TLS 1.2 has no place for what TLS 1.3 clients can staple.
    verifier.verifyClientCert({
      endEntity,
      intermediates,
      ocspResponse: undefined,
      sctList: undefined,
      now: config.time(),
    }),
  );
  return { certificates, endEntity, verified, verifier };
}

/** RFC 8422 section 5.7; the premaster secret. */
function* receiveClientKeyExchange(
  io: HandshakeIo,
  { transcript }: Tls12ServerHellos,
  keyExchange: ActiveKeyExchange,
): Step<Uint8Array> {
  const message = yield* io.inbound.message(HandshakeType.client_key_exchange);
  const publicKey = parseBody('ClientKeyExchange', clientKeyExchange, message);
  transcript.add(message.raw);
  const premasterSecret = yield* wait(keyExchange.complete(publicKey));
  if (premasterSecret === undefined) throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidKeyShare' });
  return premasterSecret;
}

/** RFC 5246 section 7.4.8: the client signs all messages up to here. */
function* authenticateClient(
  io: HandshakeIo,
  { transcript }: Tls12ServerHellos,
  { certificates, endEntity, verified, verifier }: ClientChain,
): Step<PeerAuthenticated> {
  const received = yield* io.inbound.message(HandshakeType.certificate_verify);
  const { scheme, signature } = parseBody('CertificateVerify', certificateVerify, received);
  checkTls12Scheme(verifier, scheme);
  const message = transcript.messages();
  const valid = yield* wait(verifier.verifyTls12Signature({ message, endEntity, scheme, signature }));
  transcript.add(received.raw);
  return { certificate: verified, signature: valid, certificates, scheme };
}
