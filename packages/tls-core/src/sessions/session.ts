/** What a session remembers, and the bytes in which it is stored. */
import { copyOf, emptyBytes, equalBytes, wipe } from '../codec/bytes.ts';
import { type Codec, opaque, opaque16, opaque8, struct, u16, u32, vec } from '../codec/codec.ts';
import { Reader, Writer } from '../codec/reader.ts';
import { type CipherSuite, type ProtocolVersion } from '../registry.ts';
import { isTlsError } from '../error.ts';
import { type Step, wait } from '../step/step.ts';
import { type PeerIdentity } from './peer_identity.ts';
import { type Ticketer } from './store.ts';

/** Section 4.6.1 of RFC 8446: most seconds for which a ticket may be used. */
export const maxLifetimeSeconds = 604_800;

/**
 * Most bytes of a ticket that is made or kept, though both versions allow 65 535: the extensions of a ClientHello, which
 * may have one of each version and a cookie beside all the rest, have no more than that together.
 */
export const maxTicket = 12_288;

/** RFC 5246 section F.1.4: how long a session is kept where nobody says otherwise, in seconds. */
export const defaultLifetimeSeconds = 86_400;

/** What both sides remember. */
export interface Session {
  readonly version: ProtocolVersion;
  readonly cipherSuite: CipherSuite;
  /** TLS 1.2: the master secret. TLS 1.3: the PSK of the ticket (RFC 8446 section 4.6.1). */
  readonly secret: Uint8Array;
  /** 32 bytes, see `scope.ts`: the session is only for configurations that have the same. */
  readonly scope: Uint8Array;
  readonly createdAtMillis: number;
  readonly lifetimeSeconds: number;
  /** ALPN; empty for none. */
  readonly protocol: Uint8Array;
  /** Neither certificates nor the identity of a PSK: nobody was authenticated. */
  readonly peer: PeerIdentity;
  /** TLS 1.2, RFC 7627. */
  readonly extendedMasterSecret: boolean;
  /** TLS 1.3: ticket_age_add. */
  readonly ageAdd: number;
  /** TLS 1.3: max_early_data_size; 0 for none. */
  readonly maxEarlyDataSize: number;
}

/** A session as a client remembers it. */
export interface ClientSession extends Session {
  /** What is sent to the server; empty for a TLS 1.2 session that has an id only. */
  readonly ticket: Uint8Array;
  /** TLS 1.2, at most 32 bytes. */
  readonly sessionId: Uint8Array;
}

/** A session as a server remembers it. */
export interface ServerSession extends Session {
  /** SNI; empty for none. */
  readonly serverName: Uint8Array;
  /** What the application asked to be kept with it. */
  readonly applicationData: Uint8Array;
}

/** Of the bytes, so that those of another version of this library are not misread. */
const clientFormat = 0x4302;
const serverFormat = 0x5302;

/** Milliseconds since 1970, in two numbers of 32 bits. */
const millis: Codec<number> = {
  read: (r) => r.u32() * 0x1_0000_0000 + r.u32(),
  write: (w, value) => void w.u32(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000),
};

const flag: Codec<boolean> = { read: (r) => r.u8() === 1, write: (w, value) => void w.u8(value ? 1 : 0) };

const certificate: Codec<Uint8Array> = {
  read: (r) => r.vec24(),
  write: (w, value) => void w.vec24(value),
};

const certificates = vec(2, certificate, true);

const peerIdentity: Codec<PeerIdentity> = {
  read(r) {
    const peer = { certificates: certificates.read(r), scheme: r.u16() };
    const pskIdentity = r.vec16();
    return pskIdentity.length === 0 ? peer : { ...peer, pskIdentity };
  },
  write(w, { certificates: ofPeer, scheme, pskIdentity = emptyBytes }) {
    certificates.write(w, ofPeer);
    w.u16(scheme).vec16(pskIdentity);
  },
};

const common = {
  version: u16,
  cipherSuite: u16,
  secret: opaque8(1),
  scope: opaque(32),
  createdAtMillis: millis,
  lifetimeSeconds: u32,
  protocol: opaque8(),
  peer: peerIdentity,
  extendedMasterSecret: flag,
  ageAdd: u32,
  maxEarlyDataSize: u32,
};

const clientSession: Codec<ClientSession> = struct({ ...common, ticket: opaque16(), sessionId: opaque8(0, 32) });

const serverSession: Codec<ServerSession> = struct({ ...common, serverName: opaque8(), applicationData: opaque16() });

/** @returns `undefined` if it is too large to be stored: the certificates alone have more than 65 535 bytes */
export function encodeClientSession(session: ClientSession): Uint8Array | undefined {
  return encode(clientFormat, clientSession, session);
}

/** @returns `undefined` if these are not the bytes of a session */
export function decodeClientSession(bytes: Uint8Array): ClientSession | undefined {
  return decode(clientFormat, clientSession, bytes);
}

/** @returns `undefined` if it is too large to be stored: the certificates alone have more than 65 535 bytes */
export function encodeServerSession(session: ServerSession): Uint8Array | undefined {
  return encode(serverFormat, serverSession, session);
}

/** @returns `undefined` if these are not the bytes of a session */
export function decodeServerSession(bytes: Uint8Array): ServerSession | undefined {
  return decode(serverFormat, serverSession, bytes);
}

function encode<T extends Session>(format: number, codec: Codec<T>, session: T): Uint8Array | undefined {
  const size = session.peer.certificates.reduce((sum, { length }) => sum + 3 + length, 0);
  if (size > 0xffff) return undefined;
  // So that it need not grow, which is to copy and to wipe.
  const w = new Writer(size + 512).u16(format);
  codec.write(w, session);
  return w.done();
}

/** The session of a ticket that a client sent; `undefined` if it is none of ours. */
export function* openTicket({ open }: Ticketer, ticket: Uint8Array): Step<ServerSession | undefined> {
  const opened = yield* wait(open(ticket));
  const session = opened === undefined ? undefined : decodeServerSession(opened);
  wipe(opened);
  return session;
}

/** A store is not to be trusted to give back what it was given: what cannot be read counts as not there. */
function decode<T extends Session>(format: number, codec: Codec<T>, bytes: Uint8Array): T | undefined {
  // A copy: what is read borrows it, and the store may reuse its own.
  const r = new Reader(copyOf(bytes), 'stored session');
  try {
    if (r.u16() !== format) return undefined;
    const session = codec.read(r);
    r.finish();
    return session;
  } catch (error) {
    if (isTlsError(error)) return undefined;
    throw error;
  }
}

declare const proof: unique symbol;

/**
 * A session that can be resumed here and now: proof that its peer was verified when it began, under policies that are
 * ours. Only {@link resumable} makes one.
 */
export type Resumable<S extends Session> = S & { readonly [proof]: 'Resumable' };

/** @param scope of the configuration, and of the server on a client */
export function resumable<S extends Session>(
  session: S | undefined,
  version: ProtocolVersion,
  scope: Uint8Array,
  now: number,
): Resumable<S> | undefined {
  if (session?.version !== version || !equalBytes(session.scope, scope) || !isFresh(session, now)) return undefined;
  return session as Resumable<S>;
}

/** For how many more seconds it can be resumed; what comes of it is to end with it, since nobody is verified again. */
export function remainingSeconds({ createdAtMillis, lifetimeSeconds }: Session, now: number): number {
  return Math.floor(lifetimeSeconds - (now - createdAtMillis) / 1000);
}

/** Whether it can still be resumed. One from the future was stored under another clock, and has an age that nobody knows. */
export function isFresh({ createdAtMillis, lifetimeSeconds }: Session, now: number): boolean {
  const age = now - createdAtMillis;
  return age >= 0 && age < Math.min(lifetimeSeconds, maxLifetimeSeconds) * 1000;
}
