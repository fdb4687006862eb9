/** The configurations that the flags of a connection amount to. */
import {
  type Awaitable,
  CertificateType,
  type CertifiedKey,
  clientConfig,
  type ClientConfig,
  type ClientSessionStore,
  type CryptoProvider,
  type ExternalPsk,
  type KeyLog,
  serverConfig,
  type ServerConfig,
  type ServerSessionStore,
  type Ticketer,
  TlsError,
  type Tracer,
} from '@tyls/tls-core';
import { algorithmsOf } from './compression.ts';
import {
  chooseForClient,
  chooseForServer,
  later,
  loadCredentials,
  type LoadedCredential,
  loadPsks,
} from './credentials.ts';
import { type Flags } from './flags.ts';
import { messageTrace } from './message_trace.ts';
import { restricted, versionsOf } from './provider.ts';
import { clientStore, pskWith, type Seen, serverStore } from './seen.ts';
import { certificateTypeOf, clientVerifierOf, policyId, serverVerifierOf } from './verifiers.ts';

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

export async function clientConfigOf(flags: Flags, surroundings: Surroundings, seen: Seen): Promise<ClientConfig> {
  const usable = restricted(surroundings.provider, flags);
  const credentials = await loadCredentials(flags, surroundings.provider);
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
    verifier: serverVerifierOf(flags, usable, seen),
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
    clientVerifier: clientVerifierOf(flags, usable),
    alpnProtocols: alpnOf(flags),
    sessionStore: serverStore(surroundings.serverSessions, seen),
    ticketer: flags['no-ticket'] !== true && surroundings.hasTicketer ? ticketer : undefined,
    ticketCount: flags['no-ticket'] === true ? 0 : 2,
    ...(acceptsEarlyData && { maxEarlyDataSize, sendHalfRttData: true }),
  });
}

/** As much as the runner expects to be accepted, in bytes. */
const maxEarlyDataSize = 14_336;

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

function typesOf(credentials: readonly LoadedCredential[]): readonly CertificateType[] {
  return [...new Set(credentials.map(({ certified }) => certified.certificateType ?? CertificateType.X509))];
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

function keyLogOf(flags: Flags, { trafficSecrets }: Seen): KeyLog | undefined {
  if (flags['export-traffic-secrets'] !== true) return undefined;
  return { log: (label, _random, secret) => void trafficSecrets.set(label, secret.slice()) };
}
