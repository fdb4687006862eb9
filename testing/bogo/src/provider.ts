/** The crypto provider of a run: `TYLS_BOGO_PROVIDER` names it, and the flags say what of it may be used. */
import {
  CipherSuite,
  type CryptoProvider,
  NamedGroup,
  type PrivateKeyDer,
  ProtocolVersion,
  SignatureScheme,
  type SigningKey,
  type SupportedCipherSuite,
} from '@tyls/tls-core';
import { type Flags, Unimplemented } from './flags.ts';

const providers: Readonly<Record<string, () => Promise<CryptoProvider>>> = {
  node: async () => (await import('@tyls/crypto-node')).nodeProvider(),
  async noble() {
    const noble = (await import('@tyls/crypto-noble')).nobleProvider();
    const node = (await import('@tyls/crypto-node')).nodeProvider();
    // RSA keys, which it does not sign with, live elsewhere.
    return { ...noble, loadPrivateKey: (key) => eitherKey(noble, node, key) };
  },
  async webcrypto() {
    const webcrypto = (await import('@tyls/crypto-webcrypto')).webcryptoProvider();
    const noble = (await import('@tyls/crypto-noble')).nobleProvider();
    // ChaCha20-Poly1305, which Node 20 does not have there.
    const isLacking = ({ id }: SupportedCipherSuite): boolean =>
      !webcrypto.cipherSuites.some((suite) => suite.id === id);
    return { ...webcrypto, cipherSuites: [...webcrypto.cipherSuites, ...noble.cipherSuites.filter(isLacking)] };
  },
};

async function eitherKey(one: CryptoProvider, other: CryptoProvider, key: PrivateKeyDer): Promise<SigningKey> {
  try {
    return await one.loadPrivateKey(key);
  } catch {
    return other.loadPrivateKey(key);
  }
}

export async function chosenProvider(): Promise<CryptoProvider> {
  const name = process.env['TYLS_BOGO_PROVIDER'] ?? 'node';
  const load = providers[name];
  if (load === undefined) {
    throw new TypeError(`TYLS_BOGO_PROVIDER is ${name}; there are ${Object.keys(providers).join(', ')}`);
  }
  // What the platform lacks of it: Node 20 has none.
  const { withPostQuantum } = await import('@tyls/crypto-noble/post-quantum');
  return withPostQuantum(await load());
}

/** What a rule of somebody's, a state's perhaps, lets a TLS library use: a provider is cut down to it. */
interface Rule {
  readonly suites: readonly CipherSuite[];
  readonly groups: readonly NamedGroup[];
  readonly schemes: readonly SignatureScheme[];
}

const { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 } = CipherSuite;
const { TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 } = CipherSuite;
const { TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 } = CipherSuite;
const aes256 = [TLS_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384];
const { rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512 } = SignatureScheme;
const { rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512 } = SignatureScheme;
const { ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384 } = SignatureScheme;
const rsa384 = [rsa_pss_rsae_sha384, rsa_pkcs1_sha384, rsa_pss_rsae_sha512, rsa_pkcs1_sha512];

const rules = {
  'fips-202205': {
    suites: [
      TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
      TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      ...aes256,
    ],
    groups: [NamedGroup.secp256r1, NamedGroup.secp384r1],
    schemes: [rsa_pss_rsae_sha256, rsa_pkcs1_sha256, ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ...rsa384],
  },
  'wpa-202304': {
    suites: aes256,
    groups: [NamedGroup.secp384r1],
    schemes: [ecdsa_secp384r1_sha384, ...rsa384],
  },
  'cnsa1-202603': {
    suites: aes256,
    groups: [NamedGroup.secp384r1],
    schemes: [ecdsa_secp384r1_sha384, rsa_pss_rsae_sha384, rsa_pkcs1_sha384],
  },
} as const satisfies Record<string, Rule>;

/** @throws Unimplemented if the flags ask for what the provider does not have */
export function restricted(provider: CryptoProvider, flags: Flags): CryptoProvider {
  let { cipherSuites, keyExchangeGroups, signatureVerification } = provider;
  if (flags.cipher !== undefined) throw new Unimplemented(`cipher list ${flags.cipher}`);
  const rule = ruleOf(flags);
  if (rule !== undefined) {
    const { suites, groups, schemes } = rule;
    cipherSuites = cipherSuites.filter(({ id }) => suites.includes(id));
    keyExchangeGroups = keyExchangeGroups.filter((group) => groups.includes(group.name));
    const allowed = signatureVerification.schemes.filter(({ scheme }) => schemes.includes(scheme));
    signatureVerification = { ...signatureVerification, schemes: allowed };
  }
  const names = flags.curves;
  if (names !== undefined) keyExchangeGroups = names.map((name) => groupOf(provider, name));
  return { ...provider, cipherSuites, keyExchangeGroups, signatureVerification };
}

function ruleOf(flags: Flags): Rule | undefined {
  const name = (['fips-202205', 'wpa-202304', 'cnsa1-202603'] as const).find((rule) => flags[rule] === true);
  return name === undefined ? undefined : rules[name];
}

/** The schemes that a key may sign with, where there is a rule for it. */
export function signingSchemesOf(flags: Flags): readonly SignatureScheme[] | undefined {
  return ruleOf(flags)?.schemes;
}

function groupOf({ keyExchangeGroups }: CryptoProvider, name: number): CryptoProvider['keyExchangeGroups'][number] {
  const group = keyExchangeGroups.find((candidate) => candidate.name === name);
  if (group === undefined) throw new Unimplemented(`group ${name}`);
  return group;
}

const ecdheGroups: readonly number[] = [NamedGroup.X25519, NamedGroup.secp256r1, NamedGroup.secp384r1];

/** The versions that the flags leave, newest first. TLS 1.2 needs a group that is no hybrid. */
export function versionsOf(flags: Flags): ProtocolVersion[] {
  const { 'min-version': min = 0, 'max-version': max = 0xffff } = flags;
  const enabled: ProtocolVersion[] = [];
  if (flags['no-tls13'] !== true) enabled.push(ProtocolVersion.TLSv1_3);
  const hasEcdhe = flags.curves?.some((name) => ecdheGroups.includes(name)) ?? true;
  if (flags['no-tls12'] !== true && hasEcdhe) enabled.push(ProtocolVersion.TLSv1_2);
  const versions = enabled.filter((version) => version >= min && version <= max);
  if (versions.length === 0) throw new Unimplemented('no version of TLS that is spoken');
  return versions;
}
