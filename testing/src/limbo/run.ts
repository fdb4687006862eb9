/** Runs x509-limbo's cases one after another. */
import { nobleProvider } from '@tyls/crypto-noble';
import { nodeProvider } from '@tyls/crypto-node';
import { webcryptoProvider } from '@tyls/crypto-webcrypto';
import { type CryptoProvider } from '@tyls/tls-core';
import { defaultPolicy, type Policy, strictPolicy } from '@tyls/webpki';
import { judge, type LimboOptions } from './judge.ts';
import { type LimboCase } from './limbo_case.ts';
import { publicSuffixes } from './public_suffixes.ts';
import { type LimboReport, reportOf } from './report.ts';

export const limboPolicies: Readonly<Record<'default' | 'strict', () => Policy>> = {
  default: () => defaultPolicy,
  strict: () => ({ ...strictPolicy, isPublicSuffix: publicSuffixes() }),
};

export const limboProviders: Readonly<Record<'node' | 'noble' | 'webcrypto', () => CryptoProvider>> = {
  node: nodeProvider,
  noble: nobleProvider,
  webcrypto: webcryptoProvider,
};

export async function runLimbo(cases: readonly LimboCase[], options: LimboOptions): Promise<LimboReport> {
  const judgements = [];
  for (const one of cases) judgements.push(await judge(one, options));
  return reportOf(cases, judgements);
}
