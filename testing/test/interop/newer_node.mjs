// The peer of newer_node.ts, on a newer Node: node:tls as `server` or `client`, told by a JSON of options. The server
// prints its port and sends back what comes; the client sends a line, and prints it when it comes back.
import { connect, createServer } from 'node:tls';

const [role, json] = process.argv.slice(2);
const { line, ...options } = JSON.parse(json);
if (role === 'server') {
  const server = createServer(options, (socket) => {
    socket.on('error', (error) => console.log(error.stack));
    socket.pipe(socket);
  });
  server.on('tlsClientError', (error) => console.log(error.stack));
  server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
} else {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', ...options }, () => socket.write(`${line}\n`));
  socket.on('data', (chunk) => {
    process.stdout.write(chunk);
    socket.end();
  });
}
