/**
 * Application data over TCP on the loopback interface: one end here, `node:tls` in another process as the other. By the
 * wall clock, where the slower end decides, and by the CPU time of this process, where only this end counts.
 */
import { type Duplex } from 'node:stream';
import { opening, sealing } from './aead.ts';
import { type Bench, contestBench } from './bench.ts';
import { writeSizes } from './bulk_memory.ts';
import { bulkSuiteNames, type SuiteName } from './configs.ts';
import { type Clock, type Contender, cpuClock, wallClock } from './contest.ts';
import { Counterpart } from './counterpart.ts';
import { webChain } from './pki.ts';
import { openStack, type StackName, stackNames } from './stacks.ts';
import { receiveBytes, sendBytes } from './streams.ts';

const recordSize = 16_384;

type Direction = 'send' | 'receive';

const clocks: readonly { readonly suffix: string; readonly clock: Clock; readonly unit: 'MB/s' | 'MB/CPU s' }[] = [
  { suffix: '', clock: wallClock, unit: 'MB/s' },
  { suffix: '/cpu', clock: cpuClock, unit: 'MB/CPU s' },
];

/** How small the writes of a peer are shows in its records, and those are not always what was written. */
const fullWrites = writeSizes.slice(0, 1);

export const bulkLoopback: readonly Bench[] = bulkSuiteNames.flatMap((suite) =>
  (['send', 'receive'] as const).flatMap((direction) =>
    (direction === 'send' ? writeSizes : fullWrites).flatMap(({ bytes, suffix: size }) =>
      clocks.map(({ suffix, clock, unit }) => {
        const name = `bulk/${direction}/${suite}/loopback${size}${suffix}`;
        return contestBench([name], async () => {
          const ours = await open('tyls', direction, suite, bytes, clock);
          const node = await open('node', direction, suite, bytes, clock);
          // Small writes that wait for their turn are joined: full records are the floor for all.
          const record = Buffer.alloc(recordSize, 'tyls');
          const [seal, unseal] = [sealing(suite, record), opening(suite)];
          const sealed = seal();
          const aead = direction === 'send' ? seal : () => unseal(sealed);
          const floor: Contender = {
            name: 'the AEAD alone',
            run(times) {
              const seconds = clock();
              for (let left = times * bytes; left > 0; left -= recordSize) aead();
              return seconds();
            },
          };
          return {
            contest: { unit, amount: bytes / 1e6, ours, peers: [{ figure: name, ...node }], floor },
            close() {
              ours.close();
              node.close();
            },
          };
        });
      }),
    ),
  ),
);

interface Opened extends Contender {
  readonly close: () => void;
}

async function open(
  stackName: StackName,
  direction: Direction,
  suite: SuiteName,
  writeSize: number,
  clock: Clock,
): Promise<Opened> {
  const chain = await webChain('ecdsa');
  const stack = await openStack(stackName, chain, suite);
  const counterpart = await Counterpart.open('nodeShared', chain, suite);
  const socket = await stack.connect(await counterpart.listen());
  const transfer = direction === 'send' ? sending(socket, counterpart) : receiving(socket, counterpart);
  return {
    name: stackNames[stackName],
    async run(times) {
      const seconds = clock();
      await transfer(times * writeSize, writeSize);
      return seconds();
    },
    close() {
      socket.destroy();
      counterpart.close();
    },
  };
}

type Transfer = (bytes: number, writeSize: number) => Promise<void>;

function sending(socket: Duplex, counterpart: Counterpart): Transfer {
  return async (bytes, writeSize) => {
    const received = counterpart.receive(bytes);
    await sendBytes(socket, bytes, writeSize);
    await received;
  };
}

function receiving(socket: Duplex, counterpart: Counterpart): Transfer {
  return async (bytes, writeSize) => {
    const received = receiveBytes(socket, bytes);
    await counterpart.send(bytes, writeSize);
    await received;
  };
}
