/** An HTTPS server to try other clients on. */
import { createCa } from '@tyls/testing';
import { createServer, TlsSocket } from '@tyls/tls-node';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answer } from './http.ts';

/** Runs until it is interrupted. */
export async function serve(port: number): Promise<void> {
  const ca = await createCa({ name: 'tyls demo root' });
  const identity = await ca.issue({ names: ['localhost', '127.0.0.1', '::1'] });
  const server = createServer({
    certificate: identity.chainPem,
    key: identity.privateKeyPem,
    alpnProtocols: ['http/1.1'],
  });
  answer(server, (socket) => (socket instanceof TlsSocket ? describe(socket) : ''));
  server.on('tlsClientError', (error) => console.error(`a handshake failed: ${error.message}`));
  server.on('error', (error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'it is in use; --port takes another' : error.message;
    console.error(`cannot listen on 127.0.0.1:${port}: ${why}`);
    process.exitCode = 1;
  });
  server.listen(port, '127.0.0.1', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tyls-demo-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, ca.certificatePem);
    const stop = (): void => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(0);
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    console.log(`An HTTPS server on tyls. Try it, and press Ctrl-C to stop:\n`);
    console.log(`  curl --cacert ${caFile} https://localhost:${(server.address() as AddressInfo).port}/\n`);
  });
}

function describe(socket: TlsSocket): string {
  const { protocolVersion, cipherSuite, keyExchangeGroup, alpnProtocol, serverName } = socket;
  return [
    'Hello over TLS by tyls.',
    `version       ${protocolVersion}`,
    `cipher suite  ${cipherSuite}`,
    `group         ${keyExchangeGroup}`,
    `ALPN          ${alpnProtocol ?? '-'}`,
    `server name   ${serverName ?? '-'}`,
    '',
  ].join('\n');
}
