/** Records of unusual shapes: padded and small ones from OpenSSL, and of the size that one asks GnuTLS for, or it asks for. */
import {
  opensslServer,
  startGnutlsClient,
  startGnutlsServer,
  startOpensslClient,
  startOpensslServer,
} from '@tyls/testing';
import { ProtocolVersion } from '@tyls/tls-core';
import { type TlsSocket } from '@tyls/tls-node';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ask, dialed, hangUp, readLine, serve } from './tyls.ts';
import { describeWith, identity, root, workspace } from './world.ts';

const { TLSv1_2, TLSv1_3 } = ProtocolVersion;
const shapes = [
  ['padded to 4096 bytes', ['-record_padding', '4096']],
  ['of 512 bytes, the handshake too', ['-max_send_frag', '512']],
] as const;
const line = 'abcdefgh'.repeat(1000);

describeWith('openssl')('tyls client, OpenSSL s_server', () => {
  test.each(shapes)('records %s', async (_, args) => {
    const server = await startOpensslServer(workspace, { identity }, ['-rev', ...args]);
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port);
    expect(await ask(socket, line)).toBe(opensslServer(workspace).answer(line));
    await hangUp(socket);
  });
});

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test.each(shapes)('records %s', async (_, args) => {
    const server = await serve({}, () => {});
    onTestFinished(() => server.stop());
    const client = startOpensslClient(workspace, { port: server.port, ca: root.certificatePem }, args);
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    client.stdin.write(`${line}\n`);
    expect(await readLine(socket)).toBe(line);
  });
});

const recordSizeLimit = 512;

/** How much comes at a time: a record, whatever the transport does. */
async function pieceOf(socket: TlsSocket): Promise<number> {
  const [piece] = (await once(socket, 'data')) as [Buffer];
  return piece.length;
}

describeWith('gnutls-serv')('tyls client, gnutls-serv', () => {
  test.each([TLSv1_3, TLSv1_2])('record_size_limit is heeded, %i', async (version) => {
    const server = await startGnutlsServer(workspace, { identity });
    onTestFinished(() => server.stop());
    const socket = await dialed(server.port, { recordSizeLimit, versions: [version] });
    socket.write(`${line}\n`);
    expect(await pieceOf(socket)).toBe(version === TLSv1_3 ? recordSizeLimit - 1 : recordSizeLimit);
    socket.destroy();
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test.each([
    ['TLS 1.3', []],
    ['TLS 1.2', ['--priority', 'NORMAL:-VERS-ALL:+VERS-TLS1.2']],
  ])('record_size_limit is heeded, %s', async (_, args) => {
    const server = await serve({ recordSizeLimit });
    onTestFinished(() => server.stop());
    const options = { port: server.port, ca: root.certificatePem };
    const client = startGnutlsClient(workspace, options, args);
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    client.stdin.write(`${line}\n`);
    // Refused if it were longer.
    expect(await pieceOf(socket)).toBeLessThanOrEqual(recordSizeLimit);
  });
});
