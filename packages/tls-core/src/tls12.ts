/**
 * `@tyls/tls-core/tls12`: TLS 1.2, for the cipher suites that need it. Nothing else in this package imports it, so that
 * whoever has no such suite is without it.
 */
import { type HashAndHkdf } from './crypto/cipher_suites.ts';
import { type Aead, type Tls12CipherSuite, type Tls12Protocol } from './crypto/provider.ts';
import { clientTls12 } from './handshake/client_tls12.ts';
import { offeringSession } from './handshake/resumption_tls12.ts';
import { serverTls12 } from './handshake/server_tls12.ts';
import { tls12ProtocolOf } from './handshake/tls12_protocol.ts';
import { type CipherSuite, ProtocolVersion } from './registry.ts';

/** What `protocol` of every `Tls12CipherSuite` is. */
export const tls12: Tls12Protocol = /* @__PURE__ */ tls12ProtocolOf({
  offeringSession,
  client: clientTls12,
  server: serverTls12,
});

/** A suite of TLS 1.2: `authentication` and `nonce` as in {@link Tls12CipherSuite}. */
export function tls12CipherSuite(
  id: CipherSuite,
  authentication: 'ecdsa' | 'rsa',
  { hash, hkdf }: HashAndHkdf,
  aead: Aead,
  nonce: 'explicit' | 'xor',
): Tls12CipherSuite {
  return { id, version: ProtocolVersion.TLSv1_2, hash, hkdf, aead, authentication, nonce, protocol: tls12 };
}
