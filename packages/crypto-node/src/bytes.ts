/** The same bytes, as the plain `Uint8Array` that the seam promises: a `Buffer` has methods that mean other things. */
export function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
