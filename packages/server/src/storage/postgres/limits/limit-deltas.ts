import { createHash } from 'node:crypto';
import type { Millis } from '@ojs-ts/core';
import { type JobId, type Limit, queueLimitKey, State } from '@ojs-ts/core/job';
import { hasNumbers, limitGroupOf, numbersText } from '@ojs-ts/core/lifecycle';
import { indexJoin } from '../connection/sql.ts';

/**
 * The queues in which jobs wait under the keys of `$1`: one look-up a queue and key, however many limit groups wait
 * there.
 */
export const queuesUnder = `WITH RECURSIVE under AS (
    SELECT wanted.key, (SELECT queue FROM ojs.limit_group_keys WHERE limit_group_keys.key = wanted.key
    ORDER BY queue LIMIT 1) AS queue
    FROM unnest($1::text[]) AS wanted (key)
    UNION ALL
    SELECT under.key, (SELECT queue FROM ojs.limit_group_keys
      WHERE limit_group_keys.key = under.key AND queue > under.queue
    ORDER BY queue LIMIT 1)
    FROM under WHERE under.queue IS NOT NULL)
  SELECT DISTINCT queue FROM under WHERE queue IS NOT NULL`;

/** How much of the limit deltas one transaction merges. */
export interface DeltaPages {
  /** Deltas of keys in one page, and as many deltas of limit groups. */
  readonly deltas: number;
  /** Pages that a claim merges in one transaction while it gets fewer jobs than it asks for. */
  readonly most: number;
  /** Deltas of limits or of limit groups from which on upkeep merges them too. */
  readonly upkeepFrom: number;
  /** The shortest pause between two looks of upkeep, in milliseconds. */
  readonly upkeepEveryMs: number;
}

/** A page takes some tens of milliseconds. */
export const usualDeltaPages: DeltaPages = { deltas: 400, most: 8, upkeepFrom: 200, upkeepEveryMs: 1_000 };

/** A job as counters and limits see it. */
export interface LimitedJob {
  readonly queue: string;
  readonly limits: readonly string[];
  /** With the priority, its position in its limit group. */
  readonly id: JobId;
  readonly priority: number;
}

/** The statements of the transaction that gathers the deltas. */
interface Statements {
  write(text: string, values: readonly unknown[]): void;
  wake(selectQueues: string, values: readonly unknown[]): void;
}

interface KeyDelta {
  waiting: number;
  active: number;
  jobs: number;
  own: string | null;
  usedAt: Millis;
}

const appendKeyDeltas = `INSERT INTO ojs.limit_changes (key, waiting, active, jobs, own, used_at)
  SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::text[], $6::bigint[])`;
const appendGroupDeltas = `INSERT INTO ojs.limit_group_changes (ready_queue, queue, keys, priority, place)
  SELECT change.ready_queue, change.queue, change.keys, change.priority, coalesce(first.place, 0)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::uuid[])
    AS change (ready_queue, queue, keys, priority, first)
  LEFT JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'change.first')}
  LEFT JOIN ojs.ready AS first ON ${indexJoin('first.number', 'job.number')}`;

/** The queues in which jobs wait under keys whose numbers have changed, unless an operator overrides the numbers. */
const queuesOfNewNumbers = `WITH changed AS MATERIALIZED (
    SELECT offer.key FROM unnest($1::text[], $2::text[]) AS offer (key, own)
    JOIN ojs.limits ON ${indexJoin('limits.key', 'offer.key')} WHERE limits.own <> offer.own AND override IS NULL)
  SELECT queue FROM (${queuesUnder.replace('unnest($1::text[])', 'unnest(ARRAY (SELECT key FROM changed))')}) AS waiting
  UNION ALL SELECT substr(key, ${queueLimitKey('').length + 1}) FROM changed
  WHERE starts_with(key, '${queueLimitKey('')}')`;

/** A limit group to which jobs were added, or from which jobs were removed. */
interface GroupDelta {
  readonly queue: string;
  readonly keys: readonly string[];
  /** The highest priority of the added jobs; the lowest one where none was added. */
  priority: number;
  /** The first job of that priority; null if none was added, or if it has moved since. */
  first: JobId | null;
}

/** At most any priority. */
const lowest = -(2 ** 31);

/**
 * Bytes of keys up to which a ready queue is named by them, not by a hash. An index entry holds 2,704 bytes, and one
 * index has a queue and a key beside the name.
 */
const longestName = 1000;

/** The ready queue in which a job waits: that of its queue, or that of the limit group with these keys. */
export function readyQueueOf(queue: string, keys: readonly string[]): string {
  if (keys.length === 0) return queue;
  const names = JSON.stringify(keys);
  const isShort = Buffer.byteLength(names) <= longestName;
  return `${queue}\n${isShort ? names : createHash('sha256').update(names).digest('hex')}`;
}

/** The same of the columns `queue` and `limits`, which names no `queue:` key. */
export function readyQueueInSql(queue: string, limits: string): string {
  return `CASE WHEN ${limits} IS NULL THEN ${queue} ELSE ${queue} || chr(10) ||
    CASE WHEN octet_length(${limits}) <= ${longestName} THEN ${limits}
    ELSE encode(sha256(convert_to(${limits}, 'UTF8')), 'hex') END END`;
}

/**
 * The changes of a transaction to limits. Only the holder of the limits lock writes limits and limit groups; all other
 * transactions append deltas, so no change of a job waits for that lock.
 */
export class LimitDeltas {
  readonly #keys = new Map<string, KeyDelta>();
  /** By ready queue. */
  readonly #groups = new Map<string, GroupDelta>();
  /** Keys under which a slot was freed. */
  readonly freed = new Set<string>();

  change(job: LimitedJob, from: State | null, to: State | null): void {
    const keys = limitGroupOf(job.limits);
    if (keys.length === 0) return;
    const jobs = (from === null ? 1 : 0) - (to === null ? 1 : 0);
    const active = (to === State.active ? 1 : 0) - (from === State.active ? 1 : 0);
    const waiting = (to === State.available ? 1 : 0) - (from === State.available ? 1 : 0);
    for (const key of keys) {
      const change = this.#of(key);
      change.active += active;
      change.waiting += waiting;
      change.jobs += jobs;
      if (active < 0) this.freed.add(key);
    }
    if (to === State.available) this.#add(job, keys);
    else if (from === State.available) this.#groupOf(job, keys);
  }

  /** The job waits behind the others of its priority. */
  #add(job: LimitedJob, keys: readonly string[]): void {
    const group = this.#groupOf(job, keys);
    if (group.first === job.id) {
      group.priority = Math.max(group.priority, job.priority);
      group.first = null;
    } else if (group.priority < job.priority || (group.priority === lowest && group.first === null)) {
      group.priority = job.priority;
      group.first = job.id;
    }
  }

  #groupOf({ queue }: LimitedJob, keys: readonly string[]): GroupDelta {
    const readyQueue = readyQueueOf(queue, keys);
    let group = this.#groups.get(readyQueue);
    if (!group) {
      group = { queue, keys, priority: lowest, first: null };
      this.#groups.set(readyQueue, group);
    }
    return group;
  }

  /** A job that names the key was inserted, with numbers or without. */
  offer({ key, concurrency, rates }: Limit, now: Millis): void {
    const change = this.#of(key);
    change.usedAt = now;
    if (hasNumbers({ concurrency, rates })) change.own = numbersText({ concurrency, rates });
  }

  /** Queues whose limit groups have changed. */
  get queues(): readonly string[] {
    return [...this.#groups.values()].map(({ queue }) => queue);
  }

  flush(tx: Statements): void {
    if (this.#keys.size > 0) {
      const changes = [...this.#keys.values()];
      tx.write(appendKeyDeltas, [
        [...this.#keys.keys()],
        changes.map(({ waiting }) => waiting),
        changes.map(({ active }) => active),
        changes.map(({ jobs }) => jobs),
        changes.map(({ own }) => own),
        changes.map(({ usedAt }) => usedAt),
      ]);
    }
    this.#wakeByNewNumbers(tx);
    if (this.#groups.size > 0) {
      const groups = [...this.#groups.values()];
      tx.write(appendGroupDeltas, [
        [...this.#groups.keys()],
        groups.map(({ queue }) => queue),
        groups.map(({ keys }) => JSON.stringify(keys)),
        groups.map(({ priority }) => priority),
        groups.map(({ first }) => first),
      ]);
    }
    this.#keys.clear();
    this.#groups.clear();
  }

  /** Jobs that wait under a key may start by the numbers that came with another job. */
  #wakeByNewNumbers(tx: Statements): void {
    const offers = [...this.#keys].filter(([, { own }]) => own !== null);
    if (offers.length === 0) return;
    tx.wake(queuesOfNewNumbers, [offers.map(([key]) => key), offers.map(([, { own }]) => own)]);
  }

  #of(key: string): KeyDelta {
    let change = this.#keys.get(key);
    if (!change) {
      change = { waiting: 0, active: 0, jobs: 0, own: null, usedAt: 0 };
      this.#keys.set(key, change);
    }
    return change;
  }
}
