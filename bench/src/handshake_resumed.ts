/**
 * Resumed handshakes without sockets, both sides in this process, in TLS 1.3 with a key exchange. The servers as they are by
 * default: `node:tls` gives tickets that bring the session with them, tyls keeps sessions in its memory.
 */
import { type ClientConnection } from '@tyls/tls-core';
import { once } from 'node:events';
import { type ConnectionOptions, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { type Bench, contestBench } from './bench.ts';
import { nodeOptions, suiteOf, type TylsConfigs, tylsConfigs, versions } from './configs.ts';
import { timed, timedAsync } from './contest.ts';
import { resumedPrimitives } from './handshake_floor.ts';
import { nodePair, tylsPair } from './memory_pair.ts';
import { webChain } from './pki.ts';

export const handshakeResumed: readonly Bench[] = versions.map((version) => {
  const name = `handshake/resumed/${version}/memory`;
  return contestBench([name], async () => {
    const chain = await webChain('ecdsa');
    const suite = suiteOf(version, 'ecdsa');
    const tyls = await tylsConfigs(chain, suite, { resumes: true });
    const options = nodeOptions(chain, suite);
    const server = createServer(options.server);
    const shared = { ...options.client, secureContext: createSecureContext(options.client) };
    const client: ConnectionOptions = { ...shared, session: await sessionOf((await nodePair(server, shared)).client) };
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
        floor: timed('primitives', resumedPrimitives(version)),
      },
    };
  });
});

/** In TLS 1.3 the ticket comes after the handshake. */
async function sessionOf(client: TLSSocket): Promise<Buffer> {
  if (client.getProtocol() === 'TLSv1.2') return client.getSession()!;
  const [session] = (await once(client, 'session')) as [Buffer];
  return session;
}

function tylsHandshake(configs: TylsConfigs): ClientConnection {
  const { client, server } = tylsPair(configs);
  client.abandon();
  server.abandon();
  return client;
}

function checkResumed({ handshakeKind }: ClientConnection): void {
  if (handshakeKind !== 'resumed') throw new Error(`tyls has not resumed: ${handshakeKind}`);
}
