/** Set-up of every test file: `expect` compares bytes as bytes, where it would look at each as a property. */
import { expect } from 'vitest';

expect.addEqualityTesters([
  // What is not the same, and of the same kind, is left to whoever says in what it differs.
  (a, b) =>
    a instanceof Uint8Array &&
    b instanceof Uint8Array &&
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    Buffer.compare(a, b) === 0
      ? true
      : undefined,
]);
