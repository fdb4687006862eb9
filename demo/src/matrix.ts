/** Every backend against every other, and against node:tls: a handshake with full verification, and HTTP over it. */
import { type TestCa, type TestIdentity } from '@tyls/testing';
import { connect, createServer, TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { type AddressInfo, type Server } from 'node:net';
import { type Duplex } from 'node:stream';
import * as nodeTls from 'node:tls';
import { backends } from './backends.ts';
import { answer, get } from './http.ts';

const openssl = 'node:tls';
const alpnProtocols = ['http/1.1'];
const greeting = 'hello from the other side\n';

/** A row of the table. */
export interface Result {
  readonly ok: boolean;
  readonly cells: readonly string[];
}

export const header: readonly string[] = [
  'client',
  'server',
  'version',
  'cipher suite',
  'group',
  'ALPN',
  'ms',
  'result',
];

export async function runMatrix(ca: TestCa, identity: TestIdentity): Promise<readonly Result[]> {
  const names = [...Object.keys(backends), openssl];
  const results: Result[] = [];
  for (const serverName of names) {
    const server = startServer(serverName, identity);
    answer(server, () => greeting);
    const port = await listen(server);
    for (const clientName of names) {
      if (clientName !== openssl || serverName !== openssl) {
        results.push(await exchange(clientName, serverName, server, startClient(clientName, port, ca)));
      }
    }
    server.close();
  }
  return results;
}

/** @returns the port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function startServer(name: string, { chainPem, privateKeyPem }: TestIdentity): Server {
  return name === openssl
    ? nodeTls.createServer({ cert: chainPem, key: privateKeyPem, ALPNProtocols: alpnProtocols })
    : createServer({ certificate: chainPem, key: privateKeyPem, alpnProtocols, provider: backends[name] });
}

function startClient(name: string, port: number, ca: TestCa): Duplex {
  const where = { host: '127.0.0.1', port };
  return name === openssl
    ? nodeTls.connect({ ...where, servername: 'localhost', ca: ca.certificatePem, ALPNProtocols: alpnProtocols })
    : connect({ ...where, serverName: 'localhost', ca: ca.certificatePem, alpnProtocols, provider: backends[name] });
}

async function exchange(clientName: string, serverName: string, server: Server, client: Duplex): Promise<Result> {
  const accepted = once(server, 'secureConnection') as Promise<[Duplex]>;
  accepted.catch(() => {});
  const begin = performance.now();
  try {
    const body = await get(client);
    const millis = (performance.now() - begin).toFixed(1).padStart(6);
    const [socket] = client instanceof TlsSocket ? [client] : await accepted;
    const ok = body === greeting;
    return { ok, cells: [clientName, serverName, ...facts(socket), millis, ok ? 'ok' : 'FAILED: another answer'] };
  } catch (error) {
    return { ok: false, cells: [clientName, serverName, '', '', '', '', '', `FAILED: ${(error as Error).message}`] };
  }
}

function facts(socket: Duplex): string[] {
  if (!(socket instanceof TlsSocket)) throw new Error('one end of every pair is ours');
  const { protocolVersion, cipherSuite, keyExchangeGroup, alpnProtocol } = socket;
  return [protocolVersion, cipherSuite, keyExchangeGroup, alpnProtocol].map((fact) => fact ?? '');
}
