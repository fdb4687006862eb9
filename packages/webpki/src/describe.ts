/** What the errors of this package say to people. What they say to programs is in their details. */
import { type CertificateErrorDetail, type CertRevocationListErrorDetail } from '@tyls/tls-core';

/** Half a sentence about a certificate. */
export function describeCertificate(detail: CertificateErrorDetail): string {
  switch (detail.reason) {
    case 'BadEncoding':
      return `it is not correctly encoded (${detail.what})`;
    case 'Expired':
      return `${detail.subject} expired on ${date(detail.notAfter)}; it is now ${date(detail.now)}`;
    case 'NotValidYet':
      return `${detail.subject} is not valid before ${date(detail.notBefore)}; it is now ${date(detail.now)}`;
    case 'InvalidCertValidity':
      return `its validity ends before it begins: it is from ${date(detail.notBefore)} to ${date(detail.notAfter)}`;
    case 'UnsupportedCertVersion':
      return 'it is not of version 3';
    case 'UnhandledCriticalExtension':
      return `${detail.subject} has the critical extension ${detail.oid}, which is not handled`;
    case 'UnknownIssuer':
      return `its issuer is unknown: no path to a trusted root through ${detail.issuer}${suffix(detail.hint)}`;
    case 'IssuerDistrusted':
      return `what ${detail.issuer} issued after ${date(detail.distrustAfter)} is not trusted; it is from ${date(detail.notBefore)}`;
    case 'BadSignature':
      return `the signature on ${detail.subject} is wrong`;
    case 'UnsupportedSignatureAlgorithm':
      return `it is signed with ${detail.algorithm}; supported are ${detail.supported.join(', ')}`;
    case 'UnsupportedSignatureAlgorithmForPublicKey':
      return `a signature of algorithm ${detail.algorithm} cannot be by a key of algorithm ${detail.key}`;
    case 'NotValidForName':
      return `it is not valid for ${detail.expected}; ${
        detail.presented.length === 0
          ? 'it has no names in its subjectAltName'
          : `it is valid for ${detail.presented.join(', ')}`
      }`;
    case 'InvalidPurpose':
      return `${detail.subject} does not allow ${detail.required}, only ${detail.presented.join(', ')}`;
    case 'CaUsedAsEndEntity':
      return `${detail.subject} is a CA, used as an end entity`;
    case 'EndEntityUsedAsCa':
      return `${detail.subject} is no CA, but issued a certificate`;
    case 'PathLengthExceeded':
      return `${detail.subject} allows fewer CAs below it than there are`;
    case 'KeyUsageForbidden':
      return `the key usage of ${detail.subject} does not allow ${detail.required}`;
    case 'NameConstraintViolation':
      return `the name ${detail.name} violates the name constraints of ${detail.subject}`;
    case 'UnsupportedNameConstraints':
      return `${detail.subject} has name constraints of a kind that is not supported`;
    case 'BudgetExceeded':
      return `verifying it takes more ${detail.what} than the limit allows`;
    case 'Revoked':
      return `${detail.subject} was revoked${
        detail.revocationDate === undefined ? '' : ` on ${date(detail.revocationDate)}`
      }${suffix(detail.revocationReason)}`;
    case 'UnknownRevocationStatus':
      return `nothing says whether ${detail.subject} was revoked`;
    case 'ExpiredRevocationList':
      return `the revocation list of ${detail.issuer} expired on ${date(detail.nextUpdate)}; it is now ${date(detail.now)}`;
    case 'InvalidOcspResponse':
      return `its OCSP response is not valid: ${detail.why}`;
    case 'InsufficientScts':
      return `of its signed certificate timestamps ${detail.valid} count (required: ${detail.requiredValid}), from ${
        detail.operators
      } log operators (required: ${detail.requiredOperators})${
        detail.why.length === 0 ? '' : `: ${detail.why.join('; ')}`
      }`;
    case 'PolicyViolation':
      return `${detail.subject} violates the rule ${detail.rule}: ${detail.why}`;
    case 'UnknownPublicKey':
      return `none of its public keys is pinned; their SHA-256 is ${detail.sha256.join(', ')}`;
    case 'ApplicationVerificationFailure':
    case 'Other':
      return detail.why;
  }
}

/** Half a sentence about a revocation list. */
export function describeCertRevocationList(detail: CertRevocationListErrorDetail): string {
  switch (detail.reason) {
    case 'BadSignature':
      return `its signature is not by the key of its issuer ${detail.issuer}`;
    case 'UnsupportedSignatureAlgorithm':
      return `it is signed with ${detail.algorithm}; supported are ${detail.supported.join(', ')}`;
    case 'UnsupportedSignatureAlgorithmForPublicKey':
      return `a signature of algorithm ${detail.algorithm} cannot be by a key of algorithm ${detail.key}`;
    case 'InvalidCrlNumber':
      return 'its cRLNumber is missing, malformed or critical';
    case 'InvalidRevokedCertSerialNumber':
      return 'a serial number in it is malformed or too long';
    case 'IssuerInvalidForCrl':
      return `the key usage of ${detail.issuer} does not allow cRLSign`;
    case 'ParseError':
      return `it is not correctly encoded (${detail.what})`;
    case 'UnsupportedCrlVersion':
      return 'it is not of version 2';
    case 'UnsupportedCriticalExtension':
      return `it has the critical extension ${detail.oid}, which is not handled`;
    case 'UnsupportedDeltaCrl':
      return 'it is a delta CRL; give the complete one';
    case 'UnsupportedIndirectCrl':
      return 'it is indirect, that is, about certificates of other issuers';
    case 'UnsupportedCrlIssuingDistributionPoint':
      return 'its issuingDistributionPoint has no full name';
    case 'UnsupportedRevocationReason':
      return 'it has a reason of revocation that does not exist';
    case 'UnsupportedRevocationReasonsPartitioning':
      return 'it is for some reasons of revocation only';
  }
}

function suffix(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`;
}

function date(millis: number): string {
  const time = new Date(millis);
  return Number.isNaN(time.getTime()) ? `${millis} ms` : time.toISOString().replace('.000Z', 'Z');
}
