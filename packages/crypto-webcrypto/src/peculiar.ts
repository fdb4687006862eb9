/**
 * `@tyls/crypto-webcrypto/peculiar`: the same provider on @peculiar/webcrypto. Apart from the main entry because that
 * package loads `node:` modules.
 */
import { Crypto } from '@peculiar/webcrypto';
import { type CryptoProvider } from '@tyls/tls-core/provider';
import { webPlatform } from './platform.ts';
import { providerOn } from './provider.ts';

/** A provider on a `Crypto` of @peculiar/webcrypto, which has all that `webcryptoProvider` offers. */
export function peculiarProvider(): CryptoProvider {
  // It rejects with whatever node:crypto throws, so that nothing tells bad input from anything else.
  return providerOn({ ...webPlatform(new Crypto()), isRefusal: () => true }, []);
}
