import { isClaimedBefore, limitedQueue, limitGroupOf, type Millis, type QueuePlace } from '@ojs-ts/core';
import type { Connection } from './connection.ts';
import type { Counts } from './counts.ts';
import { type Limits, untilFreed } from './limits.ts';
import type { Numbers } from './numbers.ts';
import { type Cells, integer, readTexts, text } from './row.ts';
import { statements } from './statements.ts';

/** A place in the order of a queue. */
export type Head = QueuePlace;

export interface Lane extends Head {
  readonly line: number;
  readonly queue: string;
  readonly keys: readonly string[];
  /** The group that it stands in. */
  readonly key: string;
}

interface Keys {
  readonly keys: readonly string[];
  /** Names the lane within its queue. */
  readonly text: string;
}

interface Touched {
  readonly queue: string;
  readonly keys: Keys;
  readonly line: number;
}

/**
 * The lanes of limited jobs. Lanes of a queue stand in groups, one for a key. The rule that keeps a claim's cost off the number of lanes: while a key is open,
 * the best lane of its group is open too; while it is closed, none has to be. So a claim meets the right lane first, a closed key costs it nothing, and
 * a slot that is freed brings back one lane, however many there are.
 */
export class Lanes {
  readonly #sql: Connection;
  readonly #numbers: Numbers;
  readonly #counts: Counts;
  readonly #limits: Limits;
  readonly #keys = new Map<string, Keys>();
  readonly #lines = new Map<string, number>();
  readonly #touched = new Map<number, Touched>();

  constructor(sql: Connection, numbers: Numbers, counts: Counts, limits: Limits) {
    this.#sql = sql;
    this.#numbers = numbers;
    this.#counts = counts;
    this.#limits = limits;
  }

  /** The keys under which a job with these limits takes slots. */
  keysOf(limits: string): Keys {
    let known = this.#keys.get(limits);
    if (!known) {
      const keys = limitGroupOf(readTexts(limits));
      known = { keys, text: JSON.stringify(keys) };
      this.#keys.set(limits, known);
    }
    return known;
  }

  /** A job has come or gone: its lane is looked at again before a claim and at the end. Answers its line; null where it needs no lane. */
  touch(queue: string, limits: string): number | null {
    const keys = this.keysOf(limits);
    if (keys.keys.length === 0) return null;
    const line = this.#line(queue, keys.text);
    if (!this.#touched.has(line)) this.#touched.set(line, { queue, keys, line });
    return line;
  }

  /** Makes the rule true again after what has changed; answers the queues that may have something to hand out now. */
  settle(now: Millis): ReadonlySet<string> {
    const queues = new Set<string>();
    const groups = new Map<string, { readonly queue: string; readonly key: string }>();
    const add = (queue: string, key: string) => groups.set(`${queue} ${key}`, { queue, key });
    for (const { queue, keys, line } of this.#touched.values()) {
      add(queue, this.#look(queue, keys, line, now));
      for (const key of keys.keys) if (this.#limits.hasRates(key)) add(queue, key);
    }
    this.#touched.clear();
    for (const key of this.#limits.eased) {
      const wakes = this.#limits.closedUntil(key, now) !== untilFreed;
      const limited = limitedQueue(key);
      for (const queue of limited === null ? this.#queuesOf(key) : [limited]) {
        if (limited === null) add(queue, key);
        if (wakes) queues.add(queue);
      }
    }
    for (const key of this.#limits.ticked) {
      if (limitedQueue(key) === null) for (const queue of this.#queuesOf(key)) add(queue, key);
    }
    this.#limits.eased.clear();
    this.#limits.ticked.clear();
    for (const { queue, key } of groups.values()) this.#tend(queue, key, now);
    return queues;
  }

  /** The two best open lanes of a queue. */
  best(queue: string): readonly Lane[] {
    return this.#sql.all(statements.openLanes, queue).map(readLane);
  }

  /** The first lane of a group that waits behind those that are open. */
  next({ key, queue }: Pick<Lane, 'key' | 'queue'>): Head | undefined {
    const cells = this.#sql.get(statements.groupHead, key, queue, 0);
    return cells && readHead(cells);
  }

  /** The key that holds the lane back, and until when; of several the one that does longest. */
  closing({ keys }: Lane, now: Millis): { readonly key: string; readonly until: Millis } | null {
    return closing(this.#limits, keys, now);
  }

  /** Ends a visit: the lane begins with `head` now, or is empty; `closed` parks it under the key that does not let it go on. */
  leave(lane: Lane, head: Head | null, closed: { readonly key: string } | null, now: Millis): void {
    if (head === null) this.#remove(lane.line, lane.queue, lane.keys);
    else
      this.#sql.change(
        statements.moveLane,
        head.priority,
        head.place,
        closed?.key ?? lane.key,
        closed ? 0 : 1,
        lane.line,
      );
    this.#tend(lane.queue, lane.key, now);
    for (const key of lane.keys) if (key !== lane.key && this.#limits.hasRates(key)) this.#tend(lane.queue, key, now);
  }

  /** Brings back groups whose rates let them go on. */
  wakeUp(queue: string, now: Millis, limit: number): void {
    for (const [key] of this.#sql.all(statements.alarms, queue, now, limit)) {
      this.#sql.change(statements.removeAlarm, text(key), queue);
      this.#tend(queue, text(key), now);
    }
  }

  /** The next time that a rate lets waiting jobs of the queue go on; null where none holds any back. */
  nextAlarm(queue: string): Millis | null {
    const cells = this.#sql.get(statements.nextAlarm, queue);
    return cells ? integer(cells[0]) : null;
  }

  forget(): void {
    this.#lines.clear();
    this.#touched.clear();
  }

  /** Opens the best lane of a group where its key is open, and sets the alarm for jobs under the key where a rate has closed it. */
  #tend(queue: string, key: string, now: Millis): void {
    if (this.#limits.closedUntil(key, now) === null) this.#open(queue, key);
    if (!this.#limits.hasRates(key)) return;
    const at = this.#limits.reopensAt(key, now);
    if (at !== null && this.#sql.get(statements.laneUnder, key, queue))
      this.#sql.change(statements.setAlarm, key, queue, at);
    else this.#sql.change(statements.removeAlarm, key, queue);
  }

  #open(queue: string, key: string): void {
    const parked = this.#sql.get(statements.groupHead, key, queue, 0);
    if (!parked) return;
    const open = this.#sql.get(statements.groupHead, key, queue, 1);
    if (open && isClaimedBefore(readHead(open), readHead(parked))) return;
    this.#sql.change(statements.openLane, 1, integer(parked[2]));
    // One open lane a group is enough; more would all have to be looked at when the key closes.
    if (open) this.#sql.change(statements.openLane, 0, integer(open[2]));
  }

  /** Writes what a lane begins with; answers its group. */
  #look(queue: string, { keys, text: name }: Keys, line: number, now: Millis): string {
    const row = this.#sql.get(statements.lane, queue, name);
    const first = this.#sql.get(statements.lineHead, line);
    const key = row ? text(row[3]) : this.#home(keys, now);
    if (!first) {
      if (row) this.#remove(line, queue, keys);
      return key;
    }
    const { priority, place } = readHead(first);
    if (!row) this.#make(line, queue, name, keys, { priority, place }, key);
    else if (integer(row[1]) !== priority || integer(row[2]) !== place)
      this.#sql.change(statements.moveHead, priority, place, line);
    return key;
  }

  #make(
    line: number,
    queue: string,
    name: string,
    keys: readonly string[],
    { priority, place }: Head,
    key: string,
  ): void {
    this.#sql.change(statements.makeLane, line, queue, name, priority, place, key);
    for (const each of keys) this.#sql.change(statements.makeLaneKey, each, queue, line);
    this.#counts.laned(queue);
  }

  #remove(line: number, queue: string, keys: readonly string[]): void {
    this.#sql.change(statements.removeLane, line);
    for (const key of keys) this.#sql.change(statements.removeLaneKey, key, queue, line);
  }

  /** The group of a new lane: the key that is closed, or else the one that most jobs wait under, so that few lanes are open at once. */
  #home(keys: readonly string[], now: Millis): string {
    const closed = closing(this.#limits, keys, now);
    if (closed) return closed.key;
    const [first = ''] = keys;
    return keys.reduce((best, key) => (this.#limits.waiting(key) > this.#limits.waiting(best) ? key : best), first);
  }

  *#queuesOf(key: string): Iterable<string> {
    for (let cells = this.#sql.get(statements.queueAfter, key, ''); cells; ) {
      const queue = text(cells[0]);
      yield queue;
      cells = this.#sql.get(statements.queueAfter, key, queue);
    }
  }

  #line(queue: string, keys: string): number {
    const name = `${queue} ${keys}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      const cells = this.#sql.get(statements.lane, queue, keys);
      line = cells ? integer(cells[0]) : this.#numbers.line();
      this.#lines.set(name, line);
    }
    return line;
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

export function readHead(cells: Cells): Head {
  return { priority: integer(cells[0]), place: integer(cells[1]) };
}

function readLane(cells: Cells): Lane {
  return {
    line: integer(cells[0]),
    queue: text(cells[1]),
    keys: readTexts(text(cells[2])),
    priority: integer(cells[3]),
    place: integer(cells[4]),
    key: text(cells[5]),
  };
}
