/** Hash functions, as far as a provider's cipher suites bring them. */
import { CipherSuite, type CryptoProvider } from '@tyls/tls-core';

export type Digest = (bytes: Uint8Array) => Uint8Array;

export interface Digests {
  readonly sha256: Digest | undefined;
  readonly sha384: Digest | undefined;
}

export function digestsOf({ cipherSuites }: Pick<CryptoProvider, 'cipherSuites'>): Digests {
  const of = (...ids: readonly CipherSuite[]): Digest | undefined => {
    const hash = cipherSuites.find(({ id }) => ids.includes(id))?.hash;
    if (hash === undefined) return undefined;
    return (bytes) => {
      const context = hash.start();
      context.update(bytes);
      return context.peek();
    };
  };
  return {
    sha256: of(CipherSuite.TLS_AES_128_GCM_SHA256, CipherSuite.TLS_CHACHA20_POLY1305_SHA256),
    sha384: of(CipherSuite.TLS_AES_256_GCM_SHA384),
  };
}
