/**
 * Whether a storage applies a change that was decided from a record, and what a claim call does besides.
 * `lifecycle/change.ts` says what the change does.
 */
import type { JobRecord, Transition } from '../job/job.ts';
import { State, Terminal } from '../job/states.ts';
import { isIn } from '../lifecycle/change.ts';
import type { Millis } from '../time/clock.ts';

export type Verdict = 'moves' | 'already' | 'refused';

/**
 * Whether a transition fits the job as it is. `already` comes before `refused`, so a repeated call is never told that
 * its own success was a conflict. Only a claim starts an execution: `to: active` fits an active job alone.
 */
export function verdict(job: Pick<JobRecord, 'state' | 'claim' | 'worker'>, transition: Transition): Verdict {
  const { from, to, claim, worker } = transition;
  const fits = isIn(job.state, from) && (to !== State.active || job.state === State.active);
  if (!fits && claim !== undefined && claim === job.claim && job.state === to) return 'already';
  if (!fits || (claim !== undefined && claim !== job.claim)) return 'refused';
  return worker !== undefined && job.worker !== null && job.worker !== worker ? 'refused' : 'moves';
}

/**
 * Whether the change ends an execution otherwise than by its ACK: it must not overtake a completion that a user's
 * transaction has committed.
 */
export function overtakes({ from, to }: Transition): boolean {
  return isIn(State.active, from) && to !== State.active && to !== State.completed;
}

/** An execution that ends for good with nothing but a result to note: the usual ACK. */
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
  envelope,
}: Transition): boolean {
  const more = attempt ?? priority ?? runAt ?? clearRun ?? deadLetter ?? history ?? envelope;
  return more === undefined && progress === undefined && checkpoint === undefined && isIn(to, Terminal);
}

/**
 * When an active job is overdue: the first end of its lease, of its execution, of its whole time, of the patience with
 * its silence.
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
 * What one claim call does besides handing out: its cost must not grow with what is due or expired in front. Upkeep
 * moves the rest meanwhile. An expired job costs about 20 µs, four times a promotion, and nobody waits for it.
 */
export function sideWork(claims: readonly { readonly limit: number }[]): {
  readonly promoted: number;
  readonly expired: number;
} {
  const wanted = claims.reduce((sum, claim) => sum + Math.max(0, claim.limit), 0);
  return { promoted: Math.max(100, wanted), expired: Math.max(10, wanted) };
}

/**
 * Under what a fetch is remembered: clients may number their requests, so one is its worker's alone. Worker ids have no
 * line breaks.
 */
export function requestKey(request: string, worker: string | null): string {
  return `${worker ?? ''}\n${request}`;
}

/** Where an available job stands in the order of its queue. */
export interface QueuePlace {
  readonly priority: number;
  readonly place: number;
}

/** Whether a job at `a` is handed out before one at `b`. */
export function isClaimedBefore(a: QueuePlace, b: QueuePlace): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.place < b.place);
}
