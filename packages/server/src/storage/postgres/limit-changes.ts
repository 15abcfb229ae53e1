import { createHash } from 'node:crypto';
import {
  hasNumbers,
  type JobId,
  type Limit,
  limitGroupOf,
  type Millis,
  numbersText,
  queueLimitKey,
  State,
} from '@ojs-ts/core';
import { joined } from './joined.ts';
import { queuesUnder } from './queues-under.ts';
import type { Counted } from './tally.ts';
import type { Transaction } from './transaction.ts';

interface Change {
  waiting: number;
  active: number;
  jobs: number;
  own: string | null;
  usedAt: Millis;
}

const addLimits = `INSERT INTO ojs.limit_changes (key, waiting, active, jobs, own, used_at)
  SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::text[], $6::bigint[])`;
const addLanes = `INSERT INTO ojs.lane_changes (line, queue, keys, priority, place)
  SELECT change.line, change.queue, change.keys, change.priority, coalesce(first.place, 0)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::uuid[]) AS change (line, queue, keys, priority, first)
  LEFT JOIN ojs.jobs AS first ON ${joined('first.id', 'change.first')}`;

const eased = `WITH changed AS MATERIALIZED (
    SELECT offer.key FROM unnest($1::text[], $2::text[]) AS offer (key, own) JOIN ojs.limits ON ${joined('limits.key', 'offer.key')} WHERE limits.own <> offer.own AND override IS NULL)
  SELECT queue FROM (${queuesUnder.replace('unnest($1::text[])', 'unnest(ARRAY (SELECT key FROM changed))')}) AS waiting
  UNION ALL SELECT substr(key, ${queueLimitKey('').length + 1}) FROM changed WHERE starts_with(key, '${queueLimitKey('')}')`;

/** A lane in which jobs have come or gone. */
interface LaneChange {
  readonly queue: string;
  readonly keys: readonly string[];
  /** Of the best job that came; the lowest where none did. */
  priority: number;
  /** That job; null where none came, or where it has changed its place meanwhile. */
  first: JobId | null;
}

/** Below every priority, or at the lowest. */
const lowest = -(2 ** 31);

/** Longest name of a lane as it is, in bytes: an entry of an index holds 2,704, and in one a queue and a key stand beside it. */
const longestName = 1000;

/** The line in which a job waits: its queue's own, or the lane of the keys under which it holds slots. */
export function lineOf(queue: string, keys: readonly string[]): string {
  if (keys.length === 0) return queue;
  const names = JSON.stringify(keys);
  return `${queue}\n${Buffer.byteLength(names) <= longestName ? names : createHash('sha256').update(names).digest('hex')}`;
}

/**
 * What a transaction changes under limits. Counts and lanes are written by whoever has the lock of the limits; everybody else appends here what has changed,
 * so no change of a job waits for that lock.
 */
export class LimitChanges {
  readonly #keys = new Map<string, Change>();
  /** By line. */
  readonly #lanes = new Map<string, LaneChange>();
  /** Keys of which a slot was freed. */
  readonly freed = new Set<string>();

  change(job: Counted, from: State | null, to: State | null): void {
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
    if (to === State.available) this.#comes(job, keys);
    else if (from === State.available) this.#laneOf(job, keys);
  }

  /** The job stands behind the others of its priority from now on. */
  #comes(job: Counted, keys: readonly string[]): void {
    const lane = this.#laneOf(job, keys);
    if (lane.first === job.id) {
      lane.priority = Math.max(lane.priority, job.priority);
      lane.first = null;
    } else if (lane.priority < job.priority || (lane.priority === lowest && lane.first === null)) {
      lane.priority = job.priority;
      lane.first = job.id;
    }
  }

  #laneOf({ queue }: Counted, keys: readonly string[]): LaneChange {
    const line = lineOf(queue, keys);
    let lane = this.#lanes.get(line);
    if (!lane) {
      lane = { queue, keys, priority: lowest, first: null };
      this.#lanes.set(line, lane);
    }
    return lane;
  }

  /** A job that names the key has come, with numbers or without. */
  offer({ key, concurrency, rates }: Limit, now: Millis): void {
    const change = this.#of(key);
    change.usedAt = now;
    if (hasNumbers({ concurrency, rates })) change.own = numbersText({ concurrency, rates });
  }

  /** Queues with lanes that have changed. */
  get queues(): readonly string[] {
    return [...this.#lanes.values()].map(({ queue }) => queue);
  }

  flush(tx: Transaction): void {
    if (this.#keys.size > 0) {
      const changes = [...this.#keys.values()];
      tx.write(addLimits, [
        [...this.#keys.keys()],
        changes.map(({ waiting }) => waiting),
        changes.map(({ active }) => active),
        changes.map(({ jobs }) => jobs),
        changes.map(({ own }) => own),
        changes.map(({ usedAt }) => usedAt),
      ]);
    }
    this.#wakeEased(tx);
    if (this.#lanes.size > 0) {
      const lanes = [...this.#lanes.values()];
      tx.write(addLanes, [
        [...this.#lanes.keys()],
        lanes.map(({ queue }) => queue),
        lanes.map(({ keys }) => JSON.stringify(keys)),
        lanes.map(({ priority }) => priority),
        lanes.map(({ first }) => first),
      ]);
    }
    this.#keys.clear();
    this.#lanes.clear();
  }

  /** Jobs that wait under a key may start by the numbers that came with another. */
  #wakeEased(tx: Transaction): void {
    const offers = [...this.#keys].filter(([, { own }]) => own !== null);
    if (offers.length === 0) return;
    tx.wake(eased, [offers.map(([key]) => key), offers.map(([, { own }]) => own)]);
  }

  #of(key: string): Change {
    let change = this.#keys.get(key);
    if (!change) {
      change = { waiting: 0, active: 0, jobs: 0, own: null, usedAt: 0 };
      this.#keys.set(key, change);
    }
    return change;
  }
}
