/**
 * What is refused of EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify and Finished, and of what
 * follows the handshake: RFC 8446 sections 4.3, 4.4 and 4.6.
 */
import { testName, testRoot } from '@tyls/testing';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type CertifiedKey } from '../../src/config.ts';
import { finishedMessage } from '../../src/handshake/authentication.ts';
import {
  AlertDescription,
  ContentType,
  ExtensionType,
  HandshakeType,
  KeyUpdateRequest,
  NamedGroup,
  SignatureScheme,
} from '../../src/registry.ts';
import { handshakeSignatureValid, type HandshakeSignatureValid } from '../../src/verify.ts';
import {
  certifiedKeyOf,
  client,
  clientVerifier,
  identity,
  optionalClientVerifier,
  otherIdentity,
  p384Identity,
  rsaIdentity,
  server,
  serverVerifier,
  strangerIdentity,
} from './fixtures.ts';
import {
  type ClientState,
  clientWaitingFor,
  type ExtensionChanges,
  refusal,
  type ScriptedClient,
  type ScriptedPeer,
  ScriptedServer,
  serverWaitingFor,
} from './scripted_peer.ts';
import { bytes, type Extension, extensionBlock, flipped, handshake, u16, vec16, vec24, vec8 } from './wire.ts';

const { bad_certificate, certificate_required, decode_error, decrypt_error, illegal_parameter } = AlertDescription;
const { missing_extension, unexpected_message, unknown_ca, unsupported_extension } = AlertDescription;

/** A client that offers all it can: a name, ALPN, and a place for an OCSP response. */
const offering = client({ alpnProtocols: ['h2'], verifier: { ...serverVerifier, requestOcspResponse: true } });

const alpn = ExtensionType.application_layer_protocol_negotiation;

type ExtensionRefusal = readonly [
  section: string,
  what: string,
  extensions: readonly Extension[],
  code: string,
  alert: AlertDescription,
];

const encryptedExtensionsRefusals: readonly ExtensionRefusal[] = [
  [
    '4.2',
    'an extension that nobody knows',
    [[0x4a4a, bytes()]],
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2',
    'max_fragment_length, which was not offered',
    [[ExtensionType.max_fragment_length, bytes(1)]],
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2',
    'an extension twice',
    [
      [ExtensionType.server_name, bytes()],
      [ExtensionType.server_name, bytes()],
    ],
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.3.1',
    'key_share, which is for ServerHello',
    [[ExtensionType.key_share, u16(NamedGroup.X25519)]],
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.3.1',
    'supported_versions, which is for ServerHello',
    [[ExtensionType.supported_versions, u16(0x0304)]],
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.3.1',
    'signature_algorithms, which is for requests',
    [[ExtensionType.signature_algorithms, vec16(u16(0x0403))]],
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.3.1',
    'status_request, which is for Certificate',
    [[ExtensionType.status_request, bytes()]],
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
  [
    '4.2.10',
    'early_data, which was not offered',
    [[ExtensionType.early_data, bytes()]],
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2.2',
    'cookie, which is for HelloRetryRequest',
    [[ExtensionType.cookie, vec16(bytes(1))]],
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.2.7',
    'no groups in the list',
    [[ExtensionType.supported_groups, vec16()]],
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    'RFC 6066 3',
    'server_name with a name in it',
    [[ExtensionType.server_name, bytes(0)]],
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    'RFC 7301 3.1',
    'two protocols',
    [[alpn, vec16(vec8(bytes(104, 50)), vec8(bytes(104, 50)))]],
    'InvalidMessage.VectorTooLong',
    decode_error,
  ],
  ['RFC 7301 3.1', 'no protocol in the list', [[alpn, vec16()]], 'InvalidMessage.IllegalEmptyList', decode_error],
  ['RFC 7301 3.1', 'an empty protocol', [[alpn, vec16(vec8())]], 'InvalidMessage.IllegalEmptyList', decode_error],
  [
    'RFC 7301 3.2',
    'a protocol that was not offered',
    [[alpn, vec16(vec8(bytes(104, 51)))]],
    'PeerMisbehaved.SelectedUnofferedApplicationProtocol',
    illegal_parameter,
  ],
];

describe('a client refuses EncryptedExtensions (4.3.1)', () => {
  it.each(encryptedExtensionsRefusals)('(%s) with %s', (_section, _what, extensions, code, alert) => {
    const scripted = clientWaitingFor('EncryptedExtensions', offering);
    scripted.peer.send(scripted.encryptedExtensions(extensions));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([
    ['RFC 7301 3.1', 'a protocol though none was offered', [[alpn, vec16(vec8(bytes(104, 50)))]]],
    ['RFC 6066 3', 'server_name though none was sent', [[ExtensionType.server_name, bytes()]]],
  ] as const)('(%s) with %s', (_section, _what, extensions) => {
    const scripted = new ScriptedServer(client(), '192.0.2.1');
    expect(scripted.clientHello.extensions.serverName).toBeUndefined();
    scripted.sendServerHello();
    scripted.peer.send(scripted.encryptedExtensions(extensions));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('but takes what it may have', () => {
    const scripted = clientWaitingFor('EncryptedExtensions', offering);
    scripted.peer.send(
      scripted.encryptedExtensions([
        [ExtensionType.server_name, bytes()],
        [ExtensionType.supported_groups, vec16(u16(NamedGroup.X448, NamedGroup.X25519))],
        [alpn, vec16(vec8(bytes(104, 50)))],
      ]),
    );
    completeServer(scripted);
    expect(scripted.connection.alpnProtocol).toBe('h2');
  });
});

function completeServer(scripted: ScriptedServer): void {
  const { peer } = scripted;
  peer.send(peer.certificate());
  peer.send(peer.certificateVerify());
  scripted.sendFinished();
  expect(scripted.connection.error).toBeUndefined();
  expect(scripted.connection.isHandshaking).toBe(false);
}

type RequestRefusal = readonly [
  section: string,
  what: string,
  changes: ExtensionChanges,
  context: Uint8Array,
  code: string,
  alert: AlertDescription,
];

const requestRefusals: readonly RequestRefusal[] = [
  ['4.3.2', 'a context', {}, bytes(1), 'PeerMisbehaved.NonEmptyCertificateRequestContext', illegal_parameter],
  [
    '4.3.2',
    'no signature_algorithms',
    { replace: { [ExtensionType.signature_algorithms]: undefined } },
    bytes(),
    'PeerIncompatible.SignatureAlgorithmsExtensionRequired',
    missing_extension,
  ],
  [
    '4.2.3',
    'no schemes in the list',
    { replace: { [ExtensionType.signature_algorithms]: vec16() } },
    bytes(),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2.3',
    'half a scheme',
    { replace: { [ExtensionType.signature_algorithms]: vec16(bytes(4)) } },
    bytes(),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.2.4',
    'no authorities in the list',
    { append: [[ExtensionType.certificate_authorities, vec16()]] },
    bytes(),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.2',
    'an extension twice',
    {
      append: [
        [0x4a4a, bytes()],
        [0x4a4a, bytes()],
      ],
    },
    bytes(),
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.4.2.1',
    'status_request with data',
    { append: [[ExtensionType.status_request, bytes(1, 0, 0, 0, 0)]] },
    bytes(),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    '4.4.2.1',
    'signed_certificate_timestamp with data',
    { append: [[ExtensionType.signed_certificate_timestamp, vec16()]] },
    bytes(),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  ...(
    [
      'server_name',
      'supported_groups',
      'application_layer_protocol_negotiation',
      'pre_shared_key',
      'early_data',
      'supported_versions',
      'cookie',
      'psk_key_exchange_modes',
      'key_share',
    ] as const
  ).map((name): RequestRefusal => [
    '4.2',
    `${name}, which is for other messages`,
    { append: [[ExtensionType[name], bytes()]] },
    bytes(),
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ]),
];

describe('a client refuses a CertificateRequest (4.3.2)', () => {
  it.each(requestRefusals)('(%s) with %s', (_section, _what, changes, context, code, alert) => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(scripted.certificateRequest(changes, context));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('but ignores extensions that it does not know, and those that it does not use', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    const append: readonly Extension[] = [
      [0x4a4a, bytes(1)],
      [ExtensionType.status_request, bytes()],
      [ExtensionType.signed_certificate_timestamp, bytes()],
      [ExtensionType.oid_filters, vec16()],
      [ExtensionType.signature_algorithms_cert, vec16(u16(0x0401))],
    ];
    scripted.peer.send(scripted.certificateRequest({ append }));
    completeServer(scripted);
    const sent = scripted.peer.received.map(({ type }) => type);
    expect(sent).toEqual([HandshakeType.client_hello, HandshakeType.certificate, HandshakeType.finished]);
  });

  it('and never signs with a scheme of PKCS #1, though it may be all that is asked for (4.4.3)', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest', client({ certificate: rsaIdentity }));
    const schemes = vec16(u16(SignatureScheme.rsa_pkcs1_sha256, 0x0201));
    scripted.peer.send(scripted.certificateRequest({ replace: { [ExtensionType.signature_algorithms]: schemes } }));
    completeServer(scripted);
    const { raw } = scripted.peer.received.find(({ type }) => type === HandshakeType.certificate)!;
    expect(raw).toEqual(handshake(HandshakeType.certificate, bytes(0, 0, 0, 0)));
  });
});

type CertificateRefusal = readonly [
  section: string,
  what: string,
  body: Uint8Array,
  code: string,
  alert: AlertDescription,
];

function certificateBody(context: Uint8Array, ...entries: readonly Uint8Array[]): Uint8Array {
  return concat([vec8(context), vec24(...entries)]);
}

function entry(extensions: readonly Extension[] = [], der: Uint8Array = identity.certificates[0]!): Uint8Array {
  return concat([vec24(der), extensionBlock(extensions)]);
}

/** Lists of timestamps that are none (RFC 6962 section 3.3). */
const malformedSctLists: readonly (readonly [what: string, list: Uint8Array, reason: string])[] = [
  ['nothing at all', bytes(), 'MissingData'],
  ['no timestamps', vec16(), 'IllegalEmptyList'],
  ['an empty timestamp', vec16(vec16(bytes(1)), vec16()), 'IllegalEmptyList'],
  ['half a length', vec16(bytes(0)), 'MissingData'],
  ['a timestamp cut short', vec16(bytes(0, 2, 1)), 'MissingData'],
  ['bytes after the list', concat([sctList(), bytes(0)]), 'TrailingData'],
];

/** What both sides refuse of a Certificate. */
const certificateRefusals: readonly CertificateRefusal[] = [
  [
    '4.4.2',
    'a context',
    certificateBody(bytes(1), entry()),
    'PeerMisbehaved.NonEmptyCertificateRequestContext',
    illegal_parameter,
  ],
  [
    '4.4.2',
    'an empty certificate',
    certificateBody(bytes(), entry([], bytes())),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.4.2',
    'an entry without extensions',
    certificateBody(bytes(), vec24(identity.certificates[0]!)),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  ['4.4.2', 'an entry cut short', certificateBody(bytes(), bytes(0, 1, 0)), 'InvalidMessage.MissingData', decode_error],
  [
    '4.4.2',
    'bytes after the list',
    concat([certificateBody(bytes(), entry()), bytes(0)]),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  ['4.4.2', 'nothing at all', bytes(), 'InvalidMessage.MissingData', decode_error],
  [
    '4.4.2',
    'an extension twice',
    certificateBody(
      bytes(),
      entry([
        [5, ocsp()],
        [5, ocsp()],
      ]),
    ),
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.4.2',
    'an extension that nobody knows',
    certificateBody(bytes(), entry([[0x4a4a, bytes()]])),
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.4.2',
    'signed_certificate_timestamp, which was not asked for',
    certificateBody(bytes(), entry([[18, sctList()]])),
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.4.2',
    'such an extension on another certificate',
    certificateBody(bytes(), entry(), entry([[18, sctList()]])),
    'PeerMisbehaved.UnsolicitedExtension',
    unsupported_extension,
  ],
  [
    '4.4.2.1',
    'a status that is not of OCSP',
    certificateBody(bytes(), entry([[5, bytes(2, 0, 0, 1, 0)]])),
    'InvalidMessage.InvalidCertificateStatusType',
    decode_error,
  ],
  [
    '4.4.2.1',
    'an empty OCSP response',
    certificateBody(bytes(), entry([[5, bytes(1, 0, 0, 0)]])),
    'InvalidMessage.IllegalEmptyList',
    decode_error,
  ],
  [
    '4.4.2.1',
    'bytes after the OCSP response',
    certificateBody(bytes(), entry([[5, concat([ocsp(), bytes(0)])]])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  ...malformedSctLists.map(([what, list, reason]): CertificateRefusal => [
    'RFC 6962 3.3',
    `a timestamp list with ${what}`,
    certificateBody(bytes(), entry([[18, list]])),
    `InvalidMessage.${reason}`,
    decode_error,
  ]),
];

function sctList(): Uint8Array {
  return vec16(vec16(bytes(1, 2, 3)), vec16(bytes(4)));
}

function ocsp(): Uint8Array {
  return concat([bytes(1), vec24(bytes(0x30, 0))]);
}

describe('a client refuses a Certificate (4.4.2)', () => {
  const more: readonly CertificateRefusal[] = [
    ['4.4.2.4', 'no certificate', certificateBody(bytes()), 'InvalidMessage.IllegalEmptyList', decode_error],
    [
      '4.4.2',
      'server_name, which is for EncryptedExtensions',
      certificateBody(bytes(), entry([[ExtensionType.server_name, bytes()]])),
      'PeerMisbehaved.DisallowedExtension',
      illegal_parameter,
    ],
    [
      '4.4.2',
      'key_share, which is for ServerHello',
      certificateBody(bytes(), entry([[ExtensionType.key_share, bytes()]])),
      'PeerMisbehaved.DisallowedExtension',
      illegal_parameter,
    ],
  ];
  it.each([...certificateRefusals, ...more])('(%s) with %s', (_section, _what, body, code, alert) => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest', offering);
    scripted.peer.send(handshake(HandshakeType.certificate, body));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('(4.4.2.1) with an OCSP response that it did not ask for', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(handshake(HandshakeType.certificate, certificateBody(bytes(), entry([[5, ocsp()]]))));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('(4.4.2.4) that is noise', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    const noise = entry([], new Uint8Array(100).fill(0x30));
    scripted.peer.send(handshake(HandshakeType.certificate, certificateBody(bytes(), noise)));
    scripted.peer.send(scripted.peer.certificateVerify());
    expect(refusal(scripted)).toEqual(['InvalidCertificate.BadEncoding', bad_certificate]);
  });

  it('(4.4.2.4) of a CA that it does not trust', () => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    presentServer(scripted.peer, strangerIdentity);
    expect(refusal(scripted)).toEqual(['InvalidCertificate.UnknownIssuer', unknown_ca]);
    expect(scripted.connection.peerCertificates).toBeUndefined();
  });

  it('(4.4.2.4) for another name', async () => {
    const certified = await certifiedKeyOf(await testRoot(), { names: [`not-${testName}`] });
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    presentServer(scripted.peer, certified);
    expect(refusal(scripted)).toEqual(['InvalidCertificate.NotValidForName', bad_certificate]);
  });
});

function presentServer(peer: ScriptedPeer, certified: CertifiedKey): void {
  peer.send(peer.certificate({ certified }));
  peer.send(peer.certificateVerify({ certified }));
}

describe('a server refuses a Certificate (4.4.2)', () => {
  it.each(certificateRefusals)('(%s) with %s', (_section, _what, body, code, alert) => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier }));
    scripted.peer.send(handshake(HandshakeType.certificate, body));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('(4.4.2) with an OCSP response, which it did not ask for', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier }));
    scripted.peer.send(handshake(HandshakeType.certificate, certificateBody(bytes(), entry([[5, ocsp()]]))));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.UnsolicitedExtension', unsupported_extension]);
  });

  it('(4.4.2.4) without certificates, if it wants one', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier }));
    scripted.peer.send(handshake(HandshakeType.certificate, certificateBody(bytes())));
    expect(refusal(scripted)).toEqual(['NoCertificatesPresented', certificate_required]);
  });

  it('(4.4.2.4) but not if it does not insist', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier: optionalClientVerifier }));
    scripted.peer.send(handshake(HandshakeType.certificate, certificateBody(bytes())));
    scripted.sendFinished();
    expect(scripted.connection.isHandshaking).toBe(false);
    expect(scripted.connection.peerCertificates).toBeUndefined();
  });

  it('(4.4.2.4) of a CA that it does not trust, even if it does not insist on one', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier: optionalClientVerifier }));
    presentServer(scripted.peer, strangerIdentity);
    expect(refusal(scripted)).toEqual(['InvalidCertificate.UnknownIssuer', unknown_ca]);
  });
});

interface Authenticating {
  /** Before Certificate. */
  readonly before: () => ScriptedServer | ScriptedClient;
  readonly start: () => ScriptedServer | ScriptedClient;
  readonly other: 'client' | 'server';
}

const authenticating: readonly (readonly [string, Authenticating])[] = [
  [
    'a client',
    {
      before: () => clientWaitingFor('Certificate or CertificateRequest'),
      start: () => clientWaitingFor('CertificateVerify'),
      other: 'client',
    },
  ],
  [
    'a server',
    {
      before: () => serverWaitingFor('Certificate', server({ clientVerifier })),
      start: () => serverWaitingFor('CertificateVerify', server({ clientVerifier })),
      other: 'server',
    },
  ],
];

function verifyOf(scheme: number, signature: Uint8Array): Uint8Array {
  return handshake(HandshakeType.certificate_verify, concat([u16(scheme), vec16(signature)]));
}

describe.each(authenticating)('%s refuses a CertificateVerify (4.4.3)', (_name, { before, start, other }) => {
  it.each([
    ['rsa_pkcs1_sha256, which is for certificates alone', 0x0401],
    ['rsa_pkcs1_sha384', 0x0501],
    ['rsa_pkcs1_sha512', 0x0601],
    ['rsa_pkcs1_sha1', 0x0201],
    ['ecdsa_sha1', 0x0203],
    ['ed448, which was not offered', SignatureScheme.ed448],
    ['a scheme that nobody knows', 0x4a4a],
    ['scheme zero', 0],
  ])('of scheme %s', (_what, scheme) => {
    const scripted = start();
    const signature = scripted.peer.certificateVerify().subarray(8);
    scripted.peer.send(verifyOf(scheme, signature));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme', illegal_parameter]);
  });

  it.each([
    ['RSA-PSS', 0x0804],
    ['ECDSA with P-384', 0x0503],
    ['Ed25519', 0x0807],
  ])('of a scheme for keys of another type: %s (4.2.3)', (_what, scheme) => {
    const scripted = start();
    scripted.peer.send(verifyOf(scheme, scripted.peer.certificateVerify().subarray(8)));
    const code = 'InvalidCertificate.UnsupportedSignatureAlgorithmForPublicKey';
    expect(refusal(scripted)).toEqual([code, decrypt_error]);
  });

  it.each([
    ['of another key of that type', (peer: ScriptedPeer) => peer.certificateVerify({ certified: otherIdentity })],
    ['over nothing', (peer: ScriptedPeer) => peer.certificateVerify({ transcriptHash: new Uint8Array(48) })],
    ['over an empty hash', (peer: ScriptedPeer) => peer.certificateVerify({ transcriptHash: bytes() })],
    ['that is changed', (peer: ScriptedPeer) => flipped(peer.certificateVerify())],
    ['that is empty', () => verifyOf(0x0403, bytes())],
    ['of noise', () => verifyOf(0x0403, new Uint8Array(70).fill(0x30))],
    ['of zeros', () => verifyOf(0x0403, bytes(0x30, 6, 2, 1, 0, 2, 1, 0))],
    [
      'with more after it',
      (peer: ScriptedPeer) => verifyOf(0x0403, concat([peer.certificateVerify().subarray(8), bytes(0)])),
    ],
    ['in the raw form', () => verifyOf(0x0403, new Uint8Array(64).fill(1))],
    ['that is 65 000 bytes long', () => verifyOf(0x0403, new Uint8Array(65_000).fill(0x30))],
  ])('with a signature %s', (_what, message) => {
    const scripted = start();
    scripted.peer.send(message(scripted.peer));
    expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
  });

  it('with the context string of the other side', () => {
    const scripted = start();
    scripted.peer.send(scripted.peer.certificateVerify({ as: other }));
    expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
  });

  it('of another connection', () => {
    const elsewhere = start().peer.certificateVerify();
    const scripted = start();
    scripted.peer.send(elsewhere);
    expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
  });

  it('over the transcript without Certificate', () => {
    const scripted = before();
    const transcriptHash = scripted.peer.transcript.digest();
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.peer.certificateVerify({ transcriptHash }));
    expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
  });

  it.each([
    ['nothing', bytes(), 'InvalidMessage.MissingData'],
    ['a signature cut short', bytes(4, 3, 0, 9, 1), 'InvalidMessage.MissingData'],
    ['bytes after it', bytes(4, 3, 0, 1, 1, 0), 'InvalidMessage.TrailingData'],
  ])('with %s', (_what, body, code) => {
    const scripted = start();
    scripted.peer.send(handshake(HandshakeType.certificate_verify, body));
    expect(refusal(scripted)).toEqual([code, decode_error]);
  });
});

it('a client refuses a CertificateVerify of a scheme that its verifier did not offer (4.4.3)', () => {
  const schemes = [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.ecdsa_secp384r1_sha384];
  const config = client({ verifier: { ...serverVerifier, schemes } });
  const scripted = clientWaitingFor('CertificateVerify', config);
  scripted.peer.send(scripted.peer.certificateVerify());
  const code = 'PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme';
  expect(refusal(scripted)).toEqual([code, illegal_parameter]);
});

it('a client refuses a scheme of PKCS #1 by itself, whatever its verifier makes of it (4.4.3)', () => {
  const verifyTls13Signature = (): HandshakeSignatureValid => handshakeSignatureValid();
  const scripted = clientWaitingFor(
    'CertificateVerify',
    client({ verifier: { ...serverVerifier, verifyTls13Signature } }),
  );
  scripted.peer.send(verifyOf(SignatureScheme.rsa_pkcs1_sha256, bytes(1)));
  const code = 'PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme';
  expect(refusal(scripted)).toEqual([code, illegal_parameter]);
});

it('a client refuses the RSASSA-PSS signature of an RSA key that is changed, and takes the right one', () => {
  const start = (): ScriptedServer => {
    const scripted = clientWaitingFor('Certificate or CertificateRequest');
    scripted.peer.send(scripted.peer.certificate({ certified: rsaIdentity }));
    return scripted;
  };
  const honest = start();
  honest.peer.send(honest.peer.certificateVerify({ certified: rsaIdentity }));
  expect(honest.connection.error).toBeUndefined();
  const changed = start();
  changed.peer.send(flipped(changed.peer.certificateVerify({ certified: rsaIdentity })));
  expect(refusal(changed)).toEqual(['BadHandshakeSignature', decrypt_error]);
});

it('a client refuses a P-384 certificate with a signature by a P-256 key', () => {
  const scripted = clientWaitingFor('Certificate or CertificateRequest');
  scripted.peer.send(scripted.peer.certificate({ certified: p384Identity }));
  scripted.peer.send(scripted.peer.certificateVerify());
  const code = 'InvalidCertificate.UnsupportedSignatureAlgorithmForPublicKey';
  expect(refusal(scripted)).toEqual([code, decrypt_error]);
});

const finishing: readonly (readonly [string, () => ScriptedServer | ScriptedClient])[] = [
  ['a client', () => clientWaitingFor('Finished')],
  ['a server', () => serverWaitingFor('Finished')],
  ['a server that verified a client', () => serverWaitingFor('Finished after Certificate', server({ clientVerifier }))],
];

describe.each(finishing)('%s refuses a Finished (4.4.4)', (_name, start) => {
  it.each([
    ['whose first byte is changed', (peer: ScriptedPeer) => flipped(peer.finished(), 4)],
    ['whose last byte is changed', (peer: ScriptedPeer) => flipped(peer.finished())],
    [
      'of zeros',
      ({ suite }: ScriptedPeer) => handshake(HandshakeType.finished, new Uint8Array(suite.hash.outputLength)),
    ],
    [
      'by the secret of the other side',
      ({ suite, handshakeSecrets, peerRole, transcript }: ScriptedPeer) =>
        finishedMessage(suite, handshakeSecrets![peerRole], transcript.digest()),
    ],
    [
      'over another transcript',
      ({ suite, handshakeSecrets, role }: ScriptedPeer) =>
        finishedMessage(suite, handshakeSecrets![role], new Uint8Array(suite.hash.outputLength)),
    ],
  ])('%s', (_what, message) => {
    const scripted = start();
    scripted.sendFinished(message(scripted.peer));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
    expect(scripted.connection.peerCertificates).toBeUndefined();
    expect(scripted.connection.isHandshaking).toBe(true);
  });

  it.each([-48, -1, 1])('that is longer by %i bytes', (by) => {
    const scripted = start();
    const honest = scripted.peer.finished().subarray(4);
    const body = by < 0 ? honest.subarray(0, Math.max(honest.length + by, 0)) : concat([honest, new Uint8Array(by)]);
    scripted.sendFinished(handshake(HandshakeType.finished, body));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('of another connection', () => {
    const elsewhere = start().peer.finished();
    const scripted = start();
    scripted.sendFinished(elsewhere);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });
});

it('a server refuses its own Finished, sent back (4.4.4)', () => {
  const scripted = serverWaitingFor('Finished');
  scripted.sendFinished(scripted.peer.received.findLast(({ type }) => type === HandshakeType.finished)!.raw);
  expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
});

type TrafficRefusal = readonly [
  section: string,
  what: string,
  message: Uint8Array,
  code: string,
  alert: AlertDescription,
];

/** NewSessionTicket: lifetime, age_add, nonce, then the rest. */
function ticket(rest: Uint8Array): Uint8Array {
  return handshake(HandshakeType.new_session_ticket, concat([new Uint8Array(8), vec8(bytes(0)), rest]));
}

const keyUpdateRefusals: readonly TrafficRefusal[] = [
  [
    '4.6.3',
    'a KeyUpdate with another value',
    handshake(HandshakeType.key_update, bytes(2)),
    'InvalidMessage.InvalidKeyUpdate',
    illegal_parameter,
  ],
  [
    '4.6.3',
    'a KeyUpdate with the value 255',
    handshake(HandshakeType.key_update, bytes(255)),
    'InvalidMessage.InvalidKeyUpdate',
    illegal_parameter,
  ],
  [
    '4.6.3',
    'an empty KeyUpdate',
    handshake(HandshakeType.key_update, bytes()),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  [
    '4.6.3',
    'a KeyUpdate of two bytes',
    handshake(HandshakeType.key_update, bytes(0, 0)),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
];

const ticketRefusals: readonly TrafficRefusal[] = [
  [
    '4.6.1',
    'an empty NewSessionTicket',
    handshake(HandshakeType.new_session_ticket, bytes()),
    'InvalidMessage.MissingData',
    decode_error,
  ],
  ['4.6.1', 'an empty ticket', ticket(concat([vec16(), vec16()])), 'InvalidMessage.IllegalEmptyList', decode_error],
  ['4.6.1', 'a ticket without extensions', ticket(vec16(bytes(1))), 'InvalidMessage.MissingData', decode_error],
  [
    '4.6.1',
    'bytes after a ticket',
    ticket(concat([vec16(bytes(1)), vec16(), bytes(0)])),
    'InvalidMessage.TrailingData',
    decode_error,
  ],
  [
    '4.2',
    'an extension twice in a ticket',
    ticket(
      concat([
        vec16(bytes(1)),
        extensionBlock([
          [0x4a4a, bytes()],
          [0x4a4a, bytes()],
        ]),
      ]),
    ),
    'InvalidMessage.DuplicateExtension',
    illegal_parameter,
  ],
  [
    '4.2',
    'key_share in a ticket',
    ticket(concat([vec16(bytes(1)), extensionBlock([[ExtensionType.key_share, bytes()]])])),
    'PeerMisbehaved.DisallowedExtension',
    illegal_parameter,
  ],
];

describe('in traffic', () => {
  it.each([...keyUpdateRefusals, ...ticketRefusals])(
    '(%s) a client refuses %s',
    (_section, _what, message, code, alert) => {
      const scripted = clientWaitingFor('traffic');
      scripted.peer.send(message);
      expect(refusal(scripted)).toEqual([code, alert]);
    },
  );

  it.each(keyUpdateRefusals)('(%s) a server refuses %s', (_section, _what, message, code, alert) => {
    const scripted = serverWaitingFor('traffic');
    scripted.peer.send(message);
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('(4.6.1) a client takes a ticket with extensions that it does not know', () => {
    const { peer, connection } = clientWaitingFor('traffic');
    const extensions: readonly Extension[] = [
      [0x4a4a, bytes(1)],
      [ExtensionType.early_data, bytes(0, 0, 0, 1)],
    ];
    peer.send(ticket(concat([vec16(bytes(1)), extensionBlock(extensions)])));
    peer.sendData(bytes(1));
    expect(connection.takePlaintext()).toEqual([bytes(1)]);
  });

  it('(4.6.3) records under the key before a KeyUpdate are not accepted after it', () => {
    const scripted = serverWaitingFor('traffic');
    const { peer } = scripted;
    const old = peer.writeKey!;
    peer.updateKeys(KeyUpdateRequest.update_not_requested);
    peer.deliver(old.record(ContentType.application_data, bytes(1)));
    expect(refusal(scripted)).toEqual(['DecryptError', AlertDescription.bad_record_mac]);
    expect(scripted.connection.takePlaintext()).toEqual([]);
  });

  it('(5.1) nor is what stands behind a KeyUpdate in its record', () => {
    const scripted = serverWaitingFor('traffic');
    const update = handshake(HandshakeType.key_update, bytes(0));
    scripted.peer.deliver(scripted.peer.protect(ContentType.handshake, concat([update, update])));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.KeyEpochWithPendingFragment', unexpected_message]);
  });
});

const truncatable: readonly (readonly [string, ClientState, (scripted: ScriptedServer) => Uint8Array])[] = [
  ['EncryptedExtensions', 'EncryptedExtensions', (s) => s.encryptedExtensions([[alpn, vec16(vec8(bytes(104, 50)))]])],
  ['CertificateRequest', 'Certificate or CertificateRequest', (s) => s.certificateRequest()],
  ['Certificate', 'Certificate or CertificateRequest', (s) => s.peer.certificate()],
];

describe('(6.2) wherever it is cut short, a client refuses', () => {
  it.each(truncatable)('%s', (_name, state, message) => {
    const whole = message(clientWaitingFor(state, offering));
    // A certificate is long: a few hundred cuts at its ends show as much as all.
    for (let length = 4; length < whole.length; length += length > 60 && length < whole.length - 60 ? 37 : 1) {
      const scripted = clientWaitingFor(state, offering);
      scripted.peer.send(handshake(whole[0]!, whole.subarray(4, length)));
      expect(refusal(scripted)[1], `${length} bytes`).toBe(decode_error);
    }
  });
});
