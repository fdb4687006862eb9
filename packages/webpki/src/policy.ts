/** Policies: what is demanded of the certificates of a path beyond what every verification demands. */
import { type Certificate } from './certificate.ts';
import { type DirectoryNameConstraints } from './name_constraints.ts';
import { type Purpose } from './purpose.ts';
import { type NameOptions } from './subject_name.ts';

/**
 * A plain object, to be varied by spreading:
 *
 * ```ts
 * const policy = { ...strictPolicy, rules: strictPolicy.rules.filter(({ name }) => name !== 'commonName') };
 * ```
 */
export interface Policy extends NameOptions {
  /**
   * Whether self-issued CAs count for path lengths and are subject to name constraints. RFC 5280 sections 4.2.1.9 and
   * 4.2.1.10 exempt them, so that a CA can certify its new key.
   */
  readonly selfIssuedIntermediates: 'exempt' | 'count';
  /** Whether name constraints on directoryName are enforced, or refuse whatever is below them. */
  readonly directoryNameConstraints: DirectoryNameConstraints;
  /** Every certificate of a path must keep them, the trust anchor's too where the anchor has it. */
  readonly rules: readonly CertificateRule[];
}

/** What a certificate is in a path. */
export type PathRole = 'endEntity' | 'intermediate' | 'anchor';

export interface RuleContext {
  readonly role: PathRole;
  readonly purpose: Purpose;
  /** Verification time, milliseconds since 1970 UTC, in whole seconds. */
  readonly now: number;
}

/** A demand on single certificates. */
export interface CertificateRule {
  /** Stable, and unique in a policy; it is in the error. */
  readonly name: string;
  /**
   * @returns what is wrong, as half a sentence; `undefined` if nothing is. A `TlsError` may be thrown for what cannot be
   *   parsed.
   */
  readonly check: (certificate: Certificate, context: RuleContext) => string | undefined;
}

/** What rustls-webpki demands. */
export const defaultPolicy: Policy = {
  selfIssuedIntermediates: 'count',
  directoryNameConstraints: 'refused',
  rules: [],
};
