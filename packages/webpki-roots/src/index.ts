/**
 * `@tyls/webpki-roots`: Mozilla's root certificates for TLS servers, as trust anchors for `@tyls/webpki`.
 *
 * ```ts
 * import { serverCertVerifier } from '@tyls/webpki';
 * import { webpkiRoots } from '@tyls/webpki-roots';
 * const verifier = serverCertVerifier({ roots: webpkiRoots(), provider });
 * ```
 */
import type { TrustAnchor } from '@tyls/webpki';
import { roots } from './roots.ts';

let anchors: readonly TrustAnchor[] | undefined;

/** The trust anchors; decoded when they are first asked for, and the same ones every time: do not change their bytes. */
export function webpkiRoots(): readonly TrustAnchor[] {
  anchors ??= roots.map(([subject, subjectPublicKeyInfo, nameConstraints = '', distrustAfter]) => ({
    subject: decode(subject),
    subjectPublicKeyInfo: decode(subjectPublicKeyInfo),
    ...(nameConstraints !== '' && { nameConstraints: decode(nameConstraints) }),
    ...(distrustAfter !== undefined && { distrustAfter }),
  }));
  return anchors;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 without padding, of the generator's making and so right. */
function decode(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let buffer = 0;
  for (let i = 0; i < text.length; i++) {
    buffer = ((buffer & 0xff) << 6) | alphabet.indexOf(text[i]!);
    // Of each four characters, all but the first complete a byte.
    if (i % 4 > 0) bytes[at++] = buffer >> (6 - 2 * (i % 4));
  }
  return bytes;
}
