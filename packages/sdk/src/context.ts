import { type Job, type JsonArray, type Meta, readJob } from './job.ts';
import { numberOf, textOf, wireOf } from './json.ts';
import { type Logger, loggerWith } from './logger.ts';
import type { Held } from './worker/held.ts';
import { type Reporting, Reports } from './worker/reports.ts';
import { readParentResults } from './workflow/parent-results.ts';

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

export interface ContextServices {
  readonly logger: Logger;
  readonly reporting: Reporting;
  heartbeat(): Promise<void>;
  /** The server has said that the job is no longer this worker's. */
  lose(held: Held, message: string): void;
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

/** Everything is read when it is asked for: at tens of thousands of jobs a second most of an envelope is never looked at. */
export class ExecutionContext implements JobContext {
  readonly #held: Held;
  readonly #services: ContextServices;
  #job: Job | undefined;
  #log: Logger | undefined;
  #locals: Map<unknown, unknown> | undefined;
  #saved: { readonly state: unknown } | undefined;

  constructor(held: Held, services: ContextServices) {
    this.#held = held;
    this.#services = services;
  }

  get job(): Job {
    this.#job ??= readJob(this.#held.wire);
    return this.#job;
  }

  get jobId(): string {
    return this.#held.id;
  }

  get jobType(): string {
    return textOf(this.#held.wire.type) ?? '';
  }

  get queue(): string {
    return textOf(this.#held.wire.queue) ?? 'default';
  }

  get args(): JsonArray {
    const { args } = this.#held.wire;
    return Array.isArray(args) ? args : [];
  }

  get meta(): Meta {
    return wireOf(this.#held.wire.meta) ?? {};
  }

  get attempt(): number {
    return numberOf(this.#held.wire.attempt) ?? 1;
  }

  get parentResults(): readonly unknown[] {
    return readParentResults(this.#held.wire.parent_results);
  }

  get workflowId(): string | undefined {
    return textOf(this.#held.wire.workflow_id);
  }

  get isCancelled(): boolean {
    return this.#held.aborted;
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  get log(): Logger {
    this.#log ??= loggerWith(this.#services.logger, {
      job_id: this.jobId,
      job_type: this.jobType,
      queue: this.queue,
      attempt: this.attempt,
    });
    return this.#log;
  }

  get locals(): Map<unknown, unknown> {
    this.#locals ??= new Map();
    return this.#locals;
  }

  get lastCheckpoint(): unknown {
    if (this.#saved !== undefined) return this.#saved.state;
    const { checkpoint, last_checkpoint } = this.#held.wire;
    return wireOf(checkpoint)?.state ?? last_checkpoint ?? undefined;
  }

  get progress(): JobContext['progress'] {
    return (percent, message, data) => handled(this.#reports.progress(percent, message, data));
  }

  get heartbeat(): JobContext['heartbeat'] {
    return () => handled(this.#extend());
  }

  get checkpoint(): JobContext['checkpoint'] {
    return async (state) => {
      await this.#reports.checkpoint(state);
      this.#saved = { state };
    };
  }

  async #extend(): Promise<void> {
    await this.#services.heartbeat();
    if (this.#held.aborted) throw this.#held.reason;
  }

  [whatAborts](reason: Error): void {
    this.#held.abort(reason);
  }

  get [whetherOver](): boolean {
    return this.#held.state !== 'running';
  }

  get #reports(): Reports {
    this.#held.reports ??= new Reports(this.#held, this.#services);
    return this.#held.reports;
  }
}

/** Reports are often not awaited; one that nobody waits for must not end the process. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
