import { historyOf, type JobRecord, State } from '@ojs-ts/core';
import type { Problem } from '../context.ts';

/** The history of a job keeps so many entries at least; older claims cannot be judged. */
const kept = 20;

/** Each claim ends exactly once, by an entry of the job's history that names the claim. */
export function claimProblems(jobs: readonly JobRecord[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const job of jobs) {
    const ends = new Map<number, number>();
    for (const entry of historyOf(job)) if ('claim' in entry) ends.set(entry.claim, (ends.get(entry.claim) ?? 0) + 1);
    const broken = (message: string) => problems.push({ rule: 'claims', job: job.id, message });
    const first = job.claim > kept ? Math.min(job.claim, ...ends.keys()) : 1;
    const isWaiting = (job.state & (State.available | State.retryable)) !== 0;
    for (let claim = first; claim <= job.claim; claim++) {
      const count = ends.get(claim) ?? 0;
      if (count > 1) broken(`claim ${claim} of ${job.claim} ended ${count} times`);
      if (count === 0 && (claim < job.claim || isWaiting)) broken(`claim ${claim} of ${job.claim} never ended`);
    }
    if (job.state === State.completed && ends.has(job.claim)) broken(`claim ${job.claim} completed and failed`);
  }
  return problems;
}
