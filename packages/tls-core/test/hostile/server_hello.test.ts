/** What a client refuses of ServerHello and HelloRetryRequest: contents, key shares, downgrades, other protocols. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type ClientConfig } from '../../src/config.ts';
import { type CryptoProvider, type KeyExchangeGroup } from '../../src/crypto/provider.ts';
import { helloRetryRequestRandom } from '../../src/messages/server_hello.ts';
import { AlertDescription, ContentType, ExtensionType, HandshakeType, NamedGroup } from '../../src/registry.ts';
import { isPromise } from '../../src/step/step.ts';
import { client, provider } from './fixtures.ts';
import { clientWaitingFor, type HelloChanges, refusal, ScriptedServer } from './scripted_peer.ts';
import { bytes, extensionBlock, handshake, record, u16, vec16, vec8 } from './wire.ts';

const { decode_error, illegal_parameter, missing_extension, protocol_version } = AlertDescription;
const { unexpected_message, unsupported_extension } = AlertDescription;
const { X25519, secp256r1, secp384r1 } = NamedGroup;

type Refusal = readonly [section: string, what: string, changes: HelloChanges, code: string, alert: AlertDescription];

function replacing(type: ExtensionType, data: Uint8Array | undefined): HelloChanges {
  return { replace: { [type]: data } };
}

/** A random that ends in `DOWNGRD` and that byte. */
function sentinel(last: number): Uint8Array {
  return bytes(...new Uint8Array(24).fill(3), ...Buffer.from('DOWNGRD'), last);
}

const noVersion = { [ExtensionType.supported_versions]: undefined, [ExtensionType.key_share]: undefined };

/** What ServerHello and HelloRetryRequest have in common. */
const bothRefuse: readonly Refusal[] = [
  [
    '4.1.3',
    'a session id that is not ours',
    { sessionId: new Uint8Array(32) },
    'PeerMisbehaved.IncorrectSessionId',
    illegal_parameter,
  ],
  ['4.1.3', 'no session id', { sessionId: bytes() }, 'PeerMisbehaved.IncorrectSessionId', illegal_parameter],
  [
    '4.1.3',
    'a session id of 33 bytes',
    { sessionId: new Uint8Array(33) },
    'InvalidMessage.VectorTooLong',
    decode_error,
  ],
  [
    '4.1.3',
    'a cipher suite that was not offered',
    { cipherSuite: 0x1304 },
    'PeerMisbehaved.SelectedUnofferedCipherSuite',
    illegal_parameter,
  ],
  [
    '4.1.3',
    'a cipher suite of TLS 1.2',
    { cipherSuite: 0xc02b },
    'PeerMisbehaved.SelectedUnofferedCipherSuite',
    illegal_parameter,
  ],
  ['4.1.3', 'compression', { compression: bytes(1) }, 'InvalidMessage.UnsupportedCompression', illegal_parameter],
  [
    '4.1.3',
    'another legacy_version',
    { legacyVersion: 0x0304 },
    'PeerMisbehaved.SelectedUnofferedVersion',
    illegal_parameter,
  ],
  [
    '4.1.3',
    'an older legacy_version',
    { legacyVersion: 0x0302 },
    'PeerMisbehaved.SelectedUnofferedVersion',
    illegal_parameter,
  ],
  [
    'D.5',
    'SSL 3.0 as legacy_version',
    { legacyVersion: 0x0300 },
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  [
    '4.2.1',
    'TLS 1.2 in supported_versions',
    replacing(ExtensionType.supported_versions, u16(0x0303)),
    'PeerMisbehaved.SelectedTls12UsingTls13VersionExtension',
    illegal_parameter,
  ],
  [
    '4.2.1',
    'a version that was not offered',
    replacing(ExtensionType.supported_versions, u16(0x0305)),
    'PeerMisbehaved.SelectedUnofferedVersion',
    illegal_parameter,
  ],
  [
    '4.2.1',
    'a draft version',
    replacing(ExtensionType.supported_versions, u16(0x7f1c)),
    'PeerMisbehaved.SelectedUnofferedVersion',
    illegal_parameter,
  ],
  [
    '4.2.1',
    'a list of versions',
    replacing(ExtensionType.supported_versions, vec8(u16(0x0304))),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    '4.2.1',
    'half a version',
    replacing(ExtensionType.supported_versions, bytes(3)),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2',
    'an extension twice',
    { append: [[ExtensionType.supported_versions, u16(0x0304)]] },
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'an unknown extension',
    { append: [[0x4a4a, bytes()]] },
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2',
    'server_name, which is for EncryptedExtensions',
    { append: [[ExtensionType.server_name, bytes()]] },
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'supported_groups, which is for EncryptedExtensions',
    { append: [[ExtensionType.supported_groups, vec16(u16(X25519))]] },
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'application_layer_protocol_negotiation, which is for EncryptedExtensions',
    { append: [[ExtensionType.application_layer_protocol_negotiation, vec16(vec8(bytes(104)))]] },
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'signature_algorithms, which is for requests',
    { append: [[ExtensionType.signature_algorithms, vec16(u16(0x0403))]] },
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.2.10',
    'early_data, which was not offered',
    { append: [[ExtensionType.early_data, bytes()]] },
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    'RFC 5246',
    'renegotiation_info, which was not offered',
    { append: [[ExtensionType.renegotiation_info, bytes(0)]] },
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2.1',
    'no supported_versions, so TLS 1.2',
    { replace: noVersion, cipherSuite: 0xc02b },
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  [
    '4.2.1',
    'no supported_versions, so TLS 1.0',
    { replace: noVersion, legacyVersion: 0x0301 },
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
];

const serverHelloRefusals: readonly Refusal[] = [
  ...bothRefuse,
  [
    '4.1.3',
    'TLS 1.2 and the sentinel for it',
    { replace: noVersion, random: sentinel(1) },
    'PeerMisbehaved.AttemptedDowngradeToTls12WhenTls13IsSupported',
    illegal_parameter,
  ],
  [
    '4.1.3',
    'TLS 1.1 and the sentinel for it',
    { replace: noVersion, random: sentinel(0), legacyVersion: 0x0302 },
    'PeerMisbehaved.AttemptedDowngradeToTls12WhenTls13IsSupported',
    illegal_parameter,
  ],
  [
    '4.1.3',
    'TLS 1.2 and almost a sentinel',
    { replace: noVersion, random: sentinel(2) },
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  [
    '4.2.2',
    'a cookie',
    { append: [[ExtensionType.cookie, vec16(bytes(1))]] },
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2.8',
    'no key share',
    replacing(ExtensionType.key_share, undefined),
    'PeerMisbehaved.MissingKeyShare',
    missing_extension,
  ],
  [
    '4.2.8',
    'a share of a group that we support and sent none of',
    replacing(ExtensionType.key_share, concat([u16(secp256r1), vec16(new Uint8Array(65))])),
    'PeerMisbehaved.WrongGroupForKeyShare',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'a share of a group that nobody knows',
    replacing(ExtensionType.key_share, concat([u16(0x2a2a), vec16(bytes(1))])),
    'PeerMisbehaved.WrongGroupForKeyShare',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'an empty share',
    replacing(ExtensionType.key_share, concat([u16(X25519), vec16()])),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.8',
    'the key_share of a HelloRetryRequest',
    replacing(ExtensionType.key_share, u16(X25519)),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2.11',
    'pre_shared_key, which was not offered',
    { append: [[ExtensionType.pre_shared_key, u16(0)]] },
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
];

const retryRefusals: readonly Refusal[] = [
  ...bothRefuse,
  [
    '4.1.4',
    'nothing to change',
    replacing(ExtensionType.key_share, undefined),
    'PeerMisbehaved.IllegalHelloRetryRequestWithNoChanges',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'a group whose share we sent',
    replacing(ExtensionType.key_share, u16(X25519)),
    'PeerMisbehaved.IllegalHelloRetryRequestWithOfferedGroup',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'a group that we did not offer',
    replacing(ExtensionType.key_share, u16(NamedGroup.X448)),
    'PeerMisbehaved.IllegalHelloRetryRequestWithUnofferedGroup',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'the key_share of a ServerHello',
    replacing(ExtensionType.key_share, concat([u16(secp384r1), vec16(bytes(1))])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    '4.2.2',
    'an empty cookie',
    replacing(ExtensionType.cookie, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  ['4.2.2', 'a cookie cut short', replacing(ExtensionType.cookie, u16(5)), 'InvalidMessage.MissingData', decode_error],
];

/** Offers what the answers of EncryptedExtensions are to. */
const offering = client({ alpnProtocols: ['h'] });

describe('a client refuses a ServerHello', () => {
  it.each(serverHelloRefusals)('(%s) with %s', (_section, _what, changes, code, alert) => {
    const scripted = new ScriptedServer(offering);
    scripted.sendServerHello(changes);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each(serverHelloRefusals)('(%s) with %s, after HelloRetryRequest too', (_section, _what, changes, code, alert) => {
    const scripted = clientWaitingFor('second ServerHello', offering);
    scripted.sendServerHello(changes);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each(serverHelloRefusals.filter(([, , { random }]) => random === undefined))(
    '(%s) with %s, however it is chopped up',
    (_section, _what, changes, code, alert) => {
      const scripted = new ScriptedServer(offering);
      const { group, keyShare } = scripted.answer();
      const replace = { [ExtensionType.key_share]: concat([u16(group), vec16(keyShare)]), ...changes.replace };
      const message = scripted.hello({ ...changes, replace }, [[ExtensionType.supported_versions, u16(0x0304)]]);
      for (const byte of message) {
        if (scripted.connection.error === undefined) scripted.peer.deliver(record(ContentType.handshake, bytes(byte)));
      }
      expect(refusal(scripted)).toEqual([code, alert]);
    },
  );

  it('(4.1.4) with another cipher suite than its HelloRetryRequest', () => {
    const scripted = clientWaitingFor('second ServerHello');
    scripted.sendServerHello({ cipherSuite: provider.cipherSuites[1]!.id });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedDifferentCipherSuiteAfterRetry', illegal_parameter]);
  });

  it('(4.1.3) without extensions, as one of TLS 1.2', () => {
    const scripted = new ScriptedServer();
    const body = scripted.hello({}, []).subarray(4, -2);
    scripted.peer.send(handshake(HandshakeType.server_hello, body));
    expect(refusal(scripted)).toEqual(['PeerIncompatible.NoVersionInCommon', protocol_version]);
  });

  it('(6.2) wherever it is cut short', () => {
    const { length } = helloOf(new ScriptedServer());
    for (let cut = 0; cut < length; cut++) {
      const scripted = new ScriptedServer();
      scripted.peer.send(handshake(HandshakeType.server_hello, helloOf(scripted).subarray(0, cut)));
      const alert = cut === 2 + 32 + 33 + 2 + 1 ? protocol_version : decode_error;
      expect(refusal(scripted)[1], `${cut} bytes`).toBe(alert);
    }
  });

  it('(6.2) with bytes after its extensions', () => {
    const scripted = new ScriptedServer();
    scripted.peer.send(handshake(HandshakeType.server_hello, concat([helloOf(scripted), bytes(0)])));
    expect(refusal(scripted)).toEqual(['InvalidMessage.TrailingData', decode_error]);
  });

  it('or accepts it, whichever byte is changed; nothing else is thrown and nothing of ours fails', () => {
    const { length } = helloOf(new ScriptedServer());
    for (let at = 0; at < length; at++) {
      const scripted = new ScriptedServer();
      const changed = helloOf(scripted);
      changed[at]! ^= 0xff;
      scripted.peer.deliver(record(ContentType.handshake, handshake(HandshakeType.server_hello, changed)));
      expect(scripted.peer.thrown, `byte ${at}`).toBe(scripted.connection.error);
      expect(scripted.connection.error?.detail.code, `byte ${at}`).not.toBe('General');
    }
  });
});

/** The body of an honest ServerHello. */
function helloOf(scripted: ScriptedServer): Uint8Array {
  const { group, keyShare } = scripted.answer();
  return scripted
    .hello({}, [
      [ExtensionType.supported_versions, u16(0x0304)],
      [ExtensionType.key_share, concat([u16(group), vec16(keyShare)])],
    ])
    .slice(4);
}

describe('a client refuses a HelloRetryRequest', () => {
  it.each(retryRefusals)('(%s) with %s', (_section, _what, changes, code, alert) => {
    const scripted = new ScriptedServer(offering);
    scripted.sendHelloRetryRequest(changes);
    expect(refusal(scripted)).toEqual([code, alert]);
    expect(scripted.peer.received).toHaveLength(1);
  });

  it('(4.1.4) after another one', () => {
    const scripted = clientWaitingFor('second ServerHello');
    scripted.peer.send(
      scripted.hello({ random: helloRetryRequestRandom }, [
        [ExtensionType.supported_versions, u16(0x0304)],
        [ExtensionType.key_share, u16(secp256r1)],
      ]),
    );
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', unexpected_message]);
  });
});

it('a client echoes a cookie of 32 768 bytes, and refuses a longer one (4.2.2)', () => {
  const scripted = new ScriptedServer();
  scripted.sendHelloRetryRequest({ replace: { [ExtensionType.cookie]: vec16(new Uint8Array(32_768)) } });
  expect(scripted.clientHello.extensions.cookie?.length).toBe(32_768);
  const longer = new ScriptedServer();
  longer.sendHelloRetryRequest({ replace: { [ExtensionType.cookie]: vec16(new Uint8Array(32_769)) } });
  expect(refusal(longer)).toEqual(['PeerMisbehaved.IllegalHelloRetryRequestWithOversizedCookie', illegal_parameter]);
});

describe('after HelloRetryRequest a client sends the same ClientHello', () => {
  it('(4.1.2) but for the share of the group that was asked for', () => {
    const scripted = new ScriptedServer();
    const first = scripted.clientHello;
    scripted.sendHelloRetryRequest();
    const second = scripted.clientHello;
    expect(second.extensions.keyShares?.map(({ group }) => group)).toEqual([secp384r1]);
    expect({ ...second, extensions: { ...second.extensions, keyShares: undefined } }).toEqual({
      ...first,
      extensions: { ...first.extensions, keyShares: undefined },
    });
  });

  it('(4.2.2) and the cookie, with the share as it was where no group is named', () => {
    const scripted = new ScriptedServer();
    const first = scripted.clientHello;
    const cookie = bytes(1, 2, 3);
    scripted.sendHelloRetryRequest({
      replace: { [ExtensionType.cookie]: vec16(cookie), [ExtensionType.key_share]: undefined },
    });
    const second = scripted.clientHello;
    expect(second.extensions.cookie).toEqual(cookie);
    expect(second.extensions.keyShares).toEqual(first.extensions.keyShares);
  });

  it('(4.2.8) with one share even where the group has a second to offer', () => {
    const scripted = new ScriptedServer(withHybrid());
    scripted.sendHelloRetryRequest({ replace: { [ExtensionType.key_share]: u16(hybridName) } });
    expect(scripted.clientHello.extensions.keyShares?.map(({ group }) => group)).toEqual([hybridName]);
  });

  it('(D.4) and change_cipher_spec before it, once', () => {
    const scripted = clientWaitingFor('second ServerHello');
    scripted.sendServerHello();
    expect(scripted.peer.changeCipherSpecs).toBe(1);
    const plain = new ScriptedServer(client({ middleboxCompatibility: false }));
    plain.sendHelloRetryRequest();
    plain.sendServerHello();
    expect(plain.peer.changeCipherSpecs).toBe(0);
    expect(plain.clientHello.sessionId).toEqual(bytes());
  });
});

const hybridName = NamedGroup.X25519MLKEM768;

/** A client whose second group brings the share of its classical half along. */
function withHybrid(): ClientConfig {
  const [x25519] = provider.keyExchangeGroups;
  const hybrid: KeyExchangeGroup = {
    ...x25519!,
    name: hybridName,
    start() {
      const half = x25519!.start();
      if (isPromise(half)) throw new Error('the provider is to be synchronous');
      return { ...half, hybridComponent: { group: X25519, keyShare: half.keyShare, complete: half.complete } };
    },
  };
  const hybridProvider: CryptoProvider = { ...provider, keyExchangeGroups: [...provider.keyExchangeGroups, hybrid] };
  return client({ provider: hybridProvider, keyShares: [secp256r1] });
}

/** An invalid public value: what is wrong with it, and its bytes. */
const invalidShares: readonly (readonly [string, NamedGroup, (valid: Uint8Array) => Uint8Array])[] = [
  ['x25519: one byte too few', X25519, (valid) => valid.subarray(1)],
  ['x25519: one byte too many', X25519, (valid) => concat([valid, bytes(0)])],
  ['x25519: zero', X25519, () => new Uint8Array(32)],
  ['x25519: one', X25519, () => bytes(1, ...new Uint8Array(31))],
  ...[secp256r1, secp384r1].flatMap((group): [string, NamedGroup, (valid: Uint8Array) => Uint8Array][] => [
    [`${group}: one byte too few`, group, (valid) => valid.subarray(0, -1)],
    [`${group}: one byte too many`, group, (valid) => concat([valid, bytes(0)])],
    [`${group}: off the curve`, group, (valid) => concat([valid.subarray(0, -1), bytes(valid.at(-1)! ^ 1)])],
    [`${group}: the point at infinity`, group, () => bytes(0)],
    [`${group}: compressed`, group, (valid) => bytes(2, ...valid.subarray(1, (valid.length + 1) / 2))],
  ]),
];

describe('a client refuses a key share (4.2.8.1, 4.2.8.2, 7.4.2)', () => {
  it.each(invalidShares)('%s', (_what, group, invalid) => {
    const scripted = new ScriptedServer(client({ keyShares: [group] }));
    const keyShare = concat([u16(group), vec16(invalid(scripted.answer(group).keyShare))]);
    scripted.sendServerHello(replacing(ExtensionType.key_share, keyShare));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.InvalidKeyShare', illegal_parameter]);
  });

  it('(4.2.8) of the wrong one of two that it offered, so that the keys differ', () => {
    const scripted = new ScriptedServer(client({ keyShares: [X25519, secp256r1] }));
    const { keyShare } = scripted.answer(secp256r1);
    scripted.sendServerHello(replacing(ExtensionType.key_share, concat([u16(secp256r1), vec16(keyShare)])));
    expect(scripted.connection.error).toBeUndefined();
    const next = scripted.peer.protect(ContentType.handshake, scripted.encryptedExtensions());
    expect(() => scripted.connection.receive(next)).toThrow('cannot decrypt');
  });
});

describe('a client that is answered in another protocol', () => {
  it.each([
    ['HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'InvalidMessage.InvalidContentType', unexpected_message],
    ['SMTP', Buffer.from('220 mail.example ESMTP\r\n'), 'InvalidMessage.InvalidContentType', unexpected_message],
    ['SSL 2.0', bytes(0x80, 3, 0, 0, 1), 'InvalidMessage.InvalidContentType', unexpected_message],
    ['its own ClientHello', undefined, 'InappropriateHandshakeMessage', unexpected_message],
  ])('such as %s refuses', (_what, data, code, alert) => {
    const scripted = new ScriptedServer();
    scripted.peer.deliver(data ?? scripted.peer.records[0]!);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('hears the alert of a server of TLS 1.2', () => {
    const scripted = new ScriptedServer();
    scripted.peer.deliver(record(ContentType.alert, bytes(2, protocol_version), { version: 0x0302 }));
    expect(refusal(scripted)).toEqual(['AlertReceived', undefined]);
  });

  it('refuses the ServerHello of TLS 1.2 in full, before it reads what follows', () => {
    const scripted = new ScriptedServer();
    const hello = handshake(
      HandshakeType.server_hello,
      concat([u16(0x0303), new Uint8Array(32), vec8(), u16(0xc02f), bytes(0), extensionBlock([[0xff01, bytes(0)]])]),
    );
    const rest = handshake(HandshakeType.certificate, new Uint8Array(100));
    scripted.peer.deliver(record(ContentType.handshake, concat([hello, rest])));
    expect(refusal(scripted)).toEqual(['PeerIncompatible.NoVersionInCommon', protocol_version]);
  });
});
