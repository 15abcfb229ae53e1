import {
  eventsOf,
  expired,
  isIn,
  isPlainEnd,
  type JobRecord,
  limitGroupOf,
  type Millis,
  moved,
  type NodeRef,
  overdueAt,
  queueLimitKey,
  State,
  sumsOf,
  Terminal,
  type Texts,
  type Transition,
  textsOf,
  type Verdict,
  verdict,
} from '@ojs-ts/core';
import { flags, indexJoin, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import type { EventBuffer } from '../events/event-buffer.ts';
import { queuesUnder, readyQueueOf } from '../limits/limit-deltas.ts';
import { closeNodes, type NodeEnd } from '../workflows/graph.ts';
import type { NarrowJob } from './job-row.ts';
import type { LockedJob } from './locked-job.ts';

/** Rows of one statement: below the 4,096 numbers that a statement takes from the sequence. */
export const chunk = 4000;

/** The usual end of an active job, which changes at most its result. */
const finish = `UPDATE ojs.jobs AS job SET state = changed.state, due_at = $1, finished_at = $1, beat_at = NULL, lease_ms = NULL, lease_until = NULL,
    checkpoint = NULL, result = CASE WHEN changed.has_result THEN changed.result ELSE job.result END
  FROM unnest($2::uuid[], $3::smallint[], $4::boolean[], $5::text[]) AS changed (id, state, has_result, result)
  WHERE ${indexJoin('job.id', 'changed.id')}`;

const change = `WITH base AS MATERIALIZED (SELECT nextval('ojs.numbers') AS number)
  UPDATE ojs.jobs AS job SET state = changed.state, queue = changed.queue, attempt = changed.attempt, priority = changed.priority,
    place = CASE WHEN changed.state = ${State.available} THEN base.number + changed.at END, due_at = changed.due_at, run_at = changed.run_at,
    enqueued_at = changed.enqueued_at, started_at = changed.started_at, beat_at = changed.beat_at, finished_at = changed.finished_at,
    dead_letter = coalesce(changed.dead_letter, false), lease_ms = changed.lease_ms, lease_until = changed.lease_until, worker = changed.worker,
    result = CASE WHEN changed.has_result THEN changed.result ELSE job.result END,
    progress = CASE WHEN changed.has_progress THEN changed.progress ELSE job.progress END,
    checkpoint = CASE WHEN changed.has_checkpoint THEN changed.checkpoint ELSE job.checkpoint END,
    history = coalesce(changed.history, job.history), envelope = coalesce(changed.envelope, job.envelope),
    policy = coalesce(changed.policy, job.policy), line = coalesce(changed.line, job.line)
  FROM base, unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
      $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[], $14::text[], $15::boolean[], $16::text[], $17::boolean[], $18::text[], $19::boolean[],
      $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[])
    WITH ORDINALITY AS changed (id, state, attempt, priority, due_at, run_at, enqueued_at, started_at, beat_at, finished_at, dead_letter, lease_ms,
      lease_until, worker, has_result, result, has_progress, progress, has_checkpoint, checkpoint, history, envelope, policy, queue, line, at)
  WHERE ${indexJoin('job.id', 'changed.id')}`;

/** Queues whose jobs wait for a freed slot: of a key, or of a queue that is limited as a whole. */
const queuesOfFreedSlots = `${queuesUnder}
  UNION ALL SELECT substr(key, ${queueLimitKey('').length + 1}) FROM ojs.limits WHERE key = ANY ($2::text[])`;

/**
 * The changes of an operation to jobs that it has locked. Each change sees the changes before it; every row is written
 * once, at the end, in one statement for each kind of change.
 */
export class Changes {
  readonly #tx: Transaction;
  readonly #now: Millis;
  /** In the order of their last changes. */
  readonly #changed = new Set<LockedJob>();
  /** Those of them that only ended (see `finish`). */
  readonly #finished = new Set<LockedJob>();
  readonly #ends: NodeEnd[] = [];
  readonly #freed = new Set<string>();

  constructor(tx: Transaction, now: Millis) {
    this.#tx = tx;
    this.#now = now;
  }

  /** Applies the transition if the job's state and claim allow it. */
  move<J extends NarrowJob>(held: LockedJob<J>, transition: Transition, log: EventBuffer = this.#tx.log): Verdict {
    const tx = this.#tx;
    const before = held.job;
    const kind = verdict(before, transition);
    if (kind !== 'moves') return kind;
    const next = moved(before, transition, this.#now);
    const changed = textsOf(transition, next);
    held.job = { ...next, ...changed };
    held.texts = { ...held.texts, ...changed };
    if (changed.result !== undefined) held.result = changed.result;
    const { job } = held;
    const plain = before.state === State.active && isPlainEnd(transition) && !this.#changed.has(held);
    this.#note(held, plain);
    if (before.queue !== job.queue) {
      tx.count(before, before.state, null);
      tx.count(job, null, job.state);
      held.readyQueue = readyQueueOf(job.queue, limitGroupOf(job.limits));
    } else if (before.state !== job.state) tx.count(job, before.state, job.state);
    else if (job.state === State.available) tx.limits.change(job, before.state, job.state);
    if (before.deadLetter !== job.deadLetter) tx.counts.addDeadLetter(before.queue, job.deadLetter ? 1 : -1);
    tx.counts.sum(job.queue, sumsOf(before, job.state, this.#now, transition));
    for (const event of eventsOf(transition, before.state)) log.job(event.kind, job, before.state, event.data ?? null);
    if (job.state === State.available) tx.woken.add(job.queue);
    if (before.state === State.active && job.state !== State.active) this.#freed.add(job.queue);
    if (isIn(job.state, Terminal)) this.ended(held, log);
    return kind;
  }

  /** Ends a waiting job that is past its expiry. */
  expire(held: LockedJob<JobRecord>): void {
    const verdict = this.move(held, expired(held.job, this.#now));
    if (verdict !== 'moves') throw new Error(`Job ${held.job.id} has expired, but its transition was ${verdict}.`);
  }

  /** Makes a job available whose time has come. */
  promote<J extends NarrowJob>(held: LockedJob<J>, job: J): void {
    this.#tx.count(job, held.job.state, job.state);
    this.#tx.counts.sum(job.queue, sumsOf(held.job, job.state, this.#now));
    this.#tx.woken.add(job.queue);
    held.job = job;
    this.#note(held, false);
  }

  /** Notes that the job has ended or is removed, for the node that it belongs to. */
  ended({ job, result }: LockedJob, log: EventBuffer = this.#tx.log): void {
    if (job.node !== null) this.#ends.push({ node: job.node, job, result, log: log.section() });
  }

  /** How many ends of nodes are noted so far, for which {@link close} returns an item each. */
  get ends(): number {
    return this.#ends.length;
  }

  /** Notes a freed slot of the queue as a whole, where no transition freed it. */
  freed(queue: string): void {
    this.#freed.add(queue);
  }

  /** Sends the changed rows; they may be changed again afterwards. */
  write(): void {
    const finished = [...this.#finished];
    const others = [...this.#changed].filter((held) => !this.#finished.has(held));
    for (let at = 0; at < finished.length; at += chunk) this.#writeFinished(finished.slice(at, at + chunk));
    for (let at = 0; at < others.length; at += chunk) this.#writeChanged(others.slice(at, at + chunk));
    this.#changed.clear();
    this.#finished.clear();
    this.#wakeByFreedSlots();
  }

  /**
   * Closes the nodes of the jobs that ended, after the rows are written; returns for each the nodes that became ready.
   */
  async close(): Promise<readonly (readonly NodeRef[])[]> {
    return closeNodes(this.#tx, this.#ends.splice(0), this.#now);
  }

  #note(held: LockedJob, plain: boolean): void {
    this.#changed.delete(held);
    this.#changed.add(held);
    if (plain) this.#finished.add(held);
    else this.#finished.delete(held);
  }

  #wakeByFreedSlots(): void {
    const tx = this.#tx;
    const { freed } = tx.limits;
    if (this.#freed.size === 0 && freed.size === 0) return;
    tx.wake(queuesOfFreedSlots, [[...freed], [...this.#freed].map(queueLimitKey)]);
    this.#freed.clear();
    freed.clear();
  }

  #writeFinished(rows: readonly LockedJob[]): void {
    const results = rows.map(({ texts }) => texts.result);
    this.#tx.write(finish, [
      this.#now,
      `{${rows.map(({ job }) => job.id).join(',')}}`,
      numbers(rows.map(({ job }) => job.state)),
      flags(results.map((result) => result !== undefined)),
      texts(results.map((result) => result ?? null)),
    ]);
  }

  #writeChanged(rows: readonly LockedJob[]): void {
    const jobs = rows.map(({ job }) => job);
    const has = (name: keyof Texts) => flags(rows.map(({ texts }) => texts[name] !== undefined));
    const given = (name: keyof Texts) => texts(rows.map(({ texts }) => texts[name] ?? null));
    this.#tx.write(change, [
      `{${jobs.map(({ id }) => id).join(',')}}`,
      numbers(jobs.map(({ state }) => state)),
      numbers(jobs.map(({ attempt }) => attempt)),
      numbers(jobs.map(({ priority }) => priority)),
      numbers(jobs.map(dueAt)),
      numbers(jobs.map(({ runAt }) => runAt)),
      numbers(jobs.map(({ enqueuedAt }) => enqueuedAt)),
      numbers(jobs.map(({ startedAt }) => startedAt)),
      numbers(jobs.map(({ beatAt }) => beatAt)),
      numbers(jobs.map(({ finishedAt }) => finishedAt)),
      flags(jobs.map(({ deadLetter }) => deadLetter)),
      numbers(jobs.map(({ leaseMs }) => leaseMs)),
      numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
      texts(jobs.map(({ worker }) => worker)),
      has('result'),
      given('result'),
      has('progress'),
      given('progress'),
      has('checkpoint'),
      given('checkpoint'),
      given('history'),
      given('envelope'),
      given('policy'),
      texts(jobs.map(({ queue }) => queue)),
      texts(rows.map(({ readyQueue }) => readyQueue ?? null)),
    ]);
  }
}

/** The time by which the state is indexed (see `due_at` in sql/postgres/001_jobs.sql). */
export function dueAt(job: NarrowJob): Millis | null {
  if (job.state === State.available) return null;
  if (isIn(job.state, State.scheduled | State.retryable | State.pending)) return job.runAt;
  return isIn(job.state, Terminal) ? job.finishedAt : overdueAt(job);
}
