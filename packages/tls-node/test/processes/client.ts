/** A program that is a TLS client, whose sessions can be taken to another process. */
import { type ClientSessionStore, type NamedGroup } from '@tyls/tls-core';
import { type ClientConfigOptions, connect } from '@tyls/tls-node';
import { once } from 'node:events';
import { answerCalls } from './rpc.ts';

/** What is known of servers, by the keys of the store. */
type Sessions = Map<string, { groupHint?: NamedGroup; tls12Session?: Uint8Array; tickets: Uint8Array[] }>;

let sessions: Sessions = new Map();

function of(key: string): NonNullable<ReturnType<Sessions['get']>> {
  if (!sessions.has(key)) sessions.set(key, { tickets: [] });
  return sessions.get(key)!;
}

const sessionStore: ClientSessionStore = {
  groupHint: (key) => of(key).groupHint,
  setGroupHint: (key, group) => void (of(key).groupHint = group),
  tls12Session: (key) => of(key).tls12Session,
  setTls12Session: (key, session) => void (of(key).tls12Session = session),
  removeTls12Session: (key) => void delete of(key).tls12Session,
  addTicket: (key, ticket) => void of(key).tickets.push(ticket),
  takeTicket: (key) => of(key).tickets.pop(),
};

const functions = {
  /** Says something, hears it, and waits for the end. @returns how the connection began */
  async visit(port: number, options: Pick<ClientConfigOptions, 'ca' | 'versions'>): Promise<string> {
    const socket = connect({ host: '127.0.0.1', port, serverName: 'localhost', sessionStore, ...options });
    socket.end('ping');
    let received = '';
    socket.on('data', (chunk: Buffer) => void (received += chunk.toString()));
    await once(socket, 'end');
    if (received !== 'ping') throw new Error(`the server said ${received}`);
    return socket.handshakeKind!;
  },

  exportSessions: () => sessions,

  importSessions(exported: Sessions): void {
    sessions = exported;
  },
};

export type ClientProgram = typeof functions;

answerCalls(functions);
