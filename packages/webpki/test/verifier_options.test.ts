/** What verifiers do beyond the path: revocation, OCSP, transparency, names of clients, pins, raw public keys. */
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { nodeProvider } from '@tyls/crypto-node';
import {
  CertificateType,
  type ServerCertificates,
  parseServerName,
  SignatureScheme,
  type TlsErrorDetail,
} from '@tyls/tls-core';
import { contextTag, derEncode } from '@tyls/tls-core/der';
import { createCa, type RawExtension, type TestCa, type TestIdentity } from '@tyls/testing';
import {
  clientCertVerifier,
  parseCertificate,
  parseCertRevocationList,
  parseLogList,
  pinnedClientCertVerifier,
  pinnedServerCertVerifier,
  rawPublicKeyClientVerifier,
  rawPublicKeyServerVerifier,
  serverCertVerifier,
  type ServerCertVerifierOptions,
  serverPathVerifier,
  strictPolicy,
  type TrustAnchor,
  trustAnchorFromCertificate,
} from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { ascii, atOnce, sequenceOf } from './craft.ts';
import { certId, createResponder, responseBy, revoked, single } from './ocsp_craft.ts';
import {
  crlBy,
  detailOf,
  entry,
  extension,
  fullName,
  integer,
  now,
  octetString,
  uri,
  utcTime,
} from './revocation_craft.ts';
import { precertEntry, TestLog, timestampList, withTimestamps, x509Entry } from './sct_craft.ts';

const provider = nodeProvider();

let root: TestCa;
let ca: TestCa;
let server: TestIdentity;
let roots: readonly TrustAnchor[];
beforeAll(async () => {
  root = await createCa({ name: 'root' });
  ca = await createCa({ name: 'ca', issuer: root });
  server = await ca.issue({ names: ['a.test'] });
  roots = [trustAnchorFromCertificate(root.certificate)];
});

const serial = ({ certificate }: TestIdentity): Uint8Array => parseCertificate(certificate).serialNumber;
const spki = ({ certificate }: TestIdentity): Uint8Array =>
  sequenceOf(parseCertificate(certificate).subjectPublicKeyInfo);
const pin = (identity: TestIdentity): Uint8Array =>
  new Uint8Array(createHash('sha256').update(spki(identity)).digest());

type Options = Partial<ServerCertVerifierOptions> & {
  readonly ocspResponse?: Uint8Array;
  readonly sctList?: Uint8Array;
};

function verifying(endEntity: Uint8Array, { ocspResponse, sctList, ...options }: Options = {}): () => unknown {
  const verifier = serverCertVerifier({ roots, provider, ...options });
  const certificates: ServerCertificates = {
    endEntity,
    intermediates: [ca.certificate],
    serverName: parseServerName('a.test'),
    ocspResponse,
    sctList,
    now,
  };
  return () => atOnce(verifier.verifyServerCert(certificates));
}
const refused = (endEntity: Uint8Array, options?: Options): TlsErrorDetail => detailOf(verifying(endEntity, options));

describe('the path alone', () => {
  const verify = (name: string, certificate: Uint8Array = server.certificate): (() => unknown) => {
    const verifier = serverPathVerifier({ roots, provider });
    const serverName = parseServerName(name);
    const certificates = { endEntity: certificate, intermediates: [ca.certificate], serverName, now };
    return () => atOnce(verifier.verifyServerCert({ ...certificates, ocspResponse: undefined, sctList: undefined }));
  };

  test('is verified as ever, and the name', async () => {
    expect(verify('a.test')).not.toThrow();
    expect(detailOf(verify('b.test'))).toMatchObject({ reason: 'NotValidForName' });
    const other = await createCa({ name: 'other' });
    const stranger = await other.issue({ names: ['a.test'] });
    expect(detailOf(verify('a.test', stranger.certificate))).toMatchObject({ reason: 'UnknownIssuer' });
  });

  test('decides as the other verifier without those options, and says so', () => {
    const { policyId } = serverCertVerifier({ roots, provider });
    expect(policyId).toBeInstanceOf(Uint8Array);
    expect(serverPathVerifier({ roots, provider }).policyId).toEqual(policyId);
  });

  test.each(['revocation', 'ocsp', 'transparency'])('%s is refused, and not ignored', (option) => {
    const options = { roots, provider, [option]: 'required' };
    expect(() => serverPathVerifier(options)).toThrow(TypeError);
  });
});

describe('revocation lists', () => {
  const lists = async (...ders: Promise<Uint8Array>[]) => ({
    crls: (await Promise.all(ders)).map((der) => parseCertRevocationList(der)),
  });

  test('every certificate of the path is looked up, or the end entity alone', async () => {
    const good = await lists(crlBy(ca), crlBy(root));
    expect(verifying(server.certificate, { revocation: good })).not.toThrow();
    const revokedServer = await lists(crlBy(ca, { entries: [entry(serial(server))] }), crlBy(root));
    expect(refused(server.certificate, { revocation: revokedServer })).toMatchObject({
      reason: 'Revoked',
      subject: 'CN=a.test',
    });
    const revokedCa = await lists(crlBy(ca), crlBy(root, { entries: [entry(serial(ca))] }));
    expect(refused(server.certificate, { revocation: revokedCa })).toMatchObject({
      reason: 'Revoked',
      subject: 'CN=ca',
    });
    const endEntityOnly = { ...revokedCa, depth: 'endEntity' } as const;
    expect(verifying(server.certificate, { revocation: endEntityOnly })).not.toThrow();
  });

  test('without a list the status is unknown, which may be allowed', async () => {
    const partial = await lists(crlBy(ca));
    const expected = { reason: 'UnknownRevocationStatus', subject: 'CN=ca' };
    expect(refused(server.certificate, { revocation: partial })).toMatchObject(expected);
    expect(verifying(server.certificate, { revocation: { ...partial, unknownStatus: 'allow' } })).not.toThrow();
  });

  test('a list that cannot be used is not taken for a fault of the certificate', async () => {
    const impostor = await createCa({ name: 'ca' });
    const forged = await lists(crlBy(impostor), crlBy(root));
    expect(refused(server.certificate, { revocation: forged })).toMatchObject({
      code: 'InvalidCertRevocationList',
      reason: 'BadSignature',
    });
  });

  test('another way is taken where an intermediate was revoked', async () => {
    const other = await createCa({ name: 'other' });
    const crossSigned = await createCa({ name: 'ca', issuer: other, keyOf: ca });
    const revocation = await lists(crlBy(ca), crlBy(root, { entries: [entry(serial(ca))] }), crlBy(other));
    const both = [...roots, trustAnchorFromCertificate(other.certificate)];
    const verifier = serverCertVerifier({ roots: both, provider, revocation });
    const serverName = parseServerName('a.test');
    const intermediates = [ca.certificate, crossSigned.certificate];
    const certificates = {
      endEntity: server.certificate,
      intermediates,
      serverName,
      ocspResponse: undefined,
      sctList: undefined,
      now,
    };
    expect(() => atOnce(verifier.verifyServerCert(certificates))).not.toThrow();
  });

  test('critical cRLDistributionPoints are acted on where there are lists, and only there', async () => {
    const point = sequenceOf(fullName(uri('http://crl.test/')));
    const value = sequenceOf(point);
    const { certificate } = await ca.issue({
      names: ['a.test'],
      extensions: [{ oid: '2.5.29.31', critical: true, value }],
    });
    expect(refused(certificate)).toMatchObject({ reason: 'UnhandledCriticalExtension', oid: '2.5.29.31' });
    expect(verifying(certificate, { revocation: await lists(crlBy(ca), crlBy(root)) })).not.toThrow();
  });

  test('when strict, a root whose key usage forbids cRLSign has no lists', async () => {
    const signer = await createCa({
      name: 'signer',
      extensions: [{ oid: '2.5.29.15', critical: true, value: Uint8Array.of(3, 2, 2, 4) }],
    });
    const { certificate } = await signer.issue({ names: ['a.test'], usage: 'server' });
    const anchors = [trustAnchorFromCertificate(signer.certificate)];
    const options = { roots: anchors, revocation: await lists(crlBy(signer)) };
    expect(verifying(certificate, options)).not.toThrow();
    expect(refused(certificate, { ...options, policy: strictPolicy })).toMatchObject({ reason: 'IssuerInvalidForCrl' });
  });

  test('none is a mistake', () => {
    expect(() => verifying(server.certificate, { revocation: { crls: [] } })).toThrow(RangeError);
  });
});

describe('stapled OCSP responses', () => {
  const respond = (status?: Uint8Array): Promise<Uint8Array> =>
    responseBy(ca, [single(certId(parseCertificate(server.certificate), ca), status === undefined ? {} : { status })]);
  const mustStaple = (critical: boolean): RawExtension => ({
    oid: '1.3.6.1.5.5.7.1.24',
    critical,
    value: sequenceOf(integer(5)),
  });

  test('are asked for and looked at only where the options say so', async () => {
    const ocspResponse = await respond(revoked(1));
    const asks = (ocsp?: 'ifStapled' | 'required') => serverCertVerifier({ roots, provider, ocsp }).requestOcspResponse;
    expect([asks(), asks('ifStapled'), asks('required')]).toEqual([false, true, true]);
    expect(verifying(server.certificate, { ocspResponse })).not.toThrow();
    for (const ocsp of ['ifStapled', 'required'] as const) {
      expect(refused(server.certificate, { ocspResponse, ocsp })).toMatchObject({ reason: 'Revoked' });
    }
  });

  test('may be missing, unless the options or the certificate demand one', async () => {
    const ocspResponse = await respond();
    expect(verifying(server.certificate, { ocspResponse, ocsp: 'required' })).not.toThrow();
    expect(verifying(server.certificate, { ocsp: 'ifStapled' })).not.toThrow();
    expect(refused(server.certificate, { ocsp: 'required' })).toMatchObject({ reason: 'InvalidOcspResponse' });
    for (const critical of [false, true]) {
      const identity = await ca.issue({ names: ['a.test'], extensions: [mustStaple(critical)] });
      expect(refused(identity.certificate, { ocsp: 'ifStapled' })).toMatchObject({ reason: 'InvalidOcspResponse' });
      const own = await responseBy(ca, [single(certId(parseCertificate(identity.certificate), ca))]);
      expect(verifying(identity.certificate, { ocspResponse: own, ocsp: 'ifStapled' })).not.toThrow();
    }
  });

  test('a critical must-staple is refused by who does not ask for responses', async () => {
    const { certificate } = await ca.issue({ names: ['a.test'], extensions: [mustStaple(true)] });
    expect(refused(certificate)).toMatchObject({ reason: 'UnhandledCriticalExtension' });
  });
});

describe('certificate transparency', () => {
  const [alpha, beta] = [new TestLog('Alpha', 'alpha'), new TestLog('Beta', 'beta')];
  const logList = parseLogList({
    operators: [alpha, beta].map((log) => ({ name: log.operator, logs: [log.listed()] })),
  });
  const policy = { minimumScts: 2 };

  test('enough timestamps are demanded, in the certificate, beside it or in its OCSP response', async () => {
    expect(refused(server.certificate, { transparency: { logList, policy } })).toMatchObject({
      reason: 'InsufficientScts',
    });
    const precertificate = precertEntry(server.certificate, ca);
    const embedded = await withTimestamps(
      server,
      ca,
      timestampList(alpha.sct(precertificate), beta.sct(precertificate)),
    );
    expect(verifying(embedded, { transparency: { logList, policy } })).not.toThrow();
    const issued = x509Entry(server.certificate);
    const list = octetString(timestampList(alpha.sct(issued), beta.sct(issued)));
    const ocspResponse = await responseBy(ca, [
      single(certId(parseCertificate(server.certificate), ca), {
        extensions: [extension('1.3.6.1.4.1.11129.2.4.5', list)],
      }),
    ]);
    const transparency = { logList, policy };
    expect(verifying(server.certificate, { transparency, ocspResponse, ocsp: 'ifStapled' })).not.toThrow();
    expect(refused(server.certificate, { transparency, ocspResponse })).toMatchObject({ reason: 'InsufficientScts' });
    const sctList = timestampList(alpha.sct(issued), beta.sct(issued));
    expect(verifying(server.certificate, { transparency, sctList })).not.toThrow();
    expect(serverCertVerifier({ roots, provider, transparency }).requestSctList).toBe(true);
  });
});

describe('clients', () => {
  const rfc822Name = (name: string): RawExtension => ({
    oid: '2.5.29.17',
    value: sequenceOf(derEncode(contextTag(1, false), ascii(name))),
  });

  test('of certain names alone', async () => {
    const { certificate } = await ca.issue({ usage: 'client', extensions: [rfc822Name('user@example.com')] });
    const verify = (...names: string[]) => {
      const verifier = clientCertVerifier({ roots, provider, names: names.map((name) => ({ type: 'email', name })) });
      const certificates = {
        endEntity: certificate,
        intermediates: [ca.certificate],
        ocspResponse: undefined,
        sctList: undefined,
        now,
      };
      return () => atOnce(verifier.verifyClientCert(certificates));
    };
    expect(verify('other@example.com', 'user@EXAMPLE.com')).not.toThrow();
    expect(detailOf(verify('other@example.com'))).toMatchObject({
      reason: 'NotValidForName',
      expected: 'other@example.com',
      presented: ['user@example.com'],
    });
    expect(() => verify()).toThrow(RangeError);
  });
});

describe('pins', () => {
  test('on top of a path: any of its keys, and the path must be good too', () => {
    for (const one of [server, ca, root]) {
      expect(verifying(server.certificate, { pins: [pin(one)] })).not.toThrow();
    }
    const text = Buffer.from(pin(ca)).toString('base64');
    expect(verifying(server.certificate, { pins: [new Uint8Array(32), text] })).not.toThrow();
    expect(verifying(server.certificate, { pins: [`sha256//${text}`] })).not.toThrow();
    const hexadecimal = [server, ca, root].map((one) => Buffer.from(pin(one)).toString('hex'));
    expect(refused(server.certificate, { pins: [new Uint8Array(32)] })).toEqual({
      code: 'InvalidCertificate',
      reason: 'UnknownPublicKey',
      sha256: hexadecimal,
    });
  });

  test('alone: only the key of the certificate counts', async () => {
    const expired = await ca.issue({ commonName: 'any', notAfter: new Date(now - 1000) });
    const pins = [pin(expired)];
    const serverName = parseServerName('another.test');
    const certificates = (endEntity: Uint8Array) => ({
      endEntity,
      intermediates: [],
      ocspResponse: undefined,
      sctList: undefined,
      now,
    });
    const asServer = pinnedServerCertVerifier({ pins, provider });
    const asClient = pinnedClientCertVerifier({ pins, provider });
    expect(asServer.verifyServerCert({ ...certificates(expired.certificate), serverName })).toBeDefined();
    expect(asClient.verifyClientCert(certificates(expired.certificate))).toBeDefined();
    expect(asClient.mandatory).toBe(true);
    const unknown = { reason: 'UnknownPublicKey' };
    expect(
      detailOf(() => asServer.verifyServerCert({ ...certificates(server.certificate), serverName })),
    ).toMatchObject(unknown);
    expect(detailOf(() => asClient.verifyClientCert(certificates(server.certificate)))).toMatchObject(unknown);
    expect(detailOf(() => asClient.verifyClientCert(certificates(Uint8Array.of(0x30))))).toMatchObject({
      reason: 'BadEncoding',
    });
  });

  test.each(['', 'sha256/', 'sha256//'])('base64 that begins with a slash, after %j', (prefix) => {
    const text = Buffer.from(new Uint8Array(32).fill(0xff)).toString('base64');
    expect(text.startsWith('/')).toBe(true);
    expect(detailOf(() => verifying(server.certificate, { pins: [prefix + text] })())).toMatchObject({
      reason: 'UnknownPublicKey',
    });
  });

  test('what is no pin, or none at all, is a mistake', () => {
    for (const one of ['', 'sha256//', 'A'.repeat(44), `${'A'.repeat(42)}==`, new Uint8Array(31)]) {
      expect(() => pinnedServerCertVerifier({ pins: [one], provider })).toThrow(TypeError);
    }
    expect(() => pinnedServerCertVerifier({ pins: [], provider })).toThrow(RangeError);
    const without = { ...provider, cipherSuites: [] };
    expect(() => pinnedServerCertVerifier({ pins: [pin(server)], provider: without })).toThrow(/SHA-256/);
  });
});

test('raw public keys are known by their pins, and sign without a certificate', () => {
  const pins = [pin(server)];
  const ofServers = rawPublicKeyServerVerifier({ pins, provider });
  const ofClients = rawPublicKeyClientVerifier({ pins, provider });
  const serverName = parseServerName('any.test');
  const keyOf = (endEntity: Uint8Array) => ({
    endEntity,
    intermediates: [],
    ocspResponse: undefined,
    sctList: undefined,
    serverName,
    now,
  });
  const endEntity = spki(server);
  const message = new Uint8Array(98);
  const scheme = SignatureScheme.ecdsa_secp256r1_sha256;
  const signature = sign('sha256', message, createPrivateKey(server.privateKeyPem));
  for (const [verify, verifier] of [
    [ofServers.verifyServerCert, ofServers],
    [ofClients.verifyClientCert, ofClients],
  ] as const) {
    expect(verify(keyOf(endEntity))).toBeDefined();
    expect(detailOf(() => verify(keyOf(spki(ca))))).toMatchObject({ reason: 'UnknownPublicKey' });
    expect(detailOf(() => verify(keyOf(endEntity.subarray(1))))).toMatchObject({ reason: 'BadEncoding' });
    expect(detailOf(() => verify(keyOf(server.certificate)))).toMatchObject({ reason: 'UnknownPublicKey' });
    expect(verifier.certificateType).toBe(CertificateType.RawPublicKey);
    expect(verifier.schemes).toContain(scheme);
    for (const verifySignature of [verifier.verifyTls13Signature, verifier.verifyTls12Signature]) {
      expect(verifySignature({ message, endEntity, scheme, signature })).toBeDefined();
      const other = { message: message.with(0, 1), endEntity, scheme, signature };
      expect(detailOf(() => verifySignature(other))).toEqual({ code: 'BadHandshakeSignature', scheme });
      const certificate = { message, endEntity: server.certificate, scheme, signature };
      expect(detailOf(() => verifySignature(certificate))).toMatchObject({ reason: 'BadEncoding' });
    }
  }
  expect(ofClients.mandatory).toBe(true);
  expect(rawPublicKeyClientVerifier({ pins, provider, mandatory: false }).mandatory).toBe(false);
  expect(() => rawPublicKeyServerVerifier({ pins: [], provider })).toThrow(RangeError);
});

describe('options that cannot be, of callers without a compiler', () => {
  const misspelt = (options: object): Options => ({ ...options });

  test('demand more, never less', async () => {
    expect(refused(server.certificate, misspelt({ ocsp: 'Required' }))).toMatchObject({
      reason: 'InvalidOcspResponse',
    });
    const crls = [parseCertRevocationList(await crlBy(ca, { nextUpdate: utcTime(now) }))];
    const revocation = { crls, depth: 'endEntity', expiration: 'Enforce' };
    expect(refused(server.certificate, misspelt({ revocation }))).toMatchObject({ reason: 'ExpiredRevocationList' });
  });

  test('are refused when the verifier is made', () => {
    expect(() => serverCertVerifier({ roots, provider, maxDepth: NaN })).toThrow(RangeError);
    expect(() => serverCertVerifier({ roots, provider, maxDepth: -1 })).toThrow(RangeError);
    const names = [{ type: 'email', name: 'nobody' }] as const;
    expect(() => clientCertVerifier({ roots, provider, names })).toThrow('not an e-mail address: "nobody"');
  });
});

test('a hundred signatures are verified in all, of certificates, OCSP response and timestamps', async () => {
  let signatures = 0;
  const { signatureVerification } = provider;
  const algorithms = signatureVerification.algorithms.map((one) => ({
    ...one,
    verify: (...parameters: Parameters<typeof one.verify>) => {
      signatures++;
      return one.verify(...parameters);
    },
  }));
  const counting = { ...provider, signatureVerification: { ...signatureVerification, algorithms } };
  const [signer, namesake] = await Promise.all([createResponder(ca), createResponder(ca)]);
  const certificates = Array<Uint8Array>(60).fill(namesake.certificate);
  const id = certId(parseCertificate(server.certificate), ca);
  const ocspResponse = await responseBy(signer, [single(id)], { certificates });
  const refusal = refused(server.certificate, { ocsp: 'ifStapled', ocspResponse, provider: counting });
  expect(refusal).toMatchObject({ reason: 'BudgetExceeded', what: 'signatures' });
  expect(signatures).toBe(100);
});
