/**
 * What a full handshake allocates: both sides in memory, as in `handshake_memory.ts`, in a process of its own whose young
 * generation is so large that garbage is collected seldom: how much the JavaScript heap and what hangs on it grow by 50
 * handshakes. The median of the turns in which nothing was collected; none is forced, since V8 would drop compiled code.
 *
 * What OpenSSL allocates for itself is not counted: keys and hashes on both sides, and with `node:tls` all of TLS.
 */
import { execFile } from 'node:child_process';
import { createSecureContext, createServer } from 'node:tls';
import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Bench } from './bench.ts';
import { defaultSuite, nodeOptions, tylsConfigs } from './configs.ts';
import { fullEffort } from './contest.ts';
import { type Figure, figureOf, quantile } from './figure.ts';
import { handshakePrimitives } from './handshake_floor.ts';
import { nodeHandshake, tylsHandshake } from './handshake_memory.ts';
import { webChain } from './pki.ts';
import { stackNames } from './stacks.ts';

type Subject = 'tyls' | 'node' | 'nodeShared' | 'floor';

const peers = [
  { peer: 'node', figure: 'memory/handshake' },
  { peer: 'nodeShared', figure: 'memory/handshake/shared-context' },
] as const;

/** Enough for the optimizing compiler; what it has compiled allocates less. */
const warmUp = { full: 3000, quick: 200 };
const handshakes = 50;
const turns = 9;

export const handshakeAllocation: Bench = {
  names: peers.map(({ figure }) => figure),
  async run(effort, wants) {
    const full = effort.rounds >= fullEffort.rounds;
    const before = full ? warmUp.full : warmUp.quick;
    const measure = async (subject: Subject): Promise<number[]> => {
      const values: number[] = [];
      for (let round = 0; round < (full ? 3 : 1); round++) values.push(await allocatedBy(subject, before));
      return values;
    };
    const [ours, floor] = [await measure('tyls'), await measure('floor')];
    const figures: Figure[] = [];
    for (const { peer, figure } of peers.filter((one) => wants(one.figure))) {
      const samples = { name: stackNames[peer], values: await measure(peer) };
      figures.push(figureOf(figure, 'bytes', ours, samples, floor));
    }
    return figures;
  },
};

async function allocatedBy(subject: Subject, before: number): Promise<number> {
  const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256'];
  const program = [fileURLToPath(import.meta.url), subject, String(before)];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...program]);
  return Number(stdout);
}

async function jobOf(subject: Subject): Promise<() => unknown> {
  const chain = await webChain('ecdsa');
  if (subject === 'floor') return handshakePrimitives(chain, 'tls13');
  if (subject === 'tyls') {
    const configs = await tylsConfigs(chain, defaultSuite);
    return () => tylsHandshake(configs);
  }
  const { client, server: options } = nodeOptions(chain, defaultSuite);
  const server = createServer(options);
  const connection = subject === 'node' ? client : { ...client, secureContext: createSecureContext(client) };
  return () => nodeHandshake(server, connection);
}

async function allocate(subject: Subject, before: number): Promise<void> {
  const job = await jobOf(subject);
  for (let i = 0; i < before; i++) await job();
  let collections = 0;
  new PerformanceObserver((list) => (collections += list.getEntries().length)).observe({ entryTypes: ['gc'] });
  const values: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    await settled();
    const [start, collected] = [allocated(), collections];
    for (let i = 0; i < handshakes; i++) await job();
    const bytes = allocated() - start;
    await settled();
    if (collections === collected) values.push(bytes / handshakes);
  }
  process.stdout.write(String(quantile(values, 0.5)));
}

/** Bytes of the JavaScript heap, and what is outside it for its objects. */
function allocated(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Streams that are destroyed close later, and collections are reported later. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await allocate(process.argv[2] as Subject, Number(process.argv[3]));
