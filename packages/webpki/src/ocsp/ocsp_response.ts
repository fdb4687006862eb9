/** OCSP responses (RFC 6960 section 4.2), as they are encoded. */
import { type TlsError } from '@tyls/tls-core';
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { badEncodingAs } from '../bad_encoding.ts';
import { type SignedData } from '../certificate.ts';
import { readRevocationReason, type RevocationReason } from '../crl/revocation_reason.ts';
import { badEncodingOf, certificateError } from '../error.ts';
import { readExtensions } from '../extensions.ts';
import { oidText } from '../oid.ts';
import { readTime } from '../time.ts';

/** A BasicOCSPResponse. Its signature has not been verified. All bytes borrow its DER; times are milliseconds since 1970 UTC. */
export interface BasicOcspResponse {
  readonly signedData: SignedData;
  readonly responderId: ResponderId;
  readonly producedAt: number;
  readonly responses: readonly SingleResponse[];
  readonly nonce: Uint8Array | undefined;
  /** DER of certificates that may help to verify the signature. */
  readonly certificates: readonly Uint8Array[];
}

export type ResponderId =
  /** Content of the Name's SEQUENCE. */
  | { readonly type: 'byName'; readonly name: Uint8Array }
  /** SHA-1 of the responder's subjectPublicKey. */
  | { readonly type: 'byKey'; readonly keyHash: Uint8Array };

export interface SingleResponse {
  readonly certId: CertId;
  readonly certStatus: CertStatus;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** SignedCertificateTimestampList (RFC 6962 section 3.3). */
  readonly signedCertificateTimestamps: Uint8Array | undefined;
}

/** RFC 6960 section 4.1.1. */
export interface CertId {
  /** Dotted. */
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Content of the INTEGER. */
  readonly serialNumber: Uint8Array;
}

export type CertStatus =
  | { readonly status: 'good' | 'unknown' }
  | {
      readonly status: 'revoked';
      readonly revocationTime: number;
      readonly revocationReason: RevocationReason | undefined;
    };

export function ocspError(why: string): TlsError {
  return certificateError({ reason: 'InvalidOcspResponse', why });
}

/** By number (RFC 6960 section 4.2.1); 4 is not in use. */
const responseStatuses = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  undefined,
  'sigRequired',
  'unauthorized',
] as const;

/** id-pkix-ocsp-basic, the only kind of response there is. */
const basicResponseType = '1.3.6.1.5.5.7.48.1.1';
const nonceOid = '1.3.6.1.5.5.7.48.1.2';
const signedCertificateTimestampsOid = '1.3.6.1.4.1.11129.2.4.5';

/**
 * @param der of an OCSPResponse; borrowed by the result
 * @throws TlsError `InvalidCertificate.InvalidOcspResponse` if it is not one, or says that there is no answer
 */
export function parseOcspResponse(der: Uint8Array): BasicOcspResponse {
  return badEncodingAs(ocspError, () => {
    const outer = new DerReader(der, badEncodingOf('OCSPResponse'));
    const response = outer.enter(DerTag.sequence);
    outer.finish();
    const [code, ...more] = response.read(DerTag.enumerated);
    const status = code === undefined || more.length > 0 ? undefined : responseStatuses[code];
    if (status === undefined) throw ocspError('it has an unknown responseStatus');
    if (status !== 'successful') throw ocspError(`the responder has no answer (${status})`);
    const wrapper = response.enter(contextTag(0, true));
    response.finish();
    const responseBytes = wrapper.enter(DerTag.sequence);
    wrapper.finish();
    const type = oidText(responseBytes.read(DerTag.oid));
    if (type !== basicResponseType) throw ocspError(`it is of the unknown type ${type}`);
    const basic = responseBytes.read(DerTag.octetString);
    responseBytes.finish();
    return readBasicResponse(basic);
  });
}

function readBasicResponse(der: Uint8Array): BasicOcspResponse {
  const bad = badEncodingOf('BasicOCSPResponse');
  const outer = new DerReader(der, bad);
  const response = outer.enter(DerTag.sequence);
  outer.finish();
  if (response.nextTag !== DerTag.sequence) throw bad('no ResponseData');
  const { content, whole } = response.element();
  const algorithm = response.read(DerTag.sequence);
  const signature = response.bitStringBytes();
  const certificates: Uint8Array[] = [];
  const wrapper = response.enterOptional(contextTag(0, true));
  if (wrapper !== undefined) {
    const list = wrapper.enter(DerTag.sequence);
    wrapper.finish();
    while (!list.atEnd) certificates.push(list.element().whole);
  }
  response.finish();
  return { signedData: { data: whole, algorithm, signature }, ...readResponseData(content), certificates };
}

function readResponseData(content: Uint8Array): Omit<BasicOcspResponse, 'signedData' | 'certificates'> {
  const data = new DerReader(content, badEncodingOf('ResponseData'));
  const version = data.enterOptional(contextTag(0, true));
  // DEFAULT v1, which some responders do not leave out.
  if (version !== undefined && version.smallInteger() !== 0) throw ocspError('it is not of version 1');
  version?.finish();
  const responderId = readResponderId(data);
  const producedAt = readGeneralizedTime(data);
  const list = data.enter(DerTag.sequence);
  const responses: SingleResponse[] = [];
  while (!list.atEnd) responses.push(readSingleResponse(list.enter(DerTag.sequence)));
  const nonce = readKnownExtension(data, nonceOid);
  data.finish();
  return { responderId, producedAt, responses, nonce };
}

function readResponderId(data: DerReader): ResponderId {
  const byName = data.enterOptional(contextTag(1, true));
  if (byName !== undefined) {
    const name = byName.read(DerTag.sequence);
    byName.finish();
    return { type: 'byName', name };
  }
  const byKey = data.enter(contextTag(2, true));
  const keyHash = byKey.read(DerTag.octetString);
  byKey.finish();
  return { type: 'byKey', keyHash };
}

function readSingleResponse(single: DerReader): SingleResponse {
  const certId = readCertId(single.enter(DerTag.sequence));
  const certStatus = readCertStatus(single);
  const thisUpdate = readGeneralizedTime(single);
  const wrapper = single.enterOptional(contextTag(0, true));
  const nextUpdate = wrapper === undefined ? undefined : readGeneralizedTime(wrapper);
  wrapper?.finish();
  const signedCertificateTimestamps = readKnownExtension(single, signedCertificateTimestampsOid);
  single.finish();
  return { certId, certStatus, thisUpdate, nextUpdate, signedCertificateTimestamps };
}

function readCertId(certId: DerReader): CertId {
  const algorithm = certId.enter(DerTag.sequence);
  const hashAlgorithm = oidText(algorithm.read(DerTag.oid));
  algorithm.optional(DerTag.null);
  algorithm.finish();
  const issuerNameHash = certId.read(DerTag.octetString);
  const issuerKeyHash = certId.read(DerTag.octetString);
  const serialNumber = certId.read(DerTag.integer);
  certId.finish();
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber };
}

function readCertStatus(single: DerReader): CertStatus {
  const { tag, content } = single.element();
  if (tag === contextTag(1, true)) {
    const revoked = new DerReader(content, badEncodingOf('RevokedInfo'));
    const revocationTime = readGeneralizedTime(revoked);
    const reason = revoked.enterOptional(contextTag(0, true));
    const revocationReason = reason === undefined ? undefined : readRevocationReason(reason.read(DerTag.enumerated));
    reason?.finish();
    revoked.finish();
    return { status: 'revoked', revocationTime, revocationReason };
  }
  const isNull = content.length === 0;
  if (isNull && tag === contextTag(0, false)) return { status: 'good' };
  if (isNull && tag === contextTag(2, false)) return { status: 'unknown' };
  throw ocspError('it has an unknown certStatus');
}

/** RFC 6960 section 4.2.2.1: in the form of RFC 5280 section 4.1.2.5.2. */
function readGeneralizedTime(reader: DerReader): number {
  if (reader.nextTag !== DerTag.generalizedTime) throw ocspError('a time is no GeneralizedTime');
  return readTime(reader);
}

/**
 * Extensions under [1], of which one is known.
 *
 * @returns the content of the OCTET STRING that the value of the known one is, both for nonces (RFC 8954 section 2.1) and
 *   for signed certificate timestamps (RFC 6962 section 3.3)
 */
function readKnownExtension(reader: DerReader, known: string): Uint8Array | undefined {
  const wrapper = reader.enterOptional(contextTag(1, true));
  if (wrapper === undefined) return undefined;
  const list = wrapper.enter(DerTag.sequence);
  wrapper.finish();
  let result: Uint8Array | undefined;
  for (const { oid, critical, value } of readExtensions(list)) {
    if (oid === known) {
      const octets = new DerReader(value, badEncodingOf('Extension'));
      result = octets.read(DerTag.octetString);
      octets.finish();
    } else if (critical) {
      throw ocspError(`it has the critical extension ${oid}, which is not handled`);
    }
  }
  return result;
}
