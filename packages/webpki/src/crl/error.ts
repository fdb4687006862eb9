/** The errors of revocation lists. */
import { type CertRevocationListErrorDetail, TlsError } from '@tyls/tls-core';
import { badEncodingAs } from '../bad_encoding.ts';
import { describeCertRevocationList } from '../describe.ts';

export function crlError(detail: CertRevocationListErrorDetail): TlsError {
  const message = `invalid certificate revocation list: ${describeCertRevocationList(detail)}`;
  return new TlsError({ code: 'InvalidCertRevocationList', ...detail }, { message });
}

/** Runs a parser, whose errors then are of the list. */
export function readingCrl<T>(read: () => T): T {
  return badEncodingAs((what) => crlError({ reason: 'ParseError', what }), read);
}
