/** What the tests here share: a CA with identities, providers, servers on a free port. */
import { type CryptoProvider } from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { createCa, type TestCa, type TestIdentity } from '@tyls/testing';
import { once } from 'node:events';
import { type AddressInfo, type Server } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import {
  accept,
  connect,
  type ConnectOptions,
  createServer,
  type TlsServer,
  type TlsServerOptions,
  type TlsSocket,
} from '@tyls/tls-node';

export const providers: Readonly<Record<string, CryptoProvider>> = {
  node: nodeProvider(),
  noble: nobleProvider(),
  webcrypto: webcryptoProvider(),
};

export const ca: TestCa = await createCa();
export const identity: TestIdentity = await ca.issue({ names: ['localhost', '127.0.0.1'] });

/** The options of a client that trusts {@link ca}, and of a server with {@link identity}. */
export const clientOptions = { ca: ca.certificate, serverName: 'localhost' } as const;
export const serverOptions = { certificate: identity.chainPem, key: identity.privateKeyPem } as const;

/** Listens on a free port; closed when the test is finished, with its connections. */
export async function listen(server: Server): Promise<number> {
  server.on('connection', (transport) => onTestFinished(() => void transport.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server of ours and the port it listens on. */
export async function serve(
  options: Partial<TlsServerOptions> = {},
  onConnection?: (socket: TlsSocket) => void,
): Promise<{ server: TlsServer; port: number }> {
  const server = createServer({ ...serverOptions, ...options } as TlsServerOptions, onConnection);
  const port = await listen(server);
  server.on('secureConnection', (socket) => {
    onTestFinished(() => {
      // That the client is destroyed when the test is over is no failure of this side.
      socket.on('error', () => {});
      socket.destroy();
    });
  });
  return { server, port };
}

/** A client of ours; destroyed when the test is finished. */
export function dial(port: number, options: Partial<ConnectOptions> = {}): TlsSocket {
  const socket = connect({ port, host: '127.0.0.1', ...clientOptions, ...options } as ConnectOptions);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Both ends of a connection over TCP, after the handshake. */
export async function pair(
  server: Partial<TlsServerOptions> = {},
  client: Partial<ConnectOptions> = {},
): Promise<{ client: TlsSocket; server: TlsSocket }> {
  const { server: listener, port } = await serve(server);
  const accepted = once(listener, 'secureConnection');
  const socket = dial(port, client);
  const [[peer]] = (await Promise.all([accepted, once(socket, 'secureConnect')])) as [[TlsSocket], unknown];
  return { client: socket, server: peer };
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The error that a stream ends with. */
export async function failure(stream: Readable): Promise<Error> {
  const [error] = (await once(stream, 'error')) as [Error];
  return error;
}

/** Two streams that are each other's peer, in memory, with backpressure: a write is done when the other has room. */
export function duplexPair(): [Duplex, Duplex] {
  const waiting = new Map<Duplex, () => void>();
  const end = (peer: () => Duplex): Duplex => {
    const duplex: Duplex = new Duplex({
      read() {
        const taken = waiting.get(duplex);
        waiting.delete(duplex);
        taken?.();
      },
      write(chunk: Uint8Array, _encoding, callback) {
        if (peer().push(chunk)) setImmediate(callback);
        else waiting.set(peer(), callback);
      },
      final(callback) {
        peer().push(null);
        callback();
      },
    });
    return duplex;
  };
  const left: Duplex = end(() => right);
  const right: Duplex = end(() => left);
  return [left, right];
}

/** Both ends of a connection in memory, after the handshake. */
export async function memoryPair(
  server: Partial<TlsServerOptions> = {},
  client: Partial<ConnectOptions> = {},
): Promise<{ client: TlsSocket; server: TlsSocket }> {
  const [left, right] = duplexPair();
  const serverSide = accept(right, { ...serverOptions, ...server } as TlsServerOptions);
  const clientSide = connect({ socket: left, ...clientOptions, ...client } as ConnectOptions);
  await Promise.all([once(clientSide, 'secureConnect'), once(serverSide, 'secureConnect')]);
  return { client: clientSide, server: serverSide };
}
