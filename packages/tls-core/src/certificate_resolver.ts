/** Resolvers that choose among several certificates, by what the peer says of itself (RFC 8446 sections 4.4.2.2 and 4.4.2.3). */
import { equalBytes } from './codec/bytes.ts';
import { type CertifiedKey, type ClientCertResolver, type ServerCertResolver } from './config.ts';
import { certificateSignatureSchemes } from './crypto/certificate_schemes.ts';
import { certificateFields, keyCurve } from './crypto/certificate_fields.ts';
import { CertificateType, type NamedGroup, ProtocolVersion, type SignatureScheme } from './registry.ts';
import { isDnsName } from './server_name.ts';

/** What {@link serverCertResolver} chooses from. Where there are several for one name: in order of preference. */
export interface ServerCertificateChoices {
  /**
   * By DNS name. `*.example.com` stands for every name with one label more than `example.com`, unless that has an entry of
   * its own.
   */
  readonly byName?: Readonly<Record<string, CertifiedKey | readonly CertifiedKey[]>> | undefined;
  /** For clients that name no server, or one that `byName` does not have; by default those are refused. */
  readonly fallback?: CertifiedKey | readonly CertifiedKey[] | undefined;
}

/**
 * Chooses by the name that the client asks for, and of the certificates for that name one whose key can sign with a scheme
 * of the client's, in TLS 1.2 also with a suite and on a curve of its; if it can be, one that is signed with algorithms that
 * the client has for certificates, and is issued by an authority that it names.
 *
 * @throws TypeError if a name is no DNS name; RangeError if there is nothing for it, or a chain is empty
 */
export function serverCertResolver({ byName = {}, fallback }: ServerCertificateChoices): ServerCertResolver {
  const named = new Map(Object.entries(byName).map(([name, choices]) => [checkName(name), candidatesOf(choices)]));
  const others = fallback === undefined ? [] : candidatesOf(fallback);
  return (hello) => {
    const candidates = hello.serverName === undefined ? others : (find(named, hello.serverName) ?? others);
    const usable = candidates.filter(
      ({ certified, type, curve }) =>
        hello.serverCertificateTypes.includes(type) &&
        certified.key.chooseScheme(hello.signatureSchemes) !== undefined &&
        (hello.protocolVersion !== ProtocolVersion.TLSv1_2 || curve === undefined || hello.namedGroups.includes(curve)),
    );
    const rank = (candidate: Candidate): number =>
      Number(isSignedWith(candidate, hello.signatureSchemesCert)) * 2 +
      Number(isIssuedBy(candidate, hello.certificateAuthorities));
    const best = Math.max(...usable.map(rank));
    return usable.find((candidate) => rank(candidate) === best)?.certified;
  };
}

/**
 * Chooses the first certificate whose key can sign with a scheme of the server's, that is signed with algorithms that the
 * server has for certificates, and that is issued by one of the authorities that it names, if it names any: to another
 * server it would be of no use, and say who the client is.
 *
 * @throws RangeError if there is none, or a chain is empty
 */
export function clientCertResolver(choices: readonly CertifiedKey[]): ClientCertResolver {
  const candidates = candidatesOf(choices);
  return (request) =>
    candidates.find(
      (candidate) =>
        candidate.certified.key.chooseScheme(request.signatureSchemes) !== undefined &&
        isSignedWith(candidate, request.signatureSchemesCert) &&
        isIssuedBy(candidate, request.certificateAuthorities),
    )?.certified;
}

function checkName(name: string): string {
  if (!isDnsName(name.startsWith('*.') ? name.slice(2) : name)) {
    throw new TypeError(`${JSON.stringify(name)} is no DNS name, nor *. and one`);
  }
  return name.toLowerCase();
}

/** @param name in lower case */
function find(named: ReadonlyMap<string, readonly Candidate[]>, name: string): readonly Candidate[] | undefined {
  const dot = name.indexOf('.');
  return named.get(name) ?? (dot === -1 ? undefined : named.get(`*${name.slice(dot)}`));
}

/** A certificate to choose, and what there is to know of it: read once. */
interface Candidate {
  readonly certified: CertifiedKey;
  readonly type: CertificateType;
  readonly curve: NamedGroup | undefined;
  /** DER Names. */
  readonly issuers: readonly Uint8Array[];
  /** For each certificate of the chain the schemes that its signature goes by. */
  readonly signedWith: readonly (readonly SignatureScheme[])[];
}

function candidatesOf(choices: CertifiedKey | readonly CertifiedKey[]): readonly Candidate[] {
  const list = 'certificates' in choices ? [choices] : choices;
  if (list.length === 0) throw new RangeError('there is no certificate to choose');
  return list.map(candidateOf);
}

function candidateOf(certified: CertifiedKey): Candidate {
  const { certificates, certificateType: type = CertificateType.X509 } = certified;
  const [endEntity] = certificates;
  if (endEntity === undefined) throw new RangeError('the certificate chain is empty');
  const fields = type === CertificateType.X509 ? certificates.flatMap((der) => certificateFields(der) ?? []) : [];
  return {
    certified,
    type,
    curve: keyCurve(type, endEntity),
    issuers: fields.map(({ issuer }) => issuer),
    // RFC 8446 section 4.2.3: the signature of a root is not verified.
    signedWith: fields
      .filter(({ issuer, subject }) => !equalBytes(issuer, subject))
      .map(({ signatureAlgorithm }) => certificateSignatureSchemes(signatureAlgorithm)),
  };
}

function isSignedWith({ signedWith }: Candidate, schemes: readonly SignatureScheme[]): boolean {
  return signedWith.every((alternatives) => alternatives.some((scheme) => schemes.includes(scheme)));
}

/** @param authorities none: any will do */
function isIssuedBy({ issuers }: Candidate, authorities: readonly Uint8Array[]): boolean {
  return authorities.length === 0 || authorities.some((name) => issuers.some((issuer) => equalBytes(issuer, name)));
}
