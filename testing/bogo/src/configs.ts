/** The configurations that the flags of a connection amount to. */
import {
  type Awaitable,
  type CertifiedKey,
  type ClientCertVerifier,
  clientConfig,
  type ClientConfig,
  type ClientHelloInfo,
  type CryptoProvider,
  type PeerVerified,
  peerVerified,
  type ServerCertVerifier,
  serverConfig,
  type ServerConfig,
  SignatureScheme,
  type SignatureVerifier,
  TlsError,
} from '@tyls/tls-core';
import { dangerousAcceptAnyServerCert } from '@tyls/webpki';
import { later, loadCredentials, type LoadedCredential } from './credentials.ts';
import { type Flags, Unimplemented } from './flags.ts';
import { restricted, versionsOf } from './provider.ts';

/** What a connection's callbacks were told, for the expectations to look at. */
export interface Seen {
  hello?: ClientHelloInfo;
  ocspResponse?: Uint8Array | undefined;
  peerSignatureSchemes?: readonly number[];
  certificateAuthorities?: readonly Uint8Array[];
  selectedCredential?: number;
  readonly trafficSecrets: Map<string, Uint8Array>;
}

export interface Surroundings {
  readonly provider: CryptoProvider;
  readonly now: () => number;
  readonly seen: Seen;
}

export async function clientConfigOf(flags: Flags, { provider, now, seen }: Surroundings): Promise<ClientConfig> {
  const usable = restricted(provider, flags);
  const credentials = await loadCredentials(flags, provider);
  const verifier: ServerCertVerifier = {
    ...signatureVerifierOf(usable, flags),
    requestOcspResponse: flags['enable-ocsp-stapling'] === true,
    verifyServerCert: ({ ocspResponse }) => {
      seen.ocspResponse = ocspResponse;
      if (flags['fail-ocsp-callback'] === true) {
        throw new TlsError({ code: 'InvalidCertificate', reason: 'InvalidOcspResponse', why: 'the test says so' });
      }
      return verify(flags);
    },
  };
  return clientConfig({
    provider: usable,
    versions: versionsOf(flags),
    verifier,
    certificate: (request) => {
      seen.peerSignatureSchemes = request.signatureSchemes;
      seen.certificateAuthorities = request.certificateAuthorities;
      return choose(flags, credentials, request, seen);
    },
    sendServerName: flags['host-name'] !== undefined,
    keyShares: flags['no-key-shares'] === true ? [] : flags['key-shares'],
    alpnProtocols: protocolList(flags['advertise-alpn'] ?? ''),
    maxFragmentSize: flags['max-send-fragment'],
    time: now,
    keyLog: keyLogOf(flags, seen),
  });
}

export async function serverConfigOf(flags: Flags, { provider, now, seen }: Surroundings): Promise<ServerConfig> {
  const usable = restricted(provider, flags);
  const credentials = await loadCredentials(flags, provider);
  const isVerifying = flags['verify-peer'] === true;
  const isRequiring = flags['require-any-client-certificate'] === true;
  const clientVerifier: ClientCertVerifier = {
    ...signatureVerifierOf(usable, flags),
    mandatory: isRequiring && !isVerifying,
    rootHintSubjects: names(flags['use-client-ca-list']),
    verifyClientCert: () => verify(flags),
  };
  return serverConfig({
    provider: usable,
    versions: versionsOf(flags),
    certificate: (hello) => choose(flags, credentials, hello, seen),
    clientVerifier: isVerifying || isRequiring ? clientVerifier : undefined,
    alpnProtocols: alpnOf(flags),
    maxFragmentSize: flags['max-send-fragment'],
    time: now,
    keyLog: keyLogOf(flags, seen),
  });
}

function signatureVerifierOf(provider: CryptoProvider, flags: Flags): SignatureVerifier {
  const { schemes, verifyTls13Signature, verifyTls12Signature } = dangerousAcceptAnyServerCert({ provider });
  const preferences = flags['verify-prefs'];
  for (const scheme of preferences ?? []) {
    if (!Object.values<number>(SignatureScheme).includes(scheme)) throw new Unimplemented(`signature scheme ${scheme}`);
  }
  return { schemes: preferences ?? schemes, verifyTls13Signature, verifyTls12Signature };
}

function verify(flags: Flags): Awaitable<PeerVerified> {
  const answer = (): PeerVerified => {
    const counts = flags['verify-peer'] === true || flags['require-any-client-certificate'] === true;
    if (flags['verify-fail'] === true && counts) {
      throw new TlsError({
        code: 'InvalidCertificate',
        reason: 'ApplicationVerificationFailure',
        why: 'the test says so',
      });
    }
    return peerVerified();
  };
  return flags.async === true ? later(answer) : answer();
}

/** What a client or server of several certificates does: the first that the peer can take. */
function choose(
  flags: Flags,
  credentials: readonly LoadedCredential[],
  { signatureSchemes }: { readonly signatureSchemes: readonly SignatureScheme[] },
  seen: Seen,
): Awaitable<CertifiedKey | undefined> {
  const answer = (): CertifiedKey | undefined => {
    if (flags['fail-cert-callback'] === true) throw new Error('the certificate callback fails, as the test says');
    const chosen = credentials.find(({ certified }) => certified.key.chooseScheme(signatureSchemes) !== undefined);
    if (chosen !== undefined) seen.selectedCredential = chosen.index;
    return chosen?.certified;
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

function keyLogOf(
  flags: Flags,
  { trafficSecrets }: Seen,
): { log: (label: string, random: Uint8Array, secret: Uint8Array) => void } | undefined {
  if (flags['export-traffic-secrets'] !== true) return undefined;
  return { log: (label, _random, secret) => void trafficSecrets.set(label, secret.slice()) };
}
