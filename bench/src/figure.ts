/** What a run of the bench says: one figure beside its peer's. */

/** As it stands in the file that `--json` writes. */
export interface Figure {
  /** Such as `handshake/full/tls13/ecdsa/memory`. */
  readonly name: string;
  /** Of `ours`, `peer` and `floor`. A rate is the better the greater it is; anything else, the smaller. */
  readonly unit: Unit;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  /** Above 1 where tyls is better: `ours / peer` for a rate, else `peer / ours`. */
  readonly ratio: number;
  /** What no implementation on the same primitives can do better than; `null` where that was not measured. */
  readonly floor: number | null;
  /** Lower and upper quartile of the ratios of the single rounds: how far to trust `ratio`. */
  readonly spread: readonly [number, number];
}

export type Rate = 'handshakes/s' | 'handshakes/CPU s' | 'MB/s' | 'MB/CPU s' | 'requests/CPU s';
export type Unit = Rate | 'CPU µs' | 'wall µs' | 'bytes';

export function isRate(unit: Unit): unit is Rate {
  return unit.includes('/');
}

/** What one of those that are compared has measured: a value for each round, in the order of the rounds. */
export interface Samples {
  readonly name: string;
  readonly values: readonly number[];
}

/** The figure that samples of the same rounds make. */
export function figureOf(
  name: string,
  unit: Unit,
  ours: readonly number[],
  peer: Samples,
  floor: readonly number[] | undefined,
): Figure {
  const ratio = (our: number, their: number): number => (isRate(unit) ? our / their : their / our);
  const ratios = ours.map((value, round) => ratio(value, peer.values[round]!));
  const [ourMedian, peerMedian] = [quantile(ours, 0.5), quantile(peer.values, 0.5)];
  return {
    name,
    unit,
    ours: ourMedian,
    peer: peerMedian,
    peerName: peer.name,
    ratio: ratio(ourMedian, peerMedian),
    floor: floor === undefined ? null : quantile(floor, 0.5),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

/** Linear between the two values next to it. @param at 0 to 1 */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = at * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  if (below === undefined || above === undefined) throw new RangeError('no values');
  return below + (above - below) * (position - Math.floor(position));
}
