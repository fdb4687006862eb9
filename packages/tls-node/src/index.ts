/**
 * `@tyls/tls-node`: TLS clients and servers over Node's streams.
 *
 * ```ts
 * import { connect } from '@tyls/tls-node';
 * const socket = connect({ host: 'example.org', port: 443 }, () => {
 *   socket.end('GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n');
 * });
 * socket.pipe(process.stdout);
 * ```
 */
export {
  certificateCompression,
  type CertificateCompression,
  type CertificateCompressionName,
} from './certificate_compression.ts';
export {
  type CertifiedKeyOptions,
  type Encoded,
  loadCertifiedKey,
  loadRawPublicKey,
  type PrivateKey,
  type RawPublicKeyOptions,
} from './certified_key.ts';
export { createClientConfig, createServerConfig } from './config.ts';
export { type ClientTransportOptions, connect, type ConnectOptions } from './connect.ts';
export { keyLogFile } from './key_log_file.ts';
export {
  type ClientAuthOptions,
  type ClientConfigOptions,
  type ServerConfigOptions,
  type TrustOptions,
} from './options.ts';
export { type SystemRoots, systemRoots } from './system_roots.ts';
export { accept, createServer, type TlsServer, type TlsServerOptions } from './server.ts';
export { defaultHandshakeTimeoutMillis, TlsSocket, type TlsSocketOptions } from './tls_socket.ts';
