/** Extensions that matter beyond path validation, looked up where they are needed. */
import { type Certificate, readCertificate } from './certificate.ts';

/**
 * @param oid dotted
 * @returns the content of extnValue's OCTET STRING, `undefined` if the certificate has no such extension; borrows its DER
 */
export function extensionValue({ der }: Pick<Certificate, 'der'>, oid: string): Uint8Array | undefined {
  return readCertificate(der).extensions.find((extension) => extension.oid === oid)?.value;
}
