import type { Millis } from '@ojs-ts/core';
import { isClaimedBefore, limitedQueue, limitGroupOf, type QueuePlace } from '@ojs-ts/core/lifecycle';
import { type Cells, integer, integerOrNull, readTexts, text } from '../../cells.ts';
import type { Connection } from '../disk/connection.ts';
import type { QueueCounters } from '../queue-counters.ts';
import type { Sequences } from '../sequences.ts';
import { at, statements } from '../statements.ts';
import { type Limits, untilFreed } from './limits.ts';

/**
 * The available jobs of a queue that name the same set of keys. They wait in a ready queue of their own, and the first
 * has this place.
 */
export interface LimitGroup extends QueuePlace {
  readonly readyQueue: number;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The one of its keys that the group is assigned to. */
  readonly assignedKey: string;
}

interface Keys {
  readonly keys: readonly string[];
  /** Names the group within its queue. */
  readonly text: string;
}

interface Changed {
  readonly queue: string;
  readonly keys: Keys;
  readonly readyQueue: number;
}

/**
 * The limit groups. Each one is assigned to one of its keys, and is open or closed; a claim looks at open groups only.
 * Invariant: while a key is open, the best group that is assigned to the key in each queue is open; while the key is
 * closed, none has to be. So a claim meets the right group first, a closed key costs a claim nothing, and a freed slot
 * reopens one group however many are closed.
 */
export class LimitGroups {
  readonly #sql: Connection;
  readonly #sequences: Sequences;
  readonly #counters: QueueCounters;
  readonly #limits: Limits;
  readonly #keys = new Map<string, Keys>();
  readonly #readyQueues = new Map<string, number>();
  readonly #changed = new Map<number, Changed>();

  constructor(sql: Connection, sequences: Sequences, counters: QueueCounters, limits: Limits) {
    this.#sql = sql;
    this.#sequences = sequences;
    this.#counters = counters;
    this.#limits = limits;
  }

  /** The keys under which a job with these limits takes slots. */
  keysOf(limits: string): Keys {
    let cached = this.#keys.get(limits);
    if (!cached) {
      const keys = limitGroupOf(readTexts(limits));
      cached = { keys, text: JSON.stringify(keys) };
      this.#keys.set(limits, cached);
    }
    return cached;
  }

  /**
   * A job has come or gone: {@link update} writes its group. Answers the ready queue of the group; null if the job is
   * in none.
   */
  markChanged(queue: string, limits: string): number | null {
    const keys = this.keysOf(limits);
    if (keys.keys.length === 0) return null;
    const readyQueue = this.#readyQueue(queue, keys.text);
    if (!this.#changed.has(readyQueue)) this.#changed.set(readyQueue, { queue, keys, readyQueue });
    return readyQueue;
  }

  /**
   * Restores the invariant after changes of groups and limits; answers the queues that may have a job to start now.
   */
  update(now: Millis): ReadonlySet<string> {
    const queues = new Set<string>();
    const assignments = new Map<string, { readonly queue: string; readonly key: string }>();
    const add = (queue: string, key: string) => assignments.set(`${queue} ${key}`, { queue, key });
    for (const { queue, keys, readyQueue } of this.#changed.values()) {
      add(queue, this.#writeHead(queue, keys, readyQueue, now));
      for (const key of keys.keys) if (this.#limits.hasRates(key)) add(queue, key);
    }
    this.#changed.clear();
    for (const key of this.#limits.relaxed) {
      const wakes = this.#limits.closedUntil(key, now) !== untilFreed;
      const limited = limitedQueue(key);
      for (const queue of limited === null ? this.#queuesUnder(key) : [limited]) {
        if (limited === null) add(queue, key);
        if (wakes) queues.add(queue);
      }
    }
    for (const key of this.#limits.startedUnder) {
      if (limitedQueue(key) === null) for (const queue of this.#queuesUnder(key)) add(queue, key);
    }
    this.#limits.relaxed.clear();
    this.#limits.startedUnder.clear();
    for (const { queue, key } of assignments.values()) this.#reopen(queue, key, now);
    return queues;
  }

  /** The two best open groups of a queue. */
  bestOpen(queue: string): readonly LimitGroup[] {
    return this.#sql.allCells(statements.openLimitGroups, queue).map(readLimitGroup);
  }

  /** The best closed group that is assigned to the same key. */
  bestParked({ assignedKey, queue }: Pick<LimitGroup, 'assignedKey' | 'queue'>): QueuePlace | undefined {
    return this.#sql.get(statements.bestLimitGroup, assignedKey, queue, 0);
  }

  /** The key that holds the group back for longest, and until when. */
  closing({ keys }: LimitGroup, now: Millis): { readonly key: string; readonly until: Millis } | null {
    return closing(this.#limits, keys, now);
  }

  /**
   * A claim leaves the group. The group begins with `head` now, or is empty. The key `closed` closes the group, which
   * is assigned to this key.
   */
  leave(group: LimitGroup, head: QueuePlace | null, closed: { readonly key: string } | null, now: Millis): void {
    const { readyQueue, queue, keys, assignedKey } = group;
    if (head === null) this.#delete(readyQueue, queue, keys);
    else
      this.#sql.change(
        statements.updateLimitGroup,
        head.priority,
        head.place,
        closed?.key ?? assignedKey,
        closed ? 0 : 1,
        readyQueue,
      );
    this.#reopen(queue, assignedKey, now);
    for (const key of keys) if (key !== assignedKey && this.#limits.hasRates(key)) this.#reopen(queue, key, now);
  }

  /** Reopens groups whose rates allow the next start. */
  reopenDue(queue: string, now: Millis, limit: number): void {
    for (const key of this.#sql.values(statements.dueRateTimers, queue, now, limit)) {
      this.#sql.change(statements.deleteRateTimer, text(key), queue);
      this.#reopen(queue, text(key), now);
    }
  }

  /** When a rate next lets waiting jobs of the queue start; null if none holds any back. */
  nextRateTimer(queue: string): Millis | null {
    return integerOrNull(this.#sql.value(statements.nextRateTimer, queue) ?? null);
  }

  forget(): void {
    this.#readyQueues.clear();
    this.#changed.clear();
  }

  /**
   * Opens the best group that is assigned to an open key. Sets the timer of a key that a rate has closed, if jobs wait
   * under the key.
   */
  #reopen(queue: string, key: string, now: Millis): void {
    if (this.#limits.closedUntil(key, now) === null) this.#openBest(queue, key);
    if (!this.#limits.hasRates(key)) return;
    const at = this.#limits.reopensAt(key, now);
    if (at !== null && this.#sql.value(statements.limitGroupUnder, key, queue) !== undefined)
      this.#sql.change(statements.setRateTimer, key, queue, at);
    else this.#sql.change(statements.deleteRateTimer, key, queue);
  }

  #openBest(queue: string, key: string): void {
    const parked = this.#sql.get(statements.bestLimitGroup, key, queue, 0);
    if (!parked) return;
    const open = this.#sql.get(statements.bestLimitGroup, key, queue, 1);
    if (open && isClaimedBefore(open, parked)) return;
    this.#sql.change(statements.setLimitGroupOpen, 1, parked.readyQueue);
    // One open group a key is enough: a claim would look at every other one when the key closes.
    if (open) this.#sql.change(statements.setLimitGroupOpen, 0, open.readyQueue);
  }

  /** Writes with which job a group begins; answers the key that the group is assigned to. */
  #writeHead(queue: string, { keys, text: name }: Keys, readyQueue: number, now: Millis): string {
    const row = this.#sql.get(statements.limitGroup, queue, name);
    const first = this.#sql.get(statements.readyQueueHead, readyQueue);
    const key = row ? row.assignedKey : this.#chooseKey(keys, now);
    if (!first) {
      if (row) this.#delete(readyQueue, queue, keys);
      return key;
    }
    const { priority, place } = first;
    if (!row) {
      this.#sql.change(statements.insertLimitGroup, readyQueue, queue, name, priority, place, key);
      for (const each of keys) this.#sql.change(statements.insertLimitGroupKey, each, queue, readyQueue);
      this.#counters.addedLimitGroup(queue);
    } else if (row.priority !== priority || row.place !== place)
      this.#sql.change(statements.updateLimitGroupHead, priority, place, readyQueue);
    return key;
  }

  #delete(readyQueue: number, queue: string, keys: readonly string[]): void {
    this.#sql.change(statements.deleteLimitGroup, readyQueue);
    for (const key of keys) this.#sql.change(statements.deleteLimitGroupKey, key, queue, readyQueue);
  }

  /**
   * A new group is assigned to a closed key, or else to the key with most waiting jobs, so that few groups are open at
   * once.
   */
  #chooseKey(keys: readonly string[], now: Millis): string {
    const closed = closing(this.#limits, keys, now);
    if (closed) return closed.key;
    const [first = ''] = keys;
    return keys.reduce((best, key) => (this.#limits.waiting(key) > this.#limits.waiting(best) ? key : best), first);
  }

  *#queuesUnder(key: string): Iterable<string> {
    for (let queue = this.#sql.value(statements.nextQueueUnder, key, ''); queue !== undefined; ) {
      yield text(queue);
      queue = this.#sql.value(statements.nextQueueUnder, key, text(queue));
    }
  }

  #readyQueue(queue: string, keys: string): number {
    const name = `${queue} ${keys}`;
    let readyQueue = this.#readyQueues.get(name);
    if (readyQueue === undefined) {
      readyQueue = this.#sql.get(statements.limitGroup, queue, keys)?.readyQueue ?? this.#sequences.readyQueue();
      this.#readyQueues.set(name, readyQueue);
    }
    return readyQueue;
  }
}

function closing(
  limits: Limits,
  keys: readonly string[],
  now: Millis,
): { readonly key: string; readonly until: Millis } | null {
  let found: { readonly key: string; readonly until: Millis } | null = null;
  for (const key of keys) {
    const until = limits.closedUntil(key, now);
    if (until !== null && until > (found?.until ?? now)) found = { key, until };
  }
  return found;
}

function readLimitGroup(cells: Cells): LimitGroup {
  return {
    readyQueue: integer(cells[at.openLimitGroup.ready_queue]),
    queue: text(cells[at.openLimitGroup.queue]),
    keys: readTexts(text(cells[at.openLimitGroup.keys])),
    priority: integer(cells[at.openLimitGroup.priority]),
    place: integer(cells[at.openLimitGroup.place]),
    assignedKey: text(cells[at.openLimitGroup.assigned_key]),
  };
}
