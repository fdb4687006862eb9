/** Comparing distinguished names (RFC 5280 section 7.1), for name constraints; chains are built by bytes alone. */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { binaryString } from './bytes.ts';
import { badEncodingOf } from './error.ts';

const emailAddressOid = '\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01';

const bmpString = 0x1e;
const universalString = 0x1c;

export interface DirectoryName {
  /** Each RelativeDistinguishedName in a form that is the same for all that are equal. */
  readonly relativeNames: readonly string[];
  /** Contents of the emailAddress attributes (RFC 5280 section 4.1.2.6). */
  readonly emailAddresses: readonly Uint8Array[];
}

/**
 * @param name content of the Name's SEQUENCE
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function parseDirectoryName(name: Uint8Array): DirectoryName {
  const relativeNames: string[] = [];
  const emailAddresses: Uint8Array[] = [];
  const reader = new DerReader(name, badEncodingOf('Name'));
  while (!reader.atEnd) {
    const attributes: string[] = [];
    const set = reader.enter(DerTag.set);
    while (!set.atEnd) {
      const attribute = set.enter(DerTag.sequence);
      const type = binaryString(attribute.read(DerTag.oid));
      const { tag, content } = attribute.element();
      attribute.finish();
      attributes.push(JSON.stringify([type, comparable(tag, content)]));
      if (type === emailAddressOid) emailAddresses.push(content);
    }
    relativeNames.push(attributes.toSorted().join());
  }
  return { relativeNames, emailAddresses };
}

/** Whether `name` is `base` or below it. */
export function isBelow(name: DirectoryName, base: DirectoryName): boolean {
  return base.relativeNames.every((relative, i) => relative === name.relativeNames[i]);
}

/** Text without regard to case and to how many spaces there are (RFC 4518 section 2); anything else as it is. */
function comparable(tag: number, content: Uint8Array): string {
  const text = decode(tag, content);
  if (text === undefined) return `${tag}:${binaryString(content)}`;
  return `text:${text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim()}`;
}

function decode(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case DerTag.printableString:
    case DerTag.ia5String:
    case DerTag.teletexString:
      return binaryString(content);
    case DerTag.utf8String:
      return decodeUtf8(content);
    case bmpString:
      return codePoints(content, 2);
    case universalString:
      return codePoints(content, 4);
    default:
      return undefined;
  }
}

/** Engines are not all sure to have TextDecoder. */
function decodeUtf8(content: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(Array.from(content, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
  } catch {
    return undefined;
  }
}

function codePoints(content: Uint8Array, size: number): string | undefined {
  if (content.length % size !== 0) return undefined;
  let text = '';
  for (let at = 0; at < content.length; at += size) {
    const point = content.subarray(at, at + size).reduce((value, byte) => value * 256 + byte, 0);
    if (point > 0x10ffff) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
