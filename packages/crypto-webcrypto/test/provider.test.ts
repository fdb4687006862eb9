import { encodePkcs8 } from '@tyls/tls-core/provider';
import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { providerSuite, type Subject } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { derFromP1363, p1363FromDer } from '../src/ecdsa_signature.ts';
import { webcryptoProvider } from '../src/index.ts';
import { agree, curves } from '../src/key_exchange.ts';
import { peculiarProvider } from '../src/peculiar.ts';
import { type Platform, source, webPlatform } from '../src/platform.ts';

const kinds = ['rsa', 'ecP256', 'ecP384', 'ecP521', 'ed25519'] as const;
const rest = {
  signsWith: kinds,
  p1363: { fromDer: p1363FromDer, toDer: derFromP1363 },
} as const;

providerSuite({
  name: 'webcrypto',
  computesPublicKeyOf: kinds,
  provider: webcryptoProvider(),
  agree: agreeOn(webPlatform(globalThis.crypto)),
  ...rest,
});

providerSuite({
  name: 'peculiar',
  computesPublicKeyOf: ['rsa', 'ed25519'],
  provider: peculiarProvider(),
  agree: agreeOn({ ...webPlatform(new PeculiarCrypto()), isRefusal: () => true }),
  ...rest,
});

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
