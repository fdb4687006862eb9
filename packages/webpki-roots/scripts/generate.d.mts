/** Types of generate.mjs, for its test. */
export function generate(
  certificates: readonly Uint8Array[],
  source: string,
  date: string,
): { readonly code: string; readonly hashes: string };
