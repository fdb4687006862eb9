/** Hybrid groups of parts whose every byte is known. */
import { mlKem768 } from '@tyls/crypto-noble/post-quantum';
import { nodeProvider } from '@tyls/crypto-node';
import { expect, test } from 'vitest';
import { secp256r1MlKem768, type Kem, withHybrids, x25519MlKem768 } from '../../src/crypto/hybrid.ts';
import { type ActiveKeyExchange, type KeyExchangeGroup } from '../../src/crypto/provider.ts';
import { NamedGroup } from '../../src/registry.ts';
import { isPromise } from '../../src/step/step.ts';

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const { X25519, secp256r1, secp384r1, X25519MLKEM768, SecP256r1MLKEM768 } = NamedGroup;

/** Parts that keep what they gave away, to see it wiped. */
interface Parts {
  readonly kem: Kem;
  readonly group: (name: NamedGroup, shareLength: number) => KeyExchangeGroup;
  readonly secrets: Uint8Array[];
}

/** @param answer for one with asynchronous parts: what makes an answer later */
function parts(answer: <T>(value: T) => T | PromiseLike<T> = (value) => value): Parts {
  const secrets: Uint8Array[] = [];
  const secret = (value: number): Uint8Array => {
    const bytes = filled(32, value);
    secrets.push(bytes);
    return bytes;
  };
  return {
    secrets,
    kem: {
      generateKeyPair: () =>
        answer({ encapsulationKey: filled(1184, 1), decapsulate: () => answer<Uint8Array | undefined>(secret(2)) }),
      encapsulate: () => answer({ ciphertext: filled(1088, 3), sharedSecret: secret(4) }),
    },
    group: (name, shareLength) => ({
      name,
      start: () =>
        answer<ActiveKeyExchange>({
          keyShare: filled(shareLength, 5),
          complete: () => answer<Uint8Array | undefined>(secret(6)),
        }),
      respond: () => answer({ keyShare: filled(shareLength, 7), sharedSecret: secret(8) }),
    }),
  };
}

const joined = (...arrays: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(arrays));

test('X25519MLKEM768 is ML-KEM first in all it makes, and wipes the halves of the secret', () => {
  const { kem, group, secrets } = parts();
  const hybrid = x25519MlKem768(kem, group(X25519, 32));
  const started = hybrid.start();
  if (isPromise(started)) throw new Error('nothing here is a promise');
  expect(started.keyShare).toEqual(joined(filled(1184, 1), filled(32, 5)));
  expect(started.complete(filled(1088 + 32, 0))).toEqual(joined(filled(32, 2), filled(32, 6)));
  expect(hybrid.respond(filled(1184 + 32, 0))).toEqual({
    keyShare: joined(filled(1088, 3), filled(32, 7)),
    sharedSecret: joined(filled(32, 4), filled(32, 8)),
  });
  expect(secrets).toEqual([1, 2, 3, 4].map(() => filled(32, 0)));
});

test('SecP256r1MLKEM768 is P-256 first in all it makes', async () => {
  const { kem, group, secrets } = parts((value) => Promise.resolve(value));
  const hybrid = secp256r1MlKem768(kem, group(secp256r1, 65));
  const { keyShare, complete } = await hybrid.start();
  expect(keyShare).toEqual(joined(filled(65, 5), filled(1184, 1)));
  expect(await complete(filled(65 + 1088, 0))).toEqual(joined(filled(32, 6), filled(32, 2)));
  expect(await hybrid.respond(filled(65 + 1184, 0))).toEqual({
    keyShare: joined(filled(65, 7), filled(1088, 3)),
    sharedSecret: joined(filled(32, 8), filled(32, 4)),
  });
  expect(secrets).toEqual([1, 2, 3, 4].map(() => filled(32, 0)));
});

test('what one half refuses is refused, and the other half of the secret wiped', () => {
  const { kem, group, secrets } = parts();
  const refusing: Kem = {
    generateKeyPair: () => ({ encapsulationKey: filled(1184, 1), decapsulate: () => undefined }),
    encapsulate: () => undefined,
  };
  const byKem = x25519MlKem768(refusing, group(X25519, 32));
  expect(byKem.respond(filled(1184 + 32, 0))).toBeUndefined();
  expect((byKem.start() as ActiveKeyExchange).complete(filled(1088 + 32, 0))).toBeUndefined();
  expect(secrets).toEqual([filled(32, 0), filled(32, 0)]);
  const x25519: KeyExchangeGroup = {
    name: X25519,
    start: () => ({ keyShare: filled(32, 5), complete: () => undefined }),
    respond: () => undefined,
  };
  const byX25519 = x25519MlKem768(kem, x25519);
  expect(byX25519.respond(filled(1184 + 32, 0))).toBeUndefined();
  expect((byX25519.start() as ActiveKeyExchange).complete(filled(1088 + 32, 0))).toBeUndefined();
});

test('a hybrid is made with its own classical group alone', () => {
  const { kem, group } = parts();
  expect(() => x25519MlKem768(kem, group(secp256r1, 65))).toThrow('X25519MLKEM768 is made with X25519, not secp256r1');
  expect(() => secp256r1MlKem768(kem, group(X25519, 32))).toThrow(TypeError);
});

test('hybrids go before the groups that they are made of, each once', () => {
  const { kem, group } = parts();
  const names = (groups: readonly KeyExchangeGroup[]): NamedGroup[] => groups.map(({ name }) => name);
  const classical = [group(secp384r1, 97), group(X25519, 32), group(secp256r1, 65)];
  const all = withHybrids(classical, kem);
  expect(names(all)).toEqual([X25519MLKEM768, SecP256r1MLKEM768, secp384r1, X25519, secp256r1]);
  expect(withHybrids(all, kem)).toEqual(all);
  expect(names(withHybrids(classical.slice(0, 2), kem))).toEqual([X25519MLKEM768, secp384r1, X25519]);
  expect(names(withHybrids(classical.slice(0, 1), kem))).toEqual([secp384r1]);
});

test('the halves may be of different providers', async () => {
  const [hybrid] = withHybrids(nodeProvider().keyExchangeGroups, mlKem768());
  const { keyShare, complete } = await hybrid!.start();
  const answer = await hybrid!.respond(keyShare);
  expect(await complete(answer!.keyShare)).toEqual(answer!.sharedSecret);
});
