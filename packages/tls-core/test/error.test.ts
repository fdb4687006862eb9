import {
  AlertDescription,
  alertFor,
  type CertificateErrorDetail,
  type CertRevocationListErrorDetail,
  type InvalidMessageReason,
  isTlsError,
  type PeerIncompatibleReason,
  type PeerMisbehavedReason,
  TlsError,
  type TlsErrorCode,
  type TlsErrorDetail,
} from '@tyls/tls-core';
import { describe, expect, test } from 'vitest';
import { asTlsError } from '../src/error.ts';

type AlertName = keyof typeof AlertDescription;

/** One of each detail, with its alert. Its type makes a new code or reason appear here first. */
const plain: { readonly [C in PlainCode]: readonly [Extract<TlsErrorDetail, { code: C }>, AlertName | undefined] } = {
  InappropriateMessage: [{ code: 'InappropriateMessage', expected: [22, 23], received: 20 }, 'unexpected_message'],
  InappropriateHandshakeMessage: [
    { code: 'InappropriateHandshakeMessage', expected: [2], received: 0x63 },
    'unexpected_message',
  ],
  NoCertificatesPresented: [{ code: 'NoCertificatesPresented', version: 0x0304 }, 'certificate_required'],
  BadHandshakeSignature: [{ code: 'BadHandshakeSignature', scheme: 0x0807 }, 'decrypt_error'],
  AlertReceived: [{ code: 'AlertReceived', alert: 40 }, undefined],
  DecryptError: [{ code: 'DecryptError' }, 'bad_record_mac'],
  PeerSentOversizedRecord: [{ code: 'PeerSentOversizedRecord' }, 'record_overflow'],
  NoApplicationProtocol: [{ code: 'NoApplicationProtocol', offered: ['h2', 'h3'] }, 'no_application_protocol'],
  NoSuitableCertificate: [{ code: 'NoSuitableCertificate', serverName: 'a.example' }, 'handshake_failure'],
  UnexpectedEof: [{ code: 'UnexpectedEof', during: 'traffic' }, undefined],
  HandshakeTimeout: [{ code: 'HandshakeTimeout', afterMillis: 10_000 }, undefined],
  HandshakeNotComplete: [{ code: 'HandshakeNotComplete' }, undefined],
  KeyExhausted: [{ code: 'KeyExhausted' }, 'close_notify'],
  Closed: [{ code: 'Closed' }, undefined],
  General: [{ code: 'General', why: 'the HSM is on fire' }, 'internal_error'],
};
type PlainCode = Exclude<
  TlsErrorCode,
  'InvalidMessage' | 'PeerMisbehaved' | 'PeerIncompatible' | 'InvalidCertificate' | 'InvalidCertRevocationList'
>;

const invalidMessage: Readonly<Record<InvalidMessageReason, AlertName>> = {
  CertificatePayloadTooLarge: 'bad_certificate',
  DuplicateExtension: 'illegal_parameter',
  EmptyRecord: 'unexpected_message',
  HandshakePayloadTooLarge: 'decode_error',
  IllegalEmptyList: 'decode_error',
  InvalidAlert: 'decode_error',
  InvalidCertificateStatusType: 'decode_error',
  InvalidChangeCipherSpec: 'unexpected_message',
  InvalidContentType: 'unexpected_message',
  InvalidKeyUpdate: 'illegal_parameter',
  InvalidRecordSizeLimit: 'illegal_parameter',
  InvalidServerName: 'decode_error',
  MissingData: 'decode_error',
  PreSharedKeyIsNotFinalExtension: 'illegal_parameter',
  TrailingData: 'decode_error',
  UnknownProtocolVersion: 'protocol_version',
  UnsupportedCompression: 'illegal_parameter',
  UnsupportedCurveType: 'illegal_parameter',
  VectorTooLong: 'decode_error',
};

const peerMisbehaved: Readonly<Record<PeerMisbehavedReason, AlertName>> = {
  AttemptedDowngradeToTls12WhenTls13IsSupported: 'illegal_parameter',
  DisallowedExtension: 'illegal_parameter',
  IllegalAlertLevel: 'illegal_parameter',
  EarlyDataExtensionWithoutResumption: 'illegal_parameter',
  EarlyDataOfferedWithVariedApplicationProtocol: 'illegal_parameter',
  EarlyDataOfferedWithVariedCipherSuite: 'illegal_parameter',
  IllegalHelloRetryRequestWithNoChanges: 'illegal_parameter',
  IllegalHelloRetryRequestWithOversizedCookie: 'illegal_parameter',
  IllegalHelloRetryRequestWithOfferedGroup: 'illegal_parameter',
  IllegalHelloRetryRequestWithUnofferedGroup: 'illegal_parameter',
  IllegalMiddleboxChangeCipherSpec: 'unexpected_message',
  IllegalRenegotiationInfo: 'handshake_failure',
  IllegalTlsInnerPlaintext: 'unexpected_message',
  InappropriateFallback: 'inappropriate_fallback',
  IncorrectBinder: 'decrypt_error',
  IncorrectFinished: 'decrypt_error',
  IncorrectSessionId: 'illegal_parameter',
  InvalidKeyShare: 'illegal_parameter',
  KeyEpochWithPendingFragment: 'unexpected_message',
  MessageInterleavedWithHandshakeMessage: 'unexpected_message',
  MissingKeyShare: 'missing_extension',
  MissingPskModesExtension: 'missing_extension',
  MultipleRawKeys: 'illegal_parameter',
  NonEmptyCertificateRequestContext: 'illegal_parameter',
  OfferedDuplicateCertificateCompressions: 'illegal_parameter',
  OfferedDuplicateKeyShares: 'illegal_parameter',
  OfferedEarlyDataWithOldProtocolVersion: 'protocol_version',
  OfferedIncorrectCompressions: 'illegal_parameter',
  OfferedUnadvertisedKeyShare: 'illegal_parameter',
  PskExtensionWithMismatchedIdsAndBinders: 'illegal_parameter',
  PresentedKeyOnUnofferedCurve: 'illegal_parameter',
  RefusedToFollowHelloRetryRequest: 'illegal_parameter',
  ResumptionAttemptedWithVariedEms: 'handshake_failure',
  ResumptionOfferedWithIncompatibleCipherSuite: 'illegal_parameter',
  ResumptionOfferedWithVariedCipherSuite: 'illegal_parameter',
  ResumptionOfferedWithVariedEms: 'handshake_failure',
  SelectedDifferentCipherSuiteAfterRetry: 'illegal_parameter',
  SelectedInvalidPsk: 'illegal_parameter',
  SelectedPskWithoutKeyShare: 'illegal_parameter',
  SelectedTls12UsingTls13VersionExtension: 'illegal_parameter',
  InvalidCertCompression: 'bad_certificate',
  SelectedUnofferedCertCompression: 'illegal_parameter',
  SelectedUnofferedCertificateType: 'illegal_parameter',
  SelectedUnofferedApplicationProtocol: 'illegal_parameter',
  SelectedUnofferedCipherSuite: 'illegal_parameter',
  SelectedUnofferedKxGroup: 'illegal_parameter',
  SelectedUnofferedVersion: 'illegal_parameter',
  SelectedUnusableCipherSuiteForVersion: 'illegal_parameter',
  ServerEchoedCompatibilitySessionId: 'illegal_parameter',
  SignedHandshakeWithUnadvertisedSigScheme: 'illegal_parameter',
  SignedKxWithWrongAlgorithm: 'illegal_parameter',
  TooManyConsecutiveHandshakeMessagesAfterHandshake: 'unexpected_message',
  TooManyEmptyRecords: 'unexpected_message',
  TooManyRenegotiationRequests: 'unexpected_message',
  TooManyWarningAlerts: 'decode_error',
  TooMuchEarlyDataReceived: 'unexpected_message',
  UnsolicitedExtension: 'unsupported_extension',
  VariedClientHelloAfterRetry: 'illegal_parameter',
  WrongGroupForKeyShare: 'illegal_parameter',
};

const peerIncompatible: Readonly<Record<PeerIncompatibleReason, AlertName>> = {
  ExtendedMasterSecretExtensionRequired: 'handshake_failure',
  IncorrectCertificateTypeExtension: 'unsupported_certificate',
  KeyShareExtensionRequired: 'missing_extension',
  NamedGroupsExtensionRequired: 'missing_extension',
  NoCipherSuitesInCommon: 'handshake_failure',
  NoGroupsInCommon: 'handshake_failure',
  NoSignatureSchemesInCommon: 'handshake_failure',
  NoVersionInCommon: 'protocol_version',
  NullCompressionRequired: 'illegal_parameter',
  SignatureAlgorithmsExtensionRequired: 'missing_extension',
  SupportedVersionsExtensionRequired: 'protocol_version',
  UncompressedEcPointsRequired: 'illegal_parameter',
};

const certificates: Readonly<Record<CertificateErrorDetail['reason'], AlertName>> = {
  BadEncoding: 'bad_certificate',
  Expired: 'certificate_expired',
  NotValidYet: 'certificate_expired',
  InvalidCertValidity: 'certificate_expired',
  UnsupportedCertVersion: 'bad_certificate',
  IssuerDistrusted: 'unknown_ca',
  UnhandledCriticalExtension: 'bad_certificate',
  UnknownIssuer: 'unknown_ca',
  BadSignature: 'decrypt_error',
  UnsupportedSignatureAlgorithm: 'decrypt_error',
  UnsupportedSignatureAlgorithmForPublicKey: 'decrypt_error',
  NotValidForName: 'bad_certificate',
  InvalidPurpose: 'unsupported_certificate',
  CaUsedAsEndEntity: 'bad_certificate',
  EndEntityUsedAsCa: 'bad_certificate',
  PathLengthExceeded: 'bad_certificate',
  KeyUsageForbidden: 'unsupported_certificate',
  NameConstraintViolation: 'bad_certificate',
  UnsupportedNameConstraints: 'bad_certificate',
  BudgetExceeded: 'bad_certificate',
  Revoked: 'certificate_revoked',
  UnknownRevocationStatus: 'unknown_ca',
  ExpiredRevocationList: 'unknown_ca',
  InvalidOcspResponse: 'bad_certificate_status_response',
  InsufficientScts: 'bad_certificate',
  PolicyViolation: 'bad_certificate',
  UnknownPublicKey: 'certificate_unknown',
  ApplicationVerificationFailure: 'access_denied',
  Other: 'certificate_unknown',
};

const revocationLists: Readonly<Record<CertRevocationListErrorDetail['reason'], AlertName>> = {
  BadSignature: 'internal_error',
  UnsupportedSignatureAlgorithm: 'internal_error',
  UnsupportedSignatureAlgorithmForPublicKey: 'internal_error',
  InvalidCrlNumber: 'internal_error',
  InvalidRevokedCertSerialNumber: 'internal_error',
  IssuerInvalidForCrl: 'internal_error',
  ParseError: 'internal_error',
  UnsupportedCrlVersion: 'internal_error',
  UnsupportedCriticalExtension: 'internal_error',
  UnsupportedDeltaCrl: 'internal_error',
  UnsupportedIndirectCrl: 'internal_error',
  UnsupportedCrlIssuingDistributionPoint: 'internal_error',
  UnsupportedRevocationReason: 'internal_error',
  UnsupportedRevocationReasonsPartitioning: 'internal_error',
};

const reasons = <R extends string>(table: Readonly<Record<R, unknown>>): R[] => Object.keys(table) as R[];

const all: readonly (readonly [TlsErrorDetail, AlertName | undefined])[] = [
  ...Object.values(plain),
  ...reasons(invalidMessage).map(
    (reason) => [{ code: 'InvalidMessage', reason, what: 'Certificate' }, invalidMessage[reason]] as const,
  ),
  ...reasons(peerMisbehaved).map((reason) => [{ code: 'PeerMisbehaved', reason }, peerMisbehaved[reason]] as const),
  ...reasons(peerIncompatible).map(
    (reason) => [{ code: 'PeerIncompatible', reason, what: 'why' }, peerIncompatible[reason]] as const,
  ),
  ...reasons(certificates).map(
    (reason) => [{ code: 'InvalidCertificate', reason, why: reason } as TlsErrorDetail, certificates[reason]] as const,
  ),
  ...reasons(revocationLists).map(
    (reason) => [{ code: 'InvalidCertRevocationList', reason } as TlsErrorDetail, revocationLists[reason]] as const,
  ),
];

describe('every detail', () => {
  test.each(all.map(([detail, alert]) => [new TlsError(detail).code, detail, alert] as const))(
    '%s has its alert and says what happened',
    (code, detail, alert) => {
      const error = new TlsError(detail);
      expect(error.alert).toBe(alert === undefined ? undefined : AlertDescription[alert]);
      expect(alertFor(detail)).toBe(error.alert);
      expect(error.name).toBe('TlsError');
      expect(code).toBe('reason' in detail ? `${detail.code}.${detail.reason}` : detail.code);
      expect(error.message).toMatch(/^\S[^]{8,}\S$/);
      expect(error.message).not.toMatch(/undefined|NaN|\[object/);
    },
  );

  test('no two have one message', () => {
    const messages = all.map(([detail]) => new TlsError(detail).message);
    expect(new Set(messages).size).toBe(messages.length);
  });
});

test('the alert for what depends on more than its reason', () => {
  expect(alertFor({ code: 'NoCertificatesPresented', version: 0x0303 })).toBe(AlertDescription.handshake_failure);
  const alert = AlertDescription.insufficient_security;
  expect(alertFor({ code: 'InvalidCertificate', reason: 'Other', why: 'mine', alert })).toBe(alert);
});

test.each([
  [plain.InappropriateMessage[0], 'received a change_cipher_spec record when expecting handshake or application_data'],
  [plain.InappropriateHandshakeMessage[0], 'received 0x0063 when expecting server_hello'],
  [{ code: 'PeerMisbehaved', reason: 'MissingKeyShare', what: 'x' } as const, 'MissingKeyShare (x)'],
  [{ code: 'InvalidMessage', reason: 'MissingData', what: 'Finished' } as const, 'corrupt Finished: MissingData'],
  [{ code: 'NoSuitableCertificate', serverName: undefined } as const, 'a client that names no server'],
  [{ code: 'InvalidCertificate', reason: 'Expired', now: 0, notAfter: 1, subject: 'CN=a' } as const, 'Expired'],
])('message of %j', (detail, text) => {
  expect(new TlsError(detail).message).toContain(text);
});

test('a message of its maker in place of the default, with a cause', () => {
  const cause = new Error('why');
  const error = new TlsError({ code: 'Closed' }, { message: 'mine', cause });
  expect(error.message).toBe('mine');
  expect(error.cause).toBe(cause);
});

test('what is no TlsError becomes a failure of our own side, with its cause', () => {
  const own = new TlsError({ code: 'DecryptError' });
  expect(asTlsError(own)).toBe(own);
  const cause = new RangeError('out of luck');
  const error = asTlsError(cause);
  expect(error.detail).toEqual({ code: 'General', why: 'out of luck' });
  expect(error.cause).toBe(cause);
  expect(asTlsError('text').detail).toEqual({ code: 'General', why: 'text' });
  expect(asTlsError(undefined).detail).toEqual({ code: 'General', why: 'undefined' });
});

test('isTlsError tells a TlsError from others', () => {
  expect(isTlsError(new TlsError({ code: 'Closed' }))).toBe(true);
  expect(isTlsError(new Error('Closed'))).toBe(false);
  expect(isTlsError(undefined)).toBe(false);
});
