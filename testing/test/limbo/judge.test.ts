/** Cases of our own, in x509-limbo's format, for what its core has none of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createCa, type TestCa, type TestIdentity } from '@tyls/testing';
import { defaultPolicy } from '@tyls/webpki';
import { beforeAll, describe, expect, test } from 'vitest';
import { judge } from '../../src/limbo/judge.ts';
import { type LimboCase, readLimbo } from '../../src/limbo/limbo_case.ts';
import { publicSuffixes } from '../../src/limbo/public_suffixes.ts';
import { reportOf, summaryOf } from '../../src/limbo/report.ts';
import { limboProviders } from '../../src/limbo/run.ts';

let root: TestCa;
let server: TestIdentity;
beforeAll(async () => {
  root = await createCa();
  server = await root.issue({ names: ['a.test'] });
});

const caseOf = (more: Partial<LimboCase> = {}): LimboCase => ({
  id: 'own::case',
  validation_kind: 'SERVER',
  trusted_certs: [root.certificatePem],
  untrusted_intermediates: [],
  peer_certificate: server.certificatePem,
  signature_algorithms: [],
  key_usage: [],
  extended_key_usage: [],
  expected_result: 'SUCCESS',
  expected_peer_name: { kind: 'DNS', value: 'a.test' },
  expected_peer_names: [],
  ...more,
});
const verdictOf = async (more?: Partial<LimboCase>): Promise<string> => {
  const { verdict, why } = await judge(caseOf(more), { policy: defaultPolicy, provider: limboProviders.node() });
  return why === '' ? verdict : `${verdict} ${why}`;
};

test('signature algorithms, key usages and purposes are constraints', async () => {
  expect(await verdictOf()).toBe('SUCCESS');
  expect(await verdictOf({ signature_algorithms: ['ECDSA_WITH_SHA256'] })).toBe('SUCCESS');
  expect(await verdictOf({ signature_algorithms: ['RSA_WITH_SHA256'] })).toMatch(/^FAILURE .*Unsupported/);
  expect(await verdictOf({ key_usage: ['digitalSignature'] })).toBe('SUCCESS');
  expect(await verdictOf({ key_usage: ['contentCommitment'] })).toMatch(/^FAILURE .*KeyUsageForbidden/);
  expect(await verdictOf({ extended_key_usage: ['clientAuth'] })).toBe('SUCCESS');
  expect(await verdictOf({ extended_key_usage: ['codeSigning'] })).toBe('SKIPPED the purpose codeSigning');
  expect(await verdictOf({ extended_key_usage: ['clientAuth', 'serverAuth'] })).toMatch(/^SKIPPED/);
});

test('what there is nothing to verify with is refused', async () => {
  expect(await verdictOf({ trusted_certs: [] })).toMatch(/^FAILURE no roots/);
  expect(await verdictOf({ expected_peer_name: { kind: 'DNS', value: 'a b' } })).toMatch(/^FAILURE not a DNS name/);
  expect(await verdictOf({ peer_certificate: 'nothing' })).toMatch(/^FAILURE no certificate/);
});

test('a case that fails for another reason is not a refusal', async () => {
  await expect(verdictOf({ validation_time: 'soon' })).rejects.toThrow(/own::case fails otherwise/);
});

test('files are read with compression and without', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tyls-limbo-'));
  try {
    const text = JSON.stringify({ version: 1, testcases: [caseOf()] });
    for (const [name, content] of [
      ['limbo.json', text],
      ['limbo.json.gz', gzipSync(text)],
    ] as const) {
      writeFileSync(join(folder, name), content);
      expect(readLimbo(join(folder, name))).toEqual([caseOf()]);
    }
    writeFileSync(join(folder, 'two.json'), JSON.stringify({ version: 2, testcases: [] }));
    expect(() => readLimbo(join(folder, 'two.json'))).toThrow(/version 2/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a report has a line for each disagreement, and counts', () => {
  const [fine, accepted, refused, skipped] = [
    caseOf(),
    caseOf({ expected_result: 'FAILURE' }),
    caseOf({ id: 'own::refused' }),
    caseOf({ id: 'own::skipped' }),
  ];
  const report = reportOf(
    [fine, accepted, refused, skipped],
    [
      { verdict: 'SUCCESS', why: '' },
      { verdict: 'SUCCESS', why: '' },
      { verdict: 'FAILURE', why: 'Code: why' },
      { verdict: 'SKIPPED', why: 'a purpose' },
    ],
  );
  expect(report.disagreements).toEqual([
    'own::case, FAILURE, SUCCESS, -',
    'own::refused, SUCCESS, FAILURE, Code: why',
    'own::skipped, SUCCESS, SKIPPED, a purpose',
  ]);
  expect(summaryOf(report)).toBe('limbo: 1 ok, 1 false-accept, 1 false-reject, 1 skipped');
});

describe('public suffixes', () => {
  const list = ['// a comment', 'com', 'co.uk', '*.ck', '!www.ck', ''].join('\n');
  test.each([
    ['com', true],
    ['a.com', false],
    ['co.uk', true],
    ['a.co.uk', false],
    ['b.ck', true],
    ['a.b.ck', false],
    ['www.ck', false],
    ['unknown', true],
    ['a.unknown', false],
  ])('%s: %s', (domain, expected) => {
    expect(publicSuffixes(list)(domain)).toBe(expected);
  });

  test('are at hand without a list of the machine', () => {
    expect(['co.uk', 's3.amazonaws.com', 'example.com'].map(publicSuffixes())).toEqual([true, true, false]);
  });
});
