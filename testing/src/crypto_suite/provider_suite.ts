/** The tests that every provider passes. One file for each part of the seam, and Wycheproof over all of them. */
import { describe, expect, test } from 'vitest';
import { aeadSuite } from './aead_suite.ts';
import { hashSuite } from './hash_suite.ts';
import { keyExchangeSuite } from './key_exchange_suite.ts';
import { mlDsaSuite } from './ml_dsa_suite.ts';
import { signatureSuite } from './signature_suite.ts';
import { type Subject } from './subject.ts';
import { wycheproofSuite } from './wycheproof.ts';

export { type MlKemSubject, type Subject } from './subject.ts';

export function providerSuite(subject: Subject): void {
  describe(`provider ${subject.name}`, () => {
    randomSuite(subject);
    hashSuite(subject);
    aeadSuite(subject);
    keyExchangeSuite(subject);
    signatureSuite(subject);
    mlDsaSuite(subject);
  });
  wycheproofSuite(subject);
}

function randomSuite({ provider }: Subject): void {
  // 65 536 bytes are what getRandomValues gives at once.
  test.each([0, 1, 32, 65_536, 65_537, 200_000])('random fills %d bytes to the end', (length) => {
    const whole = new Uint8Array(length + 2);
    const seen = new Uint8Array(length);
    for (let round = 0; round < 8; round++) {
      provider.random(whole.subarray(1, length + 1));
      for (let i = 0; i < length; i++) seen[i]! |= whole[i + 1]!;
    }
    expect([whole[0], whole[length + 1]]).toEqual([0, 0]);
    expect(seen.every((byte) => byte !== 0)).toBe(true);
  });
}
