import { type Millis, State } from '@ojs-ts/core';
import type { ActiveJobs } from './active.ts';
import type { Connection } from './connection.ts';
import { Counts } from './counts.ts';
import { Graph } from './graph.ts';
import { Lanes } from './lanes.ts';
import { Limits } from './limits.ts';
import { Log } from './log.ts';
import { Numbers } from './numbers.ts';
import { statements } from './statements.ts';

/** Where a job is counted. */
export interface Counted {
  readonly queue: string;
  /** Its `limits` as text. */
  readonly limits: string | null;
}

/**
 * What one transaction gathers beside its rows, so that it is written once however many jobs changed, and who is to be woken after the commit.
 * Each operation ends with {@link end}.
 */
export class Transaction {
  readonly sql: Connection;
  readonly woken = new Set<string>();
  readonly numbers: Numbers;
  readonly log: Log;
  readonly counts: Counts;
  readonly limits: Limits;
  readonly lanes: Lanes;
  readonly graph: Graph;
  readonly #active: ActiveJobs;
  #isActiveFresh = false;
  #completing: boolean | undefined;

  constructor(sql: Connection, logs: boolean, active: ActiveJobs) {
    this.sql = sql;
    this.#active = active;
    this.numbers = new Numbers(sql);
    this.log = new Log(sql, this.numbers, logs);
    this.counts = new Counts(sql, this.numbers);
    this.limits = new Limits(sql, this.counts, this.numbers);
    this.lanes = new Lanes(sql, this.numbers, this.counts, this.limits);
    this.graph = new Graph(sql, this.log);
  }

  /** Whether users' transactions have committed completions that may not be applied yet. Asked once: while this transaction writes nobody else does. */
  get completing(): boolean {
    this.#completing ??= this.sql.get(statements.anyCompletion) !== undefined;
    return this.#completing;
  }

  /** Looked at once: while this transaction writes nobody else does. */
  get active(): ActiveJobs {
    if (!this.#isActiveFresh) this.#active.refresh();
    this.#isActiveFresh = true;
    return this.#active;
  }

  /** A job enters a state; where that is `available`, its line comes from {@link enterLine}. */
  entered({ queue, limits }: Counted, state: State, now: Millis): void {
    this.counts.add(queue, state, 1, now);
    if (limits === null || (state !== State.available && state !== State.active)) return;
    for (const key of this.lanes.keysOf(limits).keys) {
      if (state === State.active) this.limits.occupy(key, now);
      else this.limits.wait(key, 1);
    }
  }

  left({ queue, limits }: Counted, state: State, now: Millis): void {
    this.counts.add(queue, state, -1, now);
    if (state === State.active) this.limits.freeQueue(queue);
    if (limits === null || (state !== State.available && state !== State.active)) return;
    for (const key of this.lanes.keysOf(limits).keys) {
      if (state === State.active) this.limits.free(key);
      else this.limits.wait(key, -1);
    }
  }

  /** A job is gone from the store. */
  lost({ limits }: Pick<Counted, 'limits'>): void {
    if (limits !== null) this.limits.lost(this.lanes.keysOf(limits).keys);
  }

  /** A claim takes an available job: it is active now, which takes slots and notes a start for the rates. */
  started(job: Counted, now: Millis): void {
    this.left(job, State.available, now);
    this.entered(job, State.active, now);
    this.limits.startedIn(job.queue, now);
    if (job.limits !== null) for (const key of this.lanes.keysOf(job.limits).keys) this.limits.started(key, now);
  }

  /** The line in which an available job waits. */
  line({ queue, limits }: Counted): number {
    return (limits === null ? null : this.lanes.touch(queue, limits)) ?? this.counts.line(queue);
  }

  /** The line of a job that becomes available again; its queue is woken. */
  enterLine(job: Counted): number {
    this.woken.add(job.queue);
    return this.line(job);
  }

  /** A job is no longer available, other than by a claim. */
  leaveLine({ queue, limits }: Counted): void {
    if (limits !== null) this.lanes.touch(queue, limits);
  }

  /** Makes lanes right before they are read. */
  settle(now: Millis): void {
    for (const queue of this.lanes.settle(now)) this.woken.add(queue);
  }

  end(now: Millis): void {
    this.settle(now);
    this.log.end(now);
  }

  /** The store was emptied: nothing gathered before counts any more. */
  forget(): void {
    for (const part of [this.numbers, this.counts, this.limits, this.lanes, this.graph]) part.forget();
    this.#active.clear();
    this.woken.clear();
  }

  /** Writes what was gathered, as before a read of the tables behind it. */
  flush(): void {
    this.graph.flush();
    this.limits.flush();
    this.counts.flush();
    this.numbers.flush();
  }
}
