/** Names of subjects and issuers (RFC 5280 section 4.1.2.4) as text for people; nothing is ever decided by it. */
import { DerReader, DerTag } from '@tyls/tls-core/der';
import { badEncodingOf } from './error.ts';
import { oidText } from './oid.ts';

const shownAttributes: Readonly<Record<string, string>> = { '2.5.4.3': 'CN', '2.5.4.10': 'O', '2.5.4.11': 'OU' };

/**
 * The commonName, organization and organizational unit of a name, such as `CN=Example Root, O=Example`.
 *
 * Whatever is not printable ASCII is escaped as RFC 4514 section 2.4 does (`\0A`), so that no control character and no
 * look-alike of a certificate's reaches a terminal or a log; long values are cut. Never throws.
 *
 * @param name DER of the content of the Name's SEQUENCE, as in `TrustAnchor.subject`; borrowed
 */
export function describeName(name: Uint8Array): string {
  if (name.length === 0) return '(empty name)';
  try {
    const shown = [...attributes(name)].slice(0, 4);
    return shown.length === 0 ? '(a name without commonName)' : shown.join(', ');
  } catch {
    return '(malformed name)';
  }
}

function* attributes(name: Uint8Array): Generator<string> {
  const relativeNames = new DerReader(name, badEncodingOf('Name'));
  while (!relativeNames.atEnd) {
    const set = relativeNames.enter(DerTag.set);
    while (!set.atEnd) {
      const attribute = set.enter(DerTag.sequence);
      const type = shownAttributes[oidText(attribute.read(DerTag.oid))];
      const value = attribute.element().content;
      attribute.finish();
      if (type !== undefined) yield `${type}=${escapeText(value, 64)}`;
    }
  }
}

/** Bytes that claim to be text, for a message. */
export function escapeText(bytes: Uint8Array, maxBytes: number): string {
  let text = '';
  for (const byte of bytes.subarray(0, maxBytes)) {
    const character = String.fromCharCode(byte);
    if (byte < 0x20 || byte > 0x7e) text += `\\${byte.toString(16).padStart(2, '0')}`;
    else text += /[\\",+;<>]/.test(character) ? `\\${character}` : character;
  }
  return bytes.length > maxBytes ? `${text}…` : text;
}
