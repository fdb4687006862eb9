/** Key exchange: with itself, with every other provider, and with shares that are not points. */
import { type KeyExchangeGroup, NamedGroup } from '@tyls/tls-core/provider';
import { describe, expect, test } from 'vitest';
import { flipped, joined } from './bytes.ts';
import { peers } from './peers.ts';
import { type Subject } from './subject.ts';

const { X25519, secp256r1, secp384r1, X25519MLKEM768, SecP256r1MLKEM768 } = NamedGroup;

/** In bytes: the client's share, the server's, the secret. */
const lengths: Readonly<Record<NamedGroup, readonly [client: number, server: number, secret: number]>> = {
  [X25519]: [32, 32, 32],
  [secp256r1]: [65, 65, 32],
  [secp384r1]: [97, 97, 48],
  [X25519MLKEM768]: [1216, 1120, 64],
  [SecP256r1MLKEM768]: [1249, 1153, 64],
};

export function keyExchangeSuite({ provider, mlKem768 }: Pick<Subject, 'provider' | 'mlKem768'>): void {
  test('has X25519, secp256r1 and secp384r1, in this order, and the hybrids before them', () => {
    const hybrids = mlKem768 === undefined ? [] : [X25519MLKEM768, SecP256r1MLKEM768];
    expect(provider.keyExchangeGroups.map(({ name }) => name)).toEqual([...hybrids, X25519, secp256r1, secp384r1]);
  });

  describe.each(provider.keyExchangeGroups.map((group) => [group.name, group] as const))('group %d', (_, group) => {
    const [clientLength, serverLength, secretLength] = lengths[group.name]!;

    test.each(peersWith(group))('agrees with %s from both sides', async (_name, peer) => {
      for (const [client, server] of [
        [group, peer],
        [peer, group],
      ] as const) {
        const { clientSecret, answer } = await exchange(client, server);
        expect(clientSecret).toEqual(answer.sharedSecret);
        expect(answer.keyShare).toHaveLength(serverLength);
        expect(answer.sharedSecret).toHaveLength(secretLength);
        expect([clientSecret, answer.keyShare, answer.sharedSecret].map((bytes) => bytes.constructor)).toEqual(
          [1, 2, 3].map(() => Uint8Array),
        );
      }
    });

    test('makes a new key every time', async () => {
      const [one, other] = await Promise.all([group.start(), group.start()]);
      expect(one.keyShare).toHaveLength(clientLength);
      expect(one.keyShare).not.toEqual(other.keyShare);
    });

    test('refuses what is not a share', async () => {
      const { keyShare } = await group.start();
      const answer = await group.respond(keyShare);
      const exchanged = await Promise.all([
        ...badShares(group.name, keyShare).map(async (share) => group.respond(share)),
        ...badShares(group.name, answer!.keyShare).map(async (share) => (await group.start()).complete(share)),
      ]);
      expect(exchanged).toEqual(exchanged.map(() => undefined));
    });

    if (clientLength === serverLength) return; // the rest is about KEMs

    test('refuses keys that are not reduced (FIPS 203 section 7.2)', async () => {
      const { keyShare } = await group.start();
      const at = group.name === X25519MLKEM768 ? 0 : 65;
      // 768 coefficients of 12 bits, little-endian, two in three bytes.
      const first = keyShare.with(at, 0x01).with(at + 1, (keyShare[at + 1]! & 0xf0) | 0x0d); // 3329, the modulus
      const last = keyShare.with(at + 1150, keyShare[at + 1150]! | 0xf0).with(at + 1151, 0xff); // 4095
      const below = keyShare.with(at, 0x00).with(at + 1, (keyShare[at + 1]! & 0xf0) | 0x0d); // 3328
      const answers = await Promise.all([first, last].map(async (share) => group.respond(share)));
      expect(answers).toEqual([undefined, undefined]);
      expect(await group.respond(below)).toBeDefined();
    });

    test('offers its classical half with the same key', async () => {
      const { keyShare, hybridComponent } = await group.start();
      const half = classicalHalf(group.name, keyShare);
      expect(hybridComponent!.keyShare).toEqual(half);
      const classical = provider.keyExchangeGroups.find(({ name }) => name === hybridComponent!.group)!;
      const answer = await classical.respond(half);
      expect(await hybridComponent!.complete(answer!.keyShare)).toEqual(answer!.sharedSecret);
    });
  });
}

async function exchange(
  client: KeyExchangeGroup,
  server: KeyExchangeGroup,
): Promise<{ clientSecret: Uint8Array; answer: { keyShare: Uint8Array; sharedSecret: Uint8Array } }> {
  const { keyShare, complete } = await client.start();
  const answer = await server.respond(keyShare);
  if (answer === undefined) throw new Error('the server refused the share');
  const clientSecret = await complete(answer.keyShare);
  if (clientSecret === undefined) throw new Error('the client refused the share');
  return { clientSecret, answer };
}

function peersWith({ name }: KeyExchangeGroup): (readonly [string, KeyExchangeGroup])[] {
  return peers.flatMap(([peer, { keyExchangeGroups }]) =>
    keyExchangeGroups.filter((group) => group.name === name).map((group) => [peer, group] as const),
  );
}

function badShares(name: NamedGroup, share: Uint8Array): Uint8Array[] {
  switch (name) {
    case X25519:
      return badX25519(share);
    case secp256r1:
    case secp384r1:
      return badPoints(share);
    default:
      return badHybrid(name, share);
  }
}

/** The classical part of a hybrid's share: at the end for X25519, in front for P-256. */
function classicalHalf(name: NamedGroup, share: Uint8Array): Uint8Array {
  return name === X25519MLKEM768 ? share.subarray(-32) : share.subarray(0, 65);
}

/** Of another length, in the other order, or with a classical half that is not one. */
function badHybrid(name: NamedGroup, share: Uint8Array): Uint8Array[] {
  const half = classicalHalf(name, share);
  const kem = name === X25519MLKEM768 ? share.subarray(0, -32) : share.subarray(65);
  const together = (one: Uint8Array): Uint8Array => joined(name === X25519MLKEM768 ? [kem, one] : [one, kem]);
  const bad = name === X25519MLKEM768 ? badX25519(half) : badPoints(half);
  return [...ofAnyLength(share), kem, half, ...bad.map(together)];
}

const ofAnyLength = (share: Uint8Array): Uint8Array[] => [
  new Uint8Array(0),
  Uint8Array.of(0),
  share.subarray(1),
  share.subarray(0, -1),
  Uint8Array.of(...share, 0),
  Uint8Array.of(...share, ...share),
];

/** RFC 7748 section 6.1: low order gives an all-zero result. */
function badX25519(share: Uint8Array): Uint8Array[] {
  const lowOrder = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`, // p - 1
    `ed${'ff'.repeat(30)}7f`, // p
    `ee${'ff'.repeat(30)}7f`, // p + 1
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', // of order 8
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157', // of order 8
  ].map((hexadecimal) => Uint8Array.from(Buffer.from(hexadecimal, 'hex')));
  // The top bit is to be ignored (RFC 7748 section 5).
  return [...ofAnyLength(share), ...lowOrder, ...lowOrder.map((point) => point.with(31, point[31]! | 0x80))];
}

/** RFC 8446 section 4.2.8.2: nothing but an uncompressed point that is on the curve. */
function badPoints(share: Uint8Array): Uint8Array[] {
  const [x, odd] = [share.subarray(1, (share.length + 1) / 2), share.at(-1)! & 1];
  return [
    ...ofAnyLength(share),
    Uint8Array.of(2 + odd, ...x), // compressed
    share.with(0, 2 + odd),
    share.with(0, 6 + odd), // hybrid (X9.62)
    share.with(0, 0),
    flipped(share, 5),
    flipped(share, -1),
    new Uint8Array(share.length).with(0, 4),
    new Uint8Array(share.length).fill(0xff).with(0, 4),
  ];
}
