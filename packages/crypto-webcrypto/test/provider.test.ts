import { type MlKemSubject, providerSuite } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { webcryptoProvider } from '../src/index.ts';
import { keyPairOf, mlKem768On } from '../src/ml_kem.ts';
import { type Platform, webPlatform } from '../src/platform.ts';
import { agreeOn, everyKind, signatures } from './subjects.ts';

const web = webPlatform(globalThis.crypto);

providerSuite({
  name: 'webcrypto',
  computesPublicKeyOf: everyKind,
  provider: webcryptoProvider(),
  agree: agreeOn(web),
  ...(web.supports('encapsulateBits', 'ML-KEM-768') && {
    mlKem768: mlKemOf(web),
    mlDsaForms: ['seed', 'both'] as const,
  }),
  ...signatures,
});

function mlKemOf(platform: Platform): MlKemSubject {
  return {
    async keyPairOf(seed) {
      // Node's types do not have this algorithm yet.
      const subtle = platform.subtle as unknown as {
        readonly importKey: (...input: readonly unknown[]) => Promise<CryptoKey>;
        readonly getPublicKey: (key: CryptoKey, usages: readonly string[]) => Promise<CryptoKey>;
      };
      const privateKey = await subtle.importKey('raw-seed', seed, 'ML-KEM-768', true, ['decapsulateBits']);
      return keyPairOf(platform, {
        privateKey,
        publicKey: await subtle.getPublicKey(privateKey, ['encapsulateBits']),
      });
    },
    encapsulate: mlKem768On(platform).encapsulate,
    drawsMessage: true,
  };
}
