/** What speaks TLS over TCP: tyls, `node:tls` in two ways; and the floors under them, which do not. */
import { accept, connect, type TlsSocket } from '@tyls/tls-node';
import { testName } from '@tyls/testing';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type Server } from 'node:net';
import { type Duplex } from 'node:stream';
import { connect as connectNode, createSecureContext, createServer as createNodeServer } from 'node:tls';
import { checkNegotiated, nodeOptions, type SuiteName, tylsConfigs, versionOf } from './configs.ts';
import { exchangeFlights, flightsOf } from './flights.ts';
import { handshakeTurns } from './handshake_floor.ts';
import { type WebChain } from './pki.ts';

export const stackNames = {
  tyls: 'tyls',
  node: 'node:tls',
  nodeShared: 'node:tls, shared SecureContext',
  /** A floor under connections. */
  tcp: 'plain TCP',
  /** A floor under handshakes: plain TCP with as many bytes in as many flights, and the operations in between. */
  floor: 'flights and primitives',
} as const;
export type StackName = keyof typeof stackNames;

/** What the other end of connections is where only one end is measured. */
export function otherEndOf(stack: StackName): StackName {
  return stack === 'tcp' || stack === 'floor' ? stack : 'nodeShared';
}

export interface Stack {
  readonly name: string;
  /** On the loopback interface. @param onSecure is given every connection whose handshake is complete */
  readonly listen: (onSecure: (socket: Duplex) => void) => Promise<Listener>;
  /** A connection whose handshake is complete: the server verified, its chain and its name. */
  readonly connect: (port: number) => Promise<Duplex>;
}

export interface Listener {
  readonly port: number;
  readonly close: () => void;
}

const host = '127.0.0.1';

export async function openStack(name: StackName, chain: WebChain, suite: SuiteName): Promise<Stack> {
  switch (name) {
    case 'tyls': {
      const configs = await tylsConfigs(chain, suite);
      return {
        name: stackNames[name],
        listen: (onSecure) =>
          listening(
            createTcpServer({ allowHalfOpen: true }, (transport) => {
              const socket = accept(transport, { config: configs.server });
              socket.on('error', () => {}).once('secureConnect', () => onSecure(socket));
            }),
          ),
        async connect(port) {
          const socket: TlsSocket = connect({ host, port, serverName: testName, config: configs.client });
          await once(socket, 'secureConnect');
          return socket;
        },
      };
    }
    case 'node':
    case 'nodeShared': {
      const { client, server } = nodeOptions(chain, suite);
      const options = name === 'node' ? client : { ...client, secureContext: createSecureContext(client) };
      return {
        name: stackNames[name],
        listen: (onSecure) => listening(createNodeServer(server, (socket) => onSecure(socket.on('error', () => {})))),
        async connect(port) {
          const socket = connectNode({ ...options, host, port });
          // As tyls does, and as every user of node:tls should who sends in pieces.
          socket.setNoDelay(true);
          await once(socket, 'secureConnect');
          checkNegotiated(socket, suite);
          return socket;
        },
      };
    }
    case 'tcp':
      return {
        name: stackNames[name],
        listen: (onSecure) => listening(createTcpServer((socket) => onSecure(socket.on('error', () => {})))),
        async connect(port) {
          const socket = connectTcp({ host, port });
          await once(socket, 'connect');
          return socket;
        },
      };
    case 'floor': {
      const both = { turns: handshakeTurns(chain, versionOf(suite)), flights: await flightsOf(chain, suite) };
      const tcp = await openStack('tcp', chain, suite);
      return {
        name: stackNames[name],
        listen: (onSecure) =>
          tcp.listen(
            (socket) => void exchangeFlights(socket, { side: 'server', ...both }).then(() => onSecure(socket)),
          ),
        async connect(port) {
          const socket = await tcp.connect(port);
          await exchangeFlights(socket, { side: 'client', ...both });
          return socket;
        },
      };
    }
  }
}

async function listening(server: Server): Promise<Listener> {
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as { readonly port: number }).port, close: () => server.close() };
}
