/** What a key is certified for (RFC 5280 section 4.2.1.12). */
import { type CertificateErrorDetail } from '@tyls/tls-core';
import { describeName } from './distinguished_name.ts';
import { oidText } from './oid.ts';

/** What the end entity does: a server proves itself to clients, or a client to servers. */
export type Purpose = 'serverAuth' | 'clientAuth';

export const anyExtendedKeyUsageOid = '2.5.29.37.0';

const purposeNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  [anyExtendedKeyUsageOid]: 'anyExtendedKeyUsage',
};

/** How many purposes an error lists. */
const maxShown = 10;

/**
 * Without the extension a certificate is for any purpose; with it, the one required must be in it, and
 * anyExtendedKeyUsage is not enough (RFC 5280 section 4.2.1.12 lets an application require that).
 *
 * @param subject for the error
 * @returns why it is refused
 */
export function checkPurpose(
  extendedKeyUsage: readonly Uint8Array[] | undefined,
  required: Purpose,
  subject: Uint8Array,
): 'valid' | CertificateErrorDetail {
  if (extendedKeyUsage === undefined) return 'valid';
  const presented = extendedKeyUsage.map((oid) => {
    const text = oidText(oid);
    return purposeNames[text] ?? text;
  });
  return presented.includes(required)
    ? 'valid'
    : { reason: 'InvalidPurpose', required, presented: presented.slice(0, maxShown), subject: describeName(subject) };
}
