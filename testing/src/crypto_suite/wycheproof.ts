/**
 * Project Wycheproof against a provider. Every case of every file is run, or counted as skipped with its reason; a table
 * of that is printed at the end.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { type Subject } from './subject.ts';
import { casesOf } from './wycheproof_cases.ts';
import { readWycheproof, type VectorFile, wycheproofFiles } from './wycheproof_vectors.ts';

/** @param only which files, by the beginning of their name; all by default */
export function wycheproofSuite(subject: Subject, only = ''): void {
  const files = wycheproofFiles()?.filter((name) => name.startsWith(only));
  const rows: string[] = [];
  afterAll(() => {
    if (rows.length > 0) console.log([`Wycheproof on ${subject.name}: file, cases, run, skipped`, ...rows].join('\n'));
  });
  describe.skipIf(files === undefined)(`Wycheproof on ${subject.name}`, () => {
    test.each(files ?? [])(
      '%s',
      async (name) => {
        const file = readWycheproof(name);
        const { run, skipped, failures } = await runFile(subject, file);
        const reasons = [...skipped];
        rows.push(
          `${name.replace('_test.json.gz', '').padEnd(30)} ${String(file.numberOfTests).padStart(4)} ` +
            `${String(run).padStart(4)}  ${reasons.map(([reason, count]) => `${count} ${reason}`).join(', ')}`,
        );
        expect(failures).toEqual([]);
        expect(run + reasons.reduce((sum, [, count]) => sum + count, 0)).toBe(file.numberOfTests);
      },
      60_000,
    );
  });
}

interface Tally {
  readonly run: number;
  /** How many for each reason. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

async function runFile(subject: Subject, file: VectorFile): Promise<Tally> {
  const skipped = new Map<string, number>();
  const failures: string[] = [];
  let run = 0;
  for (const group of file.testGroups) {
    for (const { id, outcome } of casesOf(subject, file, group)) {
      // One after another: thousands of promises at once would only queue.
      const result = await outcome();
      if (typeof result === 'object') {
        skipped.set(result.skipped, (skipped.get(result.skipped) ?? 0) + 1);
      } else {
        run++;
        if (!result) failures.push(id);
      }
    }
  }
  return { run, skipped, failures };
}
