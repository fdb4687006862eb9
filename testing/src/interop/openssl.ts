/** OpenSSL's s_client and s_server. */
import { type TestIdentity } from '../pki.ts';
import { flag, option } from './arguments.ts';
import {
  clientLine,
  type ClientPeer,
  type ClientPeerOptions,
  type Group,
  type RunningServer,
  type ServerPeer,
  type ServerPeerOptions,
} from './peer.ts';
import { PeerProcess, type PeerProcessOptions } from './peer_process.ts';
import { type Workspace } from './workspace.ts';

const groupNames: Readonly<Record<Group, string>> = { X25519: 'X25519', secp256r1: 'P-256', secp384r1: 'P-384' };

/** Groups as OpenSSL lists them, also in curl and node:tls. */
export function opensslGroups(groups: readonly Group[] | undefined): string | undefined {
  return groups?.map((group) => groupNames[group]).join(':');
}

/** As s_server, s_client and curl (behind its own words) print it. */
export function opensslAlertReport(_name: string, code: number): RegExp {
  return new RegExp(`SSL alert number ${code}\\b`);
}

export function opensslServer(workspace: Workspace): ServerPeer {
  return {
    name: 'OpenSSL s_server',
    start: (options) => startOpensslServer(workspace, options, ['-rev']),
    answer: (line) => line.split('').toReversed().join(''),
    alertReport: opensslAlertReport,
  };
}

/** A server that, unless `args` say otherwise, prints what it receives and sends what is written to its stdin. */
export async function startOpensslServer(
  workspace: Workspace,
  options: ServerPeerOptions,
  args: readonly string[] = [],
  processOptions: PeerProcessOptions = {},
): Promise<RunningServer & { readonly process: PeerProcess }> {
  const { alternative, clientAuth } = options;
  const server = new PeerProcess(
    'openssl',
    [
      's_server',
      ...option('-accept', '127.0.0.1:0'),
      ...identityArguments(workspace, options.identity),
      ...option('-servername', alternative?.name),
      ...option('-cert2', workspace.file(alternative?.identity.certificatePem)),
      ...option('-key2', workspace.file(alternative?.identity.privateKeyPem)),
      ...option('-CAfile', workspace.file(clientAuth?.ca)),
      ...option('-Verify', clientAuth?.mandatory === true ? '3' : undefined),
      ...option('-verify', clientAuth?.mandatory === false ? '3' : undefined),
      ...flag('-verify_return_error', clientAuth !== undefined),
      ...commonArguments(options),
      ...args,
    ],
    processOptions,
  );
  const accepting = await server.output.until(/^ACCEPT .*:(\d+)$/m);
  return { port: Number(accepting[1]), output: server.output, stop: () => server.stop(), process: server };
}

export function opensslClient(workspace: Workspace): ClientPeer {
  return {
    name: 'OpenSSL s_client',
    run: async (options) => {
      const client = startOpensslClient(workspace, options, ['-brief']);
      return { ok: await exchangeLine(client), output: client.output.text };
    },
    alertReport: opensslAlertReport,
  };
}

/** Sends a line to a client's standard input, expects it in its output and ends its input then. */
export async function exchangeLine(client: PeerProcess): Promise<boolean> {
  client.stdin.write(`${clientLine}\n`);
  const answered = await client.output.until(new RegExp(`^${clientLine}$`, 'm')).then(
    () => true,
    () => false,
  );
  client.stdin.end();
  if (!answered) await client.stop();
  return (await client.exited) === 0 && answered;
}

/** A client that prints what it receives and sends what is written to its stdin. */
export function startOpensslClient(
  workspace: Workspace,
  options: ClientPeerOptions,
  args: readonly string[] = [],
  processOptions: PeerProcessOptions = {},
): PeerProcess {
  const { identity, serverName = 'localhost' } = options;
  return new PeerProcess(
    'openssl',
    [
      's_client',
      ...option('-connect', `127.0.0.1:${options.port}`),
      ...option('-servername', serverName),
      ...option('-verify_hostname', serverName),
      ...option('-CAfile', workspace.file(options.ca)),
      '-no-CApath',
      '-verify_return_error',
      ...(identity === undefined ? [] : identityArguments(workspace, identity)),
      ...commonArguments(options),
      ...args,
    ],
    processOptions,
  );
}

function identityArguments(workspace: Workspace, identity: TestIdentity): string[] {
  const intermediates = identity.chainPem.slice(identity.certificatePem.length);
  return [
    ...option('-cert', workspace.file(identity.certificatePem)),
    ...option('-key', workspace.file(identity.privateKeyPem)),
    ...option('-cert_chain', intermediates === '' ? undefined : workspace.file(intermediates)),
  ];
}

function commonArguments(options: Omit<ServerPeerOptions, 'identity'>): string[] {
  const { suites, groups, alpn, version, exporter, keyLogPath } = options;
  return [
    ...option('-ciphersuites', suites?.join(':')),
    ...option('-groups', opensslGroups(groups)),
    ...option('-alpn', alpn?.join(',')),
    ...flag('-tls1_2', version === 'TLSv1.2'),
    ...option('-keymatexport', exporter?.label),
    ...option('-keymatexportlen', exporter?.length.toString()),
    ...option('-keylogfile', keyLogPath),
  ];
}
