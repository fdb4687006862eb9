/** 0-RTT and 0.5-RTT: what is early stays apart from what is not, and nothing is lost. */
import { ClientConnection, clientSessionMemory, ProtocolVersion, serverSessionMemory } from '@tyls/tls-core';
import { accept, connect, createClientConfig, type ServerConfigOptions, type TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ca, clientOptions, dial, duplexPair, providers, serve, serverOptions } from './peers.ts';

const request = Buffer.from('GET / early\n');

/** A server that keeps what comes early apart, and echoes the rest; and what it got, a connection an entry. */
async function serveEarly(
  options: Partial<ServerConfigOptions> = {},
): Promise<{ port: number; got: { early: string; late: string }[] }> {
  const got: { early: string; late: string }[] = [];
  const { port } = await serve({ maxEarlyDataSize: 1000, ...options }, (socket) => {
    const entry = { early: socket.takeEarlyData().toString(), late: '' };
    got.push(entry);
    socket.on('data', (chunk: Buffer) => {
      entry.late += chunk.toString();
      socket.write(chunk);
    });
    socket.on('end', () => socket.end());
  });
  return { port, got };
}

async function visit(client: TlsSocket, late = 'late'): Promise<string> {
  let said = '';
  client.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  client.end(late);
  await once(client, 'close');
  return said;
}

describe.each(Object.keys(providers))('with the %s provider', (name) => {
  const provider = providers[name]!;

  test('early data is early where a session allows it, and comes first where none does', async () => {
    const { port, got } = await serveEarly({ provider });
    const options = { provider, sessionStore: clientSessionMemory(), earlyData: request };
    const first = dial(port, options);
    expect(first.earlyDataAccepted).toBeUndefined();
    expect(await visit(first)).toBe('GET / early\nlate');
    const second = dial(port, options);
    expect(await visit(second)).toBe('late');
    expect([first.earlyDataAccepted, second.earlyDataAccepted]).toEqual([false, true]);
    expect([first.isResumed, second.isResumed]).toEqual([false, true]);
    expect(got).toEqual([
      { early: '', late: 'GET / early\nlate' },
      { early: 'GET / early\n', late: 'late' },
    ]);
  });

  test('early data that a server rejects is sent again, before all else', async () => {
    const { server, port, got } = await rejecting();
    expect(server.listening).toBe(true);
    const options = { provider, sessionStore: clientSessionMemory(), earlyData: request };
    await visit(dial(port, options));
    const client = dial(port, options);
    expect(await visit(client)).toBe('GET / early\nlate');
    expect([client.isResumed, client.earlyDataAccepted]).toEqual([false, false]);
    expect(got.join('|')).toBe('GET / early\nlate|GET / early\nlate');
  });

  test('a server answers before it has heard of the end of the handshake, if it may', async () => {
    const store = clientSessionMemory();
    const events: string[] = [];
    const { server, port } = await serve({ provider, maxEarlyDataSize: 1000, sendHalfRttData: true }, (socket) => {
      events.push(`secure: ${socket.takeEarlyData().toString()}`);
      socket.on('data', () => {});
      socket.end(' and late');
    });
    server.on('earlyData', (socket) => {
      events.push(`early: ${socket.takeEarlyData().toString()}`);
      socket.write('answered early');
    });
    const options = { provider, sessionStore: store, earlyData: request };
    expect(await visit(dial(port, options))).toBe(' and late');
    expect(await visit(dial(port, options))).toBe('answered early and late');
    expect(events).toEqual(['secure: ', 'early: GET / early\n', 'secure: ']);
  });
});

/** A server that gives out sessions that allow early data and knows none of them again. */
async function rejecting(): Promise<{ server: { listening: boolean }; port: number; got: string[] }> {
  const got: string[] = [];
  const forgetful = { ...serverSessionMemory(), take: () => undefined };
  const { server, port } = await serve({ maxEarlyDataSize: 1000, sessionStore: forgetful }, (socket) => {
    expect(socket.takeEarlyData()).toHaveLength(0);
    const index = got.push('') - 1;
    socket.on('data', (chunk: Buffer) => {
      got[index] += chunk.toString();
      socket.write(chunk);
    });
    socket.on('end', () => socket.end());
  });
  return { server, port, got };
}

test('early data is never in the stream, unless it is put there', async () => {
  const { port, got } = await serveEarly();
  const options = { sessionStore: clientSessionMemory(), earlyData: request };
  for (let i = 0; i < 3; i++) await visit(dial(port, options), '');
  expect(got.map(({ late }) => late)).toEqual(['GET / early\n', '', '']);

  const { port: putting } = await serve({ maxEarlyDataSize: 1000 }, (socket) => {
    socket.unshift(socket.takeEarlyData());
    expect(socket.takeEarlyData()).toHaveLength(0);
    socket.pipe(socket);
  });
  const others = { sessionStore: clientSessionMemory(), earlyData: request };
  await visit(dial(putting, others), '');
  const client = dial(putting, { ...others, allowHalfOpen: true });
  let said = '';
  client.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said === 'GET / early\n') client.end();
  });
  await once(client, 'end');
  expect([said, client.earlyDataAccepted]).toEqual(['GET / early\n', true]);
});

test('early data is early as a whole, or not at all', async () => {
  const { port, got } = await serveEarly({ maxEarlyDataSize: 100 });
  for (const [length, isEarly] of [
    [100, true],
    [101, false],
  ] as const) {
    const options = { sessionStore: clientSessionMemory(), earlyData: Buffer.alloc(length, 'x') };
    await visit(dial(port, options));
    const client = dial(port, options);
    await visit(client);
    expect(client.earlyDataAccepted).toBe(isEarly);
    const whole = 'x'.repeat(length);
    expect(got.at(-1)).toEqual(isEarly ? { early: whole, late: 'late' } : { early: '', late: `${whole}late` });
  }
});

test('early data is copied when it is given', async () => {
  const { port, got } = await serveEarly();
  const earlyData = Uint8Array.from(request);
  const options = { sessionStore: clientSessionMemory(), earlyData };
  for (let i = 0; i < 2; i++) {
    earlyData.set(request);
    const client = dial(port, options);
    earlyData.fill(0);
    await visit(client, '');
  }
  expect(got).toEqual([
    { early: '', late: 'GET / early\n' },
    { early: 'GET / early\n', late: '' },
  ]);
});

test('early data is late in TLS 1.2, and where a server takes none', async () => {
  for (const options of [{ versions: [ProtocolVersion.TLSv1_2] }, { maxEarlyDataSize: 0 }]) {
    const { port, got } = await serveEarly(options);
    const client = { sessionStore: clientSessionMemory(), earlyData: request };
    for (let i = 0; i < 2; i++) expect(await visit(dial(port, client))).toBe('GET / early\nlate');
    expect(got.map(({ early, late }) => [early, late])).toEqual([
      ['', 'GET / early\nlate'],
      ['', 'GET / early\nlate'],
    ]);
  }
});

test.each([false, true])('a server answers before the end of the handshake: %s', async (sendHalfRttData) => {
  const { server, port } = await serve({ maxEarlyDataSize: 1000, sendHalfRttData }, (socket) => {
    socket.on('data', () => {});
    socket.end('!');
  });
  let writtenBeforeSecure: boolean | undefined;
  server.on('earlyData', (socket) => {
    let written = false;
    socket.write('answer', () => void (written = true));
    socket.once('secureConnect', () => void (writtenBeforeSecure = written));
  });
  const options = { sessionStore: clientSessionMemory(), earlyData: request };
  await visit(dial(port, options));
  expect(await visit(dial(port, options))).toBe('answer!');
  expect(writtenBeforeSecure).toBe(sendHalfRttData);
});

test.each([false, true])('a server that speaks first does not wait for the client: %s', async (sendHalfRttData) => {
  const [left, right] = duplexPair();
  const server = accept(right, { ...serverOptions, sendHalfRttData });
  onTestFinished(() => void server.destroy());
  server.write('hello');
  const client = new ClientConnection(await createClientConfig({ ca: ca.certificate }), 'localhost');
  void client.start();
  const flight: Buffer[] = [];
  left.on('data', (chunk: Buffer) => void flight.push(chunk));
  left.write(Buffer.concat(client.takeOutput()));
  await setTimeout(50);
  // The client has not answered.
  void client.receive(Buffer.concat(flight));
  expect(client.isHandshaking).toBe(false);
  expect(Buffer.concat(client.takePlaintext()).toString()).toBe(sendHalfRttData ? 'hello' : '');
});

test('a server may destroy the socket when data comes early', async () => {
  const { server, port } = await serve({ maxEarlyDataSize: 1000 }, (socket) => void socket.end('hello'));
  server.on('earlyData', (socket) => void socket.destroy());
  const secured: TlsSocket[] = [];
  server.on('secureConnection', (socket) => secured.push(socket));
  const options = { sessionStore: clientSessionMemory(), earlyData: request };
  await visit(dial(port, options));
  const client = dial(port, options);
  const [error] = (await once(client, 'error')) as [Error];
  expect(error).toBeInstanceOf(Error);
  expect(secured).toHaveLength(1);
});

test('a configuration that is built already says that there will be early data', async () => {
  const { port, got } = await serveEarly();
  const sessionStore = clientSessionMemory();
  const build = async (earlyData: boolean) => createClientConfig({ ca: ca.certificate, sessionStore, earlyData });
  const place = { host: '127.0.0.1', port, serverName: 'localhost', earlyData: request };
  for (let i = 0; i < 2; i++) {
    const client = connect({ ...place, config: await build(true) });
    onTestFinished(() => void client.destroy());
    await visit(client);
  }
  expect(got.map(({ early }) => early)).toEqual(['', 'GET / early\n']);
  const without = await build(false);
  expect(() => connect({ ...place, config: without })).toThrow('earlyData needs a config');
  expect(() => connect({ ...place, ...clientOptions, sessionStore: false })).toThrow('earlyData needs a session store');
  await expect(async () =>
    serve({ ...serverOptions, maxEarlyDataSize: 1, ticketKeys: [Buffer.alloc(32)] }),
  ).rejects.toThrow('maxEarlyDataSize needs a session store');
});

test('both ends export the same keying material of early data', async () => {
  const exported: string[] = [];
  const note = (socket: TlsSocket): void =>
    void exported.push(Buffer.from(socket.exportEarlyKeyingMaterial(32, 'EXPORTER-test')).toString('hex'));
  const { server, port } = await serve({ maxEarlyDataSize: 1000 }, (socket) => void socket.resume().end());
  server.on('earlyData', note);
  const options = { sessionStore: clientSessionMemory(), earlyData: request };
  const first = dial(port, options);
  await once(first, 'secureConnect');
  expect(() => first.exportEarlyKeyingMaterial(32, 'EXPORTER-test')).toThrow('no early data');
  await visit(first);
  const second = dial(port, options);
  second.on('secureConnect', () => note(second));
  await visit(second);
  expect(second.earlyDataAccepted).toBe(true);
  expect(exported).toHaveLength(2);
  expect(exported[0]).toBe(exported[1]);
});
