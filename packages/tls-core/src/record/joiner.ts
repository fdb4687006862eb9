/** Joins handshake messages from the fragments in which they come (RFC 8446 section 5.1). */
import { TlsError } from '../error.ts';
import { type HandshakeMessage } from '../messages/handshake.ts';
import { HandshakeType } from '../registry.ts';

const headerLength = 4;
/** Longer messages are refused as soon as their header is here. */
export const maxHandshakeMessage = 65_535;

export class Joiner {
  /** Bytes not consumed yet are those from `#start` to `#end`. */
  #buffer: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** Copies `fragment`: one byte a record must not cost more than a byte. */
  push(fragment: Uint8Array): void {
    const pending = this.#end - this.#start;
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

  /** The next whole message, a copy, or `undefined` before it is here. */
  next(): HandshakeMessage | undefined {
    const available = this.#end - this.#start;
    if (available < headerLength) return undefined;
    const [type, high, middle, low] = this.#buffer.subarray(this.#start, this.#start + headerLength);
    const length = (high! << 16) | (middle! << 8) | low!;
    if (length > maxHandshakeMessage) {
      const isCertificate = type === HandshakeType.certificate;
      const reason = isCertificate ? 'CertificatePayloadTooLarge' : 'HandshakePayloadTooLarge';
      throw new TlsError({ code: 'InvalidMessage', reason, what: 'handshake message' });
    }
    const whole = headerLength + length;
    if (available < whole) return undefined;
    const raw = this.#buffer.slice(this.#start, this.#start + whole);
    this.#start += whole;
    if (!this.pending) {
      this.#buffer = new Uint8Array(0);
      this.#start = this.#end = 0;
    }
    return { type: type!, raw };
  }
}
