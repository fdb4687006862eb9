/** KeyUpdates that the peer begins, and its answers to ours (RFC 8446 section 4.6.3). */
import { startGnutlsClient, startOpensslClient, startOpensslServer } from '@tyls/testing';
import { expect, onTestFinished, test } from 'vitest';
import { dialed, readLine, serve } from './tyls.ts';
import { describeWith, identity, root, workspace } from './world.ts';

const received = /<<< TLS 1\.3, Handshake \[length 0005\], KeyUpdate/;
const sent = />>> TLS 1\.3, Handshake \[length 0005\], KeyUpdate/;

describeWith('openssl')('tyls client, OpenSSL s_server', () => {
  test('KeyUpdate of either side', async () => {
    const { port, output, process, stop } = await startOpensslServer(workspace, { identity }, ['-msg']);
    onTestFinished(stop);
    const socket = await dialed(port);
    onTestFinished(() => void socket.destroy());

    for (const command of ['k', 'K', 'K']) {
      const before = output.mark;
      process.stdin.write(`${command}\n`);
      await output.until(sent, before);
      process.stdin.write('from the server\n');
      expect(await readLine(socket)).toBe('from the server');
      // s_server looks at records that come in only when it has nothing to do for its input.
      socket.write('from the client\n');
      await output.until(/from the client/, before);
      // `K` asks for an answer.
      expect(received.test(output.text.slice(before))).toBe(command === 'K');
    }

    for (const both of [true, false]) {
      const before = output.mark;
      socket.updateKeys(both);
      socket.write('from the client\n');
      await output.until(/from the client/, before);
      process.stdin.write('from the server\n');
      expect(await readLine(socket)).toBe('from the server');
      expect(sent.test(output.text.slice(before))).toBe(both);
    }
  });
});

describeWith('openssl')('OpenSSL s_client, tyls server', () => {
  test('KeyUpdate of either side', async () => {
    const server = await serve({}, () => {});
    onTestFinished(() => server.stop());
    const client = startOpensslClient(workspace, { port: server.port, ca: root.certificatePem }, ['-msg']);
    onTestFinished(() => client.stop());
    const socket = await server.connection();
    const { output } = client;

    for (const command of ['k', 'K', 'K']) {
      const before = output.mark;
      client.stdin.write(`${command}\n`);
      await output.until(sent, before);
      client.stdin.write('from the client\n');
      expect(await readLine(socket)).toBe('from the client');
      socket.write('from the server\n');
      await output.until(/from the server/, before);
      expect(received.test(output.text.slice(before))).toBe(command === 'K');
    }

    for (const both of [true, false]) {
      const before = output.mark;
      socket.updateKeys(both);
      socket.write('from the server\n');
      await output.until(/from the server/, before);
      client.stdin.write('from the client\n');
      expect(await readLine(socket)).toBe('from the client');
      expect(sent.test(output.text.slice(before))).toBe(both);
    }
  });
});

describeWith('gnutls-cli')('gnutls-cli, tyls server', () => {
  test('KeyUpdate of either side', async () => {
    const server = await serve({}, () => {});
    onTestFinished(() => server.stop());
    const options = { port: server.port, ca: root.certificatePem };
    const client = startGnutlsClient(workspace, options, ['--inline-commands']);
    onTestFinished(() => client.stop());
    const socket = await server.connection();

    for (let i = 0; i < 3; i++) {
      const before = client.output.mark;
      client.stdin.write('^rekey^\n');
      await client.output.until(/Rekey was completed/, before);
      client.stdin.write('from the client\n');
      expect(await readLine(socket)).toBe('from the client');
      socket.updateKeys(i % 2 === 0);
      socket.write('from the server\n');
      await client.output.until(/from the server/, before);
    }
  });
});
