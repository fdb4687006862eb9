/** What happens on one connection: handshake, what the flags want sent, then an echo until the runner closes. */
import { ClientConnection, type Connection, ServerConnection, TlsError } from '@tyls/tls-core';
import { type Seen } from './seen.ts';
import { checkEnd, checkHandshake, Unexpected } from './expectations.ts';
import { type Flags } from './flags.ts';
import { type RunnerSocket } from './runner_socket.ts';

export interface Exchange {
  readonly flags: Flags;
  /** What holds instead once the server has rejected early data. */
  readonly retry: Flags;
  /** Whether there was a connection before. */
  readonly isResumption: boolean;
  readonly connection: Connection;
  readonly socket: RunnerSocket;
  readonly seen: Seen;
}

/**
 * Returns when the connection is closed as it should be.
 *
 * @throws TlsError if it fails; the alert for it is in the connection's output
 * @throws Unexpected if it is not as the flags expect
 */
export async function exchange(beginning: Exchange): Promise<void> {
  let exchanged = beginning;
  const { connection, socket } = exchanged;
  await connection.start();
  const isEarly = await startEarly(exchanged);
  flush(exchanged);
  let isDone = false;
  for (;;) {
    await echo(exchanged, earlyData(connection));
    if (!connection.isHandshaking && !isDone) {
      isDone = true;
      const isRejected = isEarly && connection.earlyDataAccepted !== true;
      if (isRejected && exchanged.flags['expect-reject-early-data'] !== true)
        throw new Unexpected('early data rejected');
      if (isRejected) exchanged = { ...exchanged, flags: exchanged.retry };
      checkHandshake(exchanged);
      if (!isEarly || isRejected) await sendFirst(exchanged);
      flush(exchanged);
    }
    const { flags } = exchanged;
    if (isDone && flags['shim-shuts-down'] === true) return shutDown(exchanged);
    await echo(exchanged, connection.takePlaintext());
    if (connection.peerClosed) break;

    const chunk = await socket.read();
    if (chunk === undefined) {
      await receiveEnd(flags, connection);
      return checkEnd(exchanged);
    }
    await receive(exchanged, chunk);
  }
  checkEnd(exchanged);
  await connection.close();
  flush(exchanged);
}

/** Sends what there is to send; what the transport does not take stays in the connection. */
function flush({ connection, socket }: Exchange): void {
  if (!socket.isBlocked) socket.write(connection.takeOutput());
}

/** All at once, or with `-async` a byte at a time. What answers it goes out even where the rest of it fails. */
async function receive(exchanged: Exchange, chunk: Uint8Array): Promise<void> {
  const { flags, connection } = exchanged;
  const step = flags.async === true ? 1 : chunk.length;
  for (let at = 0; at < chunk.length; at += step) {
    await connection.receive(chunk.subarray(at, at + step));
    // Afterwards what the connection has to say goes out with what the application answers.
    if (connection.isHandshaking) flush(exchanged);
  }
}

/** Many applications know themselves where their data ends; what is unclear before the handshake is over is an error. */
async function receiveEnd(flags: Flags, connection: Connection): Promise<void> {
  try {
    await connection.receiveEnd();
  } catch (error) {
    const isCut = error instanceof TlsError && error.detail.code === 'UnexpectedEof';
    if (!isCut || error.detail.during === 'handshake' || flags['check-close-notify'] === true) throw error;
  }
}

/** Sends early data, if there may be some. @returns whether there may be */
async function startEarly(exchanged: Exchange): Promise<boolean> {
  const { flags, connection } = exchanged;
  if (!(connection instanceof ClientConnection) || connection.earlyDataLimit === undefined) return false;
  if (flags['expect-no-offer-early-data'] === true) throw new Unexpected('early data is offered');
  const material = exportOf(flags, connection);
  for (const data of [...material, ...initialWrites(flags)]) {
    const sent = await connection.sendEarlyData(data);
    if (sent < data.length) await connection.send(data.subarray(sent));
  }
  return true;
}

function earlyData(connection: Connection): Uint8Array[] {
  return connection instanceof ServerConnection ? connection.takeEarlyData() : [];
}

/** What is sent before anything is read. */
async function sendFirst(exchanged: Exchange): Promise<void> {
  const { flags, connection, socket, seen } = exchanged;
  for (const data of exportOf(flags, connection)) await connection.send(data);
  if (flags['export-traffic-secrets'] === true) {
    const ours = secret(seen, flags.server === true ? 'SERVER_TRAFFIC_SECRET_0' : 'CLIENT_TRAFFIC_SECRET_0');
    const theirs = secret(seen, flags.server === true ? 'CLIENT_TRAFFIC_SECRET_0' : 'SERVER_TRAFFIC_SECRET_0');
    await connection.send(Uint8Array.of(theirs.length, theirs.length >> 8));
    await connection.send(theirs);
    await connection.send(ours);
  }
  if (flags['write-different-record-sizes'] === true) {
    for (const size of [0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769]) {
      await connection.send(new Uint8Array(size).fill(0x42));
    }
  }
  if (flags['read-with-unfinished-write'] === true) {
    flush(exchanged);
    socket.hold(1);
    await connection.send(initialWrite(flags));
  } else {
    for (const data of initialWrites(flags)) await connection.send(data);
  }
  if (flags['key-update-before-read'] === true) await connection.updateKeys(false);
}

function exportOf(flags: Flags, connection: Connection): Uint8Array[] {
  const { 'export-keying-material': length = 0, 'export-label': label = '', 'export-context': context = '' } = flags;
  if (length === 0) return [];
  const used = flags['use-export-context'] === true ? bytes(context) : undefined;
  return [connection.exportKeyingMaterial(length, label, used)];
}

function initialWrites(flags: Flags): Uint8Array[] {
  if (flags['shim-writes-first'] !== true) return [];
  return Array<Uint8Array>(flags['repeat-shim-initial-write'] ?? 1).fill(initialWrite(flags));
}

function initialWrite(flags: Flags): Uint8Array {
  return bytes(flags['shim-initial-write'] ?? 'hello');
}

function secret({ trafficSecrets }: Seen, label: string): Uint8Array {
  const found = trafficSecrets.get(label);
  if (found === undefined) throw new Unexpected(`no ${label}`);
  return found;
}

/** Sends back what came, inverted. */
async function echo(exchanged: Exchange, received: readonly Uint8Array[]): Promise<void> {
  const { flags, connection, socket } = exchanged;
  if (received.length === 0) return;
  socket.release();
  if (flags['use-exporter-between-reads'] === true) connection.exportKeyingMaterial(1, '');
  if (flags['key-update'] === true) await connection.updateKeys(false);
  await connection.send(new Uint8Array(Buffer.concat(received)).map((byte) => byte ^ 0xff));
  if (flags['key-update-before-read'] === true) await connection.updateKeys(false);
  flush(exchanged);
}

/** The shim closes first, and where close_notify counts it waits for the runner's. */
async function shutDown(exchanged: Exchange): Promise<void> {
  const { flags, connection, socket } = exchanged;
  await connection.close();
  flush(exchanged);
  while (flags['check-close-notify'] === true && !connection.peerClosed) {
    const chunk = await socket.read();
    if (chunk === undefined) await connection.receiveEnd();
    else await receive(exchanged, chunk);
  }
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
