/** PEM (RFC 7468), the text form in which certificates and keys are kept in files. */
import { type PrivateKeyDer } from '@tyls/tls-core';
import { decodeBase64 } from './base64.ts';
import { binaryString } from './bytes.ts';

export interface PemBlock {
  /** What stands after BEGIN and END, such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
}

/**
 * The blocks in a text, in order; what stands around them is ignored, as RFC 7468 section 2 demands.
 *
 * @param text bytes are taken as ASCII; outside of the blocks it may be anything
 * @throws TypeError if a block does not end, has headers (encrypted keys of old have), or is not base64
 */
export function parsePem(text: string | Uint8Array): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly lines: string[] } | undefined;
  for (const line of (typeof text === 'string' ? text : binaryString(text)).split(/\r\n|\r|\n/)) {
    const boundary = /^-----(BEGIN|END) ([ -,.-~]*)-----[ \t]*$/.exec(line);
    if (boundary === null) {
      open?.lines.push(line);
      continue;
    }
    const [, kind, label] = boundary as unknown as [string, 'BEGIN' | 'END', string];
    if (kind === 'BEGIN') {
      if (open !== undefined) throw badPem(open.label, `it does not end before the next ${label}`);
      open = { label, lines: [] };
    } else {
      if (open?.label !== label) throw badPem(label, 'it ends without a beginning');
      blocks.push({ label, der: decodeBlock(label, open.lines.join('')) });
      open = undefined;
    }
  }
  if (open !== undefined) throw badPem(open.label, 'it does not end');
  return blocks;
}

/**
 * The DER of every `CERTIFICATE` block, in order; blocks with other labels are passed over.
 *
 * @throws TypeError if there is none, and as {@link parsePem}
 */
export function certificatesFromPem(text: string | Uint8Array): Uint8Array[] {
  const certificates = parsePem(text).filter(({ label }) => label === 'CERTIFICATE');
  if (certificates.length === 0) throw new TypeError('no certificate in this PEM text');
  return certificates.map(({ der }) => der);
}

const privateKeyFormats: Readonly<Record<string, PrivateKeyDer['format']>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
};

/**
 * The one private key in a text; blocks with other labels (certificates, `EC PARAMETERS`) are passed over.
 *
 * @throws TypeError if there is none, or more than one, or it is encrypted; and as {@link parsePem}
 */
export function privateKeyFromPem(text: string | Uint8Array): PrivateKeyDer {
  const blocks = parsePem(text);
  if (blocks.some(({ label }) => label === 'ENCRYPTED PRIVATE KEY')) {
    throw new TypeError('this private key is encrypted: decrypt it first, for example with openssl pkcs8');
  }
  const keys = blocks.flatMap(({ label, der }) => {
    const format = privateKeyFormats[label];
    return format === undefined ? [] : [{ format, der }];
  });
  if (keys.length !== 1) throw new TypeError(`expected one private key in this PEM text, found ${keys.length}`);
  return keys[0]!;
}

function decodeBlock(label: string, text: string): Uint8Array {
  if (text.includes(':')) throw badPem(label, 'it has headers; an encrypted key must be decrypted first');
  const bytes = decodeBase64(text.replace(/[ \t\v\f]/g, ''));
  if (bytes === undefined) throw badPem(label, 'it is not base64');
  return bytes;
}

function badPem(label: string, why: string): TypeError {
  return new TypeError(`bad PEM block ${JSON.stringify(label)}: ${why}`);
}
