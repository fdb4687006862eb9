/**
 * The verifiers that a client's and a server's configuration take. Everything a verifier can do is in one object of
 * options, which is checked when the verifier is made.
 */
import {
  type ClientCertificates,
  type ClientCertVerifier,
  type CryptoProvider,
  type PeerCertificates,
  type PeerVerified,
  peerVerified,
  runToEnd,
  type ServerCertificates,
  type ServerCertVerifier,
  type Step,
} from '@tyls/tls-core';
import { Budget } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { type CertificateIssuer, RevocationChecker, type RevocationOptions } from './crl/revocation.ts';
import { digestsOf } from './digests.ts';
import { type KeyUsageBit } from './extensions.ts';
import { verifyTls12Signature, verifyTls13Signature } from './handshake_signature.ts';
import { stapledOcspVerification, tlsFeatureOid } from './ocsp/stapled.ts';
import { checkMaxDepth, pathVerification } from './path.ts';
import { type VerifiedPath } from './path_options.ts';
import { defaultPolicy, type Policy } from './policy.ts';
import { pinnedPolicyId, policyIdOf, withPolicyId } from './policy_id.ts';
import { type Purpose } from './purpose.ts';
import { type CtLogList } from './sct/log_list.ts';
import { type SctPolicy, sctVerification } from './sct/transparency.ts';
import { PinSet, type SpkiPin } from './spki_pin.ts';
import { checkPeerNames, type PeerName, verifyAnyPeerName, verifyServerName } from './subject_name.ts';
import { RootStore, type TrustAnchor } from './trust_anchor.ts';

/** What a verifier needs of a provider. */
export type VerificationProvider = Pick<CryptoProvider, 'signatureVerification' | 'cipherSuites'>;

/** What verifiers of servers and of clients have in common. */
export interface CertVerifierOptions {
  /** Whom to trust; a store is made once and shared. */
  readonly roots: RootStore | readonly TrustAnchor[];
  readonly provider: VerificationProvider;
  /** What is demanded of the certificates; `defaultPolicy` by default. */
  readonly policy?: Policy | undefined;
  /** As many intermediates as a path may go through that are not self-issued; 6 by default, and never more. */
  readonly maxDepth?: number | undefined;
  /** What the key usage of the peer's certificate must allow, if it has the extension. */
  readonly keyUsage?: readonly KeyUsageBit[] | undefined;
  /** Revocation lists, and how they are used; without them nothing is looked up. */
  readonly revocation?: RevocationOptions | undefined;
  /** One key of the path must be among these too: the peer's, an intermediate's or the anchor's. */
  readonly pins?: readonly SpkiPin[] | undefined;
}

export interface ServerCertVerifierOptions extends CertVerifierOptions {
  /**
   * Asks servers to staple an OCSP response. One that comes must be good; one must come if the certificate says so
   * ("must-staple", RFC 7633), or with `'required'` always. By default none is asked for or looked at.
   */
  readonly ocsp?: 'ifStapled' | 'required' | undefined;
  /** Demands signed certificate timestamps of these logs, in the certificate, beside it or in its OCSP response. */
  readonly transparency?: { readonly logList: CtLogList; readonly policy?: SctPolicy } | undefined;
}

/**
 * Verifies servers: a path from the certificate to one of the roots, for the purpose serverAuth, the server's name in
 * subjectAltName, and what else the options ask for.
 *
 * @throws RangeError if there are no roots, lists or pins, the depth is no number, or the provider cannot hash what must be
 *   hashed; TypeError if a pin is none
 */
export function serverCertVerifier(options: ServerCertVerifierOptions): ServerCertVerifier {
  const { provider, policy = defaultPolicy, ocsp, transparency } = options;
  const { signatureVerification } = provider;
  const roots = storeOf(options.roots);
  const digests = digestsOf(provider);
  if (transparency !== undefined && digests.sha256 === undefined) {
    throw new RangeError('certificate transparency needs a provider with SHA-256');
  }
  const handledExtensions = ocsp === undefined ? [] : [tlsFeatureOid];
  const revocation = revocationChecker(options);
  const path = pathVerifier({ ...options, roots }, 'serverAuth', revocation, handledExtensions);
  function* verify({ serverName, now, ...certificates }: ServerCertificates): Step<PeerVerified> {
    const budget = new Budget();
    const verified = yield* path(certificates, now, budget);
    const { endEntity: certificate } = verified;
    verifyServerName(certificate, serverName, policy);
    const issuer = issuerOf(verified);
    const { algorithms } = signatureVerification;
    const stapled =
      ocsp === undefined
        ? undefined
        : yield* stapledOcspVerification({
            response: certificates.ocspResponse,
            required: ocsp !== 'ifStapled',
            certificate,
            issuer,
            algorithms,
            digests,
            now,
            budget,
            ...(revocation !== undefined && { revocation }),
          });
    if (transparency !== undefined) {
      yield* sctVerification({
        ...transparency,
        certificate,
        issuerKey: issuer.subjectPublicKeyInfo,
        tlsExtension: certificates.sctList,
        ocspExtension: stapled?.signedCertificateTimestamps,
        signatureVerification,
        digests,
        now,
        budget,
      });
    }
    return peerVerified();
  }
  const verifier: ServerCertVerifier = {
    ...handshakeSignatures(provider),
    requestOcspResponse: ocsp !== undefined,
    requestSctList: transparency !== undefined,
    verifyServerCert: (certificates) => runToEnd(verify(certificates)),
  };
  return withPolicyId(verifier, () =>
    transparency === undefined ? policyIdOf(['server', ocsp], options, roots) : undefined,
  );
}

/** Those of {@link serverCertVerifier} that ask for neither revocation nor certificate transparency. */
export interface ServerPathVerifierOptions extends Omit<CertVerifierOptions, 'revocation'> {
  readonly revocation?: undefined;
  readonly ocsp?: undefined;
  readonly transparency?: undefined;
}

/**
 * {@link serverCertVerifier} without revocation lists, OCSP and certificate transparency, and so without their code in a
 * bundle: a quarter of that of `webpki`.
 *
 * @throws as {@link serverCertVerifier}, and TypeError if it is asked for what it does not do
 */
export function serverPathVerifier(options: ServerPathVerifierOptions): ServerCertVerifier {
  const { provider, policy = defaultPolicy } = options;
  if ([options.revocation, options.ocsp, options.transparency].some((option: unknown) => option !== undefined)) {
    throw new TypeError('serverPathVerifier does without revocation, ocsp and transparency: use serverCertVerifier');
  }
  const roots = storeOf(options.roots);
  const path = pathVerifier({ ...options, roots }, 'serverAuth');
  function* verify({ serverName, now, ...certificates }: ServerCertificates): Step<PeerVerified> {
    const { endEntity } = yield* path(certificates, now);
    verifyServerName(endEntity, serverName, policy);
    return peerVerified();
  }
  const verifier: ServerCertVerifier = {
    ...handshakeSignatures(provider),
    verifyServerCert: (certificates) => runToEnd(verify(certificates)),
  };
  return withPolicyId(verifier, () => policyIdOf(['server', undefined], options, roots));
}

export interface ClientCertVerifierOptions extends CertVerifierOptions {
  /** Whether a client without a certificate is refused; by default it is. */
  readonly mandatory?: boolean | undefined;
  /** DER Names of the authorities that clients are told of; by default those of the roots, and `[]` tells none. */
  readonly rootHintSubjects?: readonly Uint8Array[] | undefined;
  /** Who may come: the certificate must be for one of these; by default for anybody. */
  readonly names?: readonly PeerName[] | undefined;
}

/**
 * Verifies clients: a path from the certificate to one of the roots, for the purpose clientAuth, and what else the options
 * ask for. Who the client is remains for the application to say, unless names are given.
 *
 * @throws RangeError if there are no roots, lists, names or pins, the depth is no number, or the provider cannot hash what
 *   must be hashed; TypeError if a pin or an e-mail address is none
 */
export function clientCertVerifier(options: ClientCertVerifierOptions): ClientCertVerifier {
  const { provider, policy = defaultPolicy, mandatory = true, rootHintSubjects, names } = options;
  if (names !== undefined) checkPeerNames(names);
  const roots = storeOf(options.roots);
  const path = pathVerifier({ ...options, roots }, 'clientAuth', revocationChecker(options));
  function* verify({ now, ...certificates }: ClientCertificates): Step<PeerVerified> {
    const { endEntity } = yield* path(certificates, now);
    if (names !== undefined) verifyAnyPeerName(endEntity, names, policy);
    return peerVerified();
  }
  const verifier: ClientCertVerifier = {
    ...handshakeSignatures(provider),
    mandatory,
    rootHintSubjects: rootHintSubjects ?? roots.subjects,
    verifyClientCert: (certificates) => runToEnd(verify(certificates)),
  };
  return withPolicyId(verifier, () =>
    names === undefined ? policyIdOf(['client', mandatory], options, roots) : undefined,
  );
}

export interface PinnedCertVerifierOptions {
  readonly pins: readonly SpkiPin[];
  readonly provider: VerificationProvider;
}

/**
 * Verifies servers by their key alone: its SHA-256 is pinned. Who certified it, until when and for which name does not
 * count. To pin keys of a path that is verified, give `pins` to {@link serverCertVerifier}.
 *
 * @throws RangeError if there are no pins; TypeError if one is none
 */
export function pinnedServerCertVerifier({ pins, provider }: PinnedCertVerifierOptions): ServerCertVerifier {
  const verifier = { ...handshakeSignatures(provider), verifyServerCert: pinnedKeys(pins, provider) };
  return withPolicyId<ServerCertVerifier>(verifier, () => pinnedPolicyId('server', pins, provider));
}

/** {@link pinnedServerCertVerifier} for clients. All must have a certificate, by whomever. */
export function pinnedClientCertVerifier({ pins, provider }: PinnedCertVerifierOptions): ClientCertVerifier {
  const verifyClientCert = pinnedKeys(pins, provider);
  const verifier = { ...handshakeSignatures(provider), mandatory: true, rootHintSubjects: [], verifyClientCert };
  return withPolicyId<ClientCertVerifier>(verifier, () => pinnedPolicyId('client', pins, provider));
}

function pinnedKeys(
  pins: readonly SpkiPin[],
  provider: VerificationProvider,
): (certificates: PeerCertificates) => PeerVerified {
  const pinned = new PinSet(pins, provider);
  return ({ endEntity }) => {
    pinned.check([parseCertificate(endEntity).subjectPublicKeyInfo]);
    return peerVerified();
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
}: VerificationProvider): Pick<ServerCertVerifier, 'schemes' | 'verifyTls13Signature' | 'verifyTls12Signature'> {
  return {
    schemes: signatureVerification.schemes.map(({ scheme }) => scheme),
    verifyTls13Signature: (signature) => runToEnd(verifyTls13Signature(signature, signatureVerification)),
    verifyTls12Signature: (signature) => runToEnd(verifyTls12Signature(signature, signatureVerification)),
  };
}

function revocationChecker({ revocation, provider }: CertVerifierOptions): RevocationChecker | undefined {
  if (revocation === undefined) return undefined;
  return new RevocationChecker(revocation, provider.signatureVerification.algorithms);
}

function pathVerifier(
  { roots, provider, policy, maxDepth, keyUsage, pins }: Omit<CertVerifierOptions, 'revocation'>,
  purpose: Purpose,
  revocation?: RevocationChecker,
  handledExtensions: readonly string[] = [],
): (certificates: PeerCertificates, now: number, budget?: Budget) => Step<VerifiedPath> {
  checkMaxDepth(maxDepth);
  const { algorithms } = provider.signatureVerification;
  const pinned = pins === undefined ? undefined : new PinSet(pins, provider);
  const store = storeOf(roots);
  const fixed = { roots: store, algorithms, purpose, policy, maxDepth, keyUsage, revocation, handledExtensions };
  return function* ({ endEntity, intermediates }, now, budget) {
    const verified = yield* pathVerification({ endEntity, intermediates, now, budget, ...fixed });
    const keys = [verified.endEntity, ...verified.intermediates, verified.anchor];
    pinned?.check(keys.map(({ subjectPublicKeyInfo }) => subjectPublicKeyInfo));
    return verified;
  };
}

function issuerOf({ intermediates: [certificate], anchor }: VerifiedPath): CertificateIssuer {
  const { subjectPublicKeyInfo } = certificate ?? anchor;
  return { subjectPublicKeyInfo, certificate };
}

function storeOf(roots: RootStore | readonly TrustAnchor[]): RootStore {
  return roots instanceof RootStore ? roots : new RootStore(roots);
}
