/** The driver of a {@link Step}: it owns one, resumes it, and keeps the first error for ever. */
import { type Awaitable, isPromise, needInput, type Step, type Suspend } from './step.ts';

type State<T> =
  | { readonly tag: 'suspended' }
  | { readonly tag: 'running' }
  | { readonly tag: 'pending'; readonly promise: Promise<void> }
  | { readonly tag: 'done'; readonly value: T }
  | { readonly tag: 'failed'; readonly error: unknown };

const suspendedState = { tag: 'suspended' } as const;
const runningState = { tag: 'running' } as const;

export class Runner<T> {
  readonly #step: Step<T>;
  #state: State<T> = suspendedState;

  constructor(step: Step<T>) {
    this.#step = step;
  }

  /** The step's result, or `undefined` while it still runs. Throws what the step threw, every time. */
  get result(): { readonly value: T } | undefined {
    if (this.#state.tag === 'failed') throw this.#state.error;
    return this.#state.tag === 'done' ? { value: this.#state.value } : undefined;
  }

  /** Whether the step has nothing to do until there is more input. */
  get needsInput(): boolean {
    return this.#state.tag === 'suspended';
  }

  /**
   * Runs until the step needs input or ends. Returns a promise only if it had to wait for one; while it is open,
   * every further call returns that same promise, and the step finds the new input when it goes on.
   */
  run(): Awaitable<void> {
    const state = this.#state;
    switch (state.tag) {
      case 'failed':
        throw state.error;
      case 'pending':
        return state.promise;
      case 'running':
        throw new TypeError('a step cannot run itself: it is already running');
      case 'suspended':
        return this.#advance(() => this.#step.next());
      case 'done':
        return;
    }
  }

  /**
   * Ends the step: its `finally` blocks run (and wipe secrets), and `error` is what every later call throws. A step that
   * closes its own runner ends where it next stops.
   */
  close(error: unknown): void {
    const { tag } = this.#state;
    if (tag === 'done' || tag === 'failed') return;
    this.#state = { tag: 'failed', error };
    if (tag !== 'running') this.#step.return(undefined as never);
  }

  get #failed(): boolean {
    return this.#state.tag === 'failed';
  }

  #advance(resume: () => IteratorResult<Suspend, T>): Awaitable<void> {
    this.#state = runningState;
    let next: IteratorResult<Suspend, T>;
    try {
      next = resume();
    } catch (error) {
      if (!this.#failed) this.#state = { tag: 'failed', error };
      return this.run();
    }
    if (this.#failed) {
      this.#step.return(undefined as never);
      // Nobody waits for it any more.
      if (isPromise(next.value)) next.value.then(undefined, () => {});
      return this.run();
    }
    if (next.done === true) {
      this.#state = { tag: 'done', value: next.value };
      return;
    }
    if (next.value === needInput) {
      this.#state = suspendedState;
      return;
    }
    // A thenable of another make may answer while it is asked: never before the state says that an answer is awaited.
    const promise = Promise.resolve(next.value).then(
      (value) => this.#settled(() => this.#step.next(value)),
      (error: unknown) => this.#settled(() => this.#step.throw(error)),
    );
    this.#state = { tag: 'pending', promise };
    return promise;
  }

  #settled(resume: () => IteratorResult<Suspend, T>): Awaitable<void> {
    if (this.#state.tag === 'pending') return this.#advance(resume);
  }
}

/**
 * Runs a step that never needs input (a certificate verification, say) and gives its result: at once where everything
 * it asked answered at once, else as a promise.
 */
export function runToEnd<T>(step: Step<T>): Awaitable<T> {
  const runner = new Runner(step);
  const value = (): T => {
    const result = runner.result;
    if (result === undefined) throw new Error('this step waits for input, which nobody will give it');
    return result.value;
  };
  const running = runner.run();
  return isPromise(running) ? running.then(value) : value();
}
