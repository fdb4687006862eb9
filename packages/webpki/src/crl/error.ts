/** The errors of revocation lists. */
import { type CertRevocationListErrorDetail, TlsError } from '@tyls/tls-core';
import { badEncodingAs } from '../bad_encoding.ts';

export function crlError(detail: CertRevocationListErrorDetail): TlsError {
  return new TlsError({ code: 'InvalidCertRevocationList', ...detail });
}

/** Runs a parser, whose errors then are of the list. */
export function readingCrl<T>(read: () => T): T {
  return badEncodingAs((what) => crlError({ reason: 'ParseError', what }), read);
}
