/** Sessions of TLS 1.2, resumed by id and by ticket, with servers and clients that nobody here wrote. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  clientLine,
  connectNode,
  exchangeLine,
  type RunningServer,
  type ServerPeerOptions,
  startCurl,
  startGnutlsClient,
  startGnutlsServer,
  startNodeServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import { ProtocolVersion, ticketer } from '@tyls/tls-core';
import { connect, createClientConfig, type TlsServerOptions, type TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, hangUp, serve, type Serving } from './tyls.ts';
import { clientIdentity, describeWith, identity, type Program, root, workspace } from './world.ts';

const version = 'TLSv1.2';
const ways = ['ticket', 'id'] as const;
type Way = (typeof ways)[number];

interface ServerCase {
  readonly name: string;
  readonly program: Program | 'node';
  readonly start: (options: ServerPeerOptions, way: Way) => Promise<RunningServer>;
  readonly ways: readonly Way[];
}

const servers: readonly ServerCase[] = [
  {
    name: 'OpenSSL s_server',
    program: 'openssl',
    start: (options, way) => startOpensslServer(workspace, options, ['-rev', ...(way === 'id' ? ['-no_ticket'] : [])]),
    ways,
  },
  {
    name: 'gnutls-serv',
    program: 'gnutls-serv',
    start: (options, way) => startGnutlsServer(workspace, options, ['--echo', ...(way === 'id' ? ['--noticket'] : [])]),
    ways,
  },
  { name: 'node:tls server', program: 'node', start: (options) => startNodeServer(options), ways: ['ticket'] },
];

for (const { name, program, start, ways: known } of servers) {
  describeWith(program)(`tyls client, ${name}`, () => {
    describe.each(known)('TLS 1.2 resumption by %s', (way) => {
      test.each([
        ['', undefined],
        [', offering TLS 1.3 too', [ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2]],
        [', with a client certificate', undefined],
      ] as const)('three connections%s', async (variant, versions) => {
        const clientAuth = variant.includes('certificate') ? { ca: root.certificatePem, mandatory: true } : undefined;
        const server = await start({ identity, version, clientAuth }, way);
        onTestFinished(() => server.stop());
        const config = await createClientConfig({
          ca: root.certificatePem,
          versions: versions ?? [ProtocolVersion.TLSv1_2],
          ...(clientAuth !== undefined && { certificate: clientIdentity.chainPem, key: clientIdentity.privateKeyPem }),
        });
        const kinds: (string | undefined)[] = [];
        for (let i = 0; i < 3; i++) {
          const socket = connect({ host: '127.0.0.1', port: server.port, serverName: 'localhost', config });
          await once(socket, 'secureConnect');
          expect(socket.peerCertificates?.map((der) => Buffer.from(der))).toEqual(
            identity.chain.map((der) => Buffer.from(der)),
          );
          expect(await ask(socket, 'x')).toBe('x');
          kinds.push(socket.handshakeKind);
          await hangUp(socket);
        }
        expect(kinds).toEqual(['full', 'resumed', 'resumed']);
      });
    });
  });
}

/** A server of ours that resumes in that way. */
async function resuming(way: Way, options: Partial<TlsServerOptions> = {}): Promise<Serving> {
  const tickets = way === 'ticket' ? { ticketer: ticketer({ provider: nodeProvider() }), sessionStore: false } : {};
  const server = await serve({ ...tickets, ...options } as Partial<TlsServerOptions>);
  onTestFinished(() => server.stop());
  return server;
}

/** Of the next connections. */
async function kindsOf(server: Serving, count: number): Promise<(string | undefined)[]> {
  const sockets: TlsSocket[] = [];
  for (let i = 0; i < count; i++) sockets.push(await server.connection());
  for (const socket of sockets) expect(socket.protocolVersion).toBe(version);
  return sockets.map((socket) => socket.handshakeKind);
}

const clientAuth = { ca: root.certificatePem };

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  describe.each(ways)('TLS 1.2 resumption by %s', (way) => {
    test('of a session in a file, with a client certificate', async () => {
      const server = await resuming(way, { clientAuth });
      const session = workspace.newPath();
      const options = { port: server.port, ca: root.certificatePem, version, identity: clientIdentity } as const;
      for (const [args, said, kind] of [
        [['-sess_out', session], 'New', 'full'],
        [['-sess_in', session], 'Reused', 'resumed'],
      ] as const) {
        const client = startOpensslClient(workspace, options, args);
        onTestFinished(() => client.stop());
        const [socket, exchanged] = await Promise.all([server.connection(), exchangeLine(client)]);
        expect(exchanged).toBe(true);
        expect(client.output.text).toContain(`${said}, TLSv1.2`);
        expect(socket.handshakeKind).toBe(kind);
        expect(socket.peerCertificates).toHaveLength(2);
      }
    });

    test('five times in a row', async () => {
      const server = await resuming(way);
      const args = ['-reconnect', ...(way === 'id' ? ['-no_ticket'] : [])];
      const client = startOpensslClient(workspace, { port: server.port, ca: root.certificatePem, version }, args);
      onTestFinished(() => client.stop());
      expect(await kindsOf(server, 6)).toEqual(['full', ...Array<string>(5).fill('resumed')]);
    });
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test.each(ways)('TLS 1.2 resumption by %s', async (way) => {
    const server = await resuming(way);
    const args = ['--resume', ...(way === 'id' ? ['--noticket'] : [])];
    const client = startGnutlsClient(workspace, { port: server.port, ca: root.certificatePem, version }, args);
    onTestFinished(() => client.stop());
    expect(await kindsOf(server, 2)).toEqual(['full', 'resumed']);
    await client.output.until(/This is a resumed session/);
  });
});

describeWith('curl')('curl, tyls server', () => {
  // It knows no tickets, so that a server that makes them puts its sessions into its store.
  test('TLS 1.2 resumption by id, of a server with tickets', async () => {
    const server = await resuming('id', { ticketer: ticketer({ provider: nodeProvider() }) });
    const url = `https://localhost:${server.port}/`;
    const client = startCurl(workspace, { port: server.port, ca: root.certificatePem, version }, [url]);
    onTestFinished(() => client.stop());
    expect(await kindsOf(server, 2)).toEqual(['full', 'resumed']);
    expect(await client.exited).toBe(0);
    expect(client.output.text.split(clientLine)).toHaveLength(3);
  });
});

describe('node:tls client, tyls server', () => {
  test.each(ways)('TLS 1.2 resumption by %s', async (way) => {
    const server = await resuming(way);
    let session: Buffer | undefined;
    for (const kind of ['full', 'resumed', 'resumed']) {
      const socket = connectNode({ port: server.port, ca: root.certificatePem, version }, session);
      const [accepted] = await Promise.all([server.connection(), once(socket, 'secureConnect')]);
      expect(socket.isSessionReused()).toBe(kind === 'resumed');
      expect(accepted.handshakeKind).toBe(kind);
      const label = 'EXPORTER-test';
      const ours = Buffer.from(accepted.exportKeyingMaterial(32, label));
      expect(socket.exportKeyingMaterial(32, label, undefined!).equals(ours)).toBe(true);
      session = socket.getSession();
      socket.end();
      await once(socket.resume(), 'close');
    }
  });
});
