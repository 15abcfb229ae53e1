import { Deadline } from './deadline.ts';
import { type Duration, durationMs } from './duration.ts';
import { JobFailedError, OJSTimeoutError } from './errors.ts';
import type { Job, JsonArray } from './job.ts';
import type { CallOptions } from './options.ts';

export interface WaitOptions {
  timeout?: Duration;
  signal?: AbortSignal;
}

/** A job with what can be done to it. */
export interface JobHandle<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  /** `duplicate`: the server kept another job in place of this one, and this is that job. */
  readonly outcome: EnqueueOutcome;
  /**
   * The result, once the job has completed; asks again after 50 ms to 1 s.
   * @throws {JobFailedError} discarded or cancelled, {OJSTimeoutError}, the reason of `signal`.
   */
  wait(options?: WaitOptions): Promise<R>;
  cancel(): Promise<Job<A, R>>;
  refresh(): Promise<Job<A, R>>;
}

export type EnqueueOutcome = 'created' | 'duplicate';

/** What a handle needs of its client. */
export interface JobCalls {
  read<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>>;
  cancel<A extends JsonArray, R>(jobId: string): Promise<Job<A, R>>;
}

const firstPollMs = 50;
const lastPollMs = 1_000;

/** The actions stand on a prototype, so a handle logs and compares as the job that it is. */
class JobActions<A extends JsonArray, R> {
  readonly #calls: JobCalls;
  readonly #id: string;
  readonly outcome: EnqueueOutcome;

  constructor(calls: JobCalls, id: string, outcome: EnqueueOutcome) {
    this.#calls = calls;
    this.#id = id;
    this.outcome = outcome;
  }

  refresh(): Promise<Job<A, R>> {
    return this.#calls.read(this.#id, {});
  }

  cancel(): Promise<Job<A, R>> {
    return this.#calls.cancel(this.#id);
  }

  async wait(options: WaitOptions = {}): Promise<R> {
    const ms = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout');
    const expired = () => new OJSTimeoutError(`The job has not ended within ${ms} ms.`, { jobId: this.#id, operation: 'job.get' });
    using deadline = new Deadline(ms, expired, options.signal);
    for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, lastPollMs)) {
      const job = await this.#calls.read<A, R>(this.#id, { signal: deadline.signal });
      if (job.state === 'completed') return resultOf(job);
      if (job.state === 'discarded' || job.state === 'cancelled') throw failed(job);
      await deadline.sleep(pause);
    }
  }
}

export function handleOf<A extends JsonArray, R>(job: Job<A, R>, outcome: EnqueueOutcome, calls: JobCalls): JobHandle<A, R> {
  return Object.assign(new JobActions<A, R>(calls, job.id, outcome), job);
}

/** A job that completed without a result waits for `R = void`: reading the absent field gives undefined. */
function resultOf<R>(job: { readonly result?: R }): R;
function resultOf(job: { readonly result?: unknown }): unknown {
  return job.result;
}

function failed(job: Job): JobFailedError {
  const last = job.error ?? job.errors.at(-1);
  return new JobFailedError(`The job was ${job.state}${last === undefined ? '' : `: ${last.type}: ${last.message}`}`, job);
}
