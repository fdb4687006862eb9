/** Our end of the connections: sockets and servers of @tyls/tls-node that are gone when a test is finished. */
import {
  AlertDescription,
  CipherSuite,
  type CryptoProvider,
  isTlsError,
  type KeyLog,
  NamedGroup,
  nameOf,
} from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { clientLine, type Group, type KeyType, type Suite } from '@tyls/testing';
import { connect, type ConnectOptions, createServer, type TlsServerOptions, TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { identity, root } from './world.ts';

/** The suites of TLS 1.2 for a certificate with such a key. */
export function tls12Suites(keyType: KeyType): readonly Tls12Suite[] {
  const key = keyType === 'rsa2048' ? 'RSA' : 'ECDSA';
  return [
    `TLS_ECDHE_${key}_WITH_AES_128_GCM_SHA256`,
    `TLS_ECDHE_${key}_WITH_AES_256_GCM_SHA384`,
    `TLS_ECDHE_${key}_WITH_CHACHA20_POLY1305_SHA256`,
  ];
}
type Tls12Suite = Extract<keyof typeof CipherSuite, `TLS_ECDHE_${string}`>;

/** `nodeProvider()` with a choice of suites and groups. */
export function providerWith(
  { suites, groups }: { readonly suites?: readonly (Suite | Tls12Suite)[]; readonly groups?: readonly Group[] },
  provider: CryptoProvider = nodeProvider(),
): CryptoProvider {
  const suiteIds = suites?.map((suite): number => CipherSuite[suite]);
  const groupIds = groups?.map((group): number => NamedGroup[group]);
  return {
    ...provider,
    cipherSuites: provider.cipherSuites.filter(({ id }) => suiteIds?.includes(id) ?? true),
    keyExchangeGroups: provider.keyExchangeGroups.filter(({ name }) => groupIds?.includes(name) ?? true),
  };
}

/** A client that trusts the root, for `localhost`, without sessions unless a test is about them. It is gone with its test. */
export function dial(port: number, options: Partial<ConnectOptions> = {}): TlsSocket {
  const defaults = { host: '127.0.0.1', serverName: 'localhost', ca: root.certificatePem, sessionStore: false };
  if (options.verifier !== undefined || options.roots !== undefined) delete (defaults as { ca?: string }).ca;
  const socket = connect({ ...defaults, port, ...options } as ConnectOptions);
  // A server that takes one connection at a time would wait for its end, and the next test with it.
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** A client whose handshake is complete. */
export async function dialed(port: number, options: Partial<ConnectOptions> = {}): Promise<TlsSocket> {
  const socket = dial(port, options);
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends a line and gives the line that comes back. */
export async function ask(socket: TlsSocket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  return readLine(socket);
}

export async function readLine(socket: TlsSocket): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) text += chunk.toString('latin1');
    else if (socket.readableEnded) throw new Error(`the stream ended after ${JSON.stringify(text)}`);
    else await Promise.race([once(socket, 'readable'), once(socket, 'end')]);
  }
  return text.slice(0, -1);
}

/** Ends a connection, which the peer must then do too, with close_notify. */
export async function hangUp(socket: TlsSocket): Promise<void> {
  socket.end();
  expect(await endOf(socket)).toBe('close_notify');
}

/** How a connection ends, in the handshake or after it: `'close_notify'`, or the {@link codeOf} of an error. */
export async function endOf(socket: TlsSocket): Promise<string> {
  // Errors have to be listened for.
  socket.on('error', () => {}).resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  if (socket.errored !== null) return codeOf(socket.errored);
  return socket.readableEnded ? 'close_notify' : 'nothing';
}

/** The code of a `TlsError`, with its alert if it was received; the message of any other error. */
export function codeOf(error: Error): string {
  if (!isTlsError(error)) return error.message;
  const { detail } = error;
  return detail.code === 'AlertReceived' ? `${error.code} ${nameOf(AlertDescription, detail.alert)}` : error.code;
}

/** A server, and what happens to it in order. */
export interface Serving {
  readonly port: number;
  /** The next connection whose handshake is complete. */
  readonly connection: () => Promise<TlsSocket>;
  /** How the next handshake failed, by {@link codeOf}. */
  readonly handshakeFailure: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** A server with {@link identity} that answers lines with themselves and requests of HTTP with a page. */
export async function serve(
  options: Partial<TlsServerOptions> = {},
  handle: (socket: TlsSocket) => void = answerLines,
): Promise<Serving> {
  const connections = queue<TlsSocket>();
  const failures = queue<string>();
  const open = new Set<TlsSocket>();
  const defaults =
    options.certificate === undefined && options.config === undefined
      ? { certificate: identity.chainPem, key: identity.privateKeyPem }
      : {};
  const server = createServer({ ...defaults, ...options } as TlsServerOptions, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Tests that are about errors listen too.
    socket.on('error', () => {});
    connections.add(socket);
    handle(socket);
  });
  server.on('tlsClientError', (error) => failures.add(codeOf(error)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connection: connections.next,
    handshakeFailure: failures.next,
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerLines(socket: TlsSocket): void {
  socket.once('data', (chunk: Buffer) => {
    if (chunk.toString('latin1').startsWith('GET /')) {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${clientLine.length}\r\nConnection: close\r\n\r\n${clientLine}`);
    } else {
      socket.write(chunk);
      socket.pipe(socket);
    }
  });
}

function queue<T>(): { readonly add: (value: T) => void; readonly next: () => Promise<T> } {
  const values: T[] = [];
  const waiting: ((value: T) => void)[] = [];
  return {
    add: (value) => {
      const taker = waiting.shift();
      if (taker === undefined) values.push(value);
      else taker(value);
    },
    next: () => {
      const value = values.shift();
      return value === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(value);
    },
  };
}

/** A key log as text, a line each. */
export function collectedKeyLog(): { readonly keyLog: KeyLog; readonly lines: string[] } {
  const lines: string[] = [];
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return {
    keyLog: { log: (label, random, secret) => void lines.push(`${label} ${hex(random)} ${hex(secret)}`) },
    lines,
  };
}
