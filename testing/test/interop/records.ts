/** Records of unusual shapes from OpenSSL: padded, and small. */
import { opensslServer, startOpensslClient, startOpensslServer } from '@tyls/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ask, dialed, hangUp, readLine, serve } from './tyls.ts';
import { describeWith, identity, root, workspace } from './world.ts';

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
