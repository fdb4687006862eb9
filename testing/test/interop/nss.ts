/** NSS, which Firefox has: its servers and clients know HTTP only, and nothing of most options of other peers. */
import { nodeProvider } from '@tyls/crypto-node';
import { clientLine, startSelfserv, startTstclnt } from '@tyls/testing';
import { ProtocolVersion, ticketer } from '@tyls/tls-core';
import { connect, createClientConfig, type TlsServerOptions, type TlsSocket } from '@tyls/tls-node';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, serve, type Serving } from './tyls.ts';
import { clientIdentity, describeWith, identityOf, root, workspace } from './world.ts';

const versions = ['TLSv1.3', 'TLSv1.2'] as const;
const keyTypes = ['rsa2048', 'p256', 'p384'] as const;
const psk = { identity: Buffer.from('sensor 17'), secret: new Uint8Array(32).fill(0x5a), hash: 'sha256' } as const;
const pskArguments = ['-z', `0x${'5a'.repeat(32)}:sensor 17`];
const label = 'EXPORTER-interop';
const exporterArguments = ['-x', `${label}:32`];
/** In lines, with colons between the bytes. */
const exported = /Keying Material:\s+((?:[0-9a-f]{2}[:\s]+){32})/i;
const keyIn = (printed: string): string => printed.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
const both = versions.flatMap((version) => keyTypes.map((keyType) => [version, keyType] as const));

describeWith('selfserv')('tyls client, NSS selfserv', () => {
  /** Asks for a page on a connection of its own; what is known of that connection. */
  const ask = async (port: number, config: Awaited<ReturnType<typeof createClientConfig>>): Promise<TlsSocket> => {
    const socket = connect({ host: '127.0.0.1', port, serverName: 'localhost', config });
    socket.write('GET /page HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toContain('GET /page');
    return socket;
  };

  /** How each of three handshakes, one after another, came to agree. */
  const threeHandshakes = async (port: number): Promise<(string | undefined)[]> => {
    const config = await createClientConfig({ ca: root.certificatePem });
    const kinds: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) kinds.push((await ask(port, config)).handshakeKind);
    return kinds;
  };

  test.each(both)('handshake: %s, key of %s', async (version, keyType) => {
    const identity = await identityOf(keyType);
    const server = await startSelfserv(workspace, { ca: root.certificatePem, identity, version });
    onTestFinished(() => server.stop());
    const socket = await ask(server.port, await createClientConfig({ ca: root.certificatePem }));
    expect(socket.protocolVersion).toBe(version);
  });

  test.each(versions)('client certificate: %s', async (version) => {
    const options = { ca: root.certificatePem, identity: await identityOf('p256'), version, clientAuth: true };
    const server = await startSelfserv(workspace, options);
    onTestFinished(() => server.stop());
    const { chainPem, privateKeyPem } = clientIdentity;
    const config = await createClientConfig({ ca: root.certificatePem, certificate: chainPem, key: privateKeyPem });
    expect((await ask(server.port, config)).protocolVersion).toBe(version);
    await server.output.until(/subject DN: CN=client of tests/);
  });

  test.each([
    ['ticket', true],
    ['id', false],
  ])('TLS 1.2 resumption by %s', async (_way, tickets) => {
    const identity = await identityOf('p256');
    const options = { ca: root.certificatePem, identity, version: 'TLSv1.2', tickets } as const;
    const server = await startSelfserv(workspace, options);
    onTestFinished(() => server.stop());
    expect(await threeHandshakes(server.port)).toEqual(['full', 'resumed', 'resumed']);
    await server.output.until(tickets ? /2 stateless resumes/ : /2 cache hits/);
  });

  test('TLS 1.3 resumption', async () => {
    const identity = await identityOf('p256');
    const options = { ca: root.certificatePem, identity, version: 'TLSv1.3', tickets: true } as const;
    const server = await startSelfserv(workspace, options);
    onTestFinished(() => server.stop());
    expect(await threeHandshakes(server.port)).toEqual(['full', 'resumed', 'resumed']);
  });

  test('exporter is the same', async () => {
    const options = { ca: root.certificatePem, identity: await identityOf('p256'), version: 'TLSv1.3' } as const;
    const server = await startSelfserv(workspace, options, exporterArguments);
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port);
    onTestFinished(() => void socket.destroy());
    socket.write('GET /page HTTP/1.0\r\n\r\n');
    const [, theirs] = await server.output.until(exported);
    expect(keyIn(theirs!)).toBe(Buffer.from(socket.exportKeyingMaterial(32, label)).toString('hex'));
  });
});

describeWith('selfserv')('NSS tstclnt, tyls server', () => {
  const start = async (options: Partial<TlsServerOptions>): Promise<Serving> => {
    const server = await serve(options);
    onTestFinished(() => server.stop());
    return server;
  };

  test.each(both)('handshake: %s, key of %s', async (version, keyType) => {
    const { chainPem, privateKeyPem } = await identityOf(keyType);
    const server = await start({ certificate: chainPem, key: privateKeyPem });
    const client = await startTstclnt(workspace, { ca: root.certificatePem, version, port: server.port });
    onTestFinished(() => client.stop());
    expect((await server.connection()).protocolVersion).toBe(version);
    await client.output.until(new RegExp(clientLine));
    expect(await client.exited).toBe(0);
  });

  test.each(versions)('client certificate: %s', async (version) => {
    const server = await start({ clientAuth: { ca: root.certificatePem } });
    const options = { ca: root.certificatePem, version, port: server.port, identity: clientIdentity };
    const client = await startTstclnt(workspace, options);
    onTestFinished(() => client.stop());
    expect((await server.connection()).peerCertificates).toHaveLength(2);
    await client.output.until(new RegExp(clientLine));
  });

  test.each([
    ['ticket', true],
    ['id', false],
  ])('TLS 1.2 resumption by %s', async (_way, tickets) => {
    const server = await start({
      versions: [ProtocolVersion.TLSv1_3, ProtocolVersion.TLSv1_2],
      ...(tickets && { ticketer: ticketer({ provider: nodeProvider() }), sessionStore: false }),
    });
    const common = { ca: root.certificatePem, version: 'TLSv1.2', port: server.port } as const;
    const client = await startTstclnt(workspace, { ...common, tickets, connections: 3 });
    onTestFinished(() => client.stop());
    const kinds: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) kinds.push((await server.connection()).handshakeKind);
    expect(kinds).toEqual(['full', 'resumed', 'resumed']);
  });
  test('TLS 1.3 resumption', async () => {
    const server = await start({});
    const options = { ca: root.certificatePem, version: 'TLSv1.3', port: server.port, tickets: true } as const;
    const client = await startTstclnt(workspace, { ...options, connections: 3 });
    onTestFinished(() => client.stop());
    const kinds: (string | undefined)[] = [];
    for (let i = 0; i < 3; i++) kinds.push((await server.connection()).handshakeKind);
    expect(kinds).toEqual(['full', 'resumed', 'resumed']);
  });

  test('external PSK', async () => {
    const server = await start({ resolveExternalPsk: () => psk });
    const options = { ca: root.certificatePem, version: 'TLSv1.3', port: server.port } as const;
    const client = await startTstclnt(workspace, options, pskArguments);
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    expect([socket.handshakeKind, Buffer.from(socket.pskIdentity!)]).toEqual(['external-psk', psk.identity]);
  });

  // In TLS 1.2 it exports before the handshake is complete, which NSS refuses.
  test('exporter is the same', async () => {
    const server = await start({});
    const options = { ca: root.certificatePem, version: 'TLSv1.3', port: server.port } as const;
    const client = await startTstclnt(workspace, options, exporterArguments);
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    const ours = Buffer.from(socket.exportKeyingMaterial(32, label)).toString('hex');
    const [, theirs] = await client.output.until(exported);
    expect(keyIn(theirs!)).toBe(ours);
  });
});
