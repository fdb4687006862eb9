/** Public keys that a provider has imported. */
import { latin1 } from '../codec/bytes.ts';

/**
 * How many keys {@link RecentKeys} holds, at a kilobyte or two each in most providers: more than the issuers that one
 * program meets.
 */
export const maxRecentKeys = 256;

/**
 * Imported keys by their bytes, those that were used last. Chains share issuers and come again, and importing a key of
 * P-256 takes as long as verifying with it, since OpenSSL checks the point. Only what bytes mean is remembered, never
 * what was verified: one object for each kind of key and use.
 */
export class RecentKeys<Key> {
  /** In the order of use: the first is the one to forget. */
  readonly #keys = new Map<string, Key>();

  /** @param publicKey borrowed */
  get(publicKey: Uint8Array): Key | undefined {
    const name = latin1(publicKey);
    const key = this.#keys.get(name);
    if (key !== undefined) {
      this.#keys.delete(name);
      this.#keys.set(name, key);
    }
    return key;
  }

  /** @param publicKey what {@link get} did not find; borrowed */
  add(publicKey: Uint8Array, key: Key): void {
    this.#keys.set(latin1(publicKey), key);
    if (this.#keys.size > maxRecentKeys) this.#keys.delete(this.#keys.keys().next().value!);
  }
}
