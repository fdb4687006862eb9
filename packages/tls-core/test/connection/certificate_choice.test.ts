/** Which of several certificates is shown, and which keys are refused. */
import { createCa, type IssueOptions, Pair, type TestCa, testName, testRoot } from '@tyls/testing';
import {
  type CertificateRequestInfo,
  type CertifiedKey,
  clientCertResolver,
  type ClientHelloInfo,
  type ClientOptions,
  NamedGroup,
  ProtocolVersion,
  serverCertResolver,
  type ServerOptions,
  SignatureScheme,
} from '@tyls/tls-core';
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { describe, expect, it } from 'vitest';
import { mlDsaChain } from '../../../../testing/src/ml_dsa_chain.ts';
import { certificateFields, keyCurve } from '../../src/crypto/certificate_fields.ts';
import { AlertDescription, CertificateType } from '../../src/registry.ts';
import { client, clientVerifier, provider, refusal, ScriptedServer, server } from '../tls12/scripted_peer.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const { handshake_failure, illegal_parameter, unsupported_certificate } = AlertDescription;
const both = [
  ['TLS 1.3', TLSv1_3],
  ['TLS 1.2', TLSv1_2],
] as const;

async function issue(ca: TestCa, options: IssueOptions): Promise<CertifiedKey> {
  const { chain, privateKey } = await ca.issue(options);
  return { certificates: chain, key: await provider.loadPrivateKey({ format: 'pkcs8', der: privateKey }) };
}

const root = await testRoot();
const rsaCa = await createCa({ name: 'RSA CA', keyType: 'rsa2048', issuer: root });
const names = ['a.example', '*.b.example', 'c.example'];
const ecdsa = await issue(root, { names });
const p384 = await issue(root, { names, keyType: 'p384' });
const rsa = await issue(root, { names, keyType: 'rsa2048' });
const ed25519 = await issue(root, { names, keyType: 'ed25519' });
/** A key of P-256, signed with RSA. */
const underRsa = await issue(rsaCa, { names });
const rootName = certificateFields(root.certificate)!.subject;
const rsaCaName = certificateFields(rsaCa.certificate)!.subject;

const { ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, rsa_pss_rsae_sha256, rsa_pkcs1_sha256 } = SignatureScheme;
const schemes = [ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, SignatureScheme.ed25519, rsa_pss_rsae_sha256];

function hello(info: Partial<ClientHelloInfo> = {}): ClientHelloInfo {
  return {
    serverName: 'a.example',
    alpnProtocols: [],
    versions: [TLSv1_3],
    protocolVersion: TLSv1_3,
    cipherSuites: [],
    namedGroups: [NamedGroup.X25519, NamedGroup.secp256r1],
    signatureSchemes: schemes,
    signatureSchemesCert: [...schemes, rsa_pkcs1_sha256],
    clientCertificateTypes: [CertificateType.X509],
    serverCertificateTypes: [CertificateType.X509],
    certificateAuthorities: [],
    ...info,
  };
}

function request(info: Partial<CertificateRequestInfo> = {}): CertificateRequestInfo {
  return {
    signatureSchemes: schemes,
    signatureSchemesCert: [...schemes, rsa_pkcs1_sha256],
    certificateAuthorities: [],
    ...info,
  };
}

describe('a server chooses its certificate', () => {
  const byName = { 'A.example': ecdsa, '*.b.example': p384, 'x.b.example': rsa };

  it.each([
    ['a.example', ecdsa],
    ['y.b.example', p384],
    ['x.b.example', rsa],
    ['b.example', undefined],
    ['z.y.b.example', undefined],
    ['example', undefined],
    ['.b.example', p384],
    [undefined, undefined],
  ])('by the name %s', (serverName, expected) => {
    expect(serverCertResolver({ byName })(hello({ serverName }))).toBe(expected);
    expect(serverCertResolver({ byName, fallback: ed25519 })(hello({ serverName }))).toBe(expected ?? ed25519);
  });

  const choices = [ecdsa, p384, rsa, ed25519];
  it.each<[string, Partial<ClientHelloInfo>, CertifiedKey | undefined]>([
    ['the first, if all will do', {}, ecdsa],
    ['by the scheme', { signatureSchemes: [SignatureScheme.ed25519] }, ed25519],
    ['by the scheme, in its own order', { signatureSchemes: [rsa_pss_rsae_sha256, ecdsa_secp384r1_sha384] }, p384],
    ['none without a scheme', { signatureSchemes: [] }, undefined],
    ['not by the curve in TLS 1.3', { namedGroups: [] }, ecdsa],
    ['by the curve in TLS 1.2', { protocolVersion: TLSv1_2, namedGroups: [NamedGroup.secp384r1] }, p384],
    ['EdDSA and RSA with any curve', { protocolVersion: TLSv1_2, namedGroups: [NamedGroup.X25519] }, rsa],
    ['none of another type', { serverCertificateTypes: [CertificateType.RawPublicKey] }, undefined],
  ])('%s', (_what, info, expected) => {
    expect(serverCertResolver({ byName: { 'a.example': choices } })(hello(info))).toBe(expected);
  });

  it.each<[string, Partial<ClientHelloInfo>, CertifiedKey]>([
    ['by the algorithms for certificates', { signatureSchemesCert: [ecdsa_secp256r1_sha256] }, ecdsa],
    ['whatever it has, if it has none of those', { signatureSchemesCert: [SignatureScheme.ed448] }, underRsa],
    ['by the authorities', { certificateAuthorities: [rsaCaName] }, underRsa],
    ['by an authority up the chain', { certificateAuthorities: [rootName] }, underRsa],
    [
      'rather by the algorithms than by the authorities',
      { signatureSchemesCert: [ecdsa_secp256r1_sha256], certificateAuthorities: [rsaCaName] },
      ecdsa,
    ],
  ])('%s', (_what, info, expected) => {
    expect(serverCertResolver({ byName: { 'a.example': [underRsa, ecdsa] } })(hello(info))).toBe(expected);
  });

  it.each(['', '*', '*.', 'a..b', '*.*.example', 'a.*.example', '192.0.2.1:80'])('but not for %j', (name) => {
    expect(() => serverCertResolver({ byName: { [name]: ecdsa } })).toThrow(TypeError);
  });

  it('but not of nothing', () => {
    expect(() => serverCertResolver({ byName: { 'a.example': [] } })).toThrow(RangeError);
    expect(() => serverCertResolver({ fallback: { ...ecdsa, certificates: [] } })).toThrow(RangeError);
    expect(() => clientCertResolver([])).toThrow(RangeError);
  });
});

describe('a client chooses its certificate', () => {
  it.each<[string, Partial<CertificateRequestInfo>, CertifiedKey | undefined]>([
    ['the first, if all will do', {}, underRsa],
    ['by the scheme', { signatureSchemes: [rsa_pss_rsae_sha256] }, rsa],
    ['none without a scheme', { signatureSchemes: [SignatureScheme.ed448] }, undefined],
    ['by the algorithms for certificates', { signatureSchemesCert: [ecdsa_secp256r1_sha256] }, rsa],
    ['none with other algorithms', { signatureSchemesCert: [SignatureScheme.ed448] }, undefined],
    ['by the authorities', { certificateAuthorities: [rootName], signatureSchemesCert: [ecdsa_secp256r1_sha256] }, rsa],
    ['none of other authorities', { certificateAuthorities: [Uint8Array.of(0x30, 0)] }, undefined],
  ])('%s', (_what, info, expected) => {
    expect(clientCertResolver([underRsa, rsa])(request(info))).toBe(expected);
  });

  it.each([
    ['mlDsa44', SignatureScheme.mldsa44],
    ['mlDsa65', SignatureScheme.mldsa65],
    ['mlDsa87', SignatureScheme.mldsa87],
  ] as const)('that is signed with %s, for servers that have it for certificates', async (kind, scheme) => {
    const { endEntity, privateKey } = await mlDsaChain(kind);
    const key = await withPostQuantum(provider).loadPrivateKey({ format: 'pkcs8', der: privateKey });
    const certified = { certificates: [endEntity], key };
    const resolve = clientCertResolver([certified]);
    expect(resolve(request({ signatureSchemes: [scheme], signatureSchemesCert: [scheme] }))).toBe(certified);
    expect(resolve(request({ signatureSchemes: [scheme], signatureSchemesCert: schemes }))).toBeUndefined();
  });
});

function run(clientOptions: Partial<ClientOptions>, serverOptions: Partial<ServerOptions>): Pair {
  const pair = new Pair({ client: client(clientOptions), server: server(serverOptions), serverName: 'a.example' });
  void pair.run();
  return pair;
}

describe.each(both)('%s', (_name, version) => {
  const versions = [version];
  const certificate = serverCertResolver({ byName: { 'a.example': [rsa, ecdsa] } });

  it('by a cipher suite, or a scheme', () => {
    const verifier = { ...client().verifier, schemes: [ecdsa_secp256r1_sha256, rsa_pkcs1_sha256] };
    const cipherSuites = provider.cipherSuites.filter(
      (suite) => !('authentication' in suite && suite.authentication === 'rsa'),
    );
    const pair = run({ versions, verifier, provider: { ...provider, cipherSuites } }, { certificate });
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    expect(pair.client.peerCertificates).toEqual(ecdsa.certificates);
  });

  it('a client shows what the server can verify', () => {
    const verifier = { ...clientVerifier, schemes: [ecdsa_secp256r1_sha256, rsa_pkcs1_sha256] };
    const pair = run(
      { versions, certificate: clientCertResolver([rsa, ecdsa]) },
      { certificate, clientVerifier: verifier },
    );
    expect(pair.client.error ?? pair.server.error).toBeUndefined();
    // In TLS 1.3 PKCS #1 signs certificates only.
    expect(pair.server.peerCertificates).toEqual((version === TLSv1_3 ? ecdsa : rsa).certificates);
  });

  it('(RFC 8446 section 4.4.2.2, RFC 5280 section 4.2.1.3) a key that may not sign does not', async () => {
    // keyAgreement alone.
    const keyUsage = { oid: '2.5.29.15', critical: true, value: Uint8Array.of(3, 2, 3, 8) };
    const mute = await issue(root, { names, extensions: [keyUsage] });
    const byServer = run({ versions }, { certificate: mute });
    expect(byServer.client.error?.code).toBe('InvalidCertificate.KeyUsageForbidden');
    expect(byServer.client.error?.alert).toBe(unsupported_certificate);
    const byClient = run({ versions, certificate: mute }, { certificate, clientVerifier });
    expect(byClient.server.error?.code).toBe('InvalidCertificate.KeyUsageForbidden');
  });
});

describe('the curve of a key in TLS 1.2 (RFC 8422 section 5.1)', () => {
  const onlyX25519 = {
    ...provider,
    keyExchangeGroups: provider.keyExchangeGroups.filter(({ name }) => name === NamedGroup.X25519),
  };

  it('must be one that the client offers', () => {
    const pair = run({ versions: [TLSv1_2], provider: onlyX25519 }, { certificate: ecdsa });
    expect(pair.server.error?.code).toBe('PeerIncompatible.NoGroupsInCommon');
    expect(pair.client.error?.detail).toMatchObject({ alert: handshake_failure });
  });

  it('must be one that was offered', async () => {
    const scripted = new ScriptedServer();
    const certified = await issue(root, { names: [testName], keyType: 'p521' });
    scripted.sendHello();
    scripted.peer.send(scripted.peer.certificate(certified.certificates));
    scripted.peer.send(scripted.keyExchange({ certified }));
    expect(refusal(scripted)).toEqual(['PeerMisbehaved.PresentedKeyOnUnofferedCurve', illegal_parameter]);
  });

  it('does not matter in TLS 1.3, nor for other keys', () => {
    expect(run({ provider: onlyX25519 }, { certificate: ecdsa }).client.error).toBeUndefined();
    for (const certificate of [rsa, ed25519]) {
      expect(run({ versions: [TLSv1_2], provider: onlyX25519 }, { certificate }).client.error).toBeUndefined();
    }
  });

  it('is read of what is well-formed alone', () => {
    const [der] = ecdsa.certificates;
    expect(keyCurve(CertificateType.X509, der!)).toBe(NamedGroup.secp256r1);
    for (let length = 0; length < der!.length; length++) {
      expect(keyCurve(CertificateType.X509, der!.subarray(0, length))).toBeUndefined();
    }
    expect(keyCurve(CertificateType.RawPublicKey, ecdsa.key.publicKey!)).toBe(NamedGroup.secp256r1);
    expect(keyCurve(CertificateType.RawPublicKey, der!)).toBeUndefined();
  });
});
