import type { Transport } from '@ojs-ts/core';
import { Connection, type ConnectionOptions } from './connection.ts';
import { type CronJob, type CronJobOptions, type CronJobRequest, listCronJobs, registerCronJob, unregisterCronJob } from './cron.ts';
import { deleteDeadLetterJob, listDeadLetterJobs, retryDeadLetterJob } from './dead-letter.ts';
import type { Deadline } from './deadline.ts';
import type { ArgsIn, ArgsOf, InputOf, JobDef, JobTypes, Jsonable, NameIn, ResultIn, ResultOf } from './definition.ts';
import { Producer } from './enqueue/producer.ts';
import { requestOf } from './enqueue/request.ts';
import { envText } from './environment.ts';
import { OJSValidationError } from './errors.ts';
import type { Event } from './events/event.ts';
import { follow } from './events/follow.ts';
import { JobWaiter } from './events/job-waiter.ts';
import type { EventsOptions } from './events/wanted.ts';
import { WorkflowWaiter } from './events/workflow-waiter.ts';
import { handleOf, type JobCalls, type JobHandle } from './handle.ts';
import { type Job, type JsonArray, readJob } from './job.ts';
import { cancelJob, getJob } from './jobs.ts';
import { parseWire } from './json.ts';
import { MiddlewareChain } from './middleware/chain.ts';
import type { EnqueueMiddleware } from './middleware/types.ts';
import { isQueueName } from './names.ts';
import type { CallOptions, EnqueueOptions, JobRequest } from './options.ts';
import type { Page, PageOptions } from './page.ts';
import { listQueues, onQueue, type Queue, type QueueStats, readQueue, readQueueStats } from './queue.ts';
import { deleteSchema, getSchema, listSchemas, registerSchema, type Schema, type SchemaInfo } from './schema.ts';
import { specVersion } from './version.ts';
import { cancelWorkflow, getWorkflow } from './workflow/calls.ts';
import type { WorkflowDefinition } from './workflow/definition.ts';
import { type WorkflowCalls, type WorkflowHandle, workflowHandleOf } from './workflow/handle.ts';
import { shapeOfWire } from './workflow/shape.ts';
import { startWorkflow } from './workflow/start.ts';
import type { Workflow } from './workflow/workflow.ts';

export interface ClientOptions extends ConnectionOptions {
  /** Of jobs that name none; default `OJS_QUEUE`, else the server's `default`. */
  queue?: string;
  /** Whether concurrent `enqueue` calls become one request; default true. */
  coalesce?: boolean;
  /** Told of every job that this client has enqueued, not of duplicates. What it throws is logged. */
  onJobEnqueued?: (job: Job) => void;
}

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
    read: (jobId, options) => getJob(this.#connection, jobId, options),
    cancel: (jobId, options) => cancelJob(this.#connection, jobId, options),
    ended: (jobId, deadline) => this.#ended(jobId, deadline),
    events: (jobId) => this.events({ jobId }),
  };
  readonly #workflowCalls: WorkflowCalls = {
    readJob: (jobId) => getJob(this.#connection, jobId, {}),
    read: (workflowId) => getWorkflow(this.#connection, workflowId, {}),
    cancel: (workflowId) => this.cancelWorkflow(workflowId),
    ended: (workflowId, deadline) => this.#workflowWaiter.waitFor(workflowId, deadline),
  };
  readonly #jobWaiter: JobWaiter;
  readonly #workflowWaiter: WorkflowWaiter;

  /**
   * @param target URL of a server, or a transport such as `openEmbedded()` gives. Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a target, an option or a variable of the environment that cannot be used.
   */
  constructor(target?: string | Transport, options: ClientOptions = {}) {
    this.#connection = new Connection(target, options);
    this.#queue = readQueueOption(options.queue);
    this.#producer = new Producer({
      connection: this.#connection,
      middlewares: this.middlewares,
      calls: this.#calls,
      coalesce: options.coalesce ?? true,
      queue: this.#queue,
      onJobEnqueued: options.onJobEnqueued,
    });
    this.#jobWaiter = new JobWaiter(this.#connection, (jobId, signal) => getJob(this.#connection, jobId, { signal }));
    this.#workflowWaiter = new WorkflowWaiter(this.#connection, (workflowId, signal) =>
      getWorkflow(this.#connection, workflowId, { signal }),
    );
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
  enqueue<D extends JobDef>(job: D, args: Jsonable<InputOf<D>>, options?: EnqueueOptions): Promise<JobHandle<ArgsOf<D>, ResultOf<D>>>;
  enqueue<T extends NameIn<R>>(jobType: T, args: ArgsIn<R, T>, options?: EnqueueOptions): Promise<JobHandle<ArgsIn<R, T>, ResultIn<R, T>>>;
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

  /** INFO. Ids are not checked here: the server answers `not_found`. */
  async getJob(jobId: string, options: CallOptions = {}): Promise<JobHandle> {
    return handleOf(await getJob(this.#connection, jobId, options), 'created', this.#calls);
  }

  /** CANCEL (ojs-core §7.6). A running job's `ctx.signal` aborts within a heartbeat of its worker. */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return cancelJob(this.#connection, jobId, options);
  }

  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    return listQueues(this.#connection, options);
  }

  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return readQueueStats(await onQueue(this.#connection, 'queue.stats', queueName, options));
  }

  /** Workers stop fetching from the queue; jobs are still accepted unless the server is told otherwise. */
  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await onQueue(this.#connection, 'queue.pause', queueName, options));
  }

  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await onQueue(this.#connection, 'queue.resume', queueName, options));
  }

  /** Registers a cron, or changes the one of this name. @throws {OJSValidationError} before anything is sent. */
  registerCronJob(name: string, cron: string, jobType: string, args?: JsonArray, options?: CronJobOptions & CallOptions): Promise<CronJob>;
  registerCronJob(request: CronJobRequest, options?: CallOptions): Promise<CronJob>;
  async registerCronJob(
    first: string | CronJobRequest,
    second: string | CallOptions = {},
    type = '',
    args: JsonArray = [],
    options: CronJobOptions & CallOptions = {},
  ): Promise<CronJob> {
    if (typeof first === 'string') {
      const { signal, requestTimeout, ...own } = options;
      const request = { ...own, name: first, cron: typeof second === 'string' ? second : '', type, args };
      return registerCronJob(this.#connection, this.#queued(request), options);
    }
    return registerCronJob(this.#connection, this.#queued(first), typeof second === 'string' ? {} : second);
  }

  async listCronJobs(options: PageOptions = {}): Promise<Page<CronJob>> {
    return listCronJobs(this.#connection, options);
  }

  async unregisterCronJob(name: string, options: CallOptions = {}): Promise<{ deleted: boolean; name: string }> {
    return unregisterCronJob(this.#connection, name, options);
  }

  /** Discarded jobs whose retry policy says `onExhaustion: 'dead_letter'`, newest first. */
  async listDeadLetterJobs(options: PageOptions & { queue?: string } = {}): Promise<Page<Job>> {
    return listDeadLetterJobs(this.#connection, options);
  }

  /** Makes the job available again with attempt 0; its error history stays. */
  async retryDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return retryDeadLetterJob(this.#connection, jobId, options);
  }

  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    return deleteDeadLetterJob(this.#connection, jobId, options);
  }

  /** From then on the server checks the args of jobs of this type. */
  async registerSchema(
    uri: string,
    jobType: string,
    version: string,
    schema: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<Schema> {
    return registerSchema(this.#connection, uri, jobType, version, schema, options);
  }

  /** Without their texts, as the specification lists them. */
  async listSchemas(options: PageOptions = {}): Promise<Page<SchemaInfo>> {
    return listSchemas(this.#connection, options);
  }

  async getSchema(uri: string, options: CallOptions = {}): Promise<Schema> {
    return getSchema(this.#connection, uri, options);
  }

  async deleteSchema(uri: string, options: CallOptions = {}): Promise<{ deleted: boolean; uri: string }> {
    return deleteSchema(this.#connection, uri, options);
  }

  /**
   * Starts what {@link chain}, {@link group}, {@link batch} or {@link dag} describe. Each job passes the enqueue middleware by itself; one that drops a job
   * stops the workflow, which cannot go on without it. A repeated request never starts it twice.
   * @throws {OJSValidationError} before anything is sent, with the place of the bad step.
   */
  async workflow<X>(definition: WorkflowDefinition<X>, options: CallOptions = {}): Promise<WorkflowHandle<X>> {
    const { workflow, shape } = await startWorkflow(this.#connection, this.middlewares.all, definition, this.#queue, options);
    return workflowHandleOf<X>(workflow, this.#workflowCalls, () => shape);
  }

  async getWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    return workflowHandleOf(await getWorkflow(this.#connection, workflowId, options), this.#workflowCalls, ({ raw }) => shapeOfWire(raw));
  }

  /** What has not begun is cancelled; jobs that run may finish (ojs-workflows §9.5). */
  async cancelWorkflow(workflowId: string, options: CallOptions = {}): Promise<Workflow> {
    return cancelWorkflow(this.#connection, workflowId, options);
  }

  /**
   * What happens, as it happens; each loop over it is a stream of its own, which `break` closes. A stream that breaks goes on after the last event, so that
   * none is missed; where events are gone, `system.gap` says so. A server without streams is polled. Ends when this client is closed.
   * @throws {OJSValidationError} for options that cannot be used; in the loop the reason of `signal`, and what the server refuses.
   */
  events(options: EventsOptions = {}): AsyncIterable<Event> {
    return follow(this.#connection, options);
  }

  /** What the server supports, verbatim. */
  async manifest(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return { ...(await this.#connection.call({ operation: 'system.manifest' }, options)) };
  }

  /** The server's own report, verbatim; also the one that it gives with 503 while it is degraded. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    const isReport = ({ status, text }: { status: number; text: string }) => status === 503 && typeof parseWire(text)?.status === 'string';
    return { ...(await this.#connection.call({ operation: 'system.health' }, options, {}, { isAnswer: isReport })) };
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#producer.close();
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #queued(request: CronJobRequest): CronJobRequest {
    return this.#queue === undefined || request.queue !== undefined ? request : { ...request, queue: this.#queue };
  }

  /** What the types say of args and result is the word of whoever enqueued the job. */
  async #ended<A extends JsonArray, R>(jobId: string, deadline: Deadline): Promise<Job<A, R>> {
    const { raw } = await this.#jobWaiter.waitFor(jobId, deadline);
    return readJob<A, R>(raw);
  }
}

function readQueueOption(option: string | undefined): string | undefined {
  const queue = option ?? envText('OJS_QUEUE');
  if (queue === undefined || isQueueName(queue)) return queue;
  const name = option === undefined ? 'OJS_QUEUE' : 'queue';
  throw OJSValidationError.of(name, `expected lower-case letters, digits, '-' and '.', got ${JSON.stringify(queue)}`);
}
