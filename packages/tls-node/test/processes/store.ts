/** A program that keeps sessions for servers of several processes, as a database would. */
import { type ServerSessionStore } from '@tyls/tls-core';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

type Operation = keyof ServerSessionStore;

interface Request {
  readonly id: number;
  readonly operation: Operation;
  readonly key: string;
  readonly session?: string;
}

/** Serves one store to all who connect, a request and an answer a line. @returns the port */
export async function serveStore(): Promise<number> {
  const sessions = new Map<string, string>();
  const operations: Readonly<Record<Operation, (request: Request) => string | undefined>> = {
    put: ({ key, session }) => void sessions.set(key, session!),
    get: ({ key }) => sessions.get(key),
    // Nobody else comes between: this is the only thread, and it waits for nothing.
    take: ({ key }) => {
      const session = sessions.get(key);
      sessions.delete(key);
      return session;
    },
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    createInterface(socket).on('line', (line) => {
      const request = JSON.parse(line) as Request;
      const session = operations[request.operation](request);
      // As from far away: long enough for the same to be asked by others.
      setTimeout(() => socket.write(`${JSON.stringify({ id: request.id, session })}\n`), 5);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The store of {@link serveStore}, in another process. */
export function remoteStore(port: number): ServerSessionStore {
  const socket = connect(port, '127.0.0.1');
  const waiting = new Map<number, (session: Uint8Array | undefined) => void>();
  let calls = 0;
  createInterface(socket).on('line', (line) => {
    const { id, session } = JSON.parse(line) as { id: number; session?: string };
    waiting.get(id)!(session === undefined ? undefined : Buffer.from(session, 'base64'));
    waiting.delete(id);
  });
  const ask = (operation: Operation, key: string, session?: Uint8Array): Promise<Uint8Array | undefined> => {
    const id = calls++;
    const encoded = session === undefined ? undefined : Buffer.from(session).toString('base64');
    socket.write(`${JSON.stringify({ id, operation, key, session: encoded })}\n`);
    return new Promise((resolve) => void waiting.set(id, resolve));
  };
  return {
    put: async (key, session) => void (await ask('put', key, session)),
    get: (key) => ask('get', key),
    take: (key) => ask('take', key),
  };
}
