import type { Rule } from '../rule.ts';

/** Each tick of a cron has one job, and one that must fire has one. */
export const cron: Rule = (timeline, broken) => {
  let judged = 0;
  const fired = new Map<string, Set<string>>();
  for (const job of timeline.jobs.values()) {
    const of = job.of.find(({ tick }) => tick !== undefined);
    if (of?.cron === undefined) continue;
    const name = `${of.cron} at ${of.tick}`;
    const ids = fired.get(name) ?? new Set<string>();
    fired.set(name, ids.add(job.id));
    judged += 1;
    if (ids.size === 2)
      broken({
        at: job.final?.at ?? job.claims[0]?.to ?? 0,
        job: job.id,
        message: `${name} has a second job: ${[...ids].join(', ')}`,
      });
  }
  if (!timeline.complete) return judged;
  for (const { call, outcome, to } of timeline.crons) {
    if (outcome !== 'done') continue;
    for (const tick of call.ticks) {
      if (call.mayMiss?.includes(tick)) continue;
      judged += 1;
      if (!fired.has(`${call.cron} at ${tick}`)) broken({ at: to, message: `${call.cron} at ${tick} has no job` });
    }
  }
  return judged;
};
