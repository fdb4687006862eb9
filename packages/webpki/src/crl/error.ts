/** The errors of revocation lists. */
import { type CertRevocationListErrorDetail, isTlsError, TlsError } from '@tyls/tls-core';

export function crlError(detail: CertRevocationListErrorDetail): TlsError {
  return new TlsError({ code: 'InvalidCertRevocationList', ...detail });
}

/** What the parsers of certificates refuse as badly encoded is, where they read a revocation list, its own fault. */
export function readingCrl<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isTlsError(error) && error.detail.code === 'InvalidCertificate' && error.detail.reason === 'BadEncoding') {
      throw crlError({ reason: 'ParseError', what: error.detail.what });
    }
    throw error;
  }
}
