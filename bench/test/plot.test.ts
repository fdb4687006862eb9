import { expect, test } from 'vitest';
import { figureOf } from '../src/figure.ts';
import { plotOf } from '../src/plot.ts';

test('a bar goes to the right of the middle where tyls is better, to the left where it is not, and no further than the edge', () => {
  const plot = plotOf(
    [20, 5, 1000].map((ours) => figureOf(`at ${ours}`, 'MB/s', [ours], { name: 'peer', values: [10] }, undefined)),
  );
  const bars = [...plot.matchAll(/<rect x="([\d.]+)".* width="([\d.]+)"/g)].map(([, x, width]) => [
    Number(x),
    Number(width),
  ]);
  expect(bars).toEqual([
    [610, 60],
    [550, 60],
    [610, 180],
  ]);
  expect(plot).toContain('>at 20 : peer<');
});
