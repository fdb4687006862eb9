/** TLS servers. */
import { type ServerConfigSource, ServerConnection } from '@tyls/tls-core';
import { createServer as createTcpServer, type Server } from 'node:net';
import { type Duplex } from 'node:stream';
import { startServerConfig } from './config.ts';
import { checkOnlyConfig, type ServerConfigOptions } from './options.ts';
import { checkSocketOptions, TlsSocket, type TlsSocketOptions } from './tls_socket.ts';

/**
 * A configuration that is built already, or a function that chooses one by the ClientHello, at once or later; or what
 * one is built from.
 */
export type TlsServerOptions = TlsSocketOptions &
  (
    | (ServerConfigOptions & { readonly config?: undefined })
    | ({ readonly config: ServerConfigSource } & { readonly [Name in keyof ServerConfigOptions]?: undefined })
  );

/**
 * A `net.Server` with three events more:
 *
 * - `'earlyData'` (socket): before its handshake is complete, a client sent data that `takeEarlyData()` of the socket gives;
 *   perhaps more than once for a client. Who would rather wait finds all of it at `'secureConnection'`.
 * - `'secureConnection'` (socket): a client's handshake is complete. Who gets the socket listens for its errors.
 * - `'tlsClientError'` (error, socket): one failed; the client has been told and the socket is destroyed.
 */
export interface TlsServer extends Server {
  on(event: 'secureConnection' | 'earlyData', listener: (socket: TlsSocket) => void): this;
  on(event: 'tlsClientError', listener: (error: Error, socket: TlsSocket) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
  once(event: 'secureConnection' | 'earlyData', listener: (socket: TlsSocket) => void): this;
  once(event: 'tlsClientError', listener: (error: Error, socket: TlsSocket) => void): this;
  once(event: string, listener: (...args: never[]) => void): this;
}

/**
 * A server that speaks TLS on every connection; `listen` and everything else are those of `net.Server`. If a key is
 * loaded asynchronously and that fails, the server emits `'error'`.
 *
 * @param onConnection listens for `'secureConnection'`
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function createServer(options: TlsServerOptions, onConnection?: (socket: TlsSocket) => void): TlsServer {
  const socketOptions = checkSocketOptions(options);
  // There is none if an option is refused while the key is being loaded.
  let created: TlsServer | undefined = undefined;
  const config = configOf(options, (error) => void created?.emit('error', error));
  const server: TlsServer = createTcpServer({ allowHalfOpen: true }, (transport) => {
    const socket = new TlsSocket(transport, new ServerConnection(config), socketOptions);
    const failed = (error: Error): void => void server.emit('tlsClientError', error, socket);
    socket.once('error', failed);
    socket.on('earlyData', () => server.emit('earlyData', socket));
    socket.once('secureConnect', () => {
      socket.off('error', failed);
      server.emit('secureConnection', socket);
    });
  });
  created = server;
  if (onConnection !== undefined) server.on('secureConnection', onConnection);
  return server;
}

/**
 * Speaks TLS as a server over one stream: a tunnel, another TLS socket, a TCP socket that began in clear.
 *
 * Options make a configuration for this stream alone, and a session store that nobody would come back to is not made: for
 * sessions give a `config` that is built once, or a `sessionStore`, `ticketer` or `ticketKeys` that are shared.
 *
 * @param transport for half-closed connections it must itself allow them
 * @throws TypeError or RangeError that says which option cannot be and why
 */
export function accept(transport: Duplex, options: TlsServerOptions): TlsSocket {
  const socketOptions = checkSocketOptions(options);
  let socket: TlsSocket | undefined = undefined;
  const config = configOf(forOneStream(options), (error) => socket?.destroy(error));
  socket = new TlsSocket(transport, new ServerConnection(config), socketOptions);
  return socket;
}

function forOneStream(options: TlsServerOptions): TlsServerOptions {
  return options.config === undefined ? { ...options, sessionStore: options.sessionStore ?? false } : options;
}

function configOf(options: TlsServerOptions, failed: (error: Error) => void): ServerConfigSource {
  if (options.config === undefined) return startServerConfig(options, failed);
  checkOnlyConfig(options);
  return options.config;
}
