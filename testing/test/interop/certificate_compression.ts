/** Compressed certificates (RFC 8879) with OpenSSL 3.5, which a newer Node brings along. */
import { clientLine } from '@tyls/testing';
import { certificateCompression, type CertificateCompression, type CertificateCompressionName } from '@tyls/tls-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { newerNodeAs, portOf } from './newer_node.ts';
import { ask, dialed, hangUp, serve } from './tyls.ts';
import { clientIdentity, describeWith, identity, root } from './world.ts';

const names = (['brotli', 'zlib', 'zstd'] as const).slice(0, certificateCompression().certificateCompressors.length);

/** Options for one algorithm, and what was done with it. */
function watched(name: CertificateCompressionName) {
  const { certificateCompressors, certificateDecompressors } = certificateCompression([name]);
  const done: string[] = [];
  const options: CertificateCompression = {
    certificateCompressors: certificateCompressors.map((one) => ({
      ...one,
      compress: (message) => {
        done.push('compressed');
        return one.compress(message);
      },
    })),
    certificateDecompressors: certificateDecompressors.map((one) => ({
      ...one,
      decompress: (data, maxLength) => {
        done.push('decompressed');
        return one.decompress(data, maxLength);
      },
    })),
  };
  return { done, options };
}

const pemOf = ({ chainPem, privateKeyPem }: typeof identity) => ({ cert: chainPem, key: privateKeyPem });
const ca = root.certificatePem;

describeWith('Node 26')('tyls client, node:tls server of Node 26', () => {
  describe.each(names)('certificate compression, %s', (name) => {
    test('of both', async () => {
      const asking = { ca, requestCert: true, rejectUnauthorized: true };
      const port = await portOf(
        newerNodeAs('server', { ...pemOf(identity), ...asking, certificateCompression: [name] }),
      );
      const { done, options } = watched(name);
      const { chainPem: certificate, privateKeyPem: key } = clientIdentity;
      const socket = await dialed(port, { ...options, certificate, key });
      expect(await ask(socket, clientLine)).toBe(clientLine);
      await hangUp(socket);
      expect(done).toEqual(['decompressed', 'compressed']);
    });
  });
});

describeWith('Node 26')('node:tls client of Node 26, tyls server', () => {
  describe.each(names)('certificate compression, %s', (name) => {
    test('of both', async () => {
      const { done, options } = watched(name);
      const server = await serve({ ...options, clientAuth: { ca } });
      onTestFinished(() => server.stop());
      const asked = { port: server.port, ca, line: clientLine, certificateCompression: [name] };
      const client = newerNodeAs('client', { ...pemOf(clientIdentity), ...asked });
      const socket = await server.connection();
      expect(socket.peerCertificates).toHaveLength(2);
      expect(await client.exited).toBe(0);
      expect(client.output.text).toBe(`${clientLine}\n`);
      expect(done).toEqual(['compressed', 'decompressed']);
    });
  });
});
