import type { Millis } from '@ojs-ts/core';
import { Heap } from './heap.ts';
import type { Limit } from './limits.ts';
import { type OrderedJob, ReadyQueue } from './ready-queue.ts';

interface Rank {
  readonly row: OrderedJob;
  readonly order: number;
  readonly priority: number;
}

/** A thing that is ranked by the next job that it would start. */
interface Member {
  head(): OrderedJob | undefined;
  /** Its newest rank; null where it has none. */
  rank: Rank | null;
}

/**
 * Members by the next job that each would start. A rank is as its member was when it was added. A member that has
 * moved back since gets a new rank when the old one comes first; of a member that has moved forward, `advance` must be
 * called.
 */
class Ranking<M extends Member> {
  readonly #heap = new Heap<{ readonly member: M; readonly rank: Rank }>(
    ({ rank: a }, { rank: b }) => a.priority > b.priority || (a.priority === b.priority && a.order < b.order),
  );

  best(): M | undefined {
    for (let top = this.#heap.peek(); top; top = this.#heap.peek()) {
      const { member, rank } = top;
      if (member.rank === rank) {
        const row = member.head();
        if (row === rank.row && row.order === rank.order) return member;
        this.#heap.pop();
        this.add(member);
      } else this.#heap.pop();
    }
    return undefined;
  }

  /** Replaces the rank that the member had. */
  add(member: M): void {
    const row = member.head();
    member.rank = row === undefined ? null : { row, order: row.order, priority: row.job.priority };
    if (member.rank) this.#heap.push({ member, rank: member.rank });
  }

  advance(member: M): void {
    const row = member.head();
    if (member.rank === null || row !== member.rank.row || row.order !== member.rank.order) this.add(member);
  }
}

/** The jobs of a queue that count under the same keys. */
export class LimitGroup<R extends OrderedJob> implements Member {
  readonly keys: readonly Limit[];
  readonly ready = new ReadyQueue<R>();
  /** Jobs in any state; a group without one is forgotten. */
  jobs = 0;
  rank: Rank | null = null;
  assigned: AssignedGroups<R> | null = null;

  constructor(keys: readonly Limit[]) {
    this.keys = keys;
  }

  head(): R | undefined {
    return this.ready.peek();
  }
}

/**
 * The groups of a queue that are assigned to one of their limits. They are ranked beside the group without limits while
 * the limit has room.
 */
class AssignedGroups<R extends OrderedJob> implements Member {
  readonly limit: Limit;
  readonly groups = new Ranking<LimitGroup<R>>();
  rank: Rank | null = null;

  constructor(limit: Limit) {
    this.limit = limit;
  }

  head(): R | undefined {
    return this.groups.best()?.head();
  }
}

/**
 * The available jobs of one queue, by limit group. A group is assigned to one of its limits, and moves to another one
 * that a claim finds without room. A claim does not look at the groups of a limit without room, so it looks only at
 * groups that may be open, however many are not. Invariant: groups with a job that are not ranked are assigned to a
 * limit without room.
 */
export class LimitGroups<R extends OrderedJob> {
  readonly #queue: string;
  readonly #open = new Ranking<LimitGroup<R> | AssignedGroups<R>>();
  readonly #groups = new Map<string, LimitGroup<R>>();
  readonly #assigned = new Map<Limit, AssignedGroups<R>>();
  /** When the rate of a limit, under which jobs wait here, lets one start; other entries are out of date. */
  readonly #timers = new Heap<{ readonly at: Millis; readonly limit: Limit }>((a, b) => a.at < b.at);
  /** The newest timer of each limit. */
  readonly #timerOf = new Map<Limit, Millis>();

  /** @param queue the queue's name. */
  constructor(queue: string) {
    this.#queue = queue;
  }

  enter(keys: readonly Limit[]): LimitGroup<R> {
    const name = nameOf(keys);
    let group = this.#groups.get(name);
    if (!group) {
      group = new LimitGroup<R>(keys);
      this.#groups.set(name, group);
    }
    group.jobs += 1;
    return group;
  }

  leave(group: LimitGroup<R>): void {
    group.jobs -= 1;
    if (group.jobs === 0) this.#groups.delete(nameOf(group.keys));
  }

  push(group: LimitGroup<R>, row: R, now: Millis): void {
    group.ready.push(row);
    const { assigned } = group;
    if (group.rank === null) this.#assign(group, now);
    else if (assigned === null) this.#open.advance(group);
    else {
      assigned.groups.advance(group);
      if (assigned.rank !== null || assigned.limit.hasRoom(now)) this.#open.advance(assigned);
    }
  }

  /** No job names the limit any longer. */
  forget(limit: Limit): void {
    this.#assigned.delete(limit);
    this.#timerOf.delete(limit);
  }

  /** The best job whose limits all have room; the caller takes the job by moving it out of `available`. */
  next(now: Millis): R | undefined {
    this.again(now);
    for (let member = this.#open.best(); member; member = this.#open.best()) {
      const group = member instanceof AssignedGroups ? member.groups.best() : member;
      if (!group || (member instanceof AssignedGroups && !member.limit.hasRoom(now))) {
        member.rank = null;
        if (member instanceof AssignedGroups) this.setTimer(member.limit, now);
      } else if (group.keys.every((limit) => limit.hasRoom(now))) {
        return group.head();
      } else {
        this.#assign(group, now);
      }
    }
    return undefined;
  }

  /** The job that has waited longest, whether or not its limits have room. */
  oldest(): R | undefined {
    let oldest: R | undefined;
    for (const { ready } of this.#groups.values()) {
      const row = ready.oldest();
      if (row && (oldest === undefined || row.order < oldest.order)) oldest = row;
    }
    return oldest;
  }

  /** The limit may have room again. */
  reopen(limit: Limit): void {
    const assigned = this.#assigned.get(limit);
    if (assigned) this.#open.advance(assigned);
  }

  /**
   * A start was noted under the limit. The limit may have closed; or it may have dropped starts that kept it closed for
   * callers whose clocks are behind.
   */
  started(limit: Limit, now: Millis): void {
    if (limit.reopensAt(now) === null) this.reopen(limit);
    else this.setTimer(limit, now);
  }

  /** The limit has a rate that may hold back jobs that wait here. */
  setTimer(limit: Limit, now: Millis): void {
    const at = limit.reopensAt(now);
    if (at === null || this.#timerOf.get(limit) === at) return;
    this.#timerOf.set(limit, at);
    this.#timers.push({ at, limit });
  }

  /** When a rate next lets jobs that wait here start; null where none holds any back. */
  again(now: Millis): Millis | null {
    for (let next = this.#timers.peek(); next; next = this.#timers.peek()) {
      const { at, limit } = next;
      const reopens = limit.reopensAt(now);
      if (reopens === null) this.reopen(limit);
      else if (reopens === at && limit.waiting.has(this.#queue)) return at;
      this.#timers.pop();
      if (this.#timerOf.get(limit) === at) this.#timerOf.delete(limit);
    }
    return null;
  }

  /**
   * A group is assigned to a limit without room, else to the limit with most waiting jobs, so that a limit that closes
   * takes its groups along.
   */
  #assign(group: LimitGroup<R>, now: Millis): void {
    const closed = group.keys.find((key) => !key.hasRoom(now));
    const limit = closed ?? this.#mostWaiting(group.keys);
    if (!limit) {
      this.#open.add(group);
      return;
    }
    group.assigned = this.#assignedTo(limit);
    group.assigned.groups.add(group);
    if (!closed || group.assigned.rank !== null) this.#open.advance(group.assigned);
    else this.setTimer(limit, now);
  }

  #mostWaiting(keys: readonly Limit[]): Limit | undefined {
    const waiting = (limit: Limit) => limit.waiting.get(this.#queue) ?? 0;
    return keys.length < 2 ? keys[0] : keys.reduce((most, limit) => (waiting(limit) > waiting(most) ? limit : most));
  }

  #assignedTo(limit: Limit): AssignedGroups<R> {
    let assigned = this.#assigned.get(limit);
    if (!assigned) {
      assigned = new AssignedGroups<R>(limit);
      this.#assigned.set(limit, assigned);
    }
    return assigned;
  }
}

function nameOf(keys: readonly Limit[]): string {
  return keys.length === 0 ? '' : JSON.stringify(keys.map(({ key }) => key));
}
