import { ends, type State } from './records.ts';
import type { Claim, Deed, JobHistory, Span, Timeline } from './timeline.ts';

/** Whether the store's clock jumped between two moments; then no duration within them can be judged. */
export function jumpsWithin(timeline: Timeline, from: number, to: number): boolean {
  return timeline.jumps.some((at) => at >= from && at <= to);
}

const always: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const endingOperations: ReadonlySet<string> = new Set(['cancel', 'discard', 'remove', 'release']);

/** Whether the job may have been removed within a span. A late copy of the call that made it makes it anew. */
export function mayBeRemoved(job: JobHistory, { from, to }: Span = always): boolean {
  return job.operations.some(
    (operation) =>
      operation.call.op === 'remove' && operation.outcome !== 'refused' && operation.from <= to && operation.to >= from,
  );
}

/** The first moment after `after` at which a call may have ended a claim of the job, by a lease if it names one. */
function earliestCall(job: JobHistory, after: number, lease?: string): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { call, from, to, outcome } of job.settlements)
    if (
      outcome !== 'refused' &&
      to >= after &&
      (lease === undefined || call.lease === undefined || call.lease === lease)
    )
      earliest = Math.min(earliest, from);
  for (const { call, from, to, outcome } of job.operations)
    if (outcome !== 'refused' && to >= after && endingOperations.has(call.op)) earliest = Math.min(earliest, from);
  for (const { from, to } of job.replaced) if (to >= after) earliest = Math.min(earliest, from);
  return earliest;
}

/** The last moment up to which the lease certainly held, if nobody ended it. */
function certainExpiry(timeline: Timeline, claim: Claim): number {
  if (claim.leaseMs === undefined) return claim.from;
  let expiry = claim.from + claim.leaseMs;
  for (const { from } of claim.renewals) expiry = Math.max(expiry, from + claim.leaseMs);
  // A worker that lists what it holds, and not this one, may have lost the answer: then the job may go back. Not where
  // it says that it still waits for the answer.
  for (const { at, leases, fetches = [] } of timeline.beats.get(claim.node) ?? [])
    if (
      at >= claim.from &&
      at < claim.to &&
      !leases.includes(claim.lease) &&
      (claim.request === undefined || !fetches.includes(claim.request))
    )
      expiry = Math.min(expiry, at);
  for (const at of timeline.losses.get(claim.node) ?? []) if (at >= claim.from) expiry = Math.min(expiry, at);
  for (const at of timeline.jumps) if (at >= claim.from) expiry = Math.min(expiry, at);
  return expiry;
}

/** The first moment at which the claim may have been over. Until then its lease is certainly valid. */
export function earliestEnd(timeline: Timeline, claim: Claim): number {
  const job = timeline.jobs.get(claim.job);
  const expiry = certainExpiry(timeline, claim);
  return job === undefined ? expiry : Math.min(expiry, earliestCall(job, claim.from, claim.lease));
}

/** Fetches whose answer nobody saw: they may have claimed anything of their queues. Sorted by `from`. */
export function blindFetches(timeline: Timeline): (queue: string) => readonly Span[] {
  const byQueue = new Map<string, Span[]>();
  for (const fetch of timeline.fetches)
    if (fetch.outcome === 'unknown')
      for (const queue of fetch.call.queues) byQueue.set(queue, [...(byQueue.get(queue) ?? []), fetch]);
  return (queue) => byQueue.get(queue) ?? [];
}

function isDone({ outcome }: Deed): boolean {
  return outcome === 'done';
}

/** The states that the job may have had at some moment of a span, once it was there. */
export function possibleStates(timeline: Timeline, job: JobHistory, during: Span): ReadonlySet<State> {
  const possible = new Set<State>();
  const began = ({ from, outcome }: Pick<Deed, 'from' | 'outcome'>) => from <= during.to && outcome !== 'refused';
  const operations = job.operations.filter(began);
  const settlements = job.settlements.filter(began);
  const reopened = operations.filter(({ call }) => call.op === 'retry');
  // An end that was over before the span, and after which nobody started the job again, is the only possible state.
  for (const end of [...settlements, ...operations]) {
    const state = stateAfter(end);
    if (state !== undefined && isDone(end) && end.to < during.from && !reopened.some(({ to }) => to > end.from))
      return new Set([state]);
  }
  const mayBeClaimed =
    job.claims.some(({ from }) => from <= during.to) ||
    timeline.fetches.some(
      ({ outcome, from, call }) =>
        outcome === 'unknown' && from <= during.to && call.queues.includes(job.asked?.queue ?? ''),
    );
  possible.add('waiting');
  if (job.asked?.dueAt !== undefined) possible.add('scheduled');
  if (job.asked === undefined || job.of.some(({ workflow }) => workflow !== undefined)) possible.add('pending');
  // A job that was lost goes back, and ends when it is lost too often.
  if (mayBeClaimed) for (const state of ['active', 'retryable', 'discarded'] as const) possible.add(state);
  if (job.asked?.expires === true) possible.add('discarded');
  if (job.replaced.some(({ from }) => from <= during.to)) possible.add('cancelled');
  for (const { call } of settlements) possible.add(call.op === 'ack' ? 'completed' : 'discarded');
  for (const { call } of operations) {
    if (call.op === 'cancel') possible.add('cancelled');
    if (call.op === 'discard' || call.op === 'remove') possible.add('discarded');
  }
  return possible;
}

/** The end that a call leads to for certain. */
function stateAfter({ call, state }: Deed): State | undefined {
  if (call.op === 'ack') return 'completed';
  if (call.op === 'cancel') return 'cancelled';
  if (call.op === 'discard') return 'discarded';
  return call.op === 'nack' && state !== undefined && ends.has(state) ? state : undefined;
}

/** Whether an operator may have started the job anew within a span. */
export function mayBeRetried(job: JobHistory, { from, to }: Span): boolean {
  return job.operations.some(
    (operation) =>
      operation.call.op === 'retry' && operation.outcome !== 'refused' && operation.from <= to && operation.to >= from,
  );
}
