/** Joins handshake messages from the fragments in which they come (RFC 8446 section 5.1). */
import { copyOf, emptyBytes } from '../codec/bytes.ts';
import { TlsError } from '../error.ts';
import { type HandshakeMessage } from '../messages/handshake.ts';
import { HandshakeType } from '../registry.ts';

const headerLength = 4;
/** Longer messages are refused as soon as their header is here. */
export const maxHandshakeMessage = 65_535;

export class Joiner {
  /** Bytes not consumed yet are those from `#start` to `#end`; those before are part of messages, and never change. */
  #buffer: Uint8Array = emptyBytes;
  #start = 0;
  #end = 0;

  /** Copies `fragment`: one byte a record must not cost more than a byte. */
  push(fragment: Uint8Array): void {
    const pending = this.#end - this.#start;
    if (pending === 0) {
      this.#buffer = copyOf(fragment);
      this.#end = fragment.length;
      return;
    }
    if (this.#end + fragment.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(2 * pending, pending + fragment.length));
      grown.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = grown;
      this.#start = 0;
      this.#end = pending;
    }
    this.#buffer.set(fragment, this.#end);
    this.#end += fragment.length;
  }

  /** Whether bytes of a message, whole or not, wait to be consumed. */
  get pending(): boolean {
    return this.#end > this.#start;
  }

  /** The next whole message, or `undefined` before it is here. */
  next(): HandshakeMessage | undefined {
    const available = this.#end - this.#start;
    if (available < headerLength) return undefined;
    const [buffer, at] = [this.#buffer, this.#start];
    const type = buffer[at]!;
    const length = (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
    if (length > maxHandshakeMessage) {
      const isCertificate = type === HandshakeType.certificate;
      const reason = isCertificate ? 'CertificatePayloadTooLarge' : 'HandshakePayloadTooLarge';
      throw new TlsError({ code: 'InvalidMessage', reason, what: 'handshake message' });
    }
    const whole = headerLength + length;
    if (available < whole) return undefined;
    this.#start += whole;
    if (!this.pending) {
      this.#buffer = emptyBytes;
      this.#start = this.#end = 0;
    }
    return { type, raw: buffer.subarray(at, at + whole) };
  }
}
