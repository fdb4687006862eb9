import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildShim } from '../../bogo/build.mjs';
import { createCa, type TestIdentity } from '../../src/index.ts';

let folder: string;
let identity: TestIdentity;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tyls-bogo-'));
  await buildShim(join(folder, 'shim.cjs'));
  identity = await (await createCa()).issue({ names: ['localhost'] });
  writeFileSync(join(folder, 'cert.pem'), identity.certificatePem);
  writeFileSync(join(folder, 'key.pem'), identity.privateKeyPem);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function shim(...flags: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ['--no-warnings', join(folder, 'shim.cjs'), ...flags]);
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (written.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (written.stderr += text.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, ...written };
}

/** The runner's end: waits for a shim, and for the number of its test. */
async function runner(): Promise<{ readonly port: string; readonly accept: Promise<{ id: bigint; socket: Socket }> }> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const accept = once(server, 'connection').then(async (connected) => {
    const [socket] = connected as [Socket];
    onTestFinished(() => void socket.destroy());
    await once(socket, 'readable');
    const id = socket.read(8) as Buffer;
    return { id: id.readBigUInt64LE(), socket };
  });
  return { port: String((server.address() as AddressInfo).port), accept };
}

/** Sends something over TLS, and gives what comes back once the shim is done. */
async function echoed(tls: TLSSocket): Promise<Buffer> {
  tls.on('error', () => {});
  tls.write('ping');
  const [answer] = (await once(tls, 'data')) as [Buffer];
  tls.end();
  return answer;
}

const inverted = Buffer.from('ping').map((byte) => byte ^ 0xff);

test('says that handshakes are not split', async () => {
  expect(await shim('-is-handshaker-supported')).toEqual({ status: 0, stdout: 'No\n', stderr: '' });
});

test('answers what it cannot do with the status for that', async () => {
  const { status, stderr } = await shim('-port', '1', '-dtls');
  expect({ status, stderr }).toEqual({ status: 89, stderr: '' });
});

test.each([[[]], [['-async']]])('is a client that echoes, %j', async (more) => {
  const { port, accept } = await runner();
  const finished = shim('-port', port, '-shim-id', '18446744073709551615', '-expect-version', '772', ...more);
  const { id, socket } = await accept;
  expect(id).toBe(18446744073709551615n);
  const secureContext = createSecureContext({ cert: identity.certificatePem, key: identity.privateKeyPem });
  expect(await echoed(new TLSSocket(socket, { isServer: true, secureContext }))).toEqual(inverted);
  expect(await finished).toEqual({ status: 0, stdout: '', stderr: '' });
});

test.each(['771', '772'])('is a server that echoes, version %s', async (version) => {
  const { port, accept } = await runner();
  const files = ['-cert-file', join(folder, 'cert.pem'), '-key-file', join(folder, 'key.pem')];
  const finished = shim('-server', '-port', port, '-shim-id', '7', '-max-version', version, ...files);
  const { id, socket } = await accept;
  expect(id).toBe(7n);
  const tls = connect({ socket, rejectUnauthorized: false });
  expect(await echoed(tls)).toEqual(inverted);
  expect(await finished).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('names what went wrong, and has sent the alert for it', async () => {
  const { port, accept } = await runner();
  const finished = shim('-port', port, '-shim-id', '1');
  const { socket } = await accept;
  // A HelloRequest, which is no ServerHello.
  socket.write(Buffer.from('160303000400000000', 'hex'));
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  await once(socket, 'end');
  expect(Buffer.concat(received).toString('hex')).toMatch(/15030300020[12]0a$/);
  socket.end();
  const { status, stderr } = await finished;
  expect(status).toBe(1);
  expect(stderr).toContain('[InappropriateHandshakeMessage]');
});

test('never lets a failed expectation pass for a failure that a test expects', async () => {
  const { port, accept } = await runner();
  const finished = shim('-port', port, '-shim-id', '1', '-expect-version', '771');
  const { socket } = await accept;
  const secureContext = createSecureContext({ cert: identity.certificatePem, key: identity.privateKeyPem });
  new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {}).resume();
  expect((await finished).status).toBe(90);
});
