/** The certificates and keys that the flags name. */
import { readFileSync } from 'node:fs';
import {
  type Awaitable,
  type CertifiedKey,
  type CryptoProvider,
  SignatureScheme,
  type Signer,
  type SigningKey,
} from '@tyls/tls-core';
import { certificatesFromPem, privateKeyFromPem } from '@tyls/webpki';
import { type Credential, type Flags, Unimplemented } from './flags.ts';

/** A credential, loaded. */
export interface LoadedCredential {
  /** As the runner counts: the default one is -1. */
  readonly index: number;
  readonly flags: Credential;
  readonly certified: CertifiedKey;
}

/** In order of preference: the default one is the last resort. */
export async function loadCredentials(flags: Flags, provider: CryptoProvider): Promise<LoadedCredential[]> {
  const loaded: LoadedCredential[] = [];
  for (const [at, credential] of flags.credentials.entries()) {
    const { 'cert-file': certFile, 'key-file': keyFile } = credential;
    if (certFile === undefined || keyFile === undefined) continue;
    const key = await provider.loadPrivateKey(privateKeyFromPem(readFileSync(keyFile, 'utf8')));
    const certified = {
      certificates: certificatesFromPem(readFileSync(certFile, 'utf8')),
      key: wrap(key, credential, flags),
      ocspResponse: credential['ocsp-response'],
    };
    loaded.push({ index: at - 1, flags: credential, certified });
  }
  return [...loaded.filter(({ index }) => index >= 0), ...loaded.filter(({ index }) => index < 0)];
}

/** A key that signs as the flags say: with these schemes only, and later. */
function wrap(key: SigningKey, credential: Credential, flags: Flags): SigningKey {
  const preferences = credential['signing-prefs'];
  for (const scheme of preferences ?? []) {
    if (!Object.values<number>(SignatureScheme).includes(scheme)) throw new Unimplemented(`signature scheme ${scheme}`);
  }
  return {
    ...key,
    chooseScheme: (offered) => {
      const signer = preferences === undefined ? key.chooseScheme(offered) : preferred(key, preferences, offered);
      return signer !== undefined && flags.async === true ? deferred(signer) : signer;
    },
  };
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
