import type { Millis } from '@ojs-ts/core';
import { kindsOfSteps } from '@ojs-ts/core/durable';
import { type JobId, State } from '@ojs-ts/core/job';
import type { ClaimedJobCache } from './claim/claimed-job-cache.ts';
import type { Connection } from './disk/connection.ts';
import { EventLog } from './event-log.ts';
import { LimitGroups } from './limits/limit-groups.ts';
import { Limits } from './limits/limits.ts';
import { QueueCounters } from './queue-counters.ts';
import { Segments } from './segments.ts';
import { Sequences } from './sequences.ts';
import { statements } from './statements.ts';
import { Graph } from './workflows/graph.ts';

/** The place where a job is counted. */
export interface Counted {
  readonly queue: string;
  /** JSON text of the job's `limits`. */
  readonly limits: string | null;
}

/**
 * The changes that one transaction gathers besides the rows of jobs, so that each counter is written once however many
 * jobs changed, and the queues to wake after the commit. Each operation ends with {@link end}.
 */
export class Transaction {
  readonly sql: Connection;
  readonly woken = new Set<string>();
  readonly sequences: Sequences;
  readonly log: EventLog;
  readonly counters: QueueCounters;
  readonly segments: Segments;
  readonly #claimedJobs: ClaimedJobCache;
  #isCacheFresh = false;
  #completing: boolean | undefined;
  #limits: Limits | undefined;
  #limitGroups: LimitGroups | undefined;
  #graph: Graph | undefined;

  constructor(sql: Connection, logs: boolean, claimedJobs: ClaimedJobCache) {
    this.sql = sql;
    this.#claimedJobs = claimedJobs;
    this.sequences = new Sequences(sql);
    this.log = new EventLog(sql, this.sequences, logs);
    this.counters = new QueueCounters(sql, this.sequences);
    this.segments = new Segments(sql);
  }

  // Most transactions change no job with limits and none of a workflow.
  get limits(): Limits {
    this.#limits ??= new Limits(this.sql, this.counters, this.sequences);
    return this.#limits;
  }

  get limitGroups(): LimitGroups {
    this.#limitGroups ??= new LimitGroups(this.sql, this.sequences, this.counters, this.limits);
    return this.#limitGroups;
  }

  get graph(): Graph {
    this.#graph ??= new Graph(this.sql, this.log);
    return this.#graph;
  }

  /**
   * True if users' transactions have committed completions that may not be applied yet. Read once: no other connection
   * writes during this transaction.
   */
  get completing(): boolean {
    this.#completing ??= this.sql.value(statements.anyCompletion) !== undefined;
    return this.#completing;
  }

  /** Refreshed once: no other connection writes during this transaction. */
  get claimedJobs(): ClaimedJobCache {
    if (!this.#isCacheFresh) this.#claimedJobs.refresh();
    this.#isCacheFresh = true;
    return this.#claimedJobs;
  }

  /** A job enters a state. If the state is `available`, {@link enterReadyQueue} gives its ready queue. */
  entered({ queue, limits }: Counted, state: State, now: Millis): void {
    this.counters.add(queue, state, 1, now);
    if (limits === null || (state !== State.available && state !== State.active)) return;
    for (const key of this.limitGroups.keysOf(limits).keys) {
      if (state === State.active) this.limits.takeSlot(key, now);
      else this.limits.addWaiting(key, 1);
    }
  }

  left({ queue, limits }: Counted, state: State, now: Millis): void {
    this.counters.add(queue, state, -1, now);
    if (state === State.active) this.limits.freeQueueSlot(queue);
    if (limits === null || (state !== State.available && state !== State.active)) return;
    for (const key of this.limitGroups.keysOf(limits).keys) {
      if (state === State.active) this.limits.freeSlot(key);
      else this.limits.addWaiting(key, -1);
    }
  }

  /**
   * Call after a job was removed from the store.
   * @param steps its id if it has rows of steps.
   */
  removed({ limits, steps }: Pick<Counted, 'limits'> & { readonly steps: JobId | null }): void {
    this.segments.flush();
    if (steps !== null) for (const kind of kindsOfSteps(steps)) this.sql.change(statements.deleteRecordsOf, kind);
    if (limits !== null) this.limits.jobRemoved(this.limitGroups.keysOf(limits).keys);
  }

  /** A claim makes an available job active: the job takes slots, and rates count a start. */
  started(job: Counted, now: Millis): void {
    this.left(job, State.available, now);
    this.entered(job, State.active, now);
    this.limits.startedIn(job.queue, now);
    if (job.limits !== null) for (const key of this.limitGroups.keysOf(job.limits).keys) this.limits.started(key, now);
  }

  /** The number of the ready queue in which an available job waits. */
  readyQueue({ queue, limits }: Counted): number {
    return (limits === null ? null : this.limitGroups.markChanged(queue, limits)) ?? this.counters.readyQueue(queue);
  }

  /** The ready queue of a job that becomes available again; wakes its queue. */
  enterReadyQueue(job: Counted): number {
    this.woken.add(job.queue);
    return this.readyQueue(job);
  }

  /** A job is no longer available, other than by a claim. */
  leaveReadyQueue({ queue, limits }: Counted): void {
    if (limits !== null) this.limitGroups.markChanged(queue, limits);
  }

  /** Call before limit groups are read. */
  updateLimitGroups(now: Millis): void {
    if (this.#limits === undefined) return;
    for (const queue of this.limitGroups.update(now)) this.woken.add(queue);
  }

  end(now: Millis): void {
    this.updateLimitGroups(now);
    this.log.end(now);
  }

  /** The store was emptied: what the transaction gathered before is void. */
  forget(): void {
    for (const part of [this.sequences, this.counters, this.#limits, this.#limitGroups, this.#graph, this.segments])
      part?.forget();
    this.#claimedJobs.clear();
    this.woken.clear();
  }

  /** Writes what was gathered; call before the tables of the counters are read. */
  flush(): void {
    this.#graph?.flush();
    this.#limits?.flush();
    this.counters.flush();
    this.sequences.flush();
    this.segments.flush();
  }
}
