/** What a server refuses of ClientHello and of the second one, after HelloRetryRequest. */
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { AlertDescription, ContentType, ExtensionType, HandshakeType, NamedGroup } from '../../src/registry.ts';
import { provider, server } from './fixtures.ts';
import {
  type ExtensionChanges,
  type HelloChanges,
  refusal,
  ScriptedClient,
  serverWaitingFor,
} from './scripted_peer.ts';
import { bytes, type Extension, handshake, record, u16, vec16, vec8 } from './wire.ts';

const { decode_error, handshake_failure, illegal_parameter, missing_extension, protocol_version } = AlertDescription;
const { no_application_protocol, unexpected_message } = AlertDescription;
const { X25519, secp256r1, secp384r1, X448 } = NamedGroup;

type Refusal = readonly [
  section: string,
  what: string,
  changes: HelloChanges | ((client: ScriptedClient) => HelloChanges),
  code: string,
  alert: AlertDescription,
];

function replacing(type: ExtensionType, data: Uint8Array | undefined): HelloChanges {
  return { replace: { [type]: data } };
}

function sniOf(name: string, type = 0): Uint8Array {
  return concat([bytes(type), vec16(Buffer.from(name))]);
}

const refusals: readonly Refusal[] = [
  // The fixed part.
  [
    '4.1.2',
    'a session id of 33 bytes',
    { sessionId: new Uint8Array(33) },
    'InvalidMessage.VectorTooLong',
    decode_error,
  ],
  ['4.1.2', 'no cipher suites', { cipherSuites: vec16() }, 'InvalidMessage.IllegalEmptyList', decode_error],
  ['4.1.2', 'half a cipher suite', { cipherSuites: vec16(bytes(0x13)) }, 'InvalidMessage.MissingData', decode_error],
  [
    '4.1.1',
    'unknown cipher suites',
    { cipherSuites: vec16(u16(0x0a0a, 0xc02b)) },
    'PeerIncompatible.NoCipherSuitesInCommon',
    handshake_failure,
  ],
  ['4.1.2', 'no compression method', { compression: vec8() }, 'InvalidMessage.IllegalEmptyList', decode_error],
  [
    '4.1.2',
    'another compression method',
    { compression: vec8(bytes(1)) },
    'PeerMisbehaved.OfferedIncorrectCompressions',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'two compression methods',
    { compression: vec8(bytes(0, 1)) },
    'PeerMisbehaved.OfferedIncorrectCompressions',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'null compression twice',
    { compression: vec8(bytes(0, 0)) },
    'PeerMisbehaved.OfferedIncorrectCompressions',
    illegal_parameter,
  ],
  [
    'D.5',
    'SSL 3.0 as legacy_version',
    { legacyVersion: 0x0300 },
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  // Extensions as such.
  [
    '4.2',
    'an extension twice',
    {
      append: [
        [ExtensionType.padding, bytes()],
        [ExtensionType.padding, bytes()],
      ],
    },
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'an unknown extension twice',
    {
      append: [
        [0x4a4a, bytes()],
        [0x4a4a, bytes(1)],
      ],
    },
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'supported_versions twice',
    { append: [[ExtensionType.supported_versions, vec8(u16(0x0304))]] },
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  // 4.2.1 supported_versions, and D.2.
  [
    '4.2.1',
    'no supported_versions',
    replacing(ExtensionType.supported_versions, undefined),
    'PeerIncompatible.SupportedVersionsExtensionRequired',
    protocol_version,
  ],
  [
    '4.2.1',
    'TLS 1.2 alone',
    replacing(ExtensionType.supported_versions, vec8(u16(0x0303))),
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  [
    '4.2.1',
    'old and unknown versions',
    replacing(ExtensionType.supported_versions, vec8(u16(0x0300, 0x0301, 0x0302, 0x0305, 0x7f1c, 0x1a1a))),
    'PeerIncompatible.NoVersionInCommon',
    protocol_version,
  ],
  [
    '4.2.1',
    'an empty list of versions',
    replacing(ExtensionType.supported_versions, vec8()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.1',
    'half a version',
    replacing(ExtensionType.supported_versions, vec8(bytes(3, 4, 3))),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2.1',
    'bytes after the versions',
    replacing(ExtensionType.supported_versions, concat([vec8(u16(0x0304)), bytes(0)])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  // 4.2.2 cookie.
  [
    '4.2.2',
    'an empty cookie',
    replacing(ExtensionType.cookie, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  // 4.2.3 signature_algorithms, and 9.2.
  [
    '4.2.3',
    'no signature schemes in the list',
    replacing(ExtensionType.signature_algorithms, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.3',
    'half a signature scheme',
    replacing(ExtensionType.signature_algorithms, vec16(bytes(4))),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2.3',
    'signature schemes that our key cannot make',
    replacing(ExtensionType.signature_algorithms, vec16(u16(0x0804, 0x0807))),
    'PeerIncompatible.NoSignatureSchemesInCommon',
    handshake_failure,
  ],
  [
    '4.4.3',
    'schemes of PKCS #1 and SHA-1 alone',
    replacing(ExtensionType.signature_algorithms, vec16(u16(0x0401, 0x0501, 0x0601, 0x0201, 0x0203))),
    'PeerIncompatible.NoSignatureSchemesInCommon',
    handshake_failure,
  ],
  [
    '9.2',
    'no signature_algorithms',
    replacing(ExtensionType.signature_algorithms, undefined),
    'PeerIncompatible.SignatureAlgorithmsExtensionRequired',
    missing_extension,
  ],
  // 4.2.4 certificate_authorities.
  [
    '4.2.4',
    'no authorities in the list',
    replacing(ExtensionType.certificate_authorities, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.4',
    'an empty authority',
    replacing(ExtensionType.certificate_authorities, vec16(vec16())),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  // 4.2.7 supported_groups, and 9.2.
  [
    '4.2.7',
    'no groups in the list',
    replacing(ExtensionType.supported_groups, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.7',
    'half a group',
    replacing(ExtensionType.supported_groups, vec16(bytes(0))),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.1.1',
    'unknown groups alone',
    { replace: { [ExtensionType.supported_groups]: vec16(u16(0x2a2a, X448)), [ExtensionType.key_share]: vec16() } },
    'PeerIncompatible.NoGroupsInCommon',
    handshake_failure,
  ],
  [
    '9.2',
    'no supported_groups',
    replacing(ExtensionType.supported_groups, undefined),
    'PeerIncompatible.NamedGroupsExtensionRequired',
    missing_extension,
  ],
  // 4.2.8 key_share, and 9.2.
  [
    '9.2',
    'no key_share',
    replacing(ExtensionType.key_share, undefined),
    'PeerIncompatible.KeyShareExtensionRequired',
    missing_extension,
  ],
  [
    '4.2.8',
    'a share of a group that is not in supported_groups',
    replacing(ExtensionType.supported_groups, vec16(u16(secp256r1))),
    'PeerMisbehaved.OfferedUnadvertisedKeyShare',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'two shares of a group',
    (c) => replacing(ExtensionType.key_share, vec16(c.keyShare(), c.keyShare())),
    'PeerMisbehaved.OfferedDuplicateKeyShares',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'an empty share',
    replacing(ExtensionType.key_share, vec16(u16(X25519), vec16())),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.8',
    'a share cut short',
    replacing(ExtensionType.key_share, vec16(u16(X25519, 32), new Uint8Array(31))),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2.8',
    'bytes after the shares',
    (c) => replacing(ExtensionType.key_share, concat([vec16(c.keyShare()), bytes(0)])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  // 4.2.9 psk_key_exchange_modes and 4.2.11 pre_shared_key.
  [
    '4.2.9',
    'pre_shared_key without psk_key_exchange_modes',
    { append: [[ExtensionType.pre_shared_key, pskOffer()]] },
    'PeerMisbehaved.MissingPskModesExtension',
    missing_extension,
  ],
  [
    '4.2.9',
    'no modes in the list',
    replacing(ExtensionType.psk_key_exchange_modes, vec8()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.11',
    'pre_shared_key that is not last',
    {
      append: [
        [ExtensionType.psk_key_exchange_modes, vec8(bytes(1))],
        [ExtensionType.pre_shared_key, pskOffer()],
        [ExtensionType.padding, bytes()],
      ],
    },
    'InvalidMessage.PreSharedKeyIsNotFinalExtension',
    illegal_parameter,
  ],
  // 4.2.10 early_data.
  [
    '4.2.10',
    'early_data with data',
    replacing(ExtensionType.early_data, bytes(0)),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  // RFC 6066 section 3.
  [
    'RFC 6066 3',
    'an empty server_name',
    replacing(ExtensionType.server_name, bytes()),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'no name in the list',
    replacing(ExtensionType.server_name, vec16()),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'an empty name',
    replacing(ExtensionType.server_name, vec16(sniOf(''))),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'two names',
    replacing(ExtensionType.server_name, vec16(sniOf('a.example'), sniOf('b.example'))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'a name of another type',
    replacing(ExtensionType.server_name, vec16(sniOf('a.example', 1))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'a trailing dot',
    replacing(ExtensionType.server_name, vec16(sniOf('a.example.'))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'a name that is not ASCII',
    replacing(ExtensionType.server_name, vec16(sniOf('bücher.example'))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'a name with a zero byte',
    replacing(ExtensionType.server_name, vec16(sniOf('a.example\0.b.example'))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'a name with a line break',
    replacing(ExtensionType.server_name, vec16(sniOf('a.example\n'))),
    'InvalidMessage.InvalidServerName',
    decode_error,
  ],
  // RFC 7301.
  [
    'RFC 7301 3.1',
    'no protocols in the list',
    replacing(ExtensionType.application_layer_protocol_negotiation, vec16()),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    'RFC 7301 3.1',
    'an empty protocol',
    replacing(ExtensionType.application_layer_protocol_negotiation, vec16(vec8(bytes(104)), vec8())),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    'RFC 7301 3.2',
    'no protocol in common',
    replacing(ExtensionType.application_layer_protocol_negotiation, vec16(vec8(bytes(104, 51)))),
    'NoApplicationProtocol',
    no_application_protocol,
  ],
];

/** One identity of 4 bytes with its age, and one binder of 32 zeros. */
function pskOffer(): Uint8Array {
  return concat([vec16(vec16(bytes(1, 2, 3, 4)), bytes(0, 0, 0, 0)), vec16(vec8(new Uint8Array(32)))]);
}

describe('a server refuses a ClientHello', () => {
  const config = server({ alpnProtocols: ['h2'] });
  it.each(refusals)('(%s) with %s', (_section, _what, changes, code, alert) => {
    const scripted = new ScriptedClient(config);
    scripted.sendClientHello(typeof changes === 'function' ? changes(scripted) : changes);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('(4.1.2) without extensions, as one of TLS 1.2', () => {
    const scripted = new ScriptedClient();
    scripted.peer.send(handshake(HandshakeType.client_hello, fixedPart(scripted.clientHello())));
    expect(refusal(scripted)).toEqual(['PeerIncompatible.SupportedVersionsExtensionRequired', protocol_version]);
  });

  it('(4.1.2) with bytes after its extensions', () => {
    const scripted = new ScriptedClient();
    scripted.peer.send(handshake(HandshakeType.client_hello, concat([scripted.clientHello().subarray(4), bytes(0)])));
    expect(refusal(scripted)).toEqual(['InvalidMessage.TrailingData', decode_error]);
  });

  it('(6.2) wherever it is cut short', () => {
    const whole = new ScriptedClient().clientHello({
      append: [[ExtensionType.server_name, vec16(sniOf('a.example'))]],
    });
    const body = whole.subarray(4);
    const noExtensions = fixedPart(whole).length;
    for (let length = 0; length < body.length; length++) {
      const scripted = new ScriptedClient();
      scripted.peer.send(handshake(HandshakeType.client_hello, body.subarray(0, length)));
      const alert = length === noExtensions ? protocol_version : decode_error;
      expect(refusal(scripted)[1], `${length} bytes`).toBe(alert);
    }
  });

  it('or accepts it, whichever byte is changed; nothing else is thrown and nothing of ours fails', () => {
    const whole = new ScriptedClient().clientHello({
      append: [[ExtensionType.server_name, vec16(sniOf('a.example'))]],
    });
    for (let at = 4; at < whole.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const scripted = new ScriptedClient();
        const changed = whole.slice();
        changed[at] = value;
        scripted.connection.start();
        let thrown: unknown;
        try {
          void scripted.connection.receive(record(ContentType.handshake, changed));
        } catch (error) {
          thrown = error;
        }
        expect(thrown, `byte ${at}`).toBe(scripted.connection.error);
        expect(scripted.connection.error?.detail.code, `byte ${at}`).not.toBe('General');
      }
    }
  });
});

/** The body of a ClientHello up to its extensions. */
function fixedPart(message: Uint8Array): Uint8Array {
  const body = message.subarray(4);
  const suitesAt = 34 + 1 + body[34]!;
  const compressionAt = suitesAt + 2 + (body[suitesAt]! << 8) + body[suitesAt + 1]!;
  return body.subarray(0, compressionAt + 1 + body[compressionAt]!);
}

describe('a server accepts a ClientHello', () => {
  const accepted: readonly (readonly [string, string, HelloChanges])[] = [
    ['4.1.2', 'with any other legacy_version', { legacyVersion: 0x0301 }],
    ['4.1.2', 'without a session id', { sessionId: bytes() }],
    ['RFC 7507 3', 'with TLS_FALLBACK_SCSV, but no less than we have', { cipherSuites: vec16(u16(0x1301, 0x5600)) }],
    [
      '4.2',
      'with extensions that nobody knows',
      {
        append: [
          [0x0a0a, bytes()],
          [0xfefe, new Uint8Array(300)],
        ],
      },
    ],
    [
      '4.2.1',
      'with unknown versions before TLS 1.3',
      replacing(ExtensionType.supported_versions, vec8(u16(0x1a1a, 0x0305, 0x0304))),
    ],
    [
      '4.2.7',
      'with unknown groups and suites',
      {
        cipherSuites: vec16(u16(0x2a2a, 0x1301, 0x1302)),
        replace: { [ExtensionType.supported_groups]: vec16(u16(0x2a2a, X25519)) },
      },
    ],
    [
      '4.2.11',
      'with a PSK, which it does not take',
      {
        append: [
          [ExtensionType.psk_key_exchange_modes, vec8(bytes(1))],
          [ExtensionType.pre_shared_key, pskOffer()],
        ],
      },
    ],
    [
      'RFC 6066 3',
      'with an IP address for a name, as if there were none',
      replacing(ExtensionType.server_name, vec16(sniOf('192.0.2.1'))),
    ],
  ];
  it.each(accepted)('(%s) %s', (_section, _what, changes) => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello(changes);
    scripted.sendFinished();
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.connection.isHandshaking).toBe(false);
    expect(scripted.connection.serverName).toBeUndefined();
  });

  it('(D.4) and sends change_cipher_spec exactly if the client is in compatibility mode', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello();
    expect(scripted.peer.changeCipherSpecs).toBe(1);
    const plain = new ScriptedClient();
    plain.sendClientHello({ sessionId: bytes() });
    expect(plain.peer.changeCipherSpecs).toBe(0);
  });
});

type Variation = readonly [
  section: string,
  what: string,
  changes: (client: ScriptedClient) => HelloChanges,
  code: string,
  alert: AlertDescription,
];

const variations: readonly Variation[] = [
  [
    '4.1.2',
    'another random',
    () => ({ random: new Uint8Array(32) }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'another session id',
    () => ({ sessionId: bytes(1) }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'other cipher suites',
    () => ({ cipherSuites: vec16(u16(0x1303)) }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'another server name',
    () => replacing(ExtensionType.server_name, vec16(sniOf('b.example'))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'no server name any more',
    () => replacing(ExtensionType.server_name, undefined),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'other groups',
    () => replacing(ExtensionType.supported_groups, vec16(u16(X25519))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'other signature schemes',
    () => replacing(ExtensionType.signature_algorithms, vec16(u16(0x0403))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'other protocols',
    () => replacing(ExtensionType.application_layer_protocol_negotiation, vec16(vec8(bytes(104)))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'protocols cut up differently',
    () =>
      replacing(
        ExtensionType.application_layer_protocol_negotiation,
        vec16(vec8(Buffer.from('a')), vec8(Buffer.from('b'))),
      ),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.2.1',
    'no TLS 1.3 any more',
    () => replacing(ExtensionType.supported_versions, vec8(u16(0x0303))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'another legacy_version',
    () => ({ legacyVersion: 0x0302 }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'other data in an unknown extension',
    () => ({ append: [[0x0a0a, bytes(2)]] }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'one unknown extension fewer',
    () => ({ append: [] }),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.1.2',
    'one known extension more',
    () => replacing(ExtensionType.status_request, bytes(1, 0, 0, 0, 0)),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.2.2',
    'a cookie that we did not send',
    () => replacing(ExtensionType.cookie, vec16(bytes(1))),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'no key share again',
    () => replacing(ExtensionType.key_share, vec16()),
    'PeerMisbehaved.RefusedToFollowHelloRetryRequest',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'a share of another group',
    (c) => replacing(ExtensionType.key_share, vec16(c.keyShare(secp384r1))),
    'PeerMisbehaved.RefusedToFollowHelloRetryRequest',
    illegal_parameter,
  ],
  [
    '4.2.8',
    'one share more than was asked for',
    (c) => replacing(ExtensionType.key_share, vec16(c.keyShare(), c.keyShare(secp384r1))),
    'PeerMisbehaved.RefusedToFollowHelloRetryRequest',
    illegal_parameter,
  ],
  [
    '4.2.10',
    'early_data',
    () => replacing(ExtensionType.early_data, bytes()),
    'PeerMisbehaved.VariedClientHelloAfterRetry',
    illegal_parameter,
  ],
  [
    '9.2',
    'no key_share',
    () => replacing(ExtensionType.key_share, undefined),
    'PeerIncompatible.KeyShareExtensionRequired',
    missing_extension,
  ],
];

describe('after HelloRetryRequest a server refuses a ClientHello', () => {
  const first: ExtensionChanges['replace'] = {
    [ExtensionType.server_name]: vec16(sniOf('a.example')),
    [ExtensionType.application_layer_protocol_negotiation]: vec16(vec8(Buffer.from('a,b'))),
  };
  const append: readonly Extension[] = [[0x0a0a, bytes(1)]];

  it.each(variations)('(%s) with %s', (_section, _what, changes, code, alert) => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello({ append, replace: { ...first, [ExtensionType.key_share]: vec16() } });
    const { replace, ...others } = changes(scripted);
    scripted.sendClientHello({ append, ...others, replace: { ...first, ...replace } });
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('(4.1.2) but accepts other padding, and extensions in another order', () => {
    const scripted = new ScriptedClient();
    const padding = (length: number): Extension => [ExtensionType.padding, new Uint8Array(length)];
    scripted.sendClientHello({ append: [...append, padding(3)], replace: { [ExtensionType.key_share]: vec16() } });
    scripted.sendClientHello({ append: [padding(5), ...append] });
    scripted.sendFinished();
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.connection.isHandshaking).toBe(false);
  });

  it('but accepts it unchanged, and says what happened', () => {
    const scripted = serverWaitingFor('second ClientHello');
    scripted.sendClientHello();
    scripted.sendFinished();
    expect(scripted.connection.error).toBeUndefined();
    expect(scripted.connection.handshakeKind).toBe('full-with-hello-retry-request');
    expect(scripted.peer.changeCipherSpecs).toBe(1);
  });

  it('(4.1.4) and asks only once', () => {
    const scripted = serverWaitingFor('second ClientHello');
    scripted.sendClientHello({ replace: { [ExtensionType.key_share]: vec16() } });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.RefusedToFollowHelloRetryRequest', illegal_parameter]);
    expect(scripted.peer.received).toHaveLength(1);
  });
});

/** An invalid public value: what is wrong with it, and its bytes. */
const invalidShares: readonly (readonly [string, NamedGroup, (valid: Uint8Array) => Uint8Array])[] = [
  ['x25519: one byte too few', X25519, (valid) => valid.subarray(1)],
  ['x25519: one byte too many', X25519, (valid) => concat([valid, bytes(0)])],
  ['x25519: zero', X25519, () => new Uint8Array(32)],
  ['x25519: one', X25519, () => bytes(1, ...new Uint8Array(31))],
  [
    'x25519: a point of order 8',
    X25519,
    () => new Uint8Array(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')),
  ],
  ['x25519: p, which is zero', X25519, () => bytes(0xed, ...new Uint8Array(30).fill(0xff), 0x7f)],
  ['x25519: p - 1', X25519, () => bytes(0xec, ...new Uint8Array(30).fill(0xff), 0x7f)],
  ['x25519: p with the high bit', X25519, () => bytes(0xed, ...new Uint8Array(31).fill(0xff))],
  ...[secp256r1, secp384r1].flatMap((group): [string, NamedGroup, (valid: Uint8Array) => Uint8Array][] => {
    const name = group === secp256r1 ? 'secp256r1' : 'secp384r1';
    return [
      [`${name}: one byte too few`, group, (valid) => valid.subarray(0, -1)],
      [`${name}: one byte too many`, group, (valid) => concat([valid, bytes(0)])],
      [`${name}: off the curve`, group, (valid) => concat([valid.subarray(0, -1), bytes(valid.at(-1)! ^ 1)])],
      [`${name}: the point at infinity`, group, () => bytes(0)],
      [`${name}: zeros for coordinates`, group, (valid) => bytes(4, ...new Uint8Array(valid.length - 1))],
      [
        `${name}: coordinates over the prime`,
        group,
        (valid) => bytes(4, ...new Uint8Array(valid.length - 1).fill(0xff)),
      ],
      [
        `${name}: compressed`,
        group,
        (valid) => bytes(2 + (valid.at(-1)! & 1), ...valid.subarray(1, (valid.length + 1) / 2)),
      ],
      [`${name}: hybrid form`, group, (valid) => bytes(6 + (valid.at(-1)! & 1), ...valid.subarray(1))],
      [`${name}: another format byte`, group, (valid) => bytes(5, ...valid.subarray(1))],
    ];
  }),
];

describe('a server refuses a key share (4.2.8.1, 4.2.8.2, 7.4.2)', () => {
  it.each(invalidShares)('%s', (_what, group, invalid) => {
    const scripted = new ScriptedClient(server(), group);
    const share = vec16(invalid(scripted.keyShare().subarray(4)));
    scripted.sendClientHello(replacing(ExtensionType.key_share, vec16(u16(group), share)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.InvalidKeyShare', illegal_parameter]);
    expect(scripted.peer.received).toEqual([]);
  });

  it('and has the table above for every group of the provider', () => {
    const covered = new Set(invalidShares.map(([, group]) => group));
    expect(provider.keyExchangeGroups.filter(({ name }) => !covered.has(name))).toEqual([]);
  });
});

describe('a server that is spoken to in another protocol', () => {
  it.each([
    [
      'SSL 2.0',
      bytes(0x80, 0x2e, 0x01, 0x03, 0x01, ...new Uint8Array(43)),
      'InvalidMessage.InvalidContentType',
      unexpected_message,
    ],
    [
      'HTTP',
      Buffer.from('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'),
      'InvalidMessage.InvalidContentType',
      unexpected_message,
    ],
    ['SMTP', Buffer.from('EHLO a.example\r\n'), 'InvalidMessage.InvalidContentType', unexpected_message],
    [
      'a PROXY header',
      Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
      'InvalidMessage.InvalidContentType',
      unexpected_message,
    ],
    [
      'a record of version 2',
      bytes(22, 2, 0, 0, 4, 1, 0, 0, 0),
      'InvalidMessage.UnknownProtocolVersion',
      protocol_version,
    ],
  ])('such as %s refuses at its first 5 bytes', (_what, data, code, alert) => {
    const scripted = new ScriptedClient();
    scripted.peer.deliver(data.subarray(0, 4));
    expect(scripted.connection.error).toBeUndefined();
    scripted.peer.deliver(data.subarray(4, 5));
    expect(refusal(scripted)).toEqual([code, alert]);
  });
});
