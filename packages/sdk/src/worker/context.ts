import type { Logger } from '../connection/logger.ts';
import type { Job } from '../job/job.ts';
import type { JsonArray, Meta } from '../json.ts';

/** One execution, as its handler sees it. Its methods may be taken out of it: `({ args, progress }) => …`. */
export interface JobContext<A extends JsonArray = JsonArray> {
  readonly job: Job<A>;
  readonly jobId: string;
  readonly jobType: string;
  readonly queue: string;
  readonly args: A;
  readonly meta: Meta;
  /** From 1. */
  readonly attempt: number;
  /** Results of the workflow steps before this one; {@link parentResults} gives them their types. */
  readonly parentResults: readonly unknown[];
  readonly workflowId?: string | undefined;
  /** True once this execution counts for nothing any more: cancelled, lost, timed out, or cut off by a shutdown. */
  readonly isCancelled: boolean;
  /** Aborted when `isCancelled` becomes true; the reason is an OJSError. */
  readonly signal: AbortSignal;
  /** The worker's logger with the job's id, type, queue and attempt on every line. */
  readonly log: Logger;
  /** For whatever wraps the handler to pass something to it. */
  readonly locals: Map<unknown, unknown>;
  /** What the last `checkpoint()` of this job saved, in this attempt or an earlier one; undefined where none did. */
  readonly lastCheckpoint?: unknown;
  /**
   * Tells how far the job is, from 0 to 100; a number outside counts as the nearer end, and completion sets 100. Sent at most once a second, the last report always; between two it resolves at once. What is lost on
   * the way is lost: it fails no job.
   * @throws {OJSValidationError} for what is no number or no JSON, {OJSError} where the server has no progress.
   */
  progress(percent: number, message?: string, data?: unknown): Promise<void>;
  /** Extends the job's lease now, besides the worker's own heartbeats. Rejects where the server no longer counts it as ours. */
  heartbeat(): Promise<void>;
  /**
   * Keeps a state, at most 1 MiB of JSON, for the next attempt of this job (ojs-durable-execution §4). Resolves when it is stored.
   * @throws {OJSValidationError} for what is no JSON, {OJSError} where the server has no checkpoints or the job is no longer ours.
   */
  checkpoint(state: unknown): Promise<void>;
}

/** Registered process-wide: a middleware may come from another copy of this package. */
export const whatAborts: unique symbol = Symbol.for('@ojs-ts/sdk.abortExecution');

/** Aborts `context.signal`, for whoever ends an execution from outside its handler. Nothing happens to a context that is not of a worker. */
export function abortExecution(context: JobContext, reason: Error): void {
  if (whatAborts in context && typeof context[whatAborts] === 'function') context[whatAborts](reason);
}

/** Registered process-wide, as `whatAborts`. */
export const whetherOver: unique symbol = Symbol.for('@ojs-ts/sdk.isExecutionOver');

/** Whether the outcome is decided already, so that what the handler still does is none: after a cancellation, a lost lease, a timeout, a shutdown. */
export function isOver(context: JobContext): boolean {
  return whetherOver in context && context[whetherOver] === true;
}
