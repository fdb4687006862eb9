/** Raw public keys (RFC 7250): GnuTLS is the one peer here that has them. */
import { createHash, createPublicKey } from 'node:crypto';
import { ProtocolVersion } from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { option, startGnutlsClient, startGnutlsServer, type TestIdentity } from '@tyls/testing';
import { loadRawPublicKey } from '@tyls/tls-node';
import { rawPublicKeyClientVerifier, rawPublicKeyServerVerifier } from '@tyls/webpki';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, dialed, endOf, dial, hangUp, serve } from './tyls.ts';
import { clientIdentity, describeWith, identity, root, workspace } from './world.ts';

const provider = nodeProvider();
const priority = ['+CTYPE-CLI-RAWPK', '+CTYPE-SRV-RAWPK'];
const versions = [
  ['TLSv1.3', undefined],
  ['TLSv1.2', 'TLSv1.2'],
] as const;
const our13or12 = { 'TLSv1.3': [ProtocolVersion.TLSv1_3], 'TLSv1.2': [ProtocolVersion.TLSv1_2] };

function rawKeyArguments({ privateKeyPem }: TestIdentity): string[] {
  const publicKey = createPublicKey(privateKeyPem).export({ format: 'pem', type: 'spki' }) as string;
  return [
    ...option('--rawpkkeyfile', workspace.file(privateKeyPem)),
    ...option('--rawpkfile', workspace.file(publicKey)),
  ];
}

function pinsOf({ privateKeyPem }: TestIdentity): readonly Uint8Array[] {
  const spki = createPublicKey(privateKeyPem).export({ format: 'der', type: 'spki' });
  return [new Uint8Array(createHash('sha256').update(spki).digest())];
}

describeWith('gnutls-serv')('tyls client, gnutls-serv', () => {
  describe.each(versions)('raw public keys, %s', (name, version) => {
    test('of both', async () => {
      const clientAuth = { ca: root.certificatePem, mandatory: true };
      const server = await startGnutlsServer(
        workspace,
        { identity, version, priority, clientAuth, verifiesClients: false },
        ['--echo', ...rawKeyArguments(identity)],
      );
      onTestFinished(() => server.stop());
      const certificate = await loadRawPublicKey({ key: clientIdentity.privateKeyPem });
      const options = { certificate, versions: our13or12[name] };
      const verifier = rawPublicKeyServerVerifier({ pins: pinsOf(identity), provider });
      const socket = await dialed(server.port, { verifier, ...options });
      expect(socket.protocolVersion).toBe(name);
      expect(socket.peerCertificates).toHaveLength(1);
      expect(await ask(socket, 'ping')).toBe('ping');
      await hangUp(socket);
      const other = rawPublicKeyServerVerifier({ pins: pinsOf(clientIdentity), provider });
      expect(await endOf(dial(server.port, { verifier: other, ...options }))).toBe(
        'InvalidCertificate.UnknownPublicKey',
      );
    });
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  describe.each(versions)('raw public keys, %s', (name, version) => {
    test('of both', async () => {
      const server = await serve({
        certificate: await loadRawPublicKey({ key: identity.privateKeyPem }),
        clientAuth: rawPublicKeyClientVerifier({ pins: pinsOf(clientIdentity), provider }),
      });
      onTestFinished(() => server.stop());
      const { port } = server;
      const client = startGnutlsClient(workspace, { port, ca: root.certificatePem, version, priority }, [
        '--no-ca-verification',
        ...rawKeyArguments(clientIdentity),
      ]);
      onTestFinished(() => client.stop());
      const socket = await server.connection();
      expect(socket.protocolVersion).toBe(name);
      expect(socket.peerCertificates).toHaveLength(1);
      client.stdin.write('ping\n');
      await expect(client.output.until(/^ping$/m)).resolves.toBeDefined();
    });
  });

  test('raw public keys: a client of certificates alone is refused', async () => {
    const server = await serve({ certificate: await loadRawPublicKey({ key: identity.privateKeyPem }) });
    onTestFinished(() => server.stop());
    const client = startGnutlsClient(workspace, { port: server.port, ca: root.certificatePem });
    onTestFinished(() => client.stop());
    expect(await server.handshakeFailure()).toBe('PeerIncompatible.IncorrectCertificateTypeExtension');
    await expect(client.output.until(/Received alert \[43\]/)).resolves.toBeDefined();
  });
});
