/** The transcript hash of RFC 8446 section 4.4.1. */
import { concat } from '../codec/bytes.ts';
import { type Hash, type HashContext } from '../crypto/provider.ts';
import { HandshakeType } from '../registry.ts';

export class Transcript {
  /** Messages from before the hash function was known. */
  #early: Uint8Array[] = [];
  #hash: Hash | undefined;
  #context: HashContext | undefined;

  /** @param message with its header; kept until {@link start}, then borrowed */
  add(message: Uint8Array): void {
    if (this.#context === undefined) this.#early.push(message);
    else this.#context.update(message);
  }

  /** The cipher suite, and so the hash, is known. Calling it again, after a HelloRetryRequest, changes nothing. */
  start(hash: Hash): void {
    if (this.#context !== undefined) return;
    this.#hash = hash;
    this.#context = hash.start();
    for (const message of this.#early) this.#context.update(message);
    this.#early = [];
  }

  /** Puts a message_hash in the place of ClientHello1, before HelloRetryRequest is added. */
  replaceWithMessageHash(): void {
    const digest = this.digest();
    this.#context = this.#hash!.start();
    this.#context.update(concat([Uint8Array.of(HandshakeType.message_hash, 0, 0, digest.length), digest]));
  }

  /** The hash of everything up to here. */
  digest(): Uint8Array {
    return this.#context!.peek();
  }
}
