/** The certificates and keys that the flags name, and which of them a peer is shown. */
import { readFileSync } from 'node:fs';
import {
  type Awaitable,
  CertificateType,
  type CertifiedKey,
  clientCertResolver,
  type ClientHelloInfo,
  type CryptoProvider,
  type ExternalPsk,
  importPsk,
  isPromise,
  serverCertResolver,
  SignatureScheme,
  type Signer,
  type SigningKey,
} from '@tyls/tls-core';
import { certificatesFromPem, privateKeyFromPem } from '@tyls/webpki';
import { type Credential, type Flags, Unimplemented } from './flags.ts';
import { signingSchemesOf } from './provider.ts';

/** A credential, loaded. */
export interface LoadedCredential {
  /** As the runner counts: the default one is -1. */
  readonly index: number;
  readonly certified: CertifiedKey;
  readonly mustMatchIssuer: boolean;
}

/** A PSK, of which one credential has several. */
export interface LoadedPsk {
  readonly index: number;
  readonly psk: ExternalPsk;
}

/** What is known to both sides beforehand, imported for TLS 1.3 (RFC 9258). */
export function loadPsks(flags: Flags, provider: CryptoProvider): LoadedPsk[] {
  return flags.credentials.flatMap((credential, at) => {
    const { 'psk-importer-key': secret, 'psk-importer-identity': identity = empty } = credential;
    if (secret === undefined) return [];
    const hash = credential['psk-importer-sha384'] === true ? 'sha384' : 'sha256';
    const context = credential['psk-importer-context'];
    const imported = importPsk(provider, { identity, secret, hash, context });
    return imported.map((psk) => ({ index: at - 1, psk }));
  });
}

const empty = new Uint8Array();

/** In order of preference: the default one is the last resort. */
export async function loadCredentials(flags: Flags, provider: CryptoProvider): Promise<LoadedCredential[]> {
  const loaded: LoadedCredential[] = [];
  for (const [at, credential] of flags.credentials.entries()) {
    if (credential['key-file'] === undefined) continue;
    const key = await provider.loadPrivateKey(privateKeyFromPem(readFileSync(credential['key-file'], 'utf8')));
    const certified = {
      ...certificatesOf(credential, key),
      key: wrap(key, credential, flags),
      ocspResponse: staplesOcsp(flags) ? credential['ocsp-response'] : undefined,
      sctList: credential['signed-cert-timestamps'],
    };
    loaded.push({ index: at - 1, certified, mustMatchIssuer: credential['must-match-issuer'] === true });
  }
  return [...loaded.filter(({ index }) => index >= 0), ...loaded.filter(({ index }) => index < 0)];
}

function certificatesOf(
  { kind, 'cert-file': file }: Credential,
  key: SigningKey,
): Pick<CertifiedKey, 'certificates' | 'certificateType'> {
  if (kind === 'rpk') return { certificates: [key.publicKey!], certificateType: CertificateType.RawPublicKey };
  return { certificates: certificatesFromPem(readFileSync(file!, 'utf8')) };
}

/** A callback may decide on it too. */
function staplesOcsp(flags: Flags): boolean {
  return flags.server !== true || flags['use-ocsp-callback'] !== true || flags['decline-ocsp-callback'] !== true;
}

const anyScheme = Object.values(SignatureScheme);

/** The first of a client's that the server can take. */
export function chooseForServer(
  credentials: readonly LoadedCredential[],
  signatureSchemes: readonly SignatureScheme[],
  certificateAuthorities: readonly Uint8Array[],
): LoadedCredential | undefined {
  return credentials.find(({ certified, mustMatchIssuer }) => {
    const authorities = mustMatchIssuer ? certificateAuthorities : [];
    if (mustMatchIssuer && authorities.length === 0) return false;
    const request = { signatureSchemes, signatureSchemesCert: anyScheme, certificateAuthorities: authorities };
    return atOnce(clientCertResolver([certified])(request)) !== undefined;
  });
}

/** The first of a server's that the client can take. */
export function chooseForClient(
  credentials: readonly LoadedCredential[],
  hello: ClientHelloInfo,
): LoadedCredential | undefined {
  const usable = credentials.filter(
    ({ certified }) =>
      atOnce(serverCertResolver({ fallback: certified })({ ...hello, serverName: undefined })) !== undefined,
  );
  return chooseForServer(usable, hello.signatureSchemes, hello.certificateAuthorities);
}

function atOnce<T>(answer: Awaitable<T>): T {
  if (isPromise(answer)) throw new TypeError('a resolver that only compares has nothing to wait for');
  return answer;
}

/** A key that signs as the flags say: with these schemes only, and later. */
function wrap(key: SigningKey, credential: Credential, flags: Flags): SigningKey {
  const preferences = credential['signing-prefs'] ?? signingSchemesOf(flags);
  checkSchemes(preferences);
  return {
    ...key,
    chooseScheme: (offered) => {
      const signer = preferences === undefined ? key.chooseScheme(offered) : preferred(key, preferences, offered);
      return signer !== undefined && flags.async === true ? deferred(signer) : signer;
    },
  };
}

/** @throws Unimplemented for a scheme that tyls has no name for, such as those with SHA-1 */
export function checkSchemes(schemes: readonly number[] | undefined): void {
  for (const scheme of schemes ?? []) {
    if (!Object.values<number>(SignatureScheme).includes(scheme)) throw new Unimplemented(`signature scheme ${scheme}`);
  }
}

function preferred(
  key: SigningKey,
  preferences: readonly number[],
  offered: readonly SignatureScheme[],
): Signer | undefined {
  for (const scheme of preferences) {
    const signer = offered.includes(scheme) ? key.chooseScheme([scheme]) : undefined;
    if (signer !== undefined) return signer;
  }
  return undefined;
}

function deferred({ scheme, sign }: Signer): Signer {
  return { scheme, sign: (message) => later(() => sign(message)) };
}

/** Answers in a later turn, as what is elsewhere does. */
export function later<T>(answer: () => Awaitable<T>): Promise<T> {
  return new Promise<void>((resolve) => setImmediate(resolve)).then(answer);
}
