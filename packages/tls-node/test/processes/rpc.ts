/** Programs of the tests, run as processes of their own, whose functions are called from here. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../../testing/src/bundle.ts';

type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: readonly never[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** In a program: answers calls of these, until the process that started it is gone. */
export function answerCalls(functions: Functions): void {
  process.on('message', ({ id, name, args }: Call) => {
    const answer = (given: Omit<Answer, 'id'>): void => void process.send!({ id, ...given });
    Promise.resolve()
      .then(() => functions[name]!(...args))
      .then(
        (value) => answer({ value }),
        (error: Error) => answer({ error: error.message }),
      );
  });
  process.once('disconnect', () => process.exit());
}

/** A program that runs, by the type of its functions. */
export class Program<F extends Functions> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  constructor(path: string) {
    this.#child = fork(path, { serialization: 'advanced' });
    this.#child.on('message', ({ id, value, error }: Answer) => {
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    this.#child.once('close', (status) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the program ended: ${status}`));
    });
  }

  call<Name extends keyof F & string>(name: Name, ...args: Parameters<F[Name]>): Promise<Awaited<ReturnType<F[Name]>>> {
    const id = this.#calls++;
    this.#child.send({ id, name, args });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Bundles programs of this folder. @returns what starts one, and what removes the bundles */
export async function programs(
  ...names: readonly string[]
): Promise<{ path: (name: string) => string; remove: () => void }> {
  const here = fileURLToPath(new URL('./', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'tyls-processes-'));
  await bundle(
    names.map((name) => join(here, `${name}.ts`)),
    folder,
  );
  return {
    path: (name) => join(folder, `${name}.mjs`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
