/** How signature_algorithms_cert speaks of the algorithms that certificates are signed with. */
import { equalBytes } from '../codec/bytes.ts';
import { SignatureScheme } from '../registry.ts';
import { publicKeyAlgorithm, signatureAlgorithm } from './algorithm_identifier.ts';

const { ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512, ...others } = SignatureScheme;

/** By which schemes signature_algorithms_cert speaks of each; the hash of an ECDSA scheme counts, whatever the curve. */
const certificateSchemes: readonly (readonly [algorithm: Uint8Array, schemes: readonly SignatureScheme[]])[] = [
  [signatureAlgorithm.ecdsaSha256, [ecdsa_secp256r1_sha256]],
  [signatureAlgorithm.ecdsaSha384, [ecdsa_secp384r1_sha384]],
  [signatureAlgorithm.ecdsaSha512, [ecdsa_secp521r1_sha512]],
  [signatureAlgorithm.ed25519, [others.ed25519]],
  [signatureAlgorithm.rsaPkcs1Sha256, [others.rsa_pkcs1_sha256]],
  [signatureAlgorithm.rsaPkcs1Sha384, [others.rsa_pkcs1_sha384]],
  [signatureAlgorithm.rsaPkcs1Sha512, [others.rsa_pkcs1_sha512]],
  [signatureAlgorithm.rsaPkcs1Sha256AbsentParameters, [others.rsa_pkcs1_sha256]],
  [signatureAlgorithm.rsaPkcs1Sha384AbsentParameters, [others.rsa_pkcs1_sha384]],
  [signatureAlgorithm.rsaPkcs1Sha512AbsentParameters, [others.rsa_pkcs1_sha512]],
  [signatureAlgorithm.rsaPssSha256, [others.rsa_pss_rsae_sha256, others.rsa_pss_pss_sha256]],
  [signatureAlgorithm.rsaPssSha384, [others.rsa_pss_rsae_sha384, others.rsa_pss_pss_sha384]],
  [signatureAlgorithm.rsaPssSha512, [others.rsa_pss_rsae_sha512, others.rsa_pss_pss_sha512]],
  [publicKeyAlgorithm.mlDsa44, [others.mldsa44]],
  [publicKeyAlgorithm.mlDsa65, [others.mldsa65]],
  [publicKeyAlgorithm.mlDsa87, [others.mldsa87]],
];

/**
 * The schemes of signature_algorithms_cert (RFC 8446 section 4.2.3) that stand for a signature in a certificate; none for
 * SHA-1 and whatever else is not known.
 *
 * @param algorithm content of the AlgorithmIdentifier's SEQUENCE
 */
export function certificateSignatureSchemes(algorithm: Uint8Array): readonly SignatureScheme[] {
  return certificateSchemes.find(([known]) => equalBytes(known, algorithm))?.[1] ?? [];
}
