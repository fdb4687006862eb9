/** Whether a certificate is for the name that was asked for (RFC 6125, RFC 9525): by subjectAltName alone. */
import { isDnsName, type ServerName } from '@tyls/tls-core';
import { binaryString, equalBytes } from './bytes.ts';
import { type Certificate } from './certificate.ts';
import { certificateError } from './error.ts';
import {
  type GeneralName,
  isWildcardName,
  type Mailbox,
  nameText,
  parseMailbox,
  subjectAltNames,
} from './general_name.ts';

/** How many names an error lists. */
const maxShownNames = 20;

/** A name by which a peer is known: a server's, or the e-mail address of a client. */
export type PeerName =
  | ServerName
  | {
      readonly type: 'email';
      /** ASCII, such as `user@example.com`. */
      readonly name: string;
    };

export interface NameOptions {
  /**
   * Whether anybody can register names directly below this one, such as `co.uk` (publicsuffix.org): a wildcard there would
   * be for the servers of strangers, and matches nothing. Without it that is so of top-level domains alone.
   *
   * @param domain lower case
   */
  readonly isPublicSuffix?: ((domain: string) => boolean) | undefined;
}

/**
 * Checks that a certificate is for this name.
 *
 * A DNS name matches a dNSName without regard to case, or one whose whole leftmost label is `*` and stands for exactly
 * one label; at least two labels follow it (RFC 9525 section 6.3). Other wildcards, absolute names and U-labels match
 * nothing. An address matches an iPAddress of the same bytes, never text. An e-mail address matches an rfc822Name with
 * the same local part and, without regard to case, the same host (RFC 5280 section 7.5). The subject's attributes are
 * not looked at.
 *
 * @throws TlsError `InvalidCertificate.NotValidForName`, or `.BadEncoding` if subjectAltName is broken anywhere
 * @throws TypeError if an e-mail address is none
 */
export function verifyPeerName(certificate: Certificate, name: PeerName, options: NameOptions = {}): void {
  verifyAnyPeerName(certificate, [name], options);
}

/** The same where one of several names is enough. */
export function verifyAnyPeerName(
  certificate: Certificate,
  peerNames: readonly PeerName[],
  { isPublicSuffix }: NameOptions = {},
): void {
  const all = subjectAltNames(certificate);
  const names = isPublicSuffix === undefined ? all : all.filter((name) => !isForStrangers(name, isPublicSuffix));
  if (peerNames.some((peerName) => names.some((name) => matches(name, peerName)))) return;
  const presented = all.slice(0, maxShownNames).map(nameText);
  if (all.length > maxShownNames) presented.push(`${all.length - maxShownNames} more`);
  const expected = peerNames.map(({ name }) => name).join(' or ');
  throw certificateError({ reason: 'NotValidForName', expected, presented });
}

/** {@link verifyPeerName} for servers. */
export function verifyServerName(certificate: Certificate, serverName: ServerName, options: NameOptions = {}): void {
  verifyPeerName(certificate, serverName, options);
}

/** A wildcard directly below a public suffix. */
function isForStrangers({ type, value }: GeneralName, isPublicSuffix: (domain: string) => boolean): boolean {
  const name = binaryString(value).toLowerCase();
  return type === 'dNSName' && name.startsWith('*.') && isPublicSuffix(name.slice(2));
}

function matches({ type, value }: GeneralName, reference: PeerName): boolean {
  switch (reference.type) {
    case 'ip':
      return type === 'iPAddress' && equalBytes(value, reference.address);
    case 'dns':
      return type === 'dNSName' && matchesDnsName(binaryString(value), reference.name);
    case 'email':
      return type === 'rfc822Name' && matchesMailbox(binaryString(value), reference.name);
  }
}

/**
 * @throws RangeError if there are none; TypeError if an e-mail address is none
 */
export function checkPeerNames(names: readonly PeerName[]): void {
  if (names.length === 0) throw new RangeError('no names: every client would be refused');
  for (const { type, name } of names) if (type === 'email') wantedMailbox(name);
}

function wantedMailbox(reference: string): Mailbox {
  const mailbox = parseMailbox(reference);
  if (mailbox === undefined) throw new TypeError(`not an e-mail address: ${JSON.stringify(reference)}`);
  return mailbox;
}

function matchesMailbox(presented: string, reference: string): boolean {
  const wanted = wantedMailbox(reference);
  const found = parseMailbox(presented);
  return found?.localPart === wanted.localPart && found.host.toLowerCase() === wanted.host.toLowerCase();
}

/**
 * @param presented a dNSName as it stands
 * @param reference the name asked for; a trailing dot means nothing here
 */
export function matchesDnsName(presented: string, reference: string): boolean {
  const wanted = reference.replace(/\.$/, '').toLowerCase();
  if (!isDnsName(wanted)) return false;
  if (!isWildcardName(presented)) return isDnsName(presented) && presented.toLowerCase() === wanted;
  return wanted.includes('.') && wanted.slice(wanted.indexOf('.')) === presented.slice(1).toLowerCase();
}
