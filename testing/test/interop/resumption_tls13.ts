/** Sessions of TLS 1.3, early data and external PSKs, with servers and clients that nobody here wrote. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  clientLine,
  connectNode,
  exchangeLine,
  PeerProcess,
  type RunningServer,
  type ServerPeerOptions,
  startGnutlsClient,
  startGnutlsServer,
  startNodeServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import {
  ClientConnection,
  clientConfig,
  clientSessionMemory,
  type ClientOptions,
  type Connection,
  type ExternalPsk,
  ProtocolVersion,
  ServerConnection,
  serverConfig,
  type ServerOptions,
} from '@tyls/tls-core';
import { connect, createClientConfig } from '@tyls/tls-node';
import { rootStore, serverCertVerifier } from '@tyls/webpki';
import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, hangUp, serve } from './tyls.ts';
import { clientIdentity, describeWith, identity, type Program, root, workspace } from './world.ts';

const provider = nodeProvider();
const versions = [ProtocolVersion.TLSv1_3];

interface ServerCase {
  readonly name: string;
  readonly program: Program | 'node';
  readonly start: (options: ServerPeerOptions) => Promise<RunningServer>;
}

const servers: readonly ServerCase[] = [
  {
    name: 'OpenSSL s_server',
    program: 'openssl',
    start: (options) => startOpensslServer(workspace, options, ['-rev']),
  },
  { name: 'gnutls-serv', program: 'gnutls-serv', start: (options) => startGnutlsServer(workspace, options) },
  { name: 'node:tls server', program: 'node', start: (options) => startNodeServer(options) },
];

for (const { name, program, start } of servers) {
  describeWith(program)(`tyls client, ${name}`, () => {
    describe('TLS 1.3 resumption', () => {
      test.each([
        ['', { groups: ['X25519'] }, 'full'],
        [
          ', with a client certificate',
          { groups: ['X25519'], clientAuth: { ca: root.certificatePem, mandatory: true } },
          'full',
        ],
        [', after a HelloRetryRequest', { groups: ['secp384r1'] }, 'full-with-hello-retry-request'],
      ] as const)('three connections%s', async (_variant, options, firstKind) => {
        const server = await start({ identity, ...options });
        onTestFinished(() => server.stop());
        const config = await createClientConfig({
          ca: root.certificatePem,
          versions,
          // Of this server alone: there are others of the same name.
          sessionStore: clientSessionMemory(),
          certificate: clientIdentity.chainPem,
          key: clientIdentity.privateKeyPem,
        });
        const kinds: (string | undefined)[] = [];
        for (let i = 0; i < 3; i++) {
          const socket = connect({ host: '127.0.0.1', port: server.port, serverName: 'localhost', config });
          await once(socket, 'secureConnect');
          expect(socket.peerCertificates).toHaveLength(identity.chain.length);
          // Tickets come before the answer.
          expect(await ask(socket, 'x')).toBe('x');
          kinds.push(socket.handshakeKind);
          await hangUp(socket);
        }
        expect(kinds).toEqual([firstKind, 'resumed', 'resumed']);
      });
    });
  });
}

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test('TLS 1.3 resumption of a session in a file, with a client certificate', async () => {
    const server = await serve({ versions, clientAuth: { ca: root.certificatePem } });
    onTestFinished(() => server.stop());
    const session = workspace.newPath();
    const options = { port: server.port, ca: root.certificatePem, identity: clientIdentity } as const;
    for (const [args, said, kind] of [
      [['-sess_out', session], 'New', 'full'],
      [['-sess_in', session], 'Reused', 'resumed'],
    ] as const) {
      const client = startOpensslClient(workspace, options, args);
      onTestFinished(() => client.stop());
      const [socket, exchanged] = await Promise.all([server.connection(), exchangeLine(client)]);
      expect(exchanged).toBe(true);
      expect(client.output.text).toContain(`${said}, TLSv1.3`);
      expect(socket.handshakeKind).toBe(kind);
      expect(socket.peerCertificates).toHaveLength(clientIdentity.chain.length);
    }
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test('TLS 1.3 resumption', async () => {
    const server = await serve({ versions });
    onTestFinished(() => server.stop());
    const options = { port: server.port, ca: root.certificatePem };
    const client = startGnutlsClient(workspace, options, ['--resume', '--waitresumption']);
    onTestFinished(() => client.stop());
    const kinds = [(await server.connection()).handshakeKind, (await server.connection()).handshakeKind];
    expect(kinds).toEqual(['full', 'resumed']);
  });
});

describe('node:tls client, tyls server', () => {
  test('TLS 1.3 resumption', async () => {
    const server = await serve({ versions });
    onTestFinished(() => server.stop());
    let session: Buffer | undefined;
    for (const kind of ['full', 'resumed', 'resumed']) {
      const socket = connectNode({ port: server.port, ca: root.certificatePem }, session);
      const given = once(socket, 'session') as Promise<[Buffer]>;
      const [accepted] = await Promise.all([server.connection(), once(socket, 'secureConnect')]);
      expect([socket.isSessionReused(), accepted.handshakeKind]).toEqual([kind === 'resumed', kind]);
      [session] = await given;
      socket.end();
      await once(socket.resume(), 'close');
    }
  });
});

/** Carries bytes between a connection of the core and a socket, until the connection or the test ends. */
function carry(
  connection: Connection,
  socket: Socket,
  received: () => void = () => {},
): { readonly flush: () => void; readonly until: (holds: () => boolean) => Promise<void> } {
  const flush = (): void => {
    received();
    for (const piece of connection.takeOutput()) socket.write(piece);
  };
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    try {
      void connection.receive(chunk);
    } catch {
      // It is the connection's error.
    }
    flush();
  });
  onTestFinished(() => void socket.destroy());
  return {
    flush,
    until: async (holds) => {
      while (!holds()) {
        if (connection.error !== undefined) throw connection.error;
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
        if (socket.closed && !holds()) throw new Error('the peer closed the connection');
      }
    },
  };
}

const verifier = serverCertVerifier({ roots: rootStore(root.certificatePem), provider });
const coreClient = (options: Partial<ClientOptions>): ClientOptions => ({ provider, versions, verifier, ...options });

/** A connection of the core to a server on this machine, with early data if it may be sent. */
async function reach(
  port: number,
  config: ReturnType<typeof clientConfig>,
  early: string = '',
): Promise<{
  readonly connection: ClientConnection;
  readonly until: (holds: () => boolean) => Promise<void>;
  readonly flush: () => void;
}> {
  const socket = connectSocket(port, '127.0.0.1');
  await once(socket, 'connect');
  const connection = new ClientConnection(config, 'localhost');
  const carried = carry(connection, socket);
  void connection.start();
  if (early !== '') void connection.sendEarlyData(Buffer.from(early));
  carried.flush();
  return { connection, ...carried };
}

/** A server of the core on this machine that answers with what it gets, and its connections in order. */
async function host(
  options: Partial<ServerOptions>,
): Promise<{ readonly port: number; readonly connections: ServerConnection[] }> {
  const config = serverConfig({ provider, versions, ...options });
  const connections: ServerConnection[] = [];
  const server = createServer((socket) => {
    const connection = new ServerConnection(config);
    connections.push(connection);
    carry(connection, socket, () => {
      for (const piece of connection.takePlaintext()) void connection.send(piece);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, connections };
}

describeWith('openssl')('early data with OpenSSL', () => {
  test('tyls client, OpenSSL s_server', async () => {
    const args = ['-early_data', '-max_early_data', '16384'];
    const server = await startOpensslServer(workspace, { identity }, args);
    onTestFinished(() => server.stop());
    let tickets = 0;
    const memory = clientSessionMemory();
    const sessionStore = {
      ...memory,
      addTicket: (key: string, ticket: Uint8Array) => (tickets++, memory.addTicket(key, ticket)),
    };
    const config = clientConfig(coreClient({ earlyData: true, sessionStore }));
    const first = await reach(server.port, config);
    await first.until(() => tickets > 0);
    void first.connection.close();
    first.flush();
    const second = await reach(server.port, config, clientLine);
    await second.until(() => !second.connection.isHandshaking);
    expect([second.connection.handshakeKind, second.connection.earlyDataAccepted]).toEqual(['resumed', true]);
    await server.output.until(new RegExp(clientLine));
  });

  test('OpenSSL s_client, tyls server', async () => {
    const { port, connections } = await host({ certificate: await certified(), maxEarlyDataSize: 16_384 });
    const session = workspace.newPath();
    const options = { port, ca: root.certificatePem } as const;
    const first = startOpensslClient(workspace, options, ['-sess_out', session]);
    onTestFinished(() => first.stop());
    expect(await exchangeLine(first)).toBe(true);
    const early = workspace.file(clientLine);
    const second = startOpensslClient(workspace, options, ['-sess_in', session, '-early_data', early]);
    onTestFinished(() => second.stop());
    await second.output.until(/Early data was accepted/);
    const connection = connections[1]!;
    expect([connection.handshakeKind, connection.earlyDataAccepted]).toEqual(['resumed', true]);
    expect(Buffer.concat(connection.takeEarlyData()).toString()).toBe(clientLine);
  });
});

describeWith('gnutls-serv')('early data with GnuTLS', () => {
  test('tyls client, gnutls-serv', async () => {
    const server = await startGnutlsServer(workspace, { identity }, ['--echo', '--earlydata', '--maxearlydata=1000']);
    onTestFinished(() => server.stop());
    const config = clientConfig(coreClient({ earlyData: true }));
    const first = await reach(server.port, config);
    await first.until(() => !first.connection.isHandshaking);
    void first.connection.send(Buffer.from('x\n'));
    first.flush();
    await first.until(() => first.connection.takePlaintext().length > 0);
    const second = await reach(server.port, config, clientLine);
    await second.until(() => !second.connection.isHandshaking);
    expect([second.connection.handshakeKind, second.connection.earlyDataAccepted]).toEqual(['resumed', true]);
  });

  test('gnutls-cli, tyls server', async () => {
    const { port, connections } = await host({ certificate: await certified(), maxEarlyDataSize: 16_384 });
    const early = workspace.file(clientLine);
    const args = ['--resume', '--waitresumption', `--earlydata=${early}`];
    const client = startGnutlsClient(workspace, { port, ca: root.certificatePem }, args);
    onTestFinished(() => client.stop());
    await client.output.until(/This is a resumed session/);
    const connection = connections[1]!;
    expect([connection.handshakeKind, connection.earlyDataAccepted]).toEqual(['resumed', true]);
    expect(Buffer.concat(connection.takeEarlyData()).toString()).toBe(clientLine);
  });
});

async function certified(): Promise<NonNullable<ServerOptions['certificate']>> {
  const key = await provider.loadPrivateKey({ format: 'pkcs8', der: identity.privateKey });
  return { certificates: identity.chain, key };
}

describeWith('openssl')('an external PSK in common with OpenSSL', () => {
  const psk: ExternalPsk = {
    identity: Buffer.from('sensor 17'),
    secret: new Uint8Array(32).fill(0x5a),
    hash: 'sha256',
  };
  const args = ['-psk', '5a'.repeat(32), '-psk_identity', 'sensor 17', '-tls1_3'];

  test('tyls client, OpenSSL s_server without a certificate', async () => {
    const server = new PeerProcess('openssl', ['s_server', '-accept', '127.0.0.1:0', '-nocert', '-rev', ...args]);
    onTestFinished(() => server.stop());
    const [, port] = await server.output.until(/^ACCEPT .*:(\d+)$/m);
    const { connection, until, flush } = await reach(Number(port), clientConfig(coreClient({ externalPsks: [psk] })));
    await until(() => !connection.isHandshaking);
    expect([connection.handshakeKind, connection.peerCertificates]).toEqual(['external-psk', undefined]);
    void connection.send(Buffer.from('abc\n'));
    flush();
    let answer = '';
    await until(() => {
      answer += Buffer.concat(connection.takePlaintext()).toString();
      return answer.includes('\n');
    });
    expect(answer).toBe('cba\n');
  });

  test('OpenSSL s_client, tyls server without a certificate', async () => {
    const { port, connections } = await host({ resolveExternalPsk: () => psk });
    const client = startOpensslClient(workspace, { port, ca: root.certificatePem }, args);
    onTestFinished(() => client.stop());
    // Before it, the server need not have heard of the end of the handshake.
    expect(await exchangeLine(client)).toBe(true);
    expect(client.output.text).toContain('Reused, TLSv1.3');
    const [connection] = connections;
    expect(connection?.handshakeKind).toBe('external-psk');
    expect(Buffer.from(connection!.pskIdentity!).toString()).toBe('sensor 17');
  });
});

describeWith('gnutls-serv')('an external PSK in common with GnuTLS', () => {
  const psk: ExternalPsk = { identity: Buffer.from('sensor17'), secret: new Uint8Array(32).fill(0x5a), hash: 'sha256' };
  const priority = ['-VERS-ALL', '+VERS-TLS1.3', '+ECDHE-PSK'];

  test('tyls client, gnutls-serv', async () => {
    const keys = workspace.file(`sensor17:${'5a'.repeat(32)}\n`);
    const server = await startGnutlsServer(workspace, { identity, priority }, ['--echo', '--pskpasswd', keys]);
    onTestFinished(() => server.stop());
    const config = clientConfig(coreClient({ externalPsks: [psk] }));
    const { connection, until } = await reach(server.port, config);
    await until(() => !connection.isHandshaking);
    expect([connection.handshakeKind, connection.peerCertificates]).toEqual(['external-psk', undefined]);
    await server.output.until(/PSK authentication\. Connected as 'sensor17'/);
  });

  test('gnutls-cli, tyls server without a certificate', async () => {
    const { port, connections } = await host({ resolveExternalPsk: () => psk });
    const args = ['--pskusername', 'sensor17', '--pskkey', '5a'.repeat(32)];
    const client = startGnutlsClient(workspace, { port, ca: root.certificatePem, priority }, args);
    onTestFinished(() => client.stop());
    // Before it, the server need not have heard of the end of the handshake.
    expect(await exchangeLine(client)).toBe(true);
    expect(connections[0]?.handshakeKind).toBe('external-psk');
    expect(Buffer.from(connections[0]!.pskIdentity!).toString()).toBe('sensor17');
  });
});
