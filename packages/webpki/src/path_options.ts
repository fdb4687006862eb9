/** What goes into the verification of a path, and what comes out. */
import { type SignatureVerificationAlgorithm } from '@tyls/tls-core';
import { type Budget } from './budget.ts';
import { type Certificate } from './certificate.ts';
import { type RevocationChecker } from './crl/revocation.ts';
import { type KeyUsageBit } from './extensions.ts';
import { type Policy } from './policy.ts';
import { type Purpose } from './purpose.ts';
import { type RootStore, type TrustAnchor } from './trust_anchor.ts';

export interface PathOptions {
  /** DER of the certificate to verify; borrowed by the result. */
  readonly endEntity: Uint8Array;
  /** DER of others that may help, in any order; borrowed by the result. */
  readonly intermediates: readonly Uint8Array[];
  readonly roots: RootStore;
  /** Those that signatures on certificates may have. */
  readonly algorithms: readonly SignatureVerificationAlgorithm[];
  readonly purpose: Purpose;
  /** Verification time, milliseconds since 1970 UTC. */
  readonly now: number;
  /** `defaultPolicy` by default. */
  readonly policy?: Policy | undefined;
  /** As many intermediates as a path may go through that are not self-issued; 6 by default, and never more. */
  readonly maxDepth?: number | undefined;
  /** What the end entity's key usage must allow, if its certificate has the extension; nothing by default. */
  readonly keyUsage?: readonly KeyUsageBit[] | undefined;
  /** Looks every certificate of a path up in revocation lists; without it none is. */
  readonly revocation?: RevocationChecker | undefined;
  /** Shared with the rest of a verification. */
  readonly budget?: Budget | undefined;
  /** Critical extensions that the caller acts on: dotted. */
  readonly handledExtensions?: readonly string[] | undefined;
}

export interface VerifiedPath {
  readonly endEntity: Certificate;
  /** From the end entity's issuer up to the one that the anchor issued. */
  readonly intermediates: readonly Certificate[];
  readonly anchor: TrustAnchor;
}
