/** What the parsers of certificates refuse as badly encoded is not the certificate's fault where they read something else. */
import { isTlsError } from '@tyls/tls-core';

/** @param fail makes the error to throw instead of `InvalidCertificate.BadEncoding` */
export function badEncodingAs<T>(fail: (what: string) => Error, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isTlsError(error) && error.detail.code === 'InvalidCertificate' && error.detail.reason === 'BadEncoding') {
      throw fail(error.detail.what);
    }
    throw error;
  }
}
