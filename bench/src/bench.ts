/** A measurement that is set up when somebody asks for it. */
import { type Awaitable } from '@tyls/tls-core';
import { compete, type Contest, type Effort } from './contest.ts';
import { type Figure } from './figure.ts';

export interface Bench {
  /** Of every figure that it may give. */
  readonly names: readonly string[];
  /** @param wants whether a figure is asked for; what nobody asks for is not measured */
  readonly run: (effort: Effort, wants: (name: string) => boolean) => Promise<Figure[]>;
}

/** A {@link Contest}, and what ends it. */
export interface Arena {
  readonly contest: Contest;
  readonly close?: (() => Awaitable<void>) | undefined;
}

/** @param names of the figures of the contest's peers */
export function contestBench(names: readonly string[], open: () => Awaitable<Arena>): Bench {
  return {
    names,
    async run(effort, wants) {
      const { contest, close } = await open();
      try {
        return await compete({ ...contest, peers: contest.peers.filter(({ figure }) => wants(figure)) }, effort);
      } finally {
        await close?.();
      }
    },
  };
}
