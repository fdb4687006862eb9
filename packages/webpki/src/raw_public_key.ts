/**
 * Raw public keys (RFC 7250): peers that are known by their keys, without certificates. This verifies keys and signatures;
 * negotiating that keys are sent in place of certificates is for the protocol.
 */
import {
  type Awaitable,
  type HandshakeSignature,
  type HandshakeSignatureValid,
  type PeerVerified,
  peerVerified,
  runToEnd,
  type SignatureScheme,
} from '@tyls/tls-core';
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { badEncodingOf } from './error.ts';
import { verifyTls13SignatureByKey } from './handshake_signature.ts';
import { PinSet, type SpkiPin } from './spki_pin.ts';
import { type VerificationProvider } from './verifier.ts';

/** A signature in CertificateVerify where the peer's Certificate message had a SubjectPublicKeyInfo. */
export interface RawPublicKeySignature extends Omit<HandshakeSignature, 'endEntity'> {
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

export interface RawPublicKeyVerifier {
  /** In order of preference. */
  readonly schemes: readonly SignatureScheme[];
  /**
   * @param publicKey DER of the SubjectPublicKeyInfo
   * @throws TlsError `InvalidCertificate`: `UnknownPublicKey`, `BadEncoding`
   */
  readonly verifyPublicKey: (publicKey: Uint8Array) => PeerVerified;
  /** Throws, or rejects with, the `TlsError` that says why it refuses. */
  readonly verifyTls13Signature: (signature: RawPublicKeySignature) => Awaitable<HandshakeSignatureValid>;
}

/**
 * Verifies peers by the SHA-256 of their keys.
 *
 * @throws RangeError if there are no pins; TypeError if one is none
 */
export function rawPublicKeyVerifier({
  pins,
  provider,
}: {
  readonly pins: readonly SpkiPin[];
  readonly provider: VerificationProvider;
}): RawPublicKeyVerifier {
  const pinned = new PinSet(pins, provider);
  const { signatureVerification } = provider;
  return {
    schemes: signatureVerification.schemes.map(({ scheme }) => scheme),
    verifyPublicKey: (publicKey) => {
      pinned.check([keyContent(publicKey)]);
      return peerVerified();
    },
    verifyTls13Signature: ({ publicKey, ...signature }) =>
      runToEnd(verifyTls13SignatureByKey(signature, keyContent(publicKey), signatureVerification)),
  };
}

function keyContent(publicKey: Uint8Array): Uint8Array {
  const reader = new DerReader(publicKey, badEncodingOf('SubjectPublicKeyInfo'));
  const content = reader.read(DerTag.sequence);
  reader.finish();
  return content;
}
