/** Signatures on certificates, by whichever of the provider's algorithms fits. */
import { type CertificateErrorDetail, type SignatureVerificationAlgorithm, type Step, wait } from '@tyls/tls-core';
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { equalBytes } from './bytes.ts';
import { type Certificate } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { badEncodingOf, refusalOf } from './error.ts';
import { algorithmText } from './oid.ts';

/** RFC 5280 section 4.1.2.7. The bytes borrow the input. */
export interface SubjectPublicKeyInfo {
  /** Content of the AlgorithmIdentifier's SEQUENCE. */
  readonly algorithm: Uint8Array;
  /** Content of subjectPublicKey, without the count of unused bits. */
  readonly publicKey: Uint8Array;
}

/**
 * @param content of the SubjectPublicKeyInfo's SEQUENCE
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function parseSubjectPublicKeyInfo(content: Uint8Array): SubjectPublicKeyInfo {
  const reader = new DerReader(content, badEncodingOf('SubjectPublicKeyInfo'));
  const algorithm = reader.read(DerTag.sequence);
  const publicKey = reader.bitStringBytes();
  reader.finish();
  return { algorithm, publicKey };
}

/**
 * Verifies the signature on a certificate, or what is signed like one, by the key of its issuer. The algorithm is the one
 * whose two AlgorithmIdentifiers are, byte for byte, those of the signature and of the key.
 *
 * @param signed `subject` is a Name, for the error
 * @param issuerKey content of the issuer's SubjectPublicKeyInfo SEQUENCE
 * @returns why it is refused
 */
export function* verifySignedData(
  { signedData: { data, algorithm, signature }, subject }: Pick<Certificate, 'signedData' | 'subject'>,
  issuerKey: Uint8Array,
  algorithms: readonly SignatureVerificationAlgorithm[],
): Step<'valid' | CertificateErrorDetail> {
  let key: SubjectPublicKeyInfo;
  try {
    key = parseSubjectPublicKeyInfo(issuerKey);
  } catch (error) {
    return refusalOf(error);
  }
  const candidates = algorithms.filter(({ signatureAlgorithm }) => equalBytes(signatureAlgorithm, algorithm));
  if (candidates.length === 0) {
    const supported = [...new Set(algorithms.map((one) => algorithmText(one.signatureAlgorithm)))];
    return { reason: 'UnsupportedSignatureAlgorithm', algorithm: algorithmText(algorithm), supported };
  }
  const fitting = candidates.find(({ publicKeyAlgorithm }) => equalBytes(publicKeyAlgorithm, key.algorithm));
  if (fitting === undefined) {
    const texts = { algorithm: algorithmText(algorithm), key: algorithmText(key.algorithm) };
    return { reason: 'UnsupportedSignatureAlgorithmForPublicKey', ...texts };
  }
  const isValid = yield* wait(fitting.verify(key.publicKey, data, signature));
  return isValid ? 'valid' : { reason: 'BadSignature', subject: describeName(subject) };
}
