/** What people look at: each figure's ratio as a bar, to the right of 1 where tyls is better and to the left where it is not. */
import { type Figure } from './figure.ts';

const rowHeight = 18;
const nameWidth = 430;
const barsWidth = 360;
const valueWidth = 60;
/** The scale goes from its inverse to it, by powers of two; what is beyond is cut. */
const maxRatio = 8;

/** An SVG of a row for each figure, in their order. */
export function plotOf(figures: readonly Figure[]): string {
  const middle = nameWidth + barsWidth / 2;
  const x = (ratio: number): number => {
    const doublings = Math.log2(Math.min(Math.max(ratio, 1 / maxRatio), maxRatio));
    return middle + (doublings / Math.log2(maxRatio)) * (barsWidth / 2);
  };
  const width = nameWidth + barsWidth + valueWidth;
  const height = (figures.length + 2) * rowHeight;
  const rows = figures.map(({ name, peerName, ratio, spread: [low, high] }, row) => {
    const y = (row + 1) * rowHeight;
    const [from, to] = [Math.min(middle, x(ratio)), Math.max(middle, x(ratio))];
    const color = ratio >= 1 ? '#2a9d4a' : '#d1703c';
    return [
      `<text x="${nameWidth - 8}" y="${y + 13}" text-anchor="end">${name} : ${peerName}</text>`,
      `<rect x="${px(from)}" y="${y + 3}" width="${px(to - from)}" height="${rowHeight - 6}" fill="${color}"/>`,
      `<line x1="${px(x(low))}" x2="${px(x(high))}" y1="${y + 9}" y2="${y + 9}" stroke="#333"/>`,
      `<text x="${width - 8}" y="${y + 13}" text-anchor="end">${ratio.toFixed(2)}</text>`,
    ].join('\n');
  });
  const ticks = [1 / 4, 1 / 2, 1, 2, 4].map((ratio) => {
    const at = px(x(ratio));
    const label = ratio < 1 ? `1/${1 / ratio}` : `${ratio}`;
    return [
      `<line x1="${at}" x2="${at}" y1="${rowHeight}" y2="${height - rowHeight}" stroke="${ratio === 1 ? '#333' : '#ccc'}"/>`,
      `<text x="${at}" y="13" text-anchor="middle">${label}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${[...ticks, ...rows].join('\n')}
</svg>
`;
}

function px(value: number): string {
  return value.toFixed(1);
}
