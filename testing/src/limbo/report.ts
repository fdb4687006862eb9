/** What a run over x509-limbo's cases found. */
import { type Judgement } from './judge.ts';
import { type LimboCase } from './limbo_case.ts';

export interface LimboReport {
  /** A line for each case that is not as expected: id, expected, got, error. */
  readonly disagreements: readonly string[];
  readonly skipped: readonly string[];
  readonly ok: number;
  readonly falseAccepts: readonly string[];
  readonly falseRejects: readonly string[];
}

/** @param judgements in the order of the cases */
export function reportOf(cases: readonly LimboCase[], judgements: readonly Judgement[]): LimboReport {
  const disagreements: string[] = [];
  const skipped: string[] = [];
  const falseAccepts: string[] = [];
  const falseRejects: string[] = [];
  for (const [i, { id, expected_result: expected }] of cases.entries()) {
    const { verdict, why } = judgements[i]!;
    if (verdict === expected) continue;
    disagreements.push(`${id}, ${expected}, ${verdict}, ${why === '' ? '-' : why}`);
    if (verdict === 'SKIPPED') skipped.push(id);
    else (verdict === 'SUCCESS' ? falseAccepts : falseRejects).push(id);
  }
  return { disagreements, skipped, ok: cases.length - disagreements.length, falseAccepts, falseRejects };
}

export function summaryOf({ ok, falseAccepts, falseRejects, skipped }: LimboReport): string {
  return (
    `limbo: ${ok} ok, ${falseAccepts.length} false-accept, ` +
    `${falseRejects.length} false-reject, ${skipped.length} skipped`
  );
}
