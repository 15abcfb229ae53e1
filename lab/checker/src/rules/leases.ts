import { earliestEnd, mayBeRemoved } from '../certainty.ts';
import type { Rule } from '../rule.ts';
import type { Claim, JobHistory, Span } from '../timeline.ts';

/** A job is never handed out while an earlier lease is certainly valid, and no lease is handed out twice. */
export const lease: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of timeline.jobs.values()) {
    const { id, claims } = job;
    for (const later of claims) {
      // A job that is made anew has its claims anew.
      for (const { call, to } of later.others)
        if (!mayBeRemoved(job, { from: later.from, to }))
          broken({
            at: to,
            job: id,
            message: `${later.lease} was handed to ${call.node}, though ${later.node} got it at ${later.to}`,
          });
      for (const earlier of claims) {
        if (earlier === later || earlier.to > later.from) continue;
        judged += 1;
        const end = earliestEnd(timeline, earlier);
        if (later.to < end)
          broken({
            at: later.to,
            job: id,
            message:
              `was handed to ${later.node} as ${later.lease}, ` +
              `while ${earlier.node} held ${earlier.lease} until ${end} at least`,
          });
      }
    }
  }
  return judged;
};

/** What certainly ended the claim before a moment: a later claim, or an operator. */
export function ended(job: JobHistory, claim: Claim, before: number): string | undefined {
  const later = job.claims.find((other) => other.from > claim.to && other.to < before);
  if (later !== undefined) return `${later.lease} was handed out at ${later.to}`;
  const operation = job.operations.find(
    ({ call, outcome, from, to }) =>
      (call.op === 'cancel' || call.op === 'discard') && outcome === 'done' && from > claim.to && to < before,
  );
  return operation && `${operation.call.op} was answered at ${operation.to}`;
}

/** No ack, nack or renewal is accepted from a lease that is certainly over. */
export const fence: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of timeline.jobs.values())
    for (const settlement of job.settlements) {
      const claim = settlement.call.lease === undefined ? undefined : timeline.claims.get(settlement.call.lease);
      if (claim === undefined || settlement.outcome !== 'done') continue;
      judged += 1;
      const end = ended(job, claim, settlement.from);
      if (end !== undefined)
        broken({
          at: settlement.to,
          job: job.id,
          message: `${settlement.call.op} by ${claim.lease} was accepted; ${end}`,
        });
    }
  for (const { leases, from, to } of timeline.renewals)
    for (const name of leases) {
      const claim = timeline.claims.get(name);
      const job = claim && timeline.jobs.get(claim.job);
      if (claim === undefined || job === undefined) continue;
      judged += 1;
      const end = ended(job, claim, from) ?? settledBefore(job, claim, { from, to });
      if (end !== undefined) broken({ at: to, job: job.id, message: `${claim.lease} was renewed; ${end}` });
    }
  return judged;
};

export function settledBefore(job: JobHistory, claim: Claim, { from }: Span): string | undefined {
  const settlement = job.settlements.find(
    ({ call, outcome, to }) => call.lease === claim.lease && outcome === 'done' && to < from,
  );
  return settlement && `${settlement.call.op} was answered at ${settlement.to}`;
}
