/** AEADs: records come and go in parts, split anywhere; what is not authentic gives nothing. */
import { type SupportedCipherSuite } from '@tyls/tls-core/provider';
import { describe, expect, test } from 'vitest';
import { counting, flipped, joined } from './bytes.ts';
import { peers } from './peers.ts';
import { type Subject } from './subject.ts';

const nonce = counting(12);
const additionalData = counting(5);

export function aeadSuite({ provider }: Subject): void {
  describe.each(provider.cipherSuites.map((suite) => [suite.id.toString(16), suite] as const))(
    'AEAD of suite %s',
    (_, suite) => {
      const { aead } = suite;
      const key = counting(aead.keyLength);
      const sealer = aead.sealer(key);
      const opener = aead.opener(key);
      const seal = async (...parts: Uint8Array[]): Promise<Uint8Array> =>
        joined(await sealer.seal(nonce, additionalData, parts));
      const open = async (...parts: Uint8Array[]): Promise<Uint8Array | undefined> => {
        const pieces = await opener.open(nonce, additionalData, parts);
        return pieces === undefined ? undefined : joined(pieces);
      };

      test.each([0, 1, 15, 16, 17, 40])('%d bytes, split everywhere', async (length) => {
        const plaintext = counting(length);
        const sealed = await seal(plaintext);
        expect(sealed).toHaveLength(length + 16);
        const sealedInParts = await Promise.all(splits(plaintext).map((parts) => seal(...parts)));
        expect(sealedInParts).toEqual(sealedInParts.map(() => sealed));
        const openedFromParts = await Promise.all(splits(sealed).map((parts) => open(...parts)));
        expect(openedFromParts).toEqual(openedFromParts.map(() => plaintext));
      });

      test('nothing at all is sealed as an empty plaintext', async () => {
        expect(await seal()).toEqual(await seal(new Uint8Array(0)));
      });

      test('a full record, with its content type as a part of its own', async () => {
        const content = counting(16_384);
        const sealed = await seal(content, Uint8Array.of(23));
        expect(await open(sealed)).toEqual(joined([content, Uint8Array.of(23)]));
      });

      test('whatever was changed by one bit is not opened', async () => {
        const sealed = await seal(counting(20));
        const changed = [...sealed.keys()].map((at) => flipped(sealed, at));
        const opened = await Promise.all([
          ...changed.flatMap((bytes) => [open(bytes), open(bytes.subarray(0, 25), bytes.subarray(25))]),
          open(sealed.subarray(1)),
          open(sealed.subarray(0, -1)),
          open(sealed, Uint8Array.of(0)),
          opener.open(flipped(nonce, 0), additionalData, [sealed]),
          opener.open(flipped(nonce, -1), additionalData, [sealed]),
          opener.open(nonce, flipped(additionalData, 2), [sealed]),
          opener.open(nonce, new Uint8Array(0), [sealed]),
          aead.opener(flipped(key, 3)).open(nonce, additionalData, [sealed]),
        ]);
        expect(opened).toEqual(opened.map(() => undefined));
        expect(await open(sealed)).toEqual(counting(20));
      });

      test.each([0, 1, 15])('%d bytes cannot be a ciphertext', async (length) => {
        expect(await open(new Uint8Array(length))).toBeUndefined();
      });

      test('keys are copied; other arguments are neither changed nor given back', async () => {
        const [ownKey, ownNonce, ownData] = [key.slice(), nonce.slice(), additionalData.slice()];
        const [ownSealer, ownOpener] = [aead.sealer(ownKey), aead.opener(ownKey)];
        ownKey.fill(0);
        const content = counting(20);
        const sealed = await ownSealer.seal(ownNonce, ownData, [content]);
        const ciphertext = joined(sealed);
        expect(ciphertext).toEqual(await seal(counting(20)));
        const input = ciphertext.slice();
        const opened = await ownOpener.open(ownNonce, ownData, [input]);
        expect([content, ownNonce, ownData, input]).toEqual([counting(20), nonce, additionalData, ciphertext]);
        content.fill(0);
        input.fill(0);
        expect(joined(sealed)).toEqual(ciphertext);
        expect(joined(opened!)).toEqual(counting(20));
        expect([...sealed, ...opened!].every((piece) => piece.constructor === Uint8Array)).toBe(true);
      });

      test('many records at once are independent of one another', async () => {
        const nonces = Array.from({ length: 8 }, (_unused, i) => nonce.with(11, i));
        const fresh = aead.sealer(key);
        const all = await Promise.all(nonces.map(async (each) => fresh.seal(each, additionalData, [counting(100)])));
        const oneByOne: Uint8Array[] = [];
        for (const each of nonces) oneByOne.push(joined(await sealer.seal(each, additionalData, [counting(100)])));
        expect(all.map(joined)).toEqual(oneByOne);
        expect(new Set(oneByOne.map(String)).size).toBe(8);
      });

      test.each([0, aead.keyLength - 1, aead.keyLength + 1, 64])('a key of %d bytes is refused', (length) => {
        expect(() => aead.sealer(new Uint8Array(length))).toThrow(RangeError);
        expect(() => aead.opener(new Uint8Array(length))).toThrow(RangeError);
      });

      test.each(peersWith(suite))('%s seals the same', async (_name, peer) => {
        const sealed = await seal(counting(50));
        expect(joined(await peer.aead.sealer(key).seal(nonce, additionalData, [counting(50)]))).toEqual(sealed);
        expect(peer.aead.confidentialityLimit).toBe(aead.confidentialityLimit);
      });
    },
  );
}

/** The same bytes whole, in two parts and in three at every place, byte by byte, and with empty parts between. */
function splits(bytes: Uint8Array): Uint8Array[][] {
  const all = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte)), [new Uint8Array(0), bytes, new Uint8Array(0)]];
  for (let i = 0; i <= bytes.length; i++) {
    all.push([bytes.subarray(0, i), bytes.subarray(i)]);
    const j = Math.floor((i + bytes.length) / 2);
    all.push([bytes.subarray(0, i), bytes.subarray(i, j), new Uint8Array(0), bytes.subarray(j)]);
  }
  return all;
}

function peersWith({ id }: SupportedCipherSuite): (readonly [string, SupportedCipherSuite])[] {
  return peers.flatMap(([name, { cipherSuites }]) =>
    cipherSuites.filter((suite) => suite.id === id).map((suite) => [name, suite] as const),
  );
}
