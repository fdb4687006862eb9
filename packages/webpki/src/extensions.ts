/** Certificate extensions (RFC 5280 section 4.2), as far as path validation acts on them. */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { binaryString } from './bytes.ts';
import { badEncodingOf, certificateError } from './error.ts';
import { oidText } from './oid.ts';

export interface RawExtension {
  /** Dotted, or some other text that is as unique. */
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue's OCTET STRING. */
  readonly value: Uint8Array;
}

export interface CertificateExtensions {
  /** All of them, in the order of the certificate. */
  readonly list: readonly RawExtension[];
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: KeyUsage | undefined;
  /** Contents of the object identifiers; at least one. */
  readonly extendedKeyUsage: readonly Uint8Array[] | undefined;
  /** Content of the GeneralNames' SEQUENCE. */
  readonly subjectAltName: Uint8Array | undefined;
  /** Content of the NameConstraints' SEQUENCE. */
  readonly nameConstraints: Uint8Array | undefined;
  /** The first one that is critical and that path validation does not act on: dotted. */
  readonly unhandledCritical: string | undefined;
}

/** RFC 5280 section 4.2.1.9. */
export interface BasicConstraints {
  readonly cA: boolean;
  readonly pathLenConstraint: number | undefined;
}

/** RFC 5280 section 4.2.1.3, by bit number. */
const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsageBit = (typeof keyUsageBits)[number];

/** RFC 5280 section 4.2.1.3. */
export type KeyUsage = Readonly<Record<KeyUsageBit, boolean>>;

/** @param list reader over the content of Extensions, which may be empty: some issuers do not leave it out then */
export function readExtensions(list: DerReader): readonly RawExtension[] {
  const extensions: RawExtension[] = [];
  const seen = new Set<string>();
  while (!list.atEnd) {
    const extension = list.enter(DerTag.sequence);
    const id = extension.read(DerTag.oid);
    // RFC 5280 section 4.2: a certificate MUST NOT include more than one instance of an extension.
    const key = binaryString(id);
    if (seen.has(key)) throw certificateError({ reason: 'BadEncoding', what: `the extension ${oidText(id)} twice` });
    seen.add(key);
    const critical = readDefaultFalse(extension);
    extensions.push({ oid: oidText(id), critical, value: extension.read(DerTag.octetString) });
    extension.finish();
  }
  return extensions;
}

export const nameConstraintsOid = '2.5.29.30';

export function parseExtensions(extensions: readonly RawExtension[]): CertificateExtensions {
  let basicConstraints: BasicConstraints | undefined;
  let keyUsage: KeyUsage | undefined;
  let extendedKeyUsage: readonly Uint8Array[] | undefined;
  let subjectAltName: Uint8Array | undefined;
  let nameConstraints: Uint8Array | undefined;
  for (const { oid, value } of extensions) {
    switch (oid) {
      case '2.5.29.15':
        keyUsage = parseKeyUsage(value);
        break;
      case '2.5.29.17':
        subjectAltName = sequenceContent(value, 'SubjectAltName');
        break;
      case '2.5.29.19':
        basicConstraints = parseBasicConstraints(value);
        break;
      case nameConstraintsOid:
        nameConstraints = sequenceContent(value, 'NameConstraints');
        break;
      case '2.5.29.37':
        extendedKeyUsage = parseExtendedKeyUsage(value);
    }
  }
  return {
    list: extensions,
    basicConstraints,
    keyUsage,
    extendedKeyUsage,
    subjectAltName,
    nameConstraints,
    unhandledCritical: firstCritical(extensions, actedOn),
  };
}

const actedOn: ReadonlySet<string> = /* @__PURE__ */ new Set([
  '2.5.29.15',
  '2.5.29.17',
  '2.5.29.19',
  nameConstraintsOid,
  '2.5.29.37',
]);

/** @param others that something else acts on: dotted */
export function unhandledCritical(
  { list, unhandledCritical: first }: CertificateExtensions,
  others: ReadonlySet<string>,
): string | undefined {
  return first === undefined ? undefined : firstCritical(list, new Set([...actedOn, ...others]));
}

function firstCritical(list: readonly RawExtension[], handled: ReadonlySet<string>): string | undefined {
  return list.find(({ oid, critical }) => critical && !handled.has(oid))?.oid;
}

/** The content of the one SEQUENCE that an extension's value is. */
export function sequenceContent(value: Uint8Array, structure: string): Uint8Array {
  const reader = new DerReader(value, badEncodingOf(structure));
  const content = reader.read(DerTag.sequence);
  reader.finish();
  return content;
}

/** BOOLEAN DEFAULT FALSE. X.690 section 11.5 wants a false left out; certificates in use have it. */
function readDefaultFalse(reader: DerReader): boolean {
  return reader.nextTag === DerTag.boolean ? reader.boolean() : false;
}

function parseBasicConstraints(value: Uint8Array): BasicConstraints {
  const bad = badEncodingOf('BasicConstraints');
  const reader = new DerReader(sequenceContent(value, 'BasicConstraints'), bad);
  const cA = readDefaultFalse(reader);
  // Some end entities have a pathLenConstraint, which RFC 5280 allows to CAs only; there it means nothing.
  const pathLenConstraint = reader.atEnd ? undefined : reader.smallInteger();
  reader.finish();
  if (pathLenConstraint !== undefined && pathLenConstraint > 255) throw bad('a pathLenConstraint over 255');
  return { cA, pathLenConstraint };
}

function parseKeyUsage(value: Uint8Array): KeyUsage {
  const bad = badEncodingOf('KeyUsage');
  const reader = new DerReader(value, bad);
  const [unused, ...bits] = reader.read(DerTag.bitString);
  reader.finish();
  const last = bits.at(-1);
  if (last === undefined && unused !== 0) throw bad('a BIT STRING');
  // X.690 section 11.2: unused bits are zero, and a list of named bits ends with a bit that is set.
  if (last !== undefined && (unused! > 7 || last === 0 || (last & ((1 << unused!) - 1)) !== 0))
    throw bad('a BIT STRING');
  const isSet = (bit: number): boolean => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  const usage: Partial<Record<KeyUsageBit, boolean>> = {};
  for (const [bit, name] of keyUsageBits.entries()) usage[name] = isSet(bit);
  return usage as KeyUsage;
}

/** RFC 5280 section 4.2.1.12. */
function parseExtendedKeyUsage(value: Uint8Array): readonly Uint8Array[] {
  const bad = badEncodingOf('ExtKeyUsageSyntax');
  const reader = new DerReader(sequenceContent(value, 'ExtKeyUsageSyntax'), bad);
  const purposes: Uint8Array[] = [];
  while (!reader.atEnd) purposes.push(reader.read(DerTag.oid));
  if (purposes.length === 0) throw bad('no purposes');
  return purposes;
}
