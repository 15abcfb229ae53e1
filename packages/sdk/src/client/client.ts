import type { Names, NamesOf, Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import type { Operation } from '../connection/operation.ts';
import { defaultQueue, readTarget, type UrlOption } from '../connection/target.ts';
import { Producer } from '../enqueue/producer.ts';
import { requestOf } from '../enqueue/request.ts';
import { typedJobHandle } from '../enqueue/typed.ts';
import type { Event } from '../events/event.ts';
import { checkEventsOptions, type EventsOptions } from '../events/wanted.ts';
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
import { handleOf, type JobCalls, type JobHandle } from '../job/handle.ts';
import type { Job, JobProgress } from '../job/job.ts';
import { type CallOptions, callNames, type EnqueueOptions } from '../job/options.ts';
import type { JsonArray } from '../json.ts';
import { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import {
  type CronJob,
  type CronJobChanges,
  type CronJobOptions,
  type CronJobRequest,
  cronRuns,
  getCronJob,
  listCronJobs,
  registerCron,
  switchCronJob,
  triggerCronJob,
  unregisterCronJob,
  updateCronJob,
} from '../operations/cron.ts';
import {
  type DeadLetterListOptions,
  type DeadLetterRetry,
  deadLetterListNames,
  deadLetterQuery,
  deleteDeadLetterJob,
  listDeadLetterJobs,
  retryDeadLetterJob,
} from '../operations/dead-letter.ts';
import { activateJob, cancelJob, getJob, getProgress } from '../operations/jobs.ts';
import { health, manifest } from '../operations/manifest.ts';
import {
  firstPage,
  openPage,
  type Page,
  type PageOf,
  type PageOptions,
  type PageQuery,
  pageNames,
} from '../operations/page.ts';
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
import { cancelWorkflow, getWorkflow, listWorkflows, workflowProgress } from '../workflow/calls.ts';
import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { WorkflowHandle } from '../workflow/handle.ts';
import type { Workflow, WorkflowProgress, WorkflowState } from '../workflow/workflow.ts';
import { later } from './later.ts';

// Loaded with their first use: together they are a quarter of what a bundled client would load at once.
const following = () => import('../events/follow.ts');
const waiting = () => import('../events/job-end.ts');
const workflows = () => import('../workflow/open.ts');

/** How a client speaks to its server, and what holds for all of its jobs. */
export interface ClientOptions extends ConnectionOptions {
  /** Of jobs that name none; default `OJS_QUEUE`, else the server's `default`. */
  queue?: string | undefined;
  /** Whether concurrent `enqueue` calls become one request; default true. */
  coalesce?: boolean | undefined;
  /** Told of every job that this client has enqueued, not of duplicates. What it throws is logged. */
  onJobEnqueued?: ((job: Job) => void) | undefined;
}

export const clientNames: NamesOf<ClientOptions> = {
  ...connectionNames,
  queue: true,
  coalesce: true,
  onJobEnqueued: true,
};

/** The handles of a batch, in its order. */
export type HandlesOf<L extends readonly JobRequest[]> = {
  -readonly [K in keyof L]: L[K] extends JobRequest<infer A, infer R> ? JobHandle<A, R> : never;
};

/** Puts jobs into queues and looks after them. `R` is a registry of job types for calls by name; default: {@link JobTypes}. */
export class Client<R = JobTypes> implements AsyncDisposable {
  static readonly specVersion = specVersion;
  /** Around every job on its way to a server, those of batches and workflows too; the first one outermost. */
  readonly middlewares: MiddlewareChain<EnqueueMiddleware> = new MiddlewareChain();
  readonly #connection: Connection;
  readonly #producer: Producer;
  readonly #queue: string | undefined;
  readonly #calls: JobCalls = {
    read: (jobId, options) => this.#connection.ask(getJob(jobId), options),
    cancel: (jobId, options) => this.#connection.ask(cancelJob(jobId), options),
    result: async (jobId, options) => (await waiting()).resultOfJob(this.#connection, jobId, options),
    events: (jobId) => this.events({ jobId }),
  };

  /**
   * @param target URL of a server, or a transport such as `openEmbedded()` gives. Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a target, an option or a variable of the environment that cannot be used, and for an unknown option.
   */
  constructor(target?: string | Transport, options?: ClientOptions);
  /** The same as one object: `new Client({ url: 'https://jobs.example.com', token })`. */
  constructor(options: UrlOption & ClientOptions);
  constructor(first?: string | Transport | (UrlOption & ClientOptions), second?: ClientOptions) {
    const { target, options } = readTarget<ClientOptions>(first, second, clientNames, 'Client');
    this.#connection = new Connection(target, options);
    this.#queue = defaultQueue(options.queue);
    this.#producer = new Producer({
      connection: this.#connection,
      middlewares: this.middlewares,
      calls: this.#calls,
      coalesce: options.coalesce ?? true,
      queue: this.#queue,
      onJobEnqueued: options.onJobEnqueued,
    });
  }

  /** Adds it innermost. Same as `middlewares.add`. @throws {OJSValidationError} for a name that is taken. */
  enqueueMiddleware(middleware: EnqueueMiddleware, name?: string): this {
    this.middlewares.add(middleware, name);
    return this;
  }

  /**
   * PUSH (ojs-core §7.1). The id is minted here, so a repeated request never makes a second job. Calls that are made at once go as one request, each with its own
   * outcome. Args of a definition with a schema are checked here and sent as they were given; the handle shows what the schema made of them.
   * @throws {OJSValidationError} before anything is sent; {DuplicateJobError}, {QueuePausedError} and the other errors of a call.
   */
  enqueue<D extends JobDef>(
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: EnqueueOptions,
  ): Promise<JobHandle<ArgsOf<D>, ResultOf<D>>>;
  enqueue<T extends NameIn<R>>(
    jobType: T,
    args: ArgsIn<R, T>,
    options?: EnqueueOptions,
  ): Promise<JobHandle<ArgsIn<R, T>, ResultIn<R, T>>>;
  /** Both in one, and last: what the compiler says of wrong args is what is wrong with them. */
  enqueue<T extends JobDef | NameIn<R>>(
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: EnqueueOptions,
  ): Promise<T extends JobDef ? JobHandle<ArgsOf<T>, ResultOf<T>> : JobHandle<ArgsIn<R, T>, ResultIn<R, T>>>;
  async enqueue(job: string | JobDef, args: JsonArray, options: EnqueueOptions = {}): Promise<JobHandle> {
    return this.#producer.enqueue(requestOf(job, args, options, this.#queue), options);
  }

  /**
   * One request, atomic: all jobs or none. Handles come in the order of the requests; one that a middleware dropped has its place among them.
   * @throws {OJSValidationError} for a request that cannot be sent, by its index, and for more than the server takes at once; the errors of a call.
   */
  enqueueBatch<const L extends readonly JobRequest[]>(requests: L, options?: CallOptions): Promise<HandlesOf<L>>;
  async enqueueBatch(requests: readonly JobRequest[], options: CallOptions = {}): Promise<JobHandle[]> {
    return this.#producer.enqueueBatch(requests, options);
  }

  /**
   * INFO. Ids are not checked here: the server answers `not_found`. With a definition the args and the result have its types; args that its schema does not take
   * are shown as they are.
   * @throws {OJSValidationError} for a job of another type than the definition's.
   */
  getJob(jobId: string, options?: CallOptions): Promise<JobHandle>;
  getJob<D extends JobDef>(
    definition: D,
    jobId: string,
    options?: CallOptions,
  ): Promise<JobHandle<ArgsOf<D>, ResultOf<D>>>;
  async getJob(first: string | JobDef, second?: string | CallOptions, third: CallOptions = {}): Promise<JobHandle> {
    if (typeof first === 'string') {
      const options = typeof second === 'object' ? second : {};
      return handleOf(await this.#calls.read(first, options), 'created', this.#calls);
    }
    const job = await this.#calls.read(typeof second === 'string' ? second : '', third);
    return typedJobHandle(job, first, this.#calls);
  }

  /** How far the job is; null where it has reported nothing. Our server tells it in `job.progress` too, this is for others. */
  async getProgress(jobId: string, options: CallOptions = {}): Promise<JobProgress | null> {
    return this.#connection.ask(getProgress(jobId), options);
  }

  /** A job that was enqueued with `pending` becomes available, or scheduled. @throws {OJSAPIError} `conflict` for any other. */
  async activateJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#connection.ask(activateJob(jobId), options);
  }

  /** CANCEL (ojs-core §7.6). A running job's `ctx.signal` aborts within a heartbeat of its worker. */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#calls.cancel(jobId, options);
  }

  /** All queues, over every page. */
  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return this.#connection.ask(listQueues(), options);
  }

  /** How many jobs of the queue are in which state, and its figures of the last hour. */
  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return this.#connection.ask(queueStats(queueName), options);
  }

  /** Workers stop fetching from the queue; jobs are still accepted unless the server is told otherwise. */
  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.pause', queueName), options);
  }

  /** Workers fetch from the queue again. */
  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return this.#connection.ask(changeQueue('queue.resume', queueName), options);
  }

  /**
   * Registers a cron, or changes the one of this name. Its runs pass no middleware but encryption, which has encoded their args here.
   * @throws {OJSValidationError} before anything is sent, also for args that the definition's schema refuses.
   */
  registerCronJob<D extends JobDef>(
    name: string,
    cron: string,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  registerCronJob<T extends NameIn<R>>(
    name: string,
    cron: string,
    jobType: T,
    args?: ArgsIn<R, T>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  registerCronJob(request: CronJobRequest, options?: CallOptions): Promise<CronJob>;
  /** The first two in one, and last: what the compiler says of wrong args or options is what is wrong with them. */
  registerCronJob<T extends JobDef | NameIn<R>>(
    name: string,
    cron: string,
    job: T,
    args: T extends JobDef ? Jsonable<InputOf<T>> : ArgsIn<R, T>,
    options?: CronJobOptions & CallOptions,
  ): Promise<CronJob>;
  async registerCronJob(
    first: string | CronJobRequest,
    second?: string | CallOptions,
    type?: string | JobDef,
    args?: JsonArray,
    third?: CronJobOptions & CallOptions,
  ): Promise<CronJob> {
    // A copy: the caller may change its own after the call.
    const request = typeof first === 'string' ? first : { ...first };
    const chain = this.middlewares.all;
    return this.#producer.during('cron.register', () =>
      registerCron(this.#connection, chain, this.#queue, request, second, type, args, third),
    );
  }

  /** Iterating goes on over the following pages. */
  async listCronJobs(options: PageOptions = {}): Promise<Page<CronJob>> {
    return this.#pages((query) => listCronJobs(query), options);
  }

  /** @throws {JobNotFoundError} where there is no cron of this name. */
  async getCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(getCronJob(name), options);
  }

  /** Changes when it runs; what is left out stays. Its jobs are changed by registering it again. @throws {OJSValidationError}, {JobNotFoundError} */
  async updateCronJob(name: string, changes: CronJobChanges, options: CallOptions = {}): Promise<CronJob> {
    const own = { ...changes };
    return this.#connection.ask(updateCronJob(name, own), options);
  }

  /** It fires no more until it is resumed; runs that it would have had are not made up for. @throws {JobNotFoundError} */
  async pauseCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(switchCronJob('cron.pause', name), options);
  }

  /** It fires again, from its next time on. @throws {JobNotFoundError} */
  async resumeCronJob(name: string, options: CallOptions = {}): Promise<CronJob> {
    return this.#connection.ask(switchCronJob('cron.resume', name), options);
  }

  /** Enqueues a run now, whatever schedule and overlap policy say, also of a paused cron. @throws {JobNotFoundError} */
  async triggerCronJob(name: string, options: CallOptions = {}): Promise<{ jobId: string; cron: CronJob }> {
    return this.#connection.ask(triggerCronJob(name), options);
  }

  /** When a registered cron will run, as the server sees it; {@link nextRuns} tells it of any expression. None while it is paused. */
  async cronRuns(name: string, options: CallOptions & { count?: number | undefined } = {}): Promise<Date[]> {
    return this.#ask(cronRuns(name, options.count ?? 10), options, { ...callNames, count: true });
  }

  /** Jobs that it has enqueued stay. @throws {JobNotFoundError} where there is no cron of this name. */
  async unregisterCronJob(name: string, options: CallOptions = {}): Promise<{ deleted: boolean; name: string }> {
    return this.#connection.ask(unregisterCronJob(name), options);
  }

  /** Discarded jobs whose retry policy says `onExhaustion: 'dead_letter'`, newest first; all of what the filter says has to hold. */
  async listDeadLetterJobs(options: DeadLetterListOptions = {}): Promise<Page<Job>> {
    const own = { ...options };
    const filter = deadLetterQuery(own);
    return this.#pages((query) => listDeadLetterJobs(filter, query), own, deadLetterListNames);
  }

  /** Makes the job available again with attempt 0, as it was or with these changes; its error history stays. */
  async retryDeadLetterJob(
    jobId: string,
    options: CallOptions & { changes?: DeadLetterRetry | undefined } = {},
  ): Promise<Job> {
    return this.#ask(retryDeadLetterJob(jobId, options.changes), options, {
      ...callNames,
      changes: true,
    });
  }

  /** Removes the job for good. @throws {JobNotFoundError} where it is not in the dead letter. */
  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return this.#connection.ask(deleteDeadLetterJob(jobId), options);
  }

  /** From then on the server checks the args of jobs of this type. */
  async registerSchema(
    uri: string,
    jobType: string,
    version: string,
    schema: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Schema> {
    return this.#connection.ask(registerSchema(uri, jobType, version, schema), options);
  }

  /** Without their texts, as the specification lists them. */
  async listSchemas(options: PageOptions = {}): Promise<Page<SchemaInfo>> {
    return this.#pages((query) => listSchemas(query), options);
  }

  /** The newest version, with its text. @throws {JobNotFoundError} */
  async getSchema(uri: string, options: CallOptions = {}): Promise<Schema> {
    return this.#connection.ask(getSchema(uri), options);
  }

  /** The schemas of a job type without their texts, newest first. @throws {JobNotFoundError} where there is none. */
  async listSchemaVersions(jobType: string, options: CallOptions = {}): Promise<SchemaInfo[]> {
    return this.#connection.ask(listSchemaVersions(jobType), options);
  }

  /** One version of a job type, with its text. @throws {JobNotFoundError} */
  async getSchemaVersion(jobType: string, version: string, options: CallOptions = {}): Promise<Schema> {
    return this.#connection.ask(getSchemaVersion(jobType, version), options);
  }

  /** The other versions stay. @throws {JobNotFoundError} */
  async deleteSchemaVersion(
    jobType: string,
    version: string,
    options: CallOptions = {},
  ): Promise<{ deleted: boolean; jobType: string; version: string }> {
    return this.#connection.ask(deleteSchemaVersion(jobType, version), options);
  }

  /** From then on nothing is checked by it. @throws {JobNotFoundError} */
  async deleteSchema(uri: string, options: CallOptions = {}): Promise<{ deleted: boolean; uri: string }> {
    return this.#connection.ask(deleteSchema(uri), options);
  }

  /**
   * Starts what {@link chain}, {@link group}, {@link batch} or {@link dag} describe. Each job passes the enqueue middleware by itself; one that drops a job
   * stops the workflow, which cannot go on without it. A repeated request never starts it twice.
   * @throws {OJSValidationError} before anything is sent, with the place of the bad step.
   */
  async workflow<X>(definition: WorkflowDefinition<X>, options: CallOptions = {}): Promise<WorkflowHandle<X>> {
    const chain = this.middlewares.all;
    return this.#producer.during('workflow.create', async () =>
      (await workflows()).openWorkflow(this.#connection, chain, definition, this.#queue, options),
    );
  }

  /** State and steps; what the results are of is not known here. @throws {JobNotFoundError} */
  async getWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    const found = await this.#connection.ask(getWorkflow(workflowId), options);
    return (await workflows()).handleOfFound(this.#connection, found);
  }

  /** Newest first, without their steps. */
  async listWorkflows(options: PageOptions & { state?: WorkflowState | undefined } = {}): Promise<Page<Workflow>> {
    return this.#pages((query) => listWorkflows(options.state, query), options, { ...pageNames, state: true });
  }

  /** How far the workflow and each of its jobs is. @throws {JobNotFoundError} */
  async workflowProgress(workflowId: string, options: CallOptions = {}): Promise<WorkflowProgress> {
    return this.#connection.ask(workflowProgress(workflowId), options);
  }

  /** What has not begun is cancelled; jobs that run may finish (ojs-workflows §9.5). */
  async cancelWorkflow(workflowId: string, options: CallOptions = {}): Promise<Workflow> {
    return this.#connection.ask(cancelWorkflow(workflowId), options);
  }

  /**
   * What happens, as it happens; each loop over it is a stream of its own, which `break` closes. A stream that breaks goes on after the last event, so that
   * none is missed; where events are gone, `system.gap` says so. A server without streams is polled. Ends when this client is closed.
   * @throws {OJSValidationError} for options that cannot be used; in the loop the reason of `signal`, and what the server refuses.
   */
  events(options: EventsOptions = {}): AsyncIterable<Event> {
    checkEventsOptions(options);
    return later(async () => (await following()).follow(this.#connection, options));
  }

  /** What the server supports, verbatim. */
  async manifest(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#connection.ask(manifest(), options);
  }

  /** The server's own report, verbatim; also the one that it gives with 503 while it is degraded. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#connection.ask(health(), options);
  }

  async #ask<T>(operation: Operation<T>, options: CallOptions, names: Names): Promise<T> {
    known(options, names);
    return this.#connection.carry(operation, options);
  }

  async #pages<T>(
    list: (query: PageQuery) => Operation<PageOf<T>>,
    options: PageOptions,
    names: Names = pageNames,
  ): Promise<Page<T>> {
    known(options, names);
    return openPage(firstPage(options), (query) => this.#connection.carry(list(query), options));
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#producer.close();
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
