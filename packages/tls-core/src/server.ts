/** A TLS server. */
import { copyOf, emptyBytes } from './codec/bytes.ts';
import { Connection } from './connection.ts';
import { type ResumptionData } from './handshake/hellos.ts';
import { serverHandshake, type ServerConfigSource } from './handshake/server.ts';

/** Little enough for a ticket that a client keeps and sends again. */
const maxResumptionData = 8192;

/** A server's end of a connection; see {@link Connection} for how it is driven. */
export class ServerConnection extends Connection {
  readonly #resumptionData: ResumptionData;

  /**
   * @param config what to offer; or a function that is given the ClientHello and chooses, at once or later: the
   *   connection stops there until it has
   */
  constructor(config: ServerConfigSource) {
    const resumptionData: ResumptionData = { toKeep: emptyBytes, received: undefined };
    super((io) => serverHandshake(io, config, resumptionData), undefined);
    this.#resumptionData = resumptionData;
  }

  /**
   * Has the session that this handshake makes keep some data, to be found in {@link receivedResumptionData} when it is
   * resumed. It goes where the session goes: into the store, or encrypted into tickets, to the client. Resuming makes
   * another session in TLS 1.3; in TLS 1.2 it is the same, and keeps its data.
   *
   * @param data at most 8 192 bytes; copied. Empty for none, which is the default
   * @throws RangeError if it is longer
   * @throws TypeError once the handshake is complete: it is too late then
   */
  setResumptionData(data: Uint8Array): void {
    if (data.length > maxResumptionData) throw new RangeError(`resumption data has at most ${maxResumptionData} bytes`);
    if (!this.isHandshaking) throw new TypeError('setResumptionData() after the handshake');
    this.#resumptionData.toKeep = copyOf(data);
  }

  /**
   * Early data (0-RTT) received, in order, in the pieces in which it came; the caller owns them. Comes before everything
   * else that the client sends, may be a replay of what it sent on another connection, and may come before the handshake
   * is complete.
   */
  takeEarlyData(): Uint8Array[] {
    return this.early?.take() ?? [];
  }

  /** What was kept with the session that this connection resumed; `undefined` if it resumed none, or until it has. */
  get receivedResumptionData(): Uint8Array | undefined {
    return this.#resumptionData.received;
  }
}
