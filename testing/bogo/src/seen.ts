/** What happens in a connection where only its callbacks and stores see it. */
import {
  type ClientHelloInfo,
  type ClientSessionStore,
  type NamedGroup,
  type ServerSessionStore,
} from '@tyls/tls-core';
import { type LoadedPsk } from './credentials.ts';

/** What a connection's callbacks were told, for the expectations to look at. */
export interface Seen {
  hello?: ClientHelloInfo;
  ocspResponse?: Uint8Array | undefined;
  sctList?: Uint8Array | undefined;
  peerSignatureSchemes?: readonly number[];
  certificateAuthorities?: readonly Uint8Array[];
  selectedCredential?: number;
  readonly trafficSecrets: Map<string, Uint8Array>;
  readonly messages: string[];
  /** Sessions that were put into a store: of a client, or with an id of a server. */
  storedSessions: number;
  psks: readonly LoadedPsk[];
}

export function pskWith(identity: Uint8Array, { psks }: Seen): LoadedPsk | undefined {
  return psks.find(({ psk }) => Buffer.compare(psk.identity, identity) === 0);
}

/** The store, with one hint for all servers. */
export function clientStore(
  store: ClientSessionStore,
  seen: Seen,
  groupHint: NamedGroup | undefined,
): ClientSessionStore {
  return {
    ...store,
    groupHint: () => groupHint,
    addTicket: (key, ticket) => {
      seen.storedSessions++;
      return store.addTicket(key, ticket);
    },
    setTls12Session: (key, session) => {
      seen.storedSessions++;
      return store.setTls12Session(key, session);
    },
  };
}

export function serverStore(store: ServerSessionStore, seen: Seen): ServerSessionStore {
  return {
    ...store,
    put: (...session) => {
      seen.storedSessions++;
      return store.put(...session);
    },
  };
}
