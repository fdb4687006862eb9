/** What goes wrong with a peer: one error class, a tagged union of details, and the alert for each. */
import { AlertDescription, ContentType, HandshakeType, nameOf, ProtocolVersion } from './registry.ts';

/** A message that could not be parsed (RFC 8446 section 6.2, decode_error unless another section names an alert). */
export type InvalidMessageReason =
  | 'CertificatePayloadTooLarge'
  | 'DuplicateExtension'
  | 'EmptyRecord'
  | 'HandshakePayloadTooLarge'
  | 'IllegalEmptyList'
  | 'InvalidAlert'
  | 'InvalidCertificateStatusType'
  | 'InvalidChangeCipherSpec'
  | 'InvalidContentType'
  | 'InvalidKeyUpdate'
  | 'InvalidRecordSizeLimit'
  | 'InvalidServerName'
  | 'MissingData'
  | 'PreSharedKeyIsNotFinalExtension'
  | 'TrailingData'
  | 'UnknownProtocolVersion'
  | 'UnsupportedCompression'
  | 'UnsupportedCurveType'
  | 'VectorTooLong';

/** A well-formed message that the protocol forbids here. */
export type PeerMisbehavedReason =
  | 'AttemptedDowngradeToTls12WhenTls13IsSupported'
  | 'DisallowedExtension'
  | 'IllegalAlertLevel'
  | 'EarlyDataExtensionWithoutResumption'
  | 'EarlyDataOfferedWithVariedApplicationProtocol'
  | 'EarlyDataOfferedWithVariedCipherSuite'
  | 'IllegalHelloRetryRequestWithNoChanges'
  | 'IllegalHelloRetryRequestWithOfferedGroup'
  | 'IllegalHelloRetryRequestWithOversizedCookie'
  | 'IllegalHelloRetryRequestWithUnofferedGroup'
  | 'IllegalMiddleboxChangeCipherSpec'
  | 'IllegalRenegotiationInfo'
  | 'IllegalTlsInnerPlaintext'
  | 'InappropriateFallback'
  | 'IncorrectBinder'
  | 'IncorrectFinished'
  | 'IncorrectSessionId'
  | 'InvalidCertCompression'
  | 'InvalidKeyShare'
  | 'KeyEpochWithPendingFragment'
  | 'MessageInterleavedWithHandshakeMessage'
  | 'MissingKeyShare'
  | 'MissingPskModesExtension'
  | 'MultipleRawKeys'
  | 'NonEmptyCertificateRequestContext'
  | 'OfferedDuplicateCertificateCompressions'
  | 'OfferedDuplicateKeyShares'
  | 'OfferedEarlyDataWithOldProtocolVersion'
  | 'OfferedIncorrectCompressions'
  | 'OfferedUnadvertisedKeyShare'
  | 'PresentedKeyOnUnofferedCurve'
  | 'PskExtensionWithMismatchedIdsAndBinders'
  | 'RefusedToFollowHelloRetryRequest'
  | 'ResumptionAttemptedWithVariedEms'
  | 'ResumptionOfferedWithIncompatibleCipherSuite'
  | 'ResumptionOfferedWithVariedCipherSuite'
  | 'ResumptionOfferedWithVariedEms'
  | 'SelectedDifferentCipherSuiteAfterRetry'
  | 'SelectedInvalidPsk'
  | 'SelectedPskWithoutKeyShare'
  | 'SelectedTls12UsingTls13VersionExtension'
  | 'SelectedUnofferedApplicationProtocol'
  | 'SelectedUnofferedCertCompression'
  | 'SelectedUnofferedCertificateType'
  | 'SelectedUnofferedCipherSuite'
  | 'SelectedUnofferedKxGroup'
  | 'SelectedUnofferedVersion'
  | 'SelectedUnusableCipherSuiteForVersion'
  | 'ServerEchoedCompatibilitySessionId'
  | 'SignedHandshakeWithUnadvertisedSigScheme'
  | 'SignedKxWithWrongAlgorithm'
  | 'TooManyConsecutiveHandshakeMessagesAfterHandshake'
  | 'TooManyEmptyRecords'
  | 'TooManyRenegotiationRequests'
  | 'TooManyWarningAlerts'
  | 'TooMuchEarlyDataReceived'
  | 'UnsolicitedExtension'
  | 'VariedClientHelloAfterRetry'
  | 'WrongGroupForKeyShare';

/** A peer with which nothing in common was found. */
export type PeerIncompatibleReason =
  | 'ExtendedMasterSecretExtensionRequired'
  | 'IncorrectCertificateTypeExtension'
  | 'KeyShareExtensionRequired'
  | 'NamedGroupsExtensionRequired'
  | 'NoCipherSuitesInCommon'
  | 'NoGroupsInCommon'
  | 'NoSignatureSchemesInCommon'
  | 'NoVersionInCommon'
  | 'NullCompressionRequired'
  | 'SignatureAlgorithmsExtensionRequired'
  | 'SupportedVersionsExtensionRequired'
  | 'UncompressedEcPointsRequired';

/** Why a certificate was refused, with what a person needs to know about it. Times are milliseconds since 1970 UTC. */
export type CertificateErrorDetail =
  | { readonly reason: 'BadEncoding'; readonly what: string }
  | { readonly reason: 'Expired'; readonly now: number; readonly notAfter: number; readonly subject: string }
  | { readonly reason: 'NotValidYet'; readonly now: number; readonly notBefore: number; readonly subject: string }
  | { readonly reason: 'InvalidCertValidity'; readonly notBefore: number; readonly notAfter: number }
  | { readonly reason: 'UnsupportedCertVersion' }
  | { readonly reason: 'UnhandledCriticalExtension'; readonly oid: string; readonly subject: string }
  | {
      readonly reason: 'IssuerDistrusted';
      readonly issuer: string;
      /** From when on what it issues is not trusted. */
      readonly distrustAfter: number;
      /** Of the end entity. */
      readonly notBefore: number;
    }
  | { readonly reason: 'UnknownIssuer'; readonly issuer: string; readonly hint?: string }
  | { readonly reason: 'BadSignature'; readonly subject: string }
  | {
      readonly reason: 'UnsupportedSignatureAlgorithm';
      /** As dotted OIDs or names. */
      readonly algorithm: string;
      readonly supported: readonly string[];
    }
  | { readonly reason: 'UnsupportedSignatureAlgorithmForPublicKey'; readonly algorithm: string; readonly key: string }
  | {
      readonly reason: 'NotValidForName';
      /** The name asked for. */
      readonly expected: string;
      /** The names in the certificate's subjectAltName. */
      readonly presented: readonly string[];
    }
  | {
      readonly reason: 'InvalidPurpose';
      readonly required: string;
      readonly presented: readonly string[];
      readonly subject: string;
    }
  | { readonly reason: 'CaUsedAsEndEntity'; readonly subject: string }
  | { readonly reason: 'EndEntityUsedAsCa'; readonly subject: string }
  | { readonly reason: 'PathLengthExceeded'; readonly subject: string }
  | { readonly reason: 'KeyUsageForbidden'; readonly required: string; readonly subject: string }
  | {
      readonly reason: 'NameConstraintViolation';
      /** The name that violates them. */
      readonly name: string;
      /** Whose constraints they are. */
      readonly subject: string;
    }
  | { readonly reason: 'UnsupportedNameConstraints'; readonly subject: string }
  | { readonly reason: 'BudgetExceeded'; readonly what: string }
  | {
      readonly reason: 'Revoked';
      readonly subject: string;
      readonly revocationDate?: number;
      /** A CRLReason (RFC 5280 section 5.3.1). */
      readonly revocationReason?: string;
    }
  | { readonly reason: 'UnknownRevocationStatus'; readonly subject: string }
  | {
      readonly reason: 'ExpiredRevocationList';
      readonly now: number;
      readonly nextUpdate: number;
      readonly issuer: string;
    }
  | { readonly reason: 'InvalidOcspResponse'; readonly why: string }
  | {
      readonly reason: 'InsufficientScts';
      /** Signed certificate timestamps that count, and the operators of the logs they are from. */
      readonly valid: number;
      readonly operators: number;
      readonly requiredValid: number;
      readonly requiredOperators: number;
      /** What else is missing, and why others do not count. */
      readonly why: readonly string[];
    }
  /** A rule beyond path validation, of the policy that was chosen. */
  | { readonly reason: 'PolicyViolation'; readonly rule: string; readonly why: string; readonly subject: string }
  /** None of its keys is pinned. */
  | { readonly reason: 'UnknownPublicKey'; readonly sha256: readonly string[] }
  | { readonly reason: 'ApplicationVerificationFailure'; readonly why: string }
  /** What a verifier of the user's finds; with the alert for it, if not `certificate_unknown`. */
  | { readonly reason: 'Other'; readonly why: string; readonly alert?: AlertDescription };

/** Why a certificate revocation list cannot be used. Whoever configured it is to blame, and not the peer. */
export type CertRevocationListErrorDetail =
  | { readonly reason: 'BadSignature'; readonly issuer: string }
  | {
      readonly reason: 'UnsupportedSignatureAlgorithm';
      readonly algorithm: string;
      readonly supported: readonly string[];
    }
  | { readonly reason: 'UnsupportedSignatureAlgorithmForPublicKey'; readonly algorithm: string; readonly key: string }
  | { readonly reason: 'InvalidCrlNumber' }
  | { readonly reason: 'InvalidRevokedCertSerialNumber' }
  /** The issuer's key usage does not allow cRLSign. */
  | { readonly reason: 'IssuerInvalidForCrl'; readonly issuer: string }
  | { readonly reason: 'ParseError'; readonly what: string }
  | { readonly reason: 'UnsupportedCrlVersion' }
  | { readonly reason: 'UnsupportedCriticalExtension'; readonly oid: string }
  | { readonly reason: 'UnsupportedDeltaCrl' }
  | { readonly reason: 'UnsupportedIndirectCrl' }
  /** It has no distribution point, or one that is named relative to the issuer. */
  | { readonly reason: 'UnsupportedCrlIssuingDistributionPoint' }
  | { readonly reason: 'UnsupportedRevocationReason' }
  /** It is for some reasons of revocation only. */
  | { readonly reason: 'UnsupportedRevocationReasonsPartitioning' };

/** What happened, by its `code`, and by a `reason` where the code has several; with the context of each. */
export type TlsErrorDetail =
  | {
      readonly code: 'InappropriateMessage';
      readonly expected: readonly ContentType[];
      readonly received: ContentType;
    }
  | {
      readonly code: 'InappropriateHandshakeMessage';
      readonly expected: readonly HandshakeType[];
      readonly received: HandshakeType;
    }
  | { readonly code: 'InvalidMessage'; readonly reason: InvalidMessageReason; readonly what: string }
  | { readonly code: 'PeerMisbehaved'; readonly reason: PeerMisbehavedReason; readonly what?: string }
  | { readonly code: 'PeerIncompatible'; readonly reason: PeerIncompatibleReason; readonly what?: string }
  | ({ readonly code: 'InvalidCertificate' } & CertificateErrorDetail)
  | ({ readonly code: 'InvalidCertRevocationList' } & CertRevocationListErrorDetail)
  /** Authentication was required and the peer sent no certificate. */
  | { readonly code: 'NoCertificatesPresented'; readonly version: ProtocolVersion }
  /** CertificateVerify, or ServerKeyExchange, does not match the certificate's key: the peer does not hold it. */
  | { readonly code: 'BadHandshakeSignature'; readonly scheme: number }
  | { readonly code: 'AlertReceived'; readonly alert: AlertDescription }
  /** A record could not be authenticated. Says nothing more on purpose. */
  | { readonly code: 'DecryptError' }
  | { readonly code: 'PeerSentOversizedRecord' }
  | { readonly code: 'NoApplicationProtocol'; readonly offered: readonly string[] }
  | { readonly code: 'NoSuitableCertificate'; readonly serverName: string | undefined }
  /** The transport ended without close_notify: what was received may be cut short (RFC 8446 section 6.1). */
  | { readonly code: 'UnexpectedEof'; readonly during: 'handshake' | 'traffic' }
  | { readonly code: 'HandshakeTimeout'; readonly afterMillis: number }
  | { readonly code: 'HandshakeNotComplete' }
  /** As many records were sent as the key may protect, and this version cannot change it: only a new connection can. */
  | { readonly code: 'KeyExhausted' }
  /** The connection was abandoned by its own side. */
  | { readonly code: 'Closed' }
  /** Something of our own side failed: a provider, a resolver, a verifier of the user's, or tyls itself. */
  | { readonly code: 'General'; readonly why: string };

/** The stable codes, without their reasons. */
export type TlsErrorCode = TlsErrorDetail['code'];

/** What goes with a detail. */
export interface TlsErrorOptions extends ErrorOptions {
  readonly message?: string;
}

/** Any failure that the peer, the wire or a certificate caused. A caller's mistakes are `TypeError`s and `RangeError`s. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  /** What happened, for programs. */
  readonly detail: TlsErrorDetail;

  /** @param options with a `message` of one's own in place of the default, which is made of the detail */
  constructor(detail: TlsErrorDetail, { message = describe(detail), ...options }: TlsErrorOptions = {}) {
    super(message, options);
    this.detail = detail;
  }

  /** The stable code, with its reason where it has one: `'DecryptError'`, `'InvalidCertificate.Expired'`. */
  get code(): string {
    return 'reason' in this.detail ? `${this.detail.code}.${this.detail.reason}` : this.detail.code;
  }

  /** The alert that the peer is sent for it, or `undefined` where there is none to send. */
  get alert(): AlertDescription | undefined {
    return alertFor(this.detail);
  }
}

/** Whether something thrown is a {@link TlsError}. */
export function isTlsError(error: unknown): error is TlsError {
  return error instanceof TlsError;
}

/** Anything thrown, as a `TlsError`: what is not one already is a failure of our own side. */
export function asTlsError(error: unknown): TlsError {
  if (isTlsError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new TlsError({ code: 'General', why }, { cause: error });
}

/** The alert for a detail (RFC 8446 section 6.2 and the sections that name one); `undefined`: none is sent. */
export function alertFor(detail: TlsErrorDetail): AlertDescription | undefined {
  switch (detail.code) {
    case 'InappropriateMessage':
    case 'InappropriateHandshakeMessage':
      return AlertDescription.unexpected_message;
    case 'InvalidMessage':
      return invalidMessageAlert(detail.reason);
    case 'PeerMisbehaved':
      return peerMisbehavedAlert(detail.reason);
    case 'PeerIncompatible':
      return peerIncompatibleAlert(detail.reason);
    case 'InvalidCertificate':
      return certificateAlert(detail);
    case 'NoCertificatesPresented':
      // RFC 5246 section 7.4.6: TLS 1.2 has no alert of its own for it.
      return detail.version === ProtocolVersion.TLSv1_2
        ? AlertDescription.handshake_failure
        : AlertDescription.certificate_required;
    case 'BadHandshakeSignature':
      return AlertDescription.decrypt_error;
    case 'DecryptError':
      return AlertDescription.bad_record_mac;
    case 'PeerSentOversizedRecord':
      return AlertDescription.record_overflow;
    case 'NoApplicationProtocol':
      return AlertDescription.no_application_protocol;
    case 'NoSuitableCertificate':
      return AlertDescription.handshake_failure;
    case 'InvalidCertRevocationList':
    case 'General':
      return AlertDescription.internal_error;
    case 'KeyExhausted':
      return AlertDescription.close_notify;
    case 'AlertReceived':
    case 'UnexpectedEof':
    case 'HandshakeNotComplete':
    case 'HandshakeTimeout':
    case 'Closed':
      return undefined;
  }
}

// Of each kind most reasons have the same alert, the default. The tests have a table of them all, which the types keep whole.

function invalidMessageAlert(reason: InvalidMessageReason): AlertDescription {
  switch (reason) {
    case 'CertificatePayloadTooLarge':
      return AlertDescription.bad_certificate;
    case 'DuplicateExtension':
    case 'PreSharedKeyIsNotFinalExtension':
    case 'UnsupportedCompression':
    case 'UnsupportedCurveType':
    case 'InvalidKeyUpdate':
    case 'InvalidRecordSizeLimit':
      return AlertDescription.illegal_parameter;
    case 'EmptyRecord':
    case 'InvalidChangeCipherSpec':
    case 'InvalidContentType':
      return AlertDescription.unexpected_message;
    case 'UnknownProtocolVersion':
      return AlertDescription.protocol_version;
    default:
      return AlertDescription.decode_error;
  }
}

function peerMisbehavedAlert(reason: PeerMisbehavedReason): AlertDescription {
  switch (reason) {
    case 'UnsolicitedExtension':
      return AlertDescription.unsupported_extension;
    case 'IllegalMiddleboxChangeCipherSpec':
    case 'IllegalTlsInnerPlaintext':
    case 'KeyEpochWithPendingFragment':
    case 'MessageInterleavedWithHandshakeMessage':
    case 'TooManyConsecutiveHandshakeMessagesAfterHandshake':
    case 'TooManyEmptyRecords':
    case 'TooManyRenegotiationRequests':
    case 'TooMuchEarlyDataReceived':
      return AlertDescription.unexpected_message;
    case 'TooManyWarningAlerts':
      return AlertDescription.decode_error;
    case 'InvalidCertCompression':
      return AlertDescription.bad_certificate;
    case 'InappropriateFallback':
      return AlertDescription.inappropriate_fallback;
    case 'IncorrectBinder':
    case 'IncorrectFinished':
      return AlertDescription.decrypt_error;
    case 'IllegalRenegotiationInfo':
    // RFC 7627 section 5.2.
    case 'ResumptionAttemptedWithVariedEms':
    case 'ResumptionOfferedWithVariedEms':
      return AlertDescription.handshake_failure;
    case 'OfferedEarlyDataWithOldProtocolVersion':
      return AlertDescription.protocol_version;
    case 'MissingKeyShare':
    case 'MissingPskModesExtension':
      return AlertDescription.missing_extension;
    default:
      return AlertDescription.illegal_parameter;
  }
}

function peerIncompatibleAlert(reason: PeerIncompatibleReason): AlertDescription {
  switch (reason) {
    case 'NoVersionInCommon':
    case 'SupportedVersionsExtensionRequired':
      return AlertDescription.protocol_version;
    case 'KeyShareExtensionRequired':
    case 'NamedGroupsExtensionRequired':
    case 'SignatureAlgorithmsExtensionRequired':
      return AlertDescription.missing_extension;
    case 'NullCompressionRequired':
    case 'UncompressedEcPointsRequired':
      return AlertDescription.illegal_parameter;
    case 'IncorrectCertificateTypeExtension':
      return AlertDescription.unsupported_certificate;
    default:
      return AlertDescription.handshake_failure;
  }
}

function certificateAlert(detail: CertificateErrorDetail): AlertDescription {
  switch (detail.reason) {
    case 'Expired':
    case 'NotValidYet':
    case 'InvalidCertValidity':
      return AlertDescription.certificate_expired;
    case 'UnknownIssuer':
    case 'IssuerDistrusted':
    case 'UnknownRevocationStatus':
    case 'ExpiredRevocationList':
      return AlertDescription.unknown_ca;
    case 'BadSignature':
    case 'UnsupportedSignatureAlgorithm':
    case 'UnsupportedSignatureAlgorithmForPublicKey':
      return AlertDescription.decrypt_error;
    case 'InvalidPurpose':
    case 'KeyUsageForbidden':
      return AlertDescription.unsupported_certificate;
    case 'Revoked':
      return AlertDescription.certificate_revoked;
    case 'InvalidOcspResponse':
      return AlertDescription.bad_certificate_status_response;
    case 'ApplicationVerificationFailure':
      return AlertDescription.access_denied;
    case 'UnknownPublicKey':
      return AlertDescription.certificate_unknown;
    case 'Other':
      return detail.alert ?? AlertDescription.certificate_unknown;
    default:
      return AlertDescription.bad_certificate;
  }
}

function describe(detail: TlsErrorDetail): string {
  switch (detail.code) {
    case 'InappropriateMessage':
      return `received a ${nameOf(ContentType, detail.received)} record when expecting ${names(ContentType, detail.expected)}`;
    case 'InappropriateHandshakeMessage':
      return `received ${nameOf(HandshakeType, detail.received)} when expecting ${names(HandshakeType, detail.expected)}`;
    case 'InvalidMessage':
      return `received a corrupt ${detail.what}: ${detail.reason}`;
    case 'PeerMisbehaved':
      return `the peer misbehaved: ${detail.reason}${suffix(detail.what)}`;
    case 'PeerIncompatible':
      return `the peer is incompatible: ${detail.reason}${suffix(detail.what)}`;
    case 'InvalidCertificate':
      // Who verifies certificates says more: see `@tyls/webpki`.
      return `invalid peer certificate: ${detail.reason === 'ApplicationVerificationFailure' || detail.reason === 'Other' ? detail.why : detail.reason}`;
    case 'InvalidCertRevocationList':
      return `invalid certificate revocation list: ${detail.reason}`;
    case 'NoCertificatesPresented':
      return 'the peer sent no certificate, and one is required';
    case 'BadHandshakeSignature':
      return "the peer's handshake signature is wrong: it does not hold the certificate's private key";
    case 'AlertReceived':
      return `the peer sent the alert ${nameOf(AlertDescription, detail.alert)}`;
    case 'DecryptError':
      return "cannot decrypt the peer's record";
    case 'PeerSentOversizedRecord':
      return 'the peer sent a record over the size limit';
    case 'NoApplicationProtocol':
      return `no application protocol (ALPN) in common; the peer offers ${detail.offered
        .slice(0, 16)
        .map((name) => JSON.stringify(name))
        .join(', ')}`;
    case 'NoSuitableCertificate':
      return `no certificate for ${detail.serverName ?? 'a client that names no server'} and the schemes it offers`;
    case 'UnexpectedEof':
      return `the peer ended the connection without close_notify during ${detail.during}: what was received may be cut short`;
    case 'HandshakeTimeout':
      return `the handshake did not complete within ${detail.afterMillis} ms`;
    case 'HandshakeNotComplete':
      return 'the handshake is not complete';
    case 'KeyExhausted':
      return 'the connection has sent as many records as its key may protect; open a new one';
    case 'Closed':
      return 'the connection was closed';
    case 'General':
      return `internal failure: ${detail.why}`;
  }
}

function names(registry: Readonly<Record<string, number>>, values: readonly number[]): string {
  return values.map((value) => nameOf(registry, value)).join(' or ');
}

function suffix(text: string | undefined): string {
  return text === undefined ? '' : ` (${text})`;
}
