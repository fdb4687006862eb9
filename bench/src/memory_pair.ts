/** Both ends of a connection in this process, bytes handed over in memory. */
import { ClientConnection, parseServerName, ServerConnection } from '@tyls/tls-core';
import { testName } from '@tyls/testing';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, type ConnectionOptions, type Server, type TLSSocket } from 'node:tls';
import { atOnce } from './at_once.ts';
import { type TylsConfigs } from './configs.ts';

const serverName = parseServerName(testName);

/**
 * A pair of connections that have shaken hands, each flight delivered as one piece, as a socket does.
 *
 * @param sent told of each flight how long it is
 */
export function tylsPair(
  configs: TylsConfigs,
  sent: (by: 'client' | 'server', bytes: number) => void = () => {},
): {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
} {
  const client = new ClientConnection(configs.client, serverName);
  const server = new ServerConnection(configs.server);
  atOnce(client.start());
  while (client.isHandshaking || server.isHandshaking) {
    const flights = [Buffer.concat(client.takeOutput())];
    if (flights[0]!.length > 0) atOnce(server.receive(flights[0]!));
    flights.push(Buffer.concat(server.takeOutput()));
    if (flights[1]!.length > 0) atOnce(client.receive(flights[1]!));
    sent('client', flights[0]!.length);
    sent('server', flights[1]!.length);
    if (flights.every(({ length }) => length === 0)) throw new Error('the handshake does not come to its end');
  }
  return { client, server };
}

/** The same of `node:tls`, over `duplexPair()`, which is the shortest way that it has in memory. */
export async function nodePair(
  server: Server,
  options: ConnectionOptions,
): Promise<{ readonly client: TLSSocket; readonly server: TLSSocket }> {
  const [clientSide, serverSide] = duplexPair();
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  server.emit('connection', serverSide);
  const client = connect({ ...options, socket: clientSide });
  await once(client, 'secureConnect');
  return { client, server: (await accepted)[0] };
}
