import { historyOf, type JobRecord, State } from '@ojs-ts/core/job';
import { isDeath } from '@ojs-ts/core/lifecycle';
import type { Problem } from '../context.ts';

/** So many entries the history of a job keeps; of a longer one some in between are gone. */
const kept = 20;

/**
 * Each claim ends exactly once, by an entry of the job's history that names the claim. An operator who discards an
 * active job ends a claim too: that entry names none.
 */
export function claimProblems(jobs: readonly JobRecord[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const job of jobs) {
    const ends = new Map<number, number>();
    const history = historyOf(job);
    for (const entry of history) if ('claim' in entry) ends.set(entry.claim, (ends.get(entry.claim) ?? 0) + 1);
    const broken = (message: string) => problems.push({ rule: 'claims', job: job.id, message });
    let byHand = history.filter((entry) => entry.kind === 'discarded' && entry.from === State.active).length;
    const isWaiting = (job.state & (State.available | State.retryable)) !== 0;
    for (let claim = 1; claim <= job.claim; claim++) {
      const count = ends.get(claim) ?? 0;
      if (count > 1) broken(`claim ${claim} of ${job.claim} ended ${count} times`);
      if (count === 0 && history.length < kept && (claim < job.claim || isWaiting) && byHand-- <= 0)
        broken(`claim ${claim} of ${job.claim} never ended`);
    }
    if (job.state === State.completed && ends.has(job.claim)) broken(`claim ${job.claim} completed and failed`);
  }
  return [...problems, ...deathProblems(jobs)];
}

/** A death counts against a job only if its worker held no other job. */
function deathProblems(jobs: readonly JobRecord[]): readonly Problem[] {
  const deaths = new Map<string, { readonly job: string; readonly counts: boolean }[]>();
  for (const job of jobs)
    for (const entry of historyOf(job)) {
      if (!isDeath(entry) || !('worker' in entry)) continue;
      const death = `${entry.worker} at ${entry.at}`;
      deaths.set(death, [...(deaths.get(death) ?? []), { job: job.id, counts: entry.kind === 'failed' }]);
    }
  return [...deaths].flatMap(([death, held]) =>
    held.length < 2
      ? []
      : held
          .filter(({ counts }) => counts)
          .map(({ job }) => ({
            rule: 'claims',
            job,
            message: `the death of ${death} counted, beside ${held.length - 1} jobs`,
          })),
  );
}
