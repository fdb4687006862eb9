/** Full handshakes without sockets: both sides in this process, bytes handed over in memory. */
import { type ConnectionOptions, createSecureContext, createServer, type Server } from 'node:tls';
import { type Bench, contestBench } from './bench.ts';
import {
  checkNegotiated,
  checkTyls,
  nodeOptions,
  type SuiteName,
  suiteOf,
  type TylsConfigs,
  tylsConfigs,
  versionOf,
  versions,
} from './configs.ts';
import { timed, timedAsync } from './contest.ts';
import { handshakePrimitives } from './handshake_floor.ts';
import { nodePair, tylsPair } from './memory_pair.ts';
import { type ChainKind, chainKinds, webChain } from './pki.ts';

export const handshakeMemory: readonly Bench[] = versions.flatMap((version) =>
  chainKinds.map((kind) => fullHandshakes(`handshake/full/${version}/${kind}/memory`, kind, suiteOf(version, kind))),
);

function fullHandshakes(name: string, kind: ChainKind, suite: SuiteName): Bench {
  const shared = `${name}/shared-context`;
  return contestBench([name, shared], async () => {
    const chain = await webChain(kind);
    const tyls = await tylsConfigs(chain, suite);
    const { client, server: serverOptions } = nodeOptions(chain, suite);
    const server = createServer(serverOptions);
    const sharedClient = { ...client, secureContext: createSecureContext(client) };
    checkTyls(tylsPair(tyls).client, suite);
    checkNegotiated((await nodePair(server, client)).client, suite);
    return {
      contest: {
        unit: 'handshakes/CPU s',
        ours: timed('tyls', () => tylsHandshake(tyls)),
        peers: [
          { figure: name, ...timedAsync('node:tls', () => nodeHandshake(server, client)) },
          {
            figure: shared,
            ...timedAsync('node:tls, shared SecureContext', () => nodeHandshake(server, sharedClient)),
          },
        ],
        floor: timed('primitives', handshakePrimitives(chain, versionOf(suite))),
      },
    };
  });
}

/** Both sides; then both are dropped. */
export function tylsHandshake(configs: TylsConfigs): void {
  const { client, server } = tylsPair(configs);
  client.abandon();
  server.abandon();
}

/** The same of `node:tls`. */
export async function nodeHandshake(nodeServer: Server, options: ConnectionOptions): Promise<void> {
  const { client, server } = await nodePair(nodeServer, options);
  client.destroy();
  server.destroy();
}
