/** Certificate and CertificateRequest of TLS 1.2, RFC 5246 sections 7.4.2 and 7.4.4. */
import { type Codec, opaque8, struct } from '../codec/codec.ts';
import { type SignatureScheme } from '../registry.ts';
import { certificateData, limitedList } from './certificate.ts';
import { distinguishedName, signatureSchemeList } from './extension.ts';

/** `ASN.1Cert certificate_list<0..2^24-1>`: DER, the sender's own first. */
export const tls12Certificate: Codec<readonly Uint8Array[]> = {
  read(r) {
    const list = limitedList(r, 0);
    const certificates: Uint8Array[] = [];
    while (list.remaining > 0) certificates.push(certificateData.read(list));
    return certificates;
  },
  write: (w, certificates) =>
    void w.prefixed(3, () => {
      for (const certificate of certificates) certificateData.write(w, certificate);
    }),
};

export interface Tls12CertificateRequest {
  /** ClientCertificateType, at least one. */
  readonly certificateTypes: Uint8Array;
  readonly signatureSchemes: readonly SignatureScheme[];
  /** DER Names; none: any CA will do. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

/** `DistinguishedName certificate_authorities<0..2^16-1>` */
const authorities: Codec<readonly Uint8Array[]> = {
  read(r) {
    const list = r.sub16();
    const names: Uint8Array[] = [];
    while (list.remaining > 0) names.push(distinguishedName.read(list));
    return names;
  },
  write: (w, names) =>
    void w.prefixed(2, () => {
      for (const name of names) distinguishedName.write(w, name);
    }),
};

export const tls12CertificateRequest: Codec<Tls12CertificateRequest> = struct({
  certificateTypes: opaque8(1),
  signatureSchemes: signatureSchemeList,
  certificateAuthorities: authorities,
});
