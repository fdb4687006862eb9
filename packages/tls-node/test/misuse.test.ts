/** What a socket's user, its listeners and its transport may do at the worst of times. */
import { createCa } from '@tyls/testing';
import { accept, connect, createServer, type TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  clientOptions,
  dial,
  duplexPair,
  failure,
  identity,
  memoryPair,
  pair,
  providers,
  serve,
  serverOptions,
} from './peers.ts';

/** What would end the process: an error that a listener throws, a rejection that nobody handles. */
function uncaught(): Promise<unknown> {
  const before = process.listeners('uncaughtException');
  const rejectedBefore = process.listeners('unhandledRejection');
  process.removeAllListeners('uncaughtException');
  process.removeAllListeners('unhandledRejection');
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('uncaughtException', listener);
    for (const listener of rejectedBefore) process.on('unhandledRejection', listener);
  });
  return new Promise((resolve) => {
    process.on('uncaughtException', resolve);
    process.on('unhandledRejection', resolve);
  });
}

test('closes when the connection breaks, though nobody ever reads', async () => {
  const { client, server } = await pair();
  const failed = failure(server);
  const closed = new Promise((resolve) => void server.once('close', resolve));
  client.write('a request that nobody reads');
  while (server.readableLength === 0) await setImmediate();
  (client.transport as Socket).resetAndDestroy();
  client.on('error', () => {});
  expect(await failed).toMatchObject({ code: 'ECONNRESET' });
  await closed;
});

test('ends over a transport that is closed already', async () => {
  const { client, server } = await memoryPair({ allowHalfOpen: true });
  server.resume();
  client.end();
  await once(server, 'end');
  const transportClosed = once(server.transport, 'close');
  server.transport.destroy();
  await transportClosed;
  const closed = once(server, 'close');
  server.end();
  await closed;
  expect(server.writableFinished).toBe(true);
  client.destroy();
});

test('fails at once over a transport that has ended, or cannot be written to', async () => {
  const [ended, peer] = duplexPair();
  peer.end();
  ended.resume();
  await once(ended, 'end');
  expect(await failure(accept(ended, serverOptions))).toMatchObject({ code: 'UnexpectedEof' });

  const [finished] = duplexPair();
  finished.end();
  await once(finished, 'finish');
  const error = await failure(connect({ socket: finished, ...clientOptions }));
  expect(error.message).toBe('the transport was closed before everything was written');
});

describe.each(Object.keys(providers))('with the %s provider', (name) => {
  const provider = providers[name]!;

  test('a listener that throws does not make data go missing', async () => {
    const { client, server } = await pair({ provider }, { provider });
    const thrown = uncaught();
    const received: Buffer[] = [];
    server.on('data', (chunk: Buffer) => {
      received.push(chunk);
      throw new Error('of the listener');
    });
    const closed = once(server, 'close');
    client.on('error', () => {});
    // Records enough that some come together.
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
    client.write(sent);
    expect(await thrown).toMatchObject({ message: 'of the listener' });
    await closed;
    const all = Buffer.concat(received);
    expect(all.equals(sent.subarray(0, all.length))).toBe(true);
  });

  test.each(['destroy()', 'the peer'])('%s ends what is being encrypted, and nothing else', async (who) => {
    const { client, server } = await pair({ provider }, { provider });
    const thrown = uncaught();
    client.on('error', () => {});
    server.on('error', () => {});
    const closed = new Promise((resolve) => void server.once('close', resolve));
    client.resume();
    server.cork();
    for (let i = 0; i < 8; i++) server.write(Buffer.alloc(16_000));
    // Bytes that are no record, which end the connection while it encrypts.
    if (who === 'the peer') server.transport.emit('data', Buffer.alloc(100));
    server.uncork();
    if (who === 'destroy()') server.destroy();
    await closed;
    expect(await Promise.race([thrown, setTimeout(50, 'nothing')])).toBe('nothing');
  });

  const acts: Record<string, (socket: TlsSocket) => void> = {
    destroy: (socket) => void socket.destroy(),
    end: (socket) => void socket.end('bye'),
    write: (socket) => void (socket.writable && socket.write('more')),
    pause: (socket) => void socket.pause(),
    updateKeys: (socket) => {
      if (socket.writable) socket.updateKeys();
    },
  };
  test.each(Object.keys(acts))('%s works in every listener', async (act) => {
    for (const event of ['secureConnect', 'data', 'end', 'error', 'close']) {
      const { port } = await serve({ provider }, (socket) => {
        socket.on('error', () => {});
        socket.resume();
        if (event === 'error') socket.write('hello', () => socket.destroy());
        else socket.end('hello');
      });
      const client = dial(port, { provider, allowHalfOpen: true });
      client.on('error', () => {});
      client.resume();
      let called = 0;
      client.once(event, () => {
        called++;
        acts[act]!(client);
        void setTimeout(20).then(() => client.resume());
      });
      client.on('end', () => void setImmediate().then(() => client.end()));
      await new Promise((resolve) => void client.once('close', resolve));
      expect({ event, called }).toEqual({ event, called: 1 });
    }
  });

  test('errors of the options are reported once, though a key still fails', async () => {
    const other = (await (await createCa()).issue({ names: ['localhost'] })).privateKeyPem;
    const thrown = uncaught();
    let messages = '';
    const attempt = (act: () => unknown): void => {
      try {
        act();
      } catch (error) {
        messages += `${(error as Error).message}\n`;
      }
    };
    const both = { certificate: identity.chainPem, key: other, provider };
    attempt(() => connect({ host: 'localhost', ...both }));
    attempt(() => createServer({ ...both, maxFragmentSize: 1 }));
    attempt(() => accept(duplexPair()[0], { ...both, maxFragmentSize: 1 }));
    expect(messages.split('\n').length).toBe(4);
    expect(await Promise.race([thrown, setTimeout(200, 'nothing')])).toBe('nothing');
  });
});

test('what a certificate says cannot write to a terminal', async () => {
  const hostile = await createCa({ name: 'evil\u001b[2J\r\nfake: line' });
  const { chainPem, privateKeyPem } = await hostile.issue({ names: ['localhost'] });
  const { port } = await serve({ certificate: chainPem, key: privateKeyPem });
  const { message } = await failure(dial(port));
  expect(message).toContain('evil');
  expect(message).not.toMatch(/\p{Cc}/u);
});
