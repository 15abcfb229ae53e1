import type { Problem } from '../context.ts';
import type { HistoryLine } from '../history/recorder.ts';

/** A client that repeats a call whose answer was lost gets its own job, not a refusal that names the job itself. */
export function repeatProblems(lines: readonly HistoryLine[]): readonly Problem[] {
  return lines.flatMap(({ kind, at, jobs }) => {
    if (kind !== 'answer' || !Array.isArray(jobs)) return [];
    return jobs
      .filter(({ id, status, existing }) => status === 'duplicate' && existing === id)
      .map(({ id }) => ({
        rule: 'repeats',
        job: id,
        message: `at ${Math.round(at)} was refused as a duplicate of itself`,
      }));
  });
}
