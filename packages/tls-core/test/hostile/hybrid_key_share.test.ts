/** Hybrid groups: what a client offers of them, what either side refuses, and with what a handshake ends. */
import { nodeProvider } from '@tyls/crypto-node';
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { Pair } from '@tyls/testing';
import { ProtocolVersion } from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { AlertDescription, ContentType, ExtensionType, NamedGroup } from '../../src/registry.ts';
import { client, hybridProvider, provider, server } from './fixtures.ts';
import { refusal, ScriptedClient, ScriptedServer } from './scripted_peer.ts';
import { bytes, u16, vec16 } from './wire.ts';

const { illegal_parameter } = AlertDescription;
const { X25519, secp256r1, secp384r1, X25519MLKEM768, SecP256r1MLKEM768 } = NamedGroup;

/** What is wrong with a share, its group, and the bytes; `kem` is the length of the other half. */
type Invalid = readonly [what: string, group: NamedGroup, share: (valid: Uint8Array, kem: number) => Uint8Array];

/** On either side. */
const invalidShares: readonly Invalid[] = [
  ...[X25519MLKEM768, SecP256r1MLKEM768].flatMap((group): Invalid[] => [
    ['a single byte', group, () => bytes(0)],
    ['one byte too few', group, (valid) => valid.subarray(0, -1)],
    ['one byte too many', group, (valid) => concat([valid, bytes(0)])],
    ['its first byte missing', group, (valid) => valid.subarray(1)],
  ]),
  ['no X25519', X25519MLKEM768, (valid, kem) => valid.subarray(0, kem)],
  ['no ML-KEM', X25519MLKEM768, (valid, kem) => valid.subarray(kem)],
  ['X25519 zero', X25519MLKEM768, (valid, kem) => concat([valid.subarray(0, kem), new Uint8Array(32)])],
  ['X25519 one', X25519MLKEM768, (valid, kem) => concat([valid.subarray(0, kem), bytes(1), new Uint8Array(31)])],
  ['a point off the curve', SecP256r1MLKEM768, (valid) => valid.with(64, valid[64]! ^ 1)],
  ['a point in another form', SecP256r1MLKEM768, (valid) => valid.with(0, 2)],
  ['zeros for a point', SecP256r1MLKEM768, (valid) => concat([bytes(4), new Uint8Array(64), valid.subarray(65)])],
];

describe('a server refuses a hybrid key share', () => {
  it.each<Invalid>([
    ...invalidShares,
    ['one of the length of the server', X25519MLKEM768, (valid) => valid.subarray(0, 1120)],
    ['a coefficient of the modulus', X25519MLKEM768, (valid) => valid.with(0, 0x01).with(1, (valid[1]! & 0xf0) | 0x0d)],
    ['a coefficient of 4095 at the end', X25519MLKEM768, (valid) => valid.with(1150, 0xff).with(1151, 0xff)],
    [
      'a coefficient of the modulus',
      SecP256r1MLKEM768,
      (valid) => valid.with(65, 1).with(66, (valid[66]! & 0xf0) | 13),
    ],
    ['X25519 first', X25519MLKEM768, (valid) => concat([valid.subarray(-32), valid.subarray(0, -32)])],
    ['ML-KEM first', SecP256r1MLKEM768, (valid) => concat([valid.subarray(65), valid.subarray(0, 65)])],
  ])('with %s (group %d)', (_what, group, invalid) => {
    const scripted = new ScriptedClient(server({ provider: hybridProvider }), group);
    const share = vec16(invalid(scripted.keyShare().subarray(4), 1184));
    scripted.sendClientHello({
      replace: {
        [ExtensionType.supported_groups]: vec16(u16(group)),
        [ExtensionType.key_share]: vec16(u16(group), share),
      },
    });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.InvalidKeyShare', illegal_parameter]);
    expect(scripted.peer.received).toEqual([]);
  });
});

describe('a client refuses a hybrid key share', () => {
  const answered = (group: NamedGroup, change: (valid: Uint8Array) => Uint8Array): ScriptedServer => {
    const scripted = new ScriptedServer(client({ provider: hybridProvider, keyShares: [group] }));
    const keyShare = concat([u16(group), vec16(change(scripted.answer(group).keyShare))]);
    scripted.sendServerHello({ replace: { [ExtensionType.key_share]: keyShare } });
    return scripted;
  };

  it.each<Invalid>([
    ...invalidShares,
    ['one of the length of the client', X25519MLKEM768, (valid) => concat([new Uint8Array(96), valid])],
  ])('with %s (group %d)', (_what, group, invalid) => {
    const scripted = answered(group, (valid) => invalid(valid, 1088));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.InvalidKeyShare', illegal_parameter]);
  });

  it('and has other keys where the ciphertext was altered (FIPS 203 section 6.3)', () => {
    const scripted = answered(X25519MLKEM768, (valid) => valid.with(5, valid[5]! ^ 1));
    expect(scripted.connection.error).toBeUndefined();
    const next = scripted.peer.protect(ContentType.handshake, scripted.encryptedExtensions());
    expect(() => scripted.connection.receive(next)).toThrow('cannot decrypt');
  });
});

describe('a client with hybrid groups', () => {
  const sharesOf = (keyShares?: readonly NamedGroup[], groups = hybridProvider.keyExchangeGroups): NamedGroup[] =>
    offeredShares(keyShares, groups).map(({ group }) => group);
  const offeredShares = (
    keyShares?: readonly NamedGroup[],
    keyExchangeGroups = hybridProvider.keyExchangeGroups,
  ): readonly { group: NamedGroup; keyExchange: Uint8Array }[] =>
    new ScriptedServer(client({ provider: { ...hybridProvider, keyExchangeGroups }, keyShares, grease: false }))
      .clientHello.extensions.keyShares!;

  it('sends the first of them, and its half again as a share of its own', () => {
    const [hybrid, half, ...more] = offeredShares();
    expect([hybrid!.group, half!.group, ...more]).toEqual([X25519MLKEM768, X25519]);
    expect(hybrid!.keyExchange).toHaveLength(1184 + 32);
    expect(half!.keyExchange).toEqual(hybrid!.keyExchange.subarray(1184));
  });

  it('has the half of SecP256r1MLKEM768 in front', () => {
    const [hybrid, half] = offeredShares([SecP256r1MLKEM768]);
    expect([hybrid!.group, half!.group]).toEqual([SecP256r1MLKEM768, secp256r1]);
    expect(hybrid!.keyExchange).toHaveLength(65 + 1184);
    expect(half!.keyExchange).toEqual(hybrid!.keyExchange.subarray(0, 65));
  });

  it.each([
    [
      [X25519MLKEM768, X25519],
      [X25519MLKEM768, X25519],
    ],
    [
      [X25519, X25519MLKEM768],
      [X25519MLKEM768, X25519],
    ],
    [[secp256r1], [secp256r1]],
    [
      [secp384r1, SecP256r1MLKEM768, X25519MLKEM768],
      [X25519MLKEM768, SecP256r1MLKEM768, X25519, secp256r1, secp384r1],
    ],
  ])('(4.2.8) told to send %j sends each once, in the order of its groups', (keyShares, sent) => {
    expect(sharesOf(keyShares)).toEqual(sent);
    const unique = new Set(offeredShares(keyShares).map(({ keyExchange }) => keyExchange.subarray(-32).join()));
    // X25519 twice with one key; P-256 stands at the end of its own share alone.
    const isTwice = [X25519, X25519MLKEM768].every((group) => sharesOf(keyShares).includes(group));
    expect(unique.size).toBe(sent.length - Number(isTwice));
  });

  it('(4.2.8) sends no share of a half that it does not offer', () => {
    const groups = hybridProvider.keyExchangeGroups.filter(({ name }) => name !== X25519);
    expect(sharesOf(undefined, groups)).toEqual([X25519MLKEM768]);
  });
});

describe('hybrid groups are negotiated', () => {
  const run = (clientOptions: Parameters<typeof client>[0], serverOptions: Parameters<typeof server>[0]): Pair => {
    const pair = new Pair({
      client: client({ provider: hybridProvider, ...clientOptions }),
      server: server({ provider: hybridProvider, ...serverOptions }),
    });
    void pair.run();
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    expect(pair.client.keyExchangeGroup).toBe(pair.server.keyExchangeGroup);
    return pair;
  };

  it('by preference, without a second round trip', () => {
    const { client: connection } = run({}, {});
    expect([connection.keyExchangeGroup, connection.handshakeKind]).toEqual([X25519MLKEM768, 'full']);
  });

  it('with P-256', () => {
    const { client: connection } = run({ keyShares: [SecP256r1MLKEM768] }, {});
    expect([connection.keyExchangeGroup, connection.handshakeKind]).toEqual([SecP256r1MLKEM768, 'full']);
  });

  it('not with a server that has none: the half is there already', () => {
    const { client: connection } = run({}, { provider });
    expect([connection.keyExchangeGroup, connection.handshakeKind]).toEqual([X25519, 'full']);
  });

  it('not with a client that has none', () => {
    expect(run({ provider }, {}).client.keyExchangeGroup).toBe(X25519);
  });

  it('after HelloRetryRequest, where the client sent no share that the server has', () => {
    const onlyHybrid = { ...hybridProvider, keyExchangeGroups: hybridProvider.keyExchangeGroups.slice(0, 1) };
    const { client: connection } = run({ keyShares: [secp384r1] }, { provider: onlyHybrid });
    expect([connection.keyExchangeGroup, connection.handshakeKind]).toEqual([
      X25519MLKEM768,
      'full-with-hello-retry-request',
    ]);
  });

  it('never in TLS 1.2', () => {
    const both = withPostQuantum(nodeProvider());
    const versions = [ProtocolVersion.TLSv1_2];
    for (const [clientOptions, serverOptions] of [
      [{ versions }, {}],
      [{}, { versions }],
    ] as const) {
      const pair = run({ provider: both, ...clientOptions }, { provider: both, ...serverOptions });
      expect([pair.client.protocolVersion, pair.client.keyExchangeGroup]).toEqual([versions[0], X25519]);
    }
  });
});
