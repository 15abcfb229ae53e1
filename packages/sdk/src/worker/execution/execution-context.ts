import { isObject } from '@ojs-ts/core';
import { type Logger, loggerWith } from '../../connection/logger.ts';
import type { Job } from '../../job/job.ts';
import { readJob } from '../../job/read-job.ts';
import { type JsonArray, type Meta, numberOf, textOf, wireOf } from '../../json.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import { abortKey, type JobContext, overKey } from './context.ts';
import { resultsFrom } from './left-out-results.ts';
import { type Reporting, Reports } from './reports.ts';
export interface ContextServices {
  readonly logger: Logger;
  readonly reporting: Reporting;
  heartbeat(): Promise<void>;
  /** Called when the server has taken the job from this worker. */
  lose(leased: LeasedJob, message: string): void;
}

/** Reads each member on access: at tens of thousands of jobs per second, most of an envelope is never read. */
export class ExecutionContext implements JobContext {
  readonly #leased: LeasedJob;
  readonly #services: ContextServices;
  #job: Job | undefined;
  #log: Logger | undefined;
  #locals: Map<unknown, unknown> | undefined;
  #saved: { readonly state: unknown } | undefined;
  #ownReports: Reports | undefined;

  constructor(leased: LeasedJob, services: ContextServices) {
    this.#leased = leased;
    this.#services = services;
  }

  get job(): Job {
    this.#job ??= readJob(this.#leased.wire);
    return this.#job;
  }

  get jobId(): string {
    return this.#leased.id;
  }

  get jobType(): string {
    return textOf(this.#leased.wire.type) ?? '';
  }

  get queue(): string {
    return textOf(this.#leased.wire.queue) ?? 'default';
  }

  get args(): JsonArray {
    const { args } = this.#leased.wire;
    return Array.isArray(args) ? args : [];
  }

  get meta(): Meta {
    return wireOf(this.#leased.wire.meta) ?? {};
  }

  get attempt(): number {
    return numberOf(this.#leased.wire.attempt) ?? 1;
  }

  get parentResults(): readonly unknown[] {
    const { parent_results: raw, x_parent_results_from: from } = this.#leased.wire;
    return resultsFrom(readParentResults(raw), numberOf(from) ?? 0);
  }

  get workflowId(): string | undefined {
    return textOf(this.#leased.wire.workflow_id);
  }

  get isCancelled(): boolean {
    return this.#leased.aborted;
  }

  get signal(): AbortSignal {
    return this.#leased.signal;
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
    const { checkpoint, last_checkpoint } = this.#leased.wire;
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
    if (this.#leased.aborted) throw this.#leased.reason;
  }

  [abortKey](reason: Error): void {
    this.#leased.abort(reason);
  }

  get [overKey](): boolean {
    return this.#leased.state !== 'running';
  }

  get #reports(): Reports {
    this.#ownReports ??= new Reports(this.#leased, this.#services);
    this.#leased.reports = this.#ownReports;
    return this.#ownReports;
  }
}

/** A report is often not awaited. Its rejection must not end the process. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

/** `parent_results` of an envelope: an array, or an object whose keys are the places (ojs-workflows §7). */
function readParentResults(raw: unknown): readonly unknown[] {
  if (Array.isArray(raw)) return raw;
  if (!isObject(raw)) return [];
  const places = Object.keys(raw).filter((key) => /^\d+$/.test(key));
  return places.map((_, place) => raw[place] ?? null);
}
