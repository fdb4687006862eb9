/** Whether a certificate is for the name that was asked for (RFC 6125, RFC 9525): by subjectAltName alone. */
import { isDnsName, type ServerName } from '@tyls/tls-core';
import { contextTag, DerReader } from '@tyls/tls-core/der';
import { binaryString, equalBytes } from './bytes.ts';
import { type Certificate } from './certificate.ts';
import { escapeText } from './distinguished_name.ts';
import { badEncodingOf, certificateError } from './error.ts';

type GeneralNameType =
  | 'otherName'
  | 'rfc822Name'
  | 'dNSName'
  | 'x400Address'
  | 'directoryName'
  | 'ediPartyName'
  | 'uniformResourceIdentifier'
  | 'iPAddress'
  | 'registeredID';

/** RFC 5280 section 4.2.1.6. */
interface GeneralName {
  readonly type: GeneralNameType;
  /** Content, whose meaning depends on the type. */
  readonly value: Uint8Array;
}

/** How many names an error lists. */
const maxShownNames = 20;

/**
 * Checks that a certificate is for this name.
 *
 * A DNS name matches a dNSName without regard to case, or one whose whole leftmost label is `*` and stands for exactly
 * one label; at least two labels follow it (RFC 9525 section 6.3). Other wildcards, absolute names and U-labels match
 * nothing. An address matches an iPAddress of the same bytes, never text. The subject's commonName is not looked at.
 *
 * @throws TlsError `InvalidCertificate.NotValidForName`, or `.BadEncoding` if subjectAltName is broken anywhere
 */
export function verifyServerName(certificate: Certificate, serverName: ServerName): void {
  const names = subjectAltNames(certificate);
  if (names.some((name) => matches(name, serverName))) return;
  const presented = names.slice(0, maxShownNames).map(nameText);
  if (names.length > maxShownNames) presented.push(`${names.length - maxShownNames} more`);
  throw certificateError({ reason: 'NotValidForName', expected: serverName.name, presented });
}

function matches(presented: GeneralName, reference: ServerName): boolean {
  if (reference.type === 'ip') return presented.type === 'iPAddress' && equalBytes(presented.value, reference.address);
  return presented.type === 'dNSName' && matchesDnsName(binaryString(presented.value), reference.name);
}

/**
 * @param presented a dNSName as it stands
 * @param reference the name asked for; a trailing dot means nothing here
 */
export function matchesDnsName(presented: string, reference: string): boolean {
  const wanted = reference.replace(/\.$/, '').toLowerCase();
  if (!isDnsName(wanted) || presented.length > 253) return false;
  if (!presented.startsWith('*.')) return isDnsName(presented) && presented.toLowerCase() === wanted;
  const parent = presented.slice(2);
  if (!isDnsName(parent) || !parent.includes('.')) return false;
  return wanted.slice(wanted.indexOf('.') + 1) === parent.toLowerCase() && wanted.includes('.');
}

const nameTypes: ReadonlyMap<number, GeneralNameType> = /* @__PURE__ */ new Map<number, GeneralNameType>([
  [/* @__PURE__ */ contextTag(0, true), 'otherName'],
  [/* @__PURE__ */ contextTag(1, false), 'rfc822Name'],
  [/* @__PURE__ */ contextTag(2, false), 'dNSName'],
  [/* @__PURE__ */ contextTag(3, true), 'x400Address'],
  [/* @__PURE__ */ contextTag(4, true), 'directoryName'],
  [/* @__PURE__ */ contextTag(5, true), 'ediPartyName'],
  [/* @__PURE__ */ contextTag(6, false), 'uniformResourceIdentifier'],
  [/* @__PURE__ */ contextTag(7, false), 'iPAddress'],
  [/* @__PURE__ */ contextTag(8, false), 'registeredID'],
]);

/** An empty subjectAltName is not legal, but says the same as none: there is no name. */
function subjectAltNames({ extensions }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [];
  const bad = badEncodingOf('SubjectAltName');
  const reader = new DerReader(extensions.subjectAltName ?? new Uint8Array(), bad);
  while (!reader.atEnd) {
    const { tag, content } = reader.element();
    const type = nameTypes.get(tag);
    if (type === undefined) throw bad('a GeneralName');
    names.push({ type, value: content });
  }
  return names;
}

function nameText(name: GeneralName): string {
  switch (name.type) {
    case 'dNSName':
    case 'uniformResourceIdentifier':
      return escapeText(name.value, 253);
    case 'iPAddress':
      return addressText(name.value);
    default:
      return name.type;
  }
}

function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const groups = Array.from(address.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0'));
  return groups.join('').replace(/(.{4})(?=.)/g, '$1:');
}
