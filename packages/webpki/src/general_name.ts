/** GeneralName (RFC 5280 section 4.2.1.6): the names in subjectAltName and in name constraints. */
import { isDnsName } from '@tyls/tls-core';
import { contextTag, DerReader, DerTag } from '@tyls/tls-core/der';
import { type Certificate } from './certificate.ts';
import { describeName, escapeText } from './distinguished_name.ts';
import { badEncodingOf } from './error.ts';

export type GeneralNameType =
  | 'otherName'
  | 'rfc822Name'
  | 'dNSName'
  | 'x400Address'
  | 'directoryName'
  | 'ediPartyName'
  | 'uniformResourceIdentifier'
  | 'iPAddress'
  | 'registeredID';

export interface GeneralName {
  readonly type: GeneralNameType;
  /** Content, whose meaning depends on the type; of a directoryName the content of the Name's SEQUENCE. */
  readonly value: Uint8Array;
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

/** @param bad makes the error to throw */
export function readGeneralName(reader: DerReader, bad: (what: string) => Error): GeneralName {
  const { tag, content } = reader.element();
  const type = nameTypes.get(tag);
  if (type === undefined) throw bad('a GeneralName');
  return { type, value: type === 'directoryName' ? nameContent(content, bad) : content };
}

/** Name is a CHOICE, and so its tag is explicit here (X.680 section 31.2.7). */
function nameContent(content: Uint8Array, bad: (what: string) => Error): Uint8Array {
  const reader = new DerReader(content, bad);
  const name = reader.read(DerTag.sequence);
  reader.finish();
  return name;
}

/**
 * The names in subjectAltName. An empty one is not legal, but says the same as none: there is no name.
 *
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function subjectAltNames({ extensions }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [];
  const bad = badEncodingOf('SubjectAltName');
  const reader = new DerReader(extensions.subjectAltName ?? new Uint8Array(), bad);
  while (!reader.atEnd) names.push(readGeneralName(reader, bad));
  return names;
}

/** Whether a dNSName is a wildcard that counts: the whole leftmost label, and at least two after it (RFC 9525 section 6.3). */
export function isWildcardName(name: string): boolean {
  const parent = name.slice(2);
  return name.startsWith('*.') && name.length <= 253 && isDnsName(parent) && parent.includes('.');
}

/** For messages. */
export function nameText({ type, value }: GeneralName): string {
  switch (type) {
    case 'dNSName':
    case 'rfc822Name':
    case 'uniformResourceIdentifier':
      return escapeText(value, 253);
    case 'iPAddress':
      return addressText(value);
    case 'directoryName':
      return describeName(value);
    case 'otherName':
    case 'x400Address':
    case 'ediPartyName':
    case 'registeredID':
      return type;
  }
}

/** An address as RFC 5952 section 4 has it, or what else the bytes are in hexadecimal. */
export function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  const groups = Array.from({ length: Math.min(address.length, 16) >> 1 }, (_, i) =>
    ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16),
  );
  if (address.length !== 16) return groups.join(':');
  // RFC 5952 section 4.2: the longest run of zeroes, of equal ones the first, and never a single group.
  const runs = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.reduce<RegExpExecArray | undefined>(
    (best, run) => (best === undefined || run[0].length > best[0].length ? run : best),
    undefined,
  );
  if (longest === undefined) return groups.join(':');
  const text = groups.join(':');
  const [before, after] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length)];
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`;
}

/** An e-mail address (RFC 5280 section 4.2.1.6, RFC 5321 section 4.1.2). */
export interface Mailbox {
  readonly localPart: string;
  /** As it stands; host names are compared without regard to case. */
  readonly host: string;
}

/** @returns `undefined` if it has not one `@` that splits it in two; whether the host is one is not looked at */
export function parseMailbox(text: string): Mailbox | undefined {
  const [, localPart, host] =
    /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+|"(?:[ !#-[\]-~]|\\[ -~])*")@([^@]+)$/.exec(text) ?? [];
  if (localPart === undefined || host === undefined || /^\.|\.\.|\.$/.test(localPart.replace(/^".*"$/, ''))) {
    return undefined;
  }
  return { localPart, host };
}
