/** The name by which a client knows a server: a DNS name or an IP address. */

/** What {@link parseServerName} makes of a text: whom a client connects to. */
export type ServerName =
  | {
      readonly type: 'dns';
      /** Lower case, without a trailing dot; A-labels where it is internationalized. */
      readonly name: string;
    }
  | {
      readonly type: 'ip';
      /** As text, for messages. */
      readonly name: string;
      /** 4 bytes for IPv4, 16 for IPv6, in network order. */
      readonly address: Uint8Array;
    };

/**
 * Parses a DNS name or an IP address (IPv6 with or without brackets).
 *
 * @throws TypeError if it is neither; an internationalized name must come as A-labels (`xn--…`)
 */
export function parseServerName(text: string): ServerName {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const address = parseIpAddress(bare);
  if (address !== undefined) return { type: 'ip', name: bare, address };
  const name = text.replace(/\.$/, '');
  if (!isDnsName(name)) {
    throw new TypeError(
      `not a DNS name or IP address: ${JSON.stringify(text)} (an internationalized name needs A-labels)`,
    );
  }
  return { type: 'dns', name: name.toLowerCase() };
}

/**
 * Whether this is a host name in ASCII as certificates and SNI carry it: labels of 1 to 63 letters, digits, hyphens and
 * underscores (which are in use though RFC 1123 does not know them), 253 bytes at most, and no address in disguise: the
 * last label is not all digits.
 */
export function isDnsName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.split('.');
  return labels.every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label)) && !/^[0-9]+$/.test(labels.at(-1)!);
}

/** @returns 4 or 16 bytes, or `undefined` if it is no address. Zone identifiers are not addresses of a server. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // No leading zeros: some read them as octal.
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

/** RFC 4291 section 2.2. */
function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseIpv6Groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseIpv6Groups(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const length = head.length + tail.length;
  if (halves.length === 1 ? length !== 16 : length > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

function parseIpv6Groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    const ipv4 = mayEndInIpv4 && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (ipv4 !== undefined) bytes.push(...ipv4);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
