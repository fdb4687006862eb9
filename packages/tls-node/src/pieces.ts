/** Lists of byte pieces: joined where they are small, cut where they are large. */

/**
 * The same bytes in fewer pieces: neighbours are joined as long as the result has at most `limit` bytes. What is larger,
 * or has no small neighbour, is not copied.
 */
export function joinSmall(pieces: readonly Uint8Array[], limit: number): Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let runLength = 0;
  const endRun = (): void => {
    if (run.length > 0) joined.push(run.length === 1 ? run[0]! : Buffer.concat(run, runLength));
    run = [];
    runLength = 0;
  };
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    if (runLength + piece.length > limit) endRun();
    run.push(piece);
    runLength += piece.length;
  }
  endRun();
  return joined;
}

/** What a record can hold (RFC 8446 section 5.1): to join more would only be to cut it again. */
const recordSize = 16_384;

/**
 * Plaintext as it is best sent: small pieces joined to fill a record, and at most `size` bytes at a time, so that the
 * rest is not encrypted before the transport has room for it.
 */
export function batches(chunks: readonly Uint8Array[], size: number): (readonly Uint8Array[])[] {
  const all: Uint8Array[][] = [];
  let batch: Uint8Array[] = [];
  let length = 0;
  for (const piece of joinSmall(chunks, recordSize)) {
    for (let at = 0; at < piece.length; at += size) {
      const part = piece.subarray(at, at + size);
      if (length + part.length > size) {
        all.push(batch);
        batch = [];
        length = 0;
      }
      batch.push(part);
      length += part.length;
    }
  }
  if (length > 0) all.push(batch);
  return all;
}
