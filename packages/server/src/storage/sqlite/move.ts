import { expired, type JobRecord, jobEventEntry, type Json, type Millis, State, Terminal, type Transition } from '@ojs-ts/core';
import { isIn, type Mutable, moved, overdueAt, verdict } from '../apply.ts';
import type { Moved } from '../storage.ts';
import { type Cells, integer, integerOrNull, readJob, state, text, textOrNull } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

/** One guarded change. Only a refusal reads the whole row. */
export function move(tx: Transaction, transition: Transition, now: Millis, entries: Json[]): Moved {
  const cells = tx.sql.get(statements.guard, transition.id);
  if (!cells) return { kind: 'missing' };
  const number = integer(cells[0]);
  const row = readGuarded(transition.id, cells);
  const kind = verdict(row, transition);
  if (kind !== 'moves') {
    const whole = tx.sql.get(statements.byNumber, number);
    if (!whole) throw new Error(`Job ${transition.id} vanished within a transaction.`);
    return { kind, job: readJob(whole).job };
  }
  const { result, history } = transition;
  const after = moved(row, transition, now);
  if (row.state === State.active && isPlainEnd(transition)) {
    tx.sql.run(statements.finish, after.state, after.finishedAt, after.finishedAt, result === undefined ? 0 : 1, result ?? null, number);
  } else {
    write(tx, number, after);
    if (result !== undefined || history !== undefined) {
      tx.sql.run(statements.note, result === undefined ? 0 : 1, result ?? null, history ?? null, number);
    }
  }
  tx.count(row.queue, row.state, -1, now);
  tx.count(row.queue, after.state, 1, now);
  if (row.deadLetter !== after.deadLetter) tx.countDeadLetter(row.queue, after.deadLetter ? 1 : -1, now);
  if (after.state === State.available) tx.woken.add(row.queue);
  for (const event of transition.events) entries.push(jobEventEntry(event.kind, after, event.data ?? null));
  return { kind: 'moved', was: row.state };
}

/** Ends a waiting job that is past its expiry, as core decides. */
export function expire(tx: Transaction, job: JobRecord, now: Millis, entries: Json[]): void {
  const answer = move(tx, expired(job, now), now, entries);
  if (answer.kind !== 'moved') throw new Error(`Job ${job.id} has expired, but its transition was ${answer.kind}.`);
}

type Guarded = Mutable & Pick<JobRecord, 'id' | 'claim' | 'queue' | 'type' | 'timeoutMs'>;

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
    deadLetter: cells[8] !== 0,
    priority: integer(cells[9]),
    runAt: integer(cells[10]),
    enqueuedAt: integerOrNull(cells[11]),
    finishedAt: integerOrNull(cells[12]),
    leaseMs: integerOrNull(cells[13]),
    leaseUntil: integerOrNull(cells[14]),
    timeoutMs: integer(cells[15]),
  };
}

function isPlainEnd({ to, attempt, priority, runAt, clearRun, deadLetter, history }: Transition): boolean {
  const more = attempt ?? priority ?? runAt ?? clearRun ?? deadLetter ?? history;
  return more === undefined && isIn(to, Terminal);
}

function write(tx: Transaction, number: number, job: Guarded): void {
  tx.sql.run(
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

/** What the index that upkeep reads says of a job (see the table). */
function dueAt(job: Guarded): Millis | null {
  if (isIn(job.state, State.scheduled | State.retryable | State.pending)) return job.runAt;
  return isIn(job.state, Terminal) ? job.finishedAt : overdueAt(job);
}
