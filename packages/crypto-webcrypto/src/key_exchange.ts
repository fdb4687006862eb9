/** ECDHE groups (RFC 8446 section 4.2.8.2, RFC 7748). */
import { type KeyExchangeGroup, NamedGroup, withHybrids } from '@tyls/tls-core/provider';
import { mlKem768On } from './ml_kem.ts';
import { type OptionalAlgorithm, type Platform, refusable, source } from './platform.ts';

interface Curve {
  readonly name: NamedGroup;
  readonly algorithm: { readonly name: 'X25519' } | { readonly name: 'ECDH'; readonly namedCurve: string };
  /** In bytes. */
  readonly shareLength: number;
  readonly secretLength: number;
}

/** In order of preference. */
export const curves: readonly Curve[] = [
  { name: NamedGroup.X25519, algorithm: { name: 'X25519' }, shareLength: 32, secretLength: 32 },
  { name: NamedGroup.secp256r1, algorithm: { name: 'ECDH', namedCurve: 'P-256' }, shareLength: 65, secretLength: 32 },
  { name: NamedGroup.secp384r1, algorithm: { name: 'ECDH', namedCurve: 'P-384' }, shareLength: 97, secretLength: 48 },
];

export function groupsOn(platform: Platform, without: readonly OptionalAlgorithm[]): readonly KeyExchangeGroup[] {
  const classical = curves
    .filter(({ algorithm }) => algorithm.name !== 'X25519' || !without.includes('X25519'))
    .map((curve) => group(platform, curve));
  const hasMlKem = !without.includes('ML-KEM-768') && platform.supports('encapsulateBits', 'ML-KEM-768');
  return hasMlKem ? withHybrids(classical, mlKem768On(platform)) : classical;
}

function group(platform: Platform, curve: Curve): KeyExchangeGroup {
  const { subtle } = platform;
  const generate = async (): Promise<CryptoKeyPair> =>
    (await subtle.generateKey(curve.algorithm, false, ['deriveBits'])) as CryptoKeyPair;
  const shareOf = async ({ publicKey }: CryptoKeyPair): Promise<Uint8Array> =>
    new Uint8Array(await subtle.exportKey('raw', publicKey));
  return {
    name: curve.name,
    async start() {
      const pair = await generate();
      return { keyShare: await shareOf(pair), complete: (share) => agree(platform, curve, pair.privateKey, share) };
    },
    async respond(clientShare) {
      const pair = await generate();
      const agreeing = agree(platform, curve, pair.privateKey, clientShare);
      const [keyShare, sharedSecret] = await Promise.all([shareOf(pair), agreeing]);
      return sharedSecret === undefined ? undefined : { keyShare, sharedSecret };
    },
  };
}

/** With a peer whose share nobody has checked. */
export async function agree(
  platform: Platform,
  { algorithm, shareLength, secretLength }: Curve,
  privateKey: CryptoKey,
  share: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (share.length !== shareLength || (algorithm.name === 'ECDH' && share[0] !== 4)) return undefined;
  const secret = await refusable(platform, async () => {
    const publicKey = await platform.subtle.importKey('raw', source(share), algorithm, true, []);
    const bits = await platform.subtle.deriveBits(
      { name: algorithm.name, public: publicKey },
      privateKey,
      8 * secretLength,
    );
    return new Uint8Array(bits);
  });
  // The specification refuses an all-zero X25519 result (RFC 7748 section 6.1); early implementations did not.
  return algorithm.name === 'X25519' && secret?.every((byte) => byte === 0) === true ? undefined : secret;
}
