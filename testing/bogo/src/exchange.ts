/** What happens on one connection: handshake, what the flags want sent, then an echo until the runner closes. */
import { type Connection, TlsError } from '@tyls/tls-core';
import { type Seen } from './configs.ts';
import { checkHandshake, checkMessages, Unexpected } from './expectations.ts';
import { type Flags } from './flags.ts';
import { type RunnerSocket } from './runner_socket.ts';

/**
 * Returns when the connection is closed as it should be.
 *
 * @throws TlsError if it fails; the alert for it is in the connection's output
 * @throws Unexpected if it is not as the flags expect
 */
export async function exchange(
  flags: Flags,
  connection: Connection,
  socket: RunnerSocket,
  seen: Seen,
  isResumption: boolean,
): Promise<void> {
  await connection.start();
  flush(connection, socket);
  let isDone = false;
  for (;;) {
    if (!connection.isHandshaking && !isDone) {
      isDone = true;
      checkHandshake(flags, connection, seen, isResumption);
      await sendFirst(flags, connection, socket, seen);
    }
    if (isDone && flags['shim-shuts-down'] === true) return shutDown(flags, connection, socket);
    await echo(flags, connection, socket);
    if (connection.peerClosed) break;

    const chunk = await socket.read();
    if (chunk === undefined) {
      await receiveEnd(flags, connection);
      break;
    }
    await receive(flags, connection, socket, chunk);
  }
  checkMessages(flags, seen);
  await connection.close();
  flush(connection, socket);
}

/** Sends what there is to send; what the transport does not take stays in the connection. */
function flush(connection: Connection, socket: RunnerSocket): void {
  if (!socket.isBlocked) socket.write(connection.takeOutput());
}

/** All at once, or with `-async` a byte at a time. What answers it goes out even where the rest of it fails. */
async function receive(flags: Flags, connection: Connection, socket: RunnerSocket, chunk: Uint8Array): Promise<void> {
  const step = flags.async === true ? 1 : chunk.length;
  for (let at = 0; at < chunk.length; at += step) {
    await connection.receive(chunk.subarray(at, at + step));
    // Afterwards what the connection has to say goes out with what the application answers.
    if (connection.isHandshaking) flush(connection, socket);
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

/** What is sent before anything is read. */
async function sendFirst(flags: Flags, connection: Connection, socket: RunnerSocket, seen: Seen): Promise<void> {
  const { 'export-keying-material': length = 0, 'export-label': label = '', 'export-context': context = '' } = flags;
  if (length > 0) {
    const used = flags['use-export-context'] === true ? bytes(context) : undefined;
    await connection.send(connection.exportKeyingMaterial(length, label, used));
  }
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
  const hello = bytes(flags['shim-initial-write'] ?? 'hello');
  if (flags['read-with-unfinished-write'] === true) {
    flush(connection, socket);
    socket.hold(1);
    await connection.send(hello);
  } else if (flags['shim-writes-first'] === true) {
    for (let times = flags['repeat-shim-initial-write'] ?? 1; times > 0; times--) await connection.send(hello);
  }
  if (flags['key-update-before-read'] === true) await connection.updateKeys(false);
  flush(connection, socket);
}

function secret({ trafficSecrets }: Seen, label: string): Uint8Array {
  const found = trafficSecrets.get(label);
  if (found === undefined) throw new Unexpected(`no ${label}`);
  return found;
}

/** Sends back what came, inverted. */
async function echo(flags: Flags, connection: Connection, socket: RunnerSocket): Promise<void> {
  const received = connection.takePlaintext();
  if (received.length === 0) return;
  socket.release();
  if (flags['use-exporter-between-reads'] === true) connection.exportKeyingMaterial(1, '');
  if (flags['key-update'] === true) await connection.updateKeys(false);
  await connection.send(new Uint8Array(Buffer.concat(received)).map((byte) => byte ^ 0xff));
  if (flags['key-update-before-read'] === true) await connection.updateKeys(false);
  flush(connection, socket);
}

/** The shim closes first, and where close_notify counts it waits for the runner's. */
async function shutDown(flags: Flags, connection: Connection, socket: RunnerSocket): Promise<void> {
  await connection.close();
  flush(connection, socket);
  while (flags['check-close-notify'] === true && !connection.peerClosed) {
    const chunk = await socket.read();
    if (chunk === undefined) await connection.receiveEnd();
    else await receive(flags, connection, socket, chunk);
  }
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
