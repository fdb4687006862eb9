import { expect, test } from 'vitest';
import { TlsError } from '../../src/error.ts';
import { Runner, runToEnd } from '../../src/step/runner.ts';
import { isPromise, needInput, type Step, wait } from '../../src/step/step.ts';
import { rejection, settled } from '../helpers/promises.ts';

/** A promise that is settled by hand. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function* refuse(): Step<{ readonly secret: number }> {
  yield needInput;
  throw new Error('bad signature');
}

test('a bare step that threw looks finished; a runner throws the error for ever', () => {
  const bare = refuse();
  bare.next();
  expect(() => bare.next()).toThrow('bad signature');
  expect(bare.next()).toEqual({ done: true, value: undefined });

  const runner = new Runner(refuse());
  expect(runner.run()).toBeUndefined();
  for (let i = 0; i < 3; i++) expect(() => runner.run()).toThrow('bad signature');
  expect(() => runner.result).toThrow('bad signature');
});

test('runs that overlap wait for the same promise, and the step gets its value once', async () => {
  const { promise, resolve } = deferred<string>();
  const seen: unknown[] = [];
  function* slow(): Step<void> {
    seen.push(yield* wait(promise));
  }
  const runner = new Runner(slow());
  const first = runner.run();
  const second = runner.run();
  expect(isPromise(first)).toBe(true);
  expect(second).toBe(first);
  expect(runner.result).toBeUndefined();
  resolve('value');
  await first;
  expect(seen).toEqual(['value']);
  expect(runner.result).toEqual({ value: undefined });
  expect(runner.run()).toBeUndefined();
});

test('input that comes while a promise is open is found when the step goes on', async () => {
  const { promise, resolve } = deferred<void>();
  const input: number[] = [];
  const taken: number[] = [];
  function* take(): Step<void> {
    for (;;) {
      const next = input.shift();
      if (next === undefined) {
        yield needInput;
        continue;
      }
      yield* wait(next === 1 ? promise : undefined);
      taken.push(next);
      if (next === 3) return;
    }
  }
  const runner = new Runner(take());
  input.push(1);
  const running = runner.run();
  input.push(2);
  expect(runner.run()).toBe(running);
  resolve();
  await running;
  expect(taken).toEqual([1, 2]);
  input.push(3);
  expect(runner.run()).toBeUndefined();
  expect(runner.result).toEqual({ value: undefined });
});

test('close runs the finally blocks, also while a promise is open, and its error is final', async () => {
  const { promise, resolve } = deferred<void>();
  let wiped = 0;
  let wentOn = false;
  function* holdSecret(): Step<void> {
    try {
      yield* wait(promise);
      wentOn = true;
    } finally {
      wiped++;
    }
  }
  const runner = new Runner(holdSecret());
  const running = runner.run();
  runner.close(new Error('closed'));
  expect(wiped).toBe(1);
  expect(() => runner.run()).toThrow('closed');
  resolve();
  await running;
  expect(wentOn).toBe(false);
  runner.close(new Error('closed again'));
  expect(() => runner.result).toThrow('closed');
  expect(() => runner.result).not.toThrow('again');
  expect(wiped).toBe(1);
});

test('close before the first run, after the end and after a failure', () => {
  const unused = new Runner(refuse());
  unused.close(new Error('closed'));
  expect(() => unused.run()).toThrow('closed');

  const done = new Runner(wait(1));
  void done.run();
  done.close(new Error('closed'));
  expect(done.result).toEqual({ value: 1 });

  const failed = new Runner(refuse());
  void failed.run();
  expect(() => failed.run()).toThrow('bad signature');
  failed.close(new Error('closed'));
  expect(() => failed.run()).toThrow('bad signature');
});

test('a step that closes its own runner ends where it next stops', async () => {
  const { promise, reject } = deferred<void>();
  for (const stop of [needInput, promise] as const) {
    let wiped = false;
    let wentOn = false;
    function* closeOwn(): Step<void> {
      try {
        runner.close(new Error('closed'));
        yield stop;
        wentOn = true;
      } finally {
        wiped = true;
      }
    }
    const runner = new Runner(closeOwn());
    expect(() => runner.run()).toThrow('closed');
    expect(wiped).toBe(true);
    expect(() => runner.run()).toThrow('closed');
    expect(wentOn).toBe(false);
  }
  // Nobody waits for it any more, and that it rejects must not end the process.
  reject(new Error('late'));
  await settled();
});

test('a step that closes its own runner and then ends or throws is closed all the same', () => {
  for (const end of [
    () => 1,
    () => {
      throw new Error('late');
    },
  ]) {
    function* closeOwn(): Step<number> {
      runner.close(new Error('closed'));
      return yield* wait(end());
    }
    const runner = new Runner(closeOwn());
    expect(() => runner.run()).toThrow('closed');
    expect(() => runner.result).toThrow('closed');
  }
});

test('a rejection keeps both stacks', async () => {
  async function hmac(): Promise<never> {
    await Promise.resolve();
    throw new Error('OperationError');
  }
  function* expandLabel(): Step<void> {
    yield* wait(hmac());
  }
  function* handshakeSecrets(): Step<void> {
    yield* expandLabel();
  }
  const runner = new Runner(handshakeSecrets());
  const error = await rejection(runner.run());
  expect(error.message).toBe('OperationError');
  expect(error.stack).toMatch(/expandLabel[^]*handshakeSecrets/);
  expect((error.cause as Error).stack).toContain('hmac');
  expect(() => runner.run()).toThrow(error);
});

test('a refusal passes as it is, and what is no error gets one', async () => {
  const refusal = new TlsError({ code: 'DecryptError' });
  await expect(runToEnd(wait(Promise.reject(refusal)))).rejects.toBe(refusal);
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors
  const failure = await rejection(runToEnd(wait(Promise.reject('text'))));
  expect(failure).toBeInstanceOf(Error);
  expect(failure.cause).toBe('text');
});

test('a step can catch what a promise rejects with, and go on', async () => {
  function* tolerant(): Step<string> {
    try {
      yield* wait(Promise.reject(new Error('no')));
    } catch (error) {
      return `caught ${(error as Error).message}`;
    }
    return 'nothing';
  }
  await expect(runToEnd(tolerant())).resolves.toBe('caught no');
});

test('a step that runs its own runner is refused', () => {
  function* runOwn(): Step<void> {
    void runner.run();
    yield needInput;
  }
  const runner = new Runner(runOwn());
  expect(() => runner.run()).toThrow(/already running/);
  expect(() => runner.run()).toThrow(/already running/);
});

test('with answers that come at once nothing is ever a promise', () => {
  function* sum(): Step<number> {
    return (yield* wait(1)) + (yield* wait(2));
  }
  const runner = new Runner(sum());
  expect(runner.run()).toBeUndefined();
  expect(runner.result).toEqual({ value: 3 });
  expect(runToEnd(sum())).toBe(3);
});

test('one promise among many answers makes a promise of the whole, once', async () => {
  function* sum(): Step<number> {
    let total = 0;
    for (let i = 0; i < 100; i++) total += yield* wait(i % 10 === 0 ? Promise.resolve(i) : i);
    return total;
  }
  await expect(runToEnd(sum())).resolves.toBe(4950);
});

test('a step run to its end must not wait for input', async () => {
  function* asks(): Step<void> {
    yield needInput;
  }
  expect(() => runToEnd(asks())).toThrow('waits for input');
  function* asksLater(): Step<void> {
    yield* wait(Promise.resolve());
    yield needInput;
  }
  await expect(runToEnd(asksLater())).rejects.toThrow('waits for input');
});

test('anything with a then is a promise', () => {
  // oxlint-disable-next-line unicorn/no-thenable
  const [thenable, other] = [{ then: () => {} }, { then: 1 }];
  expect(isPromise(thenable)).toBe(true);
  for (const value of [undefined, null, 1, 'then', {}, other, () => {}]) expect(isPromise(value)).toBe(false);
});
