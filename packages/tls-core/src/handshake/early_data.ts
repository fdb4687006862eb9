/** Early data of a connection (0-RTT), RFC 8446 sections 2.3 and 4.2.10: what is sent, what is received, and its exporter. */
import { emptyBytes, wipe } from '../codec/bytes.ts';
import { type Tls13CipherSuite } from '../crypto/provider.ts';
import { exportKeyingMaterial } from '../keys/tls13_key_schedule.ts';
import { type Outbound } from '../record/outbound.ts';
import { type RecordSealer } from '../record/protection.ts';
import { ContentType } from '../registry.ts';

export class EarlyData {
  readonly #outbound: Outbound;
  #limit: number | undefined;
  #received: Uint8Array[] = [];
  readonly #suite: Tls13CipherSuite;
  #exporterSecret: Uint8Array | undefined;

  /** @param exporterSecret the early_exporter_master_secret; kept, and wiped */
  constructor(outbound: Outbound, suite: Tls13CipherSuite, exporterSecret: Uint8Array) {
    this.#outbound = outbound;
    this.#suite = suite;
    this.#exporterSecret = exporterSecret;
  }

  /**
   * A client has offered it: from here on it may be sent, and everything that is sent is under its key.
   *
   * @param limit max_early_data_size
   */
  offer(sealer: RecordSealer, limit: number): void {
    this.#outbound.setSealer(sealer);
    this.#limit = limit;
  }

  /** How many more bytes a client may send; `undefined` if it may send none, not yet or no longer. */
  get limit(): number | undefined {
    return this.#limit;
  }

  /** Sends as much of it as the limit allows, and says how much that is. Keeps `data` until it is in the output. */
  send(data: Uint8Array): number {
    let sent = 0;
    for (const fragment of this.#outbound.fragments(data.subarray(0, this.#limit ?? 0))) {
      // There is no other key to go on with.
      if (fragment.length === 0 || this.#outbound.keyExhausted) break;
      this.#outbound.sendRecord(ContentType.application_data, fragment);
      sent += fragment.length;
    }
    if (this.#limit !== undefined) this.#limit -= sent;
    return sent;
  }

  /** A client may send no more. */
  end(): void {
    this.#limit = undefined;
  }

  /** On a server: bytes of the client, now its own. */
  deliver(content: readonly Uint8Array[]): void {
    this.#received.push(...content);
  }

  /** On a server: what was delivered, given away. */
  take(): Uint8Array[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  /** Section 7.5. @returns `undefined` once it is wiped */
  export(length: number, label: string, context: Uint8Array = emptyBytes): Uint8Array | undefined {
    if (this.#exporterSecret === undefined) return undefined;
    return exportKeyingMaterial(this.#suite, this.#exporterSecret, label, context, length);
  }

  /** Forgets the exporter's secret: the connection is over, or the early data was rejected. */
  wipe(): void {
    wipe(this.#exporterSecret);
    this.#exporterSecret = undefined;
  }
}
