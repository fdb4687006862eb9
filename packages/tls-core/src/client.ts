/** A TLS client. */
import { type ClientConfig } from './config.ts';
import { Connection } from './connection.ts';
import { clientHandshake } from './handshake/client.ts';
import { type Awaitable, isPromise } from './step/step.ts';
import { parseServerName, type ServerName } from './server_name.ts';

/** A client's end of a connection; see {@link Connection} for how it is driven. */
export class ClientConnection extends Connection {
  /**
   * @param serverName whom to connect to: sent as SNI and verified against the certificate
   * @throws TypeError if a string is no DNS name or IP address
   */
  constructor(config: ClientConfig, serverName: ServerName | string) {
    const name = typeof serverName === 'string' ? parseServerName(serverName) : serverName;
    super((io) => clientHandshake(io, config, name), config.maxFragmentSize);
  }

  /**
   * How many more bytes of early data (0-RTT) may be sent; `undefined` if none may: before {@link start} is through, where
   * no ticket allows it, and once the server has answered.
   */
  get earlyDataLimit(): number | undefined {
    return this.early?.limit;
  }

  /**
   * Sends early data, as much of it as {@link earlyDataLimit} allows. Keeps `data` until it is in the output.
   *
   * Whether the server took it says `earlyDataAccepted`, once the handshake is complete. What it did not take is not sent
   * again by itself: it may have to be another request by then, under another protocol.
   *
   * @returns how many bytes were taken; 0 if none may be sent
   */
  sendEarlyData(data: Uint8Array): Awaitable<number> {
    let taken = 0;
    const sent = this.input(() => {
      taken = this.early?.send(data) ?? 0;
    });
    return isPromise(sent) ? sent.then(() => taken) : taken;
  }
}
