import type { JobId, JobRecord } from '../job/job.ts';
import type { NodeState } from '../job/reopening.ts';
import { type StateName, stateName } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';

/**
 * Every reason, as a verdict says it: "The job is available: its queue is paused." docs/operate/explain.md has what
 * helps.
 */
export const reasonClauses = {
  activation: 'it waits for its activation',
  scheduled: 'its time has not come',
  due: 'its time has come, and upkeep makes it available next',
  backoff: 'its last attempt failed, and its backoff is not over',
  no_handler: 'its worker has no handler for its type',
  snoozed: 'its worker has returned it with a delay',
  suspended: 'its handler waits in a durable step',
  expires_first: 'it expires before it may start',
  maintenance: 'the servers are in maintenance mode',
  storage_refuses_writes: 'the storage takes no writes',
  queue_paused: 'its queue is paused',
  limit_stopped: 'a limit of 0 stops every start',
  concurrency_full: 'a limit allows no more executions at once',
  rate_reached: 'a rate allows no start yet',
  no_worker: 'no live worker is known to read its queue',
  workers_busy: 'every live worker that is known to read its queue is busy',
  other_queues_first: 'its workers ask for jobs of other queues first',
  jobs_before: 'other jobs may be before it in its queue',
  ready: 'nothing holds it back',
  running: 'a worker runs it',
  worker_silent: 'its worker is silent',
  lost_answer: 'its worker does not list it',
  overdue: 'its lease or its time is over, and upkeep ends the execution next',
  completed: 'its worker has acked it',
  cancelled: 'it was cancelled',
  workflow_cancelled: 'its workflow was cancelled',
  replaced: 'a job with the same unique key came',
  attempts_exhausted: 'its last attempt failed',
  final_error: 'its last error rules out another attempt',
  poison: 'its workers died while they ran it',
  expired: 'it expired',
  refused: 'the server refused it at its import',
  discarded: 'an operator has discarded it',
  step_waits: 'it waits for other steps',
  step_due: 'its job starts next',
  step_skipped: 'a step before it did not complete',
  step_failed: 'its job was not made',
  unique: 'another job holds its unique key',
  workflow_ended: 'its workflow has ended',
  unknown: 'the reason is not on record',
} as const satisfies Readonly<Record<string, string>>;

export type ReasonCode = keyof typeof reasonClauses;

/** How a worker that reads a queue is doing; `unknown` sends no heartbeats and has fetched nothing for a while. */
export type WorkerStatus = 'live' | 'quiet' | 'terminating' | 'dead' | 'unknown';

export interface ReasonJob {
  readonly id: JobId;
  readonly worker: string | null;
  /** Start of its execution, if it is known. */
  readonly since: Millis | null;
}

export interface ReasonWorker {
  readonly id: string;
  readonly status: WorkerStatus;
  /** Its last heartbeat, or its last recorded fetch. */
  readonly seenAt: Millis | null;
  /** Jobs in its last heartbeat, with those that it has fetched ahead; null if it does not list them. */
  readonly held: number | null;
  /** Jobs that it runs at once; null if it does not say. */
  readonly slots: number | null;
}

export interface ReasonStep {
  readonly name: string;
  /** The state of its job, or of the step while it has none. */
  readonly state: StateName | NodeState;
  readonly job: JobId | null;
}

/** Why a job does not run, or what has become of it. */
export interface Reason {
  readonly code: ReasonCode;
  /** One sentence, with names, numbers and times. */
  readonly message: string;
  readonly since?: Millis;
  /** When the reason ends by itself, as far as that is known. */
  readonly until?: Millis;
  readonly jobs?: readonly ReasonJob[];
  readonly workers?: readonly ReasonWorker[];
  /** Keys of limits; `queue:NAME` is the limit of a queue. */
  readonly keys?: readonly string[];
  readonly queues?: readonly { readonly name: string; readonly available: number }[];
  readonly steps?: readonly ReasonStep[];
  /** How many available jobs of the queue a claim takes first; absent if they were not counted. */
  readonly before?: number;
  /** There are more jobs, workers or steps than the lists have. */
  readonly partial?: true;
  /** One sentence about what an operator can do. */
  readonly remedy?: string;
}

export interface Explanation {
  /** Null for a step whose job was not made. */
  readonly job: JobId | null;
  readonly workflow: string | null;
  readonly step: string | null;
  readonly state: StateName | NodeState;
  /** The time of the facts. */
  readonly at: Millis;
  /** The state and all reasons, in one sentence. */
  readonly verdict: string;
  /** At least one. */
  readonly reasons: readonly Reason[];
  /** The earliest time at which the job may start; null if that is not known, or if it has started or ended. */
  readonly next: Millis | null;
}

/** Maintenance mode while it is on (ojs-admin-api §12.1). */
export interface MaintenanceFacts {
  readonly enabledAt: Millis;
  readonly reason: string | null;
  /** When the operator expects the end. The mode does not end by itself. */
  readonly estimatedEnd: Millis | null;
}

export function maintenanceReasons(mode: MaintenanceFacts | null): readonly Reason[] {
  if (mode === null) return [];
  const { enabledAt, reason, estimatedEnd } = mode;
  const why = reason === null ? '' : ` (${reason})`;
  const end = estimatedEnd === null ? '' : `; its end is expected at ${formatTimestamp(estimatedEnd)}`;
  return [
    {
      code: 'maintenance',
      message: `No job starts in maintenance mode${why}, since ${formatTimestamp(enabledAt)}${end}.`,
      since: enabledAt,
      remedy: 'End the mode: `ojs maintenance off`.',
    },
  ];
}

/** The most jobs, workers or steps that a reason lists. */
export const maxListed = 20;

/** A list as a reason has it. @param all how many there are, if the list is known to be shorter. */
export function listed<Name extends string, T>(
  name: Name,
  items: readonly T[],
  all?: number,
): { readonly [K in Name]?: readonly T[] } & { readonly partial?: true };
export function listed(name: string, items: readonly unknown[], all = items.length): object {
  const shown = items.slice(0, maxListed);
  return { ...(shown.length > 0 && { [name]: shown }), ...(all > shown.length && { partial: true }) };
}

/** The explanation of a job. A job that expires by the time `next` does not start. */
export function ofJob(job: JobRecord, reasons: readonly Reason[], next: Millis | null, now: Millis): Explanation {
  const { expiresAt } = job;
  const state = stateName(job.state);
  const subject = { job: job.id, workflow: job.node?.workflow ?? null, step: null, state, at: now };
  if (next === null || expiresAt === null || expiresAt > next)
    return { ...subject, verdict: verdictOf('The job', state, reasons), reasons, next };
  const expires: Reason = {
    code: 'expires_first',
    message: `The job expires at ${formatTimestamp(expiresAt)} and may not start before ${formatTimestamp(next)}.`,
    until: expiresAt,
    remedy: 'Enqueue the job again with more time.',
  };
  const all = [...reasons, expires];
  return { ...subject, verdict: verdictOf('The job', state, all), reasons: all, next: null };
}

export function verdictOf(subject: string, state: string, reasons: readonly Reason[]): string {
  const clauses = [...new Set(reasons.map(({ code }) => reasonClauses[code]))];
  const last = clauses.at(-1) ?? '';
  const before = clauses.slice(0, -1).join(', ');
  return `${subject} is ${state}: ${before === '' ? last : `${before}, and ${last}`}.`;
}

/** `1 job`, `2 jobs`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A sentence that continues. */
export function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
