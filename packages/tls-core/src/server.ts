/** A TLS server. */
import { Connection } from './connection.ts';
import { serverHandshake, type ServerConfigSource } from './handshake/server.ts';

/** A server's end of a connection; see {@link Connection} for how it is driven. */
export class ServerConnection extends Connection {
  /**
   * @param config what to offer; or a function that is given the ClientHello and chooses, at once or later: the
   *   connection stops there until it has
   */
  constructor(config: ServerConfigSource) {
    super((io) => serverHandshake(io, config), undefined);
  }
}
