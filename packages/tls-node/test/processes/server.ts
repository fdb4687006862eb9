/** A program that is a TLS server: echoes, and remembers how its connections began. */
import { createServer, type ServerConfigOptions } from '@tyls/tls-node';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { answerCalls } from './rpc.ts';
import { remoteStore, serveStore } from './store.ts';

type Options = Pick<ServerConfigOptions, 'versions' | 'ticketKeys' | 'ticketCount' | 'maxEarlyDataSize'> & {
  readonly certificate: string;
  readonly key: string;
  /** Of a store in another process, in place of tickets that bring their sessions. */
  readonly storePort?: number | undefined;
};

const kinds: string[] = [];
const early: string[] = [];

const functions = {
  serveStore,

  /** @returns the port */
  async listen({ storePort, ...options }: Options): Promise<number> {
    const sessionStore = storePort === undefined ? undefined : remoteStore(storePort);
    const server = createServer({ ...options, sessionStore }, (socket) => {
      kinds.push(socket.handshakeKind!);
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    server.on('earlyData', (socket) => void early.push(socket.takeEarlyData().toString()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },

  /** How the connections up to now began. */
  kinds: () => kinds,

  /** What came early, a connection an entry. */
  early: () => early,
};

export type ServerProgram = typeof functions;

answerCalls(functions);
