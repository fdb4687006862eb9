/** x509-limbo's cases by every provider: what rustls-webpki says by default, and what x509-limbo expects when strict. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cpuClock } from '../../src/cpu_clock.ts';
import { strictExceptions } from '../../src/limbo/exceptions.ts';
import { readLimbo, type Verdict } from '../../src/limbo/limbo_case.ts';
import { type LimboReport, summaryOf } from '../../src/limbo/report.ts';
import { limboPolicies, limboProviders, runLimbo } from '../../src/limbo/run.ts';

const folder = fileURLToPath(new URL('../../../../shared/vectors/x509-limbo/', import.meta.url));
const isPresent = existsSync(folder);
if (!isPresent) console.log(`limbo: skipped, ${folder} is not there`);

const milliseconds: Readonly<Record<string, number>> = { node: 5_000, noble: 60_000, webcrypto: 60_000 };

describe.skipIf(!isPresent).each(Object.entries(limboProviders))('x509-limbo by %s', (name, makeProvider) => {
  const cases = isPresent ? readLimbo(`${folder}limbo-core.json.gz`) : [];
  const provider = makeProvider();
  const run = async (policy: keyof typeof limboPolicies): Promise<LimboReport> => {
    const spent = cpuClock();
    const report = await runLimbo(cases, { policy: limboPolicies[policy](), provider });
    expect(spent()).toBeLessThan(milliseconds[name]!);
    console.log(`${name}, ${policy} policy: ${summaryOf(report)}`);
    return report;
  };

  test('by default no certificate passes that rustls-webpki refuses, and none is refused for nothing', async () => {
    const { skipped, falseAccepts, falseRejects } = await run('default');
    const rustls = readVerdicts();
    expect(cases.length).toBeGreaterThan(200);
    expect(skipped).toEqual([]);
    expect(falseAccepts.filter((id) => rustls.get(id) !== 'SUCCESS')).toEqual([]);
    expect(falseRejects.filter((id) => rustls.get(id) !== 'FAILURE')).toEqual([]);
    const refused = new Set(falseRejects);
    const expected = cases.filter(({ expected_result }) => expected_result === 'SUCCESS').map(({ id }) => id);
    const accepted = new Set([...falseAccepts, ...expected.filter((id) => !refused.has(id))]);
    expect([...accepted].filter((id) => rustls.get(id) === 'FAILURE')).toEqual([]);
  }, 70_000);

  test('the strict policy does as is expected, but where another case contradicts', async () => {
    const { skipped, ok, falseAccepts, falseRejects } = await run('strict');
    expect(skipped).toEqual([]);
    expect([...falseAccepts, ...falseRejects].toSorted()).toEqual(Object.keys(strictExceptions).toSorted());
    expect(cases.length - ok).toBe(5);
  }, 70_000);
});

function readVerdicts(): ReadonlyMap<string, Verdict | 'SKIPPED'> {
  const [, ...lines] = readFileSync(`${folder}peer-verdicts.tsv`, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split('\t')).map(([id, , rustls]) => [id!, rustls as Verdict]));
}
