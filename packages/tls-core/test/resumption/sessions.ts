/** Stores whose calls a test can see, and pairs that follow one another. */
import {
  type ClientConfig,
  type ClientSessionStore,
  clientSessionMemory,
  type ServerConfigSource,
} from '@tyls/tls-core';
import { Pair, type PairOptions } from '@tyls/testing';

/** Runs a connection to its end, and throws if either side failed. */
export async function connect(
  client: ClientConfig,
  server: ServerConfigSource,
  options: Partial<PairOptions> = {},
): Promise<Pair> {
  const pair = new Pair({ client, server, ...options });
  await pair.run();
  const error = pair.client.error ?? pair.server.error;
  if (error !== undefined) throw new Error('the pair failed', { cause: error });
  return pair;
}

/** The kinds of so many connections, one after another. */
export async function kindsOf(
  count: number,
  client: ClientConfig,
  server: ServerConfigSource,
): Promise<readonly unknown[]> {
  const kinds: unknown[] = [];
  for (let i = 0; i < count; i++) kinds.push((await connect(client, server)).client.handshakeKind);
  return kinds;
}

/** A client's memory that shows its tickets, and lets a test change them. */
export interface ShownMemory extends ClientSessionStore {
  /** As they were added. */
  readonly added: Uint8Array[];
  /** Given in place of every ticket that is taken. */
  override?: (ticket: Uint8Array | undefined) => Uint8Array | undefined;
  /** Group hints that were set. */
  readonly hints: number[];
}

export function shownMemory(): ShownMemory {
  const memory = clientSessionMemory();
  const shown: ShownMemory = {
    ...memory,
    added: [],
    hints: [],
    setGroupHint: (key, group) => {
      shown.hints.push(group);
      return memory.setGroupHint(key, group);
    },
    addTicket: (key, ticket) => {
      shown.added.push(ticket.slice());
      return memory.addTicket(key, ticket);
    },
    takeTicket: (key) => {
      const ticket = memory.takeTicket(key) as Uint8Array | undefined;
      return shown.override === undefined ? ticket : shown.override(ticket);
    },
  };
  return shown;
}
