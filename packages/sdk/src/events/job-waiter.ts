import { isObject } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import type { Deadline } from '../connection/deadline.ts';
import { backoffMs, pause } from '../connection/pause.ts';
import { OJSAPIError } from '../errors.ts';
import type { Job } from '../job/job.ts';
import { type Wire, wireOf } from '../json.ts';
import { Outage } from './outage.ts';

/** How long the server may hold a call, in milliseconds. A worker's fetch waits as long. */
const holdMs = 20_000;
/** The most ids in one call. */
const maxIds = 1_000;
/** The most calls at the same time. Beyond it, the smaller calls are merged into one. */
const maxPolls = 4;
/** Above this number of waits in a call, the next call follows after a pause of 1 ms for each so many waits. */
const fewWaits = 50;
const minPauseMs = 50;
const maxPauseMs = 1_000;
/** Concurrent reads on a server that answers for one job a call only. */
const readers = 16;

const terminal: ReadonlySet<unknown> = new Set(['completed', 'cancelled', 'discarded']);

export function isEnded({ state }: Job): boolean {
  return terminal.has(state);
}

/** All waits for one job. */
interface Wait {
  readonly id: string;
  /** Resolves once the job has ended or is gone; with the job, if it is known. */
  readonly over: PromiseWithResolvers<Job | null>;
  users: number;
  poll: Poll | null;
}

interface Poll {
  readonly waits: Set<Wait>;
  readonly controller: AbortController;
}

/**
 * Waits for the ends of any number of jobs. All waits share a few calls of POST /jobs/results, which our server holds
 * until one of the jobs has ended. A server that answers at once is asked again after a pause. On a server without this
 * operation, each job is read by itself.
 */
export class JobWaiter {
  readonly #connection: Connection;
  readonly #readJob: (jobId: string, signal: AbortSignal) => Promise<Job>;
  readonly #waits = new Map<string, Wait>();
  readonly #polls = new Set<Poll>();
  #isDue = false;
  #isHeld = true;
  #isBulk = true;
  #isSweeping = false;
  #pauseMs = minPauseMs;
  /** When the server last answered for any of the jobs, even if none had ended. */
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection, readJob: (jobId: string, signal: AbortSignal) => Promise<Job>) {
    this.#connection = connection;
    this.#readJob = readJob;
  }

  /** The number of jobs with a wait. */
  get size(): number {
    return this.#waits.size;
  }

  /**
   * The job once it has ended. An outage shorter than the timeout of a call is waited out.
   * @throws the error of the deadline; what reading the job throws.
   */
  async waitFor(jobId: string, deadline: Deadline): Promise<Job> {
    const outage = new Outage(this.#connection.timeoutMs);
    for (let failures = 0; ; ) {
      const wait = this.#enter(jobId);
      try {
        const ended = await deadline.race(wait.over.promise);
        const job = ended ?? (await deadline.race(this.#readJob(jobId, deadline.signal)));
        // A retry may have started the job again in between.
        if (isEnded(job)) return job;
        this.#answeredAt = performance.now();
        failures = 0;
      } catch (error) {
        deadline.signal.throwIfAborted();
        if (!outage.covers(error, this.#answeredAt)) throw error;
        await deadline.race(pause(backoffMs(++failures, minPauseMs, maxPauseMs), deadline.signal));
      } finally {
        this.#leave(wait);
      }
    }
  }

  #enter(id: string): Wait {
    let wait = this.#waits.get(id);
    if (wait === undefined) {
      wait = { id, over: Promise.withResolvers(), users: 0, poll: null };
      wait.over.promise.catch(() => {});
      this.#waits.set(id, wait);
      this.#pauseMs = minPauseMs;
      this.#schedule();
    }
    wait.users += 1;
    return wait;
  }

  #leave(wait: Wait): void {
    wait.users -= 1;
    if (wait.users > 0) return;
    this.#drop(wait);
    const { poll } = wait;
    poll?.waits.delete(wait);
    if (poll?.waits.size === 0) poll.controller.abort();
  }

  #drop(wait: Wait): void {
    if (this.#waits.get(wait.id) === wait) this.#waits.delete(wait.id);
  }

  /** All waits that begin in the same turn of the event loop share a call. */
  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      if (this.#isBulk) this.#ask();
      else void this.#sweep();
    });
  }

  #ask(): void {
    const loose = [...this.#waits.values()].filter(({ poll }) => poll === null);
    if (loose.length === 0) return;
    if (this.#polls.size >= maxPolls) {
      const [smallest] = [...this.#polls].sort((one, other) => one.waits.size - other.waits.size);
      if (smallest !== undefined && smallest.waits.size + loose.length <= maxIds) {
        loose.push(...smallest.waits);
        smallest.waits.clear();
        smallest.controller.abort();
        this.#polls.delete(smallest);
      }
    }
    for (let at = 0; at < loose.length; at += maxIds) {
      const poll: Poll = { waits: new Set(loose.slice(at, at + maxIds)), controller: new AbortController() };
      for (const wait of poll.waits) wait.poll = poll;
      this.#polls.add(poll);
      void this.#run(poll);
    }
  }

  async #run(poll: Poll): Promise<void> {
    const signal = AbortSignal.any([poll.controller.signal, this.#connection.closing]);
    try {
      const waits = [...poll.waits];
      const began = performance.now();
      const results = await this.#results(
        waits.map(({ id }) => id),
        signal,
      );
      this.#answeredAt = performance.now();
      const ended = waits.filter(({ id }) => isOver(results[id]));
      for (const wait of ended) this.#settle(wait);
      // A server that does not hold the call is polled.
      this.#isHeld = ended.length > 0 || performance.now() - began > holdMs / 2;
      if (ended.length > 0) {
        this.#pauseMs = minPauseMs;
        // Among many jobs some have always just ended. After a short pause the same call returns more of them.
        if (poll.waits.size > fewWaits) await pause(poll.waits.size / fewWaits, signal);
      } else if (!this.#isHeld) {
        await pause(this.#pauseMs, signal);
        this.#pauseMs = Math.min(maxPauseMs, this.#pauseMs * 1.5);
      }
    } catch (error) {
      if (this.#connection.closing.aborted) this.#fail(poll, this.#connection.closing.reason);
      else if (isMissing(error)) this.#isBulk = false;
      else if (!poll.controller.signal.aborted) this.#fail(poll, error);
    } finally {
      this.#polls.delete(poll);
      for (const wait of poll.waits) if (wait.poll === poll) wait.poll = null;
      if (this.#waits.size > 0) this.#schedule();
    }
  }

  async #results(ids: readonly string[], signal: AbortSignal): Promise<Wire> {
    const body = await this.#connection.call(
      { operation: 'job.results', body: JSON.stringify({ ids, wait_ms: holdMs }) },
      { signal, requestTimeout: holdMs + this.#connection.timeoutMs },
    );
    return wireOf(body.results) ?? {};
  }

  #settle(wait: Wait, job: Job | null = null): void {
    this.#drop(wait);
    wait.poll?.waits.delete(wait);
    wait.over.resolve(job);
  }

  #fail(poll: Poll, error: unknown): void {
    for (const wait of poll.waits) {
      this.#drop(wait);
      wait.over.reject(error);
    }
    poll.waits.clear();
  }

  /** Reads the jobs one by one, in rounds, until no wait is left. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const { closing } = this.#connection;
    while (this.#waits.size > 0 && !closing.aborted) {
      const waits = [...this.#waits.values()];
      await Promise.all(Array.from({ length: readers }, () => this.#read(waits, closing)));
      await pause(this.#pauseMs, closing);
      this.#pauseMs = Math.min(maxPauseMs, this.#pauseMs * 1.5);
    }
    for (const wait of this.#waits.values()) wait.over.reject(closing.reason);
    this.#isSweeping = false;
    this.#waits.clear();
  }

  async #read(waits: Wait[], signal: AbortSignal): Promise<void> {
    for (let wait = waits.shift(); wait !== undefined; wait = waits.shift()) {
      try {
        const job = await this.#readJob(wait.id, signal);
        this.#answeredAt = performance.now();
        if (isEnded(job)) this.#settle(wait, job);
      } catch (error) {
        this.#drop(wait);
        wait.over.reject(error);
      }
    }
  }
}

/** An unknown job has no outcome. Reading the job itself gives the reason. */
function isOver(outcome: unknown): boolean {
  return !isObject(outcome) || terminal.has(outcome.state);
}

function isMissing(error: unknown): boolean {
  return error instanceof OJSAPIError && [400, 404, 405, 501].includes(error.statusCode);
}
