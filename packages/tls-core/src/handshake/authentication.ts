/** CertificateVerify and Finished, RFC 8446 sections 4.4.3 and 4.4.4: the same for both sides. */
import { asciiBytes, concat, constantTimeEqual } from '../codec/bytes.ts';
import { type CertifiedKey } from '../config.ts';
import { type Signer, type SigningKey, type Tls13CipherSuite } from '../crypto/provider.ts';
import { TlsError } from '../error.ts';
import { finishedVerifyData } from '../keys/tls13_key_schedule.ts';
import { certificateVerify, type CertificateVerify, type CertificateEntry } from '../messages/certificate.ts';
import { onlyKnown } from '../messages/extension.ts';
import { encodeMessage, type HandshakeMessage, parseBody } from '../messages/handshake.ts';
import { finished } from '../messages/post_handshake.ts';
import { HandshakeType, SignatureScheme } from '../registry.ts';
import { type PeerIdentity } from '../sessions/peer_identity.ts';
import { type Step, wait } from '../step/step.ts';
import {
  type HandshakeSignatureValid,
  type PeerCertificates,
  type PeerVerified,
  type SignatureVerifier,
} from '../verify.ts';
import { type Facts } from './io.ts';

declare const proof: unique symbol;

/** Proof that the peer's Finished is right. Only {@link compareFinished} makes one. */
export interface FinishedVerified {
  readonly [proof]: 'FinishedVerified';
}

/** Proof that the peer is who its certificate says, both parts of it verified; and who that is. */
export interface PeerAuthenticated extends PeerIdentity {
  readonly certificate: PeerVerified;
  readonly signature: HandshakeSignatureValid;
}

/** A client that was not asked for a certificate, or was allowed to send none. */
export type Anonymous = 'anonymous';

/** Tells who the peer is, which nobody should hear before its Finished is verified too. */
export function publishIdentity(facts: Facts, { certificates, scheme, pskIdentity }: PeerIdentity): void {
  if (pskIdentity !== undefined) facts.pskIdentity = pskIdentity;
  if (certificates.length === 0) return;
  facts.peerCertificates = certificates;
  facts.peerSignatureScheme = scheme;
}

/** Section 4.4.3: PKCS #1 v1.5 signs certificates only, never a TLS 1.3 handshake; nor does SHA-1 or SHA-224. */
export function isTls13Scheme(scheme: SignatureScheme): boolean {
  return tls13Schemes.has(scheme);
}

const tls13Schemes: ReadonlySet<SignatureScheme> = new Set([
  SignatureScheme.ecdsa_secp256r1_sha256,
  SignatureScheme.ecdsa_secp384r1_sha384,
  SignatureScheme.ecdsa_secp521r1_sha512,
  SignatureScheme.ed25519,
  SignatureScheme.ed448,
  SignatureScheme.rsa_pss_rsae_sha256,
  SignatureScheme.rsa_pss_rsae_sha384,
  SignatureScheme.rsa_pss_rsae_sha512,
  SignatureScheme.rsa_pss_pss_sha256,
  SignatureScheme.rsa_pss_pss_sha384,
  SignatureScheme.rsa_pss_pss_sha512,
  SignatureScheme.mldsa44,
  SignatureScheme.mldsa65,
  SignatureScheme.mldsa87,
]);

/** Section 4.4.3: 64 spaces, context string, zero byte, transcript hash. */
function signedContent(signer: 'client' | 'server', transcriptHash: Uint8Array): Uint8Array {
  return concat([asciiBytes(`${' '.repeat(64)}TLS 1.3, ${signer} CertificateVerify\0`), transcriptHash]);
}

/** A signer for one of the schemes that the peer offers and TLS 1.3 allows. */
export function chooseSigner(key: SigningKey, offered: readonly SignatureScheme[]): Signer | undefined {
  return key.chooseScheme(offered.filter(isTls13Scheme));
}

/** What the peer asked to have beside the certificate. */
export interface Wanted {
  readonly ocspResponse: boolean;
  readonly sctList: boolean;
}

/** Our certificates as entries, with the first of them what is wanted (section 4.4.2.1). */
export function certificateEntries(certified: CertifiedKey, wanted: Wanted): CertificateEntry[] {
  const stapled = {
    ocspResponse: wanted.ocspResponse ? certified.ocspResponse : undefined,
    sctList: wanted.sctList ? certified.sctList : undefined,
    ...onlyKnown,
  };
  return certified.certificates.map((certificate, i) => ({ certificate, extensions: i === 0 ? stapled : onlyKnown }));
}

/** The peer's certificates, and what came beside the first of them, for its verifier. */
export function peerCertificatesOf(
  endEntity: CertificateEntry,
  intermediates: readonly CertificateEntry[],
): PeerCertificates {
  const { ocspResponse, sctList } = endEntity.extensions;
  return {
    endEntity: endEntity.certificate,
    intermediates: intermediates.map(({ certificate }) => certificate),
    ocspResponse,
    sctList,
  };
}

/** Our CertificateVerify. */
export function* signHandshake(
  role: 'client' | 'server',
  signer: Signer,
  transcriptHash: Uint8Array,
): Step<Uint8Array> {
  const signature = yield* wait(signer.sign(signedContent(role, transcriptHash)));
  return encodeMessage(HandshakeType.certificate_verify, certificateVerify, { scheme: signer.scheme, signature });
}

/** The peer's CertificateVerify, parsed: its scheme must be one that was offered and that TLS 1.3 allows. */
export function parseCertificateVerify(verifier: SignatureVerifier, message: HandshakeMessage): CertificateVerify {
  const verify = parseBody('CertificateVerify', certificateVerify, message);
  if (!isTls13Scheme(verify.scheme) || !verifier.schemes.includes(verify.scheme)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SignedHandshakeWithUnadvertisedSigScheme' });
  }
  return verify;
}

/** Verifies the peer's CertificateVerify over the transcript up to its Certificate. */
export function* verifyHandshakeSignature(
  verifier: SignatureVerifier,
  signer: 'client' | 'server',
  endEntity: Uint8Array,
  { scheme, signature }: CertificateVerify,
  transcriptHash: Uint8Array,
): Step<HandshakeSignatureValid> {
  const message = signedContent(signer, transcriptHash);
  return yield* wait(verifier.verifyTls13Signature({ message, endEntity, scheme, signature }));
}

/** Our Finished over the transcript up to here. */
export function finishedMessage(suite: Tls13CipherSuite, secret: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  return encodeMessage(HandshakeType.finished, finished, finishedVerifyData(suite, secret, transcriptHash));
}

/** Verifies the peer's Finished over the transcript up to it; `secret` is the peer's handshake traffic secret. */
export function verifyFinished(
  suite: Tls13CipherSuite,
  secret: Uint8Array,
  transcriptHash: Uint8Array,
  message: HandshakeMessage,
): FinishedVerified {
  return compareFinished(finishedVerifyData(suite, secret, transcriptHash), message);
}

/** Verifies the peer's Finished of any version. */
export function compareFinished(verifyData: Uint8Array, message: HandshakeMessage): FinishedVerified {
  const received = parseBody('Finished', finished, message);
  // Of another length it is as incorrect as with other bytes (section 4.4.4).
  if (!constantTimeEqual(received, verifyData)) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'IncorrectFinished' });
  }
  return {} as FinishedVerified;
}
