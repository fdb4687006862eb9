/** What a test expects of a connection, looked at as soon as its handshake is complete. */
import { readFileSync } from 'node:fs';
import { type Connection } from '@tyls/tls-core';
import { certificatesFromPem } from '@tyls/webpki';
import { pskWith, type Seen } from './seen.ts';
import { names } from './verifiers.ts';
import { type Exchange } from './exchange.ts';
import { type Flags } from './flags.ts';
import { expectedLines } from './message_trace.ts';

/** The connection is not as the test expects. */
export class Unexpected extends Error {}

export function checkHandshake({ flags, connection, seen, isResumption }: Exchange): void {
  const isResumed = connection.handshakeKind?.startsWith('resumed') === true;
  if (flags['handshake-never-done'] === true) throw new Unexpected('the handshake is complete');
  same('version', connection.protocolVersion, flags['expect-version']);
  // There is AES hardware wherever this runs; the provider's preference does not depend on it.
  same('cipher suite', connection.cipherSuite, flags['expect-cipher'] ?? flags['expect-cipher-aes']);
  // A session of TLS 1.2 that is resumed makes no key exchange.
  if (connection.keyExchangeGroup !== undefined || !isResumed) {
    same('group', connection.keyExchangeGroup, flags['expect-curve-id']);
  }
  same(
    'ALPN',
    connection.alpnProtocol ?? '',
    (flags.server === true ? flags['select-alpn'] : flags['expect-alpn']) ?? '',
  );
  same('ALPN offered', seen.hello?.alpnProtocols.map(prefixed).join(''), flags['expect-advertised-alpn']);
  same('server name', connection.serverName, flags['expect-server-name']);
  if (flags['expect-no-server-name'] === true) same('server name', connection.serverName ?? '', '');
  same('being resumed', isResumed, isResumption && flags['expect-session-miss'] !== true);
  const isRetried = connection.handshakeKind?.endsWith('with-hello-retry-request') === true;
  if (flags['expect-hrr'] === true) same('HelloRetryRequest', isRetried, true);
  if (flags['expect-no-hrr'] === true) same('HelloRetryRequest', isRetried, false);
  const { pskIdentity } = connection;
  const selected = pskIdentity === undefined ? seen.selectedCredential : pskWith(pskIdentity, seen)?.index;
  same('selected credential', selected ?? -1, flags['expect-selected-credential']);
  // What was verified when the session began is not shown again.
  if (!isResumed) checkVerified(flags, seen);
  checkPeer(flags, connection, seen);
  checkEarlyData(flags, connection);
  if (!isResumption && flags['expect-session-id'] === true) same('sessions stored', seen.storedSessions, 1);
  if (!isResumption && flags['expect-no-session-id'] === true) same('sessions stored', seen.storedSessions, 0);
}

function checkEarlyData(flags: Flags, { earlyDataAccepted }: Connection): void {
  if (flags['expect-accept-early-data'] === true) same('early data accepted', earlyDataAccepted, true);
  if (flags['expect-reject-early-data'] === true) same('early data accepted', earlyDataAccepted ?? false, false);
  const reason = flags['expect-early-data-reason'];
  if (reason !== undefined) same('early data accepted', earlyDataAccepted ?? false, reason === 'accept');
}

function checkVerified(flags: Flags, seen: Seen): void {
  same('OCSP response', hex(seen.ocspResponse), hex(flags['expect-ocsp-response']));
  same('SCT list', hex(seen.sctList), hex(flags['expect-signed-cert-timestamps']));
}

function checkPeer(flags: Flags, connection: Connection, seen: Seen): void {
  same('peer signature scheme', connection.peerSignatureScheme, flags['expect-peer-signature-algorithm']);
  same('signature schemes', seenSchemes(seen)?.join(), flags['expect-peer-verify-pref']?.join());
  const authorities = flags['expect-client-ca-list'];
  if (authorities !== undefined) {
    same('certificate authorities', seen.certificateAuthorities?.map(hex).join(), names(authorities).map(hex).join());
  }
  const { peerCertificates } = connection;
  const file = flags['expect-peer-cert-file'];
  if (file !== undefined) {
    same(
      'peer certificates',
      peerCertificates?.map(hex).join(),
      certificatesFromPem(readFileSync(file)).map(hex).join(),
    );
  }
  // Which type a verifier takes, and which key, it says itself; of other types it is not asked.
  same('type of certificates', flags['accepted-peer-cert-types']?.[0] ?? 0, flags['expect-peer-certificate-type']);
  if (flags['expect-no-peer-cert'] === true || connection.pskIdentity !== undefined)
    same('peer certificates', peerCertificates, undefined, true);
  else if (flags.server !== true || flags['require-any-client-certificate'] === true) {
    same('having peer certificates', peerCertificates !== undefined, true);
  }
}

/** What shows at the end of a connection alone. */
export function checkEnd({ flags, seen, isResumption }: Exchange): void {
  const { messages, storedSessions } = seen;
  if (flags['expect-no-session'] === true) same('sessions stored', storedSessions, 0);
  if (isResumption && flags['expect-ticket-renewal'] === true) same('sessions renewed', storedSessions > 0, true);
  const expected = flags['expect-msg-callback'];
  if (expected !== undefined) same('messages', messages.join(), expectedLines(expected).join());
}

function seenSchemes({ hello, peerSignatureSchemes }: Seen): readonly number[] | undefined {
  return hello?.signatureSchemes ?? peerSignatureSchemes;
}

/** Compares, where something is expected, or with `always`. */
function same<T>(what: string, actual: T, expected: T | undefined, always: boolean = false): void {
  if (expected === undefined && !always) return;
  if (actual !== expected) throw new Unexpected(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}

function prefixed(protocol: string): string {
  return String.fromCharCode(protocol.length) + protocol;
}
