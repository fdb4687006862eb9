/** 100 MB each way, both ways at once where the peer can, by their SHA-256. */
import { type CryptoProvider } from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  bulk,
  bulkDigest,
  bulkLength,
  BulkReceiver,
  connectNode,
  startCurl,
  startGnutlsClient,
  startGnutlsServer,
  startNodeServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import { writeFileSync } from 'node:fs';
import { type Duplex, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, endOf, hangUp, serve } from './tyls.ts';
import { describeWith, identity, root, workspace } from './world.ts';

const ca = root.certificatePem;
const digest = bulkDigest();
/** All of them against OpenSSL, the slower ones with less. */
const providers: readonly [string, CryptoProvider, number][] = [
  ['100 MB each way', nodeProvider(), bulkLength],
  ['10 MB each way, crypto-noble', nobleProvider(), bulkLength / 10],
  ['10 MB each way, crypto-webcrypto', webcryptoProvider(), bulkLength / 10],
];

/**
 * Both directions at once; `theirs` writes and receives at the peer.
 *
 * @returns what was received, at both ends
 */
async function bothWays(
  ours: Duplex,
  theirs: { readonly input: Writable; readonly receiver: BulkReceiver },
  length: number = bulkLength,
): Promise<[string, string]> {
  const receiver = new BulkReceiver(length);
  ours.on('data', receiver.add);
  await Promise.all([
    pipeline(Readable.from(bulk(length)), ours, { end: false }),
    pipeline(Readable.from(bulk(length)), theirs.input, { end: false }),
    receiver.complete,
    theirs.receiver.complete,
  ]);
  return [receiver.digest(), theirs.receiver.digest()];
}

describeWith('openssl')('tyls client, OpenSSL s_server', () => {
  test.each(providers)('%s', async (_, provider, length) => {
    const receiver = new BulkReceiver(length);
    const server = await startOpensslServer(workspace, { identity }, [], { onData: receiver.add });
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port, { provider });
    const expected = bulkDigest(length);
    expect(await bothWays(socket, { input: server.process.stdin, receiver }, length)).toEqual([expected, expected]);
    await hangUp(socket);
  });
});

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test.each(providers)('%s', async (_, provider, length) => {
    const server = await serve({ provider }, () => {});
    onTestFinished(() => server.stop());
    const receiver = new BulkReceiver(length);
    const client = startOpensslClient(workspace, { port: server.port, ca }, [], { onData: receiver.add });
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    const expected = bulkDigest(length);
    expect(await bothWays(socket, { input: client.stdin, receiver }, length)).toEqual([expected, expected]);
    const ended = endOf(socket);
    client.stdin.end();
    expect(await ended).toBe('close_notify');
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  // It prints a byte at a time what it receives: 0.4 MB a second.
  test('100 MB sent', async () => {
    const receiver = new BulkReceiver();
    const server = await serve({}, (socket) => void socket.on('data', receiver.add));
    onTestFinished(() => server.stop());
    const client = startGnutlsClient(workspace, { port: server.port, ca });
    onTestFinished(() => client.stop());
    const [socket] = await Promise.all([server.connection(), pipeline(Readable.from(bulk()), client.stdin)]);
    expect(await endOf(socket)).toBe('close_notify');
    expect(receiver.digest()).toBe(digest);
  });
});

describeWith('gnutls-serv')('tyls client, gnutls-serv', () => {
  test('100 MB received', async () => {
    const page = workspace.newPath();
    writeFileSync(page, Buffer.concat([...bulk()]));
    const server = await startGnutlsServer(workspace, { identity }, ['--http', '--httpdata', page]);
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port);
    const receiver = new BulkReceiver();
    // The header is ASCII, the page is not.
    let inPage = false;
    socket.on('data', (chunk: Buffer) => {
      const start = inPage ? 0 : chunk.findIndex((byte) => byte > 0x7f);
      if (start < 0) return;
      inPage = true;
      receiver.add(chunk.subarray(start));
    });
    // Not ended: with our close_notify unread it would reset the connection instead of closing it.
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await endOf(socket)).toBe('close_notify');
    expect(receiver.digest()).toBe(digest);
  });
});

describeWith('curl')('curl, tyls server', () => {
  test('100 MB received', async () => {
    const receiver = new BulkReceiver();
    const server = await serve({}, (socket) => {
      socket.once('data', () => {
        const header = `HTTP/1.1 200 OK\r\nContent-Length: ${bulkLength}\r\n\r\n`;
        void pipeline(Readable.from(withHeader(header)), socket);
      });
    });
    onTestFinished(() => server.stop());
    const client = startCurl(workspace, { port: server.port, ca }, ['--output', '-'], { onData: receiver.add });
    onTestFinished(() => client.stop());
    expect(await client.exited).toBe(0);
    expect(receiver.digest()).toBe(digest);
  });

  test('100 MB sent', async () => {
    const receiver = new BulkReceiver();
    const server = await serve({}, (socket) => {
      socket.once('data', (request: Buffer) => {
        receiver.add(request.subarray(request.indexOf('\r\n\r\n') + 4));
        socket.on('data', receiver.add);
        void receiver.complete.then(() => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
      });
    });
    onTestFinished(() => server.stop());
    const args = ['--upload-file', '-', '--header', 'Transfer-Encoding:', '--header', `Content-Length: ${bulkLength}`];
    const client = startCurl(workspace, { port: server.port, ca }, [...args, '--header', 'Expect:']);
    onTestFinished(() => client.stop());
    await pipeline(Readable.from(bulk()), client.stdin);
    expect(await client.exited).toBe(0);
    expect(receiver.digest()).toBe(digest);
  });
});

function* withHeader(header: string): Generator<Buffer> {
  yield Buffer.from(header);
  yield* bulk();
}

describeWith('node')('tyls client, node:tls server', () => {
  test('100 MB each way', async () => {
    const receiver = new BulkReceiver();
    let peer: Duplex | undefined;
    const server = await startNodeServer({ identity }, (socket) => {
      peer = socket;
      socket.on('data', receiver.add);
    });
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port);
    await server.output.until(/^connection/);
    expect(await bothWays(socket, { input: peer!, receiver })).toEqual([digest, digest]);
    const ended = endOf(socket);
    peer!.end();
    expect(await ended).toBe('close_notify');
  });
});

describeWith('node')('node:tls client, tyls server', () => {
  test('100 MB each way', async () => {
    const server = await serve({}, () => {});
    onTestFinished(() => server.stop());
    const client = connectNode({ port: server.port, ca });
    onTestFinished(() => void client.destroy());
    const receiver = new BulkReceiver();
    client.on('data', receiver.add);
    const socket = await server.connection();
    expect(await bothWays(socket, { input: client, receiver })).toEqual([digest, digest]);
    const ended = endOf(socket);
    client.end();
    expect(await ended).toBe('close_notify');
  });
});
