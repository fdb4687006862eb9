/** Small operations on byte strings. */

/** No bytes. */
export const emptyBytes: Uint8Array = new Uint8Array(0);

/** One array of all the parts. Copies; the result is never a view of a part. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** A copy also of a `Buffer`, whose own `slice()` makes a view. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The parts as one array; copies only if there are several. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : concat(parts);
}

/** For public data: stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * For secrets: takes the same steps wherever the difference is. Only the lengths, which are public, are told.
 * JavaScript engines promise nothing about time; this avoids what is in the program's own hands.
 */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** Overwrites secrets that are no longer needed. Best effort: an engine may have made copies elsewhere. */
export function wipe(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

/** ASCII text as bytes; throws `RangeError` on anything else. Platform text encoders are not assumed. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) throw new RangeError(`not ASCII: ${JSON.stringify(text)}`);
    bytes[i] = code;
  }
  return bytes;
}

/** Each byte as the character of that number (Latin-1): never fails, and loses nothing. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length > maxArguments) {
    const half = bytes.length >> 1;
    return latin1(bytes.subarray(0, half)) + latin1(bytes.subarray(half));
  }
  // One call: text put together byte by byte is a tree, which costs ten times its memory, and is flattened to be compared.
  // Not by spreading, which is five times as slow.
  return String.fromCharCode.apply(null, bytes as ArrayLike<number> as number[]);
}

/** As many arguments as every engine takes in one call. */
const maxArguments = 8192;

/** Lower-case hexadecimal. For public values only. */
export function hex(bytes: Uint8Array): string {
  const digits = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    digits[2 * i] = hexDigit(bytes[i]! >> 4);
    digits[2 * i + 1] = hexDigit(bytes[i]! & 0x0f);
  }
  return latin1(digits);
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
