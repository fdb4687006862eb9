/** Which of several certificates OpenSSL is shown, by what it says it can verify. */
import { type CertifiedKey, clientCertResolver, serverCertResolver } from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import { type KeyType, startOpensslClient, startOpensslServer } from '@tyls/testing';
import { loadCertifiedKey } from '@tyls/tls-node';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, serve } from './tyls.ts';
import { describeWith, identity, identityOf, root, workspace } from './world.ts';

async function certifiedKey(keyType: KeyType): Promise<CertifiedKey> {
  const { chainPem, privateKeyPem } = await identityOf(keyType);
  return loadCertifiedKey({ certificate: chainPem, key: privateKeyPem, provider: nodeProvider() });
}

const choices = await Promise.all([certifiedKey('p256'), certifiedKey('rsa2048')]);

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test.each([
    ['all algorithms', [], 'ECDSA'],
    ['RSA-PSS alone', ['-sigalgs', 'RSA-PSS+SHA256:ECDSA+SHA512'], 'RSA-PSS'],
    ['RSA-PSS alone, TLS 1.2', ['-tls1_2', '-sigalgs', 'RSA-PSS+SHA256'], 'RSA-PSS'],
    ['suites of RSA, TLS 1.2', ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'], 'RSA-PSS'],
    ['no curve but X25519, TLS 1.2', ['-tls1_2', '-groups', 'X25519'], 'RSA-PSS'],
    ['no curve but X25519, TLS 1.3', ['-tls1_3', '-groups', 'X25519'], 'ECDSA'],
  ])('certificate for %s', async (_, args, signature) => {
    const server = await serve({ certificate: serverCertResolver({ byName: { localhost: choices } }) });
    onTestFinished(() => server.stop());
    const client = startOpensslClient(workspace, { port: server.port, ca: root.certificatePem }, args);
    onTestFinished(() => client.stop());
    const [, reported] = await client.output.until(/^Peer signature type: (.*)$/m);
    expect(reported).toBe(signature);
  });
});

describeWith('openssl')('tyls client, OpenSSL s_server', () => {
  test.each([
    ['all algorithms', 'ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256', 'ECDSA'],
    // The intermediate CA signed with another.
    ['RSA-PSS alone: none', 'RSA-PSS+SHA256:ECDSA+SHA384', undefined],
  ])('client certificate for %s', async (_, algorithms, signature) => {
    const clientAuth = { ca: root.certificatePem, mandatory: false };
    const server = await startOpensslServer(workspace, { identity, clientAuth }, ['-client_sigalgs', algorithms]);
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port, { certificate: clientCertResolver(choices) });
    onTestFinished(() => void socket.destroy());
    await server.output.until(/^CIPHER is /m);
    expect(/^Peer signature type: (.*)$/m.exec(server.output.text)?.[1]).toBe(signature);
  });
});
