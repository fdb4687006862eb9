/** `@tyls/tls-core`: every public name. */
export * from './registry.ts';
export {
  alertFor,
  type CertificateErrorDetail,
  type InvalidMessageReason,
  isTlsError,
  type PeerIncompatibleReason,
  type PeerMisbehavedReason,
  TlsError,
  type TlsErrorCode,
  type TlsErrorDetail,
} from './error.ts';
export * from './crypto/provider.ts';
export * from './verify.ts';
export { isDnsName, parseIpAddress, parseServerName, type ServerName } from './server_name.ts';
export { type Awaitable, isPromise, type Step, wait } from './step/step.ts';
export { runToEnd } from './step/runner.ts';
