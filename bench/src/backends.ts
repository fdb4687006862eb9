/**
 * tyls on its other crypto backends, without sockets, beside the same operations of the backend with nothing around them:
 * the ratio is the part of its speed that is left. By CPU time on noble, which is JavaScript; by the wall clock on WebCrypto,
 * whose work is done by a pool of threads.
 */
import { nobleProvider } from '@tyls/crypto-noble';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import {
  CipherSuite,
  ClientConnection,
  type CryptoProvider,
  NamedGroup,
  parseServerName,
  ServerConnection,
  SignatureScheme,
  type SupportedCipherSuite,
} from '@tyls/tls-core';
import { testName } from '@tyls/testing';
import { parseCertificate, type SignedData } from '@tyls/webpki';
import { randomBytes } from 'node:crypto';
import { type Bench, contestBench } from './bench.ts';
import { type BulkSuiteName, suites, type TylsConfigs, tylsConfigs } from './configs.ts';
import { type Clock, type Contender, cpuClock, timedAsync, wallClock } from './contest.ts';
import { hmacsOfOneSide } from './handshake_floor.ts';
import { type WebChain, webChain } from './pki.ts';

interface Backend {
  readonly name: string;
  readonly provider: CryptoProvider;
  readonly suite: BulkSuiteName;
  readonly clock: Clock;
  readonly unit: { readonly handshakes: 'handshakes/CPU s' | 'handshakes/s'; readonly bulk: 'MB/CPU s' | 'MB/s' };
}

const backends: readonly Backend[] = [
  {
    name: 'noble',
    provider: nobleProvider(),
    suite: 'chacha20poly1305',
    clock: cpuClock,
    unit: { handshakes: 'handshakes/CPU s', bulk: 'MB/CPU s' },
  },
  {
    name: 'webcrypto',
    provider: webcryptoProvider(),
    suite: 'aes128gcm',
    clock: wallClock,
    unit: { handshakes: 'handshakes/s', bulk: 'MB/s' },
  },
];

const peerName = 'its operations alone';
const serverName = parseServerName(testName);

export const otherBackends: readonly Bench[] = backends.flatMap((backend) => [
  handshake(`handshake/full/tls13/ecdsa/memory/${backend.name}`, backend),
  send(`bulk/send/${backend.suite}/memory/${backend.name}`, backend),
  receive(`bulk/receive/${backend.suite}/memory/${backend.name}`, backend),
]);

interface Pair {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
}

async function pairOf(configs: TylsConfigs): Promise<Pair> {
  const client = new ClientConnection(configs.client, serverName);
  const server = new ServerConnection(configs.server);
  await client.start();
  while (client.isHandshaking || server.isHandshaking) {
    await server.receive(Buffer.concat(client.takeOutput()));
    await client.receive(Buffer.concat(server.takeOutput()));
  }
  return { client, server };
}

function handshake(name: string, { provider, suite, clock, unit }: Backend): Bench {
  return contestBench([name], async () => {
    const chain = await webChain('ecdsa');
    const configs = await tylsConfigs(chain, suite, { provider });
    const primitives = {
      figure: name,
      ...timedAsync(peerName, await handshakeOperations(provider, chain, suite), clock),
    };
    return {
      contest: {
        unit: unit.handshakes,
        ours: timedAsync('tyls', () => pairOf(configs), clock),
        peers: [primitives],
        floor: primitives,
      },
    };
  });
}

/** Plaintext that is sealed by one side and opened by the other: the server's flight, and the client's Finished. In bytes. */
const recordLengths = [1500, 36] as const;
const trafficSecrets = 4;

/** As in `handshake_floor.ts`, on any provider. The keys of both sides for each traffic secret too: WebCrypto imports them. */
async function handshakeOperations(
  provider: CryptoProvider,
  chain: WebChain,
  suite: BulkSuiteName,
): Promise<() => Promise<void>> {
  const { hkdf, hash, aead } = suiteOf(provider, suite);
  const group = provider.keyExchangeGroups.find(({ name }) => name === NamedGroup.X25519)!;
  const scheme = SignatureScheme.ecdsa_secp256r1_sha256;
  const { verify } = provider.signatureVerification.schemes.find((one) => one.scheme === scheme)!.algorithms[0]!;
  const signer = (await provider.loadPrivateKey({ format: 'pkcs8', der: chain.privateKey })).chooseScheme([scheme])!;
  const [endEntity, intermediate, root] = [chain.endEntity, chain.intermediate, chain.root].map((der) => {
    const { signedData, subjectPublicKeyInfo } = parseCertificate(der);
    // Uncompressed points of P-256 end it.
    return { signedData, publicKey: subjectPublicKeyInfo.subarray(-65) };
  }) as [Certified, Certified, Certified];
  const content = randomBytes(130);
  const secret = content.subarray(0, hash.outputLength);
  const key = randomBytes(aead.keyLength);
  return async () => {
    const client = await group.start();
    await client.complete((await group.respond(client.keyShare))!.keyShare);
    const signatures = [
      await verify(endEntity.publicKey, content, await signer.sign(content)),
      await verify(intermediate.publicKey, endEntity.signedData.data, endEntity.signedData.signature),
      await verify(root.publicKey, intermediate.signedData.data, intermediate.signedData.signature),
    ];
    if (signatures.includes(false)) throw new Error('a signature is not valid');
    for (let i = 0; i < 2 * hmacsOfOneSide.tls13; i++) hkdf.hmac(secret, content);
    const keys = Array.from({ length: trafficSecrets }, () => ({ sealer: aead.sealer(key), opener: aead.opener(key) }));
    for (const [i, length] of recordLengths.entries()) {
      const { sealer, opener } = keys[i]!;
      const sealed = await sealer.seal(nonce, additionalData, [new Uint8Array(length)]);
      if ((await opener.open(nonce, additionalData, sealed)) === undefined)
        throw new Error('a record is not authentic');
    }
  };
}

interface Certified {
  readonly signedData: SignedData;
  readonly publicKey: Uint8Array;
}

function suiteOf(provider: CryptoProvider, suite: BulkSuiteName): SupportedCipherSuite {
  return provider.cipherSuites.find(({ id }) => id === CipherSuite[suites[suite]])!;
}

/** As many are given to a connection, and to the AEAD, before an answer is waited for: what fills WebCrypto's threads. */
const inFlight = 8;
const recordSize = 16_384;
const nonce = randomBytes(12);
const additionalData = Uint8Array.of(23, 3, 3, 64, 17);

function send(name: string, { provider, suite, clock, unit }: Backend): Bench {
  return contestBench([name], async () => {
    const { client } = await pairOf(await tylsConfigs(await webChain('ecdsa'), suite, { provider }));
    const { aead } = suiteOf(provider, suite);
    const sealer = aead.sealer(randomBytes(aead.keyLength));
    const data = [Buffer.alloc(recordSize, 'tyls')];
    const all = Buffer.alloc(inFlight * recordSize, 'tyls');
    const seal = async (): Promise<void> => {
      const sealing = Array.from({ length: inFlight }, () => sealer.seal(nonce, additionalData, data));
      for (const one of sealing) await one;
    };
    const alone = { figure: name, ...timedAsync(peerName, seal, clock) };
    const ours = timedAsync(
      'tyls',
      async () => {
        await client.send(all);
        client.takeOutput();
      },
      clock,
    );
    return { contest: { unit: unit.bulk, amount: all.length / 1e6, ours, peers: [alone], floor: alone } };
  });
}

function receive(name: string, { provider, suite, clock, unit }: Backend): Bench {
  return contestBench([name], async () => {
    const { client, server } = await pairOf(await tylsConfigs(await webChain('ecdsa'), suite, { provider }));
    const { aead } = suiteOf(provider, suite);
    const key = randomBytes(aead.keyLength);
    const sealed = await aead.sealer(key).seal(nonce, additionalData, [Buffer.alloc(recordSize, 'tyls')]);
    const opener = aead.opener(key);
    const open = async (): Promise<void> => {
      const opening = Array.from({ length: inFlight }, () => opener.open(nonce, additionalData, sealed));
      for (const one of opening) await one;
    };
    const all = Buffer.alloc(inFlight * recordSize, 'tyls');
    const alone = { figure: name, ...timedAsync(peerName, open, clock) };
    const ours: Contender = {
      name: 'tyls',
      async run(times) {
        let total = 0;
        for (let i = 0; i < times; i++) {
          await client.send(all);
          const records = Buffer.concat(client.takeOutput());
          const seconds = clock();
          await server.receive(records);
          server.takePlaintext();
          total += seconds();
        }
        return total;
      },
    };
    return { contest: { unit: unit.bulk, amount: all.length / 1e6, ours, peers: [alone], floor: alone } };
  });
}
