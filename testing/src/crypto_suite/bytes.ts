/** Bytes for tests. */

/** 1, 2, 3, … as many as asked for. */
export function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i + 1);
}

/** One plain array of all the pieces. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}

/** A copy with one bit of the byte at `at` changed; a negative `at` counts from the end. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, bytes.at(at)! ^ 1);
}
