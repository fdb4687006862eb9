/** OCSP responses, stapled (RFC 6066 section 8, RFC 8446 section 4.4.2.1). */
import { readFileSync } from 'node:fs';
import { type ServerCertVerifier } from '@tyls/tls-core';
import { nodeProvider } from '@tyls/crypto-node';
import {
  option,
  run,
  startGnutlsClient,
  startGnutlsServer,
  startOpensslClient,
  startOpensslServer,
  Workspace,
} from '@tyls/testing';
import { serverCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { dialed, hangUp, serve } from './tyls.ts';
import { describeWith, identity, intermediate, root, workspace } from './world.ts';

/** OpenSSL's answer, under the intermediate CA's own key, that the certificate is good. */
async function makeResponse(files: Workspace): Promise<string> {
  const request = files.newPath();
  const response = files.newPath();
  const issuer = ['-issuer', files.file(intermediate.certificatePem)];
  await run('openssl', ['ocsp', ...issuer, '-cert', files.file(identity.certificatePem), '-reqout', request]);
  const serial = await run('openssl', ['x509', '-in', files.file(identity.certificatePem), '-noout', '-serial']);
  // V(alid), expiry, revocation, serial number, file, subject.
  const index = files.file(`V\t351231235959Z\t\t${serial.trim().replace('serial=', '')}\tunknown\t/CN=localhost\n`);
  const ca = files.file(intermediate.certificatePem);
  await run('openssl', [
    'ocsp',
    ...option('-index', index),
    ...option('-CA', ca),
    ...option('-rsigner', ca),
    ...option('-rkey', files.file(intermediate.privateKeyPem)),
    ...option('-ndays', '7'),
    ...option('-reqin', request),
    ...option('-respout', response),
  ]);
  return response;
}

const servers = [
  ['OpenSSL s_server', 'openssl', startOpensslServer, ['-rev', '-status_file']],
  ['gnutls-serv', 'gnutls-serv', startGnutlsServer, ['--echo', '--ocsp-response']],
] as const;
for (const [name, program, start, args] of servers) {
  describeWith(program)(`tyls client, ${name}`, () => {
    test('OCSP response arrives', async () => {
      const response = await makeResponse(workspace);
      const server = await start(workspace, { identity }, [...args, response]);
      onTestFinished(() => server.stop());
      const provider = nodeProvider();
      const roots = [trustAnchorFromCertificate(root.certificate)];
      const verifier = serverCertVerifier({ roots, provider });
      const received: (Uint8Array | undefined)[] = [];
      const asking: ServerCertVerifier = {
        ...verifier,
        requestOcspResponse: true,
        verifyServerCert: (certificates) => {
          received.push(certificates.ocspResponse);
          return verifier.verifyServerCert(certificates);
        },
      };
      await hangUp(await dialed(server.port, { verifier: asking }));
      expect(received.map((der) => Buffer.from(der ?? []))).toEqual([readFileSync(response)]);
    });
  });
}

const clients = [
  [
    'OpenSSL s_client',
    'openssl',
    startOpensslClient,
    ['-status'],
    /OCSP Response Status: successful[^]*Cert Status: good/,
  ],
  ['gnutls-cli', 'gnutls-cli', startGnutlsClient, [], /- Options: OCSP status request,/],
] as const;
for (const [name, program, start, args, report] of clients) {
  describeWith(program)(`${name}, tyls server`, () => {
    let ocspResponse: Buffer;
    beforeAll(async () => {
      ocspResponse = readFileSync(await makeResponse(workspace));
    });

    test('OCSP response arrives', async () => {
      const server = await serve({ certificate: identity.chainPem, key: identity.privateKeyPem, ocspResponse });
      onTestFinished(() => server.stop());
      const client = start(workspace, { port: server.port, ca: root.certificatePem }, args);
      onTestFinished(() => client.stop());
      await expect(client.output.until(report)).resolves.toBeDefined();
    });
  });
}
