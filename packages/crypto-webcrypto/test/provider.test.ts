import { encodePkcs8 } from '@tyls/tls-core/provider';
import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { type MlKemSubject, providerSuite, type Subject } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { derFromP1363, p1363FromDer } from '../src/ecdsa_signature.ts';
import { webcryptoProvider } from '../src/index.ts';
import { agree, curves } from '../src/key_exchange.ts';
import { keyPairOf, mlKem768On } from '../src/ml_kem.ts';
import { peculiarProvider } from '../src/peculiar.ts';
import { type Platform, source, webPlatform } from '../src/platform.ts';

const kinds = ['rsa', 'ecP256', 'ecP384', 'ecP521', 'ed25519'] as const;
const rest = {
  signsWith: kinds,
  p1363: { fromDer: p1363FromDer, toDer: derFromP1363 },
} as const;

const web = webPlatform(globalThis.crypto);

providerSuite({
  name: 'webcrypto',
  computesPublicKeyOf: kinds,
  provider: webcryptoProvider(),
  agree: agreeOn(web),
  ...(web.supports('encapsulateBits', 'ML-KEM-768') && {
    mlKem768: mlKemOf(web),
    mlDsaForms: ['seed', 'both'] as const,
  }),
  ...rest,
});

providerSuite({
  name: 'peculiar',
  computesPublicKeyOf: ['rsa', 'ed25519'],
  provider: peculiarProvider(),
  agree: agreeOn({ ...webPlatform(new PeculiarCrypto()), isRefusal: () => true }),
  ...rest,
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

function agreeOn(platform: Platform): Subject['agree'] {
  return async (group, scalar, share) => {
    const curve = curves.find(({ name }) => name === group)!;
    const pkcs8 =
      curve.algorithm.name === 'X25519'
        ? Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar])
        : encodePkcs8({ kind: scalar.length === 32 ? 'ecP256' : 'ecP384', scalar, publicKey: undefined });
    const key = await platform.subtle.importKey('pkcs8', source(pkcs8), curve.algorithm, false, ['deriveBits']);
    return agree(platform, curve, key, share);
  };
}
