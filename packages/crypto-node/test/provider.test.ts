import { NamedGroup } from '@tyls/tls-core/provider';
import { createECDH, createPrivateKey } from 'node:crypto';
import { providerSuite } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { nodeProvider } from '../src/index.ts';
import { agreeEc, agreeX25519 } from '../src/key_exchange.ts';
import { keyPairOf, mlKem768 } from '../src/ml_kem.ts';

providerSuite({
  name: 'node',
  provider: nodeProvider(),
  computesPublicKeyOf: ['rsa', 'ecP256', 'ecP384', 'ecP521', 'ed25519'],
  signsWith: ['rsa', 'ecP256', 'ecP384', 'ecP521', 'ed25519'],
  agree(group, privateKey, share) {
    if (group === NamedGroup.X25519) {
      const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]);
      return agreeX25519(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }), share);
    }
    const [curve, shareLength] = group === NamedGroup.secp256r1 ? ['prime256v1', 65] : ['secp384r1', 97];
    const key = createECDH(curve);
    key.setPrivateKey(privateKey);
    return agreeEc(key, share, shareLength);
  },
  ...(mlKem768 !== undefined && {
    mlDsaForms: ['seed', 'expanded', 'both'] as const,
    mlKem768: {
      keyPairOf(seed) {
        const key = Buffer.concat([Buffer.from('3054020100300b060960864801650304040204428040', 'hex'), seed]);
        return keyPairOf(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
      },
      encapsulate: mlKem768.encapsulate,
      drawsMessage: true,
    },
  }),
});
