/** Key exchange and authentication in TLS 1.2, and what becomes of each message when it is not what it should be. */
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { Pair, testCertifiedKey, testClientVerifier, testIdentity } from '@tyls/testing';
import { createPrivateKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat } from '../../src/codec/bytes.ts';
import { schemesFor } from '../../src/handshake/authentication_tls12.ts';
import {
  type CertificateRequestInfo,
  type CertifiedKey,
  type ClientConfig,
  type ClientOptions,
} from '../../src/config.ts';
import {
  AlertDescription,
  ExtensionType,
  HandshakeType,
  NamedGroup,
  ProtocolVersion,
  SignatureScheme,
} from '../../src/registry.ts';
import { bytes, flipped, handshake, u16, vec16, vec24, vec8 } from '../hostile/wire.ts';
import {
  established,
  client,
  clientVerifier,
  clientWaitingFor,
  ecdhParams,
  identity,
  optionalClientVerifier,
  provider,
  refusal,
  rsaIdentity,
  type ScriptedClient,
  ScriptedServer,
  server,
  serverWaitingFor,
  suites,
} from './scripted_peer.ts';

const { illegal_parameter, decrypt_error, decode_error, handshake_failure } = AlertDescription;
const versions = [ProtocolVersion.TLSv1_2];
const rsaSuite = suites.find(({ authentication }) => authentication === 'rsa')!;
const ed25519Identity = await testCertifiedKey(provider, 'ed25519');
const p384Identity = await testCertifiedKey(provider, 'p384');

const p256Key = createPrivateKey((await testIdentity('p256')).privateKeyPem);
/** That key with a hash of another length than its curve. */
const p256WithSha384: CertifiedKey = {
  ...identity,
  key: {
    chooseScheme: () => ({
      scheme: SignatureScheme.ecdsa_secp384r1_sha384,
      sign: (message) => new Uint8Array(sign('sha384', message, { key: p256Key, dsaEncoding: 'der' })),
    }),
  },
};

describe('ServerKeyExchange (RFC 8422 section 5.4)', () => {
  const start = (config?: ClientConfig): ScriptedServer => clientWaitingFor('ServerKeyExchange', config);

  it.each(provider.keyExchangeGroups.map(({ name }) => name))('of group %i', (group) => {
    const scripted = start();
    scripted.peer.send(scripted.keyExchange({ group }), scripted.done());
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.keyExchangeGroup).toBe(group);
  });

  it.each([
    [
      'of an explicit curve',
      ecdhParams(new Uint8Array(32).fill(9), 29, 1),
      'InvalidMessage.UnsupportedCurveType',
      illegal_parameter,
    ],
    ['without a point', concat([bytes(3), u16(29), vec8()]), 'InvalidMessage.IllegalEmptyList', decode_error],
  ])('%s is refused', (_what, params, code, alert) => {
    const scripted = start();
    scripted.peer.send(scripted.rawKeyExchange(params));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it.each([
    [
      'of a group that was not offered',
      { group: NamedGroup.secp521r1, publicKey: new Uint8Array(133).fill(4) },
      'SelectedUnofferedKxGroup',
    ],
    [
      'of a KEM',
      { group: NamedGroup.X25519MLKEM768, publicKey: new Uint8Array(32).fill(4) },
      'SelectedUnofferedKxGroup',
    ],
    ['with a point of the wrong length', { publicKey: new Uint8Array(31).fill(9) }, 'InvalidKeyShare'],
    ['with a point that makes the secret zero', { publicKey: new Uint8Array(32) }, 'InvalidKeyShare'],
    [
      'with a point that is not on the curve',
      { group: NamedGroup.secp256r1, publicKey: new Uint8Array(65).fill(4) },
      'InvalidKeyShare',
    ],
  ])('%s is refused', (_what, changes, reason) => {
    const scripted = start();
    scripted.peer.send(scripted.keyExchange(changes), scripted.done());
    expect(refusal(scripted)).toEqual([`PeerMisbehaved.${reason}`, illegal_parameter]);
  });

  it('of a hybrid is refused, though it was offered for TLS 1.3', () => {
    const hybrids = withPostQuantum(provider);
    const scripted = start(client({ provider: hybrids }));
    expect(scripted.clientHello.extensions.namedGroups).toContain(NamedGroup.X25519MLKEM768);
    const publicKey = new Uint8Array(32).fill(9);
    scripted.peer.send(scripted.keyExchange({ group: NamedGroup.X25519MLKEM768, publicKey }), scripted.done());
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SelectedUnofferedKxGroup', illegal_parameter]);
  });

  it('signed over other randoms is refused', () => {
    for (const which of ['client', 'server'] as const) {
      const scripted = start();
      const randoms = { ...scripted.randoms, [which]: new Uint8Array(32) };
      scripted.peer.send(scripted.keyExchange({ randoms }));
      expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
    }
  });

  it('with one bit of params or signature flipped is refused', () => {
    // The point, and the signature's numbers.
    for (const at of [8, 20, 39, -1, -20]) {
      const scripted = start();
      const message = scripted.keyExchange();
      scripted.peer.send(flipped(message, at < 0 ? message.length + at : at));
      expect(refusal(scripted)[0]).toBe('BadHandshakeSignature');
    }
  });

  it('signed with the key of another certificate is refused', () => {
    const scripted = start();
    scripted.peer.send(scripted.keyExchange({ certified: p384Identity }));
    expect(['BadHandshakeSignature', 'InvalidCertificate.UnsupportedSignatureAlgorithmForPublicKey']).toContain(
      refusal(scripted)[0],
    );
  });

  it('signed with a scheme that goes with other suites is refused', () => {
    const scripted = start();
    scripted.peer.send(scripted.keyExchange({ certified: rsaIdentity, scheme: SignatureScheme.rsa_pkcs1_sha256 }));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.SignedKxWithWrongAlgorithm', illegal_parameter]);
    const rsa = new ScriptedServer(client(), rsaSuite);
    rsa.sendHello();
    rsa.peer.send(rsa.peer.certificate(), rsa.keyExchange({ scheme: SignatureScheme.ecdsa_secp256r1_sha256 }));
    expect(refusal(rsa)).toEqual(['PeerMisbehaved.SignedKxWithWrongAlgorithm', illegal_parameter]);
  });

  it('signed with ML-DSA is refused, though it was offered for TLS 1.3 (draft-ietf-tls-mldsa section 3)', () => {
    const { verifier } = client();
    const schemes = [...verifier.schemes, SignatureScheme.mldsa65];
    const scripted = start(client({ verifier: { ...verifier, schemes } }));
    const message = scripted.keyExchange();
    // Behind header, curve type, group and point.
    message.set([0x09, 0x05], 4 + 1 + 2 + 1 + 32);
    scripted.peer.send(message);
    const code = 'PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme';
    expect(refusal(scripted)).toEqual([code, illegal_parameter]);
  });

  it('signed with a scheme that was not offered is refused', () => {
    const { verifier } = client();
    const schemes = verifier.schemes.filter((scheme) => scheme !== SignatureScheme.ecdsa_secp256r1_sha256);
    const scripted = start(client({ verifier: { ...verifier, schemes } }));
    scripted.peer.send(scripted.keyExchange());
    const code = 'PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme';
    expect(refusal(scripted)).toEqual([code, illegal_parameter]);
    const sha1 = start();
    const message = sha1.keyExchange();
    // Behind header, curve type, group and point.
    message.set([0x02, 0x03], 4 + 1 + 2 + 1 + 32);
    sha1.peer.send(message);
    expect(refusal(sha1)).toEqual([code, illegal_parameter]);
  });

  it.each([
    ['p256', SignatureScheme.ecdsa_secp256r1_sha256],
    ['p384', SignatureScheme.ecdsa_secp384r1_sha384],
    ['ed25519', SignatureScheme.ed25519],
  ] as const)('of a server with a key of type %s', async (keyType, scheme) => {
    const pair = new Pair({
      client: client({ versions }),
      server: server({ certificate: await testCertifiedKey(provider, keyType) }),
    });
    void pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.client.peerSignatureScheme).toBe(scheme);
  });

  it.each([
    SignatureScheme.rsa_pkcs1_sha256,
    SignatureScheme.rsa_pkcs1_sha384,
    SignatureScheme.rsa_pkcs1_sha512,
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
  ])('of a server with an RSA key, scheme %i', (scheme) => {
    const scripted = new ScriptedServer(client(), rsaSuite);
    scripted.sendHello();
    scripted.peer.send(scripted.peer.certificate(rsaIdentity.certificates));
    scripted.peer.send(scripted.keyExchange({ certified: rsaIdentity, scheme }), scripted.done());
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.peerSignatureScheme).toBe(scheme);
  });

  it('in TLS 1.2 an ECDSA scheme names a hash, and goes with every curve', () => {
    const scripted = new ScriptedServer();
    scripted.sendHello();
    scripted.peer.send(scripted.peer.certificate());
    scripted.peer.send(scripted.keyExchange({ certified: p256WithSha384 }), scripted.done());
    scripted.sendFinish();
    established(scripted.peer);
    expect(scripted.connection.peerSignatureScheme).toBe(SignatureScheme.ecdsa_secp384r1_sha384);
  });
});

describe('Certificate of a server', () => {
  it.each([
    ['no certificate', vec24(), 'InvalidMessage.IllegalEmptyList', decode_error],
    ['an empty certificate', vec24(vec24()), 'InvalidMessage.IllegalEmptyList', decode_error],
    [
      'a list longer than the message',
      concat([bytes(0, 0, 9), vec24(bytes(1))]),
      'InvalidMessage.MissingData',
      decode_error,
    ],
    [
      'something behind the list',
      concat([vec24(vec24(bytes(1))), bytes(1)]),
      'InvalidMessage.TrailingData',
      decode_error,
    ],
    [
      'a list that is too long',
      bytes(2, 0, 0),
      'InvalidMessage.CertificatePayloadTooLarge',
      AlertDescription.bad_certificate,
    ],
  ])('with %s is refused', (_what, body, code, alert) => {
    const scripted = clientWaitingFor('Certificate');
    scripted.peer.send(handshake(HandshakeType.certificate, body));
    expect(refusal(scripted)).toEqual([code, alert]);
  });

  it('that nobody vouches for is refused, before anything is sent to it', () => {
    const { verifier } = client();
    const scripted = clientWaitingFor('Certificate', client({ verifier, time: () => 0 }));
    scripted.peer.send(scripted.peer.certificate(), scripted.keyExchange());
    expect(refusal(scripted)).toEqual(['InvalidCertificate.NotValidYet', AlertDescription.certificate_expired]);
  });

  it('may be followed by a CertificateStatus only if ServerHello said so', () => {
    const verifier = { ...client().verifier, requestOcspResponse: true };
    const status = handshake(HandshakeType.certificate_status, concat([bytes(1), vec24(bytes(5))]));
    const scripted = clientWaitingFor('ServerKeyExchange', client({ verifier }));
    scripted.peer.send(status);
    expect(refusal(scripted)).toEqual(['InappropriateHandshakeMessage', AlertDescription.unexpected_message]);
    const twice = clientWaitingFor('CertificateStatus');
    twice.peer.send(status, status);
    expect(refusal(twice)).toEqual(['InappropriateHandshakeMessage', AlertDescription.unexpected_message]);
  });

  it('need not be followed by the CertificateStatus that ServerHello announced', () => {
    const scripted = clientWaitingFor('CertificateStatus');
    scripted.peer.send(scripted.keyExchange(), scripted.done());
    scripted.sendFinish();
    expect(established(scripted.peer)).toBe(true);
  });

  it.each([
    ['of another type', concat([bytes(2), vec24(bytes(5))]), 'InvalidCertificateStatusType'],
    ['that is empty', concat([bytes(1), vec24()]), 'IllegalEmptyList'],
  ])('is not followed by a CertificateStatus %s', (_what, body, reason) => {
    const scripted = clientWaitingFor('CertificateStatus');
    scripted.peer.send(handshake(HandshakeType.certificate_status, body));
    expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
  });
});

it('ServerHelloDone has no body', () => {
  const scripted = clientWaitingFor('CertificateRequest or ServerHelloDone');
  scripted.peer.send(handshake(HandshakeType.server_hello_done, bytes(0)));
  expect(refusal(scripted)).toEqual(['InvalidMessage.TrailingData', decode_error]);
});

describe('ClientKeyExchange (RFC 8422 section 5.7)', () => {
  it.each([
    ['of the wrong length', new Uint8Array(31).fill(9)],
    ['that makes the secret zero', new Uint8Array(32)],
  ])('with a point %s is refused', (_what, publicKey) => {
    const scripted = serverWaitingFor('ClientKeyExchange');
    scripted.sendKeyExchange(publicKey);
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.InvalidKeyShare', illegal_parameter]);
  });

  it.each([
    ['an empty one', vec8(), 'IllegalEmptyList'],
    ['one with more behind the point', concat([vec8(new Uint8Array(32).fill(9)), bytes(1)]), 'TrailingData'],
  ])('%s is refused', (_what, body, reason) => {
    const scripted = serverWaitingFor('ClientKeyExchange');
    scripted.peer.send(handshake(HandshakeType.client_key_exchange, body));
    expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
  });
});

describe.each([
  ['a client', () => clientWaitingFor('Finished')],
  ['a server', () => serverWaitingFor('Finished')],
])('Finished, for %s', (_name, start) => {
  it('is refused if any bit of it is wrong', () => {
    for (let at = 4; at < 16; at++) {
      const scripted = start();
      scripted.peer.send(flipped(scripted.peer.finished(), at));
      expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
      expect(scripted.connection.peerCertificates).toBeUndefined();
    }
  });

  it.each([0, 11, 13, 32])('is refused with %i bytes', (length) => {
    const scripted = start();
    scripted.peer.send(handshake(HandshakeType.finished, new Uint8Array(length)));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });

  it('is not that of the other side', () => {
    const scripted = start();
    const { peer } = scripted;
    const other = peer.role === 'client' ? 'server' : 'client';
    peer.send(handshake(HandshakeType.finished, peer.secrets!.verifyData(other, peer.transcript.digest())));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.IncorrectFinished', decrypt_error]);
  });
});

describe('client certificates', () => {
  it.each([
    ['p256', SignatureScheme.ecdsa_secp256r1_sha256],
    ['p384', SignatureScheme.ecdsa_secp384r1_sha384],
    ['ed25519', SignatureScheme.ed25519],
    ['rsa2048', SignatureScheme.rsa_pss_rsae_sha256],
  ] as const)('of type %s', async (keyType, scheme) => {
    const certificate = await testCertifiedKey(provider, keyType);
    const pair = new Pair({ client: client({ versions, certificate }), server: server({ clientVerifier }) });
    void pair.run();
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.server.peerCertificates).toEqual(certificate.certificates);
    expect(schemeFamily(pair.server.peerSignatureScheme!)).toBe(schemeFamily(scheme));
  });

  it('are required, or not (RFC 5246 section 7.4.6)', () => {
    for (const mandatory of [true, false]) {
      const verifier = mandatory ? clientVerifier : optionalClientVerifier;
      const pair = new Pair({ client: client({ versions }), server: server({ clientVerifier: verifier }) });
      void pair.run();
      expect(pair.server.error?.code).toBe(mandatory ? 'NoCertificatesPresented' : undefined);
      expect(pair.server.error?.alert).toBe(mandatory ? handshake_failure : undefined);
      expect(pair.server.peerCertificates).toBeUndefined();
      expect(pair.client.isHandshaking).toBe(mandatory);
    }
  });

  it('without the extended master secret too', () => {
    const scripted = serverWaitingFor('ClientHello', server({ clientVerifier }));
    const { peer } = scripted;
    scripted.sendClientHello({ replace: { [ExtensionType.extended_master_secret]: undefined } });
    peer.send(peer.certificate());
    scripted.sendKeyExchange();
    peer.send(scripted.certificateVerify());
    scripted.sendFinish();
    expect(established(peer)).toBe(true);
  });

  it('are chosen with what the server says', async () => {
    const seen: CertificateRequestInfo[] = [];
    const certificate: ClientOptions['certificate'] = (request) => {
      seen.push(request);
      return identity;
    };
    const verifier = await testClientVerifier(provider);
    const schemes = schemesFor(['ecdsa', 'rsa'], verifier.schemes);
    const pair = new Pair({ client: client({ versions, certificate }), server: server({ clientVerifier: verifier }) });
    void pair.run();
    expect(pair.server.error).toBeUndefined();
    expect(seen).toEqual([
      {
        signatureSchemes: schemes,
        signatureSchemesCert: schemes,
        certificateAuthorities: verifier.rootHintSubjects,
      },
    ]);
  });

  it.each([
    ['types for RSA keys alone', bytes(1), [SignatureScheme.ecdsa_secp256r1_sha256, SignatureScheme.rsa_pkcs1_sha256]],
    ['schemes for RSA keys alone', bytes(64, 1), [SignatureScheme.rsa_pkcs1_sha256]],
    ['types of long ago', bytes(3, 4), [SignatureScheme.ecdsa_secp256r1_sha256]],
  ])('are not sent to a server with %s', (_what, types, schemes) => {
    const scripted = clientWaitingFor('CertificateRequest or ServerHelloDone', client({ certificate: identity }));
    scripted.peer.send(scripted.certificateRequest(types, schemes), scripted.done());
    scripted.sendFinish();
    established(scripted.peer);
    const sent = scripted.peer.received.map(({ type, raw }) => [type, raw.length]);
    expect(sent[1]).toEqual([HandshakeType.certificate, 7]);
    expect(sent.map(([type]) => type)).not.toContain(HandshakeType.certificate_verify);
  });

  it.each([
    ['no types', concat([vec8(), vec16(u16(0x0403)), vec16()]), 'IllegalEmptyList'],
    ['no schemes', concat([vec8(bytes(1)), vec16(), vec16()]), 'IllegalEmptyList'],
    ['an empty name', concat([vec8(bytes(1)), vec16(u16(0x0403)), vec16(vec16())]), 'IllegalEmptyList'],
    ['half a scheme', concat([vec8(bytes(1)), vec16(bytes(4)), vec16()]), 'MissingData'],
    ['nothing', bytes(), 'MissingData'],
  ])('CertificateRequest with %s is refused', (_what, body, reason) => {
    const scripted = clientWaitingFor('CertificateRequest or ServerHelloDone');
    scripted.peer.send(handshake(HandshakeType.certificate_request, body));
    expect(refusal(scripted)).toEqual([`InvalidMessage.${reason}`, decode_error]);
  });

  it('an empty Certificate is not followed by CertificateVerify', () => {
    const scripted = serverWaitingFor('Certificate', server({ clientVerifier: optionalClientVerifier }));
    scripted.peer.send(scripted.peer.certificate([]));
    scripted.sendKeyExchange();
    scripted.peer.send(scripted.certificateVerify());
    expect(refusal(scripted)).toEqual(['InappropriateMessage', AlertDescription.unexpected_message]);
  });

  it('a Certificate is followed by CertificateVerify', () => {
    const scripted = serverWaitingFor('CertificateVerify');
    scripted.peer.sendChangeCipherSpec();
    expect(refusal(scripted)).toEqual(['InappropriateMessage', AlertDescription.unexpected_message]);
  });

  describe('CertificateVerify (RFC 5246 section 7.4.8)', () => {
    const start = (): ScriptedClient => serverWaitingFor('CertificateVerify');

    it('over other messages is refused', () => {
      const scripted = start();
      const messages = scripted.peer.transcript.messages();
      scripted.peer.send(scripted.certificateVerify(identity, messages.subarray(0, -1)));
      expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
    });

    it('by another key is refused', () => {
      const scripted = start();
      scripted.peer.send(scripted.certificateVerify(ed25519Identity));
      expect(refusal(scripted)).toEqual([
        'InvalidCertificate.UnsupportedSignatureAlgorithmForPublicKey',
        decrypt_error,
      ]);
    });

    it('with a scheme that was not offered is refused', () => {
      const scripted = start();
      const message = scripted.certificateVerify();
      message.set([0x02, 0x03], 4);
      scripted.peer.send(message);
      const code = 'PeerMisbehaved.SignedHandshakeWithUnadvertisedSigScheme';
      expect(refusal(scripted)).toEqual([code, illegal_parameter]);
    });

    it('with one bit flipped is refused', () => {
      const scripted = start();
      scripted.peer.send(flipped(scripted.certificateVerify()));
      expect(refusal(scripted)).toEqual(['BadHandshakeSignature', decrypt_error]);
    });
  });
});

/** The kind of key and padding that a scheme is for. */
function schemeFamily(scheme: number): string {
  const name = Object.entries(SignatureScheme).find(([, value]) => value === scheme)![0];
  return name.replace(/_sha\d+$/, '');
}
