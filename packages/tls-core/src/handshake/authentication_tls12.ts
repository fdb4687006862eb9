/** Signatures in TLS 1.2's ServerKeyExchange and CertificateVerify: RFC 5246 sections 7.4.3 and 7.4.8, RFC 8422. */
import { concat } from '../codec/bytes.ts';
import { type Tls12CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { type Randoms } from '../keys/tls12_prf.ts';
import { ClientCertificateType, SignatureScheme } from '../registry.ts';
import { type SignatureVerifier } from '../verify.ts';

type Authentication = Tls12CipherSuite['authentication'];

const schemesOf: Readonly<Record<Authentication, ReadonlySet<SignatureScheme>>> = {
  // RFC 8422 sections 2.1 and 5.10: EdDSA goes with the suites of ECDSA.
  ecdsa: /* @__PURE__ */ new Set<SignatureScheme>([
    SignatureScheme.ecdsa_secp256r1_sha256,
    SignatureScheme.ecdsa_secp384r1_sha384,
    SignatureScheme.ecdsa_secp521r1_sha512,
    SignatureScheme.ed25519,
    SignatureScheme.ed448,
  ]),
  // RFC 8446 section 4.2.3: a TLS 1.2 peer that offers RSASSA-PSS must be ready for it.
  rsa: /* @__PURE__ */ new Set<SignatureScheme>([
    SignatureScheme.rsa_pkcs1_sha256,
    SignatureScheme.rsa_pkcs1_sha384,
    SignatureScheme.rsa_pkcs1_sha512,
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
    SignatureScheme.rsa_pss_pss_sha256,
    SignatureScheme.rsa_pss_pss_sha384,
    SignatureScheme.rsa_pss_pss_sha512,
  ]),
};

/** Of the schemes those whose keys fit one of the kinds, in their order. */
export function schemesFor(
  kinds: readonly Authentication[],
  schemes: readonly SignatureScheme[],
): readonly SignatureScheme[] {
  return schemes.filter((scheme) => kinds.some((kind) => schemesOf[kind].has(scheme)));
}

const certificateTypes: Readonly<Record<Authentication, ClientCertificateType>> = {
  ecdsa: ClientCertificateType.ecdsa_sign,
  rsa: ClientCertificateType.rsa_sign,
};
const kinds: readonly Authentication[] = ['ecdsa', 'rsa'];

/** RFC 5246 section 7.4.4: the ClientCertificateTypes for keys that can sign with one of the schemes. */
export function certificateTypesFor(schemes: readonly SignatureScheme[]): Uint8Array {
  return Uint8Array.from(
    kinds.filter((kind) => schemesFor([kind], schemes).length > 0).map((k) => certificateTypes[k]),
  );
}

/** The kinds of keys that the types stand for; others, of long ago, are passed over. */
export function kindsOf(types: Uint8Array): readonly Authentication[] {
  return kinds.filter((kind) => types.includes(certificateTypes[kind]));
}

/** A peer's signature must be of a scheme that was offered, and that TLS 1.2 has. */
export function checkTls12Scheme({ schemes }: SignatureVerifier, scheme: SignatureScheme): void {
  if (!schemesFor(kinds, schemes).includes(scheme)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SignedHandshakeWithUnadvertisedSigScheme' });
  }
}

/** RFC 8422 section 5.4: what ServerKeyExchange signs. */
export function signedParams({ client, server }: Randoms, params: Uint8Array): Uint8Array {
  return concat([client, server, params]);
}
