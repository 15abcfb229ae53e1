import { blindFetches, jumpsWithin, mayBeRemoved, mayBeRetried } from '../certainty.ts';
import type { Rule } from '../rule.ts';
import type { Claim, Deed, JobHistory, Timeline } from '../timeline.ts';

/** Attempts count up one by one and end at the maximum; no claim comes before its time. */
export const attempts: Rule = (timeline, broken) => {
  let judged = 0;
  const blind = blindFetches(timeline);
  for (const job of timeline.jobs.values()) {
    const { claims, asked, id } = job;
    const report = (claim: Claim, message: string) => broken({ at: claim.to, job: id, message });
    const early = claims[0] && asked && beforeDue(timeline, job, claims[0]);
    if (claims[0] && early) report(claims[0], early);
    for (const claim of claims) {
      judged += 1;
      const most = asked?.retry?.maxAttempts;
      if (claim.attempt < 1) report(claim, `attempt ${claim.attempt}: attempts count from 1`);
      // The rule `progress` judges a job with steps.
      const hasSteps = job.records.length > 0;
      if (!hasSteps && most !== undefined && claim.attempt > most && !mayBeRetried(job, { from: 0, to: claim.to }))
        report(claim, `attempt ${claim.attempt} of at most ${most}`);
    }
    for (const [index, later] of claims.entries()) {
      const earlier = claims[index - 1];
      if (earlier === undefined || earlier.to > later.from) continue;
      const between = { from: earlier.from, to: later.to };
      if (mayBeRetried(job, between) || mayBeRemoved(job, between)) continue;
      const unseen = blind(later.queue).some(({ from }) => from >= earlier.from && from <= later.to);
      const message = wrongStep(job, earlier, later, unseen) ?? beforeBackoff(timeline, job, earlier, later);
      if (message) report(later, message);
    }
  }
  return judged;
};

/** The failure that the lease reported. */
function nackOf(job: JobHistory, claim: Claim): Deed<'nack'> | undefined {
  return job.settlements.find(
    (deed): deed is Deed<'nack'> =>
      deed.call.op === 'nack' && deed.call.lease === claim.lease && deed.outcome === 'done',
  );
}

function wrongStep(job: JobHistory, earlier: Claim, later: Claim, unseen: boolean): string | undefined {
  const step = later.attempt - earlier.attempt;
  const nack = nackOf(job, earlier);
  if (later.claim !== undefined && earlier.claim !== undefined && later.claim <= earlier.claim)
    return `claim ${later.claim} follows claim ${earlier.claim}; expected a higher number`;
  const between =
    later.claim !== undefined && earlier.claim !== undefined ? later.claim - earlier.claim : unseen ? Infinity : 1;
  if (nack !== undefined && nack.call.counted !== false && step < 1)
    return `attempt ${later.attempt} follows the failed attempt ${earlier.attempt}`;
  if (nack?.call.counted === false && between === 1 && step !== 0)
    return `attempt ${later.attempt} follows attempt ${earlier.attempt}, which was not to count`;
  if (step < 0 || step > between) return `attempt ${later.attempt} follows attempt ${earlier.attempt}`;
  return undefined;
}

/** Whether somebody may have made the job available before its time. */
export function mayBeHurried({ operations }: JobHistory): boolean {
  return operations.some(({ call, outcome }) => call.op === 'activate' && outcome !== 'refused');
}

/** Whether somebody may have ended the job before its time, and started it anew. */
function mayBeRestarted({ asked, operations, replaced }: JobHistory, before: number): boolean {
  const began = operations.filter(({ outcome, from }) => outcome !== 'refused' && from <= before);
  const ends = [...began.filter(({ call }) => call.op === 'cancel' || call.op === 'discard'), ...replaced];
  return began.some(
    ({ call, to }) => call.op === 'retry' && (asked?.expires === true || ends.some(({ from }) => from <= to)),
  );
}

function beforeBackoff(timeline: Timeline, job: JobHistory, earlier: Claim, later: Claim): string | undefined {
  const nack = nackOf(job, earlier);
  const backoff = job.asked?.retry?.backoffMs ?? [];
  if (nack === undefined || mayBeHurried(job) || jumpsWithin(timeline, nack.from, later.to)) return undefined;
  const wait =
    nack.call.delayMs ?? (nack.call.counted === false ? 0 : backoff[Math.min(earlier.attempt, backoff.length) - 1]);
  const earliest = nack.from + (wait ?? 0) - (timeline.config.toleranceMs ?? 0);
  return later.to < earliest
    ? `was claimed by ${later.to}; its backoff ends at ${earliest} at the earliest`
    : undefined;
}

function beforeDue(timeline: Timeline, job: JobHistory, first: Claim): string | undefined {
  const dueAt = job.asked?.dueAt;
  if (dueAt === undefined || mayBeHurried(job) || mayBeRestarted(job, first.to)) return undefined;
  if (jumpsWithin(timeline, job.created?.from ?? 0, first.to)) return undefined;
  return first.to < dueAt - (timeline.config.toleranceMs ?? 0)
    ? `was claimed by ${first.to}; it is due at ${dueAt}`
    : undefined;
}
