import { describe, expect, test } from 'vitest';
import { figureOf, quantile } from '../src/figure.ts';

describe('a figure', () => {
  test('of a rate is better the greater it is', () => {
    const figure = figureOf('a', 'MB/s', [30, 10, 20], { name: 'peer', values: [10, 10, 40] }, [80, 40, 60]);
    expect(figure).toEqual({
      name: 'a',
      unit: 'MB/s',
      ours: 20,
      peer: 10,
      peerName: 'peer',
      ratio: 2,
      floor: 60,
      spread: [0.75, 2],
    });
  });

  test('of anything else is better the smaller it is', () => {
    const { ratio, spread, floor } = figureOf('a', 'bytes', [30], { name: 'peer', values: [15] }, undefined);
    expect(ratio).toBe(0.5);
    expect(spread).toEqual([0.5, 0.5]);
    expect(floor).toBeNull();
  });
});

test('a quantile lies between the two values next to it', () => {
  expect(quantile([4, 1, 2, 3], 0.5)).toBe(2.5);
  expect(quantile([4, 1, 2, 3], 0.25)).toBe(1.75);
  expect(quantile([7], 0.75)).toBe(7);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});
