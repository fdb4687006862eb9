/** The server's handshake up to ServerHello, RFC 8446 sections 4.1 and 4.2; each version goes on in its own file. */
import { equalBytes, latin1, wipe } from '../codec/bytes.ts';
import { type ClientHelloInfo, type ServerConfig } from '../config.ts';
import { type KeyExchangeGroup, type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import {
  clientHello,
  type ClientHello,
  clientHelloParts,
  type ClientHelloParts,
  type KeyShareEntry,
} from '../messages/client_hello.ts';
import { onlyKnown } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { helloRetryRequestRandom, serverHello } from '../messages/server_hello.ts';
import {
  CertificateType,
  CipherSuite,
  ContentType,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  namesOf,
  ProtocolVersion,
} from '../registry.ts';
import { type Awaitable, type Step, wait } from '../step/step.ts';
import { type ReceivedHello, type ResumptionData } from './hellos.ts';
import { type HandshakeIo, sendChangeCipherSpec, startTrace, type Traffic } from './io.ts';
import { suitesInCommon } from './negotiation.ts';
import { type FoundPsk, kindOf } from './psk.ts';
import { findPsk, verifyBinder } from './psk_server.ts';
import { serverTls13 } from './server_tls13.ts';
import { tls12HandshakesOf } from './tls12_protocol.ts';
import { Transcript } from './transcript.ts';

/** A server's configuration, or what chooses it once the ClientHello is known. */
export type ServerConfigSource = ServerConfig | ((hello: ClientHelloInfo) => Awaitable<ServerConfig>);

/** How much early data, in bytes, to skip at least of a client whose early data is not accepted (section 4.2.10). */
const rejectedEarlyData = 16_384;

export function* serverHandshake(
  io: HandshakeIo,
  source: ServerConfigSource,
  resumptionData: ResumptionData,
): Step<Traffic> {
  const transcript = new Transcript();
  const message = yield* io.inbound.message(HandshakeType.client_hello);
  io.inbound.checkFlightEnd();
  const hello = parseBody('ClientHello', clientHello, message);
  io.inbound.allowChangeCipherSpec();
  const info = clientHelloInfo(hello);
  if (info.serverName !== undefined) io.facts.serverName = info.serverName;
  refuseSsl3(hello);
  const config = typeof source === 'function' ? yield* wait(source(info)) : source;
  startTrace(io, config);
  if (config.enableSecretExtraction) io.extractSecrets = config.extractSecrets;
  io.trace?.messageReceived(message.type, message.raw);
  io.outbound.setMaxFragment(config.maxFragmentSize);
  if (chooseVersion(config, hello) === ProtocolVersion.TLSv1_2) {
    const hellos = { config, hello, info, message, transcript, resumptionData };
    return yield* tls12HandshakesOf(config.tls12CipherSuites).server(io, hellos);
  }
  const shares = checkClientHello(hello);
  const psk = yield* findPsk(config, hello, info);
  try {
    return yield* negotiateTls13(io, { config, hello, info, message, transcript, resumptionData }, shares, psk);
  } finally {
    wipe(psk?.earlySecret);
  }
}

/** TLS 1.3: the parameters, with a HelloRetryRequest where the client's key share is not what it takes. */
function* negotiateTls13(
  io: HandshakeIo,
  { config, hello: firstHello, info, message, transcript, resumptionData }: ReceivedHello,
  shares: readonly KeyShareEntry[],
  found: FoundPsk | undefined,
): Step<Traffic> {
  let hello = firstHello;
  const suite = found?.suite ?? chooseCipherSuite(config, hello);
  const group = chooseGroup(config, hello, shares);
  transcript.start(suite.hash);
  let psk = verifyBinder(transcript, message, hello, found);
  io.facts.protocolVersion = ProtocolVersion.TLSv1_3;
  io.facts.cipherSuite = suite.id;
  io.facts.keyExchangeGroup = group.name;
  io.facts.handshakeKind = kindOf(psk, false);
  if (hello.extensions.earlyData !== undefined) {
    io.facts.earlyDataAccepted = false;
    // What we told the client that it may send, and as much again for its records.
    const told = Math.max(config.maxEarlyDataSize, found?.session?.maxEarlyDataSize ?? 0);
    io.inbound.skipEarlyData(rejectedEarlyData + 2 * told);
  }

  // Section D.4: right after our first message, if the client is in middlebox compatibility mode.
  let changeCipherSpecDue = hello.sessionId.length > 0;
  let clientShare = shares.find((share) => share.group === group.name);
  if (clientShare === undefined) {
    io.facts.handshakeKind = kindOf(psk, true);
    transcript.replaceWithMessageHash();
    const retry = helloRetryRequest(hello, suite, group);
    transcript.add(retry);
    io.outbound.send(ContentType.handshake, retry);
    if (changeCipherSpecDue) sendChangeCipherSpec(io.outbound);
    changeCipherSpecDue = false;

    const second = yield* io.inbound.message(HandshakeType.client_hello);
    // The client has seen that its early data is rejected.
    io.inbound.skipEarlyData(undefined);
    const secondHello = parseBody('ClientHello', clientHello, second);
    clientShare = checkSecondClientHello(message, second, secondHello, group.name);
    psk = verifyBinder(transcript, second, secondHello, found);
    io.facts.handshakeKind = kindOf(psk, true);
    hello = secondHello;
  }
  return yield* serverTls13(io, {
    config,
    hello,
    info,
    suite,
    group,
    clientShare: clientShare.keyExchange,
    psk,
    resumptionData,
    transcript,
    changeCipherSpecDue,
  });
}

function clientHelloInfo({ legacyVersion, cipherSuites, extensions }: ClientHello): ClientHelloInfo {
  const { serverName, signatureSchemes = [] } = extensions;
  return {
    serverName: serverName === '' ? undefined : serverName,
    alpnProtocols: (extensions.protocols ?? []).map(latin1),
    versions: extensions.versions ?? [Math.min(legacyVersion, ProtocolVersion.TLSv1_2)],
    protocolVersion: undefined,
    cipherSuites,
    namedGroups: extensions.namedGroups ?? [],
    signatureSchemes,
    signatureSchemesCert: extensions.signatureSchemesCert ?? signatureSchemes,
    clientCertificateTypes: extensions.clientCertificateTypes ?? [CertificateType.X509],
    serverCertificateTypes: extensions.serverCertificateTypes ?? [CertificateType.X509],
    certificateAuthorities: extensions.certificateAuthorities ?? [],
  };
}

/** Section D.5: SSL 3.0 is never heard out. */
function refuseSsl3({ legacyVersion }: ClientHello): void {
  if (legacyVersion === ProtocolVersion.SSLv3) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoVersionInCommon', what: 'the client speaks SSL 3.0' });
  }
}

/** Section 4.2.1: the newest in common; a client without supported_versions speaks TLS 1.2 or less. */
function chooseVersion(
  config: ServerConfig,
  { legacyVersion, cipherSuites, extensions }: ClientHello,
): ProtocolVersion {
  const offered = extensions.versions ?? [Math.min(legacyVersion, ProtocolVersion.TLSv1_2)];
  const version = config.versions.find((ours) => offered.includes(ours));
  // RFC 7507 section 3: the client offers less than it could, since an attempt with more failed; with us it would not.
  if (version !== config.versions[0] && cipherSuites.includes(CipherSuite.TLS_FALLBACK_SCSV)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'InappropriateFallback' });
  }
  if (extensions.versions === undefined && !config.versions.includes(ProtocolVersion.TLSv1_2)) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'SupportedVersionsExtensionRequired' });
  }
  if (version === undefined) {
    const what = `the client offers ${namesOf(ProtocolVersion, offered)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoVersionInCommon', what });
  }
  return version;
}

/** What TLS 1.3 demands of a ClientHello (sections 4.1.2, 4.2.8, 4.2.9 and 9.2); its key shares. */
function checkClientHello(hello: ClientHello): readonly KeyShareEntry[] {
  const { extensions, compressionMethods } = hello;
  if (compressionMethods.length !== 1 || compressionMethods[0] !== 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedIncorrectCompressions' });
  }
  const { signatureSchemes, namedGroups, keyShares, preSharedKey, pskModes } = extensions;
  if (preSharedKey !== undefined && pskModes === undefined) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'MissingPskModesExtension' });
  }
  if (preSharedKey !== undefined && preSharedKey.identities.length !== preSharedKey.binders.length) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'PskExtensionWithMismatchedIdsAndBinders' });
  }
  if (signatureSchemes === undefined && preSharedKey === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'SignatureAlgorithmsExtensionRequired' });
  }
  if (namedGroups === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NamedGroupsExtensionRequired' });
  }
  if (keyShares === undefined) {
    throw new TlsError({ code: 'PeerIncompatible', reason: 'KeyShareExtensionRequired' });
  }
  const offered = new Set(namedGroups);
  const seen = new Set<NamedGroup>();
  for (const { group } of keyShares) {
    if (seen.has(group)) throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedDuplicateKeyShares' });
    seen.add(group);
    if (!offered.has(group)) {
      throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedUnadvertisedKeyShare' });
    }
  }
  return keyShares;
}

function chooseCipherSuite(config: ServerConfig, hello: ClientHello): Tls13CipherSuite {
  const [suite] = suitesInCommon(config.tls13CipherSuites, hello);
  if (suite === undefined) {
    const what = `the client offers ${namesOf(CipherSuite, hello.cipherSuites)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoCipherSuitesInCommon', what });
  }
  return suite;
}

/** Our preference among the groups with a key share; only without one of those it costs a round trip. */
function chooseGroup(config: ServerConfig, hello: ClientHello, shares: readonly KeyShareEntry[]): KeyExchangeGroup {
  const offered = hello.extensions.namedGroups ?? [];
  const common = config.provider.keyExchangeGroups.filter(({ name }) => offered.includes(name));
  const group = common.find(({ name }) => shares.some((share) => share.group === name)) ?? common[0];
  if (group === undefined) {
    const what = `the client offers ${namesOf(NamedGroup, offered)}`;
    throw new TlsError({ code: 'PeerIncompatible', reason: 'NoGroupsInCommon', what });
  }
  return group;
}

/** Section 4.1.4. Without a cookie: the state stays here. */
function helloRetryRequest(hello: ClientHello, suite: Tls13CipherSuite, group: KeyExchangeGroup): Uint8Array {
  return encodeMessage(HandshakeType.server_hello, serverHello, {
    retry: true,
    legacyVersion: ProtocolVersion.TLSv1_2,
    random: helloRetryRequestRandom,
    sessionId: hello.sessionId,
    cipherSuite: suite.id,
    compressionMethod: 0,
    extensions: { version: ProtocolVersion.TLSv1_3, group: group.name, ...onlyKnown },
  });
}

/** Section 4.1.2: the share must be the one of the group that was asked for, and hardly anything else another. */
function checkSecondClientHello(
  first: HandshakeMessage,
  second: HandshakeMessage,
  hello: ClientHello,
  group: NamedGroup,
): KeyShareEntry {
  const [share, ...more] = checkClientHello(hello);
  if (share?.group !== group || more.length > 0) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'RefusedToFollowHelloRetryRequest' });
  }
  // early_data is removed (section 4.2.10); a cookie would have to be one of ours.
  const isAllowed = hello.extensions.earlyData === undefined && hello.extensions.cookie === undefined;
  if (!isAllowed || !isSameClientHello(clientHelloParts(first.raw), clientHelloParts(second.raw))) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'VariedClientHelloAfterRetry' });
  }
  return share;
}

/** Section 4.1.2: what may be other data after a HelloRetryRequest, or come, or go; RFC 9849 section 6.1.5 adds the last. */
const variableExtensions: ReadonlySet<ExtensionType> = new Set([
  ExtensionType.key_share,
  ExtensionType.early_data,
  ExtensionType.cookie,
  ExtensionType.pre_shared_key,
  ExtensionType.padding,
  ExtensionType.encrypted_client_hello,
]);

/** The same in every byte but those; in any order, which says nothing (section 4.2). */
function isSameClientHello(first: ClientHelloParts, second: ClientHelloParts): boolean {
  const types = new Set([...first.extensions.keys(), ...second.extensions.keys()]);
  const isSame = (type: ExtensionType): boolean => {
    const [before, after] = [first.extensions.get(type), second.extensions.get(type)];
    return before !== undefined && after !== undefined && equalBytes(before, after);
  };
  return (
    equalBytes(first.fields, second.fields) && [...types].every((type) => variableExtensions.has(type) || isSame(type))
  );
}
