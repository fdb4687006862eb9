/** One HTTP exchange over a TLS connection that somebody else made: node:http neither knows nor minds whose it is. */
import { createServer, request, type Server } from 'node:http';
import { type Server as TcpServer } from 'node:net';
import { type Duplex } from 'node:stream';

/** Answers HTTP on every connection that the TLS server accepts. @param page what to say on a connection */
export function answer(server: TcpServer, page: (socket: Duplex) => string): Server {
  const http = createServer((incoming, outgoing) => {
    outgoing.setHeader('content-type', 'text/plain; charset=utf-8');
    outgoing.setHeader('connection', 'close');
    outgoing.end(page(incoming.socket));
  });
  server.on('secureConnection', (socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    http.emit('connection', socket);
  });
  return http;
}

/** @returns the body. Rejects if the connection fails, or if the answer is not 200 */
export function get(socket: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ createConnection: () => socket, host: 'localhost', path: '/' }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (text: string) => void (body += text));
      incoming.on('error', reject);
      incoming.on('end', () => {
        if (incoming.statusCode === 200) resolve(body);
        else reject(new Error(`HTTP status ${incoming.statusCode ?? 'unknown'}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
