/** What the hellos of TLS 1.2 may say, and which version they lead to. */
import { Pair } from '@tyls/testing';
import { ServerConnection } from '@tyls/tls-core';
import { describe, expect, it } from 'vitest';
import { asciiBytes, concat } from '../../src/codec/bytes.ts';
import { type ClientOptions, type ServerConfig, type ServerOptions } from '../../src/config.ts';
import { helloRetryRequestRandom } from '../../src/messages/server_hello.ts';
import {
  AlertDescription,
  AlertLevel,
  CipherSuite,
  ExtensionType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '../../src/registry.ts';
import { bytes, type Extension, u16, vec16, vec8 } from '../hostile/wire.ts';
import {
  established,
  client,
  type HelloChanges,
  identity,
  provider,
  refusal,
  rsaIdentity,
  ScriptedClient,
  ScriptedServer,
  server,
  suites,
} from './scripted_peer.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const {
  illegal_parameter,
  handshake_failure,
  inappropriate_fallback,
  protocol_version,
  unsupported_extension,
  missing_extension,
} = AlertDescription;

function pairOf(clientOptions: Partial<ClientOptions>, serverOptions: Partial<ServerOptions>): Pair {
  const pair = new Pair({ client: client(clientOptions), server: server(serverOptions) });
  void pair.run();
  return pair;
}

describe('the version', () => {
  it.each([
    [undefined, undefined, TLSv1_3],
    [undefined, [TLSv1_2], TLSv1_2],
    [[TLSv1_2], undefined, TLSv1_2],
    [[TLSv1_2], [TLSv1_2], TLSv1_2],
    [[TLSv1_2, TLSv1_3], [TLSv1_3], TLSv1_3],
    [[TLSv1_3], [TLSv1_2, TLSv1_3], TLSv1_3],
  ])('is the newest in common: client %j, server %j', (ours, theirs, version) => {
    const pair = pairOf({ versions: ours }, { versions: theirs });
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect([pair.client.protocolVersion, pair.server.protocolVersion]).toEqual([version, version]);
  });

  it.each([
    [[TLSv1_2], [TLSv1_3]],
    [[TLSv1_3], [TLSv1_2]],
  ])('is refused if there is none: client %j, server %j', (ours, theirs) => {
    const pair = pairOf({ versions: ours }, { versions: theirs });
    expect(pair.server.error?.code).toBe('PeerIncompatible.NoVersionInCommon');
    expect(pair.client.error?.detail).toEqual({ code: 'AlertReceived', alert: protocol_version });
  });

  it('decides what a ClientHello offers', () => {
    const both = new ScriptedServer(client({ grease: false })).clientHello;
    expect(both.extensions.versions).toEqual([TLSv1_3, TLSv1_2]);
    expect(both.extensions.extendedMasterSecret).toBe(true);
    expect(both.extensions.renegotiationInfo).toEqual(bytes());
    expect(both.extensions.ecPointFormats).toEqual(bytes(0));
    expect(both.sessionId).toHaveLength(32);

    const newer = new ScriptedServer(client({ versions: [TLSv1_3], grease: false })).clientHello;
    expect(newer.extensions.versions).toEqual([TLSv1_3]);
    const { extended_master_secret, renegotiation_info, ec_point_formats } = ExtensionType;
    for (const type of [extended_master_secret, renegotiation_info, ec_point_formats]) {
      expect(newer.extensions.types).not.toContain(type);
    }
    expect(newer.cipherSuites.every((id) => id >> 8 === 0x13)).toBe(true);

    const older = new ScriptedServer(client({ versions: [TLSv1_2], grease: false })).clientHello;
    expect(older.extensions.versions).toEqual([TLSv1_2]);
    expect(older.extensions.types).not.toContain(ExtensionType.key_share);
    expect(older.sessionId).toHaveLength(0);
    expect(older.cipherSuites.some((id) => id >> 8 === 0x13)).toBe(false);
  });

  it('of a client without supported_versions is the one that it says', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello();
    scripted.sendKeyExchange();
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.protocolVersion).toBe(TLSv1_2);
  });

  it.each([0x0301, 0x0302])('%i is too old', (legacyVersion) => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello({ legacyVersion });
    expect(refusal(scripted)).toEqual(['PeerIncompatible.NoVersionInCommon', protocol_version]);
    const old = new ScriptedServer();
    old.sendHello({ legacyVersion });
    expect(refusal(old)).toEqual(['PeerIncompatible.NoVersionInCommon', protocol_version]);
  });

  it('is TLS 1.2 for a client that says it speaks something newer, without supported_versions', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello({ legacyVersion: 0x0399 });
    expect(scripted.serverHello.legacyVersion).toBe(TLSv1_2);
  });

  it('is not chosen by supported_versions in TLS 1.2 (RFC 8446 section 4.2.1)', () => {
    const scripted = new ScriptedServer();
    scripted.sendHello({ append: [[ExtensionType.supported_versions, u16(TLSv1_2)]] });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedTls12UsingTls13VersionExtension', illegal_parameter]);
  });

  it('is not TLS 1.2 after a HelloRetryRequest', () => {
    const scripted = new ScriptedServer();
    scripted.sendHello({
      random: helloRetryRequestRandom,
      sessionId: scripted.clientHello.sessionId,
      cipherSuites: [CipherSuite.TLS_AES_128_GCM_SHA256],
      replace: { [ExtensionType.extended_master_secret]: undefined, [ExtensionType.renegotiation_info]: undefined },
      append: [
        [ExtensionType.supported_versions, u16(TLSv1_3)],
        [ExtensionType.key_share, u16(NamedGroup.secp384r1)],
      ],
    });
    expect(scripted.connection.error).toBeUndefined();
    scripted.sendHello();
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedUnofferedVersion', illegal_parameter]);
  });

  it('is known to who chooses the configuration', () => {
    const seen: (readonly number[])[] = [];
    const connection = new ServerConnection((hello) => {
      seen.push(hello.versions);
      return server({ versions: [TLSv1_2] });
    });
    void connection.receive(concat([bytes(22, 3, 3), vec16(new ScriptedClient().clientHello())]));
    expect(seen).toEqual([[TLSv1_2]]);
    expect(connection.protocolVersion).toBe(TLSv1_2);
  });
});

describe('downgrade protection (RFC 8446 section 4.1.3)', () => {
  const random = (sentinel: string): Uint8Array => concat([new Uint8Array(24).fill(7), asciiBytes(sentinel)]);

  it.each(['DOWNGRD\x01', 'DOWNGRD\x00'])('a client that offered TLS 1.3 refuses %j', (sentinel) => {
    const scripted = new ScriptedServer();
    scripted.sendHello({ random: random(sentinel) });
    const code = 'PeerMisbehaved.AttemptedDowngradeToTls12WhenTls13IsSupported';
    expect(refusal(scripted)).toEqual([code, illegal_parameter]);
  });

  it('a client that did not offer it goes on', () => {
    const scripted = new ScriptedServer(client({ versions: [TLSv1_2] }));
    scripted.sendHello({ random: random('DOWNGRD\x01') });
    expect(scripted.connection.error).toBeUndefined();
  });

  it('a server that has TLS 1.3 says so', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello();
    expect(scripted.serverHello.random.subarray(24)).toEqual(asciiBytes('DOWNGRD\x01'));
    const older = new ScriptedClient(server({ versions: [TLSv1_2] }));
    older.sendClientHello();
    expect(older.serverHello.random.subarray(24)).not.toEqual(asciiBytes('DOWNGRD\x01'));
  });

  describe('a client that fell back (RFC 7507 section 3)', () => {
    const cipherSuites = [...suites.map(({ id }) => id), CipherSuite.TLS_FALLBACK_SCSV];

    it.each<[string, ServerConfig, HelloChanges]>([
      ['to TLS 1.2 need not have', server(), {}],
      ['to TLS 1.1 need not have', server({ versions: [TLSv1_2] }), { legacyVersion: 0x0302 }],
      ['to TLS 1.2 need not have, where it is not spoken', server({ versions: [TLSv1_3] }), {}],
    ])('%s', (_what, config, changes) => {
      const scripted = new ScriptedClient(config);
      scripted.sendClientHello({ cipherSuites, ...changes });
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.InappropriateFallback', inappropriate_fallback]);
    });

    it('has done right where there is nothing newer', () => {
      const scripted = new ScriptedClient(server({ versions: [TLSv1_2] }));
      scripted.sendClientHello({ cipherSuites });
      expect(scripted.serverHello.legacyVersion).toBe(TLSv1_2);
    });
  });

  it('who takes TLS 1.3 out of the ClientHello is found out', () => {
    const { supported_versions } = ExtensionType;
    const pair = new Pair({
      client: client({ grease: false }),
      server: server(),
      alter(from, flight) {
        const at = Buffer.from(flight).indexOf(Buffer.from([0, supported_versions, 0, 5, 4, 3, 4, 3, 3]));
        if (from === 'client' && at > 0) flight[at + 6] = 3;
        return flight;
      },
    });
    void pair.run();
    expect(pair.server.protocolVersion).toBe(TLSv1_2);
    expect(pair.client.error?.code).toBe('PeerMisbehaved.AttemptedDowngradeToTls12WhenTls13IsSupported');
  });
});

describe('a ServerHello of TLS 1.2', () => {
  const cases: readonly (readonly [string, HelloChanges, string, number])[] = [
    [
      'a suite that was not offered',
      { cipherSuites: [0xc013] },
      'PeerMisbehaved.SelectedUnofferedCipherSuite',
      illegal_parameter,
    ],
    [
      'a suite of TLS 1.3',
      { cipherSuites: [CipherSuite.TLS_AES_128_GCM_SHA256] },
      'PeerMisbehaved.SelectedUnusableCipherSuiteForVersion',
      illegal_parameter,
    ],
    ['compression', { compression: bytes(1) }, 'InvalidMessage.UnsupportedCompression', illegal_parameter],
    [
      'renegotiation_info that is not empty (RFC 5746 section 3.4)',
      { replace: { [ExtensionType.renegotiation_info]: vec8(bytes(1)) } },
      'PeerMisbehaved.IllegalRenegotiationInfo',
      handshake_failure,
    ],
    [
      'no uncompressed points (RFC 8422 section 5.1.2)',
      { append: [[ExtensionType.ec_point_formats, vec8(bytes(1, 2))]] },
      'PeerIncompatible.UncompressedEcPointsRequired',
      illegal_parameter,
    ],
    [
      'an extension that was not asked for',
      { append: [[ExtensionType.application_layer_protocol_negotiation, vec16(vec8(asciiBytes('h2')))]] },
      'PeerMisbehaved.UnsolicitedExtension',
      unsupported_extension,
    ],
    [
      'a key share',
      { append: [[ExtensionType.key_share, concat([u16(NamedGroup.X25519), vec16(bytes(1))])]] },
      'PeerMisbehaved.DisallowedExtension',
      illegal_parameter,
    ],
    [
      'an extension twice',
      { append: [[ExtensionType.extended_master_secret, bytes()]] },
      'InvalidMessage.DuplicateExtension',
      illegal_parameter,
    ],
    [
      'an extended_master_secret with something in it',
      { replace: { [ExtensionType.extended_master_secret]: bytes(0) } },
      'InvalidMessage.TrailingData',
      AlertDescription.decode_error,
    ],
  ];
  it.each(cases)('with %s is refused', (_what, changes, code, alert) => {
    const scripted = new ScriptedServer();
    scripted.sendHello(changes);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([
    ['no list', bytes(), 'MissingData'],
    ['an empty list', vec16(), 'IllegalEmptyList'],
    ['an empty timestamp', vec16(vec16()), 'IllegalEmptyList'],
    ['bytes after the list', concat([vec16(vec16(bytes(1))), bytes(0)]), 'TrailingData'],
  ])('with timestamps that are %s is refused (RFC 6962 section 3.3)', (_what, list, reason) => {
    const { verifier } = client();
    const scripted = new ScriptedServer(client({ verifier: { ...verifier, requestSctList: true } }));
    scripted.sendHello({ append: [[ExtensionType.signed_certificate_timestamp, list]] });
    expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, AlertDescription.decode_error]);
    const unasked = new ScriptedServer();
    const good = vec16(vec16(bytes(1)));
    unasked.sendHello({ append: [[ExtensionType.signed_certificate_timestamp, good]] });
    expect(refusal(unasked)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it.each([
    ['an ALPN protocol that was not offered', ['h2'], vec16(vec8(asciiBytes('h3')))],
    ['an ALPN protocol where none was offered', undefined, vec16(vec8(asciiBytes('h3')))],
  ])('with %s is refused', (_what, alpnProtocols, protocols) => {
    const scripted = new ScriptedServer(client({ alpnProtocols }));
    scripted.sendHello({ append: [[ExtensionType.application_layer_protocol_negotiation, protocols]] });
    const codes = ['PeerMisbehaved.SelectedUnofferedApplicationProtocol', 'PeerMisbehaved.UnsolicitedExtension'];
    expect(codes).toContain(refusal(scripted)[0]);
  });

  it('that echoes the session id of middlebox compatibility is refused', () => {
    const scripted = new ScriptedServer();
    scripted.sendHello({ sessionId: scripted.clientHello.sessionId });
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.ServerEchoedCompatibilitySessionId', illegal_parameter]);
  });

  it.each([
    ['a session id of its own', { sessionId: bytes(1, 2, 3) }],
    ['no renegotiation_info', { replace: { [ExtensionType.renegotiation_info]: undefined } }],
    [
      'uncompressed points among others',
      { append: [[ExtensionType.ec_point_formats, vec8(bytes(1, 0))] as Extension] },
    ],
    ['supported_groups', { append: [[ExtensionType.supported_groups, vec16(u16(29))] as Extension] }],
    ['server_name', { append: [[ExtensionType.server_name, bytes()] as Extension] }],
  ])('with %s is accepted', (_what, changes) => {
    const scripted = new ScriptedServer();
    const { peer } = scripted;
    scripted.sendHello(changes);
    peer.send(peer.certificate(), scripted.keyExchange(), scripted.done());
    scripted.sendFinish();
    expect(established(peer)).toBe(true);
  });

  it('may come after a warning, from servers that do not know the name', () => {
    const scripted = new ScriptedServer();
    const { peer } = scripted;
    peer.sendAlert(AlertLevel.warning, AlertDescription.unrecognized_name);
    scripted.sendHello();
    peer.send(peer.certificate(), scripted.keyExchange(), scripted.done());
    scripted.sendFinish();
    established(peer);
    const newer = new ScriptedServer(client({ versions: [TLSv1_3] }));
    newer.peer.sendAlert(AlertLevel.warning, AlertDescription.unrecognized_name);
    expect(refusal(newer)).toEqual(['AlertReceived', undefined]);
  });
});

describe('a ClientHello of TLS 1.2', () => {
  const { signature_algorithms, supported_groups, ec_point_formats, renegotiation_info } = ExtensionType;
  const cases: readonly (readonly [string, HelloChanges, string, number])[] = [
    ['no suite in common', { cipherSuites: [0xc013] }, 'PeerIncompatible.NoCipherSuitesInCommon', handshake_failure],
    [
      'suites for RSA keys alone',
      { cipherSuites: [CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256] },
      'PeerIncompatible.NoSignatureSchemesInCommon',
      handshake_failure,
    ],
    [
      'no null compression',
      { compression: vec8(bytes(1)) },
      'PeerIncompatible.NullCompressionRequired',
      illegal_parameter,
    ],
    [
      'no signature_algorithms',
      { replace: { [signature_algorithms]: undefined } },
      'PeerIncompatible.SignatureAlgorithmsExtensionRequired',
      missing_extension,
    ],
    [
      'schemes for RSA keys alone',
      { replace: { [signature_algorithms]: vec16(u16(SignatureScheme.rsa_pkcs1_sha256)) } },
      'PeerIncompatible.NoSignatureSchemesInCommon',
      handshake_failure,
    ],
    [
      'no supported_groups',
      { replace: { [supported_groups]: undefined } },
      'PeerIncompatible.NamedGroupsExtensionRequired',
      missing_extension,
    ],
    [
      'no group in common',
      { replace: { [supported_groups]: vec16(u16(0x0100)) } },
      'PeerIncompatible.NoGroupsInCommon',
      handshake_failure,
    ],
    [
      'no uncompressed points',
      { replace: { [ec_point_formats]: vec8(bytes(1)) } },
      'PeerIncompatible.UncompressedEcPointsRequired',
      illegal_parameter,
    ],
    [
      'renegotiation_info that is not empty (RFC 5746 section 3.6)',
      { replace: { [renegotiation_info]: vec8(bytes(1)) } },
      'PeerMisbehaved.IllegalRenegotiationInfo',
      handshake_failure,
    ],
  ];
  it.each(cases)('with %s is refused', (_what, changes, code, alert) => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello(changes);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([
    ['the extension', {}, true],
    [
      'the SCSV',
      {
        replace: { [renegotiation_info]: undefined },
        cipherSuites: [
          CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
          CipherSuite.TLS_EMPTY_RENEGOTIATION_INFO_SCSV,
        ],
      },
      true,
    ],
    ['neither', { replace: { [renegotiation_info]: undefined } }, false],
  ] as const)('with %s of RFC 5746 is answered in kind', (_what, changes, answered) => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello(changes);
    expect(scripted.serverHello.extensions.renegotiationInfo).toEqual(answered ? bytes() : undefined);
    scripted.sendKeyExchange();
    scripted.sendFinish();
    expect(established(scripted.peer)).toBe(true);
  });

  it('without ec_point_formats gets none', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello({ replace: { [ec_point_formats]: undefined } });
    expect(scripted.serverHello.extensions.ecPointFormats).toBeUndefined();
  });

  it('is answered with the suite that the certificate allows, in our order', () => {
    const all = provider.cipherSuites.filter(({ version }) => version === TLSv1_2).map(({ id }) => id);
    // The first of them is ChaCha20-Poly1305, which would be heeded.
    const hello = { cipherSuites: all.toReversed().slice(1) };
    const ecdsa = new ScriptedClient();
    ecdsa.sendClientHello(hello);
    expect(ecdsa.serverHello.cipherSuite).toBe(CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
    const rsa = new ScriptedClient(server({ certificate: rsaIdentity }));
    rsa.sendClientHello(hello);
    expect(rsa.serverHello.cipherSuite).toBe(CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384);
  });

  it('tells the resolver only of schemes that go with a suite in common', () => {
    const seen: (readonly number[])[] = [];
    const certificate: ServerOptions['certificate'] = ({ signatureSchemes }) => {
      seen.push(signatureSchemes);
      return signatureSchemes.includes(SignatureScheme.ecdsa_secp256r1_sha256) ? identity : rsaIdentity;
    };
    const scripted = new ScriptedClient(server({ certificate }));
    scripted.sendClientHello({ cipherSuites: [CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256] });
    expect(scripted.serverHello.cipherSuite).toBe(CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
    expect(seen[0]).not.toContain(SignatureScheme.ecdsa_secp256r1_sha256);
    expect(seen[0]).not.toContain(SignatureScheme.ed25519);
  });
});

describe('the extended master secret (RFC 7627)', () => {
  const without = { replace: { [ExtensionType.extended_master_secret]: undefined } };

  it('can be done without by a client', () => {
    const scripted = new ScriptedServer();
    const { peer } = scripted;
    scripted.sendHello(without);
    peer.send(peer.certificate(), scripted.keyExchange(), scripted.done());
    scripted.sendFinish();
    expect(established(peer)).toBe(true);
  });

  it('can be done without by a server', () => {
    const scripted = new ScriptedClient();
    scripted.sendClientHello(without);
    expect(scripted.serverHello.extensions.extendedMasterSecret).toBeUndefined();
    scripted.sendKeyExchange();
    scripted.sendFinish();
    expect(established(scripted.peer)).toBe(true);
  });

  it('is required where the configuration says so', () => {
    const ours = new ScriptedServer(client({ requireEms: true }));
    ours.sendHello(without);
    const refused = ['PeerIncompatible.ExtendedMasterSecretExtensionRequired', handshake_failure];
    expect(refusal(ours)).toEqual(refused);
    const theirs = new ScriptedClient(server({ requireEms: true }));
    theirs.sendClientHello(without);
    expect(refusal(theirs)).toEqual(refused);
  });
});

describe('ALPN, SNI and OCSP in TLS 1.2', () => {
  const versions = [TLSv1_2];

  it('ALPN is chosen by the server', () => {
    const pair = pairOf({ versions, alpnProtocols: ['http/1.1', 'h2'] }, { alpnProtocols: ['h2', 'http/1.1'] });
    expect([pair.client.alpnProtocol, pair.server.alpnProtocol]).toEqual(['h2', 'h2']);
  });

  it('nothing in common is fatal', () => {
    const pair = pairOf({ versions, alpnProtocols: ['http/1.1'] }, { alpnProtocols: ['h2'] });
    expect(pair.server.error?.code).toBe('NoApplicationProtocol');
    expect(pair.client.error?.detail).toMatchObject({ alert: AlertDescription.no_application_protocol });
  });

  it('the name reaches the server, and is acknowledged', () => {
    const pair = pairOf({ versions }, {});
    expect(pair.server.serverName).toBe('server.example.com');
    const scripted = new ScriptedClient();
    scripted.sendClientHello();
    expect(scripted.serverHello.extensions.serverName).toBeUndefined();
  });

  it('an OCSP response and timestamps are stapled for who asks for them', () => {
    const seen: (Uint8Array | undefined)[] = [];
    const certificate = { ...identity, ocspResponse: bytes(1, 2, 3), sctList: bytes(0, 3, 0, 1, 5) };
    for (const asks of [true, false]) {
      const { verifier } = client();
      const watching: ClientOptions['verifier'] = {
        ...verifier,
        requestOcspResponse: asks,
        requestSctList: asks,
        verifyServerCert(certificates) {
          seen.push(certificates.ocspResponse, certificates.sctList);
          return verifier.verifyServerCert({ ...certificates, ocspResponse: undefined });
        },
      };
      const pair = pairOf({ versions, verifier: watching }, { certificate });
      expect(pair.client.error ?? pair.server.error).toBeUndefined();
    }
    expect(seen).toEqual([certificate.ocspResponse, certificate.sctList, undefined, undefined]);
  });
});
