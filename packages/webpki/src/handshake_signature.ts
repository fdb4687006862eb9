/** Signatures of handshakes (RFC 8446 section 4.4.3, RFC 5246 section 7.4.3), by the key of the end entity's certificate. */
import {
  type HandshakeSignature,
  handshakeSignatureValid,
  type HandshakeSignatureValid,
  SignatureScheme,
  type SignatureVerification,
  type SignatureVerificationAlgorithm,
  type Step,
  TlsError,
  wait,
} from '@tyls/tls-core';
import { equalBytes } from './bytes.ts';
import { parseCertificate } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { certificateError } from './error.ts';
import { algorithmText } from './oid.ts';
import { parseSubjectPublicKeyInfo } from './signed_data.ts';

/** RFC 8446 section 4.2.3: for signatures in certificates only, not for handshakes of TLS 1.3. */
const pkcs1Schemes: ReadonlySet<SignatureScheme> = /* @__PURE__ */ new Set<SignatureScheme>([
  SignatureScheme.rsa_pkcs1_sha256,
  SignatureScheme.rsa_pkcs1_sha384,
  SignatureScheme.rsa_pkcs1_sha512,
]);

/** draft-ietf-tls-mldsa section 3: not in TLS 1.2. */
const mlDsaSchemes: ReadonlySet<SignatureScheme> = /* @__PURE__ */ new Set<SignatureScheme>([
  SignatureScheme.mldsa44,
  SignatureScheme.mldsa65,
  SignatureScheme.mldsa87,
]);

/**
 * @throws TlsError `BadHandshakeSignature` if the signature is wrong, `PeerMisbehaved` for a scheme that was not offered
 *   or is not for TLS 1.3, `InvalidCertificate` if the certificate's key or key usage does not fit
 */
export function* verifyTls13Signature(
  { endEntity, ...signed }: HandshakeSignature,
  verification: SignatureVerification,
): Step<HandshakeSignatureValid> {
  return yield* verifyTls13SignatureByKey(signed, signingKeyOf(endEntity), verification);
}

/**
 * The same for a key that comes without a certificate (RFC 7250).
 *
 * @param publicKey content of the SubjectPublicKeyInfo's SEQUENCE
 */
export function* verifyTls13SignatureByKey(
  signed: SignatureByKey,
  publicKey: Uint8Array,
  { schemes }: SignatureVerification,
): Step<HandshakeSignatureValid> {
  const { scheme } = signed;
  // In TLS 1.3 an ECDSA scheme names its curve (RFC 8446 section 4.2.3), which makes it the first algorithm alone.
  const algorithm = schemes.find((offered) => offered.scheme === scheme)?.algorithms[0];
  if (algorithm === undefined || pkcs1Schemes.has(scheme)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SignedHandshakeWithUnadvertisedSigScheme' });
  }
  return yield* verifyByKey(signed, publicKey, [algorithm]);
}

/**
 * {@link verifyTls13Signature} for TLS 1.2, where a scheme is for every kind of key that its entry lists.
 *
 * @throws TlsError the same, but not for PKCS #1, which TLS 1.2 has; for ML-DSA, which it does not have
 */
export function* verifyTls12Signature(
  { endEntity, ...signed }: HandshakeSignature,
  verification: SignatureVerification,
): Step<HandshakeSignatureValid> {
  return yield* verifyTls12SignatureByKey(signed, signingKeyOf(endEntity), verification);
}

/** The same for a key that comes without a certificate, as {@link verifyTls13SignatureByKey}. */
export function* verifyTls12SignatureByKey(
  signed: SignatureByKey,
  publicKey: Uint8Array,
  { schemes }: SignatureVerification,
): Step<HandshakeSignatureValid> {
  const algorithms = schemes.find((offered) => offered.scheme === signed.scheme)?.algorithms ?? [];
  if (algorithms.length === 0 || mlDsaSchemes.has(signed.scheme)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SignedHandshakeWithUnadvertisedSigScheme' });
  }
  return yield* verifyByKey(signed, publicKey, algorithms);
}

type SignatureByKey = Omit<HandshakeSignature, 'endEntity'>;

/** Content of the SubjectPublicKeyInfo's SEQUENCE of a certificate, if its key may sign. */
function signingKeyOf(endEntity: Uint8Array): Uint8Array {
  const { extensions, subject, subjectPublicKeyInfo } = parseCertificate(endEntity);
  // RFC 5280 section 4.2.1.3, RFC 8446 section 4.4.2.2: only where the certificate has the extension.
  if (extensions.keyUsage?.digitalSignature === false) {
    const required = 'digitalSignature';
    throw certificateError({ reason: 'KeyUsageForbidden', required, subject: describeName(subject) });
  }
  return subjectPublicKeyInfo;
}

/** @param algorithms of one scheme, at least one: they differ in the kind of key */
function* verifyByKey(
  { message, scheme, signature }: SignatureByKey,
  publicKey: Uint8Array,
  algorithms: readonly SignatureVerificationAlgorithm[],
): Step<HandshakeSignatureValid> {
  const key = parseSubjectPublicKeyInfo(publicKey);
  const algorithm = algorithms.find(({ publicKeyAlgorithm }) => equalBytes(publicKeyAlgorithm, key.algorithm));
  if (algorithm === undefined) {
    throw certificateError({
      reason: 'UnsupportedSignatureAlgorithmForPublicKey',
      algorithm: algorithmText(algorithms[0]!.signatureAlgorithm),
      key: algorithmText(key.algorithm),
    });
  }
  const isValid = yield* wait(algorithm.verify(key.publicKey, message, signature));
  if (!isValid) throw new TlsError({ code: 'BadHandshakeSignature', scheme });
  return handshakeSignatureValid();
}
