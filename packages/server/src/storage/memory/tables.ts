import { type EventBatch, type JobId, type JobRecord, type Json, type Millis, State, Waiting } from '@ojs-ts/core';
import { isIn } from '../apply.ts';
import type { WorkerRecord } from '../storage.ts';
import type { Wakes } from '../wakes.ts';
import { Heap } from './heap.ts';
import { Ready } from './ready.ts';

export interface Row {
  /** Order of creation. */
  readonly number: number;
  /** Place in the queue; a new one at every entry into `available`. */
  order: number;
  job: JobRecord;
}

export interface Queue {
  readonly name: string;
  readonly createdAt: Millis;
  paused: boolean;
  readonly counts: Map<State, number>;
  deadLetter: number;
  readonly ready: Ready;
}

export interface Request {
  readonly at: Millis;
  readonly claims: readonly { readonly id: JobId; readonly claim: number }[];
}

/** What the storage holds, with the indexes over it. Every change of a job goes through `add`, `set` and `drop`, which keep them true. */
export class Tables {
  readonly rows = new Map<JobId, Row>();
  readonly active = new Set<Row>();
  /** Waiting jobs that can expire. */
  readonly expiring = new Set<Row>();
  readonly due = new Heap<{ readonly at: Millis; readonly row: Row }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.row.number < b.row.number),
  );
  readonly queues = new Map<string, Queue>();
  readonly workers = new Map<string, WorkerRecord>();
  readonly requests = new Map<string, Request>();
  readonly leases = new Map<string, { readonly holder: string; readonly until: Millis }>();
  readonly wakes: Wakes;
  readonly #log: EventBatch[] = [];
  #position = 0;
  #created = 0;
  #order = 0;

  constructor(wakes: Wakes) {
    this.wakes = wakes;
  }

  add(job: JobRecord, now: Millis): void {
    const queue = this.queue(job.queue, now);
    const row: Row = { number: ++this.#created, order: 0, job };
    this.rows.set(job.id, row);
    this.#count(queue, job, 1);
    this.#enter(row, queue);
  }

  set(row: Row, job: JobRecord): void {
    const queue = this.#queueOf(job);
    this.#count(queue, row.job, -1);
    this.#leave(row);
    row.job = job;
    this.#count(queue, job, 1);
    this.#enter(row, queue);
  }

  drop(row: Row): void {
    this.#count(this.#queueOf(row.job), row.job, -1);
    this.#leave(row);
    this.rows.delete(row.job.id);
    // A place in a queue or in the heap that still names this row must not revive it.
    row.order = -1;
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
      queue = { name, createdAt: now, paused: false, counts: new Map(), deadLetter: 0, ready: new Ready() };
      this.queues.set(name, queue);
    }
    return queue;
  }

  /** Ends an operation: its events become one batch. */
  commit(entries: readonly Json[], now: Millis): void {
    if (entries.length === 0) return;
    this.#log.push({ position: this.#position + 1, at: now, count: entries.length, entries: `[${entries.join(',')}]` });
    this.#position += entries.length;
  }

  get log(): { readonly batches: EventBatch[]; readonly oldest: number; readonly newest: number } {
    return { batches: this.#log, oldest: this.#log[0]?.position ?? this.#position + 1, newest: this.#position };
  }

  #enter(row: Row, queue: Queue): void {
    const { state, expiresAt, runAt } = row.job;
    if (state === State.active) this.active.add(row);
    if (expiresAt !== null && isIn(state, Waiting)) this.expiring.add(row);
    if (isIn(state, State.scheduled | State.retryable)) this.due.push({ at: runAt, row });
    if (state === State.available) {
      row.order = ++this.#order;
      queue.ready.push(row, row.order);
      this.wakes.wake(queue.name);
    }
  }

  #leave(row: Row): void {
    this.active.delete(row);
    this.expiring.delete(row);
  }

  #count(queue: Queue, job: JobRecord, by: 1 | -1): void {
    queue.counts.set(job.state, (queue.counts.get(job.state) ?? 0) + by);
    if (job.deadLetter) queue.deadLetter += by;
  }

  #queueOf(job: JobRecord): Queue {
    const queue = this.queues.get(job.queue);
    if (!queue) throw new Error(`Queue ${job.queue} of job ${job.id} is missing.`);
    return queue;
  }
}
