/**
 * One source for synchronous and asynchronous crypto: protocol logic as generators that suspend only where they must.
 *
 * A step is delegated to with `yield*`; a {@link Runner} runs it. With a provider that answers at once nothing is
 * ever a promise; with one that answers later the same code waits for it.
 */
import { isTlsError } from '../error.ts';

/** A value, or a promise of it: the type of every answer that a provider may give later. */
export type Awaitable<T> = T | PromiseLike<T>;

/** A resumable piece of protocol logic. Always under `yield*`, or owned by a `Runner`: by itself it does nothing. */
export type Step<T> = Generator<Suspend, T, unknown>;

/** Why a step stopped: it needs more input from the peer, or a promise must settle first. */
export type Suspend = typeof needInput | PromiseLike<unknown>;

/** Yielded by a step that can go no further before the peer has sent more. */
export const needInput: unique symbol = Symbol('needInput');

/** Whether an answer is still to come. Any thenable counts. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * Waits for a provider's answer; suspends only if it is a promise.
 *
 * A rejection is rethrown from here with its `cause`, so that the stack shows which step asked; a `TlsError` (a
 * verifier's refusal, say) passes as it is.
 */
export function* wait<T>(value: Awaitable<T>): Step<T> {
  if (!isPromise(value)) return value;
  try {
    return (yield value) as T;
  } catch (cause) {
    if (isTlsError(cause)) throw cause;
    throw new Error(cause instanceof Error ? cause.message : 'an asynchronous provider failed', { cause });
  }
}
