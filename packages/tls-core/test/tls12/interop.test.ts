/** TLS 1.2 with node:tls on loopback, in both directions: handshakes, data, exporters, key log, certificates. */
import { type KeyType, testCertifiedKey, testClientVerifier, testIdentity, testName, testRoot } from '@tyls/testing';
import { ClientConnection, type Connection, nameOf, ProtocolVersion, ServerConnection } from '@tyls/tls-core';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClientOptions, type ServerOptions } from '../../src/config.ts';
import { CipherSuite, NamedGroup } from '../../src/registry.ts';
import { client, provider, server } from './scripted_peer.ts';

const { TLSv1_2 } = ProtocolVersion;

/** What node:tls calls the suites. */
const opensslNames: Readonly<Record<number, string>> = {
  [CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  [CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  [CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  [CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]: 'ECDHE-RSA-AES128-GCM-SHA256',
  [CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]: 'ECDHE-RSA-AES256-GCM-SHA384',
  [CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256]: 'ECDHE-RSA-CHACHA20-POLY1305',
};
const cases = Object.entries(opensslNames).map(([id, name]) => ({
  id: Number(id),
  name,
  keyType: (name.includes('RSA') ? 'rsa2048' : 'p256') as KeyType,
}));

const open: { readonly destroy?: () => void; readonly close?: () => void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    each.destroy?.();
    each.close?.();
  }
});

/** Carries bytes between a socket and a connection of ours, whose provider is synchronous. */
function drive(connection: Connection, socket: Socket): { readonly flush: () => void; readonly text: () => string } {
  let text = '';
  const flush = (): void => {
    for (const piece of connection.takeOutput()) socket.write(piece);
    text += connection
      .takePlaintext()
      .map((piece) => Buffer.from(piece).toString())
      .join('');
    if (connection.peerClosed && !socket.writableEnded) {
      void connection.close();
      for (const piece of connection.takeOutput()) socket.write(piece);
      socket.end();
    }
  };
  const input = (act: () => unknown): void => {
    try {
      act();
    } catch {
      // It is the connection's error, which tests look at.
    }
    flush();
  };
  socket.setNoDelay(true);
  socket.on('data', (data) => input(() => connection.receive(new Uint8Array(data))));
  socket.on('error', () => {});
  open.push(socket);
  input(() => connection.start());
  return { flush, text: () => text };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) throw new Error('it does not come to that');
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

/** Our client and an echo of node:tls. */
async function toNode(
  serverOptions: tls.TlsOptions,
  clientOptions: Partial<ClientOptions> = {},
): Promise<{
  readonly connection: ClientConnection;
  readonly accepted: tls.TLSSocket;
  readonly text: string;
  readonly keyLog: readonly string[];
}> {
  const echo = tls.createServer({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ...serverOptions });
  const sockets: tls.TLSSocket[] = [];
  echo.on('secureConnection', (socket) => {
    sockets.push(socket);
    socket.on('data', (data: Buffer) => socket.write(data));
    socket.on('error', () => {});
  });
  const keyLog: string[] = [];
  echo.on('keylog', (line: Buffer) => keyLog.push(line.toString().trim()));
  echo.on('tlsClientError', () => {});
  echo.listen(0, '127.0.0.1');
  open.push(echo);
  await once(echo, 'listening');
  const connection = new ClientConnection(client(clientOptions), testName);
  const { flush, text } = drive(connection, connect((echo.address() as AddressInfo).port, '127.0.0.1'));
  void connection.send(Buffer.from('ping'));
  flush();
  await until(() => connection.error !== undefined || (text() === 'ping' && sockets.length > 0));
  if (connection.error !== undefined) throw connection.error;
  return { connection, accepted: sockets[0]!, text: text(), keyLog };
}

/** A client of node:tls and an echo of ours. */
async function fromNode(
  clientOptions: tls.ConnectionOptions,
  serverOptions: Partial<ServerOptions> = {},
  watch: (socket: tls.TLSSocket) => void = () => {},
): Promise<{ readonly connection: ServerConnection; readonly socket: tls.TLSSocket; readonly text: string }> {
  const connections: ServerConnection[] = [];
  const config = server(serverOptions);
  const listener = createServer((accepted) => {
    const connection = new ServerConnection(config);
    connections.push(connection);
    const driven = drive(connection, accepted);
    void connection.send(Buffer.from('pong'));
    driven.flush();
  });
  listener.listen(0, '127.0.0.1');
  open.push(listener);
  await once(listener, 'listening');
  const socket = tls.connect({
    port: (listener.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername: testName,
    ca: (await testRoot()).certificatePem,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    ...clientOptions,
  });
  open.push(socket);
  watch(socket);
  const [data] = (await Promise.race([
    once(socket, 'data'),
    once(socket, 'error').then(([error]) => {
      throw error;
    }),
  ])) as [Buffer];
  return { connection: connections[0]!, socket, text: data.toString() };
}

async function nodeIdentity(keyType: KeyType): Promise<{ readonly cert: string; readonly key: string }> {
  const { chainPem, privateKeyPem } = await testIdentity(keyType);
  return { cert: chainPem, key: privateKeyPem };
}

describe.each(cases)('$name', ({ id, name, keyType }) => {
  it('our client, node:tls as server', async () => {
    const logged: string[] = [];
    const keyLog: ClientOptions['keyLog'] = {
      log: (label, random, secret) =>
        void logged.push(`${label} ${Buffer.from(random).toString('hex')} ${Buffer.from(secret).toString('hex')}`),
    };
    const {
      connection,
      accepted,
      text,
      keyLog: theirs,
    } = await toNode({ ...(await nodeIdentity(keyType)), ciphers: name }, { keyLog });
    expect(text).toBe('ping');
    expect(nameOf(CipherSuite, connection.cipherSuite!)).toBe(nameOf(CipherSuite, id));
    expect(connection.protocolVersion).toBe(TLSv1_2);
    expect(accepted.getCipher().name).toBe(name);
    expect(logged).toEqual(theirs);
    for (const context of [undefined, Buffer.alloc(0), Buffer.from('context')]) {
      // node:tls knows no call without a context but the one that leaves it out.
      const exported =
        context === undefined
          ? accepted.exportKeyingMaterial(40, 'EXPORTER-tyls', undefined as never)
          : accepted.exportKeyingMaterial(40, 'EXPORTER-tyls', context);
      expect(Buffer.from(connection.exportKeyingMaterial(40, 'EXPORTER-tyls', context))).toEqual(exported);
    }
  });

  it('a client of node:tls, our server', async () => {
    const certificate = await testCertifiedKey(provider, keyType);
    const { connection, socket, text } = await fromNode({ ciphers: name }, { certificate });
    expect(text).toBe('pong');
    expect(connection.cipherSuite).toBe(id);
    expect(socket.getCipher().name).toBe(name);
    expect(socket.getProtocol()).toBe('TLSv1.2');
    expect(socket.authorized).toBe(true);
    for (const context of [Buffer.alloc(0), Buffer.from('context')]) {
      expect(Buffer.from(connection.exportKeyingMaterial(40, 'EXPORTER-tyls', context))).toEqual(
        socket.exportKeyingMaterial(40, 'EXPORTER-tyls', context),
      );
    }
  });
});

describe('our client', () => {
  it.each(['X25519', 'P-256', 'P-384'])('on the curve %s', async (ecdhCurve) => {
    const { connection } = await toNode({ ...(await nodeIdentity('p256')), ecdhCurve });
    expect(connection.isHandshaking).toBe(false);
  });

  it.each(['p384', 'ed25519', 'rsa2048'] as const)('verifies a key of type %s', async (keyType) => {
    const { text } = await toNode(await nodeIdentity(keyType));
    expect(text).toBe('ping');
  });

  it('negotiates ALPN', async () => {
    const options = { ...(await nodeIdentity('p256')), ALPNProtocols: ['h2', 'http/1.1'] };
    const { connection } = await toNode(options, { alpnProtocols: ['http/1.1'] });
    expect(connection.alpnProtocol).toBe('http/1.1');
  });

  it.each(['p256', 'ed25519', 'rsa2048'] as const)('shows a certificate with a key of type %s', async (keyType) => {
    const certificate = await testCertifiedKey(provider, keyType);
    const ca = (await testRoot()).certificatePem;
    const options = { ...(await nodeIdentity('p256')), ca, requestCert: true, rejectUnauthorized: true };
    const { accepted } = await toNode(options, { certificate });
    expect(accepted.authorized).toBe(true);
    expect(new Uint8Array(accepted.getPeerCertificate().raw)).toEqual(certificate.certificates[0]);
  });

  it('refuses renegotiation', async () => {
    const { connection, accepted } = await toNode(await nodeIdentity('p256'));
    const answer = await new Promise<Error | null>((resolve) => {
      accepted.on('error', resolve);
      accepted.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    expect(answer?.message).toContain('no renegotiation');
    expect(connection.protocolVersion).toBe(TLSv1_2);
  });
});

describe('our server', () => {
  it.each(provider.keyExchangeGroups.map((group) => [nameOf(NamedGroup, group.name), group] as const))(
    'with the group %s',
    async (_name, group) => {
      const { text, connection } = await fromNode({}, { provider: { ...provider, keyExchangeGroups: [group] } });
      expect(text).toBe('pong');
      expect(connection.keyExchangeGroup).toBe(group.name);
    },
  );

  it.each(['p384', 'p521', 'ed25519'] as const)('with a key of type %s', async (keyType) => {
    const { socket } = await fromNode({}, { certificate: await testCertifiedKey(provider, keyType) });
    expect(socket.authorized).toBe(true);
  });

  it('negotiates ALPN and knows the name', async () => {
    const { socket, connection } = await fromNode(
      { ALPNProtocols: ['h2', 'http/1.1'] },
      { alpnProtocols: ['http/1.1'] },
    );
    expect(socket.alpnProtocol).toBe('http/1.1');
    expect(connection.serverName).toBe(testName);
  });

  it.each(['p256', 'ed25519', 'rsa2048'] as const)('verifies a client with a key of type %s', async (keyType) => {
    const clientVerifier = await testClientVerifier(provider);
    const { connection } = await fromNode(await nodeIdentity(keyType), { clientVerifier });
    const { certificate } = await testIdentity(keyType);
    expect(connection.peerCertificates?.[0]).toEqual(certificate);
  });

  it('refuses renegotiation', async () => {
    const { socket } = await fromNode({});
    const answer = await new Promise<Error | null>((resolve) => {
      socket.on('error', resolve);
      socket.renegotiate({}, resolve);
    });
    expect(answer?.message).toContain('no renegotiation');
  });

  it('staples an OCSP response', async () => {
    const certificate = { ...(await testCertifiedKey(provider)), ocspResponse: Uint8Array.of(1, 2, 3) };
    const received: Buffer[] = [];
    // An option that the types of node:tls do not have.
    const options = { requestOCSP: true } as tls.ConnectionOptions;
    const { text } = await fromNode(options, { certificate }, (socket) => {
      socket.on('OCSPResponse', (response: Buffer) => received.push(response));
    });
    expect(text).toBe('pong');
    expect(received).toEqual([Buffer.of(1, 2, 3)]);
  });
});
