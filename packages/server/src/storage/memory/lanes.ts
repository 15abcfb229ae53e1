import type { Millis } from '@ojs-ts/core';
import { Heap } from './heap.ts';
import type { Limit } from './limits.ts';
import { Ready } from './ready.ts';
import type { Queue, Row } from './tables.ts';

interface Place {
  readonly row: Row;
  readonly order: number;
  readonly priority: number;
}

/** What can be lined up by the job that it would hand out next. */
interface Member {
  head(): Row | undefined;
  /** Where it stands in its line; null where it is not lined up. */
  place: Place | null;
}

/**
 * Members by the job that each would hand out next. A place is as its member was when it was lined up: one that has moved back since is lined up anew
 * when its place is met, one that has moved forward must be told of.
 */
class Line<M extends Member> {
  readonly #heap = new Heap<{ readonly member: M; readonly place: Place }>(
    ({ place: a }, { place: b }) => a.priority > b.priority || (a.priority === b.priority && a.order < b.order),
  );

  best(): M | undefined {
    for (let top = this.#heap.peek(); top; top = this.#heap.peek()) {
      const { member, place } = top;
      if (member.place === place) {
        const row = member.head();
        if (row === place.row && row.order === place.order) return member;
        this.#heap.pop();
        this.add(member);
      } else this.#heap.pop();
    }
    return undefined;
  }

  /** Lines the member up, instead of where it stood. */
  add(member: M): void {
    const row = member.head();
    member.place = row === undefined ? null : { row, order: row.order, priority: row.job.priority };
    if (member.place) this.#heap.push({ member, place: member.place });
  }

  advance(member: M): void {
    const row = member.head();
    if (member.place === null || row !== member.place.row || row.order !== member.place.order) this.add(member);
  }
}

/** The jobs of a queue that count under the same keys. */
export class Lane implements Member {
  readonly keys: readonly Limit[];
  readonly ready = new Ready();
  /** Jobs in any state; a lane without one is forgotten. */
  jobs = 0;
  place: Place | null = null;
  branch: Branch | null = null;

  constructor(keys: readonly Limit[]) {
    this.keys = keys;
  }

  head(): Row | undefined {
    return this.ready.peek();
  }
}

/** Lanes of a queue under one of their limits. It is lined up with the lane that has none while the limit has room. */
class Branch implements Member {
  readonly limit: Limit;
  readonly lanes = new Line<Lane>();
  place: Place | null = null;

  constructor(limit: Limit) {
    this.limit = limit;
  }

  head(): Row | undefined {
    return this.lanes.best()?.head();
  }
}

/**
 * The available jobs of one queue, by lane. A lane stands in the branch of one of its limits, and moves to that of another one which it finds without room.
 * A branch whose limit has no room is not looked at, so a claim looks only at lanes that may be open, however many are not. Holds: where a branch has
 * a job and is not lined up, its limit has no room.
 */
export class Lanes {
  readonly #queue: Queue;
  readonly #open = new Line<Lane | Branch>();
  readonly #lanes = new Map<string, Lane>();
  readonly #branches = new Map<Limit, Branch>();
  /** Limits whose rate holds back jobs that wait here, each at the time at which it reopens; other entries are out of date. */
  readonly #reopening = new Heap<{ readonly at: Millis; readonly limit: Limit }>((a, b) => a.at < b.at);
  /** Under which time each limit was entered last. */
  readonly #entered = new Map<Limit, Millis>();

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  enter(keys: readonly Limit[]): Lane {
    const name = nameOf(keys);
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = new Lane(keys);
      this.#lanes.set(name, lane);
    }
    lane.jobs += 1;
    return lane;
  }

  leave(lane: Lane): void {
    lane.jobs -= 1;
    if (lane.jobs === 0) this.#lanes.delete(nameOf(lane.keys));
  }

  push(lane: Lane, row: Row, now: Millis): void {
    lane.ready.push(row);
    const { branch } = lane;
    if (lane.place === null) this.#lineUp(lane, now);
    else if (branch === null) this.#open.advance(lane);
    else {
      branch.lanes.advance(lane);
      if (branch.place !== null || branch.limit.hasRoom(now)) this.#open.advance(branch);
    }
  }

  /** No job names the limit any longer. */
  forget(limit: Limit): void {
    this.#branches.delete(limit);
    this.#entered.delete(limit);
  }

  /** The best job whose limits all have room; the caller takes it by moving it out of `available`. */
  next(now: Millis): Row | undefined {
    this.again(now);
    for (let member = this.#open.best(); member; member = this.#open.best()) {
      const lane = member instanceof Branch ? member.lanes.best() : member;
      if (!lane || (member instanceof Branch && !member.limit.hasRoom(now))) {
        member.place = null;
        if (member instanceof Branch) this.holdBack(member.limit, now);
      } else if (lane.keys.every((limit) => limit.hasRoom(now))) {
        return lane.head();
      } else {
        this.#lineUp(lane, now);
      }
    }
    return undefined;
  }

  /** The limit may have room again. */
  reopen(limit: Limit): void {
    const branch = this.#branches.get(limit);
    if (branch) this.#open.advance(branch);
  }

  /** A start was noted under the limit: it may have closed, or let go of starts that kept it closed for callers whose clocks are behind. */
  started(limit: Limit, now: Millis): void {
    if (limit.reopensAt(now) === null) this.reopen(limit);
    else this.holdBack(limit, now);
  }

  /** The limit has a rate that may hold back jobs that wait here. */
  holdBack(limit: Limit, now: Millis): void {
    const at = limit.reopensAt(now);
    if (at === null || this.#entered.get(limit) === at) return;
    this.#entered.set(limit, at);
    this.#reopening.push({ at, limit });
  }

  /** When the first of the rates reopens that hold back jobs that wait here. */
  again(now: Millis): Millis | null {
    for (let next = this.#reopening.peek(); next; next = this.#reopening.peek()) {
      const { at, limit } = next;
      const reopens = limit.reopensAt(now);
      if (reopens === null) this.reopen(limit);
      else if (reopens === at && limit.waiting.has(this.#queue)) return at;
      this.#reopening.pop();
      if (this.#entered.get(limit) === at) this.#entered.delete(limit);
    }
    return null;
  }

  /** Lines a lane up under a limit that holds it back, else under its most crowded one, so that a limit that closes takes its lanes along. */
  #lineUp(lane: Lane, now: Millis): void {
    const closed = lane.keys.find((key) => !key.hasRoom(now));
    const limit = closed ?? this.#mostCrowded(lane.keys);
    if (!limit) {
      this.#open.add(lane);
      return;
    }
    lane.branch = this.#branchOf(limit);
    lane.branch.lanes.add(lane);
    if (!closed || lane.branch.place !== null) this.#open.advance(lane.branch);
    else this.holdBack(limit, now);
  }

  #mostCrowded(keys: readonly Limit[]): Limit | undefined {
    const waiting = (limit: Limit) => limit.waiting.get(this.#queue) ?? 0;
    return keys.length < 2 ? keys[0] : keys.reduce((most, limit) => (waiting(limit) > waiting(most) ? limit : most));
  }

  #branchOf(limit: Limit): Branch {
    let branch = this.#branches.get(limit);
    if (!branch) {
      branch = new Branch(limit);
      this.#branches.set(limit, branch);
    }
    return branch;
  }
}

function nameOf(keys: readonly Limit[]): string {
  return keys.length === 0 ? '' : JSON.stringify(keys.map(({ key }) => key));
}
