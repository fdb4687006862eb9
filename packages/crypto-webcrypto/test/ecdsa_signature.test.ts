import { expect, test } from 'vitest';
import { derFromP1363, p1363FromDer } from '../src/ecdsa_signature.ts';

test.each<[string, number[], number[]]>([
  ['plain', [0, 1, 0, 2], [0x30, 6, 2, 1, 1, 2, 1, 2]],
  ['high first bits', [0x80, 0, 0, 0xff], [0x30, 9, 2, 3, 0, 0x80, 0, 2, 2, 0, 0xff]],
  ['zeros', [0, 0, 0, 0], [0x30, 6, 2, 1, 0, 2, 1, 0]],
  ['full length', [1, 2, 0x7f, 4], [0x30, 8, 2, 2, 1, 2, 2, 2, 0x7f, 4]],
])('%s: both ways', (_, p1363, der) => {
  expect(derFromP1363(Uint8Array.from(p1363), 2)).toEqual(Uint8Array.from(der));
  expect(p1363FromDer(Uint8Array.from(der), 2)).toEqual(Uint8Array.from(p1363));
});

test.each<[string, number[]]>([
  ['nothing', []],
  ['a number too long', [0x30, 8, 2, 3, 1, 0, 0, 2, 1, 1]],
  ['a negative number', [0x30, 6, 2, 1, 0x80, 2, 1, 1]],
  ['a superfluous zero', [0x30, 7, 2, 2, 0, 1, 2, 1, 1]],
  ['an empty number', [0x30, 5, 2, 0, 2, 1, 1]],
  ['one number', [0x30, 3, 2, 1, 1]],
  ['three numbers', [0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1]],
  ['trailing bytes', [0x30, 6, 2, 1, 1, 2, 1, 1, 0]],
  ['a long form of a short length', [0x30, 0x81, 6, 2, 1, 1, 2, 1, 1]],
  ['an indefinite length', [0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0]],
  ['another type', [0x31, 6, 2, 1, 1, 2, 1, 1]],
])('%s is not DER of a signature', (_, der) => {
  expect(p1363FromDer(Uint8Array.from(der), 2)).toBeUndefined();
});

test.each([0, 3, 5, 8])('%d bytes are not r and s of 2 each', (length) => {
  expect(derFromP1363(new Uint8Array(length), 2)).toBeUndefined();
});
