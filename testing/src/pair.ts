/** A client and a server driven against each other until both are idle: no sockets, no sleeps. */
import {
  type Awaitable,
  ClientConnection,
  type ClientConfig,
  isTlsError,
  runToEnd,
  type ServerConfigSource,
  ServerConnection,
  type ServerName,
  type Step,
  wait,
} from '@tyls/tls-core';

/** Which end of a pair. */
export type Role = 'client' | 'server';

export interface PairOptions {
  readonly client: ClientConfig;
  readonly server: ServerConfigSource;
  /** {@link testName} by default. */
  readonly serverName?: ServerName | string;
  /** Sizes of the pieces in which bytes arrive, taken in turn, over and over; by default a flight arrives whole. */
  readonly chop?: readonly number[];
  /** Whether each of these pieces is overwritten as soon as it was received. */
  readonly lend?: boolean;
  /** Is given each flight in the air, as whole as it left; what it returns arrives in its place. */
  readonly alter?: (from: Role, flight: Uint8Array) => Uint8Array;
}

/** The DNS name of the test server. */
export const testName = 'server.example.com';

/** More exchanges than any test has: what does not come to rest by then never does. */
const maxExchanges = 100_000;

/**
 * Two connections and what is between them. What goes wrong in a connection is its `error`; anything else that it
 * throws, {@link run} throws.
 */
export class Pair {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
  /** The flights that left each end, unaltered. */
  readonly sent: Readonly<Record<Role, Uint8Array[]>> = { client: [], server: [] };
  readonly #plaintext: Readonly<Record<Role, Uint8Array[]>> = { client: [], server: [] };
  readonly #chop: readonly number[] | undefined;
  readonly #lend: boolean;
  readonly #alter: (from: Role, flight: Uint8Array) => Uint8Array;
  #chopped = 0;

  constructor({ client, server, serverName = testName, chop, lend = false, alter }: PairOptions) {
    this.client = new ClientConnection(client, serverName);
    this.server = new ServerConnection(server);
    this.#chop = chop;
    this.#lend = lend;
    this.#alter = alter ?? ((_from, flight) => flight);
  }

  /** Runs until nothing is left to be delivered. With synchronous providers it has done so when it returns. */
  run(): Awaitable<void> {
    return runToEnd(this.#run());
  }

  /** Everything that `role` has received up to now. */
  received(role: Role): Uint8Array {
    this.#plaintext[role].push(...this[role].takePlaintext());
    return new Uint8Array(Buffer.concat(this.#plaintext[role]));
  }

  /** As {@link received}, as UTF-8. */
  receivedText(role: Role): string {
    return Buffer.from(this.received(role)).toString();
  }

  *#run(): Step<void> {
    yield* this.#input(() => this.client.start());
    yield* this.#input(() => this.server.start());
    for (let exchange = 0; exchange < maxExchanges; exchange++) {
      const clientMoved = yield* this.#deliver('client', 'server');
      const serverMoved = yield* this.#deliver('server', 'client');
      if (!clientMoved && !serverMoved) return;
    }
    throw new Error('the pair does not come to rest');
  }

  /** Carries one flight; whether there was one. */
  *#deliver(from: Role, to: Role): Step<boolean> {
    const output = this[from].takeOutput();
    const sent = Buffer.concat(output);
    // Whoever takes the output owns it.
    for (const piece of output) piece.fill(0xff);
    if (sent.length === 0) return false;
    this.sent[from].push(new Uint8Array(sent));
    for (const piece of this.#pieces(this.#alter(from, new Uint8Array(sent)))) {
      yield* this.#input(() => {
        try {
          return this[to].receive(piece, this.#lend);
        } finally {
          if (this.#lend) piece.fill(0xff);
        }
      });
    }
    return true;
  }

  *#pieces(flight: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < flight.length;) {
      const size = this.#chop?.[this.#chopped++ % this.#chop.length] ?? flight.length;
      yield flight.slice(at, at + size);
      at += size;
    }
  }

  *#input(act: () => Awaitable<void>): Step<void> {
    try {
      yield* wait(act());
    } catch (error) {
      if (!isTlsError(error)) throw error;
    }
  }
}

/** The records that bytes consist of, each with its header. Throws if they do not end with the last one. */
export function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + ((bytes[at + 3]! << 8) | bytes[at + 4]!);
    if (!(end <= bytes.length)) throw new Error('a record is cut short');
    records.push(bytes.subarray(at, end));
    at = end;
  }
  return records;
}
