import type { NamesOf } from '@ojs-ts/core';
import type { Event } from '../events/event.ts';
import type { JsonArray } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import type { Job } from './job.ts';
import type { CallOptions } from './options.ts';

/** How long to wait. */
export interface WaitOptions {
  /** Default: no limit. */
  timeout?: Duration | undefined;
  /** Aborting ends the wait, not the job. */
  signal?: AbortSignal | undefined;
}

export const waitNames: NamesOf<WaitOptions> = { timeout: true, signal: true };

/**
 * - `created`: a new job
 * - `duplicate`: another job holds the unique key, and the handle is of that job
 * - `replaced`: the job replaced another one, or its args and meta. If the other one was running, its handler may run
 *   beside the new job for a moment: its `signal` aborts with the next heartbeat of its worker
 * - `dropped`: a middleware returned null, so nothing was sent; `state` is `cancelled`
 */
export type EnqueueOutcome = 'created' | 'duplicate' | 'replaced' | 'dropped';

/** A job, and methods that act on it. */
export interface JobHandle<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  readonly outcome: EnqueueOutcome;
  /**
   * Waits until the job has ended, and resolves with its result. All waits of a client share a few long polls.
   * @throws {JobFailedError} if the job was discarded or cancelled, with its error history; {OJSTimeoutError}; the
   * reason of `signal`; {OJSError} if a middleware dropped the job.
   */
  wait(options?: WaitOptions): Promise<R>;
  cancel(options?: CallOptions): Promise<Job<A, R>>;
  refresh(options?: CallOptions): Promise<Job<A, R>>;
  /** Events of the job from now on. The loop ends after the last one. */
  events(): AsyncIterable<Event>;
}

/** The calls of the client that a handle uses. */
export interface JobCalls {
  read<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>>;
  cancel<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>>;
  /** The result, once the job has ended. */
  result<R>(jobId: string, options: WaitOptions): Promise<R>;
  events(jobId: string): AsyncIterable<Event>;
}

/** Spelled out: the declaration of a class expression may have no private members. */
type Actions = new <A extends JsonArray, R>(
  calls: JobCalls,
  id: string,
  outcome: EnqueueOutcome,
) => Omit<JobHandle<A, R>, keyof Job>;

/**
 * The methods are on a prototype, so a handle logs and compares like a plain job, under the public name of its type.
 */
export const JobActions: Actions = class JobHandle<A extends JsonArray, R> {
  readonly #calls: JobCalls;
  readonly #id: string;
  readonly outcome: EnqueueOutcome;

  constructor(calls: JobCalls, id: string, outcome: EnqueueOutcome) {
    this.#calls = calls;
    this.#id = id;
    this.outcome = outcome;
  }

  async refresh(options: CallOptions = {}): Promise<Job<A, R>> {
    return this.#calls.read(this.#id, options);
  }

  async cancel(options: CallOptions = {}): Promise<Job<A, R>> {
    return this.#calls.cancel(this.#id, options);
  }

  async wait(options: WaitOptions = {}): Promise<R> {
    return this.#calls.result(this.#id, options);
  }

  events(): AsyncIterable<Event> {
    return this.#calls.events(this.#id);
  }
};

export function handleOf<A extends JsonArray, R>(
  job: Job<A, R>,
  outcome: EnqueueOutcome,
  calls: JobCalls,
): JobHandle<A, R> {
  return Object.assign(new JobActions<A, R>(calls, job.id, outcome), job);
}

export function withArgs<A extends JsonArray, R>(job: Job<A, R>, args: JsonArray | undefined): Job<A, R>;
export function withArgs(job: Job, args: JsonArray | undefined): Job {
  return args === undefined ? job : { ...job, args };
}
