/** GnuTLS's gnutls-cli and gnutls-serv. */
import { flag, option } from './arguments.ts';
import { onFreePort } from './free_port.ts';
import { exchangeLine } from './openssl.ts';
import {
  type ClientPeer,
  type ClientPeerOptions,
  type Group,
  type RunningServer,
  type ServerPeer,
  type ServerPeerOptions,
  type Suite,
} from './peer.ts';
import { PeerProcess, type PeerProcessOptions } from './peer_process.ts';
import { type Workspace } from './workspace.ts';

const groupNames: Readonly<Record<Group, string>> = {
  X25519: 'GROUP-X25519',
  secp256r1: 'GROUP-SECP256R1',
  secp384r1: 'GROUP-SECP384R1',
};
const cipherNames: Readonly<Record<Suite, string>> = {
  TLS_AES_128_GCM_SHA256: 'AES-128-GCM',
  TLS_AES_256_GCM_SHA384: 'AES-256-GCM',
  TLS_CHACHA20_POLY1305_SHA256: 'CHACHA20-POLY1305',
};

/** What only this peer is told. */
export interface GnutlsOptions {
  /** Appended to the priority string, such as `+CTYPE-SRV-RAWPK`. */
  readonly priority?: readonly string[] | undefined;
  /** `false` asks clients for what cannot be verified: gnutls-serv knows no raw public keys. */
  readonly verifiesClients?: boolean | undefined;
}

function alertReport(_name: string, code: number): RegExp {
  return new RegExp(`Received alert '${code}'|Received alert \\[${code}\\]`);
}

export function gnutlsServer(workspace: Workspace): ServerPeer {
  return {
    name: 'gnutls-serv',
    start: (options) => startGnutlsServer(workspace, options),
    answer: (line) => line,
    alertReport,
  };
}

/** `args` choose what it serves; by default it echoes. */
export async function startGnutlsServer(
  workspace: Workspace,
  options: ServerPeerOptions & GnutlsOptions,
  args: readonly string[] = ['--echo'],
): Promise<RunningServer> {
  const { identity, clientAuth, keyLogPath } = options;
  const start = (port: number): PeerProcess =>
    new PeerProcess(
      // By the line, or what it says of a connection may come after the next ones.
      'stdbuf',
      [
        '-oL',
        'gnutls-serv',
        ...option('-p', String(port)),
        ...option('--x509certfile', workspace.file(identity.chainPem)),
        ...option('--x509keyfile', workspace.file(identity.privateKeyPem)),
        ...option('--x509cafile', workspace.file(clientAuth?.ca)),
        ...flag('--disable-client-cert', clientAuth === undefined),
        ...flag('--verify-client-cert', clientAuth !== undefined && options.verifiesClients !== false),
        ...flag('--require-client-cert', clientAuth?.mandatory === true),
        ...flag('--alpn-fatal', options.alpn !== undefined),
        ...commonArguments(options),
        ...args,
      ],
      environment(keyLogPath),
    );
  return onFreePort(start, /listening on IPv4 .*done/);
}

export function gnutlsClient(workspace: Workspace): ClientPeer {
  return {
    name: 'gnutls-cli',
    run: async (options) => {
      const client = startGnutlsClient(workspace, options);
      return { ok: await exchangeLine(client), output: client.output.text };
    },
    alertReport,
  };
}

/** A client that prints what it receives and sends what is written to its stdin. */
export function startGnutlsClient(
  workspace: Workspace,
  options: ClientPeerOptions & GnutlsOptions,
  args: readonly string[] = [],
  processOptions: PeerProcessOptions = {},
): PeerProcess {
  const { identity, serverName = 'localhost' } = options;
  return new PeerProcess(
    'gnutls-cli',
    [
      ...option('-p', String(options.port)),
      ...option('--x509cafile', workspace.file(options.ca)),
      ...option('--sni-hostname', serverName),
      ...option('--verify-hostname', serverName),
      ...option('--x509certfile', workspace.file(identity?.chainPem)),
      ...option('--x509keyfile', workspace.file(identity?.privateKeyPem)),
      ...commonArguments(options),
      ...args,
      '127.0.0.1',
    ],
    { ...environment(options.keyLogPath), ...processOptions },
  );
}

function environment(keyLogPath: string | undefined): PeerProcessOptions {
  return { env: keyLogPath === undefined ? {} : { SSLKEYLOGFILE: keyLogPath } };
}

function commonArguments(options: Omit<ServerPeerOptions, 'identity'> & GnutlsOptions): string[] {
  const { suites, groups, version, alpn = [], exporter, priority: added = [] } = options;
  const priority = [
    'NORMAL',
    ...(version === undefined ? [] : ['-VERS-ALL', '+VERS-TLS1.2']),
    ...(suites === undefined ? [] : ['-CIPHER-ALL', ...suites.map((suite) => `+${cipherNames[suite]}`)]),
    ...(groups === undefined ? [] : ['-GROUP-ALL', ...groups.map((group) => `+${groupNames[group]}`)]),
    ...added,
  ];
  return [
    ...option('--priority', priority.join(':')),
    ...alpn.flatMap((protocol) => option('--alpn', protocol)),
    ...option('--keymatexport', exporter?.label),
    ...option('--keymatexportsize', exporter?.length.toString()),
  ];
}
