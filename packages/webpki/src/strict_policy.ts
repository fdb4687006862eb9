/**
 * The strict policy: RFC 5280's profile and, of the CA/Browser Forum's Baseline Requirements (BR), the profile of
 * certificates for servers. What is in public use keeps these rules; old and private CAs often do not.
 */
import { isDnsName } from '@tyls/tls-core';
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { binaryString, equalBytes } from './bytes.ts';
import { type Certificate, isSelfIssued } from './certificate.ts';
import { badEncodingOf } from './error.ts';
import { type RawExtension, sequenceContent } from './extensions.ts';
import { addressText, isWildcardName, readGeneralName, subjectAltNames } from './general_name.ts';
import {
  authorityKeyIdentifierOid,
  parseAuthorityKeyIdentifier,
  parseSubjectKeyIdentifier,
  subjectKeyIdentifierOid,
} from './key_identifier.ts';
import { parseNameConstraints } from './name_constraints.ts';
import { oidText } from './oid.ts';
import { type CertificateRule, type Policy } from './policy.ts';
import { anyExtendedKeyUsageOid } from './purpose.ts';
import { parseSubjectPublicKeyInfo } from './signed_data.ts';

type Check = CertificateRule['check'];

const find = ({ extensions }: Certificate, wanted: string): RawExtension | undefined =>
  extensions.list.find(({ oid }) => oid === wanted);

/** RFC 5280 section 4.1.2.2. Roots that break it are in use. */
const serialNumber: Check = ({ serialNumber: serial }, { role }) => {
  if (role === 'anchor') return undefined;
  if (serial[0]! >= 0x80) return 'the serial number is negative';
  if (serial.every((byte) => byte === 0)) return 'the serial number is zero';
  return serial.length > 20 ? 'the serial number has more than 20 bytes' : undefined;
};

/** RFC 5280 sections 4.1.2.4 and 4.1.2.6. */
const names: Check = ({ issuer, subject }, { role }) => {
  if (issuer.length === 0) return 'the issuer has no name';
  return role !== 'endEntity' && subject.length === 0 ? 'a CA has no name' : undefined;
};

/** RFC 5280 section 4.2.1.1; BR section 7.1.2.11.1. Who issued an anchor does not count, so that one may go without. */
const authorityKeyIdentifier: Check = (certificate, { role }) => {
  const extension = find(certificate, authorityKeyIdentifierOid);
  if (extension === undefined) return role === 'anchor' ? undefined : 'it has no authorityKeyIdentifier';
  if (extension.critical) return 'authorityKeyIdentifier is critical';
  const parsed = parseAuthorityKeyIdentifier(extension.value);
  if (parsed.keyIdentifier === undefined) return 'authorityKeyIdentifier has no keyIdentifier';
  if (parsed.hasAuthorityCertIssuer || parsed.hasAuthorityCertSerialNumber) {
    return 'authorityKeyIdentifier names a certificate';
  }
  const own = find(certificate, subjectKeyIdentifierOid);
  const isOther = own !== undefined && !equalBytes(parseSubjectKeyIdentifier(own.value), parsed.keyIdentifier);
  const isRoot = role === 'anchor' && isSelfIssued(certificate);
  return isRoot && isOther ? 'authorityKeyIdentifier of a root is not its subjectKeyIdentifier' : undefined;
};

/** RFC 5280 section 4.2.1.2. */
const subjectKeyIdentifier: Check = (certificate, { role }) => {
  const extension = find(certificate, subjectKeyIdentifierOid);
  if (extension === undefined) return role === 'endEntity' ? undefined : 'a CA has no subjectKeyIdentifier';
  parseSubjectKeyIdentifier(extension.value);
  return extension.critical ? 'subjectKeyIdentifier is critical' : undefined;
};

/** RFC 5280 section 4.2.1.9; of intermediates path validation itself demands that they are CAs. */
const basicConstraints: Check = (certificate, { role }) => {
  const { basicConstraints: parsed } = certificate.extensions;
  if (role === 'endEntity') {
    return parsed?.pathLenConstraint === undefined ? undefined : 'an end entity has a pathLenConstraint';
  }
  if (parsed?.cA !== true) return 'a root is no CA';
  return find(certificate, '2.5.29.19')!.critical ? undefined : 'basicConstraints of a CA is not critical';
};

/** RFC 5280 section 4.2.1.3; of intermediates path validation itself demands it. */
const keyUsage: Check = ({ extensions }, { role }) =>
  role === 'anchor' && extensions.keyUsage?.keyCertSign === false
    ? 'the key usage of a root does not allow keyCertSign'
    : undefined;

/** BR sections 7.1.2.1.2, 7.1.2.7.6 and 7.1.2.7.10. */
const extendedKeyUsage: Check = (certificate, { role }) => {
  const extension = find(certificate, '2.5.29.37');
  if (role === 'anchor') return extension === undefined ? undefined : 'a root has extKeyUsage';
  if (role === 'intermediate') return undefined;
  if (extension === undefined) return 'it has no extKeyUsage';
  if (extension.critical) return 'extKeyUsage is critical';
  const purposes = certificate.extensions.extendedKeyUsage ?? [];
  return purposes.some((oid) => oidText(oid) === anyExtendedKeyUsageOid) ? 'extKeyUsage allows anything' : undefined;
};

/** RFC 5280 section 4.2.1.6; BR section 7.1.2.7.12. */
const subjectAltName: Check = (certificate, { role, purpose }) => {
  if (role !== 'endEntity') return undefined;
  const extension = find(certificate, '2.5.29.17');
  const isUnnamed = certificate.subject.length === 0;
  if (extension === undefined) {
    return isUnnamed || purpose === 'serverAuth' ? 'it has no subjectAltName' : undefined;
  }
  if (extension.critical !== isUnnamed) {
    return isUnnamed
      ? 'subjectAltName is not critical, and there is no subject'
      : 'subjectAltName is critical, and there is a subject';
  }
  const broken = subjectAltNames(certificate).find(({ type, value }) => type === 'dNSName' && !isPreferredName(value));
  return broken === undefined ? undefined : 'a dNSName is not in the preferred name syntax';
};

/** RFC 1034 section 3.5 and RFC 1123 section 2.1, or a wildcard. */
function isPreferredName(value: Uint8Array): boolean {
  const name = binaryString(value);
  return !name.includes('_') && (isDnsName(name) || isWildcardName(name));
}

/**
 * BR section 7.1.4.3: a commonName says again, character for character, what subjectAltName says. Two that claim nothing
 * more are tolerated: the domain that all dNSNames are below, and what is no address where there are no dNSNames.
 */
const commonName: Check = (certificate, { role, purpose }) => {
  if (role !== 'endEntity' || purpose !== 'serverAuth') return undefined;
  const found = attributeValues(certificate.subject, '2.5.4.3');
  if (found.length === 0) return undefined;
  if (found.length > 1) return 'it has several commonNames';
  const name = found[0]!;
  const known = subjectAltNames(certificate);
  const hosts = known.filter(({ type }) => type === 'dNSName').map(({ value }) => binaryString(value));
  const addresses = known.filter(({ type }) => type === 'iPAddress').map(({ value }) => addressText(value));
  const isKnown = looksLikeAddress(name)
    ? addresses.includes(name)
    : hosts.includes(name) || hosts.every((host) => host.endsWith(`.${name}`));
  return isKnown ? undefined : 'commonName is not in subjectAltName';
};

/** In any form that something takes for an address, such as `0x7f000001`. */
function looksLikeAddress(name: string): boolean {
  return name.includes(':') || /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/i.test(name);
}

function attributeValues(name: Uint8Array, wanted: string): string[] {
  const values: string[] = [];
  const relativeNames = new DerReader(name, badEncodingOf('Name'));
  while (!relativeNames.atEnd) {
    const set = relativeNames.enter(DerTag.set);
    while (!set.atEnd) {
      const attribute = set.enter(DerTag.sequence);
      const type = oidText(attribute.read(DerTag.oid));
      if (type === wanted) values.push(binaryString(attribute.element().content));
      else attribute.element();
      attribute.finish();
    }
  }
  return values;
}

/** RFC 5280 section 4.2.1.10; BR section 7.1.2.5.2. A leading dot is for URIs and mailboxes only. */
const nameConstraints: Check = ({ extensions }, { role }) => {
  if (extensions.nameConstraints === undefined) return undefined;
  if (role === 'endEntity') return 'an end entity has nameConstraints';
  const { permittedSubtrees, excludedSubtrees } = parseNameConstraints(extensions.nameConstraints);
  const subtrees = [...permittedSubtrees, ...excludedSubtrees];
  if (subtrees.length === 0) return 'nameConstraints are empty';
  const isMalformed = subtrees.some((subtree) => subtree.type === 'dNSName' && subtree.host.startsWith('.'));
  return isMalformed ? 'a dNSName in nameConstraints has a leading dot' : undefined;
};

/** RFC 5280 section 4.2.1.11. */
const policyConstraints: Check = (certificate) =>
  find(certificate, '2.5.29.36')?.critical === false ? 'policyConstraints is not critical' : undefined;

/** RFC 5280 section 4.2.2.1; BR section 7.1.2.7.7. */
const authorityInfoAccess: Check = (certificate) => {
  const extension = find(certificate, '1.3.6.1.5.5.7.1.1');
  if (extension === undefined) return undefined;
  if (extension.critical) return 'authorityInfoAccess is critical';
  const bad = badEncodingOf('AuthorityInfoAccessSyntax');
  const reader = new DerReader(sequenceContent(extension.value, 'AuthorityInfoAccessSyntax'), bad);
  let isEmpty = true;
  while (!reader.atEnd) {
    isEmpty = false;
    const description = reader.enter(DerTag.sequence);
    description.read(DerTag.oid);
    readGeneralName(description, bad);
    description.finish();
  }
  return isEmpty ? 'authorityInfoAccess is empty' : undefined;
};

const rsaEncryption = '1.2.840.113549.1.1.1';
const idEcPublicKey = '1.2.840.10045.2.1';
const ed25519 = '1.3.101.112';
const curves: ReadonlySet<string> = /* @__PURE__ */ new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);

/** BR sections 6.1.5 and 6.1.6, and Ed25519, which they do not know. */
const publicKey: Check = ({ subjectPublicKeyInfo }) => {
  const { algorithm, publicKey: key } = parseSubjectPublicKeyInfo(subjectPublicKeyInfo);
  const reader = new DerReader(algorithm, badEncodingOf('AlgorithmIdentifier'));
  const oid = oidText(reader.read(DerTag.oid));
  switch (oid) {
    case rsaEncryption:
      return rsaKey(key);
    case idEcPublicKey: {
      const curve = reader.optional(DerTag.oid);
      return curve !== undefined && curves.has(oidText(curve)) ? undefined : 'its curve is not P-256, P-384 or P-521';
    }
    case ed25519:
      return undefined;
    default:
      return `its key is neither RSA, ECDSA nor Ed25519`;
  }
};

function rsaKey(key: Uint8Array): string | undefined {
  const bad = badEncodingOf('RSAPublicKey');
  const reader = new DerReader(key, bad);
  const sequence = reader.enter(DerTag.sequence);
  reader.finish();
  const modulus = sequence.unsignedInteger();
  const exponent = sequence.unsignedInteger();
  sequence.finish();
  const bits = 8 * modulus.length - Math.clz32(modulus[0]!) + 24;
  if (bits < 2048 || bits % 8 !== 0) return `its RSA modulus has ${bits} bits, not 2048 or a larger multiple of 8`;
  const isSmall = exponent.length === 1 && exponent[0]! < 3;
  return isSmall || exponent.at(-1)! % 2 === 0 ? 'its RSA exponent is not odd or less than 3' : undefined;
}

/** RFC 5280 section 6.1 leaves it to others whether a trust anchor is still good. */
const anchorValidity: Check = ({ notBefore, notAfter }, { role, now }) =>
  role === 'anchor' && (now < notBefore || now > notAfter) ? 'the root is not valid now' : undefined;

const anchorExtensions: Check = ({ extensions: { unhandledCritical } }, { role }) =>
  role === 'anchor' && unhandledCritical !== undefined
    ? `the root has the critical extension ${unhandledCritical}, which is not handled`
    : undefined;

/**
 * What the CA/Browser Forum's Baseline Requirements and RFC 5280's profile demand, where certificates can tell. Rules are
 * named by the keys below. Give the roots with their certificates (`rootStore` of PEM does) to have them checked too.
 */
export const strictPolicy: Policy = {
  selfIssuedIntermediates: 'exempt',
  directoryNameConstraints: 'enforced',
  rules: /* @__PURE__ */ Object.entries({
    serialNumber,
    names,
    authorityKeyIdentifier,
    subjectKeyIdentifier,
    basicConstraints,
    keyUsage,
    extendedKeyUsage,
    subjectAltName,
    commonName,
    nameConstraints,
    policyConstraints,
    authorityInfoAccess,
    publicKey,
    anchorValidity,
    anchorExtensions,
  }).map(([name, check]) => ({ name, check })),
};
