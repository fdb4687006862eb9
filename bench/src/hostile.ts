/**
 * What the most hostile chains cost, each built to use up one of the budgets of path building. Beside them stands the
 * second that none of them is to take: the libraries that the other figures are compared with have no such limits.
 */
import { type CryptoProvider, isTlsError, parseServerName } from '@tyls/tls-core';
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { contextTag, derEncode, DerTag } from '@tyls/tls-core/der';
import { createCa, type TestCa, testName } from '@tyls/testing';
import { serverCertVerifier, trustAnchorFromCertificate } from '@tyls/webpki';
import { atOnce } from './at_once.ts';
import { type Bench } from './bench.ts';
import { cpuClock } from './contest.ts';
import { figureOf } from './figure.ts';

interface Hostile {
  readonly root: TestCa;
  readonly endEntity: Uint8Array;
  readonly intermediates: readonly TestCa[];
  /** The budget that it uses up, as the error has it. */
  readonly what: string;
}

const attacks: Readonly<Record<string, { readonly build: () => Promise<Hostile>; readonly provider: CryptoProvider }>> =
  {
    'webpki/hostile/steps': { build: namesakes, provider: nodeProvider() },
    'webpki/hostile/name-constraints': { build: manyNames, provider: nodeProvider() },
    'webpki/hostile/signatures': { build: forgeries, provider: nodeProvider() },
    'webpki/hostile/signatures/noble': { build: forgeries, provider: nobleProvider() },
  };

/** They take long enough for one to be a turn. */
const maxRounds = 5;

export const hostile: readonly Bench[] = Object.entries(attacks).map(([name, { build, provider }]) => ({
  names: [name],
  async run({ rounds }) {
    const verify = refusal(await build(), provider);
    verify();
    const values = Array.from({ length: Math.min(rounds, maxRounds) }, () => {
      const seconds = cpuClock();
      verify();
      return seconds() * 1e6;
    });
    return [figureOf(name, 'CPU µs', values, { name: 'its limit of 1 s', values: values.map(() => 1e6) }, undefined)];
  },
}));

function refusal({ root, endEntity, intermediates, what }: Hostile, provider: CryptoProvider): () => void {
  const verifier = serverCertVerifier({ roots: [trustAnchorFromCertificate(root.certificate)], provider });
  const presented = {
    endEntity,
    intermediates: intermediates.map(({ certificate }) => certificate),
    serverName: parseServerName(testName),
    ocspResponse: undefined,
    sctList: undefined,
    now: Date.now(),
  };
  return () => {
    try {
      atOnce(verifier.verifyServerCert(presented));
    } catch (error) {
      const detail = isTlsError(error) ? error.detail : undefined;
      if (detail?.code === 'InvalidCertificate' && detail.reason === 'BudgetExceeded' && detail.what === what) return;
      throw error;
    }
    throw new Error(`${what} are not used up`);
  };
}

/** CAs that all have one name, each of which may have issued each other. */
async function namesakes(): Promise<Hostile> {
  const first = await createCa({ name: 'same' });
  const intermediates = [first];
  for (let i = 0; i < 30; i++) intermediates.push(await createCa({ name: 'same', issuer: first }));
  const { certificate: endEntity } = await first.issue({ names: [testName] });
  return { root: await createCa(), endEntity, intermediates, what: 'path-building steps' };
}

/** Intermediates that claim to be by the root, and are not. P-384 is the dearest key that roots of the web have. */
async function forgeries(): Promise<Hostile> {
  const name = 'root';
  const forger = await createCa({ name, keyType: 'p384' });
  const keyOf = await createCa({ name: 'forged', issuer: forger });
  const intermediates = [keyOf];
  for (let i = 0; i < 100; i++) intermediates.push(await createCa({ name: 'forged', issuer: forger }));
  const { certificate: endEntity } = await keyOf.issue({ names: [testName] });
  return { root: await createCa({ name, keyType: 'p384' }), endEntity, intermediates, what: 'signatures' };
}

/** Many names in the end entity, many constraints in its issuer. */
async function manyNames(): Promise<Hostile> {
  const dnsNames = (count: number, prefix: string): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => derEncode(contextTag(2, false), Buffer.from(`${prefix}${i}.test`)));
  const sequence = (...parts: readonly Uint8Array[]): Uint8Array => derEncode(DerTag.sequence, ...parts);
  const root = await createCa();
  const excluded = derEncode(contextTag(1, true), ...dnsNames(510, 'x').map((name) => sequence(name)));
  const issuer = await createCa({
    name: 'constrained',
    issuer: root,
    extensions: [{ oid: '2.5.29.30', critical: true, value: sequence(excluded) }],
  });
  const subjectAltName = { oid: '2.5.29.17', value: sequence(...dnsNames(500, 'a')) };
  const { certificate: endEntity } = await issuer.issue({ names: [testName], extensions: [subjectAltName] });
  return { root, endEntity, intermediates: [issuer], what: 'comparisons with name constraints' };
}
