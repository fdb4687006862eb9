import { expect, test } from 'vitest';
import { compete, type Contender, type Effort } from '../src/contest.ts';

const effort: Effort = { rounds: 4, turnSeconds: 1, warmUpSeconds: 0, handshakeWarmUpSeconds: 0 };

/** Takes as long as it says and does nothing; writes down its turns of the contest, which are full ones. */
function pretending(name: string, secondsEach: number, turns: string[]): Contender {
  return {
    name,
    run(times) {
      if (times * secondsEach === effort.turnSeconds) turns.push(name);
      return times * secondsEach;
    },
  };
}

test('everybody has a turn as long as that of the others in every round, in an order that is reversed each time', async () => {
  const turns: string[] = [];
  const ours = pretending('tyls', 0.1, turns);
  const peer = pretending('peer', 0.2, turns);
  const floor = pretending('floor', 0.05, turns);
  const figures = await compete({ unit: 'MB/s', amount: 3, ours, peers: [{ figure: 'a', ...peer }], floor }, effort);
  expect(turns.join(' ')).toBe('tyls peer floor floor peer tyls tyls peer floor floor peer tyls');
  const [our, their, possible] = [30, 15, 60].map((rate): unknown => expect.closeTo(rate));
  expect(figures).toMatchObject([{ name: 'a', ours: our, peer: their, peerName: 'peer', ratio: 2, floor: possible }]);
});

test('one who is the floor and the peer of two figures is measured once', async () => {
  const turns: string[] = [];
  const peer = pretending('peer', 0.2, turns);
  const peers = [
    { figure: 'a', ...peer },
    { figure: 'b', ...peer },
  ];
  const figures = await compete({ unit: 'CPU µs', ours: pretending('tyls', 0.1, turns), peers, floor: peer }, effort);
  expect(figures.map(({ name, ratio, floor }) => [name, ratio, floor])).toEqual([
    ['a', 2, 200_000],
    ['b', 2, 200_000],
  ]);
  expect(turns).toHaveLength(2 * effort.rounds);
});
