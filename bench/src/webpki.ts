/** Certificates: parsing one, verifying a chain, and what the most hostile chains cost. By CPU time. */
import {
  type Awaitable,
  type CryptoProvider,
  isPromise,
  parseServerName,
  type PeerVerified,
  type ServerCertificates,
  type SignatureVerification,
} from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { testName } from '@tyls/testing';
import { parseCertificate, serverCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import * as x509 from '@peculiar/x509';
import { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { atOnce } from './at_once.ts';
import { type Bench, contestBench } from './bench.ts';
import { type Contender, timed, timedAsync } from './contest.ts';
import { chainKinds, type WebChain, webChain } from './pki.ts';
import { verifyByNodeCrypto, verifyByPeculiar, verifyByPkijs } from './webpki_peers.ts';

const unit = 'CPU µs';

const parse: Bench = contestBench(
  ['webpki/parse/leaf/node-crypto', 'webpki/parse/leaf/peculiar', 'webpki/parse/leaf/pkijs'],
  async () => {
    const { endEntity } = await webChain('ecdsa');
    const der = new Uint8Array(endEntity);
    return {
      contest: {
        unit,
        ours: timed('tyls', () => parseCertificate(der)),
        peers: [
          // Decodes most extensions only when they are asked for.
          { figure: 'webpki/parse/leaf/node-crypto', ...timed('node:crypto', () => new X509Certificate(der)) },
          { figure: 'webpki/parse/leaf/peculiar', ...timed('@peculiar/x509', () => new x509.X509Certificate(der)) },
          { figure: 'webpki/parse/leaf/pkijs', ...timed('pkijs', () => pkijs.Certificate.fromBER(der)) },
        ],
      },
    };
  },
);

/**
 * Everything but the signatures: parsing, path building, every check, the server's name. Only to time that; whoever
 * verifies like this is deceived by anybody.
 */
const logic: readonly Bench[] = chainKinds.map((kind) => {
  const name = `webpki/logic/${kind}`;
  return contestBench([name], async () => {
    const chain = await webChain(kind);
    const provider = { ...nodeProvider(), signatureVerification: dangerousEverySignatureIsValid(nodeProvider()) };
    return {
      contest: {
        unit,
        ours: timedEither('tyls', verifyByTyls(chain, provider)),
        peers: [{ figure: name, ...timed('node:crypto', verifyByNodeCrypto(chain, false)) }],
      },
    };
  });
});

const providers = { node: nodeProvider, webcrypto: webcryptoProvider, noble: nobleProvider } as const;

const verify: readonly Bench[] = (Object.keys(providers) as (keyof typeof providers)[]).flatMap((providerName) =>
  chainKinds.map((kind) => {
    const name = `webpki/verify/${kind}/${providerName}`;
    const figures = { nodeCrypto: `${name}/node-crypto`, peculiar: `${name}/peculiar`, pkijs: `${name}/pkijs` };
    return contestBench(Object.values(figures), async () => {
      const chain = await webChain(kind);
      const provider = providers[providerName]();
      return {
        contest: {
          unit,
          ours: timedEither('tyls', verifyByTyls(chain, provider)),
          peers: [
            { figure: figures.nodeCrypto, ...timed('node:crypto', verifyByNodeCrypto(chain, true)) },
            { figure: figures.peculiar, ...timedAsync('@peculiar/x509', verifyByPeculiar(chain)) },
            { figure: figures.pkijs, ...timedAsync('pkijs', verifyByPkijs(chain)) },
          ],
          floor: timedEither('its signatures', await signaturesAlone(chain, provider)),
        },
      };
    });
  }),
);

export const webpki: readonly Bench[] = [parse, ...logic, ...verify];

function verifyByTyls(chain: WebChain, provider: CryptoProvider): () => Awaitable<PeerVerified> {
  const verifier = serverCertVerifier({ roots: [trustAnchorFromCertificate(chain.root)], provider });
  const presented: Omit<ServerCertificates, 'now'> = {
    endEntity: chain.endEntity,
    intermediates: [chain.intermediate],
    serverName: parseServerName(testName),
    ocspResponse: undefined,
    sctList: undefined,
  };
  return () => verifier.verifyServerCert({ ...presented, now: Date.now() });
}

function dangerousEverySignatureIsValid({ signatureVerification }: CryptoProvider): SignatureVerification {
  const valid = { verify: () => true };
  return {
    algorithms: signatureVerification.algorithms.map((one) => ({ ...one, ...valid })),
    schemes: signatureVerification.schemes,
  };
}

/** The verifications of signatures that the provider is asked for when this chain is verified. */
async function signaturesAlone(chain: WebChain, provider: CryptoProvider): Promise<() => Awaitable<unknown>> {
  const asked: (() => Awaitable<boolean>)[] = [];
  const algorithms = provider.signatureVerification.algorithms.map((algorithm) => ({
    ...algorithm,
    verify(...given: Parameters<typeof algorithm.verify>): Awaitable<boolean> {
      asked.push(() => algorithm.verify(...given));
      return algorithm.verify(...given);
    },
  }));
  const signatureVerification = { ...provider.signatureVerification, algorithms };
  const verified = verifyByTyls(chain, { ...provider, signatureVerification })();
  if (!isPromise(verified)) {
    return () => {
      for (const verification of asked) atOnce(verification());
    };
  }
  await verified;
  // One after another, as they are when a path is verified from its anchor down.
  return async () => {
    for (const verification of asked) await verification();
  };
}

/** A job that answers at once with some providers. */
function timedEither(name: string, job: () => Awaitable<unknown>): Contender {
  const isAsynchronous = isPromise(job());
  return isAsynchronous ? timedAsync(name, async () => void (await job())) : timed(name, () => atOnce(job()));
}
