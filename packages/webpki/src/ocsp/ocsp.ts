/** Whether an OCSP response says that a certificate is good (RFC 6960 section 3.2). Nothing is fetched. */
import {
  type Awaitable,
  type CertificateErrorDetail,
  runToEnd,
  type SignatureVerificationAlgorithm,
  type Step,
} from '@tyls/tls-core';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { Budget } from '../budget.ts';
import { equalBytes } from '../bytes.ts';
import { type Certificate, parseCertificate } from '../certificate.ts';
import { type CertificateIssuer, type RevocationChecker } from '../crl/revocation.ts';
import { type Digest, type Digests } from '../digests.ts';
import { describeName } from '../distinguished_name.ts';
import { certificateError, refusalOf } from '../error.ts';
import { unhandledCritical } from '../extensions.ts';
import { oidText } from '../oid.ts';
import { extensionValue } from '../raw_extension.ts';
import { parseSubjectPublicKeyInfo, verifySignedData } from '../signed_data.ts';
import { checkVerificationTime } from '../time.ts';
import {
  type BasicOcspResponse,
  type CertId,
  ocspError,
  parseOcspResponse,
  type ResponderId,
  type SingleResponse,
} from './ocsp_response.ts';
import { sha1 } from './sha1.ts';

/** By how much clocks may differ: five minutes. */
const clockSkewMillis = 300_000;
/** How old a response without nextUpdate may be, since that claims there is always a newer one: a day. */
const maxAgeMillis = 86_400_000;

export interface OcspOptions {
  /** DER of an OCSPResponse. */
  readonly response: Uint8Array;
  /** The certificate that it should be about, whose signature by its issuer was verified. */
  readonly certificate: Certificate;
  readonly issuer: CertificateIssuer;
  readonly algorithms: readonly SignatureVerificationAlgorithm[];
  readonly digests: Digests;
  /** Milliseconds since 1970 UTC. */
  readonly now: number;
  /** What was asked with; the response must repeat it. Stapled responses have none. */
  readonly nonce?: Uint8Array;
  /** Looks up certificates of delegated responders that do not say it is not needed (`id-pkix-ocsp-nocheck`). */
  readonly revocation?: RevocationChecker;
  /** Shared with the rest of the verification. */
  readonly budget?: Budget;
}

/** An answer that is signed, in time, and good. */
export interface VerifiedOcspResponse {
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  /** SignedCertificateTimestampList, where the responder added one (RFC 6962 section 3.3). */
  readonly signedCertificateTimestamps: Uint8Array | undefined;
}

/**
 * Verifies an OCSP response: signed by the issuer of the certificate, or by a responder to which that issuer delegated it
 * directly; in time, give or take five minutes; and saying that the certificate is good.
 *
 * @throws TlsError `InvalidCertificate.Revoked`, `.UnknownRevocationStatus`, and `.InvalidOcspResponse` for a response that
 *   cannot be used, with why
 * @throws RangeError if the time is no number
 */
export function verifyOcspResponse(options: OcspOptions): Awaitable<VerifiedOcspResponse> {
  return runToEnd(ocspVerification(options));
}

/** {@link verifyOcspResponse} as a step. */
export function* ocspVerification(options: OcspOptions): Step<VerifiedOcspResponse> {
  const { certificate, nonce } = options;
  checkVerificationTime(options.now);
  const response = parseOcspResponse(options.response);
  const issuerPublicKey = parseSubjectPublicKeyInfo(options.issuer.subjectPublicKeyInfo).publicKey;
  const answers = yield* authenticAnswers(response, issuerPublicKey, options);
  if (nonce !== undefined && (response.nonce === undefined || !equalBytes(nonce, response.nonce))) {
    throw ocspError('it does not repeat the nonce, so it may be an old one');
  }
  const about = answers.filter(({ certId }) => isFor(certId, certificate, issuerPublicKey, options.digests));
  if (about.length === 0) throw ocspError('it is not about this certificate');
  return goodAnswer(about, certificate, options.now);
}

/** A revoked certificate stays revoked, so that answer counts whenever it was given. */
function goodAnswer(about: readonly SingleResponse[], certificate: Certificate, now: number): VerifiedOcspResponse {
  const subject = (): string => describeName(certificate.subject);
  for (const { certStatus } of about) {
    if (certStatus.status !== 'revoked') continue;
    const { revocationTime: revocationDate, revocationReason } = certStatus;
    const reason = revocationReason === undefined ? {} : { revocationReason };
    throw certificateError({ reason: 'Revoked', subject: subject(), revocationDate, ...reason });
  }
  const good = about.filter(({ certStatus }) => certStatus.status === 'good');
  if (good.length === 0) throw certificateError({ reason: 'UnknownRevocationStatus', subject: subject() });
  const timely = good.find((single) => untimely(single, now) === undefined);
  if (timely === undefined) throw ocspError(untimely(good[0]!, now)!);
  const { thisUpdate, nextUpdate, signedCertificateTimestamps } = timely;
  return { thisUpdate, nextUpdate, signedCertificateTimestamps };
}

/** @returns why the time is not right for it */
function untimely({ thisUpdate, nextUpdate }: SingleResponse, now: number): string | undefined {
  const text = (millis: number): string => new Date(millis).toISOString();
  if (thisUpdate - clockSkewMillis > now) return `it is from the future, ${text(thisUpdate)}; it is now ${text(now)}`;
  const end = nextUpdate ?? thisUpdate + maxAgeMillis;
  if (end < thisUpdate) return 'its nextUpdate is before its thisUpdate';
  if (end + clockSkewMillis < now) return `it was to be replaced by ${text(end)}; it is now ${text(now)}`;
  return undefined;
}

/** By object identifier (RFC 3279 section 2.2.1, RFC 4055 section 2.1). */
function digestFor(hashAlgorithm: string, { sha256, sha384 }: Digests): Digest | undefined {
  switch (hashAlgorithm) {
    case '1.3.14.3.2.26':
      return sha1;
    case '2.16.840.1.101.3.4.2.1':
      return sha256;
    case '2.16.840.1.101.3.4.2.2':
      return sha384;
    default:
      return undefined;
  }
}

function isFor(certId: CertId, certificate: Certificate, issuerPublicKey: Uint8Array, digests: Digests): boolean {
  if (!equalBytes(certId.serialNumber, certificate.serialNumber)) return false;
  const digest = digestFor(certId.hashAlgorithm, digests);
  return (
    digest !== undefined &&
    equalBytes(certId.issuerNameHash, digest(derEncode(DerTag.sequence, certificate.issuer))) &&
    equalBytes(certId.issuerKeyHash, digest(issuerPublicKey))
  );
}

/**
 * RFC 6960 section 4.2.2.2: what the issuer itself signed, or a responder with a certificate for that by the issuer.
 *
 * @returns the answers, now that somebody stands behind them
 */
function* authenticAnswers(
  { responderId, signedData, responses, certificates }: BasicOcspResponse,
  issuerPublicKey: Uint8Array,
  options: OcspOptions,
): Step<readonly SingleResponse[]> {
  const { certificate, issuer, algorithms, budget = new Budget() } = options;
  const refusals: string[] = [];
  if (isNamed(responderId, certificate.issuer, issuerPublicKey)) {
    budget.takeSignature();
    const signed = { signedData, subject: certificate.issuer };
    const result = yield* verifySignedData(signed, issuer.subjectPublicKeyInfo, algorithms);
    if (result === 'valid') return responses;
    refusals.push(signatureText('its signature by', certificate.issuer, result));
  }
  for (const der of certificates) {
    const responder = readResponder(der, responderId);
    if (responder === undefined) continue;
    const refusal = yield* delegationRefusal(responder, options, budget);
    if (refusal !== undefined) {
      refusals.push(refusal);
      continue;
    }
    budget.takeSignature();
    const signed = { signedData, subject: responder.subject };
    const result = yield* verifySignedData(signed, responder.subjectPublicKeyInfo, algorithms);
    if (result === 'valid') return responses;
    refusals.push(signatureText('its signature by', responder.subject, result));
  }
  throw ocspError(
    refusals.length === 0
      ? 'its responder is neither the issuer nor has sent a certificate'
      : refusals.slice(0, maxShown).join('; '),
  );
}

/** How many refusals of responders an error lists. */
const maxShown = 3;

function isNamed(responderId: ResponderId, name: Uint8Array, publicKey: Uint8Array): boolean {
  return responderId.type === 'byName'
    ? equalBytes(responderId.name, name)
    : equalBytes(responderId.keyHash, sha1(publicKey));
}

/** @returns `undefined` if it is not the responder's, or cannot be read */
function readResponder(der: Uint8Array, responderId: ResponderId): Certificate | undefined {
  try {
    const responder = parseCertificate(der);
    const { publicKey } = parseSubjectPublicKeyInfo(responder.subjectPublicKeyInfo);
    return isNamed(responderId, responder.subject, publicKey) ? responder : undefined;
  } catch (error) {
    refusalOf(error);
    return undefined;
  }
}

/** id-kp-OCSPSigning and id-pkix-ocsp-nocheck (RFC 6960 sections 4.2.2.2 and 4.2.2.2.1). */
const ocspSigning = '1.3.6.1.5.5.7.3.9';
const noCheck = '1.3.6.1.5.5.7.48.1.5';

/** @returns why the issuer has not made this a responder */
function* delegationRefusal(
  responder: Certificate,
  { certificate, issuer, algorithms, revocation, now }: OcspOptions,
  budget: Budget,
): Step<string | undefined> {
  const name = describeName(responder.subject);
  const { extendedKeyUsage, keyUsage } = responder.extensions;
  if (!equalBytes(responder.issuer, certificate.issuer)) return `its responder ${name} has another issuer`;
  if (extendedKeyUsage?.some((oid) => oidText(oid) === ocspSigning) !== true) {
    return `its responder ${name} is not certified for OCSPSigning`;
  }
  if (keyUsage?.digitalSignature === false) return `the key usage of its responder ${name} forbids signatures`;
  const critical = unhandledCritical(responder.extensions, new Set([noCheck]));
  if (critical !== undefined) {
    return `its responder ${name} has the critical extension ${critical}, which is not handled`;
  }
  const second = Math.floor(now / 1000) * 1000;
  if (second < responder.notBefore || second > responder.notAfter) {
    return `the certificate of its responder ${name} is not valid now`;
  }
  budget.takeSignature();
  const result = yield* verifySignedData(responder, issuer.subjectPublicKeyInfo, algorithms);
  if (result !== 'valid') return signatureText('the signature on its responder', responder.subject, result);
  if (revocation === undefined || extensionValue(responder, noCheck) !== undefined) return undefined;
  const status = yield* revocation.check(responder, 'endEntity', issuer, budget, now);
  return status === 'valid' ? undefined : `its responder ${name} is refused (${status.reason})`;
}

function signatureText(what: string, name: Uint8Array, refusal: CertificateErrorDetail): string {
  const algorithm = 'algorithm' in refusal ? `, ${refusal.algorithm}` : '';
  return `${what} ${describeName(name)} is refused (${refusal.reason}${algorithm})`;
}
