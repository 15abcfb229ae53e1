import {
  cancelled,
  creationEvent,
  groupVerdict,
  HeldKeys,
  type Holder,
  isIn,
  type JobId,
  type JobRecord,
  type Millis,
  type NewJob,
  Queued,
  queueRefusal,
  recordOf,
  State,
  sumsOf,
} from '@ojs-ts/core';
import type { Inserted, InsertOptions } from '../storage.ts';
import type { Connection } from './disk/connection.ts';
import { move } from './move.ts';
import { boundsText, integer, limitsText, readJob, tiesText } from './row.ts';
import { statements } from './statements.ts';
import type { Transaction } from './transaction.ts';

export interface Admission extends InsertOptions {
  /** Neither a bound nor a pause refuses the job. */
  readonly always?: true;
}

const plain: Inserted = { kind: 'inserted', replaced: [] };

export function insertGroup(
  tx: Transaction,
  group: readonly NewJob[],
  now: Millis,
  admission: Admission = {},
): readonly Inserted[] {
  return isPlain(tx, group, admission) ? insertPlain(tx, group, now) : new Draft(tx, now, admission).insert(group);
}

export function find(sql: Connection, id: JobId): JobRecord | null {
  const cells = sql.get(statements.byId, id);
  return cells ? readJob(cells).job : null;
}

/** Whether nothing but an id can refuse the group. */
function isPlain(tx: Transaction, group: readonly NewJob[], { always, refusePaused }: Admission): boolean {
  for (const { unique, queue } of group) {
    if (unique !== null) return false;
    const row = always ? null : tx.counters.find(queue);
    if (row && (row.capacity !== null || (row.paused && refusePaused))) return false;
  }
  return true;
}

/**
 * Inserts first and asks later: an id that is there makes no row, which says so. What a group inserted before it met its refusal is taken back,
 * so nothing of it is seen.
 */
function insertPlain(tx: Transaction, group: readonly NewJob[], now: Millis): readonly Inserted[] {
  const answers: Inserted[] = [];
  let fresh = 0;
  for (const job of group) {
    const isNew = insertRow(tx, job);
    if (isNew) fresh += 1;
    answers.push(isNew ? plain : sameOrOther(tx.sql, job));
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

function sameOrOther(sql: Connection, job: NewJob): Inserted {
  const there = find(sql, job.id);
  if (!there) throw new Error(`Job ${job.id} could not be inserted.`);
  return byId(job, there);
}

function byId(job: NewJob, there: JobRecord): Inserted {
  const same = there.envelope === job.envelope && there.queue === job.queue && there.type === job.type;
  return same ? { kind: 'already', job: there } : { kind: 'duplicate', by: 'id', existing: there };
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
  const limits = keysText(job);
  const uniqueKey = job.unique?.key ?? null;
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

function keysText({ limits }: NewJob): string | null {
  return limits.length === 0 ? null : limitsText(limits.map(({ key }) => key));
}

/** What an accepted job changes beside its row. */
function inserted(tx: Transaction, job: NewJob, now: Millis): void {
  const { id, type, queue, state, trace, runAt, priority } = job;
  for (const limit of job.limits) tx.limits.jobAdded(limit, now);
  tx.counters.readyQueue(queue);
  tx.entered({ queue, limits: keysText(job) }, state, now);
  tx.counters.addStatistics(queue, sumsOf(null, state, now), now);
  if (state === State.available) tx.woken.add(queue);
  const kind = creationEvent(state);
  if (kind)
    tx.log.job(
      kind,
      { id, type, queue, state, attempt: 0, worker: null, startedAt: null, trace, runAt, priority },
      null,
    );
}

interface Plan {
  readonly job: NewJob;
  readonly record: JobRecord;
  readonly replaced: readonly JobId[];
}

const unfinishedStates = [State.scheduled, State.available, State.pending, State.active, State.retryable] as const;

/** A group that is looked at job by job, each as if those before it were there. Nothing is written until all of it is known to fit. */
class Draft {
  readonly #tx: Transaction;
  readonly #now: Millis;
  readonly #admission: Admission;
  readonly #plans = new Map<JobId, Plan>();
  readonly #keys: HeldKeys<JobRecord>;
  /** By queue, how many jobs more will wait in it. */
  readonly #more = new Map<string, number>();

  constructor(tx: Transaction, now: Millis, admission: Admission) {
    this.#tx = tx;
    this.#now = now;
    this.#admission = admission;
    this.#keys = new HeldKeys<JobRecord>({
      all: (key) => unfinishedStates.flatMap((state) => holders(tx.sql, key, state, null, -1)),
      oldest: (key, state, after) => holders(tx.sql, key, state, after, 1)[0] ?? null,
    });
  }

  insert(group: readonly NewJob[]): readonly Inserted[] {
    const answers = groupVerdict(group.map((job) => this.#look(job)));
    if (answers.every(({ kind }) => kind === 'inserted')) for (const plan of this.#plans.values()) this.#carryOut(plan);
    return answers;
  }

  #carryOut({ job, replaced }: Plan): void {
    const tx = this.#tx;
    for (const id of replaced) {
      const holder = find(tx.sql, id);
      if (holder) move(tx, cancelled(holder, this.#now), this.#now);
    }
    if (!insertRow(tx, job)) throw new Error(`Job ${job.id} could not be inserted.`);
    inserted(tx, job, this.#now);
  }

  #look(job: NewJob): Inserted {
    const there = this.#plans.get(job.id)?.record ?? find(this.#tx.sql, job.id);
    if (there) return byId(job, there);
    const answer = job.unique === null ? { replaces: [] } : this.#keys.look(job.unique);
    if ('refusedBy' in answer) return { kind: 'duplicate', by: 'unique', existing: answer.refusedBy.stored };
    return this.#doorAnswer(job, answer.replaces) ?? this.#plan(job, answer.replaces);
  }

  #doorAnswer(job: NewJob, replaces: readonly Holder<JobRecord>[]): Inserted | null {
    const { counters } = this.#tx;
    const row = this.#admission.always ? null : counters.find(job.queue);
    if (!row) return null;
    const gone = replaces.filter(({ stored, state }) => stored.queue === job.queue && isIn(state, Queued)).length;
    const more = (this.#more.get(job.queue) ?? 0) - gone;
    const door = {
      name: job.queue,
      paused: row.paused,
      capacity: row.capacity,
      depth: counters.depth(job.queue),
      more,
    };
    return queueRefusal(job, door, this.#admission.refusePaused ?? false);
  }

  #plan(job: NewJob, replaces: readonly Holder<JobRecord>[]): Inserted {
    const record = recordOf(job);
    const replaced = replaces.map(({ id }) => id);
    for (const { stored, state } of replaces) if (isIn(state, Queued)) this.#wait(stored.queue, -1);
    if (isIn(record.state, Queued)) this.#wait(record.queue, 1);
    if (record.uniqueKey !== null) {
      this.#keys.cancel(record.uniqueKey, replaces);
      this.#keys.add(record.uniqueKey, holderOf(record, Number.MAX_SAFE_INTEGER / 2 + this.#plans.size));
    }
    this.#plans.set(job.id, { job, record, replaced });
    return { kind: 'inserted', replaced };
  }

  #wait(queue: string, by: 1 | -1): void {
    this.#more.set(queue, (this.#more.get(queue) ?? 0) + by);
  }
}

/** Of a key and a state, created after a moment, the oldest first; all of them with a limit of -1. */
function holders(
  sql: Connection,
  key: string,
  state: State,
  after: Millis | null,
  limit: number,
): readonly Holder<JobRecord>[] {
  return sql.all(statements.holders, key, state, after ?? Number.MIN_SAFE_INTEGER, limit).flatMap(([number]) => {
    const cells = sql.get(statements.byNumber, integer(number));
    return cells ? [holderOf(readJob(cells).job, integer(number))] : [];
  });
}

function holderOf(stored: JobRecord, number: number): Holder<JobRecord> {
  const { id, state, createdAt } = stored;
  return { id, state, createdAt, number, stored };
}
