/**
 * Name constraints (RFC 5280 section 4.2.1.10): which names the certificates below a CA may have. Critical or not, they
 * are enforced; what cannot be compared is refused wherever a constraint of its type would count.
 */
import { type CertificateErrorDetail, isDnsName } from '@tyls/tls-core';
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { type Budget } from './budget.ts';
import { binaryString } from './bytes.ts';
import { type Certificate } from './certificate.ts';
import { describeName } from './distinguished_name.ts';
import { type DirectoryName, isBelow, parseDirectoryName } from './directory_name.ts';
import { badEncodingOf, refusalOf } from './error.ts';
import {
  type GeneralName,
  type GeneralNameType,
  isWildcardName,
  type Mailbox,
  nameText,
  parseMailbox,
  readGeneralName,
  subjectAltNames,
} from './general_name.ts';

/** Subtrees of any but these types refuse every name of their type. */
type Comparable =
  | { readonly type: 'dNSName'; readonly host: string }
  | { readonly type: 'uniformResourceIdentifier'; readonly host: string }
  | { readonly type: 'rfc822Name'; readonly mailbox: Mailbox }
  | { readonly type: 'iPAddress'; readonly address: Uint8Array }
  | { readonly type: 'directoryName'; readonly name: DirectoryName };

type Subtree =
  | Exclude<Comparable, { type: 'rfc822Name' } | { type: 'iPAddress' }>
  /** One mailbox, or all those of a host or domain. */
  | { readonly type: 'rfc822Name'; readonly mailbox: Mailbox | undefined; readonly host: string }
  | { readonly type: 'iPAddress'; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly type: Exclude<GeneralNameType, Comparable['type']> };

export interface NameConstraints {
  readonly permittedSubtrees: readonly Subtree[];
  readonly excludedSubtrees: readonly Subtree[];
}

/** A name of a certificate, ready to be compared; `undefined` if it is malformed. */
export interface ConstrainedName {
  readonly type: GeneralNameType;
  readonly comparable: Comparable | undefined;
  readonly source: GeneralName;
}

/**
 * @param content of the NameConstraints' SEQUENCE
 * @throws TlsError `InvalidCertificate.BadEncoding`, also for subtrees of names that are none
 */
export function parseNameConstraints(content: Uint8Array): NameConstraints {
  const reader = new DerReader(content, badEncodingOf('NameConstraints'));
  const permittedSubtrees = parseSubtrees(reader.enterOptional(contextTag(0, true)));
  const excludedSubtrees = parseSubtrees(reader.enterOptional(contextTag(1, true)));
  reader.finish();
  return { permittedSubtrees, excludedSubtrees };
}

function parseSubtrees(reader: DerReader | undefined): readonly Subtree[] {
  if (reader === undefined) return [];
  const subtrees: Subtree[] = [];
  while (!reader.atEnd) {
    const subtree = reader.enter(DerTag.sequence);
    subtrees.push(parseSubtree(readGeneralName(subtree, bad)));
    // RFC 5280 section 4.2.1.10: the minimum MUST be zero, and so is left out; the maximum MUST be absent.
    subtree.finish();
  }
  return subtrees;
}

const bad: (what: string) => Error = /* @__PURE__ */ badEncodingOf('NameConstraints');

function parseSubtree({ type, value }: GeneralName): Subtree {
  switch (type) {
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return { type, host: parseDomain(value) };
    case 'rfc822Name': {
      const text = binaryString(value);
      if (!text.includes('@')) return { type, mailbox: undefined, host: parseDomain(value) };
      const mailbox = parseAddress(text);
      if (mailbox === undefined) throw bad('a mailbox');
      return { type, mailbox, host: mailbox.host };
    }
    case 'iPAddress': {
      const half = value.length / 2;
      const mask = value.subarray(half);
      if ((half !== 4 && half !== 16) || !isPrefixMask(mask)) throw bad('a range of addresses');
      return { type, address: value.subarray(0, half), mask };
    }
    case 'directoryName':
      return { type, name: parseDirectoryName(value) };
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return { type };
  }
}

/** A host and what is below it; with a leading dot, which some dNSNames have too, only what is below; all if empty. */
function parseDomain(value: Uint8Array): string {
  const text = binaryString(value).toLowerCase();
  if (text !== '' && !isDnsName(text.replace(/^\./, ''))) throw bad('a domain');
  return text;
}

/** RFC 4632: ones, then zeroes. */
function isPrefixMask(mask: Uint8Array): boolean {
  return /^1*0*$/.test(Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join(''));
}

/**
 * The names of a certificate that constraints are about: those in subjectAltName, its subject, and if it has no
 * subjectAltName the e-mail addresses in its subject.
 *
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function constrainedNames(certificate: Certificate): readonly ConstrainedName[] {
  const names = subjectAltNames(certificate).map(constrainedName);
  const { subject, extensions } = certificate;
  if (subject.length === 0) return names;
  const name: GeneralName = { type: 'directoryName', value: subject };
  const inSubject = constrainedName(name);
  if (extensions.subjectAltName === undefined && inSubject.comparable?.type === 'directoryName') {
    for (const value of inSubject.comparable.name.emailAddresses) {
      names.push(constrainedName({ type: 'rfc822Name', value }));
    }
  }
  return [...names, inSubject];
}

function constrainedName(source: GeneralName): ConstrainedName {
  return { type: source.type, comparable: comparableName(source), source };
}

function comparableName({ type, value }: GeneralName): Comparable | undefined {
  switch (type) {
    case 'dNSName': {
      const host = binaryString(value).toLowerCase();
      return isDnsName(host) || isWildcardName(host) ? { type, host } : undefined;
    }
    case 'uniformResourceIdentifier': {
      const host = hostOf(binaryString(value));
      return host === undefined ? undefined : { type, host };
    }
    case 'rfc822Name': {
      const mailbox = parseAddress(binaryString(value));
      return mailbox === undefined ? undefined : { type, mailbox };
    }
    case 'iPAddress':
      return value.length === 4 || value.length === 16 ? { type, address: value } : undefined;
    case 'directoryName':
      try {
        return { type, name: parseDirectoryName(value) };
      } catch (error) {
        refusalOf(error);
        return undefined;
      }
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return undefined;
  }
}

function parseAddress(text: string): Mailbox | undefined {
  const mailbox = parseMailbox(text);
  const host = mailbox?.host.toLowerCase();
  return mailbox === undefined || host === undefined || !isDnsName(host) ? undefined : { ...mailbox, host };
}

/**
 * The host of an absolute URI (RFC 3986 section 3.2.2); an address is none. Characters that a URI cannot have are refused,
 * since parsers do not agree about what they mean.
 */
function hostOf(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[\w.~!$&'()*+,;=:%-]*@)?([a-z0-9_.-]+)(?::[0-9]*)?(?:[/?#]|$)/i;
  const host = authority.exec(uri)?.[1]?.toLowerCase();
  return host !== undefined && isDnsName(host) ? host : undefined;
}

/** How constraints on directoryName count: rustls-webpki refuses whatever is below them. */
export type DirectoryNameConstraints = 'enforced' | 'refused';

/**
 * Checks names against the constraints of a CA above them.
 *
 * @param subject of the CA, for the error
 * @returns why they are refused
 */
export function checkNames(
  names: readonly ConstrainedName[],
  { permittedSubtrees, excludedSubtrees }: NameConstraints,
  subject: Uint8Array,
  directoryNames: DirectoryNameConstraints,
  budget: Budget,
): 'valid' | CertificateErrorDetail {
  const isUnsupported = ({ type }: Subtree): boolean => type === 'directoryName' && directoryNames === 'refused';
  if (permittedSubtrees.some(isUnsupported) || excludedSubtrees.some(isUnsupported)) {
    return { reason: 'UnsupportedNameConstraints', subject: describeName(subject) };
  }
  for (const name of names) {
    let isPermitted: boolean | undefined;
    for (const subtree of permittedSubtrees) {
      budget.takeComparison();
      if (subtree.type === name.type) isPermitted = isPermitted === true || contains(subtree, name, 'permitted');
    }
    let isExcluded = false;
    for (const subtree of excludedSubtrees) {
      budget.takeComparison();
      if (subtree.type === name.type) isExcluded ||= contains(subtree, name, 'excluded');
    }
    if (isPermitted === false || isExcluded) {
      return { reason: 'NameConstraintViolation', name: nameText(name.source), subject: describeName(subject) };
    }
  }
  return 'valid';
}

type Side = 'permitted' | 'excluded';

/** Whether a name of its type is within a subtree. What cannot be compared is outside of what is permitted, and excluded. */
function contains(subtree: Subtree, { comparable }: ConstrainedName, side: Side): boolean {
  const unknown = side === 'excluded';
  if (comparable === undefined) return unknown;
  switch (subtree.type) {
    case 'dNSName':
      return comparable.type === 'dNSName' && containsDnsName(subtree.host, comparable.host, side);
    case 'uniformResourceIdentifier':
      return comparable.type === 'uniformResourceIdentifier' && containsHost(subtree.host, comparable.host);
    case 'rfc822Name': {
      if (comparable.type !== 'rfc822Name') return unknown;
      const { localPart, host } = comparable.mailbox;
      if (subtree.mailbox === undefined) return containsHost(subtree.host, host);
      return subtree.host === host && subtree.mailbox.localPart === localPart;
    }
    case 'iPAddress': {
      if (comparable.type !== 'iPAddress') return unknown;
      const { address, mask } = subtree;
      return (
        comparable.address.length === mask.length &&
        mask.every((bits, i) => ((comparable.address[i]! ^ address[i]!) & bits) === 0)
      );
    }
    case 'directoryName':
      return comparable.type === 'directoryName' && isBelow(comparable.name, subtree.name);
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return unknown;
  }
}

/** Of URIs and mailboxes: the host itself, or with a leading dot what is below. */
function containsHost(base: string, host: string): boolean {
  return base === '' || (base.startsWith('.') ? host.endsWith(base) : host === base);
}

/**
 * A wildcard is permitted if all that it stands for is, and excluded if anything is.
 *
 * @param name may be a wildcard
 */
function containsDnsName(base: string, name: string, side: Side): boolean {
  if (base === '') return true;
  const isBelowOnly = base.startsWith('.');
  const suffix = isBelowOnly ? base : `.${base}`;
  // A wildcard is one label and its parent, so that this is right for it too.
  if (name.endsWith(suffix)) return true;
  if (isBelowOnly) return false;
  if (!name.startsWith('*.')) return name === base;
  return side === 'excluded' && name.slice(1) === base.slice(base.indexOf('.'));
}
