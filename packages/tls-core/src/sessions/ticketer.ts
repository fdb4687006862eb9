/** Tickets that only a server with the same keys can read, RFC 5077 section 4 and RFC 8446 section 4.6.1. */
import { asciiBytes, concat, equalBytes, join, wipe } from '../codec/bytes.ts';
import { type CryptoProvider, type Opener, type Sealer } from '../crypto/provider.ts';
import { CipherSuite } from '../registry.ts';
import { runToEnd } from '../step/runner.ts';
import { type Step, wait } from '../step/step.ts';
import { maxLifetimeSeconds } from './session.ts';
import { type Ticketer } from './store.ts';

/** What {@link ticketer} needs. */
export interface TicketerOptions {
  readonly provider: CryptoProvider;
  /**
   * Keys of 32 random bytes each, for several processes that are to read one another's tickets, or for tickets that
   * outlive a restart. The first makes tickets, all of them read them: rotate by putting a new one in front every few
   * hours and by dropping the last. A function is asked for them with every ticket. Borrowed: a key that is replaced
   * must be another array. By default the keys are made here, replaced every 6 hours, and kept nowhere else.
   */
  readonly keys?: readonly Uint8Array[] | (() => readonly Uint8Array[]) | undefined;
  /** How long a ticket may be used, in seconds; 43 200 (twelve hours) by default, at most seven days. */
  readonly lifetimeSeconds?: number | undefined;
  /** The current time in milliseconds since 1970 UTC; `Date.now` by default. */
  readonly time?: (() => number) | undefined;
}

const keyLength = 32;
const nameLength = 16;
const nonceLength = 12;
const tagLength = 16;

/** A key, made ready. */
interface TicketKey {
  /** 16 bytes that stand in front of its tickets. */
  readonly name: Uint8Array;
  readonly sealer: Sealer;
  readonly opener: Opener;
}

/**
 * Makes tickets with the AEAD of one of the provider's suites: key name, random nonce, ciphertext and tag.
 *
 * @throws RangeError if a key does not have 32 bytes, or the lifetime is more than seven days
 */
export function ticketer(options: TicketerOptions): Ticketer {
  const { provider, keys } = options;
  const lifetimeSeconds = options.lifetimeSeconds ?? 43_200;
  if (!(Number.isInteger(lifetimeSeconds) && lifetimeSeconds > 0 && lifetimeSeconds <= maxLifetimeSeconds)) {
    throw new RangeError(`a ticket's lifetime is 1 to ${maxLifetimeSeconds} seconds`);
  }
  const ready =
    keys === undefined
      ? rotatingKeys(provider, lifetimeSeconds, options.time ?? Date.now)
      : sharedKeys(provider, typeof keys === 'function' ? keys : () => keys);
  // What is wrong with keys that are there already is said at once.
  if (typeof keys !== 'function') ready();

  function* seal(session: Uint8Array): Step<Uint8Array> {
    const { name, sealer } = ready()[0]!;
    const nonce = new Uint8Array(nonceLength);
    provider.random(nonce);
    return concat([name, nonce, ...(yield* wait(sealer.seal(nonce, name, [session])))]);
  }

  function* open(ticket: Uint8Array): Step<Uint8Array | undefined> {
    if (ticket.length < nameLength + nonceLength + tagLength) return undefined;
    const name = ticket.subarray(0, nameLength);
    const key = ready().find((candidate) => equalBytes(candidate.name, name));
    if (key === undefined) return undefined;
    const nonce = ticket.subarray(nameLength, nameLength + nonceLength);
    const opened = yield* wait(key.opener.open(nonce, name, [ticket.subarray(nameLength + nonceLength)]));
    return opened === undefined ? undefined : join(opened);
  }

  return {
    lifetimeSeconds,
    seal: (session) => runToEnd(seal(session)),
    open: (ticket) => runToEnd(open(ticket)),
  };
}

/** Keys of our own: one makes tickets for half their lifetime, and reads them for all of it. */
function rotatingKeys(provider: CryptoProvider, lifetimeSeconds: number, time: () => number): () => TicketKey[] {
  let keys: (TicketKey & { readonly since: number })[] = [];
  return () => {
    const now = time();
    // A clock that was set back must not keep a key for longer.
    keys = keys.filter(({ since }) => since <= now && now - since < lifetimeSeconds * 1000);
    const [newest] = keys;
    if (newest === undefined || now - newest.since >= lifetimeSeconds * 500) {
      const secret = new Uint8Array(keyLength);
      provider.random(secret);
      keys.unshift({ ...ticketKey(provider, secret), since: now });
      wipe(secret);
    }
    return keys;
  };
}

/** The user's keys, each made ready once. */
function sharedKeys(provider: CryptoProvider, keys: () => readonly Uint8Array[]): () => TicketKey[] {
  const known = new WeakMap<Uint8Array, TicketKey>();
  const ready = (secret: Uint8Array): TicketKey => {
    if (secret.length !== keyLength) throw new RangeError(`a ticket key has ${keyLength} bytes, not ${secret.length}`);
    const key = known.get(secret) ?? ticketKey(provider, secret);
    known.set(secret, key);
    return key;
  };
  return () => {
    const secrets = keys();
    if (secrets.length === 0) throw new RangeError('there are no ticket keys');
    return secrets.map(ready);
  };
}

/** Name and AEAD key, both of the secret (HKDF-Expand, RFC 5869) and of no other suite's. */
function ticketKey({ cipherSuites }: CryptoProvider, secret: Uint8Array): TicketKey {
  // The same with every provider that has it, whatever it prefers.
  const suite =
    cipherSuites.find(({ id }) => id === CipherSuite.TLS_AES_256_GCM_SHA384) ??
    cipherSuites.find(({ aead }) => aead.keyLength === keyLength) ??
    cipherSuites[0]!;
  const expand = (label: string, length: number): Uint8Array =>
    suite.hkdf.expand(secret, asciiBytes(`tyls ticket ${suite.id} ${label}`), length);
  const key = expand('key', suite.aead.keyLength);
  const { aead } = suite;
  const made = { name: expand('name', nameLength), sealer: aead.sealer(key), opener: aead.opener(key) };
  wipe(key);
  return made;
}
