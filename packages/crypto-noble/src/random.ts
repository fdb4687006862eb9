/** Where randomness comes from. */
import { randomBytes } from '@noble/hashes/utils.js';

/** Fills `bytes` with randomness fit for secrets. */
export type Random = (bytes: Uint8Array) => void;

/** What `getRandomValues` gives in one call at most. */
const quota = 65_536;

/** `globalThis.crypto.getRandomValues`; throws where there is none. */
export const platformRandom: Random = (bytes) => {
  for (let at = 0; at < bytes.length; at += quota) bytes.set(randomBytes(Math.min(quota, bytes.length - at)), at);
};

export function drawBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random(bytes);
  return bytes;
}
