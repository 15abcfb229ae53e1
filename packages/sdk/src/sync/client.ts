import type { NamesOf } from '@ojs-ts/core';
import { currentFake } from '../connection/fake.ts';
import { defaultQueue, readTarget, type UrlOption } from '../connection/target.ts';
import { batchLimit, enqueueBatch, surelyTaken } from '../enqueue/batches.ts';
import { reportEnqueued } from '../enqueue/producer.ts';
import { type Checked, checkNow, complete, requestOf, schemaOf } from '../enqueue/request.ts';
import { enqueueOne, type Sent } from '../enqueue/single.ts';
import { checkType, parsedJobNow } from '../enqueue/typed.ts';
import type {
  ArgsIn,
  ArgsOf,
  InputOf,
  JobDef,
  JobRequest,
  JobTypes,
  Jsonable,
  NameIn,
  ResultIn,
  ResultOf,
} from '../job/definition.ts';
import { withArgs } from '../job/handle.ts';
import type { Job, JobProgress } from '../job/job.ts';
import { jobOf } from '../job/new-job.ts';
import { callNames, inQueue, type JobOptions } from '../job/options.ts';
import { atIndex } from '../job/validate-request.ts';
import { startingFrom, type WireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import {
  type CronJob,
  type CronJobChanges,
  type CronJobOptions,
  type CronJobRequest,
  checkedCron,
  cronCall,
  cronRuns,
  getCronJob,
  listCronJobs,
  registerCronJob,
  switchCronJob,
  triggerCronJob,
  unregisterCronJob,
  updateCronJob,
} from '../operations/cron.ts';
import type { DeadLetterFilter } from '../operations/filter.ts';
import {
  type DeadLetterRetry,
  deadLetterQuery,
  deleteDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from '../operations/jobs/dead-letter.ts';
import { activateJob, cancelJob, getJob, getProgress } from '../operations/jobs/jobs.ts';
import { health, manifest, readTraits, type ServerTraits } from '../operations/manifest.ts';
import { firstPage, pageNames } from '../operations/page.ts';
import { changeQueue, listQueues, type Queue, type QueueStats, queueStats } from '../operations/queues.ts';
import {
  deleteSchema,
  deleteSchemaVersion,
  getSchema,
  getSchemaVersion,
  listSchemas,
  listSchemaVersions,
  registerSchema,
  type Schema,
  type SchemaInfo,
} from '../operations/schemas.ts';
import { checkNames } from '../options/check-names.ts';
import { specVersion } from '../version.ts';
import {
  cancelWorkflow,
  createWorkflow,
  getWorkflow,
  listWorkflows,
  rerunWorkflow,
  retryWorkflow,
  workflowProgress,
} from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import { textOfNow } from '../workflow/start.ts';
import type { Workflow, WorkflowProgress, WorkflowState } from '../workflow/workflow.ts';
import { type SyncCallOptions, SyncConnection, type SyncConnectionOptions, syncConnectionNames } from './connection.ts';
import { openPage, type SyncPage } from './page.ts';

/** Options of a blocking client: those of `Client` that can be passed to a thread. */
export interface SyncClientOptions extends SyncConnectionOptions {
  /** Queue of jobs that name none. Default: `OJS_QUEUE`, else the server's `default`. */
  queue?: string | undefined;
  /** Called for every job that this client has enqueued, but not for duplicates. The client logs its errors. */
  onJobEnqueued?: ((job: Job) => void) | undefined;
}

const clientNames: NamesOf<SyncClientOptions> = { ...syncConnectionNames, queue: true, onJobEnqueued: true };

/** A job that was sent. `duplicate` is the existing job, if the unique key was taken. */
export interface EnqueuedJob<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  readonly outcome: Sent['outcome'];
}

/** The jobs of a batch, in its order. */
export type EnqueuedOf<L extends readonly JobRequest[]> = {
  -readonly [K in keyof L]: L[K] extends JobRequest<infer A, infer R> ? EnqueuedJob<A, R> : never;
};

/** The part of a list to return. */
export interface SyncPageOptions extends SyncCallOptions {
  /** Items in a page. Default: the server's. */
  limit?: number | undefined;
  /** Items to skip. Default: 0. */
  offset?: number | undefined;
}

/**
 * A blocking client with every operation of `Client`, for scripts and tests on Node, Bun and Deno. A thread of its own
 * makes the calls: it starts with the first one and never keeps the process alive. In fake mode there is no thread.
 * Middleware, handles and events are asynchronous, so this client has none: use a `Client` for them.
 */
export class SyncClient<R = JobTypes> implements Disposable {
  static readonly specVersion = specVersion;
  readonly #connection: SyncConnection;
  readonly #queue: string | undefined;
  readonly #onJobEnqueued: SyncClientOptions['onJobEnqueued'];
  #traits: ServerTraits | null = null;
  #batchLimit: number | null = null;

  /**
   * @param url Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a wrong URL, option or environment variable, and for an unknown option.
   */
  constructor(url?: string, options?: SyncClientOptions);
  /** The same with one object: `new SyncClient({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & SyncClientOptions);
  constructor(first?: string | (UrlOption & SyncClientOptions), second?: SyncClientOptions) {
    const { target, options } = readTarget<SyncClientOptions>(first, second, clientNames, 'SyncClient');
    this.#connection = new SyncConnection(target, options);
    this.#queue = defaultQueue(options.queue);
    this.#onJobEnqueued = options.onJobEnqueued;
  }

  /**
   * Enqueues a job (PUSH, ojs-core §7.1), as `Client.enqueue`.
   * @throws {OJSValidationError} before anything is sent, also for a schema that checks asynchronously; the errors of a
   * call.
   */
  enqueue<D extends JobDef>(
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: JobOptions & SyncCallOptions,
  ): EnqueuedJob<ArgsOf<D>, ResultOf<D>>;
  enqueue<T extends NameIn<R>>(
    jobType: T,
    args: ArgsIn<R, T>,
    options?: JobOptions & SyncCallOptions,
  ): EnqueuedJob<ArgsIn<R, T>, ResultIn<R, T>>;
  enqueue(job: string | JobDef, args: JsonArray, options: JobOptions & SyncCallOptions = {}): EnqueuedJob {
    const request = requestOf(job, args, options, this.#queue);
    const checked = checkNow(request, this.#connection.logger);
    const [wire = checked.wire] = this.#timed([checked.wire], options);
    return this.#enqueued(request, checked, this.#connection.carry(enqueueOne(wire), options));
  }

  /**
   * Enqueues all jobs or none, in their order, with one request.
   * @throws {OJSValidationError} for a bad job, with its index.
   */
  enqueueBatch<const L extends readonly JobRequest[]>(requests: L, options?: SyncCallOptions): EnqueuedOf<L>;
  enqueueBatch(requests: readonly JobRequest[], options: SyncCallOptions = {}): EnqueuedJob[] {
    checkNames(options, callNames);
    const own = requests.map((request, index) => {
      const whole = complete(request, this.#queue);
      try {
        return { request: whole, checked: checkNow(whole, this.#connection.logger) };
      } catch (error) {
        throw atIndex(index, error);
      }
    });
    const limit = own.length > surelyTaken ? this.#limit(options) : null;
    const wires = this.#timed(
      own.map(({ checked }) => checked.wire),
      options,
    );
    const sent = this.#connection.ask(enqueueBatch(wires, limit), options);
    return sent.flatMap((one, index) => {
      const about = own[index];
      return about === undefined ? [] : [this.#enqueued(about.request, about.checked, one)];
    });
  }

  /**
   * Reads a job (INFO), as `Client.getJob`.
   * @throws {OJSValidationError} if the job's type is not the definition's.
   */
  getJob(jobId: string, options?: SyncCallOptions): Job;
  getJob<D extends JobDef>(definition: D, jobId: string, options?: SyncCallOptions): Job<ArgsOf<D>, ResultOf<D>>;
  getJob(first: string | JobDef, second?: string | SyncCallOptions, third: SyncCallOptions = {}): Job {
    if (typeof first === 'string') return this.#connection.ask(getJob(first), typeof second === 'object' ? second : {});
    const job = this.#connection.ask(getJob(typeof second === 'string' ? second : ''), third);
    checkType(job, first);
    return parsedJobNow(job, first);
  }

  /** The progress of a job; null if the job has reported none. */
  getProgress(jobId: string, options: SyncCallOptions = {}): JobProgress | null {
    return this.#connection.ask(getProgress(jobId), options);
  }

  /** Makes a job available that was enqueued with `pending`; with a `delay`, it becomes scheduled. */
  activateJob(jobId: string, options: SyncCallOptions = {}): Job {
    return this.#connection.ask(activateJob(jobId), options);
  }

  /** Cancels a job (CANCEL, ojs-core §7.6). */
  cancelJob(jobId: string, options: SyncCallOptions = {}): Job {
    return this.#connection.ask(cancelJob(jobId), options);
  }

  /** All queues, from every page. */
  listQueues(options: SyncCallOptions = {}): Queue[] {
    return this.#connection.ask(listQueues(), options);
  }

  /** The figures of one queue. A figure that the server does not report is 0. */
  queueStats(queueName: string, options: SyncCallOptions = {}): QueueStats {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /**
   * Pauses a queue: workers stop fetching from it. The server still accepts jobs, unless it is configured otherwise.
   */
  pauseQueue(queueName: string, options: SyncCallOptions = {}): Queue {
    return this.#connection.ask(changeQueue('queue.pause', queueName), options);
  }

  /** Resumes a paused queue. */
  resumeQueue(queueName: string, options: SyncCallOptions = {}): Queue {
    return this.#connection.ask(changeQueue('queue.resume', queueName), options);
  }

  /**
   * Starts a workflow.
   * @throws {OJSValidationError} before anything is sent, with the path of the bad step.
   */
  workflow(definition: WorkflowDefinition, options: SyncCallOptions = {}): Workflow {
    checkNames(options, callNames);
    const write = textOfNow(definition, this.#queue);
    const { id, text } = write(this.#traitsOf(options), this.#connection.clock.now());
    return this.#connection.ask(createWorkflow(id, text), options);
  }

  /** Reads a workflow with all its steps. */
  getWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(getWorkflow(workflowId), options);
  }

  /** Lists workflows, newest first, without their steps. */
  listWorkflows(options: SyncPageOptions & { state?: WorkflowState | undefined } = {}): SyncPage<Workflow> {
    checkNames(options, { ...pageNames, state: true });
    return openPage(firstPage(options), (query) =>
      this.#connection.carry(listWorkflows(options.state, query), options),
    );
  }

  /** The progress of a workflow and of each of its jobs. */
  workflowProgress(workflowId: string, options: SyncCallOptions = {}): WorkflowProgress {
    return this.#connection.ask(workflowProgress(workflowId), options);
  }

  /** Cancels a workflow: no further step starts, and jobs that run may finish (ojs-workflows §9.5). */
  cancelWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(cancelWorkflow(workflowId), options);
  }

  /**
   * Retries all failed steps of a workflow, which then continues: later steps wait for them again, and steps that have
   * completed do not run again. The server of this project has this operation, others answer `not_found`.
   * @throws {JobNotFoundError} {OJSConflictError} if the workflow could not complete by it; nothing is changed then.
   */
  retryWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(retryWorkflow(workflowId), options);
  }

  /**
   * Starts a new workflow with the same steps and arguments as this one. The server of this project has this operation,
   * others answer `not_found`. @throws {JobNotFoundError}
   */
  rerunWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(rerunWorkflow(workflowId), options);
  }

  /**
   * Registers a cron, or changes the one of this name.
   * @throws {OJSValidationError} before anything is sent.
   */
  registerCronJob<D extends JobDef>(
    name: string,
    cron: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob<T extends NameIn<R>>(
    name: string,
    cron: string,
    jobType: T,
    args?: ArgsIn<R, T>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob(request: CronJobRequest, options?: SyncCallOptions): CronJob;
  /** Both overloads in one, and last: TypeScript reports the errors of the last overload. */
  registerCronJob<T extends JobDef | NameIn<R>>(
    name: string,
    cron: string,
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: CronJobOptions & SyncCallOptions,
  ): CronJob;
  registerCronJob(
    first: string | CronJobRequest,
    second?: string | SyncCallOptions,
    type?: string | JobDef,
    args?: JsonArray,
    third?: CronJobOptions & SyncCallOptions,
  ): CronJob {
    const { request, options = {} } = cronCall(first, second, type, args, third);
    return this.#connection.carry(
      registerCronJob(inQueue(checkedCron(request), this.#queue), this.#connection.logger),
      options,
    );
  }

  /**
   * Reads a cron.
   * @throws {JobNotFoundError} if there is none of this name.
   */
  getCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(getCronJob(name), options);
  }

  /** Changes when a cron runs. An omitted field stays as it is. */
  updateCronJob(name: string, changes: CronJobChanges, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(updateCronJob(name, changes), options);
  }

  /** Pauses a cron: it does not fire until it is resumed. */
  pauseCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(switchCronJob('cron.pause', name), options);
  }

  /** Resumes a paused cron: it fires again at its next time. */
  resumeCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(switchCronJob('cron.resume', name), options);
  }

  /** Enqueues a run now, regardless of schedule and overlap policy. */
  triggerCronJob(name: string, options: SyncCallOptions = {}): { jobId: string; cron: CronJob } {
    return this.#connection.ask(triggerCronJob(name), options);
  }

  /** The next runs of a registered cron, calculated by the server. */
  cronRuns(name: string, options: SyncCallOptions & { count?: number | undefined } = {}): Date[] {
    checkNames(options, { ...callNames, count: true });
    return this.#connection.carry(cronRuns(name, options.count ?? 10), options);
  }

  /** Lists crons by name. Iterating loads the following pages. */
  listCronJobs(options: SyncPageOptions = {}): SyncPage<CronJob> {
    checkNames(options, pageNames);
    return openPage(firstPage(options), (query) => this.#connection.carry(listCronJobs(query), options));
  }

  /** Removes a cron. Its jobs stay. */
  unregisterCronJob(name: string, options: SyncCallOptions = {}): { deleted: boolean; name: string } {
    return this.#connection.ask(unregisterCronJob(name), options);
  }

  /** Lists the dead letter, newest first: discarded jobs whose retry policy has `onExhaustion: 'dead_letter'`. */
  listDeadLetterJobs(
    options: SyncPageOptions & DeadLetterFilter & { includeDiscarded?: boolean | undefined } = {},
  ): SyncPage<Job> {
    const filter = deadLetterQuery(options);
    return openPage(firstPage(options), (query) => this.#connection.carry(listDeadLetterJobs(filter, query), options));
  }

  /** Makes a dead-letter job available again with attempt 0. Its error history stays. */
  retryDeadLetterJob(jobId: string, options: SyncCallOptions & { changes?: DeadLetterRetry | undefined } = {}): Job {
    checkNames(options, { ...callNames, changes: true });
    return this.#connection.carry(retryDeadLetterJob(jobId, options.changes), options);
  }

  /** Removes a job from the dead letter for good. */
  deleteDeadLetterJob(jobId: string, options: SyncCallOptions = {}): { deleted: boolean; jobId: string } {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** Registers a schema: the server then checks the args of jobs of this type against it. */
  registerSchema(
    uri: string,
    jobType: string,
    version: string,
    schema: Readonly<Record<string, unknown>>,
    options: SyncCallOptions = {},
  ): Schema {
    return this.#connection.ask(registerSchema(uri, jobType, version, schema), options);
  }

  /** Lists schemas without their texts. */
  listSchemas(options: SyncPageOptions = {}): SyncPage<SchemaInfo> {
    checkNames(options, pageNames);
    return openPage(firstPage(options), (query) => this.#connection.carry(listSchemas(query), options));
  }

  /** Reads one schema with its text. */
  getSchema(uri: string, options: SyncCallOptions = {}): Schema {
    return this.#connection.ask(getSchema(uri), options);
  }

  /** Lists the schemas of a job type without their texts, newest first. */
  listSchemaVersions(jobType: string, options: SyncCallOptions = {}): SchemaInfo[] {
    return this.#connection.ask(listSchemaVersions(jobType), options);
  }

  /** Reads one version of a job type's schema, with its text. */
  getSchemaVersion(jobType: string, version: string, options: SyncCallOptions = {}): Schema {
    return this.#connection.ask(getSchemaVersion(jobType, version), options);
  }

  /** Removes one version of a job type's schema. Other versions stay. */
  deleteSchemaVersion(
    jobType: string,
    version: string,
    options: SyncCallOptions = {},
  ): { deleted: boolean; jobType: string; version: string } {
    return this.#connection.ask(deleteSchemaVersion(jobType, version), options);
  }

  /** Removes a schema. The server no longer checks args against it. */
  deleteSchema(uri: string, options: SyncCallOptions = {}): { deleted: boolean; uri: string } {
    return this.#connection.ask(deleteSchema(uri), options);
  }

  /** The capabilities of the server, verbatim. */
  manifest(options: SyncCallOptions = {}): Record<string, unknown> {
    return this.#connection.ask(manifest(), options);
  }

  /** The server's own health report, verbatim; also the one that a degraded server sends with status 503. */
  health(options: SyncCallOptions = {}): Record<string, unknown> {
    return this.#connection.ask(health(), options);
  }

  /** Ends the thread. Later calls throw. */
  close(): void {
    this.#connection[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Delays as the server takes them, as `withDelays` of the asynchronous client. */
  #timed(wires: readonly WireRequest[], options: SyncCallOptions): readonly WireRequest[] {
    if (currentFake() !== null || !wires.some(({ isDelayed }) => isDelayed)) return wires;
    const began = performance.now();
    if (this.#takesDurations(options)) return wires;
    const now = this.#connection.clock.now() - (performance.now() - began);
    return wires.map((wire) => startingFrom(wire, now));
  }

  #takesDurations(options: SyncCallOptions): boolean {
    try {
      return this.#traitsOf(options).relativeTimes;
    } catch {
      return false;
    }
  }

  /** Read once; but each time in a fake, whose answer does not hold for the server after the test. */
  #traitsOf(options: SyncCallOptions): ServerTraits {
    const ask = () => this.#connection.carry(readTraits(), options);
    if (currentFake() !== null) return ask();
    this.#traits ??= ask();
    return this.#traits;
  }

  #limit(options: SyncCallOptions): number | null {
    const ask = () => this.#connection.ask(batchLimit(), options);
    if (currentFake() !== null) return ask();
    this.#batchLimit ??= ask();
    return this.#batchLimit;
  }

  #enqueued(request: JobRequest, { parsed }: Checked, { job, outcome }: Sent): EnqueuedJob {
    const definition = schemaOf(request);
    const current =
      outcome === 'duplicate' && definition !== undefined
        ? parsedJobNow(jobOf(job), definition)
        : withArgs(jobOf(job), parsed);
    const enqueued = { ...current, outcome };
    reportEnqueued(this.#onJobEnqueued, enqueued, this.#connection.logger);
    return enqueued;
  }
}
