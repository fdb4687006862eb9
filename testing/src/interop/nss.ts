/** NSS's tstclnt, strsclnt and selfserv. All of them take keys and certificates from a database. */
import { mkdirSync } from 'node:fs';
import { type TestIdentity } from '../pki.ts';
import { flag, option } from './arguments.ts';
import { onFreePort } from './free_port.ts';
import { type RunningServer } from './peer.ts';
import { PeerProcess, run } from './peer_process.ts';
import { type Workspace } from './workspace.ts';

/** What the key of a database is called there. */
const nickname = 'peer';

export interface NssOptions {
  /** PEM, whom to trust. */
  readonly ca: string;
  readonly identity?: TestIdentity | undefined;
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** Whether tickets are offered or made. */
  readonly tickets?: boolean | undefined;
}

async function database(workspace: Workspace, { ca, identity }: NssOptions): Promise<string> {
  const folder = workspace.newPath();
  mkdirSync(folder);
  const name = `sql:${folder}`;
  await run('certutil', ['-N', '-d', name, '--empty-password']);
  await run('certutil', ['-A', '-d', name, '-n', 'ca', '-t', 'CT,C,C', '-i', workspace.file(ca)]);
  if (identity !== undefined) {
    const [pkcs12, password] = [workspace.newPath(), 'of no importance'];
    const [chain, key] = [workspace.file(identity.chainPem), workspace.file(identity.privateKeyPem)];
    const names = ['-name', nickname, '-passout', `pass:${password}`];
    await run('openssl', ['pkcs12', '-export', '-in', chain, '-inkey', key, ...names, '-out', pkcs12]);
    await run('pk12util', ['-i', pkcs12, '-d', name, '-W', password]);
  }
  return name;
}

function commonArguments(name: string, { version, tickets = false }: NssOptions): string[] {
  const range = version === 'TLSv1.2' ? 'tls1.2:tls1.2' : 'tls1.3:tls1.3';
  return [...option('-d', name), ...option('-V', range), ...flag('-u', tickets)];
}

/** A server that answers a request of HTTP with a page that has it; with `clientAuth` only to clients with a certificate. */
export async function startSelfserv(
  workspace: Workspace,
  options: NssOptions & { readonly identity: TestIdentity; readonly clientAuth?: boolean | undefined },
  args: readonly string[] = [],
): Promise<RunningServer> {
  const name = await database(workspace, options);
  const start = (port: number): PeerProcess =>
    new PeerProcess('selfserv', [
      ...commonArguments(name, options),
      ...option('-n', nickname),
      ...option('-p', String(port)),
      ...(options.clientAuth === true ? ['-r', '-r'] : []),
      // DHE off: it would make its parameters first.
      ...option('-H', '0'),
      '-v',
      ...args,
    ]);
  return onFreePort(start, /About to call accept/);
}

/** A client that asks `localhost` for a page, once or several times, and prints it. */
export async function startTstclnt(
  workspace: Workspace,
  options: NssOptions & { readonly port: number; readonly connections?: number | undefined },
  args: readonly string[] = [],
): Promise<PeerProcess> {
  const name = await database(workspace, options);
  return new PeerProcess('tstclnt', [
    ...commonArguments(name, options),
    ...option('-h', '127.0.0.1'),
    ...option('-a', 'localhost'),
    ...option('-p', String(options.port)),
    ...option('-n', options.identity === undefined ? undefined : nickname),
    ...option('-A', workspace.file('GET / HTTP/1.0\r\n\r\n')),
    ...option('-L', options.connections?.toString()),
    '-v',
    ...args,
  ]);
}
