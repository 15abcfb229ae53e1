import type { Logger } from '../../connection/logger.ts';
import { OJSError } from '../../errors.ts';
import type { Job } from '../../job/job.ts';
import type { JsonArray, Meta } from '../../json.ts';
import type { StepCodec } from '../steps/codec.ts';
import type { DurableContext } from '../steps/types.ts';

/** One execution, as its handler sees it. You may destructure it: `({ args, progress }) => …`. */
export interface JobContext<A extends JsonArray = JsonArray> extends DurableContext {
  readonly job: Job<A>;
  readonly jobId: string;
  readonly jobType: string;
  readonly queue: string;
  readonly args: A;
  readonly meta: Meta;
  /** From 1. */
  readonly attempt: number;
  /**
   * Results of the workflow steps before this job. {@link parentResults} adds their types. A step of a chain with more
   * than 1,000 steps before it gets the results of the nearest 1,000; reading an older one throws an `OJSError`.
   */
  readonly parentResults: readonly unknown[];
  readonly workflowId?: string | undefined;
  /** True after the execution was cancelled, lost, timed out or stopped by a shutdown. Its outcome no longer counts. */
  readonly isCancelled: boolean;
  /** Aborts when `isCancelled` becomes true. The reason is an OJSError. */
  readonly signal: AbortSignal;
  /** The logger of the worker, with the id, type, queue and attempt of the job on every line. */
  readonly log: Logger;
  /** Values that middleware passes to the handler. */
  readonly locals: Map<unknown, unknown>;
  /** The state of the last `checkpoint()` of this job, in this attempt or an earlier one. Undefined without one. */
  readonly lastCheckpoint?: unknown;
  /**
   * Reports the progress of the job, from 0 to 100; other numbers count as 0 or 100. Completion sets 100. The worker
   * sends at most one report a second, but always the last one; a report that waits resolves at once. A lost report
   * fails no job.
   * @throws {OJSValidationError} for a percentage that is no number, and for data that is no JSON; {OJSError} if the
   * server has no progress.
   */
  progress(percent: number, message?: string, data?: unknown): Promise<void>;
  /** Extends the lease of the job now, beside the heartbeats of the worker. @throws {OJSError} if the lease is lost. */
  heartbeat(): Promise<void>;
  /**
   * Saves a state of at most 1 MiB of JSON for the next attempt of this job (ojs-durable-execution §4). Resolves when
   * the server has stored it.
   * @throws {OJSValidationError} if the state is no JSON; {OJSError} if the server has no checkpoints, or the lease is
   * lost.
   */
  checkpoint(state: unknown): Promise<void>;
}

/** Registered process-wide, because a middleware may be of another copy of this package. */
export const abortKey: unique symbol = Symbol.for('@ojs-ts/sdk.abortExecution');

/** Aborts `context.signal`, to end an execution from outside its handler. A context without a worker stays as it is. */
export function abortExecution(context: JobContext, reason: Error): void {
  if (abortKey in context && typeof context[abortKey] === 'function') context[abortKey](reason);
}

/** Registered process-wide, as `abortKey`. */
export const overKey: unique symbol = Symbol.for('@ojs-ts/sdk.isExecutionOver');

/** Reports whether the outcome is decided already: by a cancellation, a lost lease, a timeout or a shutdown. */
export function isOver(context: JobContext): boolean {
  return overKey in context && context[overKey] === true;
}

/** Registered process-wide, as `abortKey`. */
export const suspendKey: unique symbol = Symbol.for('@ojs-ts/sdk.untilSuspended');

/** The outcome of the handler. It rejects with {@link Suspended} as soon as the execution is suspended. */
export function untilSuspended(context: JobContext, work: () => unknown): unknown {
  return suspendKey in context && typeof context[suspendKey] === 'function' ? context[suspendKey](work) : work();
}

/** Registered process-wide, as `abortKey`. */
export const undoKey: unique symbol = Symbol.for('@ojs-ts/sdk.undoSteps');

/** Undoes the steps of another job, as its handler names them. */
export function undoSteps(context: JobContext, handler: () => unknown): unknown {
  if (undoKey in context && typeof context[undoKey] === 'function') return context[undoKey](handler);
  throw new OJSError('An undo needs a job that a worker has fetched.', { jobId: context.jobId });
}

/** Registered process-wide, as `abortKey`. */
export const codecKey: unique symbol = Symbol.for('@ojs-ts/sdk.stepCodec');

/** Encodes the values and errors of durable steps from now on. */
export function encodeSteps(context: JobContext, codec: StepCodec): void {
  if (codecKey in context && typeof context[codecKey] === 'function') context[codecKey](codec);
}
