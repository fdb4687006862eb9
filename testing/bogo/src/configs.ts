/** The configurations that the flags of a connection amount to. */
import {
  AlertDescription,
  type Awaitable,
  CertificateType,
  type CertifiedKey,
  type ClientCertVerifier,
  clientConfig,
  type ClientConfig,
  type ClientHelloInfo,
  type ClientSessionStore,
  type CryptoProvider,
  type ExternalPsk,
  type KeyLog,
  type NamedGroup,
  type PeerVerified,
  peerVerified,
  type ServerCertVerifier,
  serverConfig,
  type ServerConfig,
  type ServerSessionStore,
  type SignatureVerifier,
  type Ticketer,
  TlsError,
  type Tracer,
} from '@tyls/tls-core';
import { dangerousAcceptAnyServerCert, rawPublicKeyClientVerifier, rawPublicKeyServerVerifier } from '@tyls/webpki';
import { algorithmsOf } from './compression.ts';
import {
  checkSchemes,
  chooseForClient,
  chooseForServer,
  later,
  loadCredentials,
  loadPsks,
  type LoadedPsk,
  type LoadedCredential,
} from './credentials.ts';
import { type Flags, Unimplemented } from './flags.ts';
import { restricted, versionsOf } from './provider.ts';
import { messageTrace } from './message_trace.ts';

/** What a connection's callbacks were told, for the expectations to look at. */
export interface Seen {
  hello?: ClientHelloInfo;
  ocspResponse?: Uint8Array | undefined;
  sctList?: Uint8Array | undefined;
  peerSignatureSchemes?: readonly number[];
  certificateAuthorities?: readonly Uint8Array[];
  selectedCredential?: number;
  readonly trafficSecrets: Map<string, Uint8Array>;
  readonly messages: string[];
  /** Sessions that were put into a store: of a client, or with an id of a server. */
  storedSessions: number;
  psks: readonly LoadedPsk[];
}

/** What all connections of a run share. */
export interface Surroundings {
  readonly provider: CryptoProvider;
  readonly now: () => number;
  readonly clientSessions: ClientSessionStore;
  readonly serverSessions: ServerSessionStore;
  readonly ticketer: Ticketer;
  /** Early data goes with sessions that are stored: then all are. */
  readonly hasTicketer: boolean;
}

/** Resumption is a matter of the flags: the shim's verifiers and resolvers all count as one. */
const policyId = new Uint8Array(1);

export async function clientConfigOf(flags: Flags, surroundings: Surroundings, seen: Seen): Promise<ClientConfig> {
  const usable = restricted(surroundings.provider, flags);
  const credentials = await loadCredentials(flags, surroundings.provider);
  const verifier: ServerCertVerifier = {
    ...signatureVerifierOf(usable, flags),
    requestOcspResponse: flags['enable-ocsp-stapling'] === true,
    requestSctList: flags['enable-signed-cert-timestamps'] === true,
    policyId,
    verifyServerCert: (certificates) => {
      seen.ocspResponse = certificates.ocspResponse;
      seen.sctList = certificates.sctList;
      if (flags['fail-ocsp-callback'] === true) {
        throw new TlsError({ code: 'InvalidCertificate', reason: 'InvalidOcspResponse', why: 'the test says so' });
      }
      const key = rawKeyOf(flags);
      if (key === undefined) return verify(flags);
      return rawPublicKeyServerVerifier({ pins: [key], provider: usable }).verifyServerCert(certificates);
    },
  };
  const type = certificateTypeOf(flags['available-client-cert-types'] ?? typesOf(credentials));
  const ofType = credentials.filter(({ certified }) => (certified.certificateType ?? CertificateType.X509) === type);
  const certificate = Object.assign(
    (request: Parameters<ClientConfig['resolveCertificate']>[0]) => {
      seen.peerSignatureSchemes = request.signatureSchemes;
      seen.certificateAuthorities = request.certificateAuthorities;
      const { signatureSchemes, certificateAuthorities } = request;
      return choose(flags, credentials, seen, () => chooseForServer(ofType, signatureSchemes, certificateAuthorities));
    },
    { policyId },
  );
  const hints = flags['server-supported-groups-hint'] ?? [];
  const groupHint = usable.keyExchangeGroups.find(({ name }) => hints.includes(name))?.name;
  seen.psks = loadPsks(flags, usable);
  return clientConfig({
    ...commonOptions(flags, usable, surroundings, seen),
    externalPsks: seen.psks.map(({ psk }) => psk),
    verifier,
    certificate,
    certificateType: type,
    sendServerName: flags['host-name'] !== undefined,
    keyShares: flags['no-key-shares'] === true ? [] : flags['key-shares'],
    alpnProtocols: protocolList(flags['advertise-alpn'] ?? ''),
    grease: flags['enable-grease'] === true,
    extensionOrder: flags['permute-extensions'] === true ? 'random' : 'fixed',
    sessionStore: flags['no-ticket'] !== true && clientStore(surroundings.clientSessions, seen, groupHint),
    earlyData: flags['enable-early-data'] === true,
  });
}

export async function serverConfigOf(flags: Flags, surroundings: Surroundings, seen: Seen): Promise<ServerConfig> {
  const usable = restricted(surroundings.provider, flags);
  const credentials = await loadCredentials(flags, surroundings.provider);
  const isVerifying = flags['verify-peer'] === true;
  const isRequiring = flags['require-any-client-certificate'] === true;
  const clientVerifier: ClientCertVerifier = {
    ...signatureVerifierOf(usable, flags),
    mandatory: isRequiring && !isVerifying,
    rootHintSubjects: names(flags['use-client-ca-list']),
    policyId,
    verifyClientCert: (certificates) => {
      const key = rawKeyOf(flags);
      if (key === undefined) return verify(flags);
      return rawPublicKeyClientVerifier({ pins: [key], provider: usable }).verifyClientCert(certificates);
    },
  };
  seen.psks = loadPsks(flags, usable);
  const findPsk = (identity: Uint8Array): Awaitable<ExternalPsk | undefined> => {
    const found = (): ExternalPsk | undefined => pskWith(identity, seen)?.psk;
    return flags.async === true ? later(found) : found();
  };
  const acceptsEarlyData = flags['enable-early-data'] === true;
  const ticketer: Ticketer = {
    ...surroundings.ticketer,
    ...(flags['skip-ticket'] === true && { seal: () => undefined }),
  };
  return serverConfig({
    ...commonOptions(flags, usable, surroundings, seen),
    resolveExternalPsk: Object.assign(findPsk, { policyId }),
    certificate: (hello) => {
      if (flags['use-ocsp-callback'] === true && flags['fail-ocsp-callback'] === true) {
        throw new Error('the OCSP callback fails, as the test says');
      }
      return choose(flags, credentials, seen, () => chooseForClient(credentials, hello));
    },
    clientVerifier: isVerifying || isRequiring ? clientVerifier : undefined,
    alpnProtocols: alpnOf(flags),
    sessionStore: serverStore(surroundings.serverSessions, seen),
    ticketer: flags['no-ticket'] !== true && surroundings.hasTicketer ? ticketer : undefined,
    ticketCount: flags['no-ticket'] === true ? 0 : 2,
    ...(acceptsEarlyData && { maxEarlyDataSize, sendHalfRttData: true }),
  });
}

export function pskWith(identity: Uint8Array, { psks }: Seen): LoadedPsk | undefined {
  return psks.find(({ psk }) => Buffer.compare(psk.identity, identity) === 0);
}

/** As much as the runner expects to be accepted, in bytes. */
const maxEarlyDataSize = 14_336;

function clientStore(store: ClientSessionStore, seen: Seen, groupHint: NamedGroup | undefined): ClientSessionStore {
  return {
    ...store,
    groupHint: () => groupHint,
    addTicket: (key, ticket) => {
      seen.storedSessions++;
      return store.addTicket(key, ticket);
    },
    setTls12Session: (key, session) => {
      seen.storedSessions++;
      return store.setTls12Session(key, session);
    },
  };
}

function serverStore(store: ServerSessionStore, seen: Seen): ServerSessionStore {
  return {
    ...store,
    put: (...session) => {
      seen.storedSessions++;
      return store.put(...session);
    },
  };
}

function commonOptions(
  flags: Flags,
  provider: CryptoProvider,
  { now }: Surroundings,
  seen: Seen,
): {
  readonly provider: CryptoProvider;
  readonly versions: ReturnType<typeof versionsOf>;
  readonly maxFragmentSize: number | undefined;
  readonly requireEms: boolean;
  readonly certificateCompressors: ReturnType<typeof algorithmsOf>;
  readonly certificateDecompressors: ReturnType<typeof algorithmsOf>;
  readonly time: () => number;
  readonly keyLog: KeyLog | undefined;
  readonly trace: Tracer;
} {
  const algorithms = algorithmsOf(flags);
  return {
    provider,
    versions: versionsOf(flags),
    maxFragmentSize: flags['max-send-fragment'],
    requireEms: flags['expect-extended-master-secret'] === true,
    certificateCompressors: algorithms,
    certificateDecompressors: algorithms,
    time: now,
    keyLog: keyLogOf(flags, seen),
    trace: messageTrace(seen.messages),
  };
}

function signatureVerifierOf(provider: CryptoProvider, flags: Flags): SignatureVerifier {
  const certificateType = certificateTypeOf(flags['accepted-peer-cert-types']);
  const { schemes, verifyTls13Signature, verifyTls12Signature } =
    certificateType === CertificateType.RawPublicKey
      ? rawPublicKeyServerVerifier({ pins: [rawKeyOf(flags) ?? new Uint8Array(32)], provider })
      : dangerousAcceptAnyServerCert({ provider });
  const preferences = flags['verify-prefs'];
  checkSchemes(preferences);
  return { schemes: preferences ?? schemes, verifyTls13Signature, verifyTls12Signature, certificateType };
}

/** A verifier, or what a client has, is of one type. */
function certificateTypeOf(types: readonly number[] | undefined): CertificateType {
  const [type = CertificateType.X509, ...others] = types ?? [];
  if (others.length > 0) throw new Unimplemented('several types of certificates');
  return type;
}

function typesOf(credentials: readonly LoadedCredential[]): readonly CertificateType[] {
  return [...new Set(credentials.map(({ certified }) => certified.certificateType ?? CertificateType.X509))];
}

/** SHA-256 of the one raw public key that the peer may have. */
function rawKeyOf(flags: Flags): Uint8Array | undefined {
  const types = flags['accepted-peer-cert-types'];
  return types?.[0] === CertificateType.RawPublicKey ? flags['expect-peer-rpk-sha256'] : undefined;
}

function verify(flags: Flags): Awaitable<PeerVerified> {
  const answer = (): PeerVerified => {
    // A raw public key that nobody verifies says nothing at all.
    const isRawKey = flags['accepted-peer-cert-types']?.[0] === CertificateType.RawPublicKey;
    const counts = isRawKey || flags['verify-peer'] === true || flags['require-any-client-certificate'] === true;
    if (flags['verify-fail'] === true && counts) {
      const { certificate_unknown, handshake_failure } = AlertDescription;
      const alert = flags['use-custom-verify-callback'] === true ? certificate_unknown : handshake_failure;
      throw new TlsError({ code: 'InvalidCertificate', reason: 'Other', why: 'the test says so', alert });
    }
    return peerVerified();
  };
  return flags.async === true ? later(answer) : answer();
}

/** What has certificates and none for this peer fails, rather than to go on without. */
function choose(
  flags: Flags,
  credentials: readonly LoadedCredential[],
  seen: Seen,
  chosen: () => LoadedCredential | undefined,
): Awaitable<CertifiedKey | undefined> {
  const answer = (): CertifiedKey | undefined => {
    if (flags['fail-cert-callback'] === true) throw new Error('the certificate callback fails, as the test says');
    const credential = chosen();
    if (credential === undefined && credentials.length > 0) {
      throw new TlsError({ code: 'PeerIncompatible', reason: 'NoSignatureSchemesInCommon' });
    }
    if (credential !== undefined) seen.selectedCredential = credential.index;
    return credential?.certified;
  };
  return flags.async === true ? later(answer) : answer();
}

/** What a server does with ALPN. To refuse whatever a client offers is to have something else. */
function alpnOf(flags: Flags): readonly string[] {
  if (flags['reject-alpn'] === true) return ['none of what the client offers'];
  const selected = flags['select-alpn'];
  return selected === undefined || selected === '' ? [] : [selected];
}

/** ProtocolNameList of RFC 7301 without its outer length, one character a byte. */
function protocolList(list: string): string[] {
  const protocols: string[] = [];
  for (let at = 0; at < list.length;) {
    const end = at + 1 + list.charCodeAt(at);
    protocols.push(list.slice(at + 1, end));
    at = end;
  }
  return protocols;
}

/** DER Names in hexadecimal, with commas. */
export function names(list: string | undefined): Uint8Array[] {
  if (list === undefined || list === '<NULL>' || list === '<EMPTY>') return [];
  return list.split(',').map((name) => new Uint8Array(Buffer.from(name, 'hex')));
}

function keyLogOf(flags: Flags, { trafficSecrets }: Seen): KeyLog | undefined {
  if (flags['export-traffic-secrets'] !== true) return undefined;
  return { log: (label, _random, secret) => void trafficSecrets.set(label, secret.slice()) };
}
