import type { Millis } from '@ojs-ts/core';
import {
  fingerprintAfter,
  type JobId,
  type JobRecord,
  type Json,
  type NodeRef,
  State,
  Terminal,
  type Transition,
} from '@ojs-ts/core/job';
import {
  completed,
  eventsOf,
  expired,
  isIn,
  isPlainEnd,
  type Mutable,
  moved,
  overdueAt,
  textsOf,
  verdict,
} from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import { type Cells, flag, integer, integerOrNull, state, text, textOrNull } from '../cells.ts';
import type { Dumped, Moved } from '../storage.ts';
import type { Guarded } from './claim/claimed-job-cache.ts';
import { readBounds, readTies } from './row.ts';
import { at, statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** The further columns of a change that may keep or set more than the usual ACK does. */
type Changing = Guarded & Mutable & Pick<JobRecord, 'heartbeatMs' | 'deadlineAt'>;

/** Applies one guarded change, after the completions of the job that users' transactions have committed. */
export function move(tx: Transaction, transition: Transition, now: Millis): Moved {
  if (tx.completing && transition.to !== State.active)
    for (const completion of tx.sql.all(statements.completionOf, transition.id)) complete(tx, completion, now);
  return moveAlone(tx, transition, now);
}

/** The job for a check of its claim; null where a committed completion is about to end that. */
export function standing(tx: Transaction, id: JobId): Guarded | null {
  const job = guarded(tx, id);
  const isCompleted =
    tx.completing && tx.sql.all(statements.completionOf, id).some(({ claim }) => claim === job?.claim);
  return isCompleted ? null : job;
}

function guarded(tx: Transaction, id: JobId): Guarded | null {
  return tx.claimedJobs.find(id) ?? find(tx, id);
}

/** Only a refusal reads the whole row. */
function moveAlone(tx: Transaction, transition: Transition, now: Millis): Moved {
  const before = guarded(tx, transition.id);
  if (!before) return { kind: 'missing' };
  const { number } = before;
  const kind = verdict(seenBy(transition, tx, before), transition);
  if (kind !== 'moves') return { kind, job: only(tx.sql.get(statements.byNumber, number)).job };
  const { reopens } = transition;
  if (reopens !== undefined && !tx.graph.reopen(reopens))
    return { kind: 'refused', job: only(tx.sql.get(statements.byNumber, number)).job };
  tx.claimedJobs.forget(before.id);
  const after =
    before.state === State.active && isPlainEnd(transition)
      ? finish(tx, before, transition, now)
      : change(tx, before, transition, now);
  if (before.state !== after.state || after.state !== State.active) {
    tx.left(before, before.state, now);
    tx.entered(after, after.state, now);
  }
  tx.counters.addStatistics(before, sumsOf(before, after.state, now, transition), now);
  for (const event of eventsOf(transition, before.state))
    tx.log.job(event.kind, after, before.state, event.data ?? null);
  if (reopens !== undefined) tx.log.add(reopens.events);
  return { kind: 'moved', was: before.state, ready: closeNode(tx, after, transition, now) };
}

/** With what is read only for a transition that asks: heartbeats change leases behind the cache of claimed jobs. */
function seenBy(
  { leaseUntil, envelopeWas }: Transition,
  { sql }: Transaction,
  job: Guarded,
): Parameters<typeof verdict>[0] {
  const { number } = job;
  return {
    ...job,
    ...(leaseUntil !== undefined && { leaseUntil: integerOrNull(sql.value(statements.leaseUntil, number)) }),
    ...(envelopeWas !== undefined && { envelope: text(sql.value(statements.envelope, number)) }),
  };
}

/** Applies the ACK that a user's transaction has committed. */
export function complete(
  tx: Transaction,
  { number, id, claim, result }: Dumped['completion'],
  now: Millis,
): readonly NodeRef[] {
  tx.sql.change(statements.leaveCompletions, number);
  const done = moveAlone(tx, completed({ id, claim, result }), now);
  return done.kind === 'moved' ? done.ready : none;
}

const none: readonly NodeRef[] = [];

function closeNode(tx: Transaction, job: Guarded, { result }: Transition, now: Millis): readonly NodeRef[] {
  if (job.node === null || !isIn(job.state, Terminal)) return none;
  return tx.graph.jobEnded(
    job.node,
    job,
    () => (result === undefined ? textOrNull(tx.sql.value(statements.result, job.number)) : result),
    now,
  );
}

/** Ends a waiting job that is past its expiry, as core decides. */
export function expire(tx: Transaction, job: JobRecord, now: Millis): void {
  const answer = move(tx, expired(job, now), now);
  if (answer.kind !== 'moved') throw new Error(`Job ${job.id} has expired, but its transition was ${answer.kind}.`);
}

function finish(tx: Transaction, before: Guarded, { to, result }: Transition, now: Millis): Guarded {
  if (result === undefined) tx.sql.changeRow(statements.finishAsIs, before.number, to, now);
  else tx.sql.changeRow(statements.finish, before.number, to, now, result);
  return { ...before, state: to };
}

function change(tx: Transaction, guarded: Guarded, transition: Transition, now: Millis): Guarded {
  const { number } = guarded;
  const before = readRest(guarded, only(tx.sql.cells(statements.rest, number)));
  const after = moved(before, transition, now);
  write(tx, number, after, fingerprintAfter(transition));
  if (before.queue !== after.queue) tx.segments.moved(number, after.queue);
  note(tx, number, transition, after);
  if (before.deadLetter !== after.deadLetter) tx.counters.addDeadLetter(before.queue, after.deadLetter ? 1 : -1, now);
  if (before.state === State.available) tx.leaveReadyQueue(before);
  return after;
}

/** @param fingerprint undefined if the job keeps its own. */
function write(tx: Transaction, number: number, job: Changing, fingerprint: string | null | undefined): void {
  const waits = job.state === State.available;
  tx.sql.change(
    statements.move,
    job.state,
    job.queue,
    job.attempt,
    job.priority,
    waits ? tx.enterReadyQueue(job) : null,
    waits ? tx.sequences.place() : null,
    dueAt(job),
    job.runAt,
    job.enqueuedAt,
    job.startedAt,
    job.beatAt,
    job.finishedAt,
    job.deadLetter ? 1 : 0,
    job.leaseMs,
    job.leaseUntil,
    job.worker,
    fingerprint === undefined ? 1 : 0,
    fingerprint ?? null,
    job.timeoutMs,
    number,
  );
}

function note(tx: Transaction, number: number, transition: Transition, after: Changing): void {
  const changed = textsOf(transition, after);
  if (Object.keys(changed).length === 0) return;
  const { result, history, progress, checkpoint, envelope, policy } = changed;
  const ends = [...given(checkpoint), envelope ?? null, policy ?? null] as const;
  tx.sql.change(statements.note, ...given(result), history ?? null, ...given(progress), ...ends, number);
}

/** For a text that may be set to null: whether the change sets the text, and to what. */
function given(text: Json | null | undefined): readonly [number, Json | null] {
  return text === undefined ? [0, null] : [1, text];
}

/** The column `due_at`: see 002_baseline.sql. */
export function dueAt(job: Parameters<typeof overdueAt>[0] & Pick<JobRecord, 'state' | 'runAt'>): Millis | null {
  if (isIn(job.state, State.scheduled | State.retryable | State.pending)) return job.runAt;
  return isIn(job.state, Terminal) ? null : overdueAt(job);
}

function find(tx: Transaction, id: JobId): Guarded | null {
  const cells = tx.sql.cells(statements.guard, id);
  if (!cells) return null;
  return {
    number: integer(cells[at.guard.number]),
    id,
    state: state(cells[at.guard.state]),
    claim: integer(cells[at.guard.claim]),
    worker: textOrNull(cells[at.guard.worker]),
    queue: text(cells[at.guard.queue]),
    type: text(cells[at.guard.type]),
    attempt: integer(cells[at.guard.attempt]),
    startedAt: integerOrNull(cells[at.guard.started_at]),
    trace: textOrNull(cells[at.guard.trace]),
    ...readTies(cells[at.guard.ties]),
    leaseRequired: flag(cells[at.guard.lease_required]),
    // Read only for a change that may keep it.
    enqueuedAt: null,
  };
}

function readRest(guarded: Guarded, cells: Cells): Changing {
  return {
    ...guarded,
    deadLetter: flag(cells[at.rest.dead_letter]),
    priority: integer(cells[at.rest.priority]),
    runAt: integer(cells[at.rest.run_at]),
    enqueuedAt: integerOrNull(cells[at.rest.enqueued_at]),
    finishedAt: integerOrNull(cells[at.rest.finished_at]),
    leaseMs: integerOrNull(cells[at.rest.lease_ms]),
    leaseUntil: integerOrNull(cells[at.rest.lease_until]),
    timeoutMs: integer(cells[at.rest.timeout_ms]),
    beatAt: integerOrNull(cells[at.rest.beat_at]),
    ...readBounds(cells[at.rest.bounds]),
  };
}

function only<T>(row: T | undefined): T {
  if (row === undefined) throw new Error('A job vanished within a transaction.');
  return row;
}
