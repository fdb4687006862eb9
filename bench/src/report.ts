/** What people read: a table of figures. */
import { type Figure, isRate } from './figure.ts';

const columns = ['figure', 'tyls', 'peer', '', 'ratio', 'quartiles', 'of the possible'] as const;

/** Lines of a table, with a line of titles. The last column is tyls beside the floor: 100 % is as good as can be. */
export function tableOf(figures: readonly Figure[]): string[] {
  const rows = figures.map((figure) => {
    const { name, unit, ours, peer, peerName, ratio, spread } = figure;
    const [low, high] = spread;
    return [
      name,
      `${number(ours)} ${unit}`,
      number(peer),
      peerName,
      ratio.toFixed(2),
      `${low.toFixed(2)} to ${high.toFixed(2)}`,
      ofThePossible(figure),
    ];
  });
  const widths = columns.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const alignRight = [false, true, true, false, true, false, true];
  return [columns, ...rows].map((row) =>
    row
      .map((cell, i) => (alignRight[i]! ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

function ofThePossible({ unit, ours, floor }: Figure): string {
  if (floor === null) return '';
  return `${Math.round((isRate(unit) ? ours / floor : floor / ours) * 100)} %`;
}

/** Three digits, or the whole part if that has more. */
function number(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3));
}
