import { type Awaitable, isPromise } from '@tyls/tls-core';

/** The answer of a synchronous provider, or of what is built on one. */
export function atOnce<T>(answer: Awaitable<T>): T {
  if (isPromise(answer)) throw new TypeError('this should have answered at once');
  return answer;
}
