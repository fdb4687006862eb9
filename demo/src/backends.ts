/** The crypto backends that the demo pairs with each other. */
import { type CryptoProvider } from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';

export const backends: Readonly<Record<string, CryptoProvider>> = {
  noble: nobleProvider(),
  WebCrypto: webcryptoProvider(),
  node: nodeProvider(),
};
