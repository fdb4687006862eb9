/**
 * Requests over HTTP/1.1: a server of `node:http` here, on each of the TLS servers, with h2load (Debian's nghttp2-client) in
 * another process as its clients. By the CPU time of this process. h2load verifies nothing; that is not what is measured. The
 * floor is the same over plain TCP.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { type Bench, contestBench } from './bench.ts';
import { defaultSuite } from './configs.ts';
import { type Contender, cpuClock } from './contest.ts';
import { webChain } from './pki.ts';
import { type Listener, openStack, type StackName } from './stacks.ts';

const execute = promisify(execFile);

/** At a time, each with one request after another or with one in all. */
const connections = 16;

interface Load {
  readonly name: string;
  /** In each job. */
  readonly requests: number;
  readonly run: (jobs: number, url: string) => Promise<void>;
}

const loads: readonly Load[] = [
  {
    name: 'https/keep-alive',
    // So that the handshakes do not count.
    requests: 2000,
    async run(jobs, url) {
      for (let i = 0; i < jobs; i++) await h2load(url, 2000, connections);
    },
  },
  {
    name: 'https/close',
    requests: connections,
    async run(jobs, url) {
      for (let i = 0; i < jobs; i++) await h2load(url, connections, connections);
    },
  },
];

async function h2load(url: string, requests: number, clients: number): Promise<void> {
  const counts = ['-n', String(requests), '-c', String(clients)];
  const { stdout } = await execute('h2load', ['--h1', ...counts, url]);
  if (!stdout.includes(` ${requests} succeeded`)) throw new Error(`h2load: ${stdout}`);
}

async function isInstalled(): Promise<boolean> {
  try {
    await execute('h2load', ['--version']);
    return true;
  } catch (error) {
    if ((error as ExecFileException).code === 'ENOENT') return false;
    throw error;
  }
}

export const https: readonly Bench[] = loads.map(({ name, requests, run: load }) => {
  const bench = contestBench([name], async () => {
    const listeners: Listener[] = [];
    const contender = async (stackName: StackName): Promise<Contender> => {
      const stack = await openStack(stackName, await webChain('ecdsa'), defaultSuite);
      const server = createServer((_request, response) => response.end('Hello over TLS\n'));
      const listener = await stack.listen((socket) => server.emit('connection', socket));
      listeners.push(listener);
      const url = `${stackName === 'tcp' ? 'http' : 'https'}://127.0.0.1:${listener.port}/`;
      return {
        name: stack.name,
        async run(times) {
          const seconds = cpuClock();
          await load(times, url);
          return seconds();
        },
      };
    };
    return {
      contest: {
        unit: 'requests/CPU s',
        amount: requests,
        ours: await contender('tyls'),
        peers: [{ figure: name, ...(await contender('node')) }],
        floor: await contender('tcp'),
      },
      close: () => listeners.forEach((listener) => listener.close()),
    };
  });
  return {
    names: bench.names,
    async run(effort, wants) {
      if (await isInstalled()) return bench.run(effort, wants);
      console.error(`${name} is left out: there is no h2load (of Debian's nghttp2-client)`);
      return [];
    },
  };
});
