/** Runs the two commands, bundled from their sources, as processes of their own. */
import { createCa } from '@tyls/testing';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';
import { bundle } from '../../../testing/src/bundle.ts';

const packages = fileURLToPath(new URL('../../', import.meta.url));

/** A folder for this file's tests; removed after them. */
export const folder: string = mkdtempSync(join(tmpdir(), 'tyls-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The commands look for their package.json one folder up.
copyFileSync(join(packages, 'tls-cli/package.json'), join(folder, 'package.json'));
const sources = ['tlsclient', 'tlsserver'].map((name) => join(packages, 'tls-cli/src', `${name}.ts`));
await bundle(sources, join(folder, 'bin'));

const ca = await createCa();
const identity = await ca.issue({ names: ['localhost', '127.0.0.1'] });
const user = await ca.issue({ usage: 'client' });
const files = {
  'ca.pem': ca.certificatePem,
  'server.pem': identity.chainPem,
  'server.key': identity.privateKeyPem,
  'user.pem': user.chainPem,
  'user.key': user.privateKeyPem,
  // An OCSPResponse whose status is tryLater (RFC 6960 section 4.2.1).
  'ocsp.der': Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x03),
};
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

/** What a client trusts the server by. */
export const trust: readonly string[] = ['--cafile', 'ca.pem'];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What these tests need not inherit: it changes what peers trust, and how fast Node starts. */
const { NODE_EXTRA_CA_CERTS: _certs, SSL_CERT_FILE: _file, SSL_CERT_DIR: _dir, ...env } = process.env;

/** Starts a process; ended when the test is finished. */
export function start(file: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(file, args, { cwd: folder, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  // It may end without reading all that it is given.
  child.stdin.on('error', () => {});
  return child;
}

export function startCommand(name: 'tlsclient' | 'tlsserver', args: readonly string[]): ChildProcessWithoutNullStreams {
  const [file, ...rest] = commandLine(name, args);
  return start(file, rest);
}

export function commandLine(name: 'tlsclient' | 'tlsserver', args: readonly string[]): [string, ...string[]] {
  return [process.execPath, join(folder, 'bin', `${name}.mjs`), ...args];
}

/** Collects what a process says until it ends. */
export async function outcome(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => void stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: Buffer.concat(stdout), stderr };
}

/** Runs a client to its end. @param input what it reads; `undefined` leaves its input open */
export async function client(args: readonly string[], input?: string | Uint8Array): Promise<Outcome> {
  const child = startCommand('tlsclient', args);
  if (input !== undefined) child.stdin.end(input);
  return outcome(child);
}

/** Starts a server on a free port. @returns the port, and what it has said so far on standard error */
export async function server(args: readonly string[]): Promise<{ port: string; stderr: () => string }> {
  const child = startCommand('tlsserver', ['--certs', 'server.pem', '--key', 'server.key', '--port', '0', ...args]);
  let stderr = '';
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      const port = /listening on port (\d+)/.exec(stderr)?.[1];
      if (port !== undefined) resolve({ port, stderr: () => stderr });
    });
    child.once('close', () => reject(new Error(`tlsserver ended: ${stderr}`)));
  });
}
