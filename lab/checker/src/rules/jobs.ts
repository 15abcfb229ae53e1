import { mayBeRemoved } from '../certainty.ts';
import { ends } from '../records.ts';
import type { Rule } from '../rule.ts';

/** An acknowledged job is there at the end, unless somebody removed it. */
export const loss: Rule = (timeline, broken) => {
  if (!timeline.complete) return 0;
  let judged = 0;
  for (const job of timeline.jobs.values()) {
    if (job.created === undefined) continue;
    judged += 1;
    if (job.final === undefined && !mayBeRemoved(job))
      broken({ at: job.created.to, job: job.id, message: 'was acknowledged, and is not there at the end' });
  }
  for (const { asked, status, existing, to } of timeline.enqueued) {
    if (status !== 'duplicate' || existing === undefined || existing === asked.id) continue;
    const winner = timeline.jobs.get(existing);
    judged += 1;
    if (winner === undefined || (winner.final === undefined && !mayBeRemoved(winner)))
      broken({ at: to, job: asked.id, message: `was refused as a duplicate of ${existing}, which is not there` });
  }
  return judged;
};

/** After calm every job has ended, or may wait. */
export const stuck: Rule = (timeline, broken) => {
  if (timeline.calmAt === undefined) return 0;
  let judged = 0;
  for (const { id, final } of timeline.jobs.values()) {
    if (final === undefined || final.waits === true) continue;
    judged += 1;
    if (!ends.has(final.state))
      broken({
        at: final.at,
        job: id,
        message: `is ${final.state} after calm since ${timeline.calmAt}; expected an end`,
      });
  }
  return judged;
};

/** The observer's deadlines: claimed, or ended, in time. */
export const deadline: Rule = (timeline, broken) => {
  for (const { at, job: id, by, what, why } of timeline.deadlines) {
    const job = timeline.jobs.get(id);
    const endings = [...(job?.settlements ?? []), ...(job?.operations ?? [])].filter(
      ({ call, outcome }) => outcome !== 'refused' && call.op !== 'activate',
    );
    const moments = what === 'claim' ? [...(job?.claims ?? []), ...endings] : endings;
    if (!moments.some(({ from, to }) => to >= at && from <= by))
      broken({ at: by, job: id, message: `no ${what} between ${at} and ${by}: ${why}` });
  }
  return timeline.deadlines.length;
};

/** The counters equal what is there. */
export const counters: Rule = (timeline, broken) => {
  if (!timeline.complete) return 0;
  let judged = 0;
  for (const { at, queue, states } of timeline.counts) {
    const found = new Map<string, number>();
    for (const { final } of timeline.jobs.values())
      if (final?.queue === queue) found.set(final.state, (found.get(final.state) ?? 0) + 1);
    const told = new Map(Object.entries(states));
    for (const state of new Set([...found.keys(), ...told.keys()])) {
      judged += 1;
      const [is, counted] = [found.get(state) ?? 0, told.get(state) ?? 0];
      if (is !== counted)
        broken({ at, message: `queue ${queue}: counter ${state} is ${counted}, jobs there are ${is}` });
    }
  }
  return judged;
};
