import { Crypto as PeculiarCrypto } from '@peculiar/webcrypto';
import { providerSuite } from '../../../testing/src/crypto_suite/provider_suite.ts';
import { peculiarProvider } from '../src/peculiar.ts';
import { webPlatform } from '../src/platform.ts';
import { agreeOn, signatures } from './subjects.ts';

providerSuite({
  name: 'peculiar',
  computesPublicKeyOf: ['rsa', 'ed25519'],
  provider: peculiarProvider(),
  agree: agreeOn({ ...webPlatform(new PeculiarCrypto()), isRefusal: () => true }),
  ...signatures,
});
