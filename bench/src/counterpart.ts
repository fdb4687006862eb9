/**
 * The other end of connections over TCP, in a process of its own, so that neither its CPU time nor its memory is counted.
 * It is asked for one thing at a time, and answers when that is done.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type SuiteName } from './configs.ts';
import { type WebChain } from './pki.ts';
import { openStack, type Stack, type StackName } from './stacks.ts';
import { receiveBytes, sendBytes } from './streams.ts';

export interface Memory {
  /** Resident set, in bytes. */
  readonly resident: number;
  /** Of JavaScript, with what hangs on it outside, in bytes. */
  readonly heap: number;
  /** The greatest resident set until now, in bytes. */
  readonly peak: number;
}

type Request =
  /** First of all. */
  | { readonly do: 'open'; readonly stack: StackName; readonly chain: WebChain; readonly suite: SuiteName }
  /** Answers the port. Keeps every connection. */
  | { readonly do: 'listen' }
  /** Connects so many times, one after another, and closes each or keeps it. */
  | { readonly do: 'connect'; readonly port: number; readonly times: number; readonly keep: boolean }
  /** Reads so many bytes from each of the newest connections. */
  | { readonly do: 'receive'; readonly bytes: number; readonly connections: number }
  /** Sends so many bytes over each of the newest connections, at a time. */
  | { readonly do: 'send'; readonly bytes: number; readonly writeSize: number; readonly connections: number }
  | { readonly do: 'memory' }
  /** Answers the CPU time of the process until now, in seconds. */
  | { readonly do: 'cpu' };

type Answer = { readonly value: unknown } | { readonly error: string };

export class Counterpart {
  readonly #process;

  private constructor(process: ReturnType<typeof fork>) {
    this.#process = process;
  }

  static async open(stack: StackName, chain: WebChain, suite: SuiteName): Promise<Counterpart> {
    const child = fork(fileURLToPath(import.meta.url), ['serve'], {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
    });
    const counterpart = new Counterpart(child);
    await counterpart.#ask({ do: 'open', stack, chain, suite });
    return counterpart;
  }

  listen(): Promise<number> {
    return this.#ask({ do: 'listen' }) as Promise<number>;
  }

  async connect(port: number, times: number, keep: boolean): Promise<void> {
    await this.#ask({ do: 'connect', port, times, keep });
  }

  async receive(bytes: number, connections: number = 1): Promise<void> {
    await this.#ask({ do: 'receive', bytes, connections });
  }

  async send(bytes: number, writeSize: number, connections: number = 1): Promise<void> {
    await this.#ask({ do: 'send', bytes, writeSize, connections });
  }

  cpuSeconds(): Promise<number> {
    return this.#ask({ do: 'cpu' }) as Promise<number>;
  }

  memory(): Promise<Memory> {
    return this.#ask({ do: 'memory' }) as Promise<Memory>;
  }

  async #ask(request: Request): Promise<unknown> {
    this.#process.send(request);
    const [answer] = (await once(this.#process, 'message')) as [Answer];
    if ('error' in answer) throw new Error(`the counterpart failed: ${answer.error}`);
    return answer.value;
  }

  /** Ends the process. */
  close(): void {
    this.#process.disconnect();
  }
}

/**
 * Ends it, and waits for the other side to do so too. Destroyed right after its handshake, a client of `node:tls` takes its
 * Finished along, and the server never comes to the end of the handshake.
 */
async function closed(socket: Duplex): Promise<void> {
  socket.resume().end();
  if (!socket.closed) await once(socket, 'close');
}

function serve(): void {
  let stack: Stack;
  const connections: Duplex[] = [];
  const keep = (socket: Duplex): void => void connections.push(socket.on('error', () => {}));
  const newest = async (count: number): Promise<readonly Duplex[]> => {
    // The other side may know of the handshake's end before this one does.
    while (connections.length < count) await new Promise((resolve) => setImmediate(resolve));
    return connections.slice(-count);
  };
  const answers = async (request: Request): Promise<unknown> => {
    switch (request.do) {
      case 'open':
        stack = await openStack(request.stack, request.chain, request.suite);
        return;
      case 'listen':
        return (await stack.listen(keep)).port;
      case 'connect':
        for (let i = 0; i < request.times; i++) {
          const socket = await stack.connect(request.port);
          if (request.keep) keep(socket);
          else await closed(socket);
        }
        return;
      case 'receive':
        await Promise.all((await newest(request.connections)).map((one) => receiveBytes(one, request.bytes)));
        return;
      case 'send':
        await Promise.all(
          (await newest(request.connections)).map((one) => sendBytes(one, request.bytes, request.writeSize)),
        );
        return;
      case 'cpu': {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      }
      case 'memory': {
        for (let i = 0; i < 4; i++) {
          globalThis.gc?.();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const { rss, heapUsed, external } = process.memoryUsage();
        const peak = process.resourceUsage().maxRSS * 1024;
        return { resident: rss, heap: heapUsed + external, peak } satisfies Memory;
      }
    }
  };
  process.on('message', (request: Request) => {
    void answers(request).then(
      (value) => process.send!({ value }),
      (error: unknown) => process.send!({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) serve();
