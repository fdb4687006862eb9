/** What is refused of a peer that negotiates certificate types, and of raw public keys (RFC 7250), in both versions. */
import { rawPublicKeyClientVerifier, rawPublicKeyServerVerifier } from '@tyls/webpki';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { type CertifiedKey } from '../../src/config.ts';
import { AlertDescription, CertificateType, ExtensionType, HandshakeType } from '../../src/registry.ts';
import * as tls12 from '../tls12/scripted_peer.ts';
import { client, identity, optionalClientVerifier, p384Identity, provider, server } from './fixtures.ts';
import { clientWaitingFor, refusal, ScriptedClient, serverWaitingFor } from './scripted_peer.ts';
import { bytes, extensionBlock, handshake, u16, vec16, vec24, vec8 } from './wire.ts';

const { bad_certificate, decode_error, illegal_parameter, unsupported_certificate, unsupported_extension } =
  AlertDescription;
const { client_certificate_type, server_certificate_type } = ExtensionType;
const { RawPublicKey } = CertificateType;

const raw: CertifiedKey = {
  certificates: [identity.key.publicKey!],
  certificateType: RawPublicKey,
  key: identity.key,
};
const pins = [new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(raw.certificates[0]!)))];
const serverVerifier = rawPublicKeyServerVerifier({ pins, provider });
const clientVerifier = rawPublicKeyClientVerifier({ pins, provider });
const selects = (extension: number, type: readonly number[]) => ({ append: [[extension, bytes(...type)] as const] });
const selectsServer = (...type: number[]) => selects(server_certificate_type, type);
const selectsClient = (...type: number[]) => selects(client_certificate_type, type);

/** Of both types of either side. */
type Refusal = readonly [what: string, extension: ReturnType<typeof selectsServer>, code: string, alert: number];
const selections: readonly Refusal[] = [
  ['X.509 certificates', selectsServer(0), 'PeerMisbehaved.SelectedUnofferedCertificateType', illegal_parameter],
  ['OpenPGP keys', selectsServer(1), 'PeerMisbehaved.SelectedUnofferedCertificateType', illegal_parameter],
  [
    'X.509 certificates of the client',
    selectsClient(0),
    'PeerMisbehaved.SelectedUnofferedCertificateType',
    illegal_parameter,
  ],
  ['no type at all', selectsServer(), 'InvalidMessage.MissingData', decode_error],
  ['two types', selectsServer(2, 0), 'InvalidMessage.TrailingData', decode_error],
];
const unoffered: readonly Refusal[] = [
  ['a raw public key', selectsServer(2), 'PeerMisbehaved.UnsolicitedExtension', unsupported_extension],
  ['X.509 certificates', selectsServer(0), 'PeerMisbehaved.UnsolicitedExtension', unsupported_extension],
  ['raw public keys of the client', selectsClient(2), 'PeerMisbehaved.UnsolicitedExtension', unsupported_extension],
];

describe('a client refuses a server that selects', () => {
  it.each(selections)('%s, and it offered raw public keys alone', (_what, { append }, code, alert) => {
    const scripted = clientWaitingFor('EncryptedExtensions', client({ verifier: serverVerifier, certificate: raw }));
    scripted.peer.send(scripted.encryptedExtensions(append));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each(selections)('%s in TLS 1.2, and it offered raw public keys alone', (_what, changes, code, alert) => {
    const scripted = new tls12.ScriptedServer(tls12.client({ verifier: serverVerifier, certificate: raw }));
    scripted.sendHello({ append: [...changes.append] });
    expect(tls12.refusal(scripted)).toEqual([code, alert]);
  });

  it.each(unoffered)('%s, and it offered nothing', (_what, { append }, code, alert) => {
    const scripted = clientWaitingFor('EncryptedExtensions');
    scripted.peer.send(scripted.encryptedExtensions(append));
    expect(refusal(scripted)).toEqual([code, alert]);
    const older = new tls12.ScriptedServer();
    older.sendHello({ append: [...append] });
    expect(tls12.refusal(older)).toEqual([code, alert]);
  });

  it('nothing, and it verifies raw public keys alone', () => {
    const refused = ['PeerIncompatible.IncorrectCertificateTypeExtension', unsupported_certificate];
    const scripted = clientWaitingFor('Certificate or CertificateRequest', client({ verifier: serverVerifier }));
    scripted.peer.send(scripted.peer.certificate());
    expect(refusal(scripted)).toEqual(refused);
    const older = new tls12.ScriptedServer(tls12.client({ verifier: serverVerifier }));
    older.sendHello();
    expect(tls12.refusal(older)).toEqual(refused);
  });
});

it('a client with a raw public key shows none to a server that did not select it', () => {
  const scripted = clientWaitingFor('Certificate or CertificateRequest', client({ certificate: raw }));
  const { peer } = scripted;
  peer.send(scripted.certificateRequest(), peer.certificate());
  peer.send(peer.certificateVerify());
  scripted.sendFinished();
  const sent = peer.received.find(({ type }) => type === HandshakeType.certificate)!;
  expect(sent.raw).toEqual(handshake(HandshakeType.certificate, bytes(0, 0, 0, 0)));
  const older = new tls12.ScriptedServer(tls12.client({ certificate: raw }));
  older.sendHello();
  older.peer.send(older.peer.certificate(), older.keyExchange(), older.certificateRequest(), older.done());
  const empty = older.peer.received.find(({ type }) => type === HandshakeType.certificate)!;
  expect(empty.raw).toEqual(handshake(HandshakeType.certificate, bytes(0, 0, 0)));
  older.sendFinish();
  expect(tls12.established(older.peer)).toBe(true);
});

const spki = raw.certificates[0]!;
const entry = (data: Uint8Array): Uint8Array => concat([vec24(data), extensionBlock([])]);
const body = (...entries: readonly Uint8Array[]): Uint8Array => concat([vec8(), vec24(...entries)]);
type MessageRefusal = readonly [what: string, body: Uint8Array, code: string, alert: number];
const messages: readonly MessageRefusal[] = [
  ['two keys', body(entry(spki), entry(spki)), 'PeerMisbehaved.MultipleRawKeys', illegal_parameter],
  ['an empty key', body(entry(bytes())), 'InvalidMessage.IllegalEmptyList', decode_error],
];
const tls12Messages: readonly MessageRefusal[] = [
  ['a list, as of certificates', vec24(vec24(spki)), 'InvalidCertificate.BadEncoding', bad_certificate],
  ['bytes behind the key', concat([vec24(spki), bytes(0)]), 'InvalidMessage.TrailingData', decode_error],
  ['a key cut short', vec24(spki).subarray(0, -1), 'InvalidMessage.MissingData', decode_error],
  ['65 537 bytes', bytes(1, 0, 1), 'InvalidMessage.CertificatePayloadTooLarge', bad_certificate],
];
/** Refused once the verifier has them: what is no SubjectPublicKeyInfo, or another's. */
const keys: readonly (readonly [what: string, key: Uint8Array, code: string, alert: number])[] = [
  [
    'a certificate',
    identity.certificates[0]!,
    'InvalidCertificate.UnknownPublicKey',
    AlertDescription.certificate_unknown,
  ],
  [
    'another key',
    p384Identity.key.publicKey!,
    'InvalidCertificate.UnknownPublicKey',
    AlertDescription.certificate_unknown,
  ],
  ['no DER', bytes(1, 2, 3), 'InvalidCertificate.BadEncoding', bad_certificate],
  ['bytes behind the DER', concat([spki, bytes(0)]), 'InvalidCertificate.BadEncoding', bad_certificate],
];

describe('of a server with a raw public key a client refuses', () => {
  const start = () => {
    const scripted = clientWaitingFor('EncryptedExtensions', client({ verifier: serverVerifier }));
    scripted.peer.send(scripted.encryptedExtensions(selectsServer(RawPublicKey).append));
    return scripted;
  };
  const start12 = () => {
    const scripted = new tls12.ScriptedServer(tls12.client({ verifier: serverVerifier }));
    scripted.sendHello({ append: [...selectsServer(RawPublicKey).append] });
    return scripted;
  };

  it.each([...messages, ['no key', body(), 'InvalidMessage.IllegalEmptyList', decode_error] as const])(
    '%s',
    (_what, message, code, alert) => {
      const scripted = start();
      scripted.peer.send(handshake(HandshakeType.certificate, message));
      expect(refusal(scripted)).toEqual([code, alert]);
    },
  );

  it.each(keys)('%s in its place', (_what, key, code, alert) => {
    const scripted = start();
    const { peer } = scripted;
    peer.send(handshake(HandshakeType.certificate, body(entry(key))));
    peer.send(peer.certificateVerify());
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([...tls12Messages, ['no key', vec24(), 'InvalidMessage.IllegalEmptyList', decode_error] as const])(
    '%s in TLS 1.2',
    (_what, message, code, alert) => {
      const scripted = start12();
      scripted.peer.send(handshake(HandshakeType.certificate, message));
      if (scripted.connection.error === undefined) scripted.peer.send(scripted.keyExchange());
      expect(tls12.refusal(scripted)).toEqual([code, alert]);
    },
  );

  it.each(keys)('%s in its place in TLS 1.2', (_what, key, code, alert) => {
    const scripted = start12();
    scripted.peer.send(handshake(HandshakeType.certificate, vec24(key)), scripted.keyExchange());
    expect(tls12.refusal(scripted)).toEqual([code, alert]);
  });
});

const offer = (type: number, list: Uint8Array) => ({ append: [[type, list] as const] });

describe('of a client with a raw public key a server refuses', () => {
  const offersRaw = offer(client_certificate_type, vec8(bytes(RawPublicKey)));

  it.each(messages)('%s', (_what, message, code, alert) => {
    const scripted = new ScriptedClient(server({ clientVerifier }));
    scripted.sendClientHello(offersRaw);
    scripted.peer.send(handshake(HandshakeType.certificate, message));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each(keys)('%s in its place', (_what, key, code, alert) => {
    const scripted = new ScriptedClient(server({ clientVerifier }));
    const { peer } = scripted;
    scripted.sendClientHello(offersRaw);
    peer.send(handshake(HandshakeType.certificate, body(entry(key))));
    peer.send(peer.certificateVerify());
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([
    ...tls12Messages,
    ...keys.map(([what, key, code, alert]): MessageRefusal => [`${what} in its place`, vec24(key), code, alert]),
  ])('%s in TLS 1.2', (_what, message, code, alert) => {
    const scripted = new tls12.ScriptedClient(tls12.server({ clientVerifier }));
    scripted.sendClientHello({ append: [...offersRaw.append] });
    scripted.peer.send(handshake(HandshakeType.certificate, message));
    expect(tls12.refusal(scripted)).toEqual([code, alert]);
  });
});

describe.each([
  ['client_certificate_type', client_certificate_type],
  ['server_certificate_type', server_certificate_type],
])('a server refuses %s', (_name, type) => {
  it.each([
    ['without types', vec8(), 'InvalidMessage.IllegalEmptyList', decode_error],
    ['cut short', bytes(2, 0), 'InvalidMessage.MissingData', decode_error],
    ['with bytes behind it', bytes(1, 0, 0), 'InvalidMessage.TrailingData', decode_error],
    [
      'with types that nobody knows',
      vec8(bytes(1, 3, 224)),
      'PeerIncompatible.IncorrectCertificateTypeExtension',
      unsupported_certificate,
    ],
  ])('%s', (_what, list, code, alert) => {
    const config = { clientVerifier: optionalClientVerifier };
    const scripted = serverWaitingFor('ClientHello', server(config));
    scripted.sendClientHello(offer(type, list));
    expect(refusal(scripted)).toEqual([code, alert]);
    const older = new tls12.ScriptedClient(tls12.server(config));
    older.sendClientHello({ append: [...offer(type, list).append] });
    expect(tls12.refusal(older)).toEqual([code, alert]);
  });
});

it('a server selects X.509 certificates of clients that have both, and says so', () => {
  const both = vec8(bytes(RawPublicKey, CertificateType.X509));
  const append = [[client_certificate_type, both] as const, [server_certificate_type, both] as const];
  const scripted = new tls12.ScriptedClient(tls12.server({ clientVerifier: optionalClientVerifier }));
  scripted.sendClientHello({ append });
  const { clientCertificateType, serverCertificateType } = scripted.serverHello.extensions;
  expect([clientCertificateType, serverCertificateType]).toEqual([CertificateType.X509, CertificateType.X509]);
  // "MUST be omitted" where no certificate is asked for.
  const unasked = new tls12.ScriptedClient();
  unasked.sendClientHello({ append });
  expect(unasked.serverHello.extensions.clientCertificateType).toBeUndefined();
  const newer = serverWaitingFor('ClientHello', server());
  newer.sendClientHello({ append });
  const sent = newer.peer.received.find(({ type }) => type === HandshakeType.encrypted_extensions)!;
  expect(sent.raw).toEqual(
    handshake(
      HandshakeType.encrypted_extensions,
      vec16(u16(server_certificate_type), vec16(bytes(CertificateType.X509))),
    ),
  );
});
