/** The verifiers that a client's and a server's configuration take. */
import {
  type ClientCertificates,
  type ClientCertVerifier,
  type CryptoProvider,
  type PeerVerified,
  peerVerified,
  runToEnd,
  type ServerCertificates,
  type ServerCertVerifier,
  type Step,
} from '@tyls/tls-core';
import { verifyTls13Signature } from './handshake_signature.ts';
import { pathVerification } from './path.ts';
import { RootStore, rootStore, type TrustAnchor } from './trust_anchor.ts';
import { verifyServerName } from './subject_name.ts';

/** What a verifier needs of a provider. */
type VerificationProvider = Pick<CryptoProvider, 'signatureVerification'>;

export interface ServerCertVerifierOptions {
  /** Whom to trust; a store is made once and shared. */
  readonly roots: RootStore | readonly TrustAnchor[];
  readonly provider: VerificationProvider;
}

/**
 * Verifies servers: a path from the certificate to one of the roots, for the purpose serverAuth, and the server's name
 * in subjectAltName. Revocation is not checked.
 *
 * @throws RangeError if there are no roots
 */
export function serverCertVerifier({ roots, provider }: ServerCertVerifierOptions): ServerCertVerifier {
  const store = storeOf(roots);
  const algorithms = provider.signatureVerification.algorithms;
  function* verify({ serverName, ...certificates }: ServerCertificates): Step<PeerVerified> {
    const path = yield* pathVerification({ ...certificates, roots: store, algorithms, purpose: 'serverAuth' });
    verifyServerName(path.endEntity, serverName);
    return peerVerified();
  }
  return {
    ...handshakeSignatures(provider),
    verifyServerCert: (certificates) => runToEnd(verify(certificates)),
  };
}

export interface ClientCertVerifierOptions extends ServerCertVerifierOptions {
  /** Whether a client without a certificate is refused; by default it is. */
  readonly mandatory?: boolean;
  /** DER Names of the authorities that clients are told of; by default those of the roots, and `[]` tells none. */
  readonly rootHintSubjects?: readonly Uint8Array[];
}

/**
 * Verifies clients: a path from the certificate to one of the roots, for the purpose clientAuth. Who the client is
 * remains for the application to say. Revocation is not checked.
 *
 * @throws RangeError if there are no roots
 */
export function clientCertVerifier({
  roots,
  provider,
  mandatory = true,
  rootHintSubjects,
}: ClientCertVerifierOptions): ClientCertVerifier {
  const store = storeOf(roots);
  const algorithms = provider.signatureVerification.algorithms;
  function* verify(certificates: ClientCertificates): Step<PeerVerified> {
    yield* pathVerification({ ...certificates, roots: store, algorithms, purpose: 'clientAuth' });
    return peerVerified();
  }
  return {
    ...handshakeSignatures(provider),
    mandatory,
    rootHintSubjects: rootHintSubjects ?? store.subjects,
    verifyClientCert: (certificates) => runToEnd(verify(certificates)),
  };
}

/**
 * Accepts whatever certificate a server has: anybody on the way can read and change everything. For tests and
 * experiments. That the server holds its certificate's key is still verified.
 */
export function dangerousAcceptAnyServerCert({
  provider,
}: {
  readonly provider: VerificationProvider;
}): ServerCertVerifier {
  return { ...handshakeSignatures(provider), verifyServerCert: () => peerVerified() };
}

function handshakeSignatures({
  signatureVerification,
}: VerificationProvider): Pick<ServerCertVerifier, 'schemes' | 'verifyTls13Signature'> {
  return {
    schemes: signatureVerification.schemes.map(({ scheme }) => scheme),
    verifyTls13Signature: (signature) => runToEnd(verifyTls13Signature(signature, signatureVerification)),
  };
}

function storeOf(roots: RootStore | readonly TrustAnchor[]): RootStore {
  return roots instanceof RootStore ? roots : rootStore(roots);
}
