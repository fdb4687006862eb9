/**
 * Full handshakes over TCP on the loopback interface, one after another: both sides in this process, by the wall clock;
 * then one side here, with `node:tls` in another process as the other, by the CPU time of this one. The floor exchanges the
 * same flights with itself, over plain TCP.
 */
import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import { type Bench, contestBench } from './bench.ts';
import { type SuiteName, suiteOf, versions } from './configs.ts';
import { type Contender, cpuClock, timedAsync, wallClock } from './contest.ts';
import { Counterpart } from './counterpart.ts';
import { type ChainKind, chainKinds, webChain } from './pki.ts';
import { type Listener, openStack, otherEndOf, type StackName } from './stacks.ts';

export const handshakeLoopback: readonly Bench[] = versions.flatMap((version) =>
  chainKinds.flatMap((kind) => {
    const prefix = `handshake/full/${version}/${kind}`;
    const suite = suiteOf(version, kind);
    return [
      loopback(`${prefix}/loopback`, kind, suite),
      clientSide(`${prefix}/client`, kind, suite),
      serverSide(`${prefix}/server`, kind, suite),
    ];
  }),
);

function loopback(name: string, kind: ChainKind, suite: SuiteName): Bench {
  const shared = `${name}/shared-context`;
  return contestBench([name, shared], async () => {
    const chain = await webChain(kind);
    const listeners: Listener[] = [];
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, chain, suite);
      let accepted: (socket: Duplex) => void = () => {};
      const listener = await stack.listen((socket) => accepted(socket));
      listeners.push(listener);
      const handshake = async (): Promise<void> => {
        const serverSocket = new Promise<Duplex>((resolve) => (accepted = resolve));
        const client = await stack.connect(listener.port);
        const server = await serverSocket;
        client.destroy();
        server.destroy();
        // Or the closing of many would be what is measured next.
        if (!server.closed) await once(server, 'close');
      };
      return timedAsync(stack.name, handshake, wallClock);
    };
    return {
      contest: {
        unit: 'handshakes/s',
        ours: await contender('tyls'),
        peers: [
          { figure: name, ...(await contender('node')) },
          { figure: shared, ...(await contender('nodeShared')) },
        ],
        floor: await contender('floor'),
      },
      close: () => listeners.forEach((listener) => listener.close()),
    };
  });
}

function clientSide(name: string, kind: ChainKind, suite: SuiteName): Bench {
  const shared = `${name}/shared-context`;
  return contestBench([name, shared], async () => {
    const chain = await webChain(kind);
    const counterparts: Counterpart[] = [];
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, chain, suite);
      const counterpart = await Counterpart.open(otherEndOf(stackName), chain, suite);
      counterparts.push(counterpart);
      const port = await counterpart.listen();
      return timedAsync(stack.name, async () => {
        const socket = await stack.connect(port);
        socket.destroy();
        await once(socket, 'close');
      });
    };
    return {
      contest: {
        unit: 'handshakes/CPU s',
        ours: await contender('tyls'),
        peers: [
          { figure: name, ...(await contender('node')) },
          { figure: shared, ...(await contender('nodeShared')) },
        ],
        floor: await contender('floor'),
      },
      close: () => counterparts.forEach((counterpart) => counterpart.close()),
    };
  });
}

function serverSide(name: string, kind: ChainKind, suite: SuiteName): Bench {
  return contestBench([name], async () => {
    const chain = await webChain(kind);
    const closers: (() => void)[] = [];
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, chain, suite);
      const counterpart = await Counterpart.open(otherEndOf(stackName), chain, suite);
      let secured = 0;
      const listener = await stack.listen((socket) => {
        secured++;
        socket.resume();
      });
      closers.push(
        () => counterpart.close(),
        () => listener.close(),
      );
      return {
        name: stack.name,
        async run(times) {
          secured = 0;
          const seconds = cpuClock();
          await counterpart.connect(listener.port, times, false);
          const taken = seconds();
          if (secured !== times) throw new Error(`${secured} of ${times} handshakes came to their end`);
          return taken;
        },
      };
    };
    return {
      contest: {
        unit: 'handshakes/CPU s',
        ours: await contender('tyls'),
        peers: [{ figure: name, ...(await contender('node')) }],
        floor: await contender('floor'),
      },
      close: () => closers.forEach((close) => close()),
    };
  });
}
