/** Hybrid groups and ML-DSA with OpenSSL 3.5, which a newer Node brings along. */
import { nodeProvider } from '@tyls/crypto-node';
import { withPostQuantum } from '@tyls/crypto-noble/post-quantum';
import { clientLine } from '@tyls/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type MlDsaChain, mlDsaChain } from '../../src/ml_dsa_chain.ts';
import { newerNodeAs, portOf } from './newer_node.ts';
import { ask, dialed, hangUp, serve } from './tyls.ts';
import { describeWith, identity, root } from './world.ts';

const provider = withPostQuantum(nodeProvider());
const kinds = ['mlDsa44', 'mlDsa65', 'mlDsa87'] as const;

function pem(label: 'CERTIFICATE' | 'PRIVATE KEY', der: Uint8Array): string {
  const lines = Buffer.from(der).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function pemOf({ root: trusted, endEntity, privateKey }: MlDsaChain): { ca: string; cert: string; key: string } {
  return { ca: pem('CERTIFICATE', trusted), cert: pem('CERTIFICATE', endEntity), key: pem('PRIVATE KEY', privateKey) };
}

describeWith('Node 26')('tyls client, node:tls server of Node 26', () => {
  const own = { cert: identity.chainPem, key: identity.privateKeyPem };

  describe('hybrid groups', () => {
    test.each([
      ['by default', undefined, 'X25519MLKEM768', 'full'],
      ['X25519MLKEM768', 'X25519MLKEM768', 'X25519MLKEM768', 'full'],
      // The client's shares are X25519MLKEM768 and X25519.
      ['SecP256r1MLKEM768', 'SecP256r1MLKEM768', 'SecP256r1MLKEM768', 'full-with-hello-retry-request'],
      ['the half alone', 'X25519', 'X25519', 'full'],
    ] as const)('%s', async (_, ecdhCurve, group, handshakeKind) => {
      const port = await portOf(newerNodeAs('server', { ...own, ecdhCurve }));
      const socket = await dialed(port, { provider });
      expect([socket.keyExchangeGroup, socket.handshakeKind]).toEqual([group, handshakeKind]);
      expect(await ask(socket, clientLine)).toBe(clientLine);
      await hangUp(socket);
    });
  });

  test.each(kinds)('ML-DSA: a certificate with %s', async (kind) => {
    const chain = await mlDsaChain(kind);
    const { ca, cert, key } = pemOf(chain);
    const port = await portOf(newerNodeAs('server', { cert, key }));
    const socket = await dialed(port, { provider, ca });
    expect(socket.peerCertificates).toEqual([chain.endEntity]);
    expect(await ask(socket, clientLine)).toBe(clientLine);
    await hangUp(socket);
  });
});

describeWith('Node 26')('node:tls client of Node 26, tyls server', () => {
  describe('hybrid groups', () => {
    test.each([
      ['by default', undefined, 'X25519MLKEM768'],
      ['X25519MLKEM768', 'X25519MLKEM768', 'X25519MLKEM768'],
      ['SecP256r1MLKEM768', 'SecP256r1MLKEM768', 'SecP256r1MLKEM768'],
    ] as const)('%s', async (_, ecdhCurve, group) => {
      const server = await serve({ provider });
      onTestFinished(() => server.stop());
      const client = newerNodeAs('client', {
        port: server.port,
        ca: root.certificatePem,
        ecdhCurve,
        line: clientLine,
      });
      const socket = await server.connection();
      expect([socket.keyExchangeGroup, socket.handshakeKind]).toEqual([group, 'full']);
      expect(await client.exited).toBe(0);
      expect(client.output.text).toBe(`${clientLine}\n`);
    });
  });

  test.each(kinds)('ML-DSA: a certificate with %s', async (kind) => {
    const { ca, cert, key } = pemOf(await mlDsaChain(kind));
    const server = await serve({ provider, certificate: cert, key });
    onTestFinished(() => server.stop());
    const client = newerNodeAs('client', { port: server.port, ca, line: clientLine });
    expect(await client.exited).toBe(0);
    expect(client.output.text).toBe(`${clientLine}\n`);
  });
});
