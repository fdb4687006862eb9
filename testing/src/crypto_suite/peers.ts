/** Every provider there is, for what one makes to be read by the others. */
import { nodeProvider } from '@tyls/crypto-node';
import { nobleProvider } from '@tyls/crypto-noble';
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { peculiarProvider } from '@tyls/crypto-webcrypto/peculiar';
import { type CryptoProvider } from '@tyls/tls-core/provider';

export const peers: readonly (readonly [name: string, provider: CryptoProvider])[] = [
  ['node', nodeProvider()],
  ['noble', withPostQuantum(nobleProvider())],
  ['webcrypto', webcryptoProvider()],
  ['peculiar', peculiarProvider()],
];
