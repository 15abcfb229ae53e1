import type { NamesOf } from '@ojs-ts/core';
import type { Logger } from '../../connection/logger.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import type { JobContext } from './context.ts';

/**
 * Told of what happens to the jobs of a worker (ojs-sdk-guidelines §6.3). What a callback throws is logged and changes
 * nothing; nothing waits for one.
 */
export interface WorkerCallbacks {
  /** A handler begins. */
  onJobStarted?: ((context: JobContext) => void) | undefined;
  /** A handler, with the middleware around it, ended well. */
  onJobCompleted?: ((context: JobContext, result: unknown) => void) | undefined;
  /** A handler failed, or its time was up. A snooze is no failure. */
  onJobFailed?: ((context: JobContext, error: unknown) => void) | undefined;
  /** After a failure: the server will run the job again. */
  onJobRetrying?: ((context: JobContext, error: unknown) => void) | undefined;
  /** After a failure: the server will not run the job again. */
  onJobDiscarded?: ((context: JobContext, error: unknown) => void) | undefined;
  /** The server took the job back while it ran: somebody cancelled it, or its lease was lost. */
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

/** The callbacks of a worker; null where it has none, so that nothing is kept for them. */
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

  /** The server has answered an outcome. @param state is what the job is in now, where the server said so. */
  settled(leased: LeasedJob, state: string | undefined): void {
    // Only a failure has something thrown; a job that was given back is neither retried nor discarded.
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
      // A callback may be asynchronous all the same, and its rejection must not end the process.
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
