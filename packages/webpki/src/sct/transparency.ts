/** Certificate transparency (RFC 6962): whether enough logs have promised to make a certificate public. */
import { type Awaitable, runToEnd, SignatureScheme, type SignatureVerification, type Step, wait } from '@tyls/tls-core';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { Budget } from '../budget.ts';
import { binaryString, equalBytes } from '../bytes.ts';
import { type Certificate } from '../certificate.ts';
import { type Digests } from '../digests.ts';
import { certificateError, refusalOf } from '../error.ts';
import { checkVerificationTime } from '../time.ts';
import { type CtLog, type CtLogList } from './log_list.ts';
import { embeddedTimestampList, precertificateTbs } from './precertificate.ts';
import {
  parseSignedCertificateTimestamp,
  type SignedCertificateTimestamp,
  splitTimestampList,
} from './signed_certificate_timestamp.ts';

/** How many timestamps are enough, each of another log. */
export interface SctPolicy {
  /** By default 2 for certificates valid for at most 180 days, and 3 for others, as browsers have it. */
  readonly minimumScts?: number;
  /** Of how many operators the logs must be at least; by default 2. */
  readonly minimumOperators?: number;
}

export interface SctOptions {
  /** Whose signature by its issuer was verified. */
  readonly certificate: Certificate;
  /** Content of the SubjectPublicKeyInfo's SEQUENCE of who issued it. */
  readonly issuerKey: Uint8Array;
  /** SignedCertificateTimestampLists from outside the certificate, where some came. */
  readonly tlsExtension?: Uint8Array | undefined;
  readonly ocspExtension?: Uint8Array | undefined;
  readonly logList: CtLogList;
  readonly policy?: SctPolicy;
  readonly signatureVerification: SignatureVerification;
  readonly digests: Digests;
  /** Milliseconds since 1970 UTC. */
  readonly now: number;
  /** Shared with the rest of the verification. */
  readonly budget?: Budget;
}

/** How a timestamp came: in the certificate, or beside it. */
export type SctSource = 'certificate' | 'TLS extension' | 'OCSP response';

export interface VerifiedSct {
  readonly log: CtLog;
  /** Milliseconds since 1970 UTC. */
  readonly timestamp: number;
  readonly source: SctSource;
}

/**
 * Verifies the timestamps of a certificate, and that those which count are enough. What cannot be read, is of an unknown
 * version or log, or is wrong in any way does not count, and the error says why.
 *
 * A retired log counts in the certificate alone, for what it signed before, and beside a log that is not retired.
 *
 * @throws TlsError `InvalidCertificate.InsufficientScts`
 * @throws RangeError if the provider has no SHA-256, or the time is no number
 */
export function verifyScts(options: SctOptions): Awaitable<readonly VerifiedSct[]> {
  return runToEnd(sctVerification(options));
}

/** {@link verifyScts} as a step. */
export function* sctVerification(options: SctOptions): Step<readonly VerifiedSct[]> {
  checkVerificationTime(options.now);
  const budget = options.budget ?? new Budget();
  const valid = new Map<CtLog, VerifiedSct>();
  const why: string[] = [];
  for (const { source, serialized } of serializedTimestamps(options, why)) {
    const sct = yield* verifyOne(serialized, source, valid, options, budget);
    if (typeof sct === 'string') why.push(`${source}: ${sct}`);
    else valid.set(sct.log, sct);
  }
  return enough([...valid.values()], why, options);
}

const days = 86_400_000;

function enough(
  scts: readonly VerifiedSct[],
  why: readonly string[],
  { certificate, policy = {} }: SctOptions,
): readonly VerifiedSct[] {
  const isShortLived = certificate.notAfter - certificate.notBefore <= 180 * days;
  const requiredValid = policy.minimumScts ?? (isShortLived ? 2 : 3);
  const requiredOperators = policy.minimumOperators ?? 2;
  const operators = new Set(scts.map(({ log }) => log.operator)).size;
  const isCurrent = scts.length === 0 || scts.some(({ log }) => log.trust === 'current');
  if (scts.length >= requiredValid && operators >= requiredOperators && isCurrent) return scts;
  throw certificateError({
    reason: 'InsufficientScts',
    valid: scts.length,
    operators,
    requiredValid,
    requiredOperators,
    why: [...(isCurrent ? [] : ['all are of retired logs']), ...why.slice(0, maxShown)],
  });
}

/** How many objections an error lists. */
const maxShown = 10;

interface SerializedSct {
  readonly source: SctSource;
  readonly serialized: Uint8Array;
}

/** @param why is added to for each list that cannot be read */
function serializedTimestamps(options: SctOptions, why: string[]): readonly SerializedSct[] {
  const { certificate, tlsExtension, ocspExtension } = options;
  const lists: readonly (readonly [SctSource, () => Uint8Array | undefined])[] = [
    ['certificate', () => embeddedTimestampList(certificate)],
    ['TLS extension', () => tlsExtension],
    ['OCSP response', () => ocspExtension],
  ];
  return lists.flatMap(([source, read]) => {
    try {
      const list = read();
      return list === undefined ? [] : splitTimestampList(list).map((serialized) => ({ source, serialized }));
    } catch (error) {
      why.push(`${source}: ${unreadable(error)}`);
      return [];
    }
  });
}

/** @returns why it does not count */
function* verifyOne(
  serialized: Uint8Array,
  source: SctSource,
  known: ReadonlyMap<CtLog, VerifiedSct>,
  options: SctOptions,
  budget: Budget,
): Step<VerifiedSct | string> {
  let sct: SignedCertificateTimestamp | undefined;
  try {
    sct = parseSignedCertificateTimestamp(serialized);
  } catch (error) {
    return unreadable(error);
  }
  if (sct === undefined) return 'it is of an unknown version';
  const log = options.logList.logs.get(binaryString(sct.logId));
  if (log === undefined) return 'it is of a log that is not in the list';
  const counted = known.get(log);
  // A second one of the same log adds nothing.
  if (counted !== undefined) return counted;
  const objection = objectionTo(sct, log, source, options);
  if (objection !== undefined) return `${log.description}: ${objection}`;
  budget.takeSignature();
  const isValid = yield* verifySignature(sct, log, source, options);
  return isValid ? { log, timestamp: sct.timestamp, source } : `${log.description}: its signature is wrong`;
}

function unreadable(error: unknown): string {
  const refusal = refusalOf(error);
  return refusal.reason === 'BadEncoding' ? refusal.what : refusal.reason;
}

function objectionTo(
  { timestamp }: SignedCertificateTimestamp,
  { trust, until, temporalInterval }: CtLog,
  source: SctSource,
  { certificate: { notAfter }, now }: SctOptions,
): string | undefined {
  if (timestamp > now) return 'it is from the future';
  if (trust === 'none') return 'the log is not in use';
  if (trust === 'retired' && source !== 'certificate') return 'the log was retired';
  if (until !== undefined && timestamp >= until) return 'the log was retired before';
  if (temporalInterval !== undefined && (notAfter < temporalInterval.start || notAfter >= temporalInterval.end)) {
    return 'the log is not for certificates that end then';
  }
  return undefined;
}

/** RFC 6962 section 2.1.4: those that logs may sign with. */
const logSchemes: readonly SignatureScheme[] = [
  SignatureScheme.ecdsa_secp256r1_sha256,
  SignatureScheme.rsa_pkcs1_sha256,
];

function* verifySignature(
  sct: SignedCertificateTimestamp,
  { key }: CtLog,
  source: SctSource,
  { certificate, issuerKey, signatureVerification, digests }: SctOptions,
): Step<boolean> {
  if (!logSchemes.includes(sct.scheme)) return false;
  const algorithm = signatureVerification.schemes.find(({ scheme }) => scheme === sct.scheme)?.algorithms[0];
  if (algorithm === undefined || !equalBytes(algorithm.publicKeyAlgorithm, key.algorithm)) return false;
  const message =
    source === 'certificate'
      ? signedMessage(sct, 1, issuerKeyHash(issuerKey, digests), precertificateTbs(certificate))
      : signedMessage(sct, 0, new Uint8Array(), certificate.der);
  return yield* wait(algorithm.verify(key.publicKey, message, sct.signature));
}

function issuerKeyHash(issuerKey: Uint8Array, { sha256 }: Digests): Uint8Array {
  if (sha256 === undefined) throw new RangeError('certificate transparency needs a provider with SHA-256');
  return sha256(derEncode(DerTag.sequence, issuerKey));
}

/**
 * RFC 6962 section 3.2: version v1, signature_type certificate_timestamp, timestamp, the entry, extensions.
 *
 * @param entryType x509_entry (0), or precert_entry (1), which has the hash of the issuer's key
 */
function signedMessage(
  { timestampBytes, extensions }: SignedCertificateTimestamp,
  entryType: 0 | 1,
  keyHash: Uint8Array,
  entry: Uint8Array,
): Uint8Array {
  const { length } = entry;
  const head = [0, 0, ...timestampBytes, 0, entryType, ...keyHash, length >> 16, length >> 8, length];
  const message = new Uint8Array(head.length + length + 2 + extensions.length);
  message.set(head);
  message.set(entry, head.length);
  message.set([extensions.length >> 8, extensions.length], head.length + length);
  message.set(extensions, head.length + length + 2);
  return message;
}
