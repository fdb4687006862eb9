/** The TCP connection to the runner: pieces that come, pieces that go, and an end that loses nothing. */
import { connect, type Socket } from 'node:net';
import { type Flags } from './flags.ts';

export class RunnerSocket {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** How many bytes may still be written; the others are in `#held`. */
  #allowance = Infinity;
  #held: Uint8Array[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    // A peer that is gone is seen where it is read from.
    socket.on('error', () => {});
    this.#chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  }

  /** Connects, and says which test this is. */
  static async connect(flags: Flags): Promise<RunnerSocket> {
    const host = flags.ipv6 === true ? '::1' : '127.0.0.1';
    const socket = connect({ host, port: flags.port ?? 0, allowHalfOpen: true, noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const id = Buffer.alloc(8);
    id.writeBigUInt64LE(BigInt(flags['shim-id'] ?? '0'));
    socket.write(id);
    return new RunnerSocket(socket);
  }

  /** What the runner sent next; `undefined` once it sends no more. */
  async read(): Promise<Uint8Array | undefined> {
    try {
      const next = await this.#chunks.next();
      return next.done === true ? undefined : next.value;
    } catch {
      return undefined;
    }
  }

  write(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      const now = piece.subarray(0, this.#allowance);
      if (now.length > 0) this.#socket.write(now);
      this.#allowance -= now.length;
      if (now.length < piece.length) this.#held.push(piece.subarray(now.length));
    }
  }

  /** Whether there is something to write that may not be written yet. */
  get isBlocked(): boolean {
    return this.#held.length > 0;
  }

  /** Lets only this many bytes more go out, until {@link release}. */
  hold(bytes: number): void {
    this.#allowance = bytes;
  }

  release(): void {
    this.#allowance = Infinity;
    const held = this.#held;
    this.#held = [];
    this.write(held);
  }

  /** Sends no more, and waits for the runner to do the same: a reset would overtake what is on its way. */
  async end(): Promise<void> {
    this.#socket.end();
    while ((await this.read()) !== undefined);
    this.#socket.destroy();
  }
}
