import { expect, test } from 'vitest';
import { selection } from '../src/selection.ts';

test.each([
  [undefined, 'bulk/send/aes128gcm/memory', true],
  ['bulk', 'bulk/send/aes128gcm/memory', true],
  ['handshake', 'bulk/send/aes128gcm/memory', false],
  ['bulk/*/memory', 'bulk/send/aes128gcm/memory', true],
  ['bulk/*/loopback', 'bulk/send/aes128gcm/memory', false],
  ['b.lk', 'bulk/send/aes128gcm/memory', false],
])('%j and %s', (pattern, name, wanted) => {
  expect(selection(pattern)(name)).toBe(wanted);
});
