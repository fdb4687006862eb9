/** How connections end (RFC 8446 section 6.1): one direction after the other, or without a word. */
import {
  connectNode,
  startGnutlsClient,
  startGnutlsServer,
  startNodeServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import { type Duplex } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, endOf, serve } from './tyls.ts';
import { describeWith, identity, root, workspace } from './world.ts';

const ca = root.certificatePem;

/** Up to the peer's end. (Iteration, and `node:stream/consumers` with it, would destroy the stream then.) */
function text(stream: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    stream.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')));
    stream.on('end', () => resolve(all));
    stream.on('error', reject);
  });
}

describeWith('node')('tyls client, node:tls server', () => {
  test('half-close: the server goes on when we have ended', async () => {
    const server = await startNodeServer({ identity }, (socket) => {
      void text(socket).then((request) => socket.end(`answer to ${request}`));
    });
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port);
    const ended = text(socket);
    socket.end('request');
    expect(await ended).toBe('answer to request');
    expect(await endOf(socket)).toBe('close_notify');
  });

  test('half-close: we go on when the server has ended', async () => {
    let request: Promise<string> | undefined;
    const server = await startNodeServer({ identity }, (socket) => {
      request = text(socket);
      // Not at once: what node:tls ends in that event ends without close_notify.
      socket.once('data', () => socket.end('greeting'));
    });
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port, { allowHalfOpen: true });
    socket.write('request, ');
    expect(await text(socket)).toBe('greeting');
    socket.end('answer to it');
    expect(await request).toBe('request, answer to it');
    expect(await endOf(socket)).toBe('close_notify');
  });
});

describeWith('node')('node:tls client, tyls server', () => {
  test('half-close: we go on when the client has ended', async () => {
    const server = await serve({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((request) => socket.end(`answer to ${request}`));
    });
    onTestFinished(() => server.stop());
    const client = connectNode({ port: server.port, ca });
    const received = text(client);
    client.end('request');
    expect(await received).toBe('answer to request');
    expect(await endOf(await server.connection())).toBe('close_notify');
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test('half-close: we go on when the client has ended', async () => {
    const server = await serve({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((request) => socket.end(`answer to ${request}`));
    });
    onTestFinished(() => server.stop());
    const client = startGnutlsClient(workspace, { port: server.port, ca });
    onTestFinished(() => client.stop());
    client.stdin.end('request\n');
    await client.output.until(/answer to request/);
    expect(await client.exited).toBe(0);
  });

  test('truncation of ours is noticed', async () => {
    const server = await serve();
    onTestFinished(() => server.stop());
    const client = startGnutlsClient(workspace, { port: server.port, ca });
    onTestFinished(() => client.stop());
    client.stdin.write('ping\n');
    await client.output.until(/^ping$/m);
    (await server.connection()).destroy();
    await client.output.until(/non-properly terminated/);
    expect(await client.exited).not.toBe(0);
  });
});

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test('truncation of ours is noticed', async () => {
    const server = await serve();
    onTestFinished(() => server.stop());
    const client = startOpensslClient(workspace, { port: server.port, ca });
    onTestFinished(() => client.stop());
    client.stdin.write('ping\n');
    await client.output.until(/^ping$/m);
    (await server.connection()).destroy();
    await expect(client.output.until(/unexpected eof while reading/)).resolves.toBeDefined();
  });
});

const servers = [
  ['OpenSSL s_server', 'openssl', startOpensslServer, /unexpected eof while reading/],
  ['gnutls-serv', 'gnutls-serv', startGnutlsServer, /Error while receiving data/],
] as const;
for (const [name, program, start, report] of servers) {
  describeWith(program)(`tyls client, ${name}`, () => {
    test('truncation of ours is noticed', async () => {
      const server = await start(workspace, { identity });
      onTestFinished(() => server.stop());
      const socket = await dialed(server.port);
      socket.write('ping\n');
      await server.output.until(/ping/);
      socket.destroy();
      await expect(server.output.until(report)).resolves.toBeDefined();
    });
  });
}
