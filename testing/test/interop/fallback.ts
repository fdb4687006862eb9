/** TLS_FALLBACK_SCSV (RFC 7507), which OpenSSL and GnuTLS send when they are told to. */
import { type ClientPeerOptions, startGnutlsClient, startOpensslClient } from '@tyls/testing';
import { ProtocolVersion } from '@tyls/tls-core';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from './tyls.ts';
import { describeWith, root, workspace } from './world.ts';

const clients = [
  ['OpenSSL s_client', 'openssl', startOpensslClient, ['-tls1_2', '-fallback_scsv']],
  ['gnutls-cli', 'gnutls-cli', startGnutlsClient, ['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:%FALLBACK_SCSV']],
] as const;

for (const [name, program, start, args] of clients) {
  describeWith(program)(`${name}, tyls server`, () => {
    const peerOptions = (port: number): ClientPeerOptions => ({ port, ca: root.certificatePem });

    test('TLS_FALLBACK_SCSV is refused', async () => {
      const server = await serve();
      onTestFinished(() => server.stop());
      const client = start(workspace, peerOptions(server.port), args);
      onTestFinished(() => client.stop());
      expect(await server.handshakeFailure()).toBe('PeerMisbehaved.InappropriateFallback');
      await expect(client.output.until(/inappropriate fallback/i)).resolves.toBeDefined();
    });

    test('TLS_FALLBACK_SCSV is fine where TLS 1.2 is the newest', async () => {
      const server = await serve({ versions: [ProtocolVersion.TLSv1_2] });
      onTestFinished(() => server.stop());
      const client = start(workspace, peerOptions(server.port), args);
      onTestFinished(() => client.stop());
      expect((await server.connection()).protocolVersion).toBe('TLSv1.2');
    });
  });
}
