/**
 * Resumed handshakes without sockets, both sides in this process. The server as it is by default: `node:tls` gives tickets,
 * tyls keeps sessions in its memory.
 */
import { type ClientConnection } from '@tyls/tls-core';
import { type ConnectionOptions, createSecureContext, createServer } from 'node:tls';
import { type Bench, contestBench } from './bench.ts';
import { nodeOptions, suiteOf, type TylsConfigs, tylsConfigs } from './configs.ts';
import { timed, timedAsync } from './contest.ts';
import { nodePair, tylsPair } from './memory_pair.ts';
import { webChain } from './pki.ts';

export const handshakeResumed: readonly Bench[] = (['tls12'] as const).map((version) => {
  const name = `handshake/resumed/${version}/memory`;
  return contestBench([name], async () => {
    const chain = await webChain('ecdsa');
    const suite = suiteOf(version, 'ecdsa');
    const tyls = await tylsConfigs(chain, suite, { resumes: true });
    const options = nodeOptions(chain, suite);
    const server = createServer(options.server);
    const shared = { ...options.client, secureContext: createSecureContext(options.client) };
    const first = await nodePair(server, shared);
    const client: ConnectionOptions = { ...shared, session: first.client.getSession() };
    tylsPair(tyls);
    return {
      contest: {
        unit: 'handshakes/CPU s',
        ours: timed('tyls', () => checkResumed(tylsHandshake(tyls))),
        peers: [
          {
            figure: name,
            ...timedAsync('node:tls, shared SecureContext', async () => {
              const pair = await nodePair(server, client);
              if (!pair.client.isSessionReused()) throw new Error('node:tls has not resumed');
              pair.client.destroy();
              pair.server.destroy();
            }),
          },
        ],
      },
    };
  });
});

function tylsHandshake(configs: TylsConfigs): ClientConnection {
  const { client, server } = tylsPair(configs);
  client.abandon();
  server.abandon();
  return client;
}

function checkResumed({ handshakeKind }: ClientConnection): void {
  if (handshakeKind !== 'resumed') throw new Error(`tyls has not resumed: ${handshakeKind}`);
}
