/** The verifiers as a connection uses them: with a provider that answers at once, and with one that answers later. */
import { createPrivateKey, sign } from 'node:crypto';
import { nodeProvider } from '@tyls/crypto-node';
import {
  type Awaitable,
  type ClientCertificates,
  type CryptoProvider,
  type HandshakeSignature,
  type HandshakeSignatureValid,
  isPromise,
  isTlsError,
  parseServerName,
  type PeerVerified,
  type ServerCertificates,
  SignatureScheme,
  type TlsErrorDetail,
} from '@tyls/tls-core';
import { derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type KeyType, type TestCa, type TestIdentity } from '@tyls/testing';
import {
  clientCertVerifier,
  dangerousAcceptAnyServerCert,
  rootStore,
  serverCertVerifier,
  type TrustAnchor,
  trustAnchorFromCertificate,
} from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { bitString } from './craft.ts';

const synchronous = nodeProvider();
const asynchronous: CryptoProvider = {
  ...synchronous,
  signatureVerification: {
    algorithms: synchronous.signatureVerification.algorithms.map(later),
    schemes: synchronous.signatureVerification.schemes.map(({ scheme, algorithms }) => ({
      scheme,
      algorithms: algorithms.map(later),
    })),
  },
};

type Algorithm = CryptoProvider['signatureVerification']['algorithms'][number];
function later(algorithm: Algorithm): Algorithm {
  return { ...algorithm, verify: async (...parameters) => algorithm.verify(...parameters) };
}

let root: TestCa;
let ca: TestCa;
let server: TestIdentity;
let client: TestIdentity;
let roots: readonly TrustAnchor[];

beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root });
  server = await ca.issue({ names: ['a.test'], usage: 'server' });
  client = await ca.issue({ commonName: 'client', usage: 'client' });
  roots = [trustAnchorFromCertificate(root.certificate)];
});

function certificates({ chain }: TestIdentity): ClientCertificates {
  const unstapled = { ocspResponse: undefined, sctList: undefined };
  return { endEntity: chain[0]!, intermediates: chain.slice(1), ...unstapled, now: Date.now() };
}

function serverCertificates(identity: TestIdentity, name: string): ServerCertificates {
  return { ...certificates(identity), serverName: parseServerName(name) };
}

/** The refusal, whether it was thrown or rejected with. */
async function refusalOf(run: () => Awaitable<PeerVerified | HandshakeSignatureValid>): Promise<TlsErrorDetail> {
  try {
    await run();
  } catch (error) {
    if (isTlsError(error)) return error.detail;
    throw error;
  }
  throw new Error('it was accepted');
}

describe.each([
  ['at once', synchronous, false],
  ['later', asynchronous, true],
])('with a provider that answers %s', (_, provider, isAsynchronous) => {
  test('a server is verified for its name', async () => {
    const verifier = serverCertVerifier({ roots, provider });
    const answer = verifier.verifyServerCert(serverCertificates(server, 'a.test'));
    expect(isPromise(answer)).toBe(isAsynchronous);
    expect(await answer).toBeDefined();
    const forName = (name: string) => refusalOf(() => verifier.verifyServerCert(serverCertificates(server, name)));
    expect(await forName('b.test')).toMatchObject({ reason: 'NotValidForName', presented: ['a.test'] });
    const asServer = refusalOf(() => verifier.verifyServerCert(serverCertificates(client, 'a.test')));
    expect(await asServer).toMatchObject({ reason: 'InvalidPurpose' });
  });

  test('a client is verified, whatever its names', async () => {
    const verifier = clientCertVerifier({ roots: rootStore(roots), provider });
    const answer = verifier.verifyClientCert(certificates(client));
    expect(isPromise(answer)).toBe(isAsynchronous);
    expect(await answer).toBeDefined();
    const asClient = await refusalOf(() => verifier.verifyClientCert(certificates(server)));
    expect(asClient).toMatchObject({ reason: 'InvalidPurpose', required: 'clientAuth' });
  });

  test('a signature on a certificate that is wrong is refused', async () => {
    const stranger = [trustAnchorFromCertificate((await createCa({ name: 'root' })).certificate)];
    const asServer = serverCertVerifier({ roots: stranger, provider });
    const asClient = clientCertVerifier({ roots: stranger, provider });
    const expected = { reason: 'BadSignature', subject: 'CN=ca' };
    expect(await refusalOf(() => asServer.verifyServerCert(serverCertificates(server, 'a.test')))).toMatchObject(
      expected,
    );
    expect(await refusalOf(() => asClient.verifyClientCert(certificates(client)))).toMatchObject(expected);
  });

  test('the handshake signature must be by the key of the certificate', async () => {
    const verifier = dangerousAcceptAnyServerCert({ provider });
    const signature = handshakeSignature(server, 'p256');
    const answer = verifier.verifyTls13Signature(signature);
    expect(isPromise(answer)).toBe(isAsynchronous);
    expect(await answer).toBeDefined();
    const wrong = { code: 'BadHandshakeSignature', scheme: SignatureScheme.ecdsa_secp256r1_sha256 };
    const message = signature.message.with(0, 1);
    expect(await refusalOf(() => verifier.verifyTls13Signature({ ...signature, message }))).toEqual(wrong);
    const others = { ...signature, endEntity: client.certificate };
    expect(await refusalOf(() => verifier.verifyTls13Signature(others))).toEqual(wrong);
    const none = { ...signature, signature: new Uint8Array() };
    expect(await refusalOf(() => verifier.verifyTls13Signature(none))).toEqual(wrong);
  });
});

describe('handshake signatures', () => {
  const verifier = dangerousAcceptAnyServerCert({ provider: synchronous });
  const issue = (keyType: KeyType) => root.issue({ keyType });
  const keyTypes: readonly KeyType[] = ['p256', 'p384', 'p521', 'ed25519', 'rsa2048'];

  test.each(keyTypes)('by a key of %s', async (keyType) => {
    const signature = handshakeSignature(await issue(keyType), keyType);
    expect(verifier.verifyTls13Signature(signature)).toBeDefined();
  });

  test('an ECDSA scheme names its curve', async () => {
    const identity = await issue('p384');
    const signature = { ...handshakeSignature(identity, 'p384'), scheme: SignatureScheme.ecdsa_secp256r1_sha256 };
    const sha256 = sign('sha256', signature.message, createPrivateKey(identity.privateKeyPem));
    const expected = { reason: 'UnsupportedSignatureAlgorithmForPublicKey', key: 'ECDSA P-384' };
    const run = () => verifier.verifyTls13Signature({ ...signature, signature: sha256 });
    expect(await refusalOf(run)).toMatchObject(expected);
  });

  test('PKCS #1 v1.5 is not for TLS 1.3, and neither is what was not offered', async () => {
    const identity = await issue('rsa2048');
    const message = new Uint8Array(98);
    const pkcs1 = sign('sha256', message, createPrivateKey(identity.privateKeyPem));
    const offered = [
      SignatureScheme.rsa_pkcs1_sha256,
      SignatureScheme.rsa_pkcs1_sha384,
      SignatureScheme.rsa_pkcs1_sha512,
    ];
    for (const scheme of [...offered, SignatureScheme.ed448, 0x0201, 0x0a0a]) {
      const signature = { message, endEntity: identity.certificate, scheme, signature: pkcs1 };
      expect(await refusalOf(() => verifier.verifyTls13Signature(signature))).toEqual({
        code: 'PeerMisbehaved',
        reason: 'SignedHandshakeWithUnadvertisedSigScheme',
      });
    }
    expect(verifier.schemes).toEqual(expect.arrayContaining(offered));
  });

  test('in TLS 1.2 an ECDSA scheme goes with every curve, and PKCS #1 v1.5 is allowed', async () => {
    const { ecdsa_secp256r1_sha256, rsa_pkcs1_sha256, ed25519, ed448 } = SignatureScheme;
    const message = new Uint8Array(98);
    for (const keyType of ['p256', 'p384', 'p521', 'rsa2048'] as const) {
      const { certificate: endEntity, privateKeyPem } = await issue(keyType);
      const signature = new Uint8Array(sign('sha256', message, createPrivateKey(privateKeyPem)));
      const isRsa = keyType === 'rsa2048';
      const scheme = isRsa ? rsa_pkcs1_sha256 : ecdsa_secp256r1_sha256;
      const signed = { message, endEntity, scheme, signature };
      expect(verifier.verifyTls12Signature(signed)).toBeDefined();
      const altered = { ...signed, message: message.with(0, 1) };
      expect(await refusalOf(() => verifier.verifyTls12Signature(altered))).toEqual({
        code: 'BadHandshakeSignature',
        scheme,
      });
      const other = { ...signed, scheme: isRsa ? ecdsa_secp256r1_sha256 : ed25519 };
      expect(await refusalOf(() => verifier.verifyTls12Signature(other))).toMatchObject({
        reason: 'UnsupportedSignatureAlgorithmForPublicKey',
      });
      const unoffered = { ...signed, scheme: ed448 };
      expect(await refusalOf(() => verifier.verifyTls12Signature(unoffered))).toEqual({
        code: 'PeerMisbehaved',
        reason: 'SignedHandshakeWithUnadvertisedSigScheme',
      });
    }
  });

  test('the key usage must allow them, where there is one', async () => {
    const withUsage = (value: Uint8Array | undefined) =>
      root.issue({ commonName: 'leaf', extensions: [{ oid: '2.5.29.15', critical: true, value }] });
    const forbidden = handshakeSignature(await withUsage(bitString(Uint8Array.of(0x20), 5)), 'p256');
    expect(await refusalOf(() => verifier.verifyTls13Signature(forbidden))).toMatchObject({
      reason: 'KeyUsageForbidden',
      required: 'digitalSignature',
      subject: 'CN=leaf',
    });
    expect(await refusalOf(() => verifier.verifyTls12Signature(forbidden))).toMatchObject({
      reason: 'KeyUsageForbidden',
    });
    const silent = handshakeSignature(await withUsage(undefined), 'p256');
    expect(verifier.verifyTls13Signature(silent)).toBeDefined();
  });

  test('a certificate that is none is refused', async () => {
    const signature = { ...handshakeSignature(server, 'p256'), endEntity: Uint8Array.of(0x30, 0) };
    expect(await refusalOf(() => verifier.verifyTls13Signature(signature))).toMatchObject({ reason: 'BadEncoding' });
  });
});

describe('what the verifiers say of themselves', () => {
  test('they offer the schemes of the provider, in its order', () => {
    const schemes = synchronous.signatureVerification.schemes.map(({ scheme }) => scheme);
    expect(serverCertVerifier({ roots, provider: synchronous }).schemes).toEqual(schemes);
    expect(clientCertVerifier({ roots, provider: synchronous }).schemes).toEqual(schemes);
  });

  test('a server tells clients the names of its roots, unless it is told otherwise, and insists on a certificate', () => {
    const byDefault = clientCertVerifier({ roots, provider: synchronous });
    expect(byDefault.rootHintSubjects).toEqual([derEncode(DerTag.sequence, roots[0]!.subject)]);
    expect(byDefault.mandatory).toBe(true);
    const optional = clientCertVerifier({ roots, provider: synchronous, mandatory: false, rootHintSubjects: [] });
    expect(optional.rootHintSubjects).toEqual([]);
    expect(optional.mandatory).toBe(false);
  });

  test('there is none without roots', () => {
    expect(() => serverCertVerifier({ roots: [], provider: synchronous })).toThrow(/no roots in the store/);
    expect(() => clientCertVerifier({ roots: [], provider: synchronous })).toThrow(RangeError);
  });
});

const schemes: Readonly<Record<KeyType, readonly [SignatureScheme, string | undefined]>> = {
  p256: [SignatureScheme.ecdsa_secp256r1_sha256, 'sha256'],
  p384: [SignatureScheme.ecdsa_secp384r1_sha384, 'sha384'],
  p521: [SignatureScheme.ecdsa_secp521r1_sha512, 'sha512'],
  ed25519: [SignatureScheme.ed25519, undefined],
  rsa2048: [SignatureScheme.rsa_pss_rsae_sha256, 'sha256'],
};

function handshakeSignature(identity: TestIdentity, keyType: KeyType): HandshakeSignature {
  const [scheme, digest] = schemes[keyType];
  const message = new Uint8Array(98);
  // RFC 8446 section 4.2.3: RSA-PSS with a salt as long as the digest.
  const pss = keyType === 'rsa2048' && { padding: 6, saltLength: -1 };
  const signature = sign(digest, message, { key: identity.privateKeyPem, ...pss });
  return { message, endEntity: identity.certificate, scheme, signature };
}
