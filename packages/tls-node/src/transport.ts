/** What a TLS socket does to the stream under it: writing without piling up, and closing without losing an alert. */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type Duplex, finished } from 'node:stream';
import { joinSmall } from './pieces.ts';

/** More than any read without it has, which is 64 KiB: a quarter as many records are cut in two. */
const readSize = 262_144;

/**
 * What all sockets read into. Not on Windows, where a read has its memory before it has its data, and not where Node is
 * another runtime, which may do the same.
 */
let readMemory: Buffer | undefined;
const canShareReadMemory =
  process.platform !== 'win32' && process.versions['bun'] === undefined && process.versions['deno'] === undefined;

const lenders = new WeakSet<Duplex>();

/**
 * A socket whose `'data'` is a view of memory that is read into again, see {@link lendsData}. An array of its own for
 * each read, which the collector has to find, costs a receiver of bulk data a fifth of its CPU time.
 */
export function connectTcp(options: TcpNetConnectOpts): Socket {
  if (!canShareReadMemory) return connect(options);
  readMemory ??= Buffer.allocUnsafeSlow(readSize);
  const memory = readMemory;
  const callback = (length: number): true => {
    socket.emit('data', memory.subarray(0, length));
    return true;
  };
  const socket = connect({ ...options, onread: { buffer: memory, callback } });
  lenders.add(socket);
  return socket;
}

/** Whether the `'data'` of a transport is good for as long as it is being emitted, and no longer. */
export function lendsData(transport: Duplex): boolean {
  return lenders.has(transport);
}

/** Pieces up to this many bytes, such as record headers and tags, are cheaper to copy than to write by themselves. */
const smallPiece = 4096;

/** Writes a connection's output to a transport, a batch at a time. */
export class TransportWriter {
  readonly #transport: Duplex;
  readonly #takeOutput: () => Uint8Array[];
  #writing = false;
  #taken: (() => void) | undefined;

  /** @param transport what others write to it is not told from the output */
  constructor(transport: Duplex, takeOutput: () => Uint8Array[]) {
    this.#transport = transport;
    this.#takeOutput = takeOutput;
  }

  /**
   * Writes the output in one vectored write, or once the transport has taken what was written before: while that takes
   * its time the output stays in the connection, which bounds it.
   *
   * @param taken called once the transport has taken everything, at once if it has
   */
  flush(taken?: () => void): void {
    if (taken !== undefined) this.#taken = taken;
    if (this.#writing) return;
    this.#writing = this.#write() && !this.#hasTaken;
    if (this.#writing) return;
    const done = this.#taken;
    this.#taken = undefined;
    done?.();
  }

  /** Writes the last output without waiting. @returns whether there was any, and a transport to write it to */
  finish(): boolean {
    this.#taken = undefined;
    return this.#write();
  }

  /** A socket mostly takes everything at once: to wait until it says so would cost each write a turn of the event loop. */
  get #hasTaken(): boolean {
    return this.#transport.writable && this.#transport.writableLength === 0;
  }

  /** Where a write fails, the transport's error event says so. Of one that was taken at once this comes late. */
  readonly #written = (error?: Error | null): void => {
    if ((error !== undefined && error !== null) || !this.#writing || this.#transport.writableLength > 0) return;
    this.#writing = false;
    this.flush();
  };

  #write(): boolean {
    const output = this.#takeOutput();
    if (output.length === 0) return false;
    const pieces = joinSmall(output, smallPiece);
    const last = pieces.pop();
    if (last === undefined || !this.#transport.writable) return false;
    if (pieces.length > 0) {
      this.#transport.cork();
      for (const piece of pieces) this.#transport.write(piece);
    }
    this.#transport.write(last, this.#written);
    if (pieces.length > 0) this.#transport.uncork();
    return true;
  }
}

/** How long a peer has to take what was sent last, an alert perhaps, before the transport is closed under it. */
const lingerMillis = 1000;

/**
 * Ends a transport and reads on until the peer has ended it too, so that what was written last is not lost: closing a
 * TCP socket with unread data resets it, and a reset overtakes what is still on its way.
 */
export function closeGently(transport: Duplex): void {
  const timer = setTimeout(() => transport.destroy(), lingerMillis);
  timer.unref();
  finished(transport, () => {
    clearTimeout(timer);
    transport.destroy();
  });
  transport.end();
  transport.resume();
}
