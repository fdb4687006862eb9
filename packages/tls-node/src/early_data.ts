/** Early data (0-RTT, RFC 8446 section 2.3) of a client's socket: all of it early or all of it late, but always sent. */
import { type Awaitable, type ClientConnection, isPromise } from '@tyls/tls-core';

export class ClientEarlyData {
  readonly #connection: ClientConnection;
  readonly #data: Uint8Array;
  #sent = 0;

  /** @param data copied */
  constructor(connection: ClientConnection, data: Uint8Array) {
    this.#connection = connection;
    this.#data = data.slice();
  }

  /** Sends it, if a session was found that allows for so much. To be called when the connection is started. */
  send(): Awaitable<void> {
    // In two parts, the server's application could take the first for all there is.
    if ((this.#connection.earlyDataLimit ?? 0) < this.#data.length) return undefined;
    const sent = this.#connection.sendEarlyData(this.#data);
    if (isPromise(sent)) return sent.then((count) => this.#note(count));
    return this.#note(sent);
  }

  #note(sent: number): void {
    this.#sent = sent;
  }

  /** Whether the server took it; known once the handshake is complete. */
  get isAccepted(): boolean {
    return this.#sent > 0 && this.#connection.earlyDataAccepted === true;
  }

  /** What is to be sent now that the handshake is complete. */
  get late(): Uint8Array {
    return this.isAccepted ? this.#data.subarray(this.#sent) : this.#data;
  }
}
