/** The server's TLS 1.3 handshake from ServerHello on, RFC 8446 sections 2 and 4.3 to 4.4, straight down. */
import { concat, emptyBytes, latin1, wipe } from '../codec/bytes.ts';
import { type CertifiedKey, type ServerConfig } from '../config.ts';
import { type Signer } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { KeySchedule } from '../keys/tls13_key_schedule.ts';
import { certificateRequest } from '../messages/certificate.ts';
import { ocspStatusType } from '../messages/client_hello.ts';
import { type EncryptedExtensions, encryptedExtensions } from '../messages/encrypted_extensions.ts';
import { checkSolicited, type ExtensionBlock, onlyKnown } from '../messages/extension.ts';
import { encodeMessage, parseBody } from '../messages/handshake.ts';
import { endOfEarlyData } from '../messages/post_handshake.ts';
import { serverHello } from '../messages/server_hello.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../record/protection_tls13.ts';
import { ContentType, ExtensionType, HandshakeType, namesOf, ProtocolVersion, SignatureScheme } from '../registry.ts';
import { anonymous, type PeerIdentity } from '../sessions/peer_identity.ts';
import { type Step, wait } from '../step/step.ts';
import { type ClientCertVerifier } from '../verify.ts';
import {
  type Anonymous,
  certificateEntries,
  chooseSigner,
  type FinishedVerified,
  finishedMessage,
  isTls13Scheme,
  parseCertificateVerify,
  type PeerAuthenticated,
  peerCertificatesOf,
  publishIdentity,
  signHandshake,
  verifyFinished,
  verifyHandshakeSignature,
} from './authentication.ts';
import { certificateTypes, encodeCertificate, readCertificate } from './certificate_compression.ts';
import { checkLength, chooseClientVerifier, selectedTypes, typeOf } from './certificate_types.ts';
import { EarlyData } from './early_data.ts';
import { type HandshakeIo, SecretLog, sendChangeCipherSpec, type Traffic } from './io.ts';
import { type ServerHellos } from './hellos.ts';
import { answeredRecordSizeLimit, chooseProtocol, heedRecordSizeLimit, resolveCertificate } from './negotiation.ts';
import { peerOf, type VerifiedPsk } from './psk.ts';
import { acceptsEarlyData, sendTickets, ticketCount } from './psk_server.ts';
import { Tls13Traffic } from './traffic_tls13.ts';
import { applicationTrafficSecrets, earlySecrets, handshakeTrafficSecrets } from './tls13_secrets.ts';

export function* serverTls13(io: HandshakeIo, hellos: ServerHellos): Step<Traffic> {
  const { config, suite, psk, transcript, hello } = hellos;
  const log = new SecretLog(config.keyLog, hello.random);
  const protocol = chooseProtocol(config, hello, hellos.info);
  // Section 4.3.2: with a PSK there are no certificates, on either side.
  const identity = psk === undefined ? yield* chooseCertificate(hellos) : undefined;
  const clientVerifier = psk === undefined ? chooseClientVerifier(config, hello) : undefined;
  const earlyOpener = startEarlyData(io, hellos, protocol, log);
  const sharedSecret = yield* sendServerHello(io, hellos);
  const schedule = new KeySchedule(suite, psk?.earlySecret);
  try {
    schedule.enterHandshake(sharedSecret);
    const handshake = handshakeTrafficSecrets(schedule, transcript, log);
    // First what is sent: the client, which has ServerHello, is to understand why its records are refused.
    io.outbound.setSealer(new Tls13RecordSealer(suite, handshake.server));
    const recordSizeLimit = answeredRecordSizeLimit(config, ProtocolVersion.TLSv1_3, hello);
    const enterHandshakeKey = (): void => {
      io.inbound.setOpener(new Tls13RecordOpener(suite, handshake.client));
      // From that key on: early data is of a client that has not heard of it.
      io.inbound.limitPlaintext(recordSizeLimit);
    };
    if (earlyOpener === undefined) enterHandshakeKey();
    else io.inbound.setOpener(earlyOpener);
    heedRecordSizeLimit(io, ProtocolVersion.TLSv1_3, hello.extensions.recordSizeLimit);

    const types = identity === undefined ? undefined : selectedTypes(hello, identity.certified, clientVerifier);
    const tickets = ticketCount(hellos);
    const earlyData = earlyOpener === undefined ? undefined : ({ earlyData: true } as const);
    const answer = hello.extensions.ticketRequest === undefined ? undefined : tickets;
    const negotiated = { protocol, recordSizeLimit, ticketCount: answer, ...types, ...earlyData };
    const flight = [encodeEncryptedExtensions(hellos, negotiated)];
    if (clientVerifier !== undefined) flight.push(encodeCertificateRequest(config, clientVerifier));
    for (const message of flight) transcript.add(message);
    if (identity !== undefined) flight.push(...(yield* authenticateServer(hellos, identity)));
    const ourFinished = finishedMessage(suite, handshake.server, transcript.digest());
    transcript.add(ourFinished);

    schedule.enterMain();
    const application = applicationTrafficSecrets(schedule, transcript, log);
    // Before Finished is sent: the alert for whatever fails here must still be under the key that the client has.
    const applicationSealer = new Tls13RecordSealer(suite, application.server);
    io.outbound.send(ContentType.handshake, concat([...flight, ourFinished]));
    io.outbound.setSealer(applicationSealer);

    // Section 4.4.4, never to a client that is still to show a certificate: it may be anybody, and say it once more.
    if (config.sendHalfRttData && config.clientVerifier === undefined) io.sendHalfRttData();

    if (psk?.session !== undefined && earlyOpener !== undefined) {
      transcript.add(yield* receiveEarlyData(io, psk.session.maxEarlyDataSize));
      enterHandshakeKey();
    }
    const client = psk ?? (yield* authenticateClient(io, hellos, clientVerifier));
    const message = yield* io.inbound.message(HandshakeType.finished);
    const finished = verifyFinished(suite, handshake.client, transcript.digest(), message);
    transcript.add(message.raw);
    io.inbound.setOpener(new Tls13RecordOpener(suite, application.client));

    if (protocol !== undefined) io.facts.alpnProtocol = latin1(protocol);
    const peer = identityOf(client);
    publishIdentity(io.facts, peer);
    hellos.resumptionData.received = psk?.session?.applicationData;
    if (tickets > 0) {
      const resumptionSecret = schedule.derive('res master', transcript.digest());
      yield* sendTickets(io, hellos, { protocol, peer, resumptionSecret }, tickets);
    }
    const traffic = new Tls13Traffic(io, {
      suite,
      readSecret: application.client.slice(),
      writeSecret: application.server.slice(),
      exporterSecret: application.exporter.slice(),
    });
    return established(client, finished, traffic);
  } finally {
    schedule.wipe();
  }
}

/** Section 2.3: what opens the client's early data, if it sends some and it is to be accepted. */
function startEarlyData(
  io: HandshakeIo,
  hellos: ServerHellos,
  protocol: Uint8Array | undefined,
  log: SecretLog,
): Tls13RecordOpener | undefined {
  const { suite, psk, transcript } = hellos;
  if (psk === undefined || !acceptsEarlyData(hellos, protocol)) return undefined;
  io.facts.earlyDataAccepted = true;
  io.inbound.skipEarlyData(undefined);
  const { traffic, exporter } = earlySecrets(suite, psk.earlySecret, transcript, log);
  io.early = new EarlyData(io.facts, io.outbound, suite, exporter);
  const opener = new Tls13RecordOpener(suite, traffic);
  wipe(traffic);
  return opener;
}

/** Section 4.5: early data up to EndOfEarlyData; that message. */
function* receiveEarlyData(io: HandshakeIo, limit: number): Step<Uint8Array> {
  let left = limit;
  for (;;) {
    const record = yield* io.inbound.record();
    if (record?.type === ContentType.application_data) {
      // An empty record costs a byte too, or there could be any number of them.
      left -= Math.max(record.length, 1);
      if (left < 0) throw new TlsError({ code: 'PeerMisbehaved', reason: 'TooMuchEarlyDataReceived' });
      io.early!.deliver(record.content);
      continue;
    }
    if (record === undefined) throw new TlsError({ code: 'UnexpectedEof', during: 'handshake' });
    const message = io.inbound.join(record);
    if (message === undefined) continue;
    const { type: received, raw } = message;
    if (received !== HandshakeType.end_of_early_data) {
      const expected = [HandshakeType.end_of_early_data];
      throw new TlsError({ code: 'InappropriateHandshakeMessage', expected, received });
    }
    parseBody('EndOfEarlyData', endOfEarlyData, message);
    return raw;
  }
}

/** Takes both proofs, so that a handshake that skipped one does not compile. */
function established(
  _client: PeerAuthenticated | VerifiedPsk | Anonymous,
  _finished: FinishedVerified,
  traffic: Traffic,
): Traffic {
  return traffic;
}

function identityOf(client: PeerAuthenticated | VerifiedPsk | Anonymous): PeerIdentity {
  if (client === 'anonymous') return anonymous;
  return 'identity' in client ? peerOf(client) : client;
}

/** A certificate, and what signs with its key in this handshake. */
interface Identity {
  readonly certified: CertifiedKey;
  readonly signer: Signer;
}

function* chooseCertificate({ config, hello, info }: ServerHellos): Step<Identity> {
  // Section 4.2.3: only a client that is content with a PSK can do without.
  if (hello.extensions.signatureSchemes === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'SignatureAlgorithmsExtensionRequired' });
  }
  const signatureSchemes = info.signatureSchemes.filter(isTls13Scheme);
  const protocolVersion = ProtocolVersion.TLSv1_3;
  const certified = yield* resolveCertificate(config, hello, { ...info, protocolVersion, signatureSchemes });
  const signer = chooseSigner(certified.key, signatureSchemes);
  if (signer === undefined) {
    const what = `the client offers ${namesOf(SignatureScheme, info.signatureSchemes)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoSignatureSchemesInCommon', what });
  }
  return { certified, signer };
}

/** Section 4.1.3: sends it, and gives the shared secret of the key exchange. */
function* sendServerHello(io: HandshakeIo, hellos: ServerHellos): Step<Uint8Array> {
  const { config, hello, suite, group, transcript } = hellos;
  const answer = yield* wait(group.respond(hellos.clientShare));
  if (answer === undefined) throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidKeyShare' });
  const random = new Uint8Array(32);
  config.provider.random(random);
  const message = encodeMessage(HandshakeType.server_hello, serverHello, {
    retry: false,
    legacyVersion: ProtocolVersion.TLSv1_2,
    random,
    sessionId: hello.sessionId,
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions: {
      version: ProtocolVersion.TLSv1_3,
      keyShare: { group: group.name, keyExchange: answer.keyShare },
      preSharedKey: hellos.psk?.index,
      ...onlyKnown,
    },
  });
  transcript.add(message);
  io.outbound.send(ContentType.handshake, message);
  if (hellos.changeCipherSpecDue) sendChangeCipherSpec(io.outbound);
  return answer.sharedSecret;
}

function encodeEncryptedExtensions(
  { info, psk }: ServerHellos,
  negotiated: Omit<EncryptedExtensions, keyof ExtensionBlock>,
): Uint8Array {
  return encodeMessage(HandshakeType.encrypted_extensions, encryptedExtensions, {
    // RFC 6066 section 3: says that the name was used; not where a session is resumed.
    serverName: info.serverName === undefined || psk !== undefined ? undefined : true,
    ...negotiated,
    ...onlyKnown,
  });
}

function encodeCertificateRequest(config: ServerConfig, verifier: ClientCertVerifier): Uint8Array {
  const { schemes, rootHintSubjects, requestOcspResponse, requestSctList } = verifier;
  return encodeMessage(HandshakeType.certificate_request, certificateRequest, {
    context: emptyBytes,
    extensions: {
      certificateStatusRequest: requestOcspResponse === true ? true : undefined,
      sctListRequest: requestSctList === true ? true : undefined,
      compressionAlgorithms: config.certificateCompression?.offeredAlgorithms,
      signatureSchemes: schemes,
      certificateAuthorities: rootHintSubjects.length > 0 ? rootHintSubjects : undefined,
      ...onlyKnown,
    },
  });
}

/** Our Certificate and CertificateVerify (section 4.4.2); in the transcript already. */
function* authenticateServer(
  { config, hello, transcript }: ServerHellos,
  { certified, signer }: Identity,
): Step<readonly Uint8Array[]> {
  const { certificateStatusRequest, sctListRequest, compressionAlgorithms } = hello.extensions;
  const wanted = {
    ocspResponse: certificateStatusRequest?.statusType === ocspStatusType,
    sctList: sctListRequest === true,
  };
  const entries = certificateEntries(certified, wanted);
  const ours = yield* encodeCertificate(config, certified, entries, compressionAlgorithms);
  transcript.add(ours);
  const verify = yield* signHandshake('server', signer, transcript.digest());
  transcript.add(verify);
  return [ours, verify];
}

/** The client's Certificate and CertificateVerify, both verified, if it was asked for them. */
function* authenticateClient(
  io: HandshakeIo,
  { config, transcript }: ServerHellos,
  verifier: ClientCertVerifier | undefined,
): Step<PeerAuthenticated | Anonymous> {
  if (verifier === undefined) return 'anonymous';
  const certificateMessage = yield* io.inbound.message(...certificateTypes(config));
  const { context, entries } = yield* readCertificate(config, certificateMessage);
  transcript.add(certificateMessage.raw);
  if (context.length !== 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'NonEmptyCertificateRequestContext' });
  }
  checkLength(typeOf(verifier), entries);
  // Section 4.4.2: only what the CertificateRequest asked for.
  const asked: ExtensionType[] = [];
  if (verifier.requestOcspResponse === true) asked.push(ExtensionType.status_request);
  if (verifier.requestSctList === true) asked.push(ExtensionType.signed_certificate_timestamp);
  for (const entry of entries) checkSolicited('Certificate', entry.extensions, asked);
  const [endEntity, ...intermediates] = entries;
  if (endEntity === undefined) {
    if (verifier.mandatory) {
      throw new TlsError({ code: 'NoCertificatesPresented', version: ProtocolVersion.TLSv1_3 });
    }
    return 'anonymous';
  }
  const signedHash = transcript.digest();

  const verifyMessage = yield* io.inbound.message(HandshakeType.certificate_verify);
  const verify = parseCertificateVerify(verifier, verifyMessage);
  const verified = yield* wait(
    verifier.verifyClientCert({
      now: config.time(),
      ...peerCertificatesOf(endEntity, intermediates),
    }),
  );
  const signature = yield* verifyHandshakeSignature(verifier, 'client', endEntity.certificate, verify, signedHash);
  transcript.add(verifyMessage.raw);
  const certificates = entries.map((entry) => entry.certificate);
  return { certificate: verified, signature, certificates, scheme: verify.scheme };
}
