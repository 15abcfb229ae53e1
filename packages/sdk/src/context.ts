import { type Job, type JsonArray, type Meta, readJob } from './job.ts';
import { numberOf, textOf, wireOf } from './json.ts';
import { type Logger, loggerWith } from './logger.ts';
import type { Held } from './worker/held.ts';
import { readParentResults } from './workflow/parent-results.ts';

/** One execution, as its handler sees it. */
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
  /** Extends the job's lease now, besides the worker's own heartbeats. Rejects where the server no longer counts it as ours. */
  heartbeat(): Promise<void>;
}

export interface ContextServices {
  readonly logger: Logger;
  heartbeat(): Promise<void>;
}

/** Everything is read when it is asked for: at tens of thousands of jobs a second most of an envelope is never looked at. */
export class ExecutionContext implements JobContext {
  readonly #held: Held;
  readonly #services: ContextServices;
  #job: Job | undefined;
  #log: Logger | undefined;
  #locals: Map<unknown, unknown> | undefined;

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

  async heartbeat(): Promise<void> {
    await this.#services.heartbeat();
    if (this.#held.aborted) throw this.#held.reason;
  }
}
