/** ML-KEM-768 (FIPS 203), as Modern Algorithms in the Web Cryptography API has it. */
import { type Kem, type KemKeyPair } from '@tyls/tls-core/provider';
import { type Platform, refusable, source } from './platform.ts';

/** What the types of the platform do not have yet. */
interface KemOperations {
  readonly encapsulateBits: (
    algorithm: string,
    key: CryptoKey,
  ) => Promise<{ readonly sharedKey: ArrayBuffer; readonly ciphertext: ArrayBuffer }>;
  readonly decapsulateBits: (algorithm: string, key: CryptoKey, ciphertext: BufferSource) => Promise<ArrayBuffer>;
  readonly importKey: (
    format: 'raw-public',
    key: BufferSource,
    algorithm: string,
    extractable: boolean,
    usages: readonly string[],
  ) => Promise<CryptoKey>;
  readonly exportKey: (format: 'raw-public', key: CryptoKey) => Promise<ArrayBuffer>;
  readonly generateKey: (algorithm: string, extractable: boolean, usages: readonly string[]) => Promise<CryptoKeyPair>;
}

const algorithm = 'ML-KEM-768';

/** On a platform that has it. */
export function mlKem768On(platform: Platform): Kem {
  const subtle = platform.subtle as unknown as KemOperations;
  return {
    async generateKeyPair() {
      const pair = await subtle.generateKey(algorithm, false, ['encapsulateBits', 'decapsulateBits']);
      return keyPairOf(platform, pair);
    },
    encapsulate: (encapsulationKey) =>
      refusable(platform, async () => {
        const key = await subtle.importKey('raw-public', source(encapsulationKey), algorithm, false, [
          'encapsulateBits',
        ]);
        const { ciphertext, sharedKey } = await subtle.encapsulateBits(algorithm, key);
        return { ciphertext: new Uint8Array(ciphertext), sharedSecret: new Uint8Array(sharedKey) };
      }),
  };
}

/** @param pair of ML-KEM-768, of that platform */
export async function keyPairOf(
  platform: Platform,
  { publicKey, privateKey }: Pick<CryptoKeyPair, 'publicKey' | 'privateKey'>,
): Promise<KemKeyPair> {
  const subtle = platform.subtle as unknown as KemOperations;
  return {
    encapsulationKey: new Uint8Array(await subtle.exportKey('raw-public', publicKey)),
    decapsulate: (ciphertext) =>
      refusable(
        platform,
        async () => new Uint8Array(await subtle.decapsulateBits(algorithm, privateKey, source(ciphertext))),
      ),
  };
}
