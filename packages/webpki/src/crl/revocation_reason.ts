/** CRLReason (RFC 5280 section 5.3.1), which OCSP has too. */

/** By number; 7 is not in use. */
const revocationReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const;

export type RevocationReason = NonNullable<(typeof revocationReasons)[number]>;

/**
 * @param content of the ENUMERATED
 * @returns `undefined` if there is no such reason
 */
export function readRevocationReason(content: Uint8Array): RevocationReason | undefined {
  return content.length === 1 ? revocationReasons[content[0]!] : undefined;
}
