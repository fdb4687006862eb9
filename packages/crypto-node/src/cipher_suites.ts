/** All cipher suites. Apart from those of each version, so that one can be had without the other. */
import { type SupportedCipherSuite } from '@tyls/tls-core/provider';
import { tls12CipherSuites } from './tls12_cipher_suites.ts';
import { tls13CipherSuites } from './tls13_cipher_suites.ts';

/** All of them, those of one version in the order in which a client offers and a server prefers them. */
export const cipherSuites: readonly SupportedCipherSuite[] = [...tls13CipherSuites, ...tls12CipherSuites];
