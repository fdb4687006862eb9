/** That the counts count: a handshake whose numbers the RFCs give, and arrays of which we know how many they are. */
import { expect, test } from 'vitest';
import { countArrays } from '../src/array_count.ts';
import { handshakeCounts } from '../src/counts.ts';

test('a handshake makes the calls that it cannot do without', async () => {
  const counts = await handshakeCounts();
  expect(counts).toMatchObject({
    'handshake/full/tls13/signatures': 1,
    'handshake/full/tls13/verifications': 3,
    'handshake/full/tls13/key-exchanges': 2,
    'handshake/full/tls13/keys': 8,
    'handshake/full/tls12/signatures': 1,
    'handshake/full/tls12/keys': 4,
    'handshake/resumed/tls13/key-exchanges': 2,
    'handshake/resumed/tls13/keys': 8,
    'handshake/resumed/tls12/keys': 4,
  });
  // Nobody is verified again, and TLS 1.2 has the secret already.
  for (const name of ['tls13/signatures', 'tls13/verifications', 'tls12/signatures', 'tls12/key-exchanges']) {
    expect(counts).not.toHaveProperty([`handshake/resumed/${name}`]);
  }
});

test('arrays are counted when they are made, and bytes when they are copied', () => {
  const native = globalThis.Uint8Array;
  try {
    const counted = countArrays();
    const ten = new Uint8Array(10);
    new Uint8Array(20).set(ten, 5);
    ten.slice(2, 6);
    Uint8Array.of(1, 2, 3);
    ten.subarray(3);
    expect(new Uint8Array(ten.buffer)).toBeInstanceOf(Uint8Array);
    expect(counted()).toEqual({ made: 4, copied: 14 });
  } finally {
    globalThis.Uint8Array = native;
    // What they hide is inherited.
    Reflect.deleteProperty(native.prototype, 'set');
    Reflect.deleteProperty(native.prototype, 'slice');
  }
});
