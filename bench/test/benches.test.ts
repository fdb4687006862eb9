/** That what is measured does what it says: a run as short as can be, of what needs no other process. */
import { expect, test } from 'vitest';
import { benches } from '../src/benches.ts';
import { type Effort } from '../src/contest.ts';

const once: Effort = { rounds: 1, turnSeconds: 0, warmUpSeconds: 0, handshakeWarmUpSeconds: 0 };

test('no two figures have one name', () => {
  const names = benches.flatMap((bench) => bench.names);
  expect(new Set(names).size).toBe(names.length);
});

test.each(
  benches.filter(({ names }) =>
    names.some(
      (name) =>
        /memory$|^(handshake|first-byte).*loopback$|client\/(noble|webcrypto)|webpki\/(parse|logic|verify)/.test(
          name,
        ) && !name.startsWith('memory'),
    ),
  ),
)('$names', async ({ names, run }) => {
  const figures = await run(once, () => true);
  expect(figures.map(({ name }) => name)).toEqual(names);
  for (const { name, ours, peer, ratio, floor } of figures) {
    expect(floor === null).toBe(/client\/|webpki\/(parse|logic)/.test(name) || name.startsWith('bulk/through'));
    for (const value of [ours, peer, ratio, floor ?? 1]) expect(value).toBeGreaterThan(0);
  }
});

test('a figure that nobody asks for is not measured', async () => {
  const bench = benches.find(({ names }) => names.includes('webpki/parse/leaf/pkijs'))!;
  const figures = await bench.run(once, (name) => name.endsWith('pkijs'));
  expect(figures.map(({ name }) => name)).toEqual(['webpki/parse/leaf/pkijs']);
});
