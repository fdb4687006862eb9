/** The client's TLS 1.3 handshake after ServerHello, RFC 8446 sections 2 and 4.3 to 4.4, straight down. */
import { concat, emptyBytes, latin1 } from '../codec/bytes.ts';
import { TlsError } from '../error.ts';
import { KeySchedule } from '../keys/tls13_key_schedule.ts';
import { certificate, certificateRequest } from '../messages/certificate.ts';
import { encryptedExtensions } from '../messages/encrypted_extensions.ts';
import { checkSolicited } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { checkPlaced } from '../messages/placement.ts';
import { Tls13RecordOpener, Tls13RecordSealer } from '../record/protection_tls13.ts';
import { type CertificateType, ContentType, HandshakeType, NamedGroup, nameOf, ProtocolVersion } from '../registry.ts';
import { type PeerIdentity } from '../sessions/peer_identity.ts';
import { type Step, wait } from '../step/step.ts';
import {
  type FinishedVerified,
  finishedMessage,
  isTls13Scheme,
  parseCertificateVerify,
  type PeerAuthenticated,
  peerCertificatesOf,
  publishIdentity,
  verifyFinished,
  verifyHandshakeSignature,
} from './authentication.ts';
import { certificateTypes, readCertificate } from './certificate_compression.ts';
import { checkLength, checkServerType, selectedType, typeOf } from './certificate_types.ts';
import { type RequestedCertificate, showCertificateOf } from './client_certificate.ts';
import { type EarlyData } from './early_data.ts';
import { type ClientHellos } from './hellos.ts';
import { type HandshakeIo, SecretLog, sendChangeCipherSpec, type Traffic } from './io.ts';
import { acceptRecordSizeLimit, checkProtocol } from './negotiation.ts';
import { peerOf, type SelectedPsk } from './psk.ts';
import { clientPsksOf } from './psk_protocol.ts';
import { Tls13Traffic } from './traffic_tls13.ts';
import { applicationTrafficSecrets, handshakeTrafficSecrets } from './tls13_secrets.ts';

export function* clientTls13(io: HandshakeIo, hellos: ClientHellos): Step<Traffic> {
  const { config, sessions, suite, psk, transcript } = hellos;
  const psks = clientPsksOf(config);
  const log = new SecretLog(config.keyLog, hellos.offer.random);
  const sharedSecret = yield* agree(io, hellos);
  const schedule = new KeySchedule(suite, psk?.earlySecret);
  try {
    schedule.enterHandshake(sharedSecret);
    const handshake = handshakeTrafficSecrets(schedule, transcript, log);
    io.inbound.setOpener(new Tls13RecordOpener(suite, handshake.server));
    if (hellos.changeCipherSpecDue) sendChangeCipherSpec(io.outbound);
    // While the server may still take early data, everything stays under its key.
    const isEarly = io.early?.limit !== undefined && psk === hellos.offer.psks[0];
    if (!isEarly) enterHandshakeKey(io, hellos, handshake.client);

    const { protocol, serverType, clientType, accepted } = yield* receiveEncryptedExtensions(io, hellos);
    if (accepted !== undefined) accepted.checkAccepted(isEarly ? psk?.session : undefined, suite, protocol);
    else if (isEarly) enterHandshakeKey(io, hellos, handshake.client);
    // Section 4.3.2: with a PSK there are no certificates, on either side.
    const { server, request } = psk === undefined ? yield* receiveCertificates(io, hellos, serverType) : resumed(psk);
    const finished = yield* receiveFinished(io, hellos, handshake.server);

    schedule.enterMain();
    const application = applicationTrafficSecrets(schedule, transcript, log);
    io.inbound.setOpener(new Tls13RecordOpener(suite, application.server));

    if (accepted !== undefined) {
      // Section 4.5: part of what our Finished is over.
      transcript.add(accepted.finish());
      enterHandshakeKey(io, hellos, handshake.client);
    }
    const flight = request === undefined ? [] : yield* authenticateClient(hellos, request, clientType);
    const ourFinished = finishedMessage(suite, handshake.client, transcript.digest());
    // Before Finished is sent: the alert for whatever fails here must still be under the key that the server has.
    const applicationSealer = new Tls13RecordSealer(suite, application.client);
    io.outbound.send(ContentType.handshake, concat([...flight, ourFinished]));
    io.outbound.setSealer(applicationSealer);
    if (protocol !== undefined) io.facts.alpnProtocol = latin1(protocol);
    const peer = identityOf(server);
    publishIdentity(io.facts, peer);

    if (hellos.requestedGroup !== undefined) {
      yield* psks.keepGroupHint(config, sessions, hellos.requestedGroup);
    }

    transcript.add(ourFinished);
    const resumptionSecret = (): Uint8Array => schedule.derive('res master', transcript.digest());
    const tickets = psks.ticketSink(config, sessions, { suite, protocol, peer, psk }, resumptionSecret);
    const traffic = new Tls13Traffic(
      io,
      {
        suite,
        readSecret: application.server.slice(),
        writeSecret: application.client.slice(),
        exporterSecret: application.exporter.slice(),
      },
      tickets,
    );
    return established(server, finished, traffic);
  } finally {
    schedule.wipe();
  }
}

/** What we send from here on is no early data any more. */
function enterHandshakeKey(io: HandshakeIo, { suite }: ClientHellos, clientSecret: Uint8Array): void {
  io.early?.end();
  io.outbound.setSealer(new Tls13RecordSealer(suite, clientSecret));
}

/** Takes both proofs, so that a handshake that skipped one does not compile. */
function established(_server: PeerAuthenticated | SelectedPsk, _finished: FinishedVerified, traffic: Traffic): Traffic {
  return traffic;
}

/** Section 4.2.8: the server's key share must be of a group that ours were for, after a retry of the one it asked for. */
function* agree(io: HandshakeIo, { offer, serverHello, psk }: ClientHellos): Step<Uint8Array> {
  const { keyShare } = serverHello.extensions;
  if (keyShare === undefined) {
    // Section 4.2.11: a PSK is only offered together with a key exchange (psk_dhe_ke).
    const reason = psk === undefined ? 'MissingKeyShare' : 'SelectedPskWithoutKeyShare';
    throw new TlsError({ code: 'PeerMisbehaved', reason });
  }
  const keyExchange = offer.keyExchanges.find(({ group }) => group === keyShare.group);
  if (keyExchange === undefined) {
    const what = nameOf(NamedGroup, keyShare.group);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'WrongGroupForKeyShare', what });
  }
  const sharedSecret = yield* wait(keyExchange.complete(keyShare.keyExchange));
  if (sharedSecret === undefined) throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidKeyShare' });
  io.facts.keyExchangeGroup = keyShare.group;
  return sharedSecret;
}

/** What EncryptedExtensions say. */
interface Selected {
  readonly protocol: Uint8Array | undefined;
  /** Early data, if it is accepted. */
  readonly accepted: EarlyData | undefined;
  /** Of the server's certificate, and of ours. */
  readonly serverType: CertificateType;
  readonly clientType: CertificateType;
}

/** Section 4.3.1; what it chooses. */
function* receiveEncryptedExtensions(io: HandshakeIo, { config, offer, transcript }: ClientHellos): Step<Selected> {
  const message = yield* io.inbound.message(HandshakeType.encrypted_extensions);
  transcript.add(message.raw);
  const block = parseBody('EncryptedExtensions', encryptedExtensions, message);
  checkSolicited('EncryptedExtensions', block, offer.extensionTypes);
  const { protocol } = block;
  checkProtocol(config, protocol);
  acceptRecordSizeLimit(io, config, ProtocolVersion.TLSv1_3, block.recordSizeLimit);
  const serverType = selectedType(typeOf(config.verifier), block.serverCertificateType);
  const clientType = selectedType(config.certificateType, block.clientCertificateType);
  // What was not offered is refused by now: where it is accepted there is some.
  return { protocol, serverType, clientType, accepted: block.earlyData === true ? io.early : undefined };
}

/** Who the server is, and whether it asks who we are. */
interface Authentication<Server> {
  readonly server: Server;
  readonly request: RequestedCertificate | undefined;
}

function resumed(psk: SelectedPsk): Authentication<SelectedPsk> {
  return { server: psk, request: undefined };
}

function identityOf(server: PeerAuthenticated | SelectedPsk): PeerIdentity {
  return 'identity' in server ? peerOf(server) : server;
}

/** Sections 4.3.2 and 4.4: what stands between EncryptedExtensions and Finished without a PSK. */
function* receiveCertificates(
  io: HandshakeIo,
  hellos: ClientHellos,
  serverType: CertificateType,
): Step<Authentication<PeerAuthenticated>> {
  const types = certificateTypes(hellos.config);
  let message = yield* io.inbound.message(HandshakeType.certificate_request, ...types);
  let request: RequestedCertificate | undefined;
  if (message.type === HandshakeType.certificate_request) {
    request = parseCertificateRequest(message);
    hellos.transcript.add(message.raw);
    message = yield* io.inbound.message(...types);
  }
  checkServerType(typeOf(hellos.config.verifier), serverType);
  return { server: yield* authenticateServer(io, hellos, message), request };
}

/** Section 4.3.2: what comes before the server's Certificate if it wants ours. */
function parseCertificateRequest(message: HandshakeMessage): RequestedCertificate {
  const { context, extensions } = parseBody('CertificateRequest', certificateRequest, message);
  if (context.length !== 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'NonEmptyCertificateRequestContext' });
  }
  checkPlaced('CertificateRequest', extensions);
  const { signatureSchemes, signatureSchemesCert, certificateAuthorities } = extensions;
  if (signatureSchemes === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'SignatureAlgorithmsExtensionRequired' });
  }
  const info = {
    signatureSchemes: signatureSchemes.filter(isTls13Scheme),
    signatureSchemesCert: signatureSchemesCert ?? signatureSchemes,
    certificateAuthorities: certificateAuthorities ?? [],
  };
  return { info, extensions };
}

/** Sections 4.4.2 and 4.4.3: the server's Certificate and CertificateVerify, both verified. */
function* authenticateServer(
  io: HandshakeIo,
  { config, transcript, serverName, offer }: ClientHellos,
  certificateMessage: HandshakeMessage,
): Step<PeerAuthenticated> {
  const { context, entries } = yield* readCertificate(config, certificateMessage);
  transcript.add(certificateMessage.raw);
  if (context.length !== 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'NonEmptyCertificateRequestContext' });
  }
  const [endEntity, ...intermediates] = entries;
  if (endEntity === undefined) {
    throw new TlsError({ code: 'InvalidMessage', reason: 'IllegalEmptyList', what: 'Certificate' });
  }
  checkLength(typeOf(config.verifier), entries);
  for (const entry of entries) checkSolicited('Certificate', entry.extensions, offer.extensionTypes);
  const signedHash = transcript.digest();

  const verifyMessage = yield* io.inbound.message(HandshakeType.certificate_verify);
  const verify = parseCertificateVerify(config.verifier, verifyMessage);
  const verified = yield* wait(
    config.verifier.verifyServerCert({
      serverName,
      now: config.time(),
      ...peerCertificatesOf(endEntity, intermediates),
    }),
  );
  const signature = yield* verifyHandshakeSignature(
    config.verifier,
    'server',
    endEntity.certificate,
    verify,
    signedHash,
  );
  transcript.add(verifyMessage.raw);
  const certificates = entries.map((entry) => entry.certificate);
  return { certificate: verified, signature, certificates, scheme: verify.scheme };
}

function* receiveFinished(
  io: HandshakeIo,
  { suite, transcript }: ClientHellos,
  serverSecret: Uint8Array,
): Step<FinishedVerified> {
  const message = yield* io.inbound.message(HandshakeType.finished);
  const finished = verifyFinished(suite, serverSecret, transcript.digest(), message);
  transcript.add(message.raw);
  return finished;
}

/** Our Certificate, empty if we have none that fits, and CertificateVerify (section 4.4.2); in the transcript already. */
function* authenticateClient(
  { config, transcript }: ClientHellos,
  request: RequestedCertificate,
  clientType: CertificateType,
): Step<readonly Uint8Array[]> {
  const ours = yield* showCertificateOf(config)(config, transcript, request, clientType);
  if (ours !== undefined) return ours;
  const none = encodeMessage(HandshakeType.certificate, certificate, { context: emptyBytes, entries: [] });
  transcript.add(none);
  return [none];
}
