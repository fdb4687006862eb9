/**
 * Where sessions are kept, so that later connections can resume them. What is stored are bytes that only the core reads:
 * they may go to a file, to another process or to a database, and come back from there.
 *
 * They hold secrets. Whoever reads one can resume the session, and read what was or will be sent with keys that come from
 * it alone (early data); whoever can write to a store can decide who is believed to be at the other end. Guard a store
 * outside of memory as you would guard a private key.
 *
 * A store that has lost something, or never knew it, says so by `undefined`: the handshake is a full one then. What is
 * thrown, or rejected with, ends the connection.
 */
import { type NamedGroup } from '../registry.ts';
import { type Awaitable } from '../step/step.ts';

/** A client's sessions, by keys of 64 hexadecimal digits. A key stands for a server and for how it is verified. */
export interface ClientSessionStore {
  /** The group that the server of `key` asked for in a HelloRetryRequest; a key share for it saves that round trip. */
  readonly groupHint: (key: string) => Awaitable<NamedGroup | undefined>;
  readonly setGroupHint: (key: string, group: NamedGroup) => Awaitable<void>;
  /** The TLS 1.2 session of `key`: stays, since it may be used more than once. */
  readonly tls12Session: (key: string) => Awaitable<Uint8Array | undefined>;
  /** Keeps `session` in place of the one that was there. */
  readonly setTls12Session: (key: string, session: Uint8Array) => Awaitable<void>;
  readonly removeTls12Session: (key: string) => Awaitable<void>;
  /** Keeps a TLS 1.3 ticket beside the others of `key`. */
  readonly addTicket: (key: string, ticket: Uint8Array) => Awaitable<void>;
  /**
   * Takes a TLS 1.3 ticket, best the newest, out of the store. The same ticket never comes twice: who uses one again
   * can be recognized by it (RFC 8446 section C.4).
   */
  readonly takeTicket: (key: string) => Awaitable<Uint8Array | undefined>;
}

/** A server's sessions, by keys of 64 hexadecimal digits, each of them random. */
export interface ServerSessionStore {
  /** @param lifetimeSeconds after which it may be forgotten */
  readonly put: (key: string, session: Uint8Array, lifetimeSeconds: number) => Awaitable<void>;
  /** For TLS 1.2, whose sessions may be used more than once. */
  readonly get: (key: string) => Awaitable<Uint8Array | undefined>;
  /**
   * For TLS 1.3. Gives a session to one caller alone, and removes it, also where several processes share the store: early
   * data can be replayed if two of them get it (RFC 8446 section 8.1).
   */
  readonly take: (key: string) => Awaitable<Uint8Array | undefined>;
}

/** Makes tickets that bring their session with them (RFC 5077, RFC 8446 section 4.6.1), so that nothing is stored. */
export interface Ticketer {
  /** How long a ticket can be read, in seconds, at most 604 800 (seven days, RFC 8446 section 4.6.1). */
  readonly lifetimeSeconds: number;
  /** Encrypts and authenticates; borrows `session`, which is wiped later. `undefined` if there is to be no ticket. */
  readonly seal: (session: Uint8Array) => Awaitable<Uint8Array | undefined>;
  /**
   * @param ticket as a client sent it
   * @returns what was sealed, given away: it is wiped later; `undefined` if it is not one of ours, or too old
   */
  readonly open: (ticket: Uint8Array) => Awaitable<Uint8Array | undefined>;
}
