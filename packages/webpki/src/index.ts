/** `@tyls/webpki`: every public name. */
export { Budget } from './budget.ts';
export { type Certificate, parseCertificate, type SignedData } from './certificate.ts';
export { type CertRevocationList, parseCertRevocationList } from './crl/cert_revocation_list.ts';
export { type CertificateRole, type IssuingDistributionPoint } from './crl/distribution_point.ts';
export {
  type CertificateIssuer,
  RevocationChecker,
  revocationError,
  type RevocationOptions,
} from './crl/revocation.ts';
export { type RevocationReason } from './crl/revocation_reason.ts';
export { type RevokedCertificate, type RevokedCertificates } from './crl/revoked_certificates.ts';
export { type Digest, type Digests, digestsOf } from './digests.ts';
export { describeName } from './distinguished_name.ts';
export { type Refusal } from './error.ts';
export {
  type BasicConstraints,
  type CertificateExtensions,
  type KeyUsage,
  type KeyUsageBit,
  type RawExtension,
} from './extensions.ts';
export { type DirectoryNameConstraints } from './name_constraints.ts';
export { type OcspOptions, ocspVerification, type VerifiedOcspResponse, verifyOcspResponse } from './ocsp/ocsp.ts';
export { mustStaple, type StapledOcspOptions, stapledOcspVerification } from './ocsp/stapled.ts';
export { verifyPath } from './path.ts';
export { type PathOptions, type VerifiedPath } from './path_options.ts';
export { certificatesFromPem, parsePem, type PemBlock, privateKeyFromPem } from './pem.ts';
export { type CertificateRule, defaultPolicy, type PathRole, type Policy, type RuleContext } from './policy.ts';
export { type Purpose } from './purpose.ts';
export {
  rawPublicKeyClientVerifier,
  type RawPublicKeyClientVerifierOptions,
  rawPublicKeyServerVerifier,
} from './raw_public_key.ts';
export { type SpkiPin } from './spki_pin.ts';
export { strictPolicy } from './strict_policy.ts';
export {
  type NameOptions,
  type PeerName,
  verifyAnyPeerName,
  verifyPeerName,
  verifyServerName,
} from './subject_name.ts';
export { type CtLog, type CtLogList, parseLogList } from './sct/log_list.ts';
export {
  type SctOptions,
  type SctPolicy,
  type SctSource,
  sctVerification,
  type VerifiedSct,
  verifyScts,
} from './sct/transparency.ts';
export {
  type ParsedTrustAnchors,
  rootStore,
  type RootStore,
  type TrustAnchor,
  trustAnchorFromCertificate,
  trustAnchorsFromCertificates,
} from './trust_anchor.ts';
export {
  type CertVerifierOptions,
  clientCertVerifier,
  type ClientCertVerifierOptions,
  dangerousAcceptAnyServerCert,
  type PinnedCertVerifierOptions,
  pinnedClientCertVerifier,
  pinnedServerCertVerifier,
  serverCertVerifier,
  type ServerCertVerifierOptions,
  serverPathVerifier,
  type ServerPathVerifierOptions,
  type VerificationProvider,
} from './verifier.ts';
