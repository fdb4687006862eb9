/** What handshakes and records take of a provider, of the wire and of memory: numbers that are the same on every machine. */
import { nodeProvider } from '@tyls/crypto-node';
import {
  type Aead,
  type CryptoProvider,
  type Hash,
  type Hkdf,
  type KeyExchangeGroup,
  type SignatureVerification,
} from '@tyls/tls-core/provider';
import { type ArrayCount } from './array_count.ts';
import { atOnce } from './at_once.ts';
import { suiteOf, tylsConfigs, versions } from './configs.ts';
import { tylsPair } from './memory_pair.ts';
import { webChain } from './pki.ts';

export type Counts = Record<string, number>;

/** Calls into the provider in a handshake, both sides together, and the bytes that each side sends. */
export async function handshakeCounts(): Promise<Counts> {
  const counts: Counts = {};
  // Signatures of RSA have one length, those of ECDSA three.
  const chain = await webChain('rsa');
  for (const version of versions) {
    for (const kind of ['full', 'resumed'] as const) {
      let isCounted = kind === 'full';
      const count = (what: string, by: number = 1): void => {
        if (!isCounted) return;
        const name = `handshake/${kind}/${version}/${what}`;
        counts[name] = (counts[name] ?? 0) + by;
      };
      const options = { provider: counting(nodeProvider(), count), resumes: kind === 'resumed' };
      const configs = await tylsConfigs(chain, suiteOf(version, 'rsa'), options);
      if (kind === 'resumed') tylsPair(configs);
      isCounted = true;
      tylsPair(configs, (by, bytes) => count(`bytes/${by}`, bytes));
    }
  }
  return counts;
}

/** What a record takes that is not the provider's, on the side that sends it and on the one that receives it. */
export async function recordCounts(counted: () => ArrayCount): Promise<Counts> {
  const { client, server } = tylsPair(await tylsConfigs(await webChain('rsa'), 'aes128gcm'));
  const counts: Counts = {};
  for (const [size, bytes] of [
    ['16KiB', 16_384],
    ['64B', 64],
  ] as const) {
    const data = Buffer.alloc(bytes);
    const before = counted();
    atOnce(client.send(data));
    const output = client.takeOutput();
    const sent = counted();
    const record = Buffer.concat(output);
    const received = counted();
    atOnce(server.receive(record));
    const plaintext = server.takePlaintext();
    const after = counted();
    counts[`record/send/${size}/arrays`] = sent.made - before.made;
    counts[`record/send/${size}/copied`] = sent.copied - before.copied;
    counts[`record/send/${size}/pieces`] = output.length;
    counts[`record/send/${size}/bytes`] = record.length;
    counts[`record/receive/${size}/arrays`] = after.made - received.made;
    counts[`record/receive/${size}/copied`] = after.copied - received.copied;
    counts[`record/receive/${size}/pieces`] = plaintext.length;
  }
  return counts;
}

/** The provider, telling of every call that costs something. */
function counting(provider: CryptoProvider, called: (what: string) => void): CryptoProvider {
  const told =
    <Args extends readonly unknown[], Result>(what: string, call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      called(what);
      return call(...args);
    };
  const hash = (one: Hash): Hash => ({
    ...one,
    start() {
      called('hashes');
      const context = one.start();
      return { update: context.update, peek: told('digests', context.peek) };
    },
  });
  const hkdf = (one: Hkdf): Hkdf => ({
    hmac: told('hmacs', one.hmac),
    extract: told('hmacs', one.extract),
    // No longer than a block of output, but for the keys of TLS 1.2, which are made with hmac.
    expand: told('hmacs', one.expand),
  });
  const aead = (one: Aead): Aead => ({
    ...one,
    sealer(key) {
      const sealer = told('keys', one.sealer)(key);
      return { seal: told('seals', sealer.seal) };
    },
    opener(key) {
      const opener = told('keys', one.opener)(key);
      return { open: told('opens', opener.open) };
    },
  });
  const group = (one: KeyExchangeGroup): KeyExchangeGroup => ({
    ...one,
    start: told('key-exchanges', one.start),
    respond: told('key-exchanges', one.respond),
  });
  const verification = ({ algorithms, schemes }: SignatureVerification): SignatureVerification => {
    const counted = new Map(algorithms.map((one) => [one, { ...one, verify: told('verifications', one.verify) }]));
    return {
      algorithms: [...counted.values()],
      schemes: schemes.map(({ scheme, algorithms: some }) => ({
        scheme,
        algorithms: some.map((one) => counted.get(one)!),
      })),
    };
  };
  return {
    ...provider,
    cipherSuites: provider.cipherSuites.map((suite) => ({
      ...suite,
      hash: hash(suite.hash),
      hkdf: hkdf(suite.hkdf),
      aead: aead(suite.aead),
    })),
    keyExchangeGroups: provider.keyExchangeGroups.map(group),
    signatureVerification: verification(provider.signatureVerification),
    random: told('randoms', provider.random),
    async loadPrivateKey(der) {
      const key = await provider.loadPrivateKey(der);
      return {
        ...key,
        chooseScheme(offered) {
          const signer = key.chooseScheme(offered);
          return signer === undefined ? undefined : { ...signer, sign: told('signatures', signer.sign) };
        },
      };
    },
  };
}
