import type { NamesOf } from '@ojs-ts/core';
import type { Logger } from '../../connection/logger.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { JobContext } from './context.ts';

/**
 * Callbacks about the jobs of a worker (ojs-sdk-guidelines §6.3). The worker does not wait for a callback, and logs its
 * errors.
 */
export interface WorkerCallbacks {
  /** A handler starts. */
  onJobStarted?: ((context: JobContext) => void) | undefined;
  /** A handler and its middleware have succeeded. */
  onJobCompleted?: ((context: JobContext, result: unknown) => void) | undefined;
  /** A handler failed or timed out. A snooze is no failure. */
  onJobFailed?: ((context: JobContext, error: unknown) => void) | undefined;
  /** After a failure: the server will run the job again. */
  onJobRetrying?: ((context: JobContext, error: unknown) => void) | undefined;
  /** After a failure: the server will not run the job again. */
  onJobDiscarded?: ((context: JobContext, error: unknown) => void) | undefined;
  /** The job was cancelled, or lost its lease, while it ran. */
  onJobCancelled?: ((context: JobContext) => void) | undefined;
}

type Name = keyof WorkerCallbacks;

export const callbackNames: NamesOf<WorkerCallbacks> = {
  onJobStarted: true,
  onJobCompleted: true,
  onJobFailed: true,
  onJobRetrying: true,
  onJobDiscarded: true,
  onJobCancelled: true,
};

/** The callbacks of a worker; null if there are none. */
export function callbacksOf(options: WorkerCallbacks, logger: Logger): Callbacks | null {
  return Object.entries(options).some(([name, value]) => name in callbackNames && value !== undefined)
    ? new Callbacks(options, logger)
    : null;
}

export class Callbacks {
  readonly #options: WorkerCallbacks;
  readonly #logger: Logger;

  constructor(options: WorkerCallbacks, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  started(leased: LeasedJob, context: JobContext): void {
    leased.context = context;
    this.#call('onJobStarted', leased, (context) => this.#options.onJobStarted?.(context));
  }

  completed(leased: LeasedJob, result: unknown): void {
    this.#call('onJobCompleted', leased, (context) => this.#options.onJobCompleted?.(context, result));
  }

  failed(leased: LeasedJob, error: unknown): void {
    leased.failed = true;
    leased.thrown = error;
    this.#call('onJobFailed', leased, (context) => this.#options.onJobFailed?.(context, error));
  }

  cancelled(leased: LeasedJob): void {
    this.#call('onJobCancelled', leased, (context) => this.#options.onJobCancelled?.(context));
  }

  /**
   * The server has answered an outcome.
   * @param state the job's state now, if the server named it.
   */
  settled(leased: LeasedJob, state: string | undefined): void {
    // Only a failure has an error; a job that was given back is neither retried nor discarded.
    if (!leased.failed) return;
    if (state === 'retryable')
      this.#call('onJobRetrying', leased, (context) => this.#options.onJobRetrying?.(context, leased.thrown));
    if (state === 'discarded')
      this.#call('onJobDiscarded', leased, (context) => this.#options.onJobDiscarded?.(context, leased.thrown));
  }

  #call(name: Name, leased: LeasedJob, call: (context: JobContext) => unknown): void {
    const { context } = leased;
    if (context === undefined) return;
    const broken = (error: unknown) => {
      this.#logger.error(`${name} failed: the job is not affected`, { job_id: leased.id, error: textOf(error) });
    };
    try {
      // A callback may be asynchronous: its rejection must not end the process.
      Promise.resolve(call(context)).catch(broken);
    } catch (error) {
      broken(error);
    }
  }
}

function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'a value that cannot be read';
  }
}
