import { expect, it } from 'vitest';
import { maxRecentKeys, RecentKeys } from '../../src/crypto/recent_keys.ts';

const bytes = (i: number): Uint8Array => Uint8Array.of(i >> 8, i);

it('finds a key by its bytes, wherever they stand', () => {
  const keys = new RecentKeys<string>();
  const [one, long] = [Uint8Array.of(1, 2, 3).subarray(1), new Uint8Array(10_000)];
  keys.add(one, 'one');
  keys.add(long, 'long');
  one[0] = 9;
  expect(keys.get(Uint8Array.of(2, 3))).toBe('one');
  expect(keys.get(new Uint8Array(10_000))).toBe('long');
  for (const other of [one, Uint8Array.of(2), Uint8Array.of(2, 3, 0), new Uint8Array(9_999)]) {
    expect(keys.get(other)).toBeUndefined();
  }
});

it('forgets the key that was used longest ago, once there are too many', () => {
  const keys = new RecentKeys<number>();
  for (let i = 0; i < maxRecentKeys; i++) keys.add(bytes(i), i);
  keys.get(bytes(0));
  keys.add(bytes(maxRecentKeys), maxRecentKeys);
  const known = Array.from({ length: maxRecentKeys + 1 }, (_, i) => keys.get(bytes(i)));
  expect(known).toEqual(known.map((_, i) => (i === 1 ? undefined : i)));
});
