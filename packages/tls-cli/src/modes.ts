/** What a server does with a connection. */
import { type TlsSocket } from '@tyls/tls-node';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { pipeline } from 'node:stream';

/** @param failed told of an error on the connection, or on the one that it is forwarded to */
export type Mode = (socket: TlsSocket, failed: (error: Error) => void) => void;

/** Sends back what comes. */
export const echo: Mode = (socket, failed) => {
  socket.on('error', failed);
  socket.pipe(socket);
};

/** Answers every HTTP request with a short text. */
export function http(): Mode {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'text/plain');
    response.setHeader('connection', 'close');
    response.end('Hello world from tlsserver\r\n');
  });
  return (socket, failed) => {
    socket.on('error', failed);
    server.emit('connection', socket);
  };
}

/** Passes everything on to a port of this host, in clear, and back. */
export function forward(port: number): Mode {
  return (socket, failed) => {
    const target = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    pipeline(socket, target, socket, (error) => {
      if (error !== null) failed(error);
    });
  };
}
