import type { Call, OperationName, Transport } from '@ojs-ts/core';
import { uuidv7 } from '@ojs-ts/core';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { type OJSAPIError, OJSValidationError } from './errors.ts';
import type { Event } from './events/event.ts';
import { follow } from './events/follow.ts';
import { JobWaiter } from './events/job-waiter.ts';
import type { EventsOptions } from './events/wanted.ts';
import { WorkflowWaiter } from './events/workflow-waiter.ts';
import { handleOf, type JobCalls, type JobHandle } from './handle.ts';
import { type Job, type JsonArray, readJob } from './job.ts';
import { isWire, textOf, type Wire } from './json.ts';
import { MiddlewareChain } from './middleware/chain.ts';
import type { EnqueueMiddleware } from './middleware/types.ts';
import { type CallOptions, type EnqueueOptions, type JobRequest, type WireRequest, wireRequest } from './options.ts';
import { type Page, type PageOptions, type PageQuery, readPage } from './page.ts';
import { type Queue, type QueueStats, readQueue, readQueueStats } from './queue.ts';
import { specVersion } from './version.ts';
import type { WorkflowDefinition } from './workflow/definition.ts';
import { type WorkflowCalls, type WorkflowHandle, workflowHandleOf } from './workflow/handle.ts';
import { shapeOfWire } from './workflow/shape.ts';
import { startWorkflow } from './workflow/start.ts';
import { readWorkflow, type Workflow } from './workflow/workflow.ts';

export interface ClientOptions extends ConnectionOptions {}

/** Puts jobs into queues and looks after them. */
export class Client implements AsyncDisposable {
  static readonly specVersion = specVersion;
  readonly #connection: Connection;
  readonly #calls: JobCalls = {
    read: (jobId, options) => this.#readJob(jobId, options),
    cancel: (jobId) => this.#cancelJob(jobId, {}),
    ended: (jobId, deadline) => this.#ended(jobId, deadline),
    events: (jobId) => this.events({ jobId }),
  };
  readonly #workflowCalls: WorkflowCalls = {
    readJob: (jobId) => this.#readJob(jobId, {}),
    read: (workflowId) => this.#readWorkflow(workflowId, {}),
    cancel: (workflowId) => this.cancelWorkflow(workflowId),
    ended: (workflowId, deadline) => this.#workflowWaiter.waitFor(workflowId, deadline),
  };
  readonly #jobWaiter: JobWaiter;
  readonly #workflowWaiter: WorkflowWaiter;
  /** Every job on its way to a server passes it, the jobs of batches and workflows too. */
  readonly middlewares = new MiddlewareChain<EnqueueMiddleware>();

  /**
   * @param target URL of a server, or a transport such as `openEmbedded()` gives. Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for a target or an option that cannot be used.
   */
  constructor(target?: string | Transport, options: ClientOptions = {}) {
    this.#connection = new Connection(target, options);
    this.#jobWaiter = new JobWaiter(this.#connection, (jobId, signal) => this.#readJob(jobId, { signal }));
    this.#workflowWaiter = new WorkflowWaiter(this.#connection, (workflowId, signal) => this.#readWorkflow(workflowId, { signal }));
  }

  /** Adds to {@link middlewares}, innermost. */
  enqueueMiddleware(middleware: EnqueueMiddleware, name?: string): this {
    this.middlewares.add(middleware, name);
    return this;
  }

  /**
   * PUSH (ojs-core §7.1). The id is minted here, so a repeated request never makes a second job.
   * @throws {OJSValidationError} before anything is sent; {DuplicateJobError}, {QueuePausedError} and the other errors of a call.
   */
  async enqueue(jobType: string, args: JsonArray, options: EnqueueOptions = {}): Promise<JobHandle> {
    const request = wireRequest({ ...options, type: jobType, args });
    const about = { jobId: request.id, queue: request.queue };
    const body = await this.#connection.call({ operation: 'job.enqueue', body: request.text, idempotencyKey: request.id }, options, about, {
      recover: (error, call) => (isOwn(error, [request]) ? call(jobCall('job.get', request.id)) : none),
    });
    return handleOf(readJob(body.job ?? body), body.deduplicated === true ? 'duplicate' : 'created', this.#calls);
  }

  /** One request, atomic: all jobs or none. Handles come in the order of the requests. */
  async enqueueBatch(requests: readonly JobRequest[], options: CallOptions = {}): Promise<JobHandle[]> {
    const wire = requests.map(inBatch);
    const [first] = wire;
    if (first === undefined) return [];
    const body = `{"jobs":[${wire.map(({ text }) => text).join(',')}]}`;
    const answer = await this.#connection.call(
      { operation: 'job.enqueueBatch', body, idempotencyKey: first.id },
      options,
      {},
      {
        recover: async (error, call) =>
          isOwn(error, wire) ? { jobs: await Promise.all(wire.map(({ id }) => call(jobCall('job.get', id)))) } : null,
      },
    );
    return listOf(answer.jobs).map((raw) => handleOf(readJob(jobIn(raw)), 'created', this.#calls));
  }

  /** INFO. Ids are not checked here: the server answers `not_found`. */
  async getJob(jobId: string, options: CallOptions = {}): Promise<JobHandle> {
    return handleOf(await this.#readJob(jobId, options), 'created', this.#calls);
  }

  /** CANCEL (ojs-core §7.6). A running job's `ctx.signal` aborts within a heartbeat of its worker. */
  async cancelJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.#cancelJob(jobId, options);
  }

  async listQueues(options: CallOptions = {}): Promise<Queue[]> {
    const first: PageQuery = { limit: 200, offset: undefined, cursor: undefined };
    const load = (query: PageQuery) => this.#connection.call({ operation: 'queue.list', query: { ...query } }, options);
    return Array.fromAsync(await readPage(first, load, (body) => listOf(body.queues).filter(isWire).map(readQueue)));
  }

  async queueStats(queueName: string, options: CallOptions = {}): Promise<QueueStats> {
    return readQueueStats(await this.#onQueue('queue.stats', queueName, options));
  }

  /** Workers stop fetching from the queue; jobs are still accepted unless the server is told otherwise. */
  async pauseQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await this.#onQueue('queue.pause', queueName, options, uuidv7()));
  }

  async resumeQueue(queueName: string, options: CallOptions = {}): Promise<Queue> {
    return readQueue(await this.#onQueue('queue.resume', queueName, options, uuidv7()));
  }

  /** Discarded jobs whose retry policy says `onExhaustion: 'dead_letter'`, newest first. */
  async listDeadLetterJobs(options: PageOptions & { queue?: string } = {}): Promise<Page<Job>> {
    const { queue, limit, offset, ...call } = options;
    return readPage(
      { limit, offset, cursor: undefined },
      (query) => this.#connection.call({ operation: 'deadLetter.list', query: { ...query, queue } }, call, { queue }),
      (body) => listOf(body.jobs).map((raw) => readJob(raw)),
    );
  }

  /** Makes the job available again with attempt 0; its error history stays. */
  async retryDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<Job> {
    const body = await this.#connection.call(
      { ...jobCall('deadLetter.retry', jobId), idempotencyKey: uuidv7() },
      options,
      { jobId },
      {
        // A server without idempotency keys no longer finds it in the dead letter; the job itself tells whether the first call took it out.
        recover: async (error, call) => {
          if (error.code !== 'not_found' && error.code !== 'conflict') return null;
          const found = await call(jobCall('job.get', jobId));
          return readJob(jobIn(found)).state === 'discarded' ? null : found;
        },
      },
    );
    return readJob(jobIn(body));
  }

  async deleteDeadLetterJob(jobId: string, options: CallOptions = {}): Promise<{ deleted: boolean; jobId: string }> {
    const body = await this.#connection.call(
      { ...jobCall('deadLetter.delete', jobId), idempotencyKey: uuidv7() },
      options,
      { jobId },
      {
        recover: async (error) => (error.code === 'not_found' ? { deleted: true } : null),
      },
    );
    return { deleted: body.deleted !== false, jobId };
  }

  /**
   * Starts what {@link chain}, {@link group}, {@link batch} or {@link dag} describe. Each job passes the enqueue middleware by itself; one that drops a job
   * stops the workflow, which cannot go on without it. A repeated request never starts it twice.
   * @throws {OJSValidationError} before anything is sent, with the place of the bad step.
   */
  async workflow<X>(definition: WorkflowDefinition<X>, options: CallOptions = {}): Promise<WorkflowHandle<X>> {
    const { workflow, shape } = await startWorkflow(this.#connection, this.middlewares.all, definition, options);
    return workflowHandleOf<X>(workflow, this.#workflowCalls, () => shape);
  }

  async getWorkflow(workflowId: string, options: CallOptions = {}): Promise<WorkflowHandle<unknown>> {
    return workflowHandleOf(await this.#readWorkflow(workflowId, options), this.#workflowCalls, ({ raw }) => shapeOfWire(raw));
  }

  /** What has not begun is cancelled; jobs that run may finish (ojs-workflows §9.5). */
  async cancelWorkflow(workflowId: string, options: CallOptions = {}): Promise<Workflow> {
    const params = { id: workflowId };
    const body = await this.#connection.call(
      { operation: 'workflow.cancel', params, idempotencyKey: uuidv7() },
      options,
      {},
      {
        recover: async (error, call) =>
          error.statusCode === 409 && error.error.details.current_state === 'cancelled'
            ? call({ operation: 'workflow.get', params })
            : null,
      },
    );
    return readWorkflow(body);
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
    return {
      ...(await this.#connection.call(
        { operation: 'system.health' },
        options,
        {},
        { isAnswer: ({ status, text }) => status === 503 && isReport(text) },
      )),
    };
  }

  /** Waits for the calls under way. A transport that was given to the constructor stays open. */
  async close(): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #readJob<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>> {
    return readJob<A, R>(jobIn(await this.#connection.call(jobCall('job.get', jobId), options, { jobId })));
  }

  async #cancelJob<A extends JsonArray, R>(jobId: string, options: CallOptions): Promise<Job<A, R>> {
    const body = await this.#connection.call(
      { ...jobCall('job.cancel', jobId), idempotencyKey: uuidv7() },
      options,
      { jobId },
      {
        recover: async (error, call) =>
          error.statusCode === 409 && error.error.details.current_state === 'cancelled' ? call(jobCall('job.get', jobId)) : null,
      },
    );
    return readJob<A, R>(jobIn(body));
  }

  async #readWorkflow(workflowId: string, options: CallOptions): Promise<Workflow> {
    return readWorkflow(await this.#connection.call({ operation: 'workflow.get', params: { id: workflowId } }, options));
  }

  /** What the types say of args and result is the word of whoever enqueued the job. */
  async #ended<A extends JsonArray, R>(jobId: string, deadline: Deadline): Promise<Job<A, R>> {
    const { raw } = await this.#jobWaiter.waitFor(jobId, deadline);
    return readJob<A, R>(raw);
  }

  #onQueue(operation: OperationName, name: string, options: CallOptions, key?: string): Promise<Wire> {
    return this.#connection.call({ operation, params: { name }, ...(key !== undefined && { idempotencyKey: key }) }, options, {
      queue: name,
    });
  }
}

const none = Promise.resolve(null);

function jobCall(operation: OperationName, id: string): Call {
  return { operation, params: { id } };
}

/** Whether the job that is in the way is the one that an earlier attempt of the same call made. */
function isOwn(error: OJSAPIError, requests: readonly WireRequest[]): boolean {
  const existing = textOf(error.error.details.existing_job_id);
  return error.code === 'duplicate' && requests.some(({ id }) => id === existing);
}

function inBatch(request: JobRequest, index: number): WireRequest {
  try {
    return wireRequest(request);
  } catch (error) {
    if (!(error instanceof OJSValidationError)) throw error;
    const [issue] = error.issues;
    throw OJSValidationError.of(`[${index}].${issue?.path ?? ''}`, issue?.message ?? error.message);
  }
}

function jobIn(body: unknown): unknown {
  return isWire(body) && body.job !== undefined ? body.job : body;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isReport(text: string): boolean {
  try {
    const body: unknown = JSON.parse(text);
    return isWire(body) && typeof body.status === 'string';
  } catch {
    return false;
  }
}
