/** Certificate and CertificateRequest of TLS 1.2, RFC 5246 sections 7.4.2 and 7.4.4, RFC 7250 section 3. */
import { emptyBytes } from '../codec/bytes.ts';
import { type Codec, opaque8, struct } from '../codec/codec.ts';
import { CertificateType, type SignatureScheme } from '../registry.ts';
import { certificateData, limitedList } from './certificate.ts';
import { distinguishedName, signatureSchemeList } from './extension.ts';

/** A Certificate message of that type. */
export function tls12CertificateOf(type: CertificateType): Codec<readonly Uint8Array[]> {
  return type === CertificateType.RawPublicKey ? rawPublicKey : tls12Certificate;
}

/** `opaque ASN.1_subjectPublicKeyInfo<1..2^24-1>`, at most one; a client that has none sends what is empty in both types. */
const rawPublicKey: Codec<readonly Uint8Array[]> = {
  read(r) {
    const key = limitedList(r, 0).rest();
    return key.length === 0 ? [] : [key];
  },
  write: (w, [key]) => void w.vec24(key ?? emptyBytes),
};

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
