import type { Millis } from '@ojs-ts/core';
import { creationEvent } from '@ojs-ts/core/events';
import { type JobId, type JobRecord, type NewJob, State } from '@ojs-ts/core/job';
import {
  type AdmissionOptions,
  type AdmissionView,
  type Admitted,
  admit,
  cancelled,
  groupVerdict,
  type Holder,
  isPlainJob,
  sameOrOther,
} from '@ojs-ts/core/lifecycle';
import { sumsOf } from '@ojs-ts/core/statistics';
import { integer } from '../cells.ts';
import type { Inserted } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { move } from './move.ts';
import { boundsText, limitsText, tiesText } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

const plain: Inserted = { kind: 'inserted', replaced: [] };

export function insertGroup(
  tx: Transaction,
  group: readonly NewJob[],
  now: Millis,
  options: AdmissionOptions = {},
): readonly Inserted[] {
  if (isPlain(tx, group, options)) return insertPlain(tx, group, now);
  const { answers, admitted } = admit(viewOf(tx), group, options);
  for (const one of admitted) carryOut(tx, one, now);
  return answers;
}

/** The part of the store that admission reads, as the transaction sees it. */
function viewOf({ sql, counters }: Transaction): AdmissionView {
  return {
    jobById: (id) => find(sql, id),
    holders: {
      all: (key) => unfinishedStates.flatMap((state) => holders(sql, key, state, null, -1)),
      oldest: (key, state, after) => holders(sql, key, state, after, 1)[0] ?? null,
    },
    queue(name) {
      const row = counters.find(name);
      if (!row) return null;
      const { paused, capacity } = row;
      return {
        paused,
        capacity,
        get depth() {
          return counters.depth(name);
        },
      };
    },
  };
}

function carryOut(tx: Transaction, { job, replaced }: Admitted, now: Millis): void {
  for (const id of replaced) {
    const holder = find(tx.sql, id);
    if (holder) move(tx, cancelled(holder, now), now);
  }
  if (!insertRow(tx, job))
    throw new Error(`SQLite: the job ${job.id} was not inserted, because its id exists already.`);
  inserted(tx, job, now);
}

export function find(sql: Connection, id: JobId): JobRecord | null {
  return sql.get(statements.byId, id)?.job ?? null;
}

/** Reports whether only the id of a job can refuse the group: the queues are in memory, so they are looked at first. */
function isPlain(tx: Transaction, group: readonly NewJob[], { always, refusePaused }: AdmissionOptions): boolean {
  for (const job of group) {
    if (!isPlainJob(job)) return false;
    const row = always ? null : tx.counters.find(job.queue);
    if (row && (row.capacity !== null || (row.paused && refusePaused))) return false;
  }
  return true;
}

/** Inserts without a look first: a known id makes no row. If the group is refused then, its rows are deleted again. */
function insertPlain(tx: Transaction, group: readonly NewJob[], now: Millis): readonly Inserted[] {
  const answers: Inserted[] = [];
  let fresh = 0;
  for (const job of group) {
    const isNew = insertRow(tx, job);
    if (isNew) fresh += 1;
    answers.push(isNew ? plain : sameOrOther(job, must(tx.sql, job.id)));
  }
  if (fresh === group.length) {
    for (const job of group) inserted(tx, job, now);
    return answers;
  }
  answers.forEach((answer, index) => {
    if (answer === plain) tx.sql.change('DELETE FROM ojs_jobs WHERE id = ?', group[index]?.id ?? null);
  });
  return groupVerdict(answers);
}

function must(sql: Connection, id: JobId): JobRecord {
  const there = find(sql, id);
  if (!there) throw new Error(`Job ${id} could not be inserted.`);
  return there;
}

function insertRow(tx: Transaction, job: NewJob): boolean {
  const {
    state,
    priority,
    queue,
    runAt,
    timeoutMs,
    expiresAt,
    createdAt,
    id,
    type,
    trace,
    node,
    policy,
    envelope,
    cron,
  } = job;
  const bounds = boundsText(job);
  const limits = limitsText(job.limits.map(({ key }) => key));
  const uniqueKey = job.unique?.key ?? null;
  tx.segments.open();
  const waits = state === State.available;
  const readyQueue = waits ? tx.readyQueue({ queue, limits }) : null;
  const place = waits ? tx.sequences.place() : null;
  if (waits && (bounds ?? expiresAt ?? trace ?? limits ?? uniqueKey ?? policy ?? cron) === null) {
    const times = [runAt, createdAt, timeoutMs, createdAt] as const;
    return tx.sql.insert(
      statements.insertBare,
      priority,
      readyQueue,
      place,
      ...times,
      id,
      queue,
      type,
      tiesText(null, node),
      envelope,
    );
  }
  const [due, since] = waits ? [null, createdAt] : [runAt, null];
  const times = [due, runAt, since, timeoutMs, bounds, expiresAt, createdAt] as const;
  const ties = [trace, tiesText(limits, node), uniqueKey, policy] as const;
  return tx.sql.insert(
    statements.insert,
    state,
    priority,
    readyQueue,
    place,
    ...times,
    id,
    queue,
    type,
    ...ties,
    envelope,
    cron,
  );
}

/** Applies the changes of a new job besides its row. */
function inserted(tx: Transaction, job: NewJob, now: Millis): void {
  const { id, type, queue, state, trace, runAt, priority } = job;
  for (const limit of job.limits) tx.limits.jobAdded(limit, now);
  tx.counters.readyQueue(queue);
  tx.segments.add(queue, type);
  tx.entered({ queue, limits: limitsText(job.limits.map(({ key }) => key)) }, state, now);
  tx.counters.addStatistics(job, sumsOf(null, state, now), now);
  if (state === State.available) tx.woken.add(queue);
  const kind = creationEvent(state);
  if (kind)
    tx.log.job(
      kind,
      { id, type, queue, state, attempt: 0, worker: null, startedAt: null, trace, runAt, priority },
      null,
    );
}

const unfinishedStates = [State.scheduled, State.available, State.pending, State.active, State.retryable] as const;

/**
 * The holders of a key in a state that were created after `after`, the oldest first; all of them with a limit of -1.
 */
function holders(sql: Connection, key: string, state: State, after: Millis | null, limit: number): readonly Holder[] {
  return sql
    .values(statements.holders, key, state, after ?? Number.MIN_SAFE_INTEGER, limit)
    .flatMap((number) => sql.get(statements.byNumber, integer(number)) ?? []);
}
