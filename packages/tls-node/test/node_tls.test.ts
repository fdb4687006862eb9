/** Against OpenSSL, by way of node:tls. */
import { keyLogFile } from '@tyls/tls-node';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import tls from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ca, dial, identity, listen, pair, providers, readAll, serve } from './peers.ts';

const openssl = { cert: identity.chainPem, key: identity.privateKeyPem };

async function digest(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function opensslClient(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificatePem, ...options });
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe.each(Object.keys(providers))('the %s provider', (name) => {
  const provider = providers[name]!;
  const size = name === 'noble' ? 2 ** 20 : 16 * 2 ** 20;

  test('as client', async () => {
    const server = tls.createServer({ ...openssl, ALPNProtocols: ['h2', 'http/1.1'] });
    const accepted = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>;
    const client = dial(await listen(server), { provider, alpnProtocols: ['http/1.1'] });
    await once(client, 'secureConnect');
    const [peer] = await accepted;
    expect(client.alpnProtocol).toBe('http/1.1');
    expect(peer.alpnProtocol).toBe('http/1.1');
    expect(peer.getProtocol()).toBe(client.protocolVersion);
    expect(peer.getCipher().standardName).toBe(client.cipherSuite);
    expect(peer.exportKeyingMaterial(40, 'EXPORTER-test', Buffer.from('context'))).toEqual(
      Buffer.from(client.exportKeyingMaterial(40, 'EXPORTER-test', Buffer.from('context'))),
    );
    const data = randomBytes(size);
    const received = digest(client);
    peer.pipe(peer);
    client.end(data);
    expect(await received).toBe(createHash('sha256').update(data).digest('hex'));
  });

  test('as server', async () => {
    const { server, port } = await serve({ provider, alpnProtocols: ['h2', 'http/1.1'] });
    const accepted = once(server, 'secureConnection');
    const client = opensslClient(port, { ALPNProtocols: ['http/1.1', 'h2'] });
    await once(client, 'secureConnect');
    const [peer] = (await accepted) as [Awaited<ReturnType<typeof pair>>['server']];
    expect(client.authorized).toBe(true);
    expect(client.alpnProtocol).toBe('h2');
    expect(peer.alpnProtocol).toBe('h2');
    expect(client.getCipher().standardName).toBe(peer.cipherSuite);
    expect(client.exportKeyingMaterial(40, 'EXPORTER-test', Buffer.alloc(0))).toEqual(
      Buffer.from(peer.exportKeyingMaterial(40, 'EXPORTER-test')),
    );
    const data = randomBytes(size);
    const received = digest(client);
    peer.pipe(peer);
    client.end(data);
    expect(await received).toBe(createHash('sha256').update(data).digest('hex'));
  });

  test('with client certificates both ways', async () => {
    const { chainPem, privateKeyPem, certificate } = await ca.issue({ usage: 'client', keyType: 'p384' });
    const server = tls.createServer({ ...openssl, ca: ca.certificatePem, requestCert: true });
    const accepted = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>;
    const client = dial(await listen(server), { provider, certificate: chainPem, key: privateKeyPem });
    const [peer] = await accepted;
    expect(peer.authorized).toBe(true);
    expect(peer.getPeerCertificate().raw.equals(certificate)).toBe(true);
    client.end();

    const ours = await serve({ provider, clientAuth: { ca: ca.certificate } });
    const welcomed = once(ours.server, 'secureConnection') as Promise<[Awaited<ReturnType<typeof pair>>['server']]>;
    opensslClient(ours.port, { cert: chainPem, key: privateKeyPem });
    expect(Buffer.from((await welcomed)[0].peerCertificates![0]!).equals(certificate)).toBe(true);
  });

  test('after a HelloRetryRequest', async () => {
    const server = tls.createServer({ ...openssl, ecdhCurve: 'P-384' }, (socket) => {
      // Not at once: node:tls sends no close_notify if it ends before it has sent its tickets.
      socket.once('data', () => socket.end('retried'));
    });
    const client = dial(await listen(server), { provider, sessionStore: false });
    client.write('?');
    expect((await readAll(client)).toString()).toBe('retried');
    expect(client.handshakeKind).toBe('full-with-hello-retry-request');
    expect(client.keyExchangeGroup).toBe('secp384r1');
  });
});

test('node:tls sees why our client refuses its server', async () => {
  const server = tls.createServer(openssl);
  const refused = once(server, 'tlsClientError') as Promise<[Error]>;
  dial(await listen(server), { serverName: 'example.org' }).on('error', () => {});
  expect((await refused)[0].message).toMatch(/bad certificate/);
});

test('node:tls sees why our server refuses it', async () => {
  const { port } = await serve({ clientAuth: { ca: ca.certificate } });
  const client = opensslClient(port);
  const [error] = (await once(client, 'error')) as [Error];
  expect(error.message).toMatch(/certificate required/);
});

test('the key log of both sides is what OpenSSL writes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tyls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'keys.log');
  const lines = (text: string): string[] => text.trim().split('\n').toSorted();

  const server = tls.createServer(openssl, (socket) => socket.once('data', () => socket.end()));
  let theirs = '';
  server.on('keylog', (line) => void (theirs += line.toString()));
  const ours = dial(await listen(server), { keyLog: keyLogFile(path) });
  ours.write('?');
  await readAll(ours);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(lines(readFileSync(path, 'utf8'))).toEqual(lines(theirs));

  writeFileSync(path, '');
  const before = process.env['SSLKEYLOGFILE'];
  process.env['SSLKEYLOGFILE'] = path;
  onTestFinished(() => {
    if (before === undefined) delete process.env['SSLKEYLOGFILE'];
    else process.env['SSLKEYLOGFILE'] = before;
  });
  await pair();
  expect(readFileSync(path, 'utf8')).toBe('');
  theirs = '';
  const { port } = await serve({ keyLog: true }, (socket) => socket.end());
  const client = opensslClient(port);
  client.on('keylog', (line: Buffer) => void (theirs += line.toString()));
  await readAll(client);
  expect(lines(readFileSync(path, 'utf8'))).toEqual(lines(theirs));
  expect(() => keyLogFile(folder)).toThrow('EISDIR');
});
