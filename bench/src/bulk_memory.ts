/**
 * Application data without sockets, by CPU time. Against the AEAD alone, on records as long: the ratio is the part of the
 * AEAD's own speed that is left. And through both ends, beside `node:tls` over `duplexPair()`.
 */
import { createServer } from 'node:tls';
import { opening, sealing, tagLength } from './aead.ts';
import { atOnce } from './at_once.ts';
import { type Bench, contestBench } from './bench.ts';
import { type BulkSuiteName, bulkSuiteNames, nodeOptions, tylsConfigs } from './configs.ts';
import { type Contender, cpuClock, timed } from './contest.ts';
import { nodePair, tylsPair } from './memory_pair.ts';
import { webChain } from './pki.ts';
import { receiveBytes, sendBytes } from './streams.ts';

/** Of a write, and so of the record that it becomes; in the name of a figure for what is not a full record. */
export const writeSizes: readonly { readonly bytes: number; readonly suffix: string }[] = [
  { bytes: 16_384, suffix: '' },
  { bytes: 1024, suffix: '/1KiB' },
  { bytes: 64, suffix: '/64B' },
];

export const bulkMemory: readonly Bench[] = bulkSuiteNames.flatMap((suite) => [
  ...writeSizes.flatMap(({ bytes, suffix }) => [
    send(`bulk/send/${suite}/memory${suffix}`, suite, bytes),
    receive(`bulk/receive/${suite}/memory${suffix}`, suite, bytes),
  ]),
  through(`bulk/through/${suite}/memory`, suite),
]);

function send(name: string, suite: BulkSuiteName, bytes: number): Bench {
  return contestBench([name], async () => {
    const { client } = tylsPair(await tylsConfigs(await webChain('ecdsa'), suite));
    const data = Buffer.alloc(bytes, 'tyls');
    const aead = timed('the AEAD alone', sealing(suite, data));
    return {
      contest: {
        unit: 'MB/CPU s',
        amount: bytes / 1e6,
        ours: timed('tyls', () => {
          atOnce(client.send(data));
          client.takeOutput();
        }),
        peers: [{ figure: name, ...aead }],
        floor: aead,
      },
    };
  });
}

function receive(name: string, suite: BulkSuiteName, bytes: number): Bench {
  return contestBench([name], async () => {
    const { client, server } = tylsPair(await tylsConfigs(await webChain('ecdsa'), suite));
    const data = Buffer.alloc(bytes, 'tyls');
    const ours = arriving(
      'tyls',
      (records) => {
        for (let i = 0; i < records; i++) atOnce(client.send(data));
        return Buffer.concat(client.takeOutput());
      },
      (ciphertext) => {
        for (let at = 0; at < ciphertext.length; at += readSize) {
          atOnce(server.receive(ciphertext.subarray(at, at + readSize)));
          server.takePlaintext();
        }
      },
    );
    const [seal, unseal] = [sealing(suite, data), opening(suite)];
    const aead = arriving(
      'the AEAD alone',
      (records) =>
        Buffer.concat(Array.from({ length: records }, seal).flatMap(({ ciphertext, tag }) => [ciphertext, tag])),
      (records) => {
        for (let at = 0; at < records.length; at += bytes + tagLength) {
          const end = at + bytes;
          unseal({ ciphertext: records.subarray(at, end), tag: records.subarray(end, end + tagLength) });
        }
      },
    );
    return {
      contest: { unit: 'MB/CPU s', amount: bytes / 1e6, ours, peers: [{ figure: name, ...aead }], floor: aead },
    };
  });
}

/** As many records are sealed before the clock runs. */
const batch = 128;
/** As much as `node:net` reads at a time. */
const readSize = 65_536;

/** Opens what has just been sealed: what that leaves for the caches and the collector is the same for all. */
function arriving(name: string, seal: (records: number) => Uint8Array, open: (records: Uint8Array) => void): Contender {
  return {
    name,
    run(times) {
      let total = 0;
      for (let left = times; left > 0; left -= batch) {
        const records = seal(Math.min(left, batch));
        const seconds = cpuClock();
        open(records);
        total += seconds();
      }
      return total;
    },
  };
}

function through(name: string, suite: BulkSuiteName): Bench {
  return contestBench([name], async () => {
    const chain = await webChain('ecdsa');
    const { client, server } = tylsPair(await tylsConfigs(chain, suite));
    const options = nodeOptions(chain, suite);
    const node = await nodePair(createServer(options.server), options.client);
    const bytes = 16_384;
    const data = Buffer.alloc(bytes, 'tyls');
    return {
      contest: {
        unit: 'MB/CPU s',
        amount: bytes / 1e6,
        ours: timed('tyls', () => {
          atOnce(client.send(data));
          for (const piece of client.takeOutput()) atOnce(server.receive(piece));
          server.takePlaintext();
        }),
        peers: [
          {
            figure: name,
            name: 'node:tls',
            async run(times) {
              const seconds = cpuClock();
              const received = receiveBytes(node.server, times * bytes);
              await sendBytes(node.client, times * bytes, bytes);
              await received;
              return seconds();
            },
          },
        ],
      },
    };
  });
}
