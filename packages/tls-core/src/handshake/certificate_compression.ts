/** Certificate messages as they go over the wire in TLS 1.3: compressed where both sides can (RFC 8879). */
import { emptyBytes } from '../codec/bytes.ts';
import { type CertifiedKey, type ClientConfig, type ServerConfig } from '../config.ts';
import { TlsError } from '../error.ts';
import { certificate, type Certificate, type CertificateEntry } from '../messages/certificate.ts';
import { encodeMessage, type HandshakeMessage, parseBody, parseBytes } from '../messages/handshake.ts';
import { type CertificateCompressionAlgorithm, HandshakeType } from '../registry.ts';
import { type Step } from '../step/step.ts';

type Config = Pick<ClientConfig | ServerConfig, 'certificateCompression'>;

/** In which messages the peer's certificate may come. */
export function certificateTypes({ certificateCompression }: Config): readonly HandshakeType[] {
  const { certificate: plain, compressed_certificate: compressed } = HandshakeType;
  return certificateCompression?.offeredAlgorithms === undefined ? [plain] : [plain, compressed];
}

/** The peer's certificate, from one of {@link certificateTypes}. */
export function* readCertificate({ certificateCompression }: Config, message: HandshakeMessage): Step<Certificate> {
  if (message.type === HandshakeType.certificate) return parseBody('Certificate', certificate, message);
  return parseBytes('Certificate', certificate, yield* certificateCompression!.decompress(message));
}

/**
 * Our certificate, in the first of our algorithms that the peer offers, if that makes it shorter. The context is empty in
 * every handshake, so that nothing in it is of one connection alone.
 */
export function* encodeCertificate(
  { certificateCompression }: Config,
  certified: CertifiedKey,
  entries: readonly CertificateEntry[],
  offered: readonly CertificateCompressionAlgorithm[] = [],
): Step<Uint8Array> {
  if (new Set(offered).size !== offered.length) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedDuplicateCertificateCompressions' });
  }
  const plain = encodeMessage(HandshakeType.certificate, certificate, { context: emptyBytes, entries });
  if (certificateCompression === undefined) return plain;
  const compressed = yield* certificateCompression.compress(certified, plain.subarray(4), offered);
  return compressed ?? plain;
}
