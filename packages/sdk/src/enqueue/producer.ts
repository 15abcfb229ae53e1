import type { Connection } from '../connection/connection.ts';
import type { Logger } from '../connection/logger.ts';
import { closedError, restacked } from '../errors.ts';
import type { JobDef, JobRequest } from '../job/definition.ts';
import type { EnqueueOutcome, JobCalls, JobHandle } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import { sentHandle } from '../job/new-handle.ts';
import type { CallOptions, EnqueueOptions } from '../job/options.ts';
import type { WireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { warnOfSeconds } from '../options/values.ts';
import { sendBatch } from './batches.ts';
import { Bulk } from './bulk.ts';
import { passChain, withParsed, withRest } from './chain.ts';
import { withDelays } from './delays.ts';
import { type Checked, check, complete, requestOf } from './request.ts';
import { contextOf, enqueueOne, type Sent } from './single.ts';
import { typedSentHandle } from './typed.ts';

export interface ProducerOptions {
  readonly connection: Connection;
  readonly middlewares: MiddlewareChain<EnqueueMiddleware>;
  readonly calls: JobCalls;
  readonly coalesce: boolean;
  readonly queue: string | undefined;
  readonly onJobEnqueued: ((job: Job) => void) | undefined;
}

/**
 * Takes requests from the caller to the server. Args become JSON before the first await, so the caller may change them
 * after the call.
 */
export class Producer {
  readonly #options: ProducerOptions;
  /** Null where concurrent requests are not merged. */
  readonly #bulk: Bulk | null;
  /** The number of calls in flight, also in middleware or in an asynchronous schema. */
  #calls = 0;
  #closed = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#bulk = options.coalesce ? new Bulk(options.connection) : null;
  }

  enqueue(job: string | JobDef, args: JsonArray, options: EnqueueOptions): Promise<JobHandle> {
    const { connection, middlewares, queue } = this.#options;
    return this.during('job.enqueue', () => {
      const request = requestOf(job, args, options, queue);
      if (options.requestTimeout !== undefined)
        warnOfSeconds(options.requestTimeout, 'requestTimeout', connection.logger);
      const chain = middlewares.all;
      return chain.length === 0 ? this.#enqueue(request, options) : this.#enqueueThrough(chain, request, options);
    });
  }

  enqueueBatch(requests: readonly JobRequest[], options: CallOptions): Promise<JobHandle[]> {
    const { connection, middlewares, calls, queue } = this.#options;
    return this.during('bulk.enqueue', async () => {
      connection.checkCall(options);
      const own = requests.map((request) => complete(request, queue));
      const reported = (handle: JobHandle) => this.#reported(handle);
      return sendBatch({ connection, calls, reported }, middlewares.all, own, options);
    });
  }

  /** Runs work that `close()` waits for. @throws {OJSError} if the client is closed. */
  async during<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError(operation);
    this.#calls++;
    try {
      return await work();
    } finally {
      this.#calls--;
      if (this.#closed && this.#calls === 0) this.#idle.resolve();
    }
  }

  #enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    const checked = check(request, this.#options.connection.logger);
    // Without a schema there is no await: in a test with a fake, the job exists when `enqueue` returns its promise.
    if (!(checked instanceof Promise)) return this.#send(request, checked, options);
    return checked.then((parsed) => this.#send(request, parsed, options));
  }

  /** Checks the request, passes it through the middleware, checks it again and sends it. */
  #enqueueThrough(chain: readonly EnqueueMiddleware[], request: JobRequest, options: CallOptions): Promise<JobHandle> {
    const { connection, calls } = this.#options;
    return withRest(connection, options, contextOf(request), async (rest) => {
      const { wire, parsed } = await check(request, connection.logger);
      const send = async (changed: JobRequest) =>
        this.#send(changed, withParsed(await check(changed, connection.logger), parsed, changed), rest());
      return passChain(chain, request, wire, send, calls);
    });
  }

  async #send(request: JobRequest, checked: Checked, options: CallOptions): Promise<JobHandle> {
    const { connection, calls } = this.#options;
    const { wire } = checked;
    try {
      const sent = await (wire.isDelayed
        ? withDelays(connection, [wire], options, contextOf(request), ([own = wire], rest) => this.#one(own, rest))
        : this.#one(wire, options));
      const { definition, parsed } = checked;
      return this.#reported(
        definition === undefined
          ? sentHandle(sent.job, sent.outcome, calls, parsed)
          : await typedSentHandle(sent, parsed, definition, calls),
      );
    } catch (error) {
      throw restacked(error);
    }
  }

  #one(wire: WireRequest, options: CallOptions): Promise<Sent> {
    return this.#bulk?.one(wire, options) ?? this.#options.connection.carry(enqueueOne(wire), options);
  }

  #reported(handle: JobHandle): JobHandle {
    const { onJobEnqueued, connection } = this.#options;
    reportEnqueued(onJobEnqueued, handle, connection.logger);
    return handle;
  }

  /** Refuses further requests, and resolves when all earlier ones have their outcome. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#calls > 0) await this.#idle.promise;
  }
}

/** Calls the listener with a job that was enqueued. An error of the listener is logged, because the job exists. */
export function reportEnqueued(
  listener: ((job: Job) => void) | undefined,
  job: Job & { readonly outcome: EnqueueOutcome },
  logger: Logger,
): void {
  if (listener === undefined || job.outcome === 'duplicate') return;
  try {
    listener(job);
  } catch (error) {
    logger.error('onJobEnqueued failed', { job_id: job.id, error });
  }
}
