/** A TLS client. */
import { type ClientConfig } from './config.ts';
import { Connection } from './connection.ts';
import { clientHandshake } from './handshake/client.ts';
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
}
