/** `@tyls/tls-core/provider`: the crypto seam, and the parts that a provider can be built from. */
export * from './crypto/provider.ts';
export { type CertificateCompressor, type CertificateDecompressor } from './compression.ts';
export { publicKeyAlgorithm, type SignatureAlgorithmName } from './crypto/algorithm_identifier.ts';
export * from './crypto/cipher_suites.ts';
export { hkdfFromHmac } from './crypto/hkdf.ts';
export * from './crypto/hybrid.ts';
export * from './crypto/private_key.ts';
export { RecentKeys } from './crypto/recent_keys.ts';
export { encodeRsaPublicKey, parseRsaPublicKey, type RsaPublicKey } from './crypto/rsa_public_key.ts';
export { signatureVerification } from './crypto/signature_verification.ts';
export {
  CertificateCompressionAlgorithm,
  CipherSuite,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from './registry.ts';
export { type Awaitable } from './step/step.ts';
