/**
 * Which type of certificate each side shows (RFC 7250): X.509, where nobody says anything, or a raw public key. A verifier
 * verifies one of them, and a key of ours comes with one.
 */
import { type CertifiedKey, type ServerConfig } from '../config.ts';
import { TlsError } from '../error.ts';
import { type ClientHello } from '../messages/client_hello.ts';
import { CertificateType, nameOf, namesOf } from '../registry.ts';
import { type ClientCertVerifier } from '../verify.ts';

/** Section 4.1: what a client offers, which says nothing where that is X.509 alone. */
export function offeredTypes(type: CertificateType): readonly CertificateType[] | undefined {
  return type === CertificateType.X509 ? undefined : [type];
}

/**
 * Section 4.2: what a server selects, of what a client offered.
 *
 * @param selected `undefined` is X.509
 */
export function selectedType(offered: CertificateType, selected: CertificateType | undefined): CertificateType {
  if (selected !== undefined && selected !== offered) {
    const what = nameOf(CertificateType, selected);
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'SelectedUnofferedCertificateType', what });
  }
  return selected ?? CertificateType.X509;
}

/** A server that does not select what the client offered has none that the client could verify. */
export function checkServerType(offered: CertificateType, selected: CertificateType): void {
  if (selected !== offered) throw noTypeInCommon(`the server does not have ${nameOf(CertificateType, offered)}`);
}

/** Section 4.2: a server's certificate must be of a type that the client can verify. */
export function checkOfferedServerType(certified: CertifiedKey, { extensions }: ClientHello): void {
  const offered = extensions.serverCertificateTypes ?? [CertificateType.X509];
  if (!offered.includes(typeOf(certified))) {
    throw noTypeInCommon(`the client verifies ${namesOf(CertificateType, offered)}`);
  }
}

/**
 * Section 4.2: what verifies the client's certificate, if the client is to be asked for one. A client without the
 * extension, which may have no certificate at all, is not asked for what it cannot have.
 */
export function chooseClientVerifier(
  { clientVerifier }: ServerConfig,
  { extensions }: ClientHello,
): ClientCertVerifier | undefined {
  if (clientVerifier === undefined) return undefined;
  const { clientCertificateTypes: offered } = extensions;
  if ((offered ?? [CertificateType.X509]).includes(typeOf(clientVerifier))) return clientVerifier;
  if (offered === undefined && !clientVerifier.mandatory) return undefined;
  throw noTypeInCommon(`the client has ${namesOf(CertificateType, offered ?? [CertificateType.X509])}`);
}

/** Section 4.2: what a server says of the types, to clients that offered any. */
export function selectedTypes(
  { extensions }: ClientHello,
  certified: CertifiedKey,
  clientVerifier: ClientCertVerifier | undefined,
): {
  readonly serverCertificateType: CertificateType | undefined;
  readonly clientCertificateType: CertificateType | undefined;
} {
  const { serverCertificateTypes, clientCertificateTypes } = extensions;
  return {
    serverCertificateType: serverCertificateTypes === undefined ? undefined : typeOf(certified),
    // "MUST be omitted" where no certificate is asked for.
    clientCertificateType:
      clientCertificateTypes === undefined || clientVerifier === undefined ? undefined : typeOf(clientVerifier),
  };
}

/** Of a verifier, or of what it verifies. */
export function typeOf({
  certificateType = CertificateType.X509,
}: {
  readonly certificateType?: CertificateType | undefined;
}): CertificateType {
  return certificateType;
}

/** RFC 8446 section 4.4.2: a raw public key stands alone. */
export function checkLength(type: CertificateType, { length }: { readonly length: number }): void {
  if (type === CertificateType.RawPublicKey && length > 1) {
    throw new TlsError({ code: 'PeerMisbehaved', reason: 'MultipleRawKeys' });
  }
}

function noTypeInCommon(what: string): TlsError {
  return new TlsError({ code: 'PeerIncompatible', reason: 'IncorrectCertificateTypeExtension', what });
}
