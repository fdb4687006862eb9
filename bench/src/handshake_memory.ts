/** Full handshakes without sockets: both sides in this process, bytes handed over in memory. */
import { type ConnectionOptions, createSecureContext, createServer, type Server } from 'node:tls';
import { type Bench, contestBench } from './bench.ts';
import { checkNegotiated, checkTyls, defaultSuite, nodeOptions, type TylsConfigs, tylsConfigs } from './configs.ts';
import { timed, timedAsync } from './contest.ts';
import { handshakePrimitives } from './handshake_floor.ts';
import { nodePair, tylsPair } from './memory_pair.ts';
import { chainKinds, webChain } from './pki.ts';

export const handshakeMemory: readonly Bench[] = chainKinds.map((kind) => {
  const name = `handshake/full/tls13/${kind}/memory`;
  const shared = `${name}/shared-context`;
  return contestBench([name, shared], async () => {
    const chain = await webChain(kind);
    const tyls = await tylsConfigs(chain, defaultSuite);
    const { client, server: serverOptions } = nodeOptions(chain, defaultSuite);
    const server = createServer(serverOptions);
    const sharedClient = { ...client, secureContext: createSecureContext(client) };
    checkTyls(tylsPair(tyls).client, defaultSuite);
    checkNegotiated((await nodePair(server, client)).client, defaultSuite);
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
        floor: timed('primitives', handshakePrimitives(chain)),
      },
    };
  });
});

function tylsHandshake(configs: TylsConfigs): void {
  const { client, server } = tylsPair(configs);
  client.abandon();
  server.abandon();
}

async function nodeHandshake(nodeServer: Server, options: ConnectionOptions): Promise<void> {
  const { client, server } = await nodePair(nodeServer, options);
  client.destroy();
  server.destroy();
}
