/**
 * `@tyls/tls-core/tls12`: TLS 1.2, for the cipher suites that need it. Nothing else in this package imports it, so that
 * whoever has no such suite is without it.
 */
import { type Tls12Protocol } from './crypto/provider.ts';
import { clientTls12 } from './handshake/client_tls12.ts';
import { offeringSession } from './handshake/resumption_tls12.ts';
import { serverTls12 } from './handshake/server_tls12.ts';
import { tls12ProtocolOf } from './handshake/tls12_protocol.ts';

/** What `protocol` of every `Tls12CipherSuite` is. */
export const tls12: Tls12Protocol = /* @__PURE__ */ tls12ProtocolOf({
  offeringSession,
  client: clientTls12,
  server: serverTls12,
});
