/**
 * Contenders that do the same job, measured in turn.
 *
 * Not by tinybench: that runs a task to its end before it begins the next, and on a machine that others use too, or that
 * changes its clock, the two are then measured at different speeds. Here every contender has its turn in every round, in
 * an order that is reversed each time, and the ratio is that of the medians.
 *
 * No garbage is collected between turns: V8 drops compiled code that was not used for a few full collections, and those
 * who are made of JavaScript would be measured while they are compiled again.
 */
import { type Awaitable } from '@tyls/tls-core';
import { type Figure, figureOf, isRate, type Samples, type Unit } from './figure.ts';

export interface Contender {
  readonly name: string;
  /** Does the job so many times. @returns the seconds that this took, by whichever clock the figure is of */
  readonly run: (times: number) => Awaitable<number>;
}

/** The peer of one figure. */
export interface Peer extends Contender {
  /** Its figure's name. */
  readonly figure: string;
}

export interface Contest {
  readonly unit: Unit;
  /** How much of a rate's unit doing the job once is; 1 by default. */
  readonly amount?: number | undefined;
  readonly ours: Contender;
  /** Those whose figures are asked for take part. */
  readonly peers: readonly Peer[];
  readonly floor?: Contender | undefined;
}

/** How long a run may take. */
export interface Effort {
  readonly rounds: number;
  /** Of each contender in each round, about. */
  readonly turnSeconds: number;
  /**
   * Of each contender before the first round, for the compiler. CPU time, since on a busy machine the clock would say that
   * it is warm too early; but at most four times as long by the clock, for jobs that wait.
   */
  readonly warmUpSeconds: number;
  /** Of handshakes: it takes V8 some 5 000 to have compiled all of one, and one of the first takes three times as long. */
  readonly handshakeWarmUpSeconds: number;
}

export const fullEffort: Effort = { rounds: 11, turnSeconds: 0.25, warmUpSeconds: 3, handshakeWarmUpSeconds: 8 };
export const quickEffort: Effort = { rounds: 3, turnSeconds: 0.04, warmUpSeconds: 0.2, handshakeWarmUpSeconds: 0.2 };

/** Units of what has handshakes in it. */
const withHandshakes: ReadonlySet<Unit> = new Set(['handshakes/s', 'handshakes/CPU s', 'requests/CPU s', 'wall µs']);

export async function compete(contest: Contest, effort: Effort): Promise<Figure[]> {
  const { unit, amount = 1, ours, peers, floor } = contest;
  // One may be the peer of several figures, and the floor too.
  const contenders = new Map([ours, ...peers, ...(floor === undefined ? [] : [floor])].map((one) => [one.run, one]));
  const warmUp = withHandshakes.has(unit) ? effort.handshakeWarmUpSeconds : effort.warmUpSeconds;
  const turns: { readonly contender: Contender; readonly times: number; readonly values: number[] }[] = [];
  for (const contender of contenders.values()) {
    turns.push({ contender, times: await timesFor(contender, effort.turnSeconds, warmUp), values: [] });
  }
  for (let round = 0; round < effort.rounds; round++) {
    for (const { contender, times, values } of round % 2 === 0 ? turns : turns.toReversed()) {
      const seconds = await contender.run(times);
      values.push(isRate(unit) ? (times * amount) / seconds : (seconds / times) * 1e6);
    }
  }
  const valuesOf = (one: Contender): number[] => turns.find(({ contender }) => contender.run === one.run)!.values;
  return peers.map((peer) => {
    const samples: Samples = { name: peer.name, values: valuesOf(peer) };
    return figureOf(peer.figure, unit, valuesOf(ours), samples, floor === undefined ? undefined : valuesOf(floor));
  });
}

/** How many times fill a turn: found by doing it twice as often each time, until the compiler has had its time too. */
async function timesFor({ run }: Contender, turnSeconds: number, warmUpSeconds: number): Promise<number> {
  const [elapsed, busy] = [wallClock(), cpuClock()];
  for (let times = 1; ;) {
    const seconds = await run(times);
    const isWarm = busy() >= warmUpSeconds || elapsed() >= 4 * warmUpSeconds;
    if (isWarm && seconds > turnSeconds / 8) {
      return Math.max(1, Math.round((times * turnSeconds) / seconds));
    }
    if (seconds < turnSeconds) times *= 2;
  }
}

/** Starts to measure; what it returns says how many seconds it has been. */
export type Clock = () => () => number;

export const wallClock: Clock = () => {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
};

/** Of all threads of this process: what others on the machine are doing shows little, and waiting not at all. */
export const cpuClock: Clock = () => {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
};

/** A job that is done when it returns. */
export function timed(name: string, job: () => unknown): Contender {
  return {
    name,
    run(times) {
      const seconds = cpuClock();
      for (let i = 0; i < times; i++) job();
      return seconds();
    },
  };
}

/** A job that is done when its promise is settled; one after another. */
export function timedAsync(name: string, job: () => PromiseLike<unknown>, clock: Clock = cpuClock): Contender {
  return {
    name,
    async run(times) {
      const seconds = clock();
      for (let i = 0; i < times; i++) await job();
      return seconds();
    },
  };
}
