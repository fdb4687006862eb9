/** curl, a client that asks for a page whose content is {@link clientLine}. */
import { flag, option } from './arguments.ts';
import { opensslAlertReport, opensslGroups } from './openssl.ts';
import { clientLine, type ClientPeer, type ClientPeerOptions } from './peer.ts';
import { PeerProcess, type PeerProcessOptions } from './peer_process.ts';
import { type Workspace } from './workspace.ts';

export function curlClient(workspace: Workspace): ClientPeer {
  return {
    name: 'curl',
    run: async (options) => {
      const client = startCurl(workspace, options);
      client.stdin.end();
      const status = await client.exited;
      const { text } = client.output;
      return { ok: status === 0 && text.includes(clientLine), output: text };
    },
    // Of some it has only words of its own.
    alertReport: (name, code) => new RegExp(`${opensslAlertReport(name, code).source}|alert ${name}`),
  };
}

export function startCurl(
  workspace: Workspace,
  options: ClientPeerOptions,
  args: readonly string[] = [],
  processOptions: PeerProcessOptions = {},
): PeerProcess {
  const { port, ca, serverName = 'localhost', identity, suites, groups, alpn, version, keyLogPath } = options;
  return new PeerProcess(
    'curl',
    [
      '--silent',
      '--verbose',
      ...option('--resolve', `${serverName}:${port}:127.0.0.1`),
      ...option('--cacert', workspace.file(ca)),
      ...option('--cert', workspace.file(identity?.chainPem)),
      ...option('--key', workspace.file(identity?.privateKeyPem)),
      ...option('--tls13-ciphers', suites?.join(':')),
      ...option('--curves', opensslGroups(groups)),
      ...option('--tls-max', version === undefined ? undefined : '1.2'),
      // It cannot be told what to offer but for this: `http/1.1`, and `h2` before it.
      ...flag('--no-alpn', alpn === undefined),
      ...flag('--http1.1', alpn?.includes('h2') === false),
      ...args,
      `https://${serverName}:${port}/`,
    ],
    { env: keyLogPath === undefined ? {} : { SSLKEYLOGFILE: keyLogPath }, ...processOptions },
  );
}
