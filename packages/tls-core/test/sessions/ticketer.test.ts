import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { nobleProvider } from '@tyls/crypto-noble';
import { ticketer } from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';

const session = Uint8Array.from({ length: 100 }, (_, i) => i);
const hour = 3_600_000;

describe.each([
  ['node', nodeProvider()],
  ['noble', nobleProvider()],
  ['webcrypto', webcryptoProvider()],
])('tickets on %s', (_name, provider) => {
  it('are read by whoever made them, and by nobody else', async () => {
    const ours = ticketer({ provider });
    const ticket = (await ours.seal(session))!;
    expect(await ours.open(ticket)).toEqual(session);
    expect(await ticketer({ provider }).open(ticket)).toBeUndefined();
  });

  it('are never the same twice', async () => {
    const ours = ticketer({ provider });
    expect(await ours.seal(session)).not.toEqual(await ours.seal(session));
  });

  it('are not read with any byte changed, cut short or made longer', async () => {
    const ours = ticketer({ provider });
    const ticket = (await ours.seal(session))!;
    for (let i = 0; i < ticket.length; i++) {
      const tampered = ticket.slice();
      tampered[i]! ^= 1;
      expect(await ours.open(tampered)).toBeUndefined();
    }
    for (const length of [0, 1, 16, 28, 43, 44, ticket.length - 1]) {
      expect(await ours.open(ticket.subarray(0, length))).toBeUndefined();
    }
    expect(await ours.open(Uint8Array.of(...ticket, 0))).toBeUndefined();
  });
});

describe('keys of its own', () => {
  it('make tickets for 6 hours and read them for as long again', async () => {
    let now = 1_800_000_000_000;
    const ours = ticketer({ provider: nodeProvider(), time: () => now });
    const first = (await ours.seal(session))!;
    now += 6 * hour - 1;
    const second = (await ours.seal(session))!;
    expect(second.subarray(0, 16)).toEqual(first.subarray(0, 16));
    now += 1;
    const third = (await ours.seal(session))!;
    expect(third.subarray(0, 16)).not.toEqual(first.subarray(0, 16));
    expect(await ours.open(first)).toEqual(session);
    now += 6 * hour - 1;
    expect(await ours.open(second)).toEqual(session);
    now += 1;
    expect(await ours.open(second)).toBeUndefined();
    expect(await ours.open(third)).toEqual(session);
  });

  it('are all forgotten after a long silence', async () => {
    let now = 1_800_000_000_000;
    const ours = ticketer({ provider: nodeProvider(), time: () => now });
    const ticket = (await ours.seal(session))!;
    now += 12 * hour;
    expect(await ours.open(ticket)).toBeUndefined();
  });

  it('are replaced when the clock is set back', async () => {
    let now = 1_800_000_000_000;
    const ours = ticketer({ provider: nodeProvider(), time: () => now });
    const ticket = (await ours.seal(session))!;
    now -= hour;
    expect((await ours.seal(session))!.subarray(0, 16)).not.toEqual(ticket.subarray(0, 16));
  });

  it('last half the lifetime', async () => {
    let now = 1_800_000_000_000;
    const ours = ticketer({ provider: nodeProvider(), time: () => now, lifetimeSeconds: 20 });
    expect(ours.lifetimeSeconds).toBe(20);
    const ticket = (await ours.seal(session))!;
    now += 19_999;
    expect(await ours.open(ticket)).toEqual(session);
    now += 1;
    expect(await ours.open(ticket)).toBeUndefined();
  });
});

describe('shared keys', () => {
  const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

  it('read what another process made with them', async () => {
    const provider = nodeProvider();
    const ticket = (await ticketer({ provider, keys: [key(1)] }).seal(session))!;
    expect(await ticketer({ provider: nobleProvider(), keys: [key(2), key(1)] }).open(ticket)).toEqual(session);
    expect(await ticketer({ provider, keys: [key(2)] }).open(ticket)).toBeUndefined();
  });

  it('are asked for with every ticket, and the first makes it', async () => {
    let keys = [key(1)];
    const ours = ticketer({ provider: nodeProvider(), keys: () => keys });
    const first = (await ours.seal(session))!;
    keys = [key(2), ...keys];
    const second = (await ours.seal(session))!;
    expect(await ours.open(first)).toEqual(session);
    keys = keys.slice(0, 1);
    expect(await ours.open(first)).toBeUndefined();
    expect(await ours.open(second)).toEqual(session);
  });

  it('have 32 bytes, and there is one at least', () => {
    const provider = nodeProvider();
    expect(() => ticketer({ provider, keys: [] })).toThrow(RangeError);
    expect(() => ticketer({ provider, keys: [key(1).subarray(1)] })).toThrow(RangeError);
  });
});

it('refuses a lifetime of nothing and of more than seven days', () => {
  const provider = nodeProvider();
  expect(() => ticketer({ provider, lifetimeSeconds: 0 })).toThrow(RangeError);
  expect(() => ticketer({ provider, lifetimeSeconds: 604_801 })).toThrow(RangeError);
});
