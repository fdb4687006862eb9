import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClientSession,
  decodeClientSession,
  decodeServerSession,
  encodeClientSession,
  encodeServerSession,
  isFresh,
  type ServerSession,
} from '../../src/sessions/session.ts';

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const common = {
  version: u16,
  cipherSuite: u16,
  secret: bytes(1, 64),
  scope: bytes(32, 32),
  createdAtMillis: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  lifetimeSeconds: u32,
  protocol: bytes(0, 255),
  peer: fc.record({
    certificates: fc.array(bytes(0, 40), { maxLength: 3 }),
    scheme: u16,
  }),
  extendedMasterSecret: fc.boolean(),
  ageAdd: u32,
  maxEarlyDataSize: u32,
};
const clientSession: fc.Arbitrary<ClientSession> = fc.record({
  ...common,
  ticket: bytes(0, 300),
  sessionId: bytes(0, 32),
});
const serverSession: fc.Arbitrary<ServerSession> = fc.record({
  ...common,
  serverName: bytes(0, 253),
  applicationData: bytes(0, 300),
});

const isNumberOrNothing = (value: unknown): boolean => value === undefined || typeof value === 'number';

describe('a stored session', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(clientSession, (session) => {
        expect(decodeClientSession(encodeClientSession(session)!)).toEqual(session);
      }),
    );
    fc.assert(
      fc.property(serverSession, (session) => {
        expect(decodeServerSession(encodeServerSession(session)!)).toEqual(session);
      }),
    );
  });

  it('is read from a copy of what the store gives, even of a Buffer', () => {
    const [session] = fc.sample(clientSession, 1);
    const stored = Buffer.from(encodeClientSession(session!)!);
    const read = decodeClientSession(stored);
    stored.fill(0);
    expect(read).toEqual(session);
  });

  it('is not there if it was cut short, made longer, or is of the other side', () => {
    fc.assert(
      fc.property(clientSession, fc.nat(), (session, at) => {
        const encoded = encodeClientSession(session)!;
        expect(decodeClientSession(encoded.subarray(0, at % encoded.length))).toBeUndefined();
        expect(decodeClientSession(Uint8Array.of(...encoded, 0))).toBeUndefined();
        expect(decodeServerSession(encoded)).toBeUndefined();
      }),
    );
  });

  it('is read or is not there, whatever the bytes are', () => {
    fc.assert(
      fc.property(bytes(0, 200), (body) => {
        expect(decodeClientSession(Uint8Array.of(0x43, 0x01, ...body))?.version).toSatisfy(isNumberOrNothing);
        expect(decodeServerSession(Uint8Array.of(0x53, 0x01, ...body))?.version).toSatisfy(isNumberOrNothing);
      }),
    );
  });

  it('does not share the bytes of the store', () => {
    const [session] = fc.sample(clientSession, 1);
    const encoded = encodeClientSession(session!)!;
    const decoded = decodeClientSession(encoded)!;
    encoded.fill(0xff);
    expect(decoded).toEqual(session);
  });

  it('is not stored with more than 65 535 bytes of certificates', () => {
    const [session] = fc.sample(serverSession, 1);
    const of = (length: number) =>
      encodeServerSession({ ...session!, peer: { ...session!.peer, certificates: [new Uint8Array(length)] } });
    expect(decodeServerSession(of(65_532)!)?.peer.certificates[0]).toHaveLength(65_532);
    expect(of(65_533)).toBeUndefined();
  });
});

describe('freshness', () => {
  const at = (createdAtMillis: number, lifetimeSeconds: number): ClientSession => ({
    ...fc.sample(clientSession, 1)[0]!,
    createdAtMillis,
    lifetimeSeconds,
  });

  it('ends with the lifetime', () => {
    expect(isFresh(at(1000, 10), 1000)).toBe(true);
    expect(isFresh(at(1000, 10), 10_999)).toBe(true);
    expect(isFresh(at(1000, 10), 11_000)).toBe(false);
  });

  it('ends after seven days, whatever the lifetime', () => {
    expect(isFresh(at(0, 0xffff_ffff), 604_799_999)).toBe(true);
    expect(isFresh(at(0, 0xffff_ffff), 604_800_000)).toBe(false);
  });

  it('is not there for a session from the future', () => {
    expect(isFresh(at(1000, 10), 999)).toBe(false);
  });
});
