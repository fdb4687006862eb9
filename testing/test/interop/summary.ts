/** A table of what was tried and how it went. */
import { type RunnerTestCase } from 'vitest';

/**
 * A row for the tests that are under one top-level suite, which names the peers, and whose names, or those of their
 * groups, are the same there up to a comma or colon.
 */
export function summary(tests: readonly RunnerTestCase[]): string {
  const rows = new Map<string, Map<string, { passed: number; failed: number }>>();
  for (const test of tests) {
    const [peers = '', what = ''] = pathOf(test);
    const ofPeers = rows.get(peers) ?? new Map<string, { passed: number; failed: number }>();
    const subject = what.split(/[,:]/, 1)[0]!;
    const row = ofPeers.get(subject) ?? { passed: 0, failed: 0 };
    rows.set(peers, ofPeers.set(subject, row));
    if (test.result?.state === 'pass') row.passed++;
    else row.failed++;
  }
  const lines = [...rows].flatMap(([peers, ofPeers]) =>
    [...ofPeers].map(([subject, { passed, failed }]) => {
      const result = failed === 0 ? `${passed} ok` : `${failed} of ${passed + failed} FAILED`;
      return [peers, subject, result] as const;
    }),
  );
  const width = (column: 0 | 1): number => Math.max(...lines.map((line) => line[column].length));
  return lines
    .map(([peers, subject, result]) => `${peers.padEnd(width(0))}  ${subject.padEnd(width(1))}  ${result}`)
    .join('\n');
}

/** The names of the suites around a test, from the outermost on, and its own. */
function pathOf(test: RunnerTestCase): string[] {
  const names = [test.name];
  for (let { suite } = test; suite !== undefined; { suite } = suite) names.unshift(suite.name);
  return names;
}
