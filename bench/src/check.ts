/**
 * `npm run bench:check`: what does not depend on the machine, against the limits in `limits.json`: sizes of bundles, calls
 * into the crypto provider and bytes on the wire for a handshake, arrays made and bytes copied for a record. Never a time.
 */
import { readFileSync } from 'node:fs';
import { countArrays } from './array_count.ts';
import { bundleSizes } from './bundle.ts';

// Before anything of tyls is loaded, which then makes its arrays where they are counted.
const arrays = countArrays();
const { handshakeCounts, recordCounts } = await import('./counts.ts');

const limits = JSON.parse(readFileSync(new URL('../limits.json', import.meta.url), 'utf8')) as Record<string, number>;
const measured = new Map<string, number>(
  Object.entries({ ...(await handshakeCounts()), ...(await recordCounts(arrays)) }),
);
for (const { name, ours } of await bundleSizes.run(
  { rounds: 1, turnSeconds: 0, warmUpSeconds: 0, handshakeWarmUpSeconds: 0 },
  () => true,
)) {
  measured.set(name, ours);
}

const width = Math.max(...[...measured.keys()].map(({ length }) => length));
for (const [name, value] of measured) {
  const limit = limits[name];
  const verdict =
    limit === undefined ? 'has no limit' : value > limit ? 'too much' : value < limit * 0.9 ? 'lower the limit' : '';
  if (limit === undefined || value > limit) process.exitCode = 1;
  console.log(
    `${name.padEnd(width)}  ${String(value).padStart(6)} of ${String(limit).padStart(6)}  ${verdict}`.trimEnd(),
  );
}
for (const name of Object.keys(limits).filter((one) => !measured.has(one))) {
  console.log(`${name} has a limit and is not measured`);
  process.exitCode = 1;
}
