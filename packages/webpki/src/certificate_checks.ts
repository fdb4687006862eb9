/** What a certificate must be, whichever path it is in (RFC 5280 section 6.1.3 and 6.1.4). */
import { type CertificateErrorDetail } from '@tyls/tls-core';
import { type Certificate, parseCertificate } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { attempt } from './error.ts';
import { type KeyUsageBit, unhandledCritical } from './extensions.ts';
import { type PathRole, type Policy } from './policy.ts';
import { checkPurpose, type Purpose } from './purpose.ts';
import { type TrustAnchor } from './trust_anchor.ts';

export interface CheckOptions {
  readonly purpose: Purpose;
  readonly policy: Policy;
  /** Bits that the end entity's key usage must have, if it has the extension. */
  readonly keyUsage: readonly KeyUsageBit[];
  /** As it was given, for errors. */
  readonly now: number;
  /** In whole seconds, as certificates count, who are valid to the end of their last one. */
  readonly nowInSeconds: number;
  /** Critical extensions that nothing here acts on, but something else does: dotted. */
  readonly handledExtensions: ReadonlySet<string>;
}

type Outcome = 'valid' | CertificateErrorDetail;

export function checkEndEntity(certificate: Certificate, options: CheckOptions): Outcome {
  const { extensions, subject } = certificate;
  const { basicConstraints, keyUsage, extendedKeyUsage } = extensions;
  const refusal = checkAny(certificate, options);
  if (refusal !== 'valid') return refusal;
  // RFC 5280 section 4.2.1.9: keyCertSign is for CAs only.
  if (basicConstraints?.cA === true || keyUsage?.keyCertSign === true) {
    return { reason: 'CaUsedAsEndEntity', subject: describeName(subject) };
  }
  const missing = keyUsage === undefined ? undefined : options.keyUsage.find((bit) => !keyUsage[bit]);
  if (missing !== undefined) {
    return { reason: 'KeyUsageForbidden', required: missing, subject: describeName(subject) };
  }
  const purpose = checkPurpose(extendedKeyUsage, options.purpose, subject);
  return purpose === 'valid' ? checkRules(certificate, 'endEntity', options) : purpose;
}

export function checkIssuer(certificate: Certificate, options: CheckOptions): Outcome {
  const { extensions, subject } = certificate;
  const { basicConstraints, keyUsage, extendedKeyUsage } = extensions;
  const refusal = checkAny(certificate, options);
  if (refusal !== 'valid') return refusal;
  if (basicConstraints?.cA !== true) return { reason: 'EndEntityUsedAsCa', subject: describeName(subject) };
  // A CA's certificate must have keyUsage (RFC 5280 section 4.2.1.3); old ones without it are in use.
  if (keyUsage?.keyCertSign === false) {
    return { reason: 'KeyUsageForbidden', required: 'keyCertSign', subject: describeName(subject) };
  }
  const purpose = checkPurpose(extendedKeyUsage, options.purpose, subject);
  return purpose === 'valid' ? checkRules(certificate, 'intermediate', options) : purpose;
}

/** Rules look at the certificate of an anchor, if it is known; nothing else does. */
export function checkAnchor({ certificate }: TrustAnchor, options: CheckOptions): Outcome {
  if (certificate === undefined || options.policy.rules.length === 0) return 'valid';
  const parsed = attempt(() => parseCertificate(certificate));
  return 'reason' in parsed ? parsed : checkRules(parsed, 'anchor', options);
}

function checkAny(certificate: Certificate, { now, nowInSeconds, handledExtensions }: CheckOptions): Outcome {
  const { subject, notBefore, notAfter, extensions } = certificate;
  const oid = unhandledCritical(extensions, handledExtensions);
  if (oid !== undefined) return { reason: 'UnhandledCriticalExtension', oid, subject: describeName(subject) };
  if (nowInSeconds < notBefore) return { reason: 'NotValidYet', now, notBefore, subject: describeName(subject) };
  if (nowInSeconds > notAfter) return { reason: 'Expired', now, notAfter, subject: describeName(subject) };
  return 'valid';
}

function checkRules(certificate: Certificate, role: PathRole, options: CheckOptions): Outcome {
  const { policy, purpose, nowInSeconds: now } = options;
  for (const { name, check } of policy.rules) {
    const result = attempt(() => ({ why: check(certificate, { role, purpose, now }) }));
    if ('reason' in result) return result;
    if (result.why !== undefined) {
      return { reason: 'PolicyViolation', rule: name, why: result.why, subject: describeName(certificate.subject) };
    }
  }
  return 'valid';
}
