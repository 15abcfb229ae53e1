import { isObject } from '@ojs-ts/core';
import { claimOf, historyOf, type JobRecord, State } from '@ojs-ts/core/job';
import type { Problem, Run } from '../context.ts';

/**
 * A lease runs once. A completed job has the result of an execution that ended well, and no such one failed. A job that
 * an operator deleted is not judged: a late copy of its request makes it anew, with its claims.
 */
export function runProblems(
  jobs: readonly JobRecord[],
  runs: readonly Run[],
  removed: ReadonlySet<unknown>,
): readonly Problem[] {
  const problems: Problem[] = [];
  const byLease = new Map<string, Run>();
  const byJob = new Map<string, Run[]>();
  for (const run of runs) {
    if (removed.has(run.job)) continue;
    const lease = `${run.job} ${run.lease}`;
    const other = byLease.get(lease);
    if (other !== undefined)
      problems.push({ rule: 'runs', job: run.job, message: `${run.lease} ran at ${other.worker} and ${run.worker}` });
    byLease.set(lease, run);
    byJob.set(run.job, [...(byJob.get(run.job) ?? []), run]);
  }
  for (const job of jobs) {
    if (removed.has(job.id)) continue;
    const own = byJob.get(job.id) ?? [];
    const broken = (message: string) => problems.push({ rule: 'runs', job: job.id, message });
    if (job.state === State.completed) {
      const result: unknown = job.result === null ? null : JSON.parse(job.result);
      const lease = isObject(result) ? result.lease : undefined;
      if (own.find((run) => run.lease === lease)?.succeeded !== true)
        broken(`is completed by ${lease}, which did not end well`);
      if (typeof lease === 'string' && claimOf(lease) !== job.claim)
        broken(`is completed by ${lease}; its last claim is ${job.claim}`);
      const { found = 0, saved = 0 } = own.find((run) => run.lease === lease)?.checkpoint ?? {};
      // A checkpoint ends with its job, so a job that an operator retried after its end counts from 1 again.
      const isRetried = historyOf(job).some(({ kind }) => kind === 'retried');
      if (found < saved && !isRetried)
        broken(`was completed from checkpoint ${found}; ${saved} was acknowledged before`);
    }
    const reported = historyOf(job).filter((entry) => entry.kind === 'failed' && entry.by !== 'server').length;
    const failed = own.filter(({ succeeded }) => succeeded !== true).length;
    if (reported > failed) broken(`failed ${reported} times; ${failed} executions did not end well`);
  }
  return problems;
}
