/** Keying material exporters (RFC 8446 section 7.5): both ends compute the same. */
import {
  connectNode,
  type RunningServer,
  type ServerPeerOptions,
  startGnutlsClient,
  startGnutlsServer,
  startNodeServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import { clientSessionMemory, type ClientSessionStore } from '@tyls/tls-core';
import { EventEmitter, once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, serve } from './tyls.ts';
import { describeWith, identity, type Program, root, workspace } from './world.ts';

// 100 bytes: more than one block of HKDF-Expand.
const exporter = { label: 'EXPORTER-interop', length: 100 };
const printed = /key(?:ing)? material: ([0-9a-f]{200})/i;
const printedTwice = /(?:key(?:ing)? material: ([0-9a-f]{200})[^]*?){2}/i;

const servers: readonly [string, Program | 'node', (options: ServerPeerOptions) => Promise<RunningServer>][] = [
  ['OpenSSL s_server', 'openssl', (options) => startOpensslServer(workspace, options)],
  ['gnutls-serv', 'gnutls-serv', (options) => startGnutlsServer(workspace, options)],
  ['node:tls server', 'node', startNodeServer],
];
for (const [name, program, start] of servers) {
  describeWith(program)(`tyls client, ${name}`, () => {
    test('exporter is the same', async () => {
      const server = await start({ identity, exporter });
      onTestFinished(() => server.stop());
      const socket = await dialed(server.port);
      onTestFinished(() => void socket.destroy());
      const [, theirs] = await server.output.until(printed);
      const ours = socket.exportKeyingMaterial(exporter.length, exporter.label);
      expect(Buffer.from(ours).toString('hex')).toBe(theirs!.toLowerCase());
    });

    test.each(['TLSv1.3', 'TLSv1.2'] as const)('exporter is the same after a resumption: %s', async (version) => {
      // Nothing said of the version allows both.
      const server = await start({ identity, exporter, ...(version === 'TLSv1.2' && { version }) });
      onTestFinished(() => server.stop());
      const memory = clientSessionMemory();
      const kept = new EventEmitter();
      const sessionStore: ClientSessionStore = {
        ...memory,
        addTicket: (...added) => (memory.addTicket(...added), void kept.emit('session')),
        setTls12Session: (...added) => (memory.setTls12Session(...added), void kept.emit('session')),
      };
      const session = once(kept, 'session');
      const first = await dialed(server.port, { sessionStore });
      first.resume().end('x\n');
      await session;
      const socket = await dialed(server.port, { sessionStore });
      onTestFinished(() => void socket.destroy());
      expect([socket.handshakeKind, socket.protocolVersion]).toEqual(['resumed', version]);
      const [, theirs] = await server.output.until(printedTwice);
      const ours = socket.exportKeyingMaterial(exporter.length, exporter.label);
      expect(Buffer.from(ours).toString('hex')).toBe(theirs!.toLowerCase());
    });
  });
}

const ca = root.certificatePem;
const clients = [
  ['OpenSSL s_client', 'openssl', startOpensslClient],
  ['gnutls-cli', 'gnutls-cli', startGnutlsClient],
] as const;
for (const [name, program, start] of clients) {
  describeWith(program)(`${name}, tyls server`, () => {
    test('exporter is the same', async () => {
      const server = await serve();
      onTestFinished(() => server.stop());
      const client = start(workspace, { port: server.port, ca, exporter });
      onTestFinished(() => client.stop());
      const socket = await server.connection();
      const [, theirs] = await client.output.until(printed);
      const ours = socket.exportKeyingMaterial(exporter.length, exporter.label);
      expect(Buffer.from(ours).toString('hex')).toBe(theirs!.toLowerCase());
    });
  });
}

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test('exporter is the same after a resumption', async () => {
    const server = await serve();
    onTestFinished(() => server.stop());
    const args = ['--resume', '--waitresumption'];
    const client = startGnutlsClient(workspace, { port: server.port, ca, exporter }, args);
    onTestFinished(() => client.stop());
    await server.connection();
    const socket = await server.connection();
    expect(socket.handshakeKind).toBe('resumed');
    const ours = socket.exportKeyingMaterial(exporter.length, exporter.label);
    const [, theirs] = await client.output.until(printedTwice);
    expect(Buffer.from(ours).toString('hex')).toBe(theirs!.toLowerCase());
  });
});

describeWith('node')('node:tls client, tyls server', () => {
  test.each([
    ['', undefined],
    [' with a context', Buffer.from('context')],
  ])('exporter%s is the same', async (_, context) => {
    const server = await serve();
    onTestFinished(() => server.stop());
    const client = connectNode({ port: server.port, ca });
    onTestFinished(() => void client.destroy());
    const socket = await server.connection();
    const ours = socket.exportKeyingMaterial(exporter.length, exporter.label, context);
    expect(Buffer.from(ours)).toEqual(client.exportKeyingMaterial(exporter.length, exporter.label, context!));
  });
});
