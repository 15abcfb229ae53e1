import { ends, type LoggedEvent, type State, type Subscription } from '../records.ts';
import type { Rule } from '../rule.ts';

/** The states that may follow one; an end is left by an operator's retry alone, to `waiting`. */
const follows: Readonly<Record<State, readonly State[]>> = {
  waiting: ['active', 'scheduled', 'cancelled', 'discarded', 'waiting'],
  scheduled: ['waiting', 'cancelled', 'discarded', 'active', 'scheduled'],
  pending: ['waiting', 'scheduled', 'cancelled', 'discarded', 'pending'],
  active: ['completed', 'retryable', 'waiting', 'scheduled', 'discarded', 'cancelled'],
  retryable: ['waiting', 'active', 'cancelled', 'discarded', 'retryable'],
  completed: ['waiting', 'scheduled'],
  discarded: ['waiting', 'scheduled'],
  cancelled: ['waiting', 'scheduled'],
};

/** Every subscriber gets the log without a gap and in order, and the log holds only changes that states allow. */
export const events: Rule = (timeline, broken) => {
  let judged = 0;
  const subscriptions = new Map<string, { subscription: Subscription; last: number }>();
  for (const record of timeline.arrived) {
    if (record.kind === 'subscribe') {
      subscriptions.set(record.subscriber, { subscription: record, last: record.after });
      continue;
    }
    const { subscriber, position, at, job } = record;
    const { subscription, last } = subscriptions.get(subscriber) ?? {};
    if (subscription === undefined || last === undefined) {
      broken({ at, job, message: `${subscriber} got event ${position} without a subscription` });
      continue;
    }
    judged += 1;
    const expected = timeline.log.length === 0 ? undefined : nextOf(timeline.log, last, subscription.types);
    if (position <= last) broken({ at, job, message: `${subscriber} got event ${position} after event ${last}` });
    else if (expected !== undefined && position !== expected.position)
      broken({ at, job: expected.job, message: `${subscriber} missed event ${expected.position}; got ${position}` });
    subscriptions.set(subscriber, { subscription, last: Math.max(last, position) });
  }
  const stateOf = new Map<string, State>();
  let last = Number.NEGATIVE_INFINITY;
  for (const { position, job, state, at } of timeline.log) {
    judged += 1;
    if (position <= last) broken({ at, job, message: `the log has event ${position} after event ${last}` });
    last = position;
    if (job === undefined || state === undefined) continue;
    const before = stateOf.get(job);
    if (before !== undefined && !follows[before].includes(state) && !(before === state && !ends.has(state)))
      broken({ at, job, message: `event ${position}: from ${before} to ${state}` });
    stateOf.set(job, state);
  }
  return judged;
};

/** The first event of the log after a position that a subscription wants; the log is in order. */
function nextOf(log: readonly LoggedEvent[], after: number, types?: readonly string[]): LoggedEvent | undefined {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((log[middle]?.position ?? 0) <= after) low = middle + 1;
    else high = middle;
  }
  for (let index = low; index < log.length; index += 1) {
    const event = log[index];
    if (event !== undefined && (types === undefined || types.includes(event.type ?? ''))) return event;
  }
  return undefined;
}
