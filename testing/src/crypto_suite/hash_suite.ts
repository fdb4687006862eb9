/** Hash and HKDF, against node:crypto. Wycheproof has more of HKDF and HMAC. */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { counting } from './bytes.ts';
import { type Subject } from './subject.ts';

export function hashSuite({ provider }: Subject): void {
  describe.each(provider.cipherSuites.map((suite) => [suite.id.toString(16), suite] as const))(
    'hash of suite %s',
    (_, { hash, hkdf }) => {
      const name = `sha${8 * hash.outputLength}`;
      const message = counting(300);

      test('a context can be peeked at again and again while it goes on', () => {
        const context = hash.start();
        expect(context.peek()).toEqual(expectedDigest(name, new Uint8Array(0)));
        for (let at = 0; at < message.length; at += 50) {
          context.update(message.subarray(at, at + 50));
          expect(context.peek()).toEqual(expectedDigest(name, message.subarray(0, at + 50)));
          expect(context.peek()).toEqual(context.peek());
        }
      });

      test('two contexts are two', () => {
        const [one, other] = [hash.start(), hash.start()];
        one.update(message);
        expect(other.peek()).toEqual(expectedDigest(name, new Uint8Array(0)));
      });

      test.each([0, 1, 48, 64, 128, 129, 200])('HMAC with a key of %d bytes', (length) => {
        const key = counting(length);
        const expected = createHmac(name, key).update(message).digest();
        expect(hkdf.hmac(key, message)).toEqual(Uint8Array.from(expected));
      });

      test.each([0, 512, 513, 5000])('HMAC of %d bytes', (length) => {
        const key = counting(hash.outputLength);
        const expected = createHmac(name, key).update(counting(length)).digest();
        expect(hkdf.hmac(key, counting(length))).toEqual(Uint8Array.from(expected));
      });

      test.each([1, hash.outputLength, hash.outputLength + 1, 255 * hash.outputLength])(
        'HKDF gives %d bytes',
        (length) => {
          const [salt, info] = [counting(13), counting(10)];
          const expected = new Uint8Array(hkdfSync(name, message, salt, info, length));
          expect(hkdf.expand(hkdf.extract(salt, message), info, length)).toEqual(expected);
        },
      );

      test('HKDF gives nothing where nothing is asked for, and no more than RFC 5869 has', () => {
        expect(hkdf.expand(message, new Uint8Array(0), 0)).toEqual(new Uint8Array(0));
        expect(() => hkdf.expand(message, new Uint8Array(0), 255 * hash.outputLength + 1)).toThrow(RangeError);
      });

      test('gives plain arrays', () => {
        const results = [hash.start().peek(), hkdf.hmac(message, message), hkdf.expand(message, message, 5)];
        expect(results.map((result) => result.constructor)).toEqual([Uint8Array, Uint8Array, Uint8Array]);
      });
    },
  );
}

function expectedDigest(name: string, message: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(name).update(message).digest());
}
