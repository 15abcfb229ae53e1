/**
 * Decides whether a storage applies a change that was decided from a record, and the other work of a claim call.
 * `lifecycle/change.ts` has the effect of a change.
 */
import type { JobRecord, Json, Transition } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { isIn } from './change.ts';

/** Who acts on an execution, as far as the call says. */
export interface Owner {
  readonly claim: number | null;
  readonly worker: string | null;
}

/** Reports whether this owner may end, extend or report on the current execution. */
export function isOwner(
  job: Pick<JobRecord, 'state' | 'claim' | 'leaseRequired' | 'worker'>,
  { claim, worker }: Owner,
): boolean {
  if (job.state !== State.active || (claim === null ? job.leaseRequired : claim !== job.claim)) return false;
  return worker === null || job.worker === null || worker === job.worker;
}

export type Verdict = 'moves' | 'already' | 'refused';

/**
 * Decides whether a transition fits the current job. A repeated call of the same claim never reports its own success as
 * a conflict. Only a claim starts an execution: `to: active` fits an active job only. `leaseUntil` and `envelope` of
 * the job are read only where the transition has `leaseUntil` and `envelopeWas`.
 */
export function verdict(
  job: Pick<JobRecord, 'state' | 'claim' | 'leaseRequired' | 'worker'> &
    Partial<Pick<JobRecord, 'leaseUntil' | 'envelope'>>,
  transition: Transition,
): Verdict {
  const { from, to, claim, worker, leaseUntil, envelopeWas } = transition;
  const fits = isIn(job.state, from) && (to !== State.active || job.state === State.active);
  if (worker !== undefined && job.worker !== null && job.worker !== worker) return 'refused';
  if (!fits && claim !== undefined && claim === job.claim && job.state === to) return 'already';
  if (!fits || (claim === undefined ? job.leaseRequired : claim !== job.claim)) return 'refused';
  if (envelopeWas !== undefined && job.envelope !== envelopeWas) return 'refused';
  return leaseUntil !== undefined && (job.leaseUntil ?? leaseUntil) > leaseUntil ? 'refused' : 'moves';
}

/**
 * Reports whether the change ends an execution without an ACK: it must not overtake a completion that a user's
 * transaction has committed.
 */
export function overtakes({ from, to }: Transition): boolean {
  return isIn(State.active, from) && to !== State.active && to !== State.completed;
}

/** An execution that ends for good with nothing to store but a result. */
export function isPlainEnd({
  to,
  attempt,
  priority,
  runAt,
  clearRun,
  deadLetter,
  history,
  progress,
  checkpoint,
  beat,
  envelope,
  envelopeWas,
  policy,
  queue,
  timeoutMs,
}: Transition): boolean {
  const timing = attempt ?? priority ?? runAt ?? clearRun ?? timeoutMs ?? beat;
  const more = deadLetter ?? history ?? envelope ?? envelopeWas ?? policy ?? queue;
  return (
    timing === undefined &&
    more === undefined &&
    progress === undefined &&
    checkpoint === undefined &&
    isIn(to, Terminal)
  );
}

export type PlainAck = Transition & { readonly result: Json | null };

/**
 * The usual ACK, as core's `completed` makes it: a plain end of an active job, with a result and the event of a
 * completion. Storages have a short path for it, which reads nothing else of the transition than its id, its owner and
 * its result.
 */
export function isPlainAck(transition: Transition): transition is PlainAck {
  const { from, to, result, leaseUntil, events } = transition;
  const event = events[0];
  return (
    to === State.completed &&
    from === State.active &&
    result !== undefined &&
    leaseUntil === undefined &&
    events.length === 1 &&
    event?.kind === 'job.completed' &&
    event.data === undefined &&
    isPlainEnd(transition)
  );
}

/**
 * When an active job is overdue: at the first end of its lease, its execution timeout, its total timeout and its
 * heartbeat timeout.
 */
export function overdueAt(
  job: Pick<JobRecord, 'leaseUntil' | 'startedAt' | 'timeoutMs' | 'deadlineAt' | 'beatAt' | 'heartbeatMs'>,
): Millis | null {
  if (job.leaseUntil === null) return null;
  return Math.min(
    job.leaseUntil,
    job.startedAt === null ? job.leaseUntil : job.startedAt + job.timeoutMs,
    job.deadlineAt ?? job.leaseUntil,
    job.beatAt === null ? job.leaseUntil : job.beatAt + job.heartbeatMs,
  );
}

/**
 * The most that one claim call does besides the claim: its cost must not grow with the number of due or expired jobs.
 * Upkeep does the rest. An expired job costs about 20 µs, four times a promotion, and no worker waits for it.
 */
export function sideWork(claims: readonly { readonly limit: number }[]): {
  readonly promoted: number;
  readonly expired: number;
} {
  const wanted = claims.reduce((sum, claim) => sum + Math.max(0, claim.limit), 0);
  return { promoted: Math.max(100, wanted), expired: Math.max(10, wanted) };
}

/**
 * Reports whether a call of claims promotes due jobs first: only where a claim asks for more jobs than are available in
 * its queues. Otherwise every claim would wait at a moment when many jobs are due; upkeep promotes those.
 */
export function isShort(
  claims: readonly { readonly queues: readonly string[]; readonly limit: number }[],
  available: (queue: string) => number,
): boolean {
  return claims.some(
    ({ queues, limit }) => [...new Set(queues)].reduce((left, queue) => left - available(queue), limit) > 0,
  );
}

/**
 * The key of a remembered fetch. Clients may number their requests, so a request belongs to its worker. Worker ids have
 * no line breaks.
 */
export function requestKey(request: string, worker: string | null): string {
  return `${worker ?? ''}\n${request}`;
}

/** The position of an available job in its queue. */
export interface QueuePlace {
  readonly priority: number;
  readonly place: number;
}

/** Reports whether a claim takes a job at `a` before one at `b`. */
export function isClaimedBefore(a: QueuePlace, b: QueuePlace): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.place < b.place);
}
