import type { NamesOf } from '@ojs-ts/core';
import type { Event } from '../events/event.ts';
import type { JsonArray } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import type { Job } from './job.ts';
import type { CallOptions } from './options.ts';

/** How long to wait. */
export interface WaitOptions {
  /** Default: as long as it takes. */
  timeout?: Duration | undefined;
  /** Aborting ends the wait, not the job. */
  signal?: AbortSignal | undefined;
}

export const waitNames: NamesOf<WaitOptions> = { timeout: true, signal: true };

/**
 * `created`; `duplicate`: another job holds the unique key, and this is that job; `replaced`: this one took the place of another, or of its args and meta;
 * `dropped`: a middleware answered null, nothing was sent, `state` reads `cancelled`.
 */
export type EnqueueOutcome = 'created' | 'duplicate' | 'replaced' | 'dropped';

/** A job with what can be done to it. */
export interface JobHandle<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  readonly outcome: EnqueueOutcome;
  /**
   * The result, once the job has completed. All waits of a client share a few calls, which a server with long poll answers within milliseconds.
   * @throws {JobFailedError} discarded or cancelled, with its error history; {OJSTimeoutError}; the reason of `signal`; {OJSError} for a dropped job.
   */
  wait(options?: WaitOptions): Promise<R>;
  cancel(options?: CallOptions): Promise<Job<A, R>>;
  refresh(options?: CallOptions): Promise<Job<A, R>>;
  /** What happens to the job from now on. The loop ends after its last event. */
  events(): AsyncIterable<Event>;
}

/** What a handle needs of its client. */
export interface JobCalls {
  read<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>>;
  cancel<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>>;
  /** The result, once the job has ended. */
  result<R>(jobId: string, options: WaitOptions): Promise<R>;
  events(jobId: string): AsyncIterable<Event>;
}

/** The actions stand on a prototype, so a handle logs and compares as the job that it is, under its public name. */
const JobActions = class JobHandle<A extends JsonArray, R> {
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
