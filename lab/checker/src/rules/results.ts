import { mayBeRemoved, mayBeRetried } from '../certainty.ts';
import { ends } from '../records.ts';
import type { Rule } from '../rule.ts';
import type { Deed, JobHistory } from '../timeline.ts';

/** The settlements and operations that certainly ended the job for good, with the state that they led to. */
function finalDeeds(job: JobHistory): readonly { deed: Deed; state: string }[] {
  if (mayBeRemoved(job)) return [];
  return [...job.settlements, ...job.operations].flatMap((deed) => {
    if (deed.outcome !== 'done' || mayBeRetried(job, { from: deed.from, to: Number.POSITIVE_INFINITY })) return [];
    const { op } = deed.call;
    if (op === 'ack') return [{ deed, state: 'completed' }];
    if (op === 'cancel') return [{ deed, state: 'cancelled' }];
    if (op === 'discard') return [{ deed, state: 'discarded' }];
    return op === 'nack' && deed.state !== undefined && ends.has(deed.state) ? [{ deed, state: deed.state }] : [];
  });
}

/** A job ends as the accepted call says that ended it, with the result of the lease that ended it. */
export const result: Rule = (timeline, broken) => {
  let judged = 0;
  for (const job of timeline.jobs.values()) {
    const { final, settlements } = job;
    if (final === undefined) continue;
    judged += 1;
    for (const { deed, state } of finalDeeds(job))
      if (final.state !== state)
        broken({
          at: final.at,
          job: job.id,
          message:
            `${deed.call.op} was accepted at ${deed.to}, and the job is ${final.state} at the end; ` +
            `expected ${state}`,
        });
    if (final.state !== 'completed') continue;
    const acks = settlements.filter(
      (deed): deed is Deed<'ack'> => deed.call.op === 'ack' && deed.outcome !== 'refused',
    );
    if (acks.length === 0) broken({ at: final.at, job: job.id, message: 'is completed, and nobody acknowledged it' });
    const certain = acks.filter((deed) => deed.outcome === 'done' && finalDeeds(job).some((end) => end.deed === deed));
    const results = (certain.length > 0 ? certain : acks).map(({ call }) => call.result);
    if (
      final.result !== undefined &&
      results.length > 0 &&
      !results.some((text) => text === undefined || text === final.result)
    )
      broken({
        at: final.at,
        job: job.id,
        message: `has the result ${final.result}; the ack that ended it sent ${results[0]}`,
      });
    const leases = new Set(certain.map(({ call }) => call.lease ?? ''));
    if (leases.size > 1)
      broken({
        at: final.at,
        job: job.id,
        message: `was completed by ${leases.size} leases: ${[...leases].join(', ')}`,
      });
  }
  return judged;
};
