import { jumpsWithin, mayBeRemoved, mayBeRetried } from '../certainty.ts';
import type { Rule } from '../rule.ts';
import type { Claim, Deed, JobHistory } from '../timeline.ts';
import { mayBeHurried } from './attempts.ts';

type Suspension = Deed<'nack'>;

function isSuspension(deed: Deed<'ack' | 'nack'>): deed is Suspension {
  return deed.outcome !== 'refused' && 'waits' in deed.call && deed.call.waits !== undefined;
}

/** When the earliest wait ends, at the earliest. An open wait keeps the end of the suspension that began it. */
function earliestEnd(suspensions: readonly Suspension[], { call, from }: Suspension): number {
  const ends = (call.waits ?? []).map(({ name, ms }) => {
    if (ms !== undefined) return from + ms;
    const earlier = suspensions.flatMap((one) =>
      (one.call.waits ?? []).flatMap((wait) =>
        wait.name === name && wait.ms !== undefined && one.from < from ? [one.from + wait.ms] : [],
      ),
    );
    return Math.min(...earlier, earlier.length > 0 ? Number.POSITIVE_INFINITY : 0);
  });
  return Math.min(...ends);
}

/** A suspended job is not claimed before one of its waits has ended. That it is claimed at all is the rule `stuck`. */
export const suspend: Rule = (timeline, broken) => {
  let judged = 0;
  const tolerance = timeline.config.toleranceMs ?? 0;
  for (const job of timeline.jobs.values()) {
    const suspensions = job.settlements.filter(isSuspension);
    if (suspensions.length === 0 || mayBeHurried(job)) continue;
    for (const one of suspensions) {
      const claim = timeline.claims.get(one.call.lease ?? '');
      const next = claim && one.outcome === 'done' ? nextOf(job, claim) : undefined;
      if (next === undefined) continue;
      const between = { from: one.from, to: next.to };
      if (mayBeRetried(job, between) || mayBeRemoved(job, between) || jumpsWithin(timeline, one.from, next.to))
        continue;
      judged += 1;
      const end = earliestEnd(suspensions, one);
      if (next.to < end - tolerance)
        broken({ at: next.to, job: job.id, message: `was claimed by ${next.to}; the first wait ends at ${end}` });
    }
  }
  return judged;
};

function nextOf(job: JobHistory, claim: Claim): Claim | undefined {
  return job.claims.find((later) =>
    claim.claim !== undefined && later.claim !== undefined
      ? later.claim === claim.claim + 1
      : later.from > claim.from && later !== claim,
  );
}

/** Earlier attempts are forgiven where an execution has recorded the outcome of a new step, and only there. */
export const progress: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of timeline.jobs.values()) {
    const most = job.asked?.retry?.maxAttempts;
    if (most === undefined || job.records.length === 0 || mayBeRemoved(job)) continue;
    /** Attempts that are forgiven before a claim: certainly, or perhaps. */
    const forgiven = (claim: Claim, isCertain: boolean) =>
      Math.max(
        0,
        ...job.records.flatMap(({ call, outcome, steps }) => {
          const by = timeline.claims.get(call.lease);
          if (by === undefined || by.attempt < 2 || by.attempt > claim.attempt) return [];
          if (!isCertain)
            return call.steps.some(({ forgives }) => forgives === true) && by !== claim ? [by.attempt - 1] : [];
          const isNews = steps.some((row) => row.forgives === true && row.state === 'done' && row.isEarlier !== true);
          return outcome === 'done' && isNews ? [by.attempt - 1] : [];
        }),
      );
    for (const claim of job.claims) {
      if (mayBeRetried(job, { from: 0, to: claim.to })) continue;
      judged += 1;
      const may = most + forgiven(claim, false);
      if (claim.attempt > may)
        broken({ at: claim.to, job: job.id, message: `attempt ${claim.attempt} of at most ${may}: no progress` });
      const nack = job.settlements.find(
        ({ call, outcome }) => call.op === 'nack' && call.lease === claim.lease && outcome === 'done',
      );
      const must = most + forgiven(claim, true);
      if (nack?.state === 'discarded' && claim.attempt < must)
        broken({ at: nack.to, job: job.id, message: `was discarded at attempt ${claim.attempt} of ${must}` });
    }
  }
  return judged;
};
