/** Key exchange: with itself, with every other provider, and with shares that are not points. */
import { type KeyExchangeGroup, NamedGroup } from '@tyls/tls-core/provider';
import { describe, expect, test } from 'vitest';
import { flipped } from './bytes.ts';
import { peers } from './peers.ts';
import { type Subject } from './subject.ts';

const shareLengths: Readonly<Record<NamedGroup, number>> = {
  [NamedGroup.X25519]: 32,
  [NamedGroup.secp256r1]: 65,
  [NamedGroup.secp384r1]: 97,
};

export function keyExchangeSuite({ provider }: Subject): void {
  test('has X25519, secp256r1 and secp384r1, in this order', () => {
    const { X25519, secp256r1, secp384r1 } = NamedGroup;
    expect(provider.keyExchangeGroups.map(({ name }) => name)).toEqual([X25519, secp256r1, secp384r1]);
  });

  describe.each(provider.keyExchangeGroups.map((group) => [group.name, group] as const))('group %d', (_, group) => {
    const shareLength = shareLengths[group.name]!;

    test.each(peers)('agrees with %s from both sides', async (_name, { keyExchangeGroups }) => {
      const peer = keyExchangeGroups.find(({ name }) => name === group.name)!;
      for (const [client, server] of [
        [group, peer],
        [peer, group],
      ] as const) {
        const { clientSecret, answer } = await exchange(client, server);
        expect(clientSecret).toEqual(answer.sharedSecret);
        expect(answer.keyShare).toHaveLength(shareLength);
        expect(answer.sharedSecret).toHaveLength(Math.ceil(shareLength / 2) - (shareLength === 32 ? -16 : 1));
        expect([clientSecret, answer.keyShare, answer.sharedSecret].map((bytes) => bytes.constructor)).toEqual(
          [1, 2, 3].map(() => Uint8Array),
        );
      }
    });

    test('makes a new key every time', async () => {
      const [one, other] = await Promise.all([group.start(), group.start()]);
      expect(one.keyShare).toHaveLength(shareLength);
      expect(one.keyShare).not.toEqual(other.keyShare);
    });

    test('refuses what is not a share', async () => {
      const { keyShare } = await group.start();
      const shares = group.name === NamedGroup.X25519 ? badX25519(keyShare) : badPoints(keyShare);
      const exchanged = await Promise.all(
        shares.flatMap((share) => [
          Promise.resolve(group.start()).then(({ complete }) => complete(share)),
          Promise.resolve(group.respond(share)),
        ]),
      );
      expect(exchanged).toEqual(exchanged.map(() => undefined));
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
