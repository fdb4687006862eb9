/** Certificate messages as they go over the wire in TLS 1.3: compressed where both sides can (RFC 8879). */
import { emptyBytes } from '../codec/bytes.ts';
import { Writer } from '../codec/reader.ts';
import { type CertifiedKey, type ClientConfig, type ServerConfig } from '../config.ts';
import { TlsError } from '../error.ts';
import { certificate, type Certificate, type CertificateEntry } from '../messages/certificate.ts';
import { compressedCertificate } from '../messages/compressed_certificate.ts';
import { encodeMessage, type HandshakeMessage, parseBody, parseBytes } from '../messages/handshake.ts';
import { CertificateCompressionAlgorithm, HandshakeType, nameOf } from '../registry.ts';
import { type Step, wait } from '../step/step.ts';

type Config = ClientConfig | ServerConfig;

/** RFC 8879 section 3: what we can decompress; nothing is said where that is nothing. */
export function offeredAlgorithms({
  certificateDecompressors,
}: Config): readonly CertificateCompressionAlgorithm[] | undefined {
  return certificateDecompressors.length > 0 ? certificateDecompressors.map(({ algorithm }) => algorithm) : undefined;
}

/** In which messages the peer's certificate may come. */
export function certificateTypes({ certificateDecompressors }: Config): readonly HandshakeType[] {
  const { certificate: plain, compressed_certificate: compressed } = HandshakeType;
  return certificateDecompressors.length > 0 ? [plain, compressed] : [plain];
}

/** The peer's certificate, from either of them. */
export function* readCertificate(config: Config, message: HandshakeMessage): Step<Certificate> {
  if (message.type === HandshakeType.certificate) return parseBody('Certificate', certificate, message);
  const { algorithm, uncompressedLength, compressed } = parseBody(
    'CompressedCertificate',
    compressedCertificate,
    message,
  );
  const decompressor = config.certificateDecompressors.find((offered) => offered.algorithm === algorithm);
  const what = nameOf(CertificateCompressionAlgorithm, algorithm);
  if (decompressor === undefined) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedCertCompression', what });
  }
  let body: Uint8Array;
  try {
    body = yield* wait(decompressor.decompress(compressed, uncompressedLength));
  } catch (cause) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidCertCompression', what }, { cause });
  }
  if (body.length !== uncompressedLength) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'InvalidCertCompression', what });
  }
  return parseBytes('Certificate', certificate, body);
}

/**
 * Our certificate, in the first of our algorithms that the peer offers, if that makes it shorter. The context is empty in
 * every handshake, so that nothing in it is of one connection alone.
 */
export function* encodeCertificate(
  { certificateCompressors, compressionCache }: Config,
  certified: CertifiedKey,
  entries: readonly CertificateEntry[],
  offered: readonly CertificateCompressionAlgorithm[] = [],
): Step<Uint8Array> {
  if (new Set(offered).size !== offered.length) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'OfferedDuplicateCertificateCompressions' });
  }
  const value: Certificate = { context: emptyBytes, entries };
  const compressor = certificateCompressors.find(({ algorithm }) => offered.includes(algorithm));
  if (compressor === undefined) return encodeMessage(HandshakeType.certificate, certificate, value);
  const w = new Writer();
  certificate.write(w, value);
  const body = w.done();
  const compressed = yield* compressionCache.compress(certified, compressor, body);
  if (compressed.length === 0 || compressed.length >= body.length) {
    return encodeMessage(HandshakeType.certificate, certificate, value);
  }
  return encodeMessage(HandshakeType.compressed_certificate, compressedCertificate, {
    algorithm: compressor.algorithm,
    uncompressedLength: body.length,
    compressed,
  });
}
