import type { NamesOf } from '@ojs-ts/core';
import { currentFake } from '../connection/fake.ts';
import { defaultQueue, readTarget, type UrlOption } from '../connection/target.ts';
import { batchLimit, enqueueBatch, surelyTaken } from '../enqueue/batches.ts';
import { tell } from '../enqueue/producer.ts';
import { type Checked, checkNow, complete, requestOf, schemaOf } from '../enqueue/request.ts';
import { enqueueOne, type Sent, withArgs } from '../enqueue/single.ts';
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
import type { Job, JobProgress } from '../job/job.ts';
import { callNames, inQueue, type JobOptions } from '../job/options.ts';
import { atIndex } from '../job/validate-request.ts';
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
import {
  type DeadLetterRetry,
  deadLetterQuery,
  deleteDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from '../operations/dead-letter.ts';
import type { DeadLetterFilter } from '../operations/filter.ts';
import { activateJob, cancelJob, getJob, getProgress } from '../operations/jobs.ts';
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
import { known } from '../options/known.ts';
import { specVersion } from '../version.ts';
import { cancelWorkflow, createWorkflow, getWorkflow, listWorkflows, workflowProgress } from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import { textOfNow } from '../workflow/start.ts';
import type { Workflow, WorkflowProgress, WorkflowState } from '../workflow/workflow.ts';
import { type SyncCallOptions, SyncConnection, type SyncConnectionOptions, syncConnectionNames } from './connection.ts';
import { openPage, type SyncPage } from './page.ts';

/** Options of a blocking client: those of `Client` that can cross into a thread. */
export interface SyncClientOptions extends SyncConnectionOptions {
  /** Of jobs that name none; default `OJS_QUEUE`, else the server's `default`. */
  queue?: string | undefined;
  /** Told of every job that this client has enqueued, not of duplicates. What it throws is logged. */
  onJobEnqueued?: ((job: Job) => void) | undefined;
}

const clientNames: NamesOf<SyncClientOptions> = { ...syncConnectionNames, queue: true, onJobEnqueued: true };

/** A job that was sent, and what became of it: `duplicate` is the job that holds the unique key. */
export interface EnqueuedJob<A extends JsonArray = JsonArray, R = unknown> extends Job<A, R> {
  readonly outcome: Sent['outcome'];
}

/** The jobs of a batch, in its order. */
export type EnqueuedOf<L extends readonly JobRequest[]> = {
  -readonly [K in keyof L]: L[K] extends JobRequest<infer A, infer R> ? EnqueuedJob<A, R> : never;
};

/** Which part of a list. */
export interface SyncPageOptions extends SyncCallOptions {
  /** Items of a page; default: the server's. */
  limit?: number | undefined;
  /** Items before the page; default 0. */
  offset?: number | undefined;
}

/**
 * Every operation of a `Client`, blocking: for scripts and tests, on Node, Bun and Deno. The calls are made by a thread
 * of its own, which starts with the first one and never keeps the process alive. In fake mode there is no thread. It
 * has no middleware, handles and events, which are asynchronous: use a Client where you need them.
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
   * @throws {OJSValidationError} for a URL, an option or a variable of the environment that cannot be used, and for an
   * unknown option.
   */
  constructor(url?: string, options?: SyncClientOptions);
  /** The same as one object: `new SyncClient({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & SyncClientOptions);
  constructor(first?: string | (UrlOption & SyncClientOptions), second?: SyncClientOptions) {
    const { target, options } = readTarget<SyncClientOptions>(first, second, clientNames, 'SyncClient');
    this.#connection = new SyncConnection(target, options);
    this.#queue = defaultQueue(options.queue);
    this.#onJobEnqueued = options.onJobEnqueued;
  }

  /**
   * PUSH (ojs-core §7.1), as `Client.enqueue`.
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
    return this.#shown(request, checked, this.#connection.carry(enqueueOne(checked.wire), options));
  }

  /**
   * One request, atomic: all jobs or none, in their order. @throws {OJSValidationError} for a request that cannot be
   * sent, by its index.
   */
  enqueueBatch<const L extends readonly JobRequest[]>(requests: L, options?: SyncCallOptions): EnqueuedOf<L>;
  enqueueBatch(requests: readonly JobRequest[], options: SyncCallOptions = {}): EnqueuedJob[] {
    known(options, callNames);
    const own = requests.map((request, index) => {
      const whole = complete(request, this.#queue);
      try {
        return { request: whole, checked: checkNow(whole, this.#connection.logger) };
      } catch (error) {
        throw atIndex(index, error);
      }
    });
    const limit = own.length > surelyTaken ? this.#limit(options) : null;
    const wires = own.map(({ checked }) => checked.wire);
    const sent = this.#connection.ask(enqueueBatch(wires, limit), options);
    return sent.flatMap((one, index) => {
      const about = own[index];
      return about === undefined ? [] : [this.#shown(about.request, about.checked, one)];
    });
  }

  /** INFO, as `Client.getJob`. @throws {OJSValidationError} for a job of another type than the definition's. */
  getJob(jobId: string, options?: SyncCallOptions): Job;
  getJob<D extends JobDef>(definition: D, jobId: string, options?: SyncCallOptions): Job<ArgsOf<D>, ResultOf<D>>;
  getJob(first: string | JobDef, second?: string | SyncCallOptions, third: SyncCallOptions = {}): Job {
    if (typeof first === 'string') return this.#connection.ask(getJob(first), typeof second === 'object' ? second : {});
    const job = this.#connection.ask(getJob(typeof second === 'string' ? second : ''), third);
    checkType(job, first);
    return parsedJobNow(job, first);
  }

  /** How far the job is; null where it has reported nothing. */
  getProgress(jobId: string, options: SyncCallOptions = {}): JobProgress | null {
    return this.#connection.ask(getProgress(jobId), options);
  }

  /** A job that was enqueued with `pending` becomes available, or scheduled. */
  activateJob(jobId: string, options: SyncCallOptions = {}): Job {
    return this.#connection.ask(activateJob(jobId), options);
  }

  /** CANCEL (ojs-core §7.6). */
  cancelJob(jobId: string, options: SyncCallOptions = {}): Job {
    return this.#connection.ask(cancelJob(jobId), options);
  }

  /** All of them, over every page. */
  listQueues(options: SyncCallOptions = {}): Queue[] {
    return this.#connection.ask(listQueues(), options);
  }

  /** Figures of one queue; one that the server does not tell is 0. */
  queueStats(queueName: string, options: SyncCallOptions = {}): QueueStats {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /** Workers stop fetching from the queue; jobs are still accepted unless the server is told otherwise. */
  pauseQueue(queueName: string, options: SyncCallOptions = {}): Queue {
    return this.#connection.ask(changeQueue('queue.pause', queueName), options);
  }

  /** Ends a pause. */
  resumeQueue(queueName: string, options: SyncCallOptions = {}): Queue {
    return this.#connection.ask(changeQueue('queue.resume', queueName), options);
  }

  /** @throws {OJSValidationError} before anything is sent, with the place of the bad step. */
  workflow(definition: WorkflowDefinition, options: SyncCallOptions = {}): Workflow {
    known(options, callNames);
    const write = textOfNow(definition, this.#queue);
    const { id, text } = write(this.#traitsOf(options));
    return this.#connection.ask(createWorkflow(id, text), options);
  }

  /** The workflow with all its steps. */
  getWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(getWorkflow(workflowId), options);
  }

  /** Newest first, without their steps. */
  listWorkflows(options: SyncPageOptions & { state?: WorkflowState | undefined } = {}): SyncPage<Workflow> {
    known(options, { ...pageNames, state: true });
    return openPage(firstPage(options), (query) =>
      this.#connection.carry(listWorkflows(options.state, query), options),
    );
  }

  /** How far the workflow and each of its jobs is. */
  workflowProgress(workflowId: string, options: SyncCallOptions = {}): WorkflowProgress {
    return this.#connection.ask(workflowProgress(workflowId), options);
  }

  /** What has not begun is cancelled; jobs that run may finish (ojs-workflows §9.5). */
  cancelWorkflow(workflowId: string, options: SyncCallOptions = {}): Workflow {
    return this.#connection.ask(cancelWorkflow(workflowId), options);
  }

  /** Registers a cron, or changes the one of this name. @throws {OJSValidationError} before anything is sent. */
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
  /** The first two in one, and last: what the compiler says of wrong args or options is what is wrong with them. */
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

  /** @throws {JobNotFoundError} */
  getCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(getCronJob(name), options);
  }

  /** Changes when it runs; what is left out stays. */
  updateCronJob(name: string, changes: CronJobChanges, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(updateCronJob(name, changes), options);
  }

  /** It fires no more until it is resumed. */
  pauseCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(switchCronJob('cron.pause', name), options);
  }

  /** It fires again, from its next time on. */
  resumeCronJob(name: string, options: SyncCallOptions = {}): CronJob {
    return this.#connection.ask(switchCronJob('cron.resume', name), options);
  }

  /** Enqueues a run now, whatever schedule and overlap policy say. */
  triggerCronJob(name: string, options: SyncCallOptions = {}): { jobId: string; cron: CronJob } {
    return this.#connection.ask(triggerCronJob(name), options);
  }

  /** When a registered cron will run, as the server sees it. */
  cronRuns(name: string, options: SyncCallOptions & { count?: number | undefined } = {}): Date[] {
    known(options, { ...callNames, count: true });
    return this.#connection.carry(cronRuns(name, options.count ?? 10), options);
  }

  /** By name; iterating goes on over the following pages. */
  listCronJobs(options: SyncPageOptions = {}): SyncPage<CronJob> {
    known(options, pageNames);
    return openPage(firstPage(options), (query) => this.#connection.carry(listCronJobs(query), options));
  }

  /** Removes a cron; jobs that it has started stay. */
  unregisterCronJob(name: string, options: SyncCallOptions = {}): { deleted: boolean; name: string } {
    return this.#connection.ask(unregisterCronJob(name), options);
  }

  /** Discarded jobs whose retry policy says `onExhaustion: 'dead_letter'`, newest first. */
  listDeadLetterJobs(
    options: SyncPageOptions & DeadLetterFilter & { includeDiscarded?: boolean | undefined } = {},
  ): SyncPage<Job> {
    const filter = deadLetterQuery(options);
    return openPage(firstPage(options), (query) => this.#connection.carry(listDeadLetterJobs(filter, query), options));
  }

  /** Makes the job available again with attempt 0; its error history stays. */
  retryDeadLetterJob(jobId: string, options: SyncCallOptions & { changes?: DeadLetterRetry | undefined } = {}): Job {
    known(options, { ...callNames, changes: true });
    return this.#connection.carry(retryDeadLetterJob(jobId, options.changes), options);
  }

  /** Removes a job from the dead letter for good. */
  deleteDeadLetterJob(jobId: string, options: SyncCallOptions = {}): { deleted: boolean; jobId: string } {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** From then on the server checks the args of jobs of this type. */
  registerSchema(
    uri: string,
    jobType: string,
    version: string,
    schema: Readonly<Record<string, unknown>>,
    options: SyncCallOptions = {},
  ): Schema {
    return this.#connection.ask(registerSchema(uri, jobType, version, schema), options);
  }

  /** Without their texts, as the specification lists them. */
  listSchemas(options: SyncPageOptions = {}): SyncPage<SchemaInfo> {
    known(options, pageNames);
    return openPage(firstPage(options), (query) => this.#connection.carry(listSchemas(query), options));
  }

  /** One schema with its text. */
  getSchema(uri: string, options: SyncCallOptions = {}): Schema {
    return this.#connection.ask(getSchema(uri), options);
  }

  /** The schemas of a job type without their texts, newest first. */
  listSchemaVersions(jobType: string, options: SyncCallOptions = {}): SchemaInfo[] {
    return this.#connection.ask(listSchemaVersions(jobType), options);
  }

  /** One version of a job type, with its text. */
  getSchemaVersion(jobType: string, version: string, options: SyncCallOptions = {}): Schema {
    return this.#connection.ask(getSchemaVersion(jobType, version), options);
  }

  /** The other versions stay. */
  deleteSchemaVersion(
    jobType: string,
    version: string,
    options: SyncCallOptions = {},
  ): { deleted: boolean; jobType: string; version: string } {
    return this.#connection.ask(deleteSchemaVersion(jobType, version), options);
  }

  /** Jobs of its type are no longer checked against it. */
  deleteSchema(uri: string, options: SyncCallOptions = {}): { deleted: boolean; uri: string } {
    return this.#connection.ask(deleteSchema(uri), options);
  }

  /** What the server supports, verbatim. */
  manifest(options: SyncCallOptions = {}): Record<string, unknown> {
    return this.#connection.ask(manifest(), options);
  }

  /** The server's own report, verbatim; also the one that it gives with 503 while it is degraded. */
  health(options: SyncCallOptions = {}): Record<string, unknown> {
    return this.#connection.ask(health(), options);
  }

  /** Ends the thread. Calls after it throw. */
  close(): void {
    this.#connection[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Asked once; in a fake each time, whose answer says nothing about the server after the test. */
  #traitsOf(options: SyncCallOptions): ServerTraits {
    const ask = () => this.#connection.ask(readTraits(), options);
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

  #shown(request: JobRequest, { parsed }: Checked, { job, outcome }: Sent): EnqueuedJob {
    const definition = schemaOf(request);
    const seen =
      outcome === 'duplicate' && definition !== undefined ? parsedJobNow(job, definition) : withArgs(job, parsed);
    const shown = { ...seen, outcome };
    tell(this.#onJobEnqueued, shown, this.#connection.logger);
    return shown;
  }
}
