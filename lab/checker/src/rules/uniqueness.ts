import { jumpsWithin, possibleStates } from '../certainty.ts';
import type { State, Unique } from '../records.ts';
import type { Rule } from '../rule.ts';
import type { JobHistory, Span, Timeline } from '../timeline.ts';

/** Whether an earlier job bars a new one during a span: certainly, certainly not, or (undefined) nobody can say. */
function bars(timeline: Timeline, earlier: JobHistory, unique: Unique, during: Span): boolean | undefined {
  const { created } = earlier;
  if (created === undefined || created.to === Number.POSITIVE_INFINITY) return undefined;
  if (unique.periodMs !== undefined) {
    if (jumpsWithin(timeline, created.from, during.to)) return undefined;
    if (created.to + unique.periodMs < during.from) return false;
    if (created.from + unique.periodMs <= during.to) return undefined;
  }
  if (earlier.operations.some(({ call, outcome }) => call.op === 'remove' && outcome !== 'refused')) return undefined;
  const possible = [...possibleStates(timeline, earlier, during)];
  const barring = possible.filter((state: State) => unique.states.includes(state));
  if (barring.length === possible.length) return true;
  return barring.length === 0 ? false : undefined;
}

/** Of one key there is no second job while the first bars it, and no refusal once nothing bars it. */
export const unique: Rule = (timeline, broken) => {
  let judged = 0;
  const byKey = new Map<string, (JobHistory & { created: Span })[]>();
  for (const job of timeline.jobs.values()) {
    const key = job.asked?.unique?.key;
    if (key === undefined || job.created === undefined) continue;
    byKey.set(key, [...(byKey.get(key) ?? []), { ...job, created: job.created }]);
  }
  for (const [key, jobs] of byKey) {
    jobs.sort((left, right) => left.created.from - right.created.from);
    for (const [index, later] of jobs.entries())
      for (const earlier of jobs.slice(0, index)) {
        judged += 1;
        const replaced = [...earlier.replaced, ...later.replaced].length > 0;
        const both = {
          from: Math.min(earlier.created.from, later.created.from),
          to: Math.max(earlier.created.to, later.created.to),
        };
        const inOrder = earlier.created.to < later.created.from;
        const ofLater = later.asked?.unique;
        const ofEarlier = earlier.asked?.unique;
        if (replaced || ofLater === undefined || ofEarlier === undefined) continue;
        // Of two that were created at the same time, either came first, and then it bars the other.
        const barred = inOrder
          ? bars(timeline, earlier, ofLater, later.created)
          : bars(timeline, earlier, ofLater, both) && bars(timeline, later, ofEarlier, both);
        if (barred === true)
          broken({
            at: later.created.to,
            job: later.id,
            message: `was created under the key ${key}, which ${earlier.id} held since ${earlier.created.to}`,
          });
      }
  }
  for (const { asked, status, existing, from, to } of timeline.enqueued) {
    if (status !== 'duplicate' || existing === undefined || existing === asked.id || asked.unique === undefined)
      continue;
    const winner = timeline.jobs.get(existing);
    if (winner?.asked === undefined) continue;
    judged += 1;
    if (winner.asked.unique?.key !== asked.unique.key)
      broken({ at: to, job: asked.id, message: `was refused as a duplicate of ${existing}, which has another key` });
    else if (bars(timeline, winner, asked.unique, { from, to }) === false)
      broken({
        at: to,
        job: asked.id,
        message: `was refused as a duplicate of ${existing}, which no longer barred it`,
      });
  }
  return judged;
};
