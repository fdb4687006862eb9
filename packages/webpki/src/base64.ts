/** Base64 (RFC 4648 section 4), which not every engine can decode. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const valueOf: ReadonlyMap<string, number> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ Array.from(alphabet, (character, value) => [character, value]),
);

/**
 * With all its padding, and nothing else.
 *
 * @returns `undefined` if it is not base64
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const length = text.replace(/={1,2}$/, '').length;
  if (text.length % 4 !== 0) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let at = 0;
  let bits = 0;
  let rest = 0;
  for (let i = 0; i < length; i++) {
    const value = valueOf.get(text[i]!);
    if (value === undefined) return undefined;
    rest = ((rest << 6) | value) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = rest >> bits;
    }
  }
  // RFC 4648 section 3.5: the bits that are left over are zero.
  return (rest & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}
