/** Programs run as peers: started with a clean environment, watched by what they print, ended by their own handle. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { type Writable } from 'node:stream';
import { Output } from './output.ts';

export interface PeerProcessOptions {
  /** Added to the environment, which otherwise has nothing that changes whom a peer trusts. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * Takes the bytes over 0x7f that come on stdout: application data of {@link bulk}, which mixes there with the ASCII
   * that a peer prints.
   */
  readonly onData?: ((data: Buffer) => void) | undefined;
}

const running = new Set<ChildProcessWithoutNullStreams>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One run of a program. */
export class PeerProcess {
  readonly output: Output = new Output();
  /** Resolves to the exit status, `null` after a signal, once all output is here. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(command: string, args: readonly string[], { env, onData }: PeerProcessOptions = {}) {
    const child = spawn(command, args, { env: { ...cleanEnvironment(), ...env } });
    const print = (chunk: Buffer): void => this.output.add(chunk.toString('latin1'));
    this.#child = child;
    running.add(child);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => this.output.add(`cannot run ${command}: ${error.message}`));
      child.once('close', (status) => {
        running.delete(child);
        this.output.end();
        resolve(status);
      });
    });
    // A peer that ends before it has read everything: what it printed says why.
    child.stdin.on('error', () => {});
    child.stderr.on('data', print);
    child.stdout.on('data', onData === undefined ? print : (chunk: Buffer) => separate(chunk, onData, print));
  }

  /** Its standard input. */
  get stdin(): Writable {
    return this.#child.stdin;
  }

  /** Ends it, if it still runs, and waits until it has. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

/** Runs a program that ends by itself and gives what it printed; rejects if it fails. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const program = new PeerProcess(command, args);
  program.stdin.end();
  const status = await program.exited;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${status}:\n${program.output.text}`);
  return program.output.text;
}

/** Splits a chunk into runs of bytes over 0x7f and runs of others. */
function separate(chunk: Buffer, data: (run: Buffer) => void, text: (run: Buffer) => void): void {
  for (let start = 0; start < chunk.length;) {
    const isData = chunk[start]! > 0x7f;
    let end = start + 1;
    while (end < chunk.length && chunk[end]! > 0x7f === isData) end++;
    (isData ? data : text)(chunk.subarray(start, end));
    start = end;
  }
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C' };
  for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'SSLKEYLOGFILE']) delete env[name];
  return env;
}
