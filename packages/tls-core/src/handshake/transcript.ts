/** The transcript hash of RFC 8446 section 4.4.1, and of RFC 5246 sections 7.4.8 and 7.4.9. */
import { concat } from '../codec/bytes.ts';
import { type Hash, type HashContext } from '../crypto/provider.ts';
import { HandshakeType } from '../registry.ts';

export class Transcript {
  /** Messages from before the hash function was known, and after that if they are to be kept. */
  #messages: Uint8Array[] = [];
  #keeps = true;
  #hash: Hash | undefined;
  #context: HashContext | undefined;
  /** Of everything up to here, once it was asked for: Finished is often over what the secrets before it are of. */
  #digest: Uint8Array | undefined;

  /** @param message with its header, or a part of one; kept until {@link forgetMessages}, then borrowed */
  add(message: Uint8Array): void {
    if (this.#keeps) this.#messages.push(message);
    this.#context?.update(message);
    this.#digest = undefined;
  }

  /**
   * The cipher suite, and so the hash, is known. Calling it again, after a HelloRetryRequest, changes nothing.
   *
   * @param keepMessages whether {@link messages} will be asked for
   */
  start(hash: Hash, keepMessages: boolean = false): void {
    if (this.#context !== undefined) return;
    this.#hash = hash;
    this.#context = this.#hashed(hash);
    if (!keepMessages) this.forgetMessages();
  }

  /** All messages up to here: in TLS 1.2 CertificateVerify signs them with a hash of its own. */
  messages(): Uint8Array {
    return concat(this.#messages);
  }

  forgetMessages(): void {
    this.#keeps = false;
    this.#messages = [];
  }

  /** Puts a message_hash in the place of ClientHello1, before HelloRetryRequest is added. */
  replaceWithMessageHash(): void {
    const digest = this.digest();
    this.#digest = undefined;
    this.#context = this.#hash!.start();
    this.#context.update(concat([Uint8Array.of(HandshakeType.message_hash, 0, 0, digest.length), digest]));
  }

  /** The hash of everything up to here; the transcript's own, and no secret. */
  digest(): Uint8Array {
    this.#digest ??= this.#context!.peek();
    return this.#digest;
  }

  /** As {@link digest}, but before the cipher suite is known by any hash; after that `hash` must be that of the suite. */
  digestBy(hash: Hash): Uint8Array {
    return this.#context === undefined ? this.#hashed(hash).peek() : this.digest();
  }

  #hashed(hash: Hash): HashContext {
    const context = hash.start();
    for (const message of this.#messages) context.update(message);
    return context;
  }
}
