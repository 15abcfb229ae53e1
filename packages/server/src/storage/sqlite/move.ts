import {
  type EventSubject,
  expired,
  type JobRecord,
  type Json,
  jobEventEntry,
  type Millis,
  State,
  Terminal,
  type Transition,
} from '@ojs-ts/core';
import { isIn, type Mutable, moved, overdueAt, verdict } from '../apply.ts';
import type { Moved } from '../storage.ts';
import { type Cells, integer, integerOrNull, readJob, state, text, textOrNull } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** What is read of every job that is to be changed. */
type Guarded = EventSubject & Pick<JobRecord, 'claim'>;
/** What is read besides where the change may keep or set more than the end of an execution does. */
type Changing = Guarded & Mutable & Pick<JobRecord, 'timeoutMs'>;

/** One guarded change. Only a refusal reads the whole row. */
export function move(tx: Transaction, transition: Transition, now: Millis, entries: Json[]): Moved {
  const cells = tx.sql.get(statements.guard, transition.id);
  if (!cells) return { kind: 'missing' };
  const number = integer(cells[0]);
  const before = readGuarded(transition.id, cells);
  const kind = verdict(before, transition);
  if (kind !== 'moves') return { kind, job: readJob(only(tx.sql.get(statements.byNumber, number))).job };
  const after =
    before.state === State.active && isPlainEnd(transition)
      ? finish(tx, number, before, transition, now)
      : change(tx, number, before, transition, now);
  tx.count(before.queue, before.state, -1, now);
  tx.count(before.queue, after.state, 1, now);
  if (after.state === State.available) tx.woken.add(before.queue);
  for (const event of transition.events) entries.push(jobEventEntry(event.kind, after, event.data ?? null));
  return { kind: 'moved', was: before.state };
}

/** Ends a waiting job that is past its expiry, as core decides. */
export function expire(tx: Transaction, job: JobRecord, now: Millis, entries: Json[]): void {
  const answer = move(tx, expired(job, now), now, entries);
  if (answer.kind !== 'moved') throw new Error(`Job ${job.id} has expired, but its transition was ${answer.kind}.`);
}

/** An execution that ends for good with nothing but a result to note: the usual ACK. */
function isPlainEnd({ to, attempt, priority, runAt, clearRun, deadLetter, history }: Transition): boolean {
  const more = attempt ?? priority ?? runAt ?? clearRun ?? deadLetter ?? history;
  return more === undefined && isIn(to, Terminal);
}

function finish(tx: Transaction, number: number, before: Guarded, { to, result }: Transition, now: Millis): EventSubject {
  tx.sql.change(statements.finish, to, now, now, result === undefined ? 0 : 1, result ?? null, number);
  return { ...before, state: to };
}

function change(tx: Transaction, number: number, guarded: Guarded, transition: Transition, now: Millis): EventSubject {
  const before = readRest(guarded, only(tx.sql.get(statements.rest, number)));
  const after = moved(before, transition, now);
  write(tx, number, after);
  const { result, history } = transition;
  if (result !== undefined || history !== undefined) {
    tx.sql.change(statements.note, result === undefined ? 0 : 1, result ?? null, history ?? null, number);
  }
  if (before.deadLetter !== after.deadLetter) tx.countDeadLetter(before.queue, after.deadLetter ? 1 : -1, now);
  return after;
}

function write(tx: Transaction, number: number, job: Changing): void {
  tx.sql.change(
    statements.move,
    job.state,
    job.attempt,
    job.priority,
    job.state === State.available ? tx.place() : null,
    dueAt(job),
    job.runAt,
    job.enqueuedAt,
    job.startedAt,
    job.finishedAt,
    job.deadLetter ? 1 : 0,
    job.leaseMs,
    job.leaseUntil,
    job.worker,
    number,
  );
}

/** The time by which the state is indexed (see the table). */
function dueAt(job: Changing): Millis | null {
  if (isIn(job.state, State.scheduled | State.retryable | State.pending)) return job.runAt;
  return isIn(job.state, Terminal) ? job.finishedAt : overdueAt(job);
}

function readGuarded(id: string, cells: Cells): Guarded {
  return {
    id,
    state: state(cells[1]),
    claim: integer(cells[2]),
    worker: textOrNull(cells[3]),
    queue: text(cells[4]),
    type: text(cells[5]),
    attempt: integer(cells[6]),
    startedAt: integerOrNull(cells[7]),
    trace: textOrNull(cells[8]),
  };
}

function readRest(guarded: Guarded, cells: Cells): Changing {
  return {
    ...guarded,
    deadLetter: cells[0] !== 0,
    priority: integer(cells[1]),
    runAt: integer(cells[2]),
    enqueuedAt: integerOrNull(cells[3]),
    finishedAt: integerOrNull(cells[4]),
    leaseMs: integerOrNull(cells[5]),
    leaseUntil: integerOrNull(cells[6]),
    timeoutMs: integer(cells[7]),
  };
}

function only(cells: Cells | undefined): Cells {
  if (!cells) throw new Error('A job vanished within a transaction.');
  return cells;
}
