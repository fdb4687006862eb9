/** What both versions negotiate in the same way, on either side. */
import { equalBytes } from '../codec/bytes.ts';
import {
  type CertificateRequestInfo,
  type CertifiedKey,
  type ClientConfig,
  type ClientHelloInfo,
  type ServerConfig,
} from '../config.ts';
import { type SupportedCipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type ClientHello } from '../messages/client_hello.ts';
import { maxPlaintext } from '../record/deframer.ts';
import { type CertificateType, CipherSuite, ProtocolVersion } from '../registry.ts';
import { type Step, wait } from '../step/step.ts';
import { checkOfferedServerType, typeOf } from './certificate_types.ts';
import { type HandshakeIo } from './io.ts';

/** RFC 7301 section 3.2: our preference; nothing in common is fatal, nothing offered is not. */
export function chooseProtocol(
  { alpnProtocols }: ServerConfig,
  { extensions }: ClientHello,
  info: ClientHelloInfo,
): Uint8Array | undefined {
  const offered = extensions.protocols;
  if (offered === undefined || alpnProtocols.length === 0) return undefined;
  const protocol = alpnProtocols.find((ours) => offered.some((theirs) => equalBytes(ours, theirs)));
  if (protocol === undefined) throw new TlsError({ code: 'NoApplicationProtocol', offered: info.alpnProtocols });
  return protocol;
}

/**
 * Which of our cipher suites, all of one version, the client offers too, in our order of preference: the provider knows what is
 * fast where it runs. But where ChaCha20-Poly1305 is what the client would have first, it is what we would have first: that
 * client has no AES in hardware, and there a difference is far greater than any that we would notice.
 */
export function suitesInCommon<Suite extends SupportedCipherSuite>(
  ours: readonly Suite[],
  { cipherSuites: theirs }: ClientHello,
): readonly Suite[] {
  const common = ours.filter(({ id }) => theirs.includes(id));
  const first = theirs.find((id) => common.some((suite) => suite.id === id));
  if (first === undefined || !isChaCha20Poly1305(first)) return common;
  return common.toSorted((a, b) => Number(isChaCha20Poly1305(b.id)) - Number(isChaCha20Poly1305(a.id)));
}

function isChaCha20Poly1305(suite: CipherSuite): boolean {
  return (
    suite === CipherSuite.TLS_CHACHA20_POLY1305_SHA256 ||
    suite === CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 ||
    suite === CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
  );
}

/** RFC 7301 section 3.1: a server chooses one of those that were offered, or none. */
export function checkProtocol({ alpnProtocols }: ClientConfig, protocol: Uint8Array | undefined): void {
  if (protocol !== undefined && !alpnProtocols.some((offered) => equalBytes(offered, protocol))) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedApplicationProtocol' });
  }
}

/** RFC 8449 section 4: the most that a version allows, and that a peer of it may be told. In TLS 1.3 the type counts. */
function maxRecordSize(version: ProtocolVersion): number {
  return version === ProtocolVersion.TLSv1_3 ? maxPlaintext + 1 : maxPlaintext;
}

/** What a client says of the records that it accepts; before it knows what the version will be. */
export function offeredRecordSizeLimit({ recordSizeLimit, versions }: ClientConfig): number | undefined {
  return recordSizeLimit === undefined ? undefined : Math.min(recordSizeLimit, maxRecordSize(versions[0]!));
}

/** What a server says of the records that it accepts, if the client says so too. */
export function answeredRecordSizeLimit(
  { recordSizeLimit }: ServerConfig,
  version: ProtocolVersion,
  { extensions }: ClientHello,
): number | undefined {
  if (extensions.recordSizeLimit === undefined) return undefined;
  return Math.min(recordSizeLimit ?? Infinity, maxRecordSize(version));
}

/** Heeds what the peer said, if it did, for all that is sent from here on under protection. */
export function heedRecordSizeLimit(
  { outbound }: HandshakeIo,
  version: ProtocolVersion,
  limit: number | undefined,
): void {
  if (limit !== undefined) outbound.limitFragment(version === ProtocolVersion.TLSv1_3 ? limit - 1 : limit);
}

/** A server that answers has said what it accepts, and has heard what we accept. */
export function acceptRecordSizeLimit(
  io: HandshakeIo,
  { recordSizeLimit = Infinity }: ClientConfig,
  version: ProtocolVersion,
  answer: number | undefined,
): void {
  if (answer === undefined) return;
  heedRecordSizeLimit(io, version, answer);
  io.inbound.limitPlaintext(recordSizeLimit);
}

/** Before ServerHello, so that a client that we have nothing for hears of it before it goes on. */
export function* resolveCertificate(
  config: ServerConfig,
  hello: ClientHello,
  info: ClientHelloInfo & { readonly protocolVersion: ProtocolVersion },
): Step<CertifiedKey> {
  const certified = yield* wait(config.resolveCertificate(info));
  if (certified === undefined) throw new TlsError({ code: 'NoSuitableCertificate', serverName: info.serverName });
  checkOfferedServerType(certified, hello);
  return certified;
}

/**
 * The client's certificate, if it has one of the type that the server selected.
 *
 * @param type what the server can verify
 */
export function* resolveClientCertificate(
  config: ClientConfig,
  request: CertificateRequestInfo,
  type: CertificateType,
): Step<CertifiedKey | undefined> {
  if (type !== config.certificateType) return undefined;
  const certified = yield* wait(config.resolveCertificate(request));
  if (certified !== undefined && typeOf(certified) !== type) {
    throw new TypeError('the resolver gave a certificate of another type than certificateType says');
  }
  return certified;
}
