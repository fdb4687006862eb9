/** The crypto provider of a run: `TYLS_BOGO_PROVIDER` names it, and the flags say what of it may be used. */
import { type CryptoProvider, ProtocolVersion } from '@tyls/tls-core';
import { type Flags, Unimplemented } from './flags.ts';

const providers: Readonly<Record<string, () => Promise<CryptoProvider>>> = {
  node: async () => (await import('@tyls/crypto-node')).nodeProvider(),
  noble: async () => (await import('@tyls/crypto-noble')).nobleProvider(),
  webcrypto: async () => (await import('@tyls/crypto-webcrypto')).webcryptoProvider(),
};

export async function chosenProvider(): Promise<CryptoProvider> {
  const name = process.env['TYLS_BOGO_PROVIDER'] ?? 'node';
  const load = providers[name];
  if (load === undefined)
    throw new TypeError(`TYLS_BOGO_PROVIDER is ${name}; there are ${Object.keys(providers).join(', ')}`);
  return load();
}

/** @throws Unimplemented if the flags ask for what the provider does not have */
export function restricted(provider: CryptoProvider, flags: Flags): CryptoProvider {
  return {
    ...provider,
    keyExchangeGroups: flags.curves === undefined ? provider.keyExchangeGroups : groupsOf(provider, flags.curves),
    cipherSuites: flags.cipher === undefined ? provider.cipherSuites : suitesOf(provider, flags.cipher),
  };
}

function groupsOf(
  { keyExchangeGroups }: CryptoProvider,
  names: readonly number[],
): CryptoProvider['keyExchangeGroups'] {
  return names.map((name) => {
    const group = keyExchangeGroups.find((candidate) => candidate.name === name);
    if (group === undefined) throw new Unimplemented(`group ${name}`);
    return group;
  });
}

/** A list of names of TLS 1.2, as OpenSSL has them. Those of TLS 1.3 are not in it, and stay. */
function suitesOf({ cipherSuites }: CryptoProvider, list: string): CryptoProvider['cipherSuites'] {
  throw new Unimplemented(`cipher list ${list} for ${cipherSuites.length} suites`);
}

/** The versions that the flags leave, newest first. */
export function versionsOf(flags: Flags): ProtocolVersion[] {
  const { 'min-version': min = 0, 'max-version': max = 0xffff } = flags;
  const enabled: ProtocolVersion[] = [];
  if (flags['no-tls13'] !== true) enabled.push(ProtocolVersion.TLSv1_3);
  if (flags['no-tls12'] !== true) enabled.push(ProtocolVersion.TLSv1_2);
  const versions = enabled.filter((version) => version >= min && version <= max);
  if (versions.length === 0) throw new Unimplemented('no version of TLS that is spoken');
  return versions;
}
