/** CertificateRequest, Certificate and CertificateVerify, RFC 8446 sections 4.3.2, 4.4.2 and 4.4.3. */
import { type Codec, empty, opaque16, opaque8, struct, u16, vec } from '../codec/codec.ts';
import { type Reader, Writer } from '../codec/reader.ts';
import { type CertificateCompressionAlgorithm, ExtensionType, type SignatureScheme } from '../registry.ts';
import { ocspStatusType } from './client_hello.ts';
import {
  certificateAuthorities,
  compressionAlgorithmList,
  type ExtensionBlock,
  extensions,
  signatureSchemeList,
} from './extension.ts';

export interface CertificateRequestExtensions extends ExtensionBlock {
  /** Section 4.4.2.1: here it has no data. */
  readonly certificateStatusRequest?: true | undefined;
  readonly sctListRequest?: true | undefined;
  /** RFC 8879 section 3. */
  readonly compressionAlgorithms?: readonly CertificateCompressionAlgorithm[] | undefined;
  readonly signatureSchemes?: readonly SignatureScheme[] | undefined;
  readonly signatureSchemesCert?: readonly SignatureScheme[] | undefined;
  /** DER Names. */
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;
}

export interface CertificateRequest {
  /** Empty but in post-handshake authentication. */
  readonly context: Uint8Array;
  readonly extensions: CertificateRequestExtensions;
}

export const certificateRequest: Codec<CertificateRequest> = struct({
  context: opaque8(),
  extensions: extensions<CertificateRequestExtensions>('CertificateRequest', {
    certificateStatusRequest: [ExtensionType.status_request, empty],
    sctListRequest: [ExtensionType.signed_certificate_timestamp, empty],
    compressionAlgorithms: [ExtensionType.compress_certificate, compressionAlgorithmList],
    signatureSchemes: [ExtensionType.signature_algorithms, signatureSchemeList],
    signatureSchemesCert: [ExtensionType.signature_algorithms_cert, signatureSchemeList],
    certificateAuthorities: [ExtensionType.certificate_authorities, certificateAuthorities],
  }),
});

export interface CertificateExtensions extends ExtensionBlock {
  /** Section 4.4.2.1: an OCSPResponse in DER. */
  readonly ocspResponse?: Uint8Array | undefined;
  readonly sctList?: Uint8Array | undefined;
}

/** RFC 6066 section 8, CertificateStatus of type ocsp. */
export const certificateStatus: Codec<Uint8Array> = {
  read(r) {
    if (r.u8() !== ocspStatusType) throw r.error('InvalidCertificateStatusType');
    return r.vec24(1);
  },
  write: (w, response) => void w.u8(ocspStatusType).vec24(response),
};

const serializedScts = vec(2, opaque16(1));

/** RFC 6962 section 3.3, SignedCertificateTimestampList: at least one, each opaque here. The list as it came, a copy. */
export const sctList: Codec<Uint8Array> = {
  read(r) {
    // It has one encoding, so these are the bytes that came.
    const w = new Writer();
    serializedScts.write(w, serializedScts.read(r));
    return w.done();
  },
  write: (w, list) => void w.bytes(list),
};

export interface CertificateEntry {
  /** DER, at least one byte. */
  readonly certificate: Uint8Array;
  readonly extensions: CertificateExtensions;
}

/** `opaque cert_data<1..2^24-1>` */
export const certificateData: Codec<Uint8Array> = {
  read: (r) => limitedList(r, 1).rest(),
  write: (w, der) => void w.vec24(der),
};

const certificateEntry: Codec<CertificateEntry> = struct({
  certificate: certificateData,
  extensions: extensions<CertificateExtensions>('Certificate', {
    ocspResponse: [ExtensionType.status_request, certificateStatus],
    sctList: [ExtensionType.signed_certificate_timestamp, sctList],
  }),
});

export interface Certificate {
  /** As in the CertificateRequest that it answers; empty from a server. */
  readonly context: Uint8Array;
  readonly entries: readonly CertificateEntry[];
}

/** The most that a list, one certificate, or a message that was compressed, may say it has. */
export const maxCertificateBytes = 65_536;

export const certificate: Codec<Certificate> = {
  read(r) {
    const context = r.vec8();
    const list = limitedList(r, 0);
    const entries: CertificateEntry[] = [];
    while (list.remaining > 0) entries.push(certificateEntry.read(list));
    return { context, entries };
  },
  write(w, { context, entries }) {
    w.vec8(context).prefixed(3, () => {
      for (const entry of entries) certificateEntry.write(w, entry);
    });
  },
};

/** A vector with three bytes of length, which must not say more than is tolerated. */
export function limitedList(r: Reader, min: number): Reader {
  const length = r.u24();
  if (length < min) throw r.error('IllegalEmptyList');
  if (length > maxCertificateBytes) throw r.error('CertificatePayloadTooLarge');
  return r.sub(length);
}

export interface CertificateVerify {
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
}

export const certificateVerify: Codec<CertificateVerify> = struct({ scheme: u16, signature: opaque16() });
