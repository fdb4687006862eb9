/**
 * The client's side of a full handshake on the backends that run everywhere, beside TLS clients of JavaScript. In memory; the
 * server is tyls on node:crypto for every one, and its CPU time is not counted.
 */
import { nobleProvider } from '@tyls/crypto-noble';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { ClientConnection, type CryptoProvider, NamedGroup, parseServerName, ServerConnection } from '@tyls/tls-core';
import { testName } from '@tyls/testing';
import { atOnce } from './at_once.ts';
import { type Bench, contestBench } from './bench.ts';
import { type ClientHandshake, reclaimHandshake, subtlsHandshake } from './client_peers.ts';
import { type BulkSuiteName, checkTyls, tylsConfigs } from './configs.ts';
import { type Contender, cpuClock } from './contest.ts';
import { type WebChain, webChain } from './pki.ts';

interface Opponent {
  readonly backend: string;
  readonly provider: CryptoProvider;
  readonly peerName: string;
  readonly handshake: (chain: WebChain) => ClientHandshake | Promise<ClientHandshake>;
  /** What the peer has, which is what both are given. */
  readonly group: NamedGroup;
  readonly suite: BulkSuiteName;
}

const opponents: readonly Opponent[] = [
  {
    backend: 'noble',
    provider: nobleProvider(),
    peerName: '@reclaimprotocol/tls',
    handshake: reclaimHandshake,
    group: NamedGroup.X25519,
    suite: 'chacha20poly1305',
  },
  {
    backend: 'webcrypto',
    provider: webcryptoProvider(),
    peerName: 'subtls',
    handshake: subtlsHandshake,
    group: NamedGroup.secp256r1,
    suite: 'aes128gcm',
  },
];

const serverName = parseServerName(testName);

export const handshakeClient: readonly Bench[] = opponents.map((opponent) => {
  const name = `handshake/full/tls13/ecdsa/client/${opponent.backend}`;
  return contestBench([name], async () => {
    const chain = await webChain('ecdsa');
    const peer = clientSide(opponent.peerName, opponent, chain, await opponent.handshake(chain));
    const ours = clientSide('tyls', opponent, chain, await tylsHandshake(opponent, chain));
    return {
      contest: { unit: 'handshakes/CPU s', ours: await ours, peers: [{ figure: name, ...(await peer) }] },
    };
  });
});

async function tylsHandshake({ provider, group, suite }: Opponent, chain: WebChain): Promise<ClientHandshake> {
  const keyExchangeGroups = provider.keyExchangeGroups.filter(({ name }) => name === group);
  const { client: config } = await tylsConfigs(chain, suite, { provider: { ...provider, keyExchangeGroups } });
  return async (answer) => {
    const client = new ClientConnection(config, serverName);
    await client.start();
    while (client.isHandshaking) await client.receive(answer(Buffer.concat(client.takeOutput())));
    answer(Buffer.concat(client.takeOutput()));
    client.abandon();
  };
}

async function clientSide(
  name: string,
  { suite, group }: Opponent,
  chain: WebChain,
  handshake: ClientHandshake,
): Promise<Contender> {
  const { server: config } = await tylsConfigs(chain, suite);
  return {
    name,
    async run(times) {
      const all = cpuClock();
      let servers = 0;
      for (let i = 0; i < times; i++) {
        const server = new ServerConnection(config);
        await handshake((flight) => {
          if (flight.length === 0) throw new Error(`the handshake of ${name} does not come to its end`);
          const seconds = cpuClock();
          atOnce(server.receive(flight));
          const answer = Buffer.concat(server.takeOutput());
          servers += seconds();
          return answer;
        });
        if (server.isHandshaking) throw new Error(`${name} has not finished`);
        checkTyls(server, suite, group);
        server.abandon();
      }
      return all() - servers;
    },
  };
}
