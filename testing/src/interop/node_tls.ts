/** Node's own node:tls, in this process. */
import { appendFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { type Duplex } from 'node:stream';
import {
  checkServerIdentity,
  type CommonConnectionOptions,
  connect,
  createSecureContext,
  createServer,
  type PeerCertificate,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { opensslGroups } from './openssl.ts';
import { Output } from './output.ts';
import {
  clientLine,
  type ClientPeer,
  type ClientPeerOptions,
  type RunningServer,
  type ServerPeer,
  type ServerPeerOptions,
} from './peer.ts';

/** Node prints nothing; what its events say is printed for it. */
function alertReport(_name: string, code: number): RegExp {
  return new RegExp(`SSL alert number ${code}\\b`);
}

export function nodeServer(): ServerPeer {
  return {
    name: 'node:tls server',
    start: (options) => startNodeServer(options),
    answer: (line) => line,
    alertReport,
  };
}

/** By default it sends back whatever comes. */
export async function startNodeServer(
  options: ServerPeerOptions,
  serve: (socket: TLSSocket) => void = (socket) => void socket.pipe(socket),
): Promise<RunningServer> {
  const { identity, alternative, clientAuth, exporter, keyLogPath } = options;
  const output = new Output();
  const open = new Set<Duplex>();
  const server = createServer(
    {
      ...commonOptions(options),
      cert: identity.chainPem,
      key: identity.privateKeyPem,
      allowHalfOpen: true,
      ...(alternative !== undefined && {
        SNICallback: (name, callback) => {
          const { chainPem, privateKeyPem } = name === alternative.name ? alternative.identity : identity;
          callback(null, createSecureContext({ cert: chainPem, key: privateKeyPem }));
        },
      }),
      ...(clientAuth !== undefined && {
        requestCert: true,
        rejectUnauthorized: clientAuth.mandatory,
        ca: clientAuth.ca,
      }),
    },
    (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', (error: Error) => output.add(`${error.stack}\n`));
      output.add(`connection for ${String(socket.servername)}, ALPN ${String(socket.alpnProtocol)}\n`);
      if (clientAuth !== undefined) output.add(`client ${commonName(socket)}\n`);
      if (exporter !== undefined) output.add(keyMaterial(socket, exporter));
      serve(socket);
    },
  );
  server.on('tlsClientError', (error) => output.add(`${error.stack}\n`));
  if (keyLogPath !== undefined) server.on('keylog', (line: Buffer) => appendFileSync(keyLogPath, line));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    output,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function nodeClient(): ClientPeer {
  return { name: 'node:tls client', run: runNodeClient, alertReport };
}

async function runNodeClient(options: ClientPeerOptions): Promise<{ ok: boolean; output: string }> {
  const { exporter, keyLogPath } = options;
  const output = new Output();
  const socket = connectNode(options);
  if (keyLogPath !== undefined) socket.on('keylog', (line: Buffer) => appendFileSync(keyLogPath, line));
  let received = '';
  socket.once('secureConnect', () => {
    output.add(`connected, ALPN ${String(socket.alpnProtocol)}\n`);
    if (exporter !== undefined) output.add(keyMaterial(socket, exporter));
    socket.write(`${clientLine}\n`);
  });
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    if (received === `${clientLine}\n`) socket.end();
  });
  const failed = await new Promise<boolean>((resolve) => {
    socket.on('error', (error: Error) => output.add(`${error.stack}\n`));
    socket.once('close', resolve);
  });
  return { ok: !failed && received === `${clientLine}\n`, output: output.text };
}

/** @param session to be resumed, as `getSession()` gave it */
export function connectNode(options: ClientPeerOptions, session?: Buffer): TLSSocket {
  const { port, ca, identity, serverName = 'localhost' } = options;
  return connect({
    ...commonOptions(options),
    host: '127.0.0.1',
    port,
    ca,
    servername: serverName,
    ...(session !== undefined && { session }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
    ...(identity !== undefined && { cert: identity.chainPem, key: identity.privateKeyPem }),
  });
}

function commonName(socket: TLSSocket): string {
  // An empty object where there is no certificate.
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return String(subject?.CN);
}

function keyMaterial(
  socket: TLSSocket,
  { label, length }: { readonly label: string; readonly length: number },
): string {
  return `Keying material: ${socket.exportKeyingMaterial(length, label, undefined!).toString('hex')}\n`;
}

function commonOptions({
  suites,
  groups,
  alpn,
  version,
}: Omit<ServerPeerOptions, 'identity'>): SecureContextOptions & CommonConnectionOptions {
  return {
    ...(suites !== undefined && { ciphers: suites.join(':') }),
    ...(groups !== undefined && { ecdhCurve: opensslGroups(groups)! }),
    ...(alpn !== undefined && { ALPNProtocols: [...alpn] }),
    ...(version !== undefined && { minVersion: version, maxVersion: version }),
  };
}
