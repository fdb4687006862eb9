/** How a connection has its peer's certificate and handshake signature verified. The default is `@tyls/webpki`. */
import { type CertificateType, type SignatureScheme } from './registry.ts';
import { type ServerName } from './server_name.ts';
import { type Policy } from './sessions/scope.ts';
import { type Awaitable } from './step/step.ts';

declare const proof: unique symbol;

/** Proof that the peer's certificate was verified. Only {@link peerVerified} makes one. */
export interface PeerVerified {
  readonly [proof]: 'PeerVerified';
}

/** Proof that the peer's handshake signature was verified. Only {@link handshakeSignatureValid} makes one. */
export interface HandshakeSignatureValid {
  readonly [proof]: 'HandshakeSignatureValid';
}

/**
 * Asserts that a certificate was verified, by the rules of whoever calls it. A verifier returns it at its very end;
 * it has no other use, and calling it without having checked anything switches authentication off.
 */
export function peerVerified(): PeerVerified {
  return {} as PeerVerified;
}

/** Asserts that a handshake signature was verified; what is said of {@link peerVerified} holds for it too. */
export function handshakeSignatureValid(): HandshakeSignatureValid {
  return {} as HandshakeSignatureValid;
}

/** The certificates that a peer sent. All bytes are the connection's own copies and may be kept. */
export interface PeerCertificates {
  /** DER of the peer's own certificate; of its SubjectPublicKeyInfo if the verifier is for raw public keys. */
  readonly endEntity: Uint8Array;
  /** DER of the others, in the order sent: in any order, some perhaps of no use (RFC 8446 section 4.4.2). */
  readonly intermediates: readonly Uint8Array[];
  /** The OCSP response that was stapled (RFC 6960 OCSPResponse, DER), if one was asked for and came. */
  readonly ocspResponse: Uint8Array | undefined;
  /** The SignedCertificateTimestampList beside the certificate (RFC 6962 section 3.3), if asked for; with its length. */
  readonly sctList: Uint8Array | undefined;
}

/** What a client has to verify. */
export interface ServerCertificates extends PeerCertificates {
  /** The name that the client wants to talk to. */
  readonly serverName: ServerName;
  /** Verification time, milliseconds since 1970 UTC. */
  readonly now: number;
}

/** What a server has to verify. */
export interface ClientCertificates extends PeerCertificates {
  /** Verification time, milliseconds since 1970 UTC. */
  readonly now: number;
}

/** A signature in CertificateVerify (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8) or ServerKeyExchange (7.4.3). */
export interface HandshakeSignature {
  /** What was signed: in TLS 1.3 padding, context string and transcript hash; in TLS 1.2 randoms and params, or messages. */
  readonly message: Uint8Array;
  /** DER of the certificate with the key; of its SubjectPublicKeyInfo if the verifier is for raw public keys. */
  readonly endEntity: Uint8Array;
  /** One of those that the verifier offers. */
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
}

/** What verifying servers and verifying clients have in common. A session is resumed under the same policy only. */
export interface SignatureVerifier extends Policy {
  /** What it verifies: X.509 certificates, if it does not say that it is for raw public keys (RFC 7250). */
  readonly certificateType?: CertificateType;
  /** Offered in signature_algorithms, in this order. */
  readonly schemes: readonly SignatureScheme[];
  /** Throws, or rejects with, the `TlsError` that says why it refuses. */
  readonly verifyTls13Signature: (signature: HandshakeSignature) => Awaitable<HandshakeSignatureValid>;
  /**
   * The same in TLS 1.2, where an ECDSA scheme names a hash and goes with every curve.
   *
   * Throws, or rejects with, the `TlsError` that says why it refuses.
   */
  readonly verifyTls12Signature: (signature: HandshakeSignature) => Awaitable<HandshakeSignatureValid>;
  /** Whether to ask for an OCSP response (RFC 6066 section 8); clients can be asked in TLS 1.3 alone. */
  readonly requestOcspResponse?: boolean;
  /** Whether to ask for signed certificate timestamps (RFC 6962 section 3.3.1); clients can be asked in TLS 1.3 alone. */
  readonly requestSctList?: boolean;
}

/** How a client verifies a server. */
export interface ServerCertVerifier extends SignatureVerifier {
  /** Throws, or rejects with, the `TlsError` that says why it refuses. */
  readonly verifyServerCert: (certificates: ServerCertificates) => Awaitable<PeerVerified>;
  /** Sent as certificate_authorities where given: DER Names (RFC 8446 section 4.2.4), of 24 KiB at most. */
  readonly rootHintSubjects?: readonly Uint8Array[];
}

/** How a server verifies its clients. */
export interface ClientCertVerifier extends SignatureVerifier {
  /** Throws, or rejects with, the `TlsError` that says why it refuses. */
  readonly verifyClientCert: (certificates: ClientCertificates) => Awaitable<PeerVerified>;
  /** Whether a client without a certificate is refused (`certificate_required`). */
  readonly mandatory: boolean;
  /** Sent as certificate_authorities where not empty: DER Names (RFC 8446 section 4.2.4), of 60 KiB at most. */
  readonly rootHintSubjects: readonly Uint8Array[];
}
