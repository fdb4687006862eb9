/** Certificates that must come with an OCSP response, and the check of what a server stapled (RFC 7633, RFC 6066 section 8). */
import { type Step } from '@tyls/tls-core';
import { DerReader } from '@tyls/tls-core/der';
import { type Certificate } from '../certificate.ts';
import { badEncodingOf } from '../error.ts';
import { sequenceContent } from '../extensions.ts';
import { extensionValue } from '../raw_extension.ts';
import { type OcspOptions, ocspVerification, type VerifiedOcspResponse } from './ocsp.ts';
import { ocspError } from './ocsp_response.ts';

/** RFC 7633 section 4. */
export const tlsFeatureOid = '1.3.6.1.5.5.7.1.24';

/** As an ExtensionType of TLS (RFC 6066 section 1.1), all of whose names would come along with this one. */
const statusRequest = 5;

/**
 * Whether a certificate says that its server staples OCSP responses: its TLS features have status_request
 * ("must-staple").
 *
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function mustStaple(certificate: Certificate): boolean {
  const value = extensionValue(certificate, tlsFeatureOid);
  if (value === undefined) return false;
  const features = new DerReader(sequenceContent(value, 'Features'), badEncodingOf('Features'));
  let isRequired = false;
  while (!features.atEnd) {
    const feature = features.unsignedInteger();
    isRequired ||= feature.length === 1 && feature[0] === statusRequest;
  }
  return isRequired;
}

export interface StapledOcspOptions extends Omit<OcspOptions, 'response' | 'nonce'> {
  /** DER of the OCSPResponse that came in the handshake; nothing, or no bytes, if none did. */
  readonly response: Uint8Array | undefined;
  /** Whether one must come with every certificate, not only with those that say so. */
  readonly required: boolean;
}

/**
 * Verifies what was stapled: a response that is there must be good, and one must be there where the certificate or the
 * user demands it.
 *
 * @returns `undefined` where none is there, and none need be
 * @throws TlsError as `verifyOcspResponse`
 */
export function* stapledOcspVerification({
  response,
  required,
  ...options
}: StapledOcspOptions): Step<VerifiedOcspResponse | undefined> {
  if (response !== undefined && response.length > 0) return yield* ocspVerification({ ...options, response });
  if (mustStaple(options.certificate)) throw ocspError('none came, and the certificate says that one must (RFC 7633)');
  if (required) throw ocspError('none came, and one is required');
  return undefined;
}
