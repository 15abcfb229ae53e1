import { entryText, historyOf } from '../job/history.ts';
import type { HistoryEntry, JobId, JobRecord, Transition } from '../job/job.ts';
import { State, stateName, Terminal } from '../job/states.ts';
import { members, utf8Length } from '../json/json.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.ts';
import { uuidFrom } from '../uuid.ts';
import { isIn } from './change.ts';
import { conflict, policyOf } from './decide.ts';

/** ojs-execution-history §3: the types that a job's own history has. */
export type HistoryEventType =
  | 'job.created'
  | 'job.state_changed'
  | 'job.attempt_started'
  | 'job.attempt_completed'
  | 'job.attempt_failed'
  | 'job.cancelled'
  | 'job.discarded'
  | 'job.purged';

export interface HistoryActor {
  readonly type: 'worker' | 'client' | 'system' | 'user';
  readonly id?: string;
}

/** One event as it goes over the wire (ojs-execution-history §4). */
export interface HistoryEvent {
  /** The same at every read. */
  readonly id: string;
  readonly job_id: JobId;
  readonly event_type: HistoryEventType;
  readonly timestamp: string;
  /** Absent where the job does not keep who it was; the audit log does. */
  readonly actor?: HistoryActor;
  readonly data: Readonly<Record<string, unknown>>;
  /** Marks an event whose time the job does not keep: it follows from those around it. */
  readonly metadata?: { readonly reconstructed: true };
}

const system: HistoryActor = { type: 'system' };
const client: HistoryActor = { type: 'client' };

/**
 * Returns the history of a job, oldest first, from its record: its times, and the last 20 entries of its timeline.
 * Nothing is written for it, so it cannot fail a call or fall behind one. Failures before those entries have no events.
 */
export function executionHistory(job: JobRecord): readonly HistoryEvent[] {
  const timeline = new Timeline(job);
  const entries = historyOf(job);
  for (const [index, entry] of entries.entries()) timeline.entry(entry, entries[index + 1]);
  timeline.end(entries.at(-1));
  return timeline.events;
}

class Timeline {
  readonly #job: JobRecord;
  #events: HistoryEvent[] = [];
  #state: State;
  /** When a waiting job was due, if that is known. */
  #due: Millis | null;
  #last: { readonly at: Millis; readonly number: number } = { at: Number.NaN, number: 0 };

  constructor(job: JobRecord) {
    this.#job = job;
    const [first] = historyOf(job);
    const scheduledAt = scheduledAtOf(job);
    const isScheduled = scheduledAt !== null && scheduledAt > job.createdAt;
    this.#due = scheduledAt;
    const left = first !== undefined && 'from' in first ? first.from : job.state;
    this.#state = left === State.pending ? State.pending : isScheduled ? State.scheduled : State.available;
    const args = members(job.envelope).get('args') ?? '[]';
    const data = { queue: job.queue, type: job.type, args_size_bytes: utf8Length(args), state: stateName(this.#state) };
    this.#add('job.created', job.createdAt, (job.cron ?? job.node) ? system : client, data);
  }

  get events(): readonly HistoryEvent[] {
    return this.#events;
  }

  entry(entry: HistoryEntry, next: HistoryEntry | undefined): void {
    const { at } = entry;
    if (entry.kind === 'purged') {
      this.#events = [];
      this.#state = entry.from;
      this.#add('job.purged', at, entry.by === 'server' ? system : null, {});
    } else if (entry.kind === 'failed') this.#failed(entry, next);
    else if (entry.kind === 'requeued') {
      const { worker, attempt, reason, by, delayMs = 0 } = entry;
      this.#start(null, at, worker, attempt);
      this.#due = at + delayMs;
      const to = delayMs > 0 ? State.retryable : State.available;
      this.#move(to, at, by === 'server' ? system : workerOf(worker), { reason });
    } else if (entry.kind === 'activated') {
      const due = this.#due ?? at;
      this.#move(due > at ? State.scheduled : State.available, at, null);
    } else if (entry.kind === 'retried') {
      this.#reach(entry.from, at);
      this.#move(State.available, at, null);
    } else if (entry.kind === 'cancelled') {
      this.#leave(entry.from, at, this.#job.attempt);
      this.#add('job.cancelled', at, null, {});
      this.#move(State.cancelled, at, null);
    } else if (entry.kind === 'discarded') {
      this.#leave(entry.from, at, entry.error.attempt);
      this.#move(State.discarded, at, null);
      this.#add('job.discarded', at, null, this.#discarded(entry.error));
    } else if (entry.kind === 'expired' && this.#state !== State.discarded) {
      // Another attempt would have come too late: its failure has discarded the job already.
      this.#move(State.discarded, at, system);
      this.#add('job.discarded', at, system, this.#discarded(entry.error));
    }
  }

  /** Adds the events that the record shows after its last entry. */
  end(last: HistoryEntry | undefined): void {
    const { state, startedAt, finishedAt, enqueuedAt, worker, attempt, createdAt } = this.#job;
    const isOver = isIn(state, Terminal);
    if (last?.kind === 'purged' && isOver) return;
    const at = finishedAt ?? startedAt ?? enqueuedAt ?? createdAt;
    if (state === State.active) this.#start(startedAt, at, worker, attempt);
    else if (state === State.completed) {
      this.#start(startedAt, at, worker, attempt);
      const duration = startedAt === null ? {} : { duration_ms: Math.max(0, at - startedAt) };
      this.#add('job.attempt_completed', at, workerOf(worker), { ...duration, attempt });
      this.#move(State.completed, at, workerOf(worker));
    } else if (state !== this.#state) this.#move(state, isOver ? at : (enqueuedAt ?? at), system);
  }

  #failed(entry: HistoryEntry & { readonly kind: 'failed' }, next: HistoryEntry | undefined): void {
    const { at, attempt, worker, startedAt, error, retryDelayMs, by } = entry;
    this.#start(startedAt, at, worker, attempt);
    const to = this.#afterFailure(entry, next);
    const actor = by === 'server' ? system : workerOf(worker);
    const { message, type, code } = error;
    const data = { error: message, error_type: type, error_code: code, will_retry: to !== State.discarded, attempt };
    this.#add('job.attempt_failed', at, actor, data);
    this.#due = at + (retryDelayMs ?? 0);
    this.#move(to, at, actor);
    if (to !== State.discarded) return;
    this.#add('job.discarded', at, system, this.#discarded(next?.kind === 'expired' ? next.error : error));
  }

  /** A failure without a delay has released the job, or was its last. */
  #afterFailure(
    { at, retryDelayMs }: HistoryEntry & { readonly kind: 'failed' },
    next: HistoryEntry | undefined,
  ): State {
    if (retryDelayMs !== undefined) return State.retryable;
    if (next === undefined) return this.#job.state === State.discarded ? State.discarded : State.available;
    const isLast = next.kind === 'retried' || next.kind === 'purged' || (next.kind === 'expired' && next.at === at);
    return isLast ? State.discarded : State.available;
  }

  /** @param at of the start; null where it is not known, but was before `end`. */
  #start(at: Millis | null, end: Millis, worker: string | null, attempt: number): void {
    const time = at ?? end;
    this.#reach(State.available, time);
    this.#move(State.active, time, system, {}, at === null);
    const data = { worker_id: worker ?? '', attempt };
    this.#add('job.attempt_started', time, workerOf(worker), data, at === null);
  }

  /** An operator ends the job in this state, perhaps its current execution. */
  #leave(from: State, at: Millis, attempt: number): void {
    const { startedAt, worker } = this.#job;
    // A later execution has overwritten them.
    const isKnown = startedAt !== null && startedAt <= at;
    if (from === State.active) this.#start(isKnown ? startedAt : null, at, isKnown ? worker : null, attempt);
    else this.#reach(from, at);
  }

  /** The job was in this state at that time at the latest: it became due before. */
  #reach(state: State, by: Millis): void {
    if (this.#state === state) return;
    const { enqueuedAt } = this.#job;
    const isKnown =
      state === State.available && enqueuedAt !== null && enqueuedAt <= by && enqueuedAt >= (this.#due ?? by);
    this.#move(state, isKnown ? enqueuedAt : Math.min(by, this.#due ?? by), system, {}, !isKnown);
  }

  #move(to: State, at: Millis, actor: HistoryActor | null, more: object = {}, isGuess = false): void {
    const from = this.#state;
    this.#state = to;
    this.#add('job.state_changed', at, actor, { from: stateName(from), to: stateName(to), ...more }, isGuess);
  }

  #discarded({ message, attempt }: { readonly message: string; readonly attempt: number }) {
    return { total_attempts: attempt, last_error: message };
  }

  #add(
    type: HistoryEventType,
    at: Millis,
    actor: HistoryActor | null,
    data: HistoryEvent['data'],
    isGuess = false,
  ): void {
    this.#last = { at, number: this.#last.at === at ? this.#last.number + 1 : 0 };
    this.#events.push({
      id: `evt_${uuidFrom(at, this.#last.number, Number.parseInt(this.#job.id.slice(-4), 16))}`,
      job_id: this.#job.id,
      event_type: type,
      timestamp: formatTimestamp(at),
      ...(actor !== null && { actor }),
      data,
      ...(isGuess && { metadata: { reconstructed: true } }),
    });
  }
}

function workerOf(worker: string | null): HistoryActor {
  return worker === null ? { type: 'worker' } : { type: 'worker', id: worker };
}

function scheduledAtOf(job: JobRecord): Millis | null {
  const { resolved } = policyOf(job);
  if (resolved?.scheduled_at !== undefined) return resolved.scheduled_at;
  const text = members(job.envelope).get('scheduled_at');
  const value: unknown = text === undefined ? null : JSON.parse(text);
  return typeof value === 'string' ? parseTimestamp(value) : null;
}

/**
 * Deletes the timeline of a job that has ended, with its errors (ojs-execution-history §7.3): only the moment of the
 * purge stays. Throws `conflict` for another job: the rules of its next attempts read its timeline.
 */
export function historyPurged(job: JobRecord, now: Millis, by?: 'server'): Transition {
  if (!isIn(job.state, Terminal)) throw conflict(job, Terminal);
  const history = entryText({ kind: 'purged', at: now, from: job.state, by });
  return { id: job.id, from: job.state, claim: job.claim, to: job.state, history, events: [] };
}
