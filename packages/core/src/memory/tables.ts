import type { Millis } from '@ojs-ts/core';
import { hasSteps, kindsOfSteps } from '@ojs-ts/core/durable';
import {
  type JobId,
  type JobRecord,
  type LimitNumbers,
  noConfig,
  queueLimitKey,
  State,
  Terminal,
  Waiting,
} from '@ojs-ts/core/job';
import { effectiveLimit, isIn, limitGroupOf, numbersText, Queued, usedAfterOverride } from '@ojs-ts/core/lifecycle';
import type { StoredRecord } from '../records.ts';
import type { LimitRecord, WorkerRecord } from '../store/registry.ts';
import { Change } from './change.ts';
import { Errors } from './errors.ts';
import { EventLog } from './event-log.ts';
import { Heap } from './heap.ts';
import { type LimitGroup, LimitGroups } from './limit-groups.ts';
import { Limit } from './limits.ts';
import { MinuteStatistics } from './minute-statistics.ts';
import type { OrderedJob } from './ready-queue.ts';
import { UniqueKeys } from './unique-keys.ts';
import { WorkflowTable } from './workflow-table.ts';

export interface Row extends OrderedJob {
  queue: Queue;
  group: LimitGroup<Row>;
}

/** A queue with its available jobs. */
export class Queue {
  readonly name: string;
  readonly createdAt: Millis;
  paused = false;
  capacity: number | null = null;
  config = noConfig;
  version = 0;
  readonly counts = new Map<State, number>();
  deadLetter = 0;
  readonly limitGroups: LimitGroups<Row>;

  constructor(name: string, createdAt: Millis) {
    this.name = name;
    this.createdAt = createdAt;
    this.limitGroups = new LimitGroups(name);
  }

  count(state: State): number {
    return this.counts.get(state) ?? 0;
  }

  /** Jobs that count for its capacity. */
  get depth(): number {
    return [...this.counts].reduce((sum, [state, count]) => (isIn(state, Queued) ? sum + count : sum), 0);
  }
}

/** Hears of what others may wait for. */
export interface Wakes {
  /** Jobs became available in the queue, or slots that its jobs wait for were freed. */
  wake(queue: string): void;
  /** The log has grown. */
  logged(): void;
}

export interface Request {
  readonly at: Millis;
  readonly claims: readonly { readonly id: JobId; readonly claim: number }[];
}

/**
 * The contents of the storage, with indexes. Every change of a job goes through `add`, `set` or `drop`, which keep the
 * indexes true.
 */
export class Tables {
  readonly rows = new Map<JobId, Row>();
  readonly active = new Set<Row>();
  /** Waiting jobs that can expire. */
  readonly expiring = new Set<Row>();
  readonly due = new Heap<{ readonly at: Millis; readonly row: Row }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.row.number < b.row.number),
  );
  readonly uniqueKeys = new UniqueKeys();
  readonly errors = new Errors<Row>();
  /** Unfinished runs by cron, in the order of creation. */
  readonly runs = new Map<string, Set<Row>>();
  readonly queues = new Map<string, Queue>();
  readonly limits = new Map<string, Limit>();
  readonly workers = new Map<string, WorkerRecord>();
  readonly requests = new Map<string, Request>();
  readonly leases = new Map<string, { readonly holder: string; readonly until: Millis }>();
  readonly workflows = new WorkflowTable();
  /** By kind, then key. */
  readonly records = new Map<string, Map<string, StoredRecord>>();
  readonly statistics = new MinuteStatistics();
  readonly log = new EventLog();
  readonly wakes: Wakes;
  /** The last start that a rate counted: no claim is made at an earlier time. */
  lastStart: Millis = 0;
  readonly #logged: boolean;
  #created = 0;
  #order = 0;

  constructor(wakes: Wakes, logged: boolean) {
    this.wakes = wakes;
    this.#logged = logged;
  }

  /** The number of the newest job, and the newest place in a queue. */
  get newest(): { readonly number: number; readonly order: number } {
    return { number: this.#created, order: this.#order };
  }

  /** Runs a change; its events become one batch. */
  change<T>(now: Millis, work: (change: Change) => T): T {
    const change = new Change(now, this.#logged);
    const answer = work(change);
    const batch = change.entries.take();
    if (batch !== null) {
      this.log.append(batch, now);
      this.wakes.logged();
    }
    return answer;
  }

  putRecord(record: StoredRecord): void {
    const ofKind = this.records.get(record.kind) ?? new Map<string, StoredRecord>();
    this.records.set(record.kind, ofKind.set(record.key, record));
  }

  add(job: JobRecord, now: Millis): void {
    const queue = this.queue(job.queue, now);
    const group = queue.limitGroups.enter(limitGroupOf(job.limits).map((key) => this.limit(key)));
    for (const limit of group.keys) {
      limit.jobs += 1;
      limit.used(now);
    }
    const row: Row = { number: ++this.#created, queue, group, order: 0, job };
    this.rows.set(job.id, row);
    this.#enter(row, now);
  }

  /**
   * Adds a job of a dump, with its number and place. Call {@link makeReady} for available ones, in the order of their
   * places.
   */
  load(job: JobRecord, number: number, place: number): Row {
    const queue = this.queue(job.queue, job.createdAt);
    const group = queue.limitGroups.enter(limitGroupOf(job.limits).map((key) => this.limit(key)));
    for (const limit of group.keys) limit.jobs += 1;
    const row: Row = { number, queue, group, order: place, job };
    this.rows.set(job.id, row);
    this.#index(row);
    this.#created = Math.max(this.#created, number);
    this.#order = Math.max(this.#order, place);
    return row;
  }

  makeReady(row: Row, now: Millis): void {
    const { queue, group } = row;
    for (const limit of group.keys) {
      limit.wait(queue.name, 1);
      if (limit.waiting.get(queue.name) === 1) queue.limitGroups.setTimer(limit, now);
    }
    queue.limitGroups.push(group, row, now);
  }

  set(row: Row, job: JobRecord, now: Millis): void {
    if (row.job.state === State.active && job.state === State.active) {
      row.job = job;
      return;
    }
    this.#leave(row);
    const was = row.job.state;
    row.job = job;
    if (job.queue !== row.queue.name) this.#moveTo(row, this.queue(job.queue, now));
    this.#enter(row, now);
    if (was === State.active) this.#freed(row);
  }

  /** Another queue has limit groups of its own. */
  #moveTo(row: Row, queue: Queue): void {
    row.queue.limitGroups.leave(row.group);
    row.queue = queue;
    row.group = queue.limitGroups.enter(row.group.keys);
  }

  drop(row: Row): void {
    this.#leave(row);
    this.#forgetRun(row);
    for (const limit of row.group.keys) limit.jobs -= 1;
    row.queue.limitGroups.leave(row.group);
    this.rows.delete(row.job.id);
    if (hasSteps(row.job)) for (const kind of kindsOfSteps(row.job.id)) this.records.delete(kind);
    // Entries of a ready queue or of the heap may still refer to this row; they are now out of date.
    row.order = -1;
    if (row.job.state === State.active) this.#freed(row);
  }

  /** The next scheduled or retryable job whose time has come. */
  nextDue(now: Millis): Row | undefined {
    for (let next = this.due.peek(); next && next.at <= now; next = this.due.peek()) {
      const { job, order } = next.row;
      if (order >= 0 && isIn(job.state, State.scheduled | State.retryable) && job.runAt === next.at) return next.row;
      this.due.pop();
    }
    return undefined;
  }

  queue(name: string, now: Millis): Queue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new Queue(name, now);
      this.queues.set(name, queue);
    }
    return queue;
  }

  limit(key: string): Limit {
    let limit = this.limits.get(key);
    if (!limit) {
      limit = new Limit(key);
      this.limits.set(key, limit);
    }
    return limit;
  }

  forgetLimit(limit: Limit): void {
    this.limits.delete(limit.key);
    for (const { limitGroups } of this.queues.values()) limitGroups.forget(limit);
  }

  /** The limit of the queue as a whole. */
  queueLimit(queue: Queue): Limit | undefined {
    return this.limits.get(queueLimitKey(queue.name));
  }

  /** Gives a limit new numbers: those of a job, or an operator's override. */
  changeLimit(
    key: string,
    { own, override }: { readonly own?: LimitNumbers; readonly override?: LimitNumbers | null },
    now: Millis,
  ): Limit {
    const limit = this.limit(key);
    limit.usedAt = override === undefined ? Math.max(limit.usedAt, now) : usedAfterOverride(limit, override, now);
    const before = numbersText(effectiveLimit(limit));
    if (own !== undefined) limit.own = own;
    if (override !== undefined) limit.override = override;
    if (numbersText(effectiveLimit(limit)) === before) return limit;
    for (const queue of this.#queuesUnder(limit)) {
      queue.limitGroups.reopen(limit);
      queue.limitGroups.setTimer(limit, now);
      this.wakes.wake(queue.name);
    }
    const queue = this.#queueOf(limit);
    if (queue && queue.count(State.available) > 0) this.wakes.wake(queue.name);
    return limit;
  }

  limitRecord(limit: Limit): LimitRecord {
    const queue = this.#queueOf(limit);
    return queue ? limit.record(queue.count(State.active), queue.count(State.available)) : limit.record();
  }

  #queueOf({ key }: Limit): Queue | undefined {
    const prefix = queueLimitKey('');
    return key.startsWith(prefix) ? this.queues.get(key.slice(prefix.length)) : undefined;
  }

  /** The queues in which jobs wait under the limit. */
  #queuesUnder({ waiting }: Limit): Queue[] {
    return [...waiting.keys()].flatMap((name) => this.queues.get(name) ?? []);
  }

  #enter(row: Row, now: Millis): void {
    const { queue, group } = row;
    const { state } = row.job;
    this.#index(row);
    if (state === State.active) {
      if (this.queueLimit(queue)?.started(now)) this.lastStart = Math.max(this.lastStart, now);
      for (const limit of group.keys) {
        limit.used(now);
        if (!limit.started(now)) continue;
        this.lastStart = Math.max(this.lastStart, now);
        for (const waiting of this.#queuesUnder(limit)) waiting.limitGroups.started(limit, now);
      }
    }
    if (state === State.available) {
      row.order = ++this.#order;
      this.makeReady(row, now);
      this.wakes.wake(queue.name);
    }
  }

  #index(row: Row): void {
    const { state, expiresAt, runAt } = row.job;
    this.#count(row, 1);
    this.uniqueKeys.add(row);
    this.errors.add(row);
    this.#run(row);
    if (expiresAt !== null && isIn(state, Waiting)) this.expiring.add(row);
    if (isIn(state, State.scheduled | State.retryable)) this.due.push({ at: runAt, row });
    if (state !== State.active) return;
    this.active.add(row);
    for (const limit of row.group.keys) limit.active += 1;
  }

  #leave(row: Row): void {
    this.#count(row, -1);
    this.uniqueKeys.remove(row);
    this.errors.remove(row);
    this.active.delete(row);
    this.expiring.delete(row);
    for (const limit of row.group.keys) {
      if (row.job.state === State.active) limit.active -= 1;
      if (row.job.state === State.available) limit.wait(row.queue.name, -1);
    }
  }

  /** Wakes queues that waited for a slot of the job: those under limits that had none free. */
  #freed({ queue, group }: Row): void {
    const queueLimit = this.queueLimit(queue);
    const active = queue.count(State.active);
    if (queueLimit?.hasSlot(active) && !queueLimit.hasSlot(active + 1) && queue.count(State.available) > 0)
      this.wakes.wake(queue.name);
    for (const limit of group.keys) {
      if (!limit.hasSlot() || limit.hasSlot(limit.active + 1)) continue;
      for (const waiting of this.#queuesUnder(limit)) {
        waiting.limitGroups.reopen(limit);
        this.wakes.wake(waiting.name);
      }
    }
  }

  #run(row: Row): void {
    const { cron, state } = row.job;
    if (cron === null) return;
    if (isIn(state, Terminal)) this.#forgetRun(row);
    else this.runs.set(cron, (this.runs.get(cron) ?? new Set()).add(row));
  }

  #forgetRun(row: Row): void {
    const { cron } = row.job;
    const runs = cron === null ? undefined : this.runs.get(cron);
    runs?.delete(row);
    if (cron !== null && runs?.size === 0) this.runs.delete(cron);
  }

  #count({ queue, job }: Row, by: 1 | -1): void {
    queue.counts.set(job.state, queue.count(job.state) + by);
    if (job.deadLetter) queue.deadLetter += by;
  }
}
