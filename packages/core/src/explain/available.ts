import type { JobId, JobRecord } from '../job/job.ts';
import { effectiveLimit, hasSlot, type LimitSettings, limitedQueue, reopensAt } from '../lifecycle/limits/limits.ts';
import { isClaimedBefore } from '../lifecycle/transition.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import {
  type Explanation,
  listed,
  type MaintenanceFacts,
  maintenanceReasons,
  ofJob,
  plural,
  type Reason,
  type ReasonJob,
  type ReasonWorker,
  withoutStop,
} from './reasons.ts';

/** The facts about everything that an available job may wait for. */
export interface AvailableFacts {
  readonly paused: boolean;
  readonly pausedSince: Millis | null;
  /** Available jobs of the queue, this one among them. */
  readonly available: number;
  /** How many of them a claim takes first; null if that was not counted. */
  readonly before: number | null;
  /** The limit of the queue and those of the job's keys. */
  readonly limits: readonly HeldLimit[];
  /** The workers that list the queue. */
  readonly readers: readonly QueueReader[];
  /** Live workers that do not say which queues they read. */
  readonly silentReaders: number;
  /** Why the storage takes no writes; null if it takes them. */
  readonly refusesWrites: string | null;
  readonly maintenance: MaintenanceFacts | null;
}

/** A limit with its use. */
export interface HeldLimit extends LimitSettings {
  readonly key: string;
  /** Executions that count under the key. */
  readonly active: number;
  /** Starts that still count, oldest first. */
  readonly starts: readonly Millis[];
  /** The active jobs that were found under the key, perhaps fewer than `active`. */
  readonly holders: readonly ReasonJob[];
}

/** A worker that lists a queue. */
export interface QueueReader extends Omit<ReasonWorker, 'held'> {
  /** Ids of the jobs in its last heartbeat; null if it does not list them. */
  readonly holds: readonly JobId[] | null;
  /** The queues that it asks for first, if they have available jobs and are not paused. */
  readonly first: readonly { readonly name: string; readonly available: number }[];
}

export function explainAvailable(job: JobRecord, facts: AvailableFacts, now: Millis): Explanation {
  const reasons = [
    ...maintenanceReasons(facts.maintenance),
    ...storageReasons(facts),
    ...pauseReasons(job, facts),
    ...facts.limits.flatMap((limit) => limitReasons(limit, now)),
    ...workerReasons(job, facts),
  ];
  if (reasons.length === 0) return ofJob(job, orderReasons(job, facts), now, now);
  const ends = reasons.flatMap(({ until }) => until ?? []);
  return ofJob(job, reasons, ends.length === reasons.length ? Math.max(...ends) : null, now);
}

function storageReasons({ refusesWrites }: AvailableFacts): readonly Reason[] {
  if (refusesWrites === null) return [];
  const message = `The storage takes no writes: ${withoutStop(refusesWrites)}.`;
  return [
    { code: 'storage_refuses_writes', message, remedy: 'Repair the storage: see `checks` of the health answer.' },
  ];
}

function pauseReasons({ queue }: JobRecord, { paused, pausedSince }: AvailableFacts): readonly Reason[] {
  if (!paused) return [];
  const since = pausedSince === null ? '' : ` since ${formatTimestamp(pausedSince)}`;
  return [
    {
      code: 'queue_paused',
      message: `Queue ${queue} is paused${since}.`,
      ...(pausedSince !== null && { since: pausedSince }),
      remedy: 'Resume the queue.',
    },
  ];
}

function limitReasons(limit: HeldLimit, now: Millis): readonly Reason[] {
  const { key, active, starts, holders } = limit;
  const numbers = effectiveLimit(limit);
  const { concurrency } = numbers;
  const subject = subjectOf(key);
  const keys = [key];
  const reasons: Reason[] = [];
  if (concurrency === 0) {
    const remedy = limit.override === null ? 'Raise the limit.' : 'Raise the limit, or restore its own numbers.';
    reasons.push({ code: 'limit_stopped', message: `${capitalized(subject)} may run 0 jobs.`, keys, remedy });
  } else if (concurrency !== null && !hasSlot(numbers, active)) {
    const message = `${capitalized(subject)} runs ${plural(active, 'job')} of at most ${concurrency}.`;
    const remedy = 'Wait until one of these jobs ends, or raise the limit.';
    reasons.push({ code: 'concurrency_full', message, keys, ...listed('jobs', holders, active), remedy });
  }
  const until = reopensAt(numbers, (n) => starts.at(-n), now);
  if (until !== null) {
    const message = `The rate of ${subject} allows the next start at ${formatTimestamp(until)}.`;
    reasons.push({ code: 'rate_reached', message, keys, until, remedy: 'Wait, or raise the rate.' });
  }
  return reasons;
}

/** Describes the subject that the key limits. */
function subjectOf(key: string): string {
  const queue = limitedQueue(key);
  if (queue !== null) return `queue ${queue}`;
  return key.startsWith('cron:') ? `cron ${key.slice('cron:'.length)}` : `limit ${key}`;
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

const startOne = 'Start a worker that reads the queue.';

function workerReasons({ queue }: JobRecord, { readers, silentReaders }: AvailableFacts): readonly Reason[] {
  const others = silentReaders === 0 ? '' : `; the queues of ${plural(silentReaders, 'live worker')} are not known`;
  const live = readers.filter(({ status }) => status === 'live');
  if (live.length === 0) {
    const known = readers.length === 0 ? '' : `: ${statusesOf(readers)}`;
    const message = `No live worker is known to read queue ${queue}${known}${others}.`;
    return [{ code: 'no_worker', message, ...listed('workers', readers.map(shown)), remedy: startOne }];
  }
  if (!live.every(isBusy)) return [];
  const message = `By its last heartbeat, each live worker of queue ${queue} holds as many jobs as it has slots${others}.`;
  const jobs = live.flatMap(({ id, holds }) => (holds ?? []).map((job) => ({ id: job, worker: id, since: null })));
  const lists = { ...listed('workers', live.map(shown)), ...listed('jobs', jobs) };
  return [{ code: 'workers_busy', message, ...lists, remedy: 'Start more workers, or give them more slots.' }];
}

function isBusy({ holds, slots }: QueueReader): boolean {
  return holds !== null && slots !== null && holds.length >= slots;
}

/** `2 dead, 1 quiet` */
function statusesOf(readers: readonly QueueReader[]): string {
  const counts = new Map<string, number>();
  for (const { status } of readers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}

function shown({ id, status, seenAt, holds, slots }: QueueReader): ReasonWorker {
  return { id, status, seenAt, held: holds?.length ?? null, slots };
}

/** Explains the order of a job that nothing blocks. */
function orderReasons({ queue }: JobRecord, facts: AvailableFacts): readonly Reason[] {
  const { readers, before, available } = facts;
  const idle = readers.filter((reader) => reader.status === 'live' && !isBusy(reader));
  const workers = listed('workers', idle.map(shown));
  const reasons: Reason[] = [];
  if (idle.every(({ first }) => first.length > 0)) {
    const queues = [...new Map(idle.flatMap(({ first }) => first).map((one) => [one.name, one])).values()];
    const names = queues.map(({ name, available }) => `${name} (${available})`).join(', ');
    const message = `The workers of queue ${queue} ask first for the available jobs of ${names}.`;
    reasons.push({ code: 'other_queues_first', message, queues, ...workers, remedy: startOne });
  }
  if (before === null ? available > 1 : before > 0) {
    const message =
      before === null
        ? `Queue ${queue} has ${plural(available, 'available job')}; how many are before this one was not counted.`
        : `By priority and time of entry, ${plural(before, 'job')} of queue ${queue} ${before === 1 ? 'is' : 'are'} ` +
          'before this one.';
    reasons.push({
      code: 'jobs_before',
      message,
      ...(before !== null && { before }),
      ...workers,
      remedy: 'Wait, or start more workers.',
    });
  }
  if (reasons.length > 0) return reasons;
  const message = `Nothing holds the job back, and ${plural(idle.length, 'live worker')} of queue ${queue} may take it.`;
  return [{ code: 'ready', message, ...workers }];
}

/**
 * How many of these available jobs of a queue a claim takes before `job`.
 * @param newest in the order of a list: by creation, newest first.
 */
export function jobsBefore(job: JobRecord, newest: readonly JobRecord[]): number {
  const entered = newest.toReversed().sort((a, b) => (a.enqueuedAt ?? a.createdAt) - (b.enqueuedAt ?? b.createdAt));
  const places = entered.map(({ id, priority }, place) => ({ id, priority, place }));
  const own = places.find(({ id }) => id === job.id);
  return own === undefined ? 0 : places.filter((other) => isClaimedBefore(other, own)).length;
}
