/** Sessions that outlive a run of `tlsclient`: one file of JSON, which is read and replaced with every change. */
import { type ClientSessionStore, type NamedGroup } from '@tyls/tls-core';
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** The first field of the file: what else comes in JSON is not taken for sessions, and not overwritten. */
const format = 'tyls client sessions 1';

const maxServers = 256;
const maxTickets = 8;

/** What is known of a server; sessions in base64. */
interface ServerData {
  /** That of {@link ClientSessionStore}. */
  readonly key: string;
  readonly groupHint?: NamedGroup | undefined;
  readonly tls12Session?: string | undefined;
  /** The newest last. */
  readonly tickets: readonly string[];
}

/**
 * A store in a file that its owner alone can read, with at most 8 tickets and one TLS 1.2 session for each of 256
 * servers. The file is replaced as a whole, so that nobody ever reads half of it; of two processes that change it at
 * the same moment one may undo what the other did.
 *
 * @param warn told, once, if the file cannot be read or written any more: it is left alone then, and nothing is kept
 * @throws the error of node:fs if the file cannot be replaced
 */
export function sessionFile(path: string, warn: (problem: string) => void): ClientSessionStore {
  let isUsable = true;
  const attempt = <T>(act: () => T): T | undefined => {
    if (!isUsable) return undefined;
    try {
      return act();
    } catch (error) {
      isUsable = false;
      warn(`${path}: ${(error as Error).message}; no sessions are kept`);
      return undefined;
    }
  };
  const of = (key: string): ServerData | undefined =>
    attempt(() => readServers(path))?.find((server) => server.key === key);
  const change = (key: string, changed: (data: ServerData) => ServerData): void => {
    attempt(() => {
      const servers = readServers(path);
      const data = servers.find((server) => server.key === key) ?? { key, tickets: [] };
      const others = servers.filter((server) => server.key !== key);
      // What was changed last comes last.
      replaceFile(path, encodeServers([...others, changed(data)].slice(-maxServers)));
    });
  };
  const present = attempt(() => readServers(path));
  // That the file cannot be written is said before anything is sent.
  if (present !== undefined) replaceFile(path, encodeServers(present));
  return {
    groupHint: (key) => of(key)?.groupHint,
    setGroupHint: (key, groupHint) => change(key, (data) => ({ ...data, groupHint })),
    tls12Session: (key) => decodeSession(of(key)?.tls12Session),
    setTls12Session: (key, session) => change(key, (data) => ({ ...data, tls12Session: encodeSession(session) })),
    removeTls12Session: (key) => change(key, (data) => ({ ...data, tls12Session: undefined })),
    addTicket: (key, ticket) =>
      change(key, (data) => ({ ...data, tickets: [...data.tickets, encodeSession(ticket)].slice(-maxTickets) })),
    takeTicket: (key) => {
      const ticket = of(key)?.tickets.at(-1);
      if (ticket !== undefined) change(key, (data) => ({ ...data, tickets: data.tickets.slice(0, -1) }));
      return decodeSession(ticket);
    },
  };
}

function encodeSession(session: Uint8Array): string {
  return Buffer.from(session).toString('base64');
}

/** What is not base64 any more is bytes that are no session, which the core passes over. */
function decodeSession(encoded: string | undefined): Uint8Array | undefined {
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

/** None if there is no file yet, or an empty one. @throws Error if it is something else */
function readServers(path: string): readonly ServerData[] {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Error('it is not a file');
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const servers = text === '' ? [] : decodeServers(text);
  if (servers === undefined) throw new Error('it has something else in it than sessions');
  return servers;
}

function encodeServers(servers: readonly ServerData[]): string {
  return `${JSON.stringify({ format, servers })}\n`;
}

function decodeServers(text: string): readonly ServerData[] | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(content) || content['format'] !== format || !Array.isArray(content['servers'])) return undefined;
  const servers: readonly unknown[] = content['servers'];
  return servers.every(isServerData) ? servers : undefined;
}

function isServerData(value: unknown): value is ServerData {
  if (!isObject(value)) return false;
  const { key, groupHint, tls12Session, tickets } = value;
  return (
    typeof key === 'string' &&
    ['undefined', 'number'].includes(typeof groupHint) &&
    ['undefined', 'string'].includes(typeof tls12Session) &&
    Array.isArray(tickets) &&
    tickets.every((ticket) => typeof ticket === 'string')
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** In one step for everybody who reads it, and with the owner's rights alone. */
function replaceFile(path: string, content: string): void {
  const next = `${path}.${randomUUID()}`;
  try {
    writeFileSync(next, content, { mode: 0o600, flag: 'wx' });
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}
