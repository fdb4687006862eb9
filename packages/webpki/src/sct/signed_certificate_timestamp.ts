/** Signed certificate timestamps (RFC 6962 sections 3.2 and 3.3): a log's promise to make a certificate public. */
import { type SignatureScheme } from '@tyls/tls-core';
import { badEncodingOf } from '../error.ts';

/** A timestamp of version 1, whose signature has not been verified. All bytes borrow the list. */
export interface SignedCertificateTimestamp {
  /** SHA-256 of the log's key, 32 bytes. */
  readonly logId: Uint8Array;
  /** Milliseconds since 1970 UTC. */
  readonly timestamp: number;
  /** The 8 bytes of it. */
  readonly timestampBytes: Uint8Array;
  /** CtExtensions, which are signed and mean nothing here. */
  readonly extensions: Uint8Array;
  /** Its SignatureAndHashAlgorithm, as the SignatureScheme of the same number. */
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
}

const bad = badEncodingOf('SignedCertificateTimestampList');

/**
 * @param list a SignedCertificateTimestampList: at least one, each opaque
 * @returns the SerializedSCTs, for {@link parseSignedCertificateTimestamp}
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function splitTimestampList(list: Uint8Array): readonly Uint8Array[] {
  const outer = readVector(list, 0);
  if (outer.end !== list.length) throw bad('trailing bytes');
  const serialized: Uint8Array[] = [];
  for (let at = 0; at < outer.content.length;) {
    const { content, end } = readVector(outer.content, at);
    if (content.length === 0) throw bad('an empty timestamp');
    serialized.push(content);
    at = end;
  }
  if (serialized.length === 0) throw bad('no timestamps');
  return serialized;
}

/**
 * @returns `undefined` for another version than 1, of which nothing is known
 * @throws TlsError `InvalidCertificate.BadEncoding`
 */
export function parseSignedCertificateTimestamp(serialized: Uint8Array): SignedCertificateTimestamp | undefined {
  // v1 is 0.
  if (serialized[0] !== 0) return undefined;
  if (serialized.length < 41) throw bad('truncated');
  const { content: extensions, end } = readVector(serialized, 41);
  const { content: signature, end: last } = readVector(serialized, end + 2);
  if (last !== serialized.length) throw bad('trailing bytes');
  const timestampBytes = serialized.subarray(33, 41);
  return {
    logId: serialized.subarray(1, 33),
    timestamp: timestampBytes.reduce((value, byte) => value * 256 + byte, 0),
    timestampBytes,
    extensions,
    scheme: (serialized[end]! << 8) | serialized[end + 1]!,
    signature,
  };
}

/** `opaque x<0..2^16-1>` */
function readVector(bytes: Uint8Array, at: number): { readonly content: Uint8Array; readonly end: number } {
  if (at + 2 > bytes.length) throw bad('truncated');
  const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
  if (end > bytes.length) throw bad('truncated');
  return { content: bytes.subarray(at + 2, end), end };
}
