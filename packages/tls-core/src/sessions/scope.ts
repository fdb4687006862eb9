/**
 * What a session is good for. Whoever resumes one does not verify certificates again, so it is resumed under a
 * configuration that would have verified the peer in the same way, and under no other.
 */
import { asciiBytes, concat, hex } from '../codec/bytes.ts';
import { Writer } from '../codec/reader.ts';
import { type CryptoProvider } from '../crypto/provider.ts';
import { type ServerName } from '../server_name.ts';
import { type ClientSessionStore } from './store.ts';

/** What decides whom to believe, or who we are, and can say what its decisions depend on. */
export interface Policy {
  /**
   * Says all that its decisions depend on: those with the same bytes decide alike, in this process or in another.
   * Without it a policy is like nothing but itself, and its sessions are resumed with that very object alone. Best not
   * enumerable, so that what is made of a policy by spreading, and decides otherwise, does not say the same.
   */
  readonly policyId?: Uint8Array | undefined;
}

/** Names for objects that cannot say what they depend on: as lasting as the object, and the same nowhere else. */
const names = /* @__PURE__ */ new WeakMap<object, Uint8Array>();

/** {@link policyDigest}, once it is asked for. */
export function lazyPolicyDigest(
  provider: CryptoProvider,
  policies: readonly (Policy | undefined)[],
): () => Uint8Array {
  let value: Uint8Array | undefined;
  return () => (value ??= policyDigest(provider, policies));
}

/**
 * 32 bytes that are the same for the same policies in the same places.
 *
 * @param policies of a configuration; `undefined` where it has none
 */
export function policyDigest(provider: CryptoProvider, policies: readonly (Policy | undefined)[]): Uint8Array {
  const w = new Writer(1024);
  for (const policy of policies) {
    if (policy === undefined) w.u8(0);
    else if (policy.policyId === undefined) w.u8(1).vec8(nameOf(provider, policy));
    else w.u8(2).vec24(policy.policyId);
  }
  return digest(provider, w.done());
}

/**
 * 32 bytes that stand for a server under the policies of a configuration: for the very DNS name, or the address, that its
 * certificate was verified for.
 */
export function serverScope(
  { provider, policies }: { readonly provider: CryptoProvider; readonly policies: () => Uint8Array },
  serverName: ServerName,
): Uint8Array {
  const [kind, name] = serverName.type === 'dns' ? [0, asciiBytes(serverName.name)] : [1, serverName.address];
  return digest(provider, concat([policies(), Uint8Array.of(kind), name]));
}

/** What a client keeps sessions in, and where in it those with the server of a connection are. */
export interface SessionsOfServer {
  readonly store: ClientSessionStore;
  /** {@link serverScope} */
  readonly scope: Uint8Array;
  /** That in hexadecimal. */
  readonly key: string;
}

/** Made once a connection, which asks its store several times. @returns `undefined` where no sessions are kept */
export function sessionsOfServer(
  config: {
    readonly provider: CryptoProvider;
    readonly policies: () => Uint8Array;
    readonly sessionStore: ClientSessionStore | undefined;
  },
  serverName: ServerName,
): SessionsOfServer | undefined {
  const { sessionStore: store } = config;
  if (store === undefined) return undefined;
  const scope = serverScope(config, serverName);
  return { store, scope, key: hex(scope) };
}

function digest({ cipherSuites }: CryptoProvider, message: Uint8Array): Uint8Array {
  const { hash } = cipherSuites.find((suite) => suite.hash.outputLength === 32) ?? cipherSuites[0]!;
  const context = hash.start();
  context.update(message);
  return context.peek().slice(0, 32);
}

function nameOf({ random }: CryptoProvider, policy: object): Uint8Array {
  let name = names.get(policy);
  if (name === undefined) {
    name = new Uint8Array(32);
    random(name);
    names.set(policy, name);
  }
  return name;
}
