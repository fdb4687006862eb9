/**
 * What a connection costs that nobody uses: how much larger the process has grown by so many of them, once garbage is
 * collected. And one that is busy: how much larger the process was at most while data came in over all of them. Each is measured in a process of its own, since memory that was in use once is not given back.
 */
import { type Bench } from './bench.ts';
import { defaultSuite } from './configs.ts';
import { fullEffort } from './contest.ts';
import { Counterpart, type Memory } from './counterpart.ts';
import { type Figure, figureOf } from './figure.ts';
import { type WebChain, webChain } from './pki.ts';
import { otherEndOf, type StackName, stackNames } from './stacks.ts';

type Side = 'client' | 'server';

/** Besides the resident set, which is all there is to pay for, what of it is JavaScript's; OpenSSL's own is not in that. */
const measures = { '': 'resident', '/heap': 'heap' } as const;

/** What each busy connection receives, all of them at a time. */
const busyBytes = 262_144;
const writeSize = 16_384;

const contenders: readonly StackName[] = ['tyls', 'node', 'tcp'];

export const idleMemory: readonly Bench[] = [
  idle('memory/idle', 'server', 10_000),
  idle('memory/idle/client', 'client', 10_000),
  // Garbage that is not collected yet is part of it, as whoever pays for memory pays for that too.
  growthBy('memory/busy', 'server', 500, { '': 'peak' }, busyBytes),
  idle('growth/memory/connections-1000', 'server', 1000),
  idle('growth/memory/connections-100', 'server', 100),
];

function idle(prefix: string, side: Side, most: number): Bench {
  return growthBy(prefix, side, most, measures, 0);
}

function growthBy(
  prefix: string,
  side: Side,
  most: number,
  measured: Readonly<Record<string, keyof Memory>>,
  bytesEach: number,
): Bench {
  const named = Object.entries(measured).map(([suffix, measure]) => ({ name: prefix + suffix, measure }));
  return {
    names: named.map(({ name }) => name),
    async run(effort, wants) {
      const full = effort.rounds >= fullEffort.rounds;
      const [rounds, connections] = full ? [3, most] : [1, 100];
      const chain = await webChain('ecdsa');
      const samples: Memory[][] = contenders.map(() => []);
      for (let round = 0; round < rounds; round++) {
        for (const [i, stack] of contenders.entries())
          samples[i]!.push(await perConnection(stack, side, chain, connections, bytesEach));
      }
      return named
        .filter(({ name }) => wants(name))
        .map(({ name, measure }): Figure => {
          const [ours, node, tcp] = samples.map((memories) => memories.map((memory) => memory[measure]));
          return figureOf(name, 'bytes', ours!, { name: stackNames.node, values: node! }, tcp);
        });
    },
  };
}

async function perConnection(
  stack: StackName,
  side: Side,
  chain: WebChain,
  connections: number,
  bytesEach: number,
): Promise<Memory> {
  const subject = await Counterpart.open(stack, chain, defaultSuite);
  const other = await Counterpart.open(otherEndOf(stack), chain, defaultSuite);
  const [server, client] = side === 'server' ? [subject, other] : [other, subject];
  const port = await server.listen();
  // What is there once, or once for the first few, is no connection's.
  await client.connect(port, Math.ceil(connections / 10), true);
  const before = await subject.memory();
  await client.connect(port, connections, true);
  let after = await subject.memory();
  if (bytesEach > 0) {
    await Promise.all([subject.receive(bytesEach, connections), other.send(bytesEach, writeSize, connections)]);
    after = await subject.memory();
  }
  subject.close();
  other.close();
  return {
    resident: (after.resident - before.resident) / connections,
    heap: (after.heap - before.heap) / connections,
    peak: (after.peak - before.resident) / connections,
  };
}
