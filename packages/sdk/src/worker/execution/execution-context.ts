import { isObject } from '@ojs-ts/core';
import { type Logger, loggerWith } from '../../connection/logger.ts';
import { OJSError } from '../../errors.ts';
import type { JobDef } from '../../job/definition.ts';
import type { Job } from '../../job/job.ts';
import type { JobOptions } from '../../job/options.ts';
import { readJob } from '../../job/read-job.ts';
import { type JsonArray, type Meta, numberOf, textOf, wireOf } from '../../json.ts';
import type { SignalDef } from '../../signal/definition.ts';
import type { LeasedJob } from '../leases/leased-job.ts';
import { checkpointIn, hasCheckpointRows, ownCheckpoint } from '../steps/checkpoint.ts';
import { plain, type StepCodec } from '../steps/codec.ts';
import type { Suspension } from '../steps/host.ts';
import type { Steps } from '../steps/steps.ts';
import type { Children, ChildrenOptions, SignalWaitOptions } from '../steps/types.ts';
import type { WorkerSteps } from '../steps/worker-steps.ts';
import { abortKey, codecKey, type JobContext, overKey, suspendKey, undoKey } from './context.ts';
import { resultsFrom } from './left-out-results.ts';
import { type Reporting, Reports } from './reports.ts';

export interface ContextServices {
  readonly logger: Logger;
  readonly reporting: Reporting;
  heartbeat(): Promise<void>;
  /** Absent if this worker cannot record steps. */
  readonly steps?: WorkerSteps;
  /** Called when the server has taken the job from this worker. */
  lose(leased: LeasedJob, message: string): void;
  /**
   * The handler waits. Its own outcome no longer counts.
   * @param isWrapped true if its middleware ends first, and then the execution.
   */
  suspend(leased: LeasedJob, suspension: Suspension, isWrapped: boolean): void;
  /** The handler cannot continue, and its job is not this worker's. */
  frozen(leased: LeasedJob): void;
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
  #ownSteps: Promise<Steps> | undefined;
  #codec: StepCodec = plain;
  #undoes = false;
  /** Rejects the handler inside of its middleware. */
  #suspension: PromiseWithResolvers<never> | undefined;

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
    return ownCheckpoint(checkpointIn(this.#leased.wire));
  }

  get progress(): JobContext['progress'] {
    return (percent, message, data) => handled(this.#reports.progress(percent, message, data));
  }

  get heartbeat(): JobContext['heartbeat'] {
    return () => handled(this.#extend());
  }

  get checkpoint(): JobContext['checkpoint'] {
    return async (state) => {
      await this.#saveCheckpoint(state);
      this.#saved = { state };
    };
  }

  get step(): JobContext['step'] {
    return (name, run, options) => this.#durable((steps) => steps.step(name, run, options));
  }

  get sleep(): JobContext['sleep'] {
    return (name, time) => this.#durable((steps) => steps.sleep(name, time));
  }

  get poll(): JobContext['poll'] {
    return (name, probe, options) => this.#durable((steps) => steps.poll(name, probe, options));
  }

  get enqueue(): JobContext['enqueue'] {
    return (name: string, job: string | JobDef, args: JsonArray, options?: JobOptions) =>
      this.#durable<string>((steps) => steps.enqueue(name, job, args, options));
  }

  get run(): JobContext['run'] {
    return <T>(name: string, job: string | JobDef, args: JsonArray, options?: ChildrenOptions) =>
      this.#durable<T>((steps) => steps.run(name, job, [args], options, false));
  }

  get runAll(): JobContext['runAll'] {
    return <T>(name: string, job: string | JobDef, args: readonly JsonArray[], options?: ChildrenOptions) =>
      this.#durable<Children<T>>((steps) => steps.run(name, job, args, options));
  }

  get undo(): JobContext['undo'] {
    return () => this.#durable<void>((steps) => steps.undo());
  }

  get wait(): JobContext['wait'] {
    return (signal: SignalDef | string, options?: SignalWaitOptions) =>
      this.#durable((steps) => steps.wait(signal, options));
  }

  /** The value has passed through JSON, so its type is that which the caller knows. */
  #durable<T>(call: (steps: Steps) => Promise<unknown>): Promise<T>;
  #durable(call: (steps: Steps) => Promise<unknown>): Promise<unknown> {
    const promise = this.#steps().then(call);
    promise.catch(() => {});
    return promise;
  }

  #steps(): Promise<Steps> {
    this.#leased.usesSteps = true;
    this.#leased.steps ??= { ending: async () => (await this.#ownSteps)?.ending() };
    this.#ownSteps ??= this.#openSteps();
    return this.#ownSteps;
  }

  async #openSteps(): Promise<Steps> {
    const { steps, suspend, frozen, lose } = this.#services;
    const { jobId } = this;
    if (steps === undefined) {
      throw new OJSError(
        'Durable steps need a Worker, which fetches its jobs: the platform that delivered this job ' +
          'cannot suspend it.',
        { jobId },
      );
    }
    return steps.open({
      leased: this.#leased,
      jobId,
      jobType: this.jobType,
      log: this.log,
      undoes: this.#undoes,
      suspend: (suspension, reason) => {
        suspend(this.#leased, suspension, this.#suspension !== undefined);
        this.#suspension?.reject(reason);
      },
      frozen: () => frozen(this.#leased),
      lose: (message) => lose(this.#leased, message),
      codec: () => this.#codec,
      saveCheckpoint: (state) => this.#reports.checkpoint(state),
    });
  }

  async #extend(): Promise<void> {
    await this.#services.heartbeat();
    if (this.#leased.aborted) throw this.#leased.reason;
  }

  /** Rows that a server without x-steps keeps in the checkpoint must stay there. */
  async #saveCheckpoint(state: unknown): Promise<void> {
    if (this.#ownSteps === undefined && !hasCheckpointRows(this.#leased.wire)) return this.#reports.checkpoint(state);
    const steps = await this.#steps();
    await (steps.checkpoint?.(state) ?? this.#reports.checkpoint(state));
  }

  [suspendKey](work: () => unknown): unknown {
    this.#suspension ??= Promise.withResolvers();
    this.#suspension.promise.catch(() => {});
    this.#ownSteps?.then(
      (steps) => steps.restart(),
      () => {},
    );
    const returned = work();
    return isThenable(returned) ? Promise.race([returned, this.#suspension.promise]) : returned;
  }

  async [undoKey](handler: () => unknown): Promise<void> {
    this.#undoes = true;
    const steps = await this.#steps();
    await steps.undoAfter(handler);
  }

  [codecKey](codec: StepCodec): void {
    this.#codec = codec;
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

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
