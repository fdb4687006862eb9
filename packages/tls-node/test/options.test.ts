/** Options of the core, by their own names. */
import { ProtocolVersion, serverSessionMemory, type Tracer } from '@tyls/tls-core';
import { createClientConfig, createServerConfig } from '@tyls/tls-node';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { clientOptions, dial, pair, serve, serverOptions } from './peers.ts';

describe('options of the core', () => {
  const common = {
    versions: [ProtocolVersion.TLSv1_3],
    requireEms: true,
    maxFragmentSize: 1000,
    recordSizeLimit: 2000,
    time: () => 1_700_000_000_000,
    trace: (() => () => {}) as Tracer,
  };

  test('are those of a client configuration', async () => {
    const options = {
      ...common,
      sendServerName: false,
      middleboxCompatibility: false,
      grease: false,
      extensionOrder: 'fixed',
      ticketRequest: { newSessionCount: 1, resumptionCount: 0 },
      earlyData: true,
    } as const;
    expect(await createClientConfig(options)).toMatchObject(options);
  });

  test('are those of a server configuration', async () => {
    const options = {
      ...common,
      sessionStore: serverSessionMemory(1),
      ticketCount: 5,
      maxEarlyDataSize: 100,
      sendHalfRttData: true,
    };
    expect(await createServerConfig({ ...serverOptions, ...options })).toMatchObject(options);
  });

  test('are refused beside a configuration that is built, every one of them', async () => {
    const config = await createClientConfig();
    const names = ['recordSizeLimit', 'grease', 'trace', 'sessionStore', 'ticketRequest', 'externalPsks', 'ticketKeys'];
    for (const name of names) {
      const both = { ...clientOptions, ca: undefined, config, [name]: false } as object;
      expect(() => dial(1, both)).toThrow(`${name}: give it to what builds config`);
    }
  });

  test('decide what goes over the wire', async () => {
    const { client, server } = await pair({ recordSizeLimit: 64 }, { recordSizeLimit: 100 });
    const sizes: number[] = [];
    client.transport.on('data', (records: Buffer) => {
      for (let at = 0; at < records.length; at += 5 + records.readUInt16BE(at + 3))
        sizes.push(records.readUInt16BE(at + 3));
    });
    let received = 0;
    client.on('data', (chunk: Buffer) => void (received += chunk.length));
    server.end(Buffer.alloc(1000));
    await once(client, 'end');
    expect(received).toBe(1000);
    // Plaintext, content type and tag.
    expect(Math.max(...sizes)).toBe(100 + 16);
  });

  test('tell what happens in a socket', async () => {
    const events: string[] = [];
    const trace: Tracer = () => (event) => void events.push(event.type);
    const { port } = await serve({}, (socket) => void socket.end());
    const client = dial(port, { trace });
    client.resume();
    await once(client, 'close');
    expect(events[0]).toBe('message');
    expect(events).toContain('complete');
    expect(events).toContain('ended');
  });
});
