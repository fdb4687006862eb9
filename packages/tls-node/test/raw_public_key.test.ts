/** Raw public keys (RFC 7250): keys as they come in files, shown without a certificate. */
import { CertificateType, type TlsError } from '@tyls/tls-core';
import { createServer, loadRawPublicKey } from '@tyls/tls-node';
import { rawPublicKeyClientVerifier, rawPublicKeyServerVerifier } from '@tyls/webpki';
import { createHash, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ca, dial, identity, pair, providers, readAll, serve } from './peers.ts';

function spkiOf(privateKeyPem: string): Uint8Array {
  return new Uint8Array(createPublicKey(privateKeyPem).export({ format: 'der', type: 'spki' }));
}

const spki = spkiOf(identity.privateKeyPem);
const pins = [new Uint8Array(createHash('sha256').update(spki).digest())];

describe.each(Object.keys(providers))('with the %s provider', (name) => {
  const provider = providers[name]!;

  test('both sides show theirs', async () => {
    const certificate = await loadRawPublicKey({ key: identity.privateKeyPem, provider });
    expect(certificate).toMatchObject({ certificates: [spki], certificateType: CertificateType.RawPublicKey });
    const clientAuth = rawPublicKeyClientVerifier({ pins, provider });
    const verifier = rawPublicKeyServerVerifier({ pins, provider });
    const { client, server } = await pair(
      { provider, certificate, key: undefined, clientAuth },
      { provider, certificate, verifier, ca: undefined },
    );
    expect(server.peerCertificates).toEqual([spki]);
    server.end('known');
    expect((await readAll(client)).toString()).toBe('known');
    expect(client.peerCertificates).toEqual([spki]);
  });
});

test('a client that trusts CAs does not take one', async () => {
  const certificate = await loadRawPublicKey({ key: identity.privateKey });
  const { server, port } = await serve({ certificate, key: undefined });
  const failed = once(server, 'tlsClientError') as Promise<[TlsError]>;
  dial(port).on('error', () => {});
  expect((await failed)[0].code).toBe('PeerIncompatible.IncorrectCertificateTypeExtension');
});

test('a key that does not say its public half needs to be told it, and not that of another', async () => {
  const { key } = await loadRawPublicKey({ key: identity.privateKeyPem });
  const silent = { chooseScheme: key.chooseScheme };
  expect(() => loadRawPublicKey({ key: silent })).toThrow('publicKey is needed');
  expect(await loadRawPublicKey({ key: silent, publicKey: spki })).toMatchObject({ certificates: [spki] });
  const other = spkiOf((await ca.issue({})).privateKeyPem);
  const mismatch = 'the private key is not the key of the (first) certificate';
  expect(() => loadRawPublicKey({ key: identity.privateKeyPem, publicKey: other })).toThrow(mismatch);
  const raw = { certificates: [other], certificateType: CertificateType.RawPublicKey, key };
  expect(() => createServer({ certificate: raw })).toThrow(mismatch);
});
