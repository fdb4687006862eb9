/**
 * Full handshakes over TCP on the loopback interface, one after another: both sides in this process, by the wall clock;
 * then one side here, with `node:tls` in another process as the other, by the CPU time of this one.
 */
import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import { type Bench, contestBench } from './bench.ts';
import { type SuiteName, suiteOf, versions } from './configs.ts';
import { type Contender, cpuClock, timedAsync, wallClock } from './contest.ts';
import { Counterpart } from './counterpart.ts';
import { type ChainKind, chainKinds, type WebChain, webChain } from './pki.ts';
import { type Listener, openStack, type StackName } from './stacks.ts';

const contenders: readonly StackName[] = ['tyls', 'node', 'nodeShared'];

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
    const opened = await Promise.all(contenders.map((stack) => bothSides(stack, chain, suite)));
    const [ours, node, nodeShared] = opened.map(({ contender }) => contender) as [Contender, Contender, Contender];
    return {
      contest: {
        unit: 'handshakes/s',
        ours,
        peers: [
          { figure: name, ...node },
          { figure: shared, ...nodeShared },
        ],
      },
      close: () => opened.forEach(({ listener }) => listener.close()),
    };
  });
}

async function bothSides(
  name: StackName,
  chain: WebChain,
  suite: SuiteName,
): Promise<{ readonly contender: Contender; readonly listener: Listener }> {
  const stack = await openStack(name, chain, suite);
  let accepted: (socket: Duplex) => void = () => {};
  const listener = await stack.listen((socket) => accepted(socket));
  const handshake = async (): Promise<void> => {
    const serverSocket = new Promise<Duplex>((resolve) => (accepted = resolve));
    const client = await stack.connect(listener.port);
    const server = await serverSocket;
    client.destroy();
    server.destroy();
    // Or the closing of many would be what is measured next.
    if (!server.closed) await once(server, 'close');
  };
  return { contender: timedAsync(stack.name, handshake, wallClock), listener };
}

function clientSide(name: string, kind: ChainKind, suite: SuiteName): Bench {
  const shared = `${name}/shared-context`;
  return contestBench([name, shared], async () => {
    const chain = await webChain(kind);
    const counterpart = await Counterpart.open('nodeShared', chain, suite);
    const port = await counterpart.listen();
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, chain, suite);
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
      },
      close: () => counterpart.close(),
    };
  });
}

function serverSide(name: string, kind: ChainKind, suite: SuiteName): Bench {
  return contestBench([name], async () => {
    const chain = await webChain(kind);
    const counterpart = await Counterpart.open('nodeShared', chain, suite);
    const listeners: Listener[] = [];
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, chain, suite);
      const listener = await stack.listen((socket) => socket.resume());
      listeners.push(listener);
      return {
        name: stack.name,
        async run(times) {
          const seconds = cpuClock();
          await counterpart.connect(listener.port, times, false);
          return seconds();
        },
      };
    };
    return {
      contest: {
        unit: 'handshakes/CPU s',
        ours: await contender('tyls'),
        peers: [{ figure: name, ...(await contender('node')) }],
      },
      close() {
        counterpart.close();
        for (const listener of listeners) listener.close();
      },
    };
  });
}
