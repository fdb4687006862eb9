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
import { expect, onTestFinished, test } from 'vitest';
import { dialed, serve } from './tyls.ts';
import { describeWith, identity, type Program, root, workspace } from './world.ts';

// 100 bytes: more than one block of HKDF-Expand.
const exporter = { label: 'EXPORTER-interop', length: 100 };
const printed = /key(?:ing)? material: ([0-9a-f]{200})/i;

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
