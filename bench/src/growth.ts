/**
 * How cost grows: full handshakes of a server that has so many idle connections open, and application data sent over so many
 * connections at a time. Over TCP on the loopback interface, by the CPU time of the process that is measured.
 */
import { type Duplex } from 'node:stream';
import { type Bench, contestBench } from './bench.ts';
import { defaultSuite } from './configs.ts';
import { type Contender, cpuClock, type Peer } from './contest.ts';
import { Counterpart } from './counterpart.ts';
import { webChain } from './pki.ts';
import { openStack, otherEndOf, type StackName, stackNames } from './stacks.ts';
import { sendBytes } from './streams.ts';

/** Divides by every number of connections, and by 16 KiB then. */
const bytesInAll = 3_276_800;
const writeSize = 16_384;

type Closing = (() => void)[];
type Open = (stack: StackName, closing: Closing) => Promise<Contender>;

export const growth: readonly Bench[] = [
  ...[1, 100, 1000, 10_000].map((open) =>
    growing(
      `growth/handshakes/open-${open}`,
      'handshakes/CPU s',
      1,
      (stack, closing) => handshakesBeside(open, stack, closing),
      'floor',
    ),
  ),
  ...[1, 10, 100].map((connections) =>
    growing(`growth/bulk/send/connections-${connections}`, 'MB/CPU s', bytesInAll / 1e6, (stack, closing) =>
      sendingOver(connections, stack, closing),
    ),
  ),
];

function growing(
  name: string,
  unit: 'handshakes/CPU s' | 'MB/CPU s',
  amount: number,
  open: Open,
  floorStack?: StackName,
): Bench {
  return contestBench([name], async () => {
    const closing: Closing = [];
    const ours = await open('tyls', closing);
    const peer: Peer = { figure: name, ...(await open('node', closing)) };
    const floor = floorStack === undefined ? undefined : await open(floorStack, closing);
    return { contest: { unit, amount, ours, peers: [peer], floor }, close: () => closing.forEach((close) => close()) };
  });
}

/** The server in a process of its own: two with 10 000 connections each would be more than one may have. */
async function handshakesBeside(idle: number, stack: StackName, closing: Closing): Promise<Contender> {
  const chain = await webChain('ecdsa');
  const server = await Counterpart.open(stack, chain, defaultSuite);
  const client = await Counterpart.open(otherEndOf(stack), chain, defaultSuite);
  closing.push(
    () => client.close(),
    () => server.close(),
  );
  const port = await server.listen();
  await client.connect(port, idle, true);
  return {
    name: stackNames[stack],
    async run(times) {
      const before = await server.cpuSeconds();
      await client.connect(port, times, false);
      return (await server.cpuSeconds()) - before;
    },
  };
}

async function sendingOver(connections: number, stackName: StackName, closing: Closing): Promise<Contender> {
  const chain = await webChain('ecdsa');
  const stack = await openStack(stackName, chain, 'aes128gcm');
  const counterpart = await Counterpart.open('nodeShared', chain, 'aes128gcm');
  const port = await counterpart.listen();
  const sockets: Duplex[] = [];
  for (let i = 0; i < connections; i++) sockets.push(await stack.connect(port));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    counterpart.close();
  });
  return {
    name: stackNames[stackName],
    async run(times) {
      const each = (times * bytesInAll) / connections;
      const seconds = cpuClock();
      const received = counterpart.receive(each, connections);
      await Promise.all(sockets.map((socket) => sendBytes(socket, each, writeSize)));
      await received;
      return seconds();
    },
  };
}
