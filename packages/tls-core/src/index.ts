/** `@tyls/tls-core`: every public name. */
export * from './registry.ts';
export {
  alertFor,
  type CertificateErrorDetail,
  type CertRevocationListErrorDetail,
  type InvalidMessageReason,
  isTlsError,
  type PeerIncompatibleReason,
  type PeerMisbehavedReason,
  TlsError,
  type TlsErrorCode,
  type TlsErrorDetail,
  type TlsErrorOptions,
} from './error.ts';
export * from './crypto/provider.ts';
export * from './verify.ts';
export { isDnsName, parseIpAddress, parseServerName, type ServerName } from './server_name.ts';
export {
  type CertificateRequestInfo,
  type CertifiedKey,
  type ClientCertResolver,
  type ClientConfig,
  type ClientHelloInfo,
  type ExternalPskResolver,
  type ClientOptions,
  type ServerCertResolver,
  serverConfig,
  type ServerConfig,
  type ServerOptions,
} from './config.ts';
export { clientConfig, minimalClientConfig, type MinimalClientOptions } from './client_config.ts';
export { clientCertResolver, type ServerCertificateChoices, serverCertResolver } from './certificate_resolver.ts';
export { type CertificateCompressor, type CertificateDecompressor } from './compression.ts';
export { type ExternalPsk, type ImportablePsk, importPsk, type PskHash } from './keys/external_psk.ts';
export { type KeyLog, type KeyLogLabel } from './keys/key_log.ts';
export { type Trace, type TraceEvent, type Tracer } from './trace.ts';
export { type TicketRequest } from './messages/client_hello.ts';
export { type HandshakeKind } from './handshake/io.ts';
export { type ServerConfigSource } from './handshake/server.ts';
export { clientSessionMemory, serverSessionMemory } from './sessions/memory.ts';
export { type Policy } from './sessions/scope.ts';
export { type ClientSessionStore, type ServerSessionStore, type Ticketer } from './sessions/store.ts';
export { ticketer, type TicketerOptions } from './sessions/ticketer.ts';
export { type DirectionSecrets, type ExtractedSecrets } from './record/secret_extraction.ts';
export { type Connection } from './connection.ts';
export { ClientConnection } from './client.ts';
export { ServerConnection } from './server.ts';
export { type Awaitable, isPromise, type Step, wait } from './step/step.ts';
export { runToEnd } from './step/runner.ts';
