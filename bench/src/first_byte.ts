/**
 * The first byte of an answer after `connect()`, over TCP on the loopback interface, both sides in this process: a server
 * sends it as soon as it has a connection. By the wall clock.
 */
import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import { type Bench, contestBench } from './bench.ts';
import { defaultSuite } from './configs.ts';
import { type Contender, timedAsync, wallClock } from './contest.ts';
import { webChain } from './pki.ts';
import { openStack, type StackName } from './stacks.ts';

const name = 'first-byte/tls13/ecdsa/loopback';

export const firstByte: Bench = contestBench([name, `${name}/shared-context`], async () => {
  const chain = await webChain('ecdsa');
  const closers: (() => void)[] = [];
  const contender = async (stackName: StackName): Promise<Contender> => {
    const stack = await openStack(stackName, chain, defaultSuite);
    const listener = await stack.listen((socket) => socket.on('error', () => {}).write('!'));
    closers.push(listener.close);
    return timedAsync(
      stack.name,
      async () => {
        const socket: Duplex = await stack.connect(listener.port);
        await once(socket, 'data');
        socket.destroy();
        await once(socket, 'close');
      },
      wallClock,
    );
  };
  return {
    contest: {
      unit: 'wall µs',
      ours: await contender('tyls'),
      peers: [
        { figure: name, ...(await contender('node')) },
        { figure: `${name}/shared-context`, ...(await contender('nodeShared')) },
      ],
      floor: await contender('floor'),
    },
    close: () => closers.forEach((close) => close()),
  };
});
