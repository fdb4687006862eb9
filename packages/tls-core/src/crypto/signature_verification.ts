/** Builds {@link SignatureVerification} from the algorithms that a backend has. */
import { SignatureScheme } from '../registry.ts';
import { type SignatureAlgorithmName, signatureVerificationAlgorithms } from './algorithm_identifier.ts';
import { type SignatureVerification, type SignatureVerificationAlgorithm } from './provider.ts';

/**
 * Which algorithms a scheme stands for: first the one that it means in TLS 1.3, then those that its TLS 1.2 meaning
 * adds, where the hash is fixed and the curve is not. In order of preference.
 */
const schemeAlgorithms: readonly (readonly [SignatureScheme, readonly SignatureAlgorithmName[]])[] = [
  [SignatureScheme.ecdsa_secp256r1_sha256, ['ECDSA_P256_SHA256', 'ECDSA_P384_SHA256', 'ECDSA_P521_SHA256']],
  [SignatureScheme.ecdsa_secp384r1_sha384, ['ECDSA_P384_SHA384', 'ECDSA_P256_SHA384', 'ECDSA_P521_SHA384']],
  [SignatureScheme.ecdsa_secp521r1_sha512, ['ECDSA_P521_SHA512', 'ECDSA_P384_SHA512', 'ECDSA_P256_SHA512']],
  [SignatureScheme.ed25519, ['ED25519']],
  [SignatureScheme.mldsa44, ['ML_DSA_44']],
  [SignatureScheme.mldsa65, ['ML_DSA_65']],
  [SignatureScheme.mldsa87, ['ML_DSA_87']],
  [SignatureScheme.rsa_pss_rsae_sha256, ['RSA_PSS_SHA256']],
  [SignatureScheme.rsa_pss_rsae_sha384, ['RSA_PSS_SHA384']],
  [SignatureScheme.rsa_pss_rsae_sha512, ['RSA_PSS_SHA512']],
  [SignatureScheme.rsa_pkcs1_sha256, ['RSA_PKCS1_SHA256']],
  [SignatureScheme.rsa_pkcs1_sha384, ['RSA_PKCS1_SHA384']],
  [SignatureScheme.rsa_pkcs1_sha512, ['RSA_PKCS1_SHA512']],
];

/** @param verify what the backend has, by name; a scheme whose first algorithm is missing is left out */
export function signatureVerification(
  verify: Readonly<Partial<Record<SignatureAlgorithmName, SignatureVerificationAlgorithm['verify']>>>,
): SignatureVerification {
  const byName = new Map<SignatureAlgorithmName, SignatureVerificationAlgorithm>();
  for (const [name, function_] of Object.entries(verify) as [SignatureAlgorithmName, typeof verify.ED25519][]) {
    if (function_ !== undefined) byName.set(name, { ...signatureVerificationAlgorithms[name], verify: function_ });
  }
  return {
    algorithms: [...byName.values()],
    schemes: schemeAlgorithms
      .filter(([, names]) => byName.has(names[0]!))
      .map(([scheme, names]) => ({
        scheme,
        algorithms: names.map((name) => byName.get(name)).filter((algorithm) => algorithm !== undefined),
      })),
  };
}
