/** `@tyls/webpki`: every public name. */
export { type Certificate, parseCertificate, type SignedData } from './certificate.ts';
export { describeName } from './distinguished_name.ts';
export { type BasicConstraints, type CertificateExtensions, type KeyUsage } from './extensions.ts';
export { type PathOptions, type VerifiedPath, verifyPath } from './path.ts';
export { certificatesFromPem, parsePem, type PemBlock, privateKeyFromPem } from './pem.ts';
export { type Purpose } from './purpose.ts';
export { verifyServerName } from './subject_name.ts';
export {
  type ParsedTrustAnchors,
  rootStore,
  type RootStore,
  type TrustAnchor,
  trustAnchorFromCertificate,
  trustAnchorsFromCertificates,
} from './trust_anchor.ts';
export {
  clientCertVerifier,
  type ClientCertVerifierOptions,
  dangerousAcceptAnyServerCert,
  serverCertVerifier,
  type ServerCertVerifierOptions,
} from './verifier.ts';
