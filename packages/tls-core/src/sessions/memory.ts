/** Stores in memory, with bounds. */
import { type NamedGroup } from '../registry.ts';
import { type ClientSessionStore, type ServerSessionStore } from './store.ts';

/** How many TLS 1.3 tickets to keep for one server: as rustls does. */
const ticketsPerServer = 8;

interface ServerData {
  groupHint?: NamedGroup;
  tls12Session?: Uint8Array;
  readonly tickets: Uint8Array[];
}

/**
 * A client's sessions in memory.
 *
 * @param servers how many servers to remember, each with at most 8 tickets and one TLS 1.2 session; the one that was used
 *   longest ago is forgotten first
 */
export function clientSessionMemory(servers: number = 256): ClientSessionStore {
  const data = new RecentMap<ServerData>(servers);
  const of = (key: string): ServerData => data.get(key) ?? data.set(key, { tickets: [] });
  return {
    groupHint: (key) => data.get(key)?.groupHint,
    setGroupHint: (key, group) => {
      of(key).groupHint = group;
    },
    tls12Session: (key) => data.get(key)?.tls12Session,
    setTls12Session: (key, session) => {
      of(key).tls12Session = session;
    },
    removeTls12Session: (key) => {
      delete data.get(key)?.tls12Session;
    },
    addTicket: (key, ticket) => {
      const { tickets } = of(key);
      tickets.push(ticket);
      if (tickets.length > ticketsPerServer) tickets.shift();
    },
    takeTicket: (key) => data.get(key)?.tickets.pop(),
  };
}

/**
 * A server's sessions in memory.
 *
 * @param sessions how many to keep; the one that was used longest ago is forgotten first
 */
export function serverSessionMemory(sessions: number = 256): ServerSessionStore {
  const data = new RecentMap<Uint8Array>(sessions);
  return {
    put: (key, session) => void data.set(key, session),
    get: (key) => data.get(key),
    take: (key) => data.take(key),
  };
}

/** A map with a bound, which forgets what was used longest ago: a `Map` keeps the order of insertion. */
class RecentMap<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, T>();

  constructor(capacity: number) {
    if (!(Number.isInteger(capacity) && capacity > 0)) throw new RangeError('a session store holds at least one entry');
    this.#capacity = capacity;
  }

  get(key: string): T | undefined {
    const value = this.take(key);
    if (value !== undefined) this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: T): T {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value!);
    return value;
  }

  take(key: string): T | undefined {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    return value;
  }
}
