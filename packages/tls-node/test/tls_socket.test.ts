import { TlsError } from '@tyls/tls-core';
import { cpuClock } from '@tyls/testing';
import { accept, connect, TlsSocket } from '@tyls/tls-node';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  clientOptions,
  dial,
  duplexPair,
  failure,
  listen,
  memoryPair,
  pair,
  providers,
  readAll,
  serve,
  serverOptions,
} from './peers.ts';

const code = (error: unknown): string => (error instanceof TlsError ? error.code : String(error));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

describe.each(['node', 'webcrypto'])('a socket with the %s provider', (name) => {
  const provider = providers[name]!;
  const ours = [{ provider }, { provider }] as const;

  test('carries a large transfer each way at once', async () => {
    const { client, server } = await pair(...ours);
    const size = 16 * 2 ** 20;
    const sent = randomBytes(size);
    const digest = createHash('sha256').update(sent).digest('hex');
    const received = async (socket: TlsSocket): Promise<string> => {
      const hash = createHash('sha256');
      socket.on('data', (chunk: Buffer) => void hash.update(chunk));
      await once(socket, 'end');
      return hash.digest('hex');
    };
    const both = Promise.all([received(client), received(server)]);
    client.end(sent);
    for (let at = 0; at < size; at += 100_003) server.write(sent.subarray(at, at + 100_003));
    server.end();
    expect(await both).toEqual([digest, digest]);
  });

  test('holds a writer back when the reader does not read', async () => {
    const { client, server } = await memoryPair(...ours);
    let accepted = 0;
    const chunk = Buffer.alloc(65_536);
    const write = (): void => {
      server.write(chunk, (error) => {
        if (error !== null && error !== undefined) return;
        accepted += chunk.length;
        write();
      });
    };
    write();
    let before = -1;
    while (accepted !== before) {
      before = accepted;
      await setTimeout(50);
    }
    expect(accepted).toBeLessThan(1_000_000);
    expect(client.readableLength).toBeLessThan(400_000);
    expect(server.transport.writableLength).toBeLessThan(200_000);
    // And goes on as soon as it does.
    let read = 0;
    client.on('data', (data: Buffer) => void (read += data.length));
    await until(() => read >= 4_000_000);
    server.destroy();
    client.destroy();
  });

  test('does not encrypt what the transport has no room for', async () => {
    const { client, server } = await memoryPair(...ours);
    const size = 4_000_000;
    let taken = false;
    server.end(Buffer.alloc(size), () => void (taken = true));
    await setTimeout(200);
    expect(taken).toBe(false);
    expect(server.transport.writableLength).toBeLessThan(200_000);
    expect((await readAll(client)).length).toBe(size);
  });

  test('takes 100 000 small writes in linear time', async () => {
    const { client, server } = await pair(...ours);
    let received = 0;
    server.on('data', (chunk: Buffer) => void (received += chunk.length));
    const time = async (count: number): Promise<number> => {
      const spent = cpuClock();
      for (let i = 0; i < count; i++) client.write('x');
      const wanted = received + count;
      await until(() => received === wanted);
      return spent();
    };
    await time(10_000);
    expect(await time(100_000)).toBeLessThan(5_000);
  });

  test('keeps the order of what is sent before and after the handshake', async () => {
    const { port } = await serve({ provider }, (socket) => socket.pipe(socket));
    const client = dial(port, { provider });
    const texts = Array.from({ length: 50 }, (_, i) => `${i},`);
    for (const text of texts.slice(0, 25)) client.write(text);
    await once(client, 'secureConnect');
    for (const text of texts.slice(25)) client.write(text);
    client.end();
    expect((await readAll(client)).toString()).toBe(texts.join(''));
  });

  test('updates its keys in the middle of traffic', async () => {
    const { client, server } = await pair(...ours);
    server.pipe(server);
    const sent = randomBytes(200_000);
    client.write(sent.subarray(0, 100_000));
    client.updateKeys();
    client.write(sent.subarray(100_000));
    client.updateKeys(false);
    client.end();
    expect((await readAll(client)).equals(sent)).toBe(true);
  });

  test('delivers what came before a truncation, then says so', async () => {
    const { client, server } = await pair(...ours);
    server.on('error', () => {});
    const sent = randomBytes(300_000);
    server.write(sent, () => (server.transport as Socket).end());
    const received: Buffer[] = [];
    let error: unknown;
    try {
      for await (const chunk of client) {
        received.push(chunk as Buffer);
        await setImmediate();
      }
    } catch (caught) {
      error = caught;
    }
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(code(error)).toBe('UnexpectedEof');
    expect(client.destroyed).toBe(true);
  });

  test('is destroyed in every state without a trace', async () => {
    const { port } = await serve({ provider }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    const never = connectTcp({ port, host: '127.0.0.1' });
    const gone = new Promise((resolve) => void never.once('close', resolve));
    for (const act of [
      () => {},
      async (socket: TlsSocket) => void (await once(socket.transport, 'connect')),
      async (socket: TlsSocket) => void (await once(socket, 'secureConnect')),
      (socket: TlsSocket) => void socket.write(randomBytes(1_000_000)),
      (socket: TlsSocket) => void socket.end('late'),
      async (socket: TlsSocket) => {
        socket.write('x');
        await once(socket, 'data');
      },
    ]) {
      const socket = dial(port, { provider });
      await act(socket);
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
      expect(socket.transport.destroyed).toBe(true);
      expect(() => socket.exportKeyingMaterial(32, 'label')).toThrow(TlsError);
    }
    never.destroy();
    await gone;
  });
});

test('half-closes each way', async () => {
  const { client, server } = await pair({ allowHalfOpen: true }, { allowHalfOpen: true });
  let request = '';
  server.on('data', (chunk: Buffer) => void (request += chunk.toString()));
  client.end('request');
  await once(server, 'end');
  expect(request).toBe('request');
  expect(server.writable).toBe(true);
  server.write('response, ');
  await setTimeout(20);
  server.end('and more');
  expect((await readAll(client)).toString()).toBe('response, and more');
});

test('ends its own side when the peer has ended, unless told not to', async () => {
  const { client, server } = await pair();
  server.resume();
  client.resume();
  const closed = Promise.all([once(client, 'close'), once(server, 'close')]);
  client.end();
  await closed;
  expect(server.writableFinished).toBe(true);
});

test('ends with the peer though nobody reads, as net.Socket does, unless there is something to read', async () => {
  const { client, server } = await pair();
  const closed = once(server, 'close');
  client.resume().end();
  await closed;
  expect(server.readableEnded).toBe(true);

  const unread = await pair();
  unread.client.resume().end('data');
  await until(() => unread.server.readableLength === 4);
  await setTimeout(20);
  expect(unread.server.readableEnded).toBe(false);
  expect((await readAll(unread.server)).toString()).toBe('data');
});

test('calls back when the transport has taken the data, and fails the write when it is destroyed', async () => {
  const { client } = await memoryPair();
  const done = new Promise((resolve) => void client.write('x', resolve));
  expect(await done).toBeFalsy();
  const failed = new Promise((resolve) => void client.write(Buffer.alloc(10_000_000), resolve));
  client.destroy();
  expect(await failed).toBeInstanceOf(Error);
});

/** A client over a stream that takes everything at once, in memory, after the handshake; and how much each write had. */
async function promptClient(): Promise<{ client: TlsSocket; writes: number[] }> {
  const writes: number[] = [];
  let isHandshaking = true;
  const take = (chunks: readonly Uint8Array[]): void => {
    writes.push(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    // Then nobody reads it.
    if (isHandshaking) for (const chunk of chunks) right.push(chunk);
  };
  const left: Duplex = new Duplex({
    read() {},
    write: (chunk: Uint8Array, _encoding, callback) => (take([chunk]), callback()),
    writev: (chunks: readonly { chunk: Uint8Array }[], callback) => (
      take(chunks.map(({ chunk }) => chunk)),
      callback()
    ),
  });
  const right: Duplex = new Duplex({
    read() {},
    write: (chunk: Uint8Array, _encoding, callback) => (left.push(chunk), callback()),
  });
  const server = accept(right, { ...serverOptions, sessionStore: false });
  const client = connect({ socket: left, ...clientOptions });
  onTestFinished(() => [client, server].forEach((socket) => socket.destroy()));
  await Promise.all([once(server, 'secureConnect'), once(client, 'secureConnect')]);
  isHandshaking = false;
  writes.length = 0;
  return { client, writes };
}

test('sends what is written in one turn in one write, in records that are full', async () => {
  const { client, writes } = await promptClient();
  for (let i = 0; i < 1024; i++) client.write(Buffer.alloc(64, i));
  await setImmediate();
  const recordOverhead = 22;
  expect(writes).toEqual([65_536 + 4 * recordOverhead]);
});

test('sends what ends the handshake together with what is written when it is complete', async () => {
  const { server, port } = await serve({}, (socket) => socket.end('answer'));
  const written = once(server, 'connection').then(([transport]) => vi.spyOn(transport as Socket, 'write'));
  const client = dial(port);
  const writes = vi.spyOn(client.transport, 'write');
  client.once('secureConnect', () => client.write('request'));
  expect((await readAll(client)).toString()).toBe('answer');
  const lengths = ({ mock }: typeof writes): number[] => mock.calls.map(([chunk]) => (chunk as Uint8Array).length);
  const record = 22;
  const finished = record + 4 + 48;
  const changeCipherSpec = 6;
  expect(lengths(writes)).toEqual([changeCipherSpec + finished + record + 'request'.length, record + 2]);
  // The server's flight, its tickets with the answer, close_notify.
  expect(lengths(await written)).toHaveLength(3);
});

test('completes the handshake of the peer though it is destroyed as soon as its own is complete', async () => {
  const { server, port } = await serve();
  const secured = once(server, 'secureConnection');
  const client = dial(port);
  client.once('secureConnect', () => client.destroy());
  const [socket] = (await secured) as [TlsSocket];
  expect(socket.protocolVersion).toBe('TLSv1.3');
});

test('delivers what was written before it is destroyed', async () => {
  const { client, server } = await pair();
  const received = once(server, 'data');
  server.on('error', () => {});
  client.write('good');
  client.write('bye');
  client.destroy();
  expect(String(await received)).toBe('goodbye');
});

test('sends a large write in turns, however fast the transport is', async () => {
  const { client, writes } = await promptClient();
  const size = 2 ** 28;
  const done = new Promise((resolve) => client.write(new Uint8Array(size), resolve));
  expect(await done).toBeFalsy();
  expect(writes.length).toBe(size / 131_072);
});

test('fails when the transport does', async () => {
  const { client, server } = await pair();
  server.on('error', () => {});
  const failed = failure(client);
  client.transport.destroy(new Error('the cable is cut'));
  expect((await failed).message).toBe('the cable is cut');
});

function letNobodyHear({ transport }: TlsSocket): void {
  Object.assign(transport, {
    _write: (_chunk: unknown, _encoding: unknown, callback: (error: Error) => void) =>
      callback(new Error('nobody is there')),
  });
}

test('does not fail if a peer that has said that it is done does not hear our close_notify', async () => {
  const { client, server } = await memoryPair();
  await new Promise((resolve) => void server.write('x', resolve));
  client.resume().end();
  letNobodyHear(server);
  server.resume();
  await once(server, 'close');
  expect(server.errored).toBeNull();
  expect(server.readableEnded).toBe(true);
});

test('fails if a peer that has said that it is done does not hear our data', async () => {
  const { client, server } = await memoryPair({ allowHalfOpen: true });
  client.end();
  server.resume();
  await once(server, 'end');
  letNobodyHear(server);
  const failed = failure(server);
  server.end('answer');
  expect((await failed).message).toBe('nobody is there');
});

test('fails when the transport is destroyed without a word, even if nobody reads', async () => {
  const { client, server } = await memoryPair();
  const failed = failure(client);
  client.write(Buffer.alloc(1_000_000));
  client.transport.destroy();
  expect(code(await failed)).toBe('UnexpectedEof');
  server.destroy();
});

test('reports a refused TCP connection as it is', async () => {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  expect(await failure(dial(port))).toMatchObject({ code: 'ECONNREFUSED' });
});

test('gives up a handshake that takes too long, on both sides', async () => {
  const silent = createTcpServer((socket) => socket.on('error', () => {}));
  const client = dial(await listen(silent), { handshakeTimeoutMillis: 50 });
  const error = await failure(client);
  expect(code(error)).toBe('HandshakeTimeout');
  expect(error.message).toContain('50 ms');

  const { server, port } = await serve({ handshakeTimeoutMillis: 50 });
  const tcp = connectTcp({ port, host: '127.0.0.1' });
  onTestFinished(() => void tcp.destroy());
  const [refused, socket] = (await once(server, 'tlsClientError')) as [Error, TlsSocket];
  expect(code(refused)).toBe('HandshakeTimeout');
  expect(socket.destroyed).toBe(true);
  expect(() => dial(1, { handshakeTimeoutMillis: -1 })).toThrow(RangeError);
});

test('says when nothing happened on the transport for long, and goes on', async () => {
  const { client, server } = await pair();
  server.pipe(server);
  await new Promise<void>((resolve) => void client.setTimeout(30, resolve));
  client.setTimeout(0);
  client.end('still here');
  expect((await readAll(client)).toString()).toBe('still here');
});

test('speaks TLS within TLS', async () => {
  const outer = await pair({ allowHalfOpen: true }, { allowHalfOpen: true });
  const server = accept(outer.server, serverOptions);
  server.pipe(server);
  const client = connect({ socket: outer.client, ...clientOptions });
  const sent = randomBytes(500_000);
  client.end(sent);
  expect((await readAll(client)).equals(sent)).toBe(true);
  expect(client.remotePort).toBe(outer.client.remotePort);
});

test('works in a pipeline', async () => {
  // What stands in the middle may still hold data when the client has ended, and a socket would end with the client.
  const { client, server } = await pair({ allowHalfOpen: true });
  const sent = randomBytes(1_000_000);
  const echo = pipeline(server, new PassThrough(), server);
  client.end(sent);
  expect((await readAll(client)).equals(sent)).toBe(true);
  await echo;
});

test('leaves no sockets behind', async () => {
  const open = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  const before = open();
  const { server, port } = await serve({}, (socket) => socket.pipe(socket));
  for (let i = 0; i < 20; i++) {
    const client = dial(port);
    client.end('hello');
    await readAll(client);
  }
  const refused = dial(port, { serverName: 'example.org' });
  await failure(refused);
  server.close();
  await once(server, 'close');
  await setImmediate();
  expect(open()).toBeLessThanOrEqual(before);
});

test('refuses a transport that is not a stream of bytes', () => {
  const [left] = duplexPair();
  left.setEncoding('utf8');
  expect(() => connect({ socket: left, ...clientOptions })).toThrow(TypeError);
});

test('sends each flight in one write', async () => {
  const flights: number[] = [];
  const left: Duplex = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, callback) {
      right.push(chunk);
      callback();
    },
  });
  const right: Duplex = new Duplex({
    read() {},
    writev(chunks: readonly { chunk: Uint8Array }[], callback) {
      flights.push(chunks.length);
      for (const { chunk } of chunks) left.push(chunk);
      callback();
    },
  });
  const server = accept(right, { ...serverOptions, sessionStore: false });
  const client = connect({ socket: left, ...clientOptions });
  await Promise.all([once(server, 'secureConnect'), once(client, 'secureConnect')]);
  // ServerHello to Finished, its small pieces joined.
  expect(flights).toEqual([1]);
  server.write(Buffer.alloc(50_000));
  await setImmediate();
  // Four records: ciphertexts as they are, the headers and tags between them joined.
  expect(flights).toEqual([1, 7]);
  client.destroy();
  server.destroy();
});
