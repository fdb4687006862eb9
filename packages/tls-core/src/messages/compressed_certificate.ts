/** CompressedCertificate, RFC 8879 section 4. */
import { type Codec } from '../codec/codec.ts';
import { type CertificateCompressionAlgorithm } from '../registry.ts';
import { maxCertificateBytes } from './certificate.ts';

export interface CompressedCertificate {
  readonly algorithm: CertificateCompressionAlgorithm;
  /** Of the Certificate message without its header, in bytes. */
  readonly uncompressedLength: number;
  /** At least one byte. */
  readonly compressed: Uint8Array;
}

export const compressedCertificate: Codec<CompressedCertificate> = {
  read(r) {
    const algorithm = r.u16();
    const uncompressedLength = r.u24();
    // Before anything is decompressed (section 5).
    if (uncompressedLength > maxCertificateBytes) throw r.error('CertificatePayloadTooLarge');
    return { algorithm, uncompressedLength, compressed: r.vec24(1) };
  },
  write: (w, { algorithm, uncompressedLength, compressed }) =>
    void w.u16(algorithm).u24(uncompressedLength).vec24(compressed),
};
