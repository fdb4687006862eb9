/** Extensions that matter beyond path validation, looked up where they are needed. */
import { type Certificate } from './certificate.ts';

/**
 * @param wanted dotted
 * @returns the content of extnValue's OCTET STRING, `undefined` if the certificate has no such extension; borrows its DER
 */
export function extensionValue({ extensions }: Certificate, wanted: string): Uint8Array | undefined {
  return extensions.list.find(({ oid }) => oid === wanted)?.value;
}
