/** Raw public keys (RFC 7250): peers that are known by their keys, without certificates. */
import {
  CertificateType,
  type ClientCertVerifier,
  type PeerCertificates,
  type PeerVerified,
  peerVerified,
  runToEnd,
  type ServerCertVerifier,
} from '@tyls/tls-core';
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { badEncodingOf } from './error.ts';
import { verifyTls12SignatureByKey, verifyTls13SignatureByKey } from './handshake_signature.ts';
import { pinnedPolicyId, withPolicyId } from './policy_id.ts';
import { PinSet } from './spki_pin.ts';
import { type PinnedCertVerifierOptions, type VerificationProvider } from './verifier.ts';

/**
 * Verifies servers that show a raw public key, by its SHA-256. Its certificates, if it has any, are not asked for.
 *
 * @throws RangeError if there are no pins; TypeError if one is none
 */
export function rawPublicKeyServerVerifier({ pins, provider }: PinnedCertVerifierOptions): ServerCertVerifier {
  const verifier = { ...handshakeSignatures(provider), verifyServerCert: pinnedKeys({ pins, provider }) };
  return withPolicyId<ServerCertVerifier>(verifier, () => pinnedPolicyId('raw server', pins, provider));
}

export interface RawPublicKeyClientVerifierOptions extends PinnedCertVerifierOptions {
  /** Whether a client without a key is refused; by default it is. */
  readonly mandatory?: boolean | undefined;
}

/** {@link rawPublicKeyServerVerifier} for clients. */
export function rawPublicKeyClientVerifier({
  pins,
  provider,
  mandatory = true,
}: RawPublicKeyClientVerifierOptions): ClientCertVerifier {
  const verifier: ClientCertVerifier = {
    ...handshakeSignatures(provider),
    mandatory,
    rootHintSubjects: [],
    verifyClientCert: pinnedKeys({ pins, provider }),
  };
  const kind = mandatory ? 'raw client' : 'raw client or none';
  return withPolicyId(verifier, () => pinnedPolicyId(kind, pins, provider));
}

function handshakeSignatures({
  signatureVerification,
}: VerificationProvider): Pick<
  ServerCertVerifier,
  'certificateType' | 'schemes' | 'verifyTls13Signature' | 'verifyTls12Signature'
> {
  return {
    certificateType: CertificateType.RawPublicKey,
    schemes: signatureVerification.schemes.map(({ scheme }) => scheme),
    verifyTls13Signature: ({ endEntity, ...signed }) =>
      runToEnd(verifyTls13SignatureByKey(signed, keyContent(endEntity), signatureVerification)),
    verifyTls12Signature: ({ endEntity, ...signed }) =>
      runToEnd(verifyTls12SignatureByKey(signed, keyContent(endEntity), signatureVerification)),
  };
}

function pinnedKeys({ pins, provider }: PinnedCertVerifierOptions): (certificates: PeerCertificates) => PeerVerified {
  const pinned = new PinSet(pins, provider);
  return ({ endEntity }) => {
    pinned.check([keyContent(endEntity)]);
    return peerVerified();
  };
}

function keyContent(publicKey: Uint8Array): Uint8Array {
  const reader = new DerReader(publicKey, badEncodingOf('SubjectPublicKeyInfo'));
  const content = reader.read(DerTag.sequence);
  reader.finish();
  return content;
}
