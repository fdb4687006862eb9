/** The test CA's certificates are good in the eyes of OpenSSL: in node:crypto and in a handshake of node:tls. */
import { X509Certificate, createPrivateKey, verify } from 'node:crypto';
import { checkServerIdentity, connect, createServer } from 'node:tls';
import { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createCa, type KeyType, selfSigned, type TestIdentity } from '@tyls/testing';

const keyTypes: readonly KeyType[] = ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'];

describe.each(keyTypes)('a chain of %s keys', (keyType) => {
  test('is accepted by OpenSSL on both sides, for a DNS name and an IP address', async () => {
    const root = await createCa({ keyType, name: 'root' });
    const intermediate = await createCa({ keyType, name: 'intermediate', issuer: root, pathLength: 0 });
    const names = ['localhost', '*.example.com', '127.0.0.1', '::1'];
    const server = await intermediate.issue({ keyType, names, usage: 'server' });
    const client = await intermediate.issue({ keyType, commonName: 'client', usage: 'client' });
    expect(await handshake(server, client, root.certificatePem, 'localhost')).toBe('client');
    expect(await handshake(server, client, root.certificatePem, '::1')).toBe('client');
    await expect(handshake(server, client, root.certificatePem, 'other.test')).rejects.toThrow(/altnames/);
  });
});

test('directly under a root the chain is the certificate alone; of a root it is empty', async () => {
  const root = await createCa();
  const identity = await root.issue({ names: ['a.test'] });
  expect(root.chain).toEqual([]);
  expect(identity.chain).toEqual([identity.certificate]);
  expect(identity.chainPem).toBe(identity.certificatePem);
});

test('a self-signed end entity is no CA and is signed by its own key', async () => {
  const identity = await selfSigned({ names: ['a.test'] });
  const certificate = new X509Certificate(identity.certificatePem);
  expect(certificate.ca).toBe(false);
  expect(certificate.subjectAltName).toBe('DNS:a.test');
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(identity.privateKeyPem))).toBe(true);
});

test('dates, serial numbers and raw extensions are as asked', async () => {
  const root = await createCa();
  const notAfter = new Date('2051-02-03T04:05:06Z');
  const value = Uint8Array.of(0x30, 0x00);
  const options = {
    names: ['a.test'],
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter,
    extensions: [
      { oid: '2.5.29.37', value: undefined },
      { oid: '1.2.3.4', critical: true, value },
    ],
  };
  const certificate = new X509Certificate((await root.issue(options)).certificatePem);
  expect(certificate.validFrom).toBe('Jan  1 00:00:00 2020 GMT');
  expect(certificate.validTo).toBe('Feb  3 04:05:06 2051 GMT');
  expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(certificate.keyUsage).toBeUndefined();
  expect(Buffer.from(certificate.raw).includes(Buffer.from('06032a03040101ff04023000', 'hex'))).toBe(true);
});

test('a cross-sign has the same key under another issuer', async () => {
  const first = await createCa({ name: 'first' });
  const second = await createCa({ name: 'second' });
  const cross = await createCa({ name: 'first', issuer: second, keyOf: first });
  const own = new X509Certificate(first.certificatePem);
  const crossed = new X509Certificate(cross.certificatePem);
  expect(crossed.publicKey.equals(own.publicKey)).toBe(true);
  expect(crossed.verify(new X509Certificate(second.certificatePem).publicKey)).toBe(true);
});

test.each(keyTypes)('a CA with a %s key signs as its certificates are signed', async (keyType) => {
  const ca = await createCa({ keyType });
  const message = Uint8Array.of(1, 2, 3);
  const digest = { rsa2048: 'sha256', p256: 'sha256', p384: 'sha384', p521: 'sha512', ed25519: null }[keyType];
  const { publicKey } = new X509Certificate(ca.certificatePem);
  expect(verify(digest, message, publicKey, await ca.sign(message))).toBe(true);
});

/** Resolves to the commonName of the client as the server sees it. */
async function handshake(server: TestIdentity, client: TestIdentity, ca: string, name: string): Promise<string> {
  const listener = createServer({
    cert: server.chainPem,
    key: server.privateKeyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  try {
    return await new Promise<string>((resolve, reject) => {
      listener.on('secureConnection', (socket) => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.end();
      });
      listener.on('tlsClientError', reject);
      listener.listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as AddressInfo;
        const identity = { cert: client.chainPem, key: client.privateKeyPem };
        const options = { port, host: '127.0.0.1', ca, ...identity, checkServerIdentity: checkFor(name) };
        connect(options).on('error', reject).resume();
      });
    });
  } finally {
    listener.close();
  }
}

function checkFor(name: string) {
  return (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(name, certificate);
}
