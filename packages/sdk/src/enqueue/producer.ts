import type { Connection } from '../connection.ts';
import { type Drafted, drafted, finished, isPlain, plainOptions } from '../draft.ts';
import { OJSError } from '../errors.ts';
import { handleOf, type JobCalls, type JobHandle } from '../handle.ts';
import type { Job } from '../job.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { CallOptions, JobRequest } from '../options.ts';
import { part } from '../part.ts';
import { warnOfSeconds } from '../seconds.ts';
import { complete } from './request.ts';
import { Sender } from './sender.ts';
import { tell } from './tell.ts';

const special = part(() => import('./special.ts'));

export interface ProducerOptions {
  readonly connection: Connection;
  readonly middlewares: MiddlewareChain<EnqueueMiddleware>;
  readonly calls: JobCalls;
  readonly coalesce: boolean;
  readonly queue: string | undefined;
  readonly onJobEnqueued: ((job: Job) => void) | undefined;
}

/** Takes requests from the caller to the server. Args are written before anything is waited for: the caller may change its own after the call. */
export class Producer {
  readonly options: ProducerOptions;
  readonly sender: Sender;
  /** Until the first request that is more. Then all wait for the code that it needs, so that they are sent in the order of the calls. */
  #isPlain = true;
  /** Under way, also those that a middleware or a schema holds up before anything is sent. */
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: ProducerOptions) {
    this.options = options;
    this.sender = new Sender(options.connection, options.coalesce);
  }

  /** @param options were checked. */
  enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    warnOfSeconds(options.requestTimeout, 'requestTimeout', this.options.connection.logger);
    return this.during('job.enqueue', () => this.#enqueue(request, options));
  }

  enqueueBatch(requests: readonly JobRequest[], options: CallOptions): Promise<JobHandle[]> {
    return this.during('bulk.enqueue', async () => {
      this.options.connection.checkCall(options);
      const chain = this.options.middlewares.all;
      const own = requests.map((request) => drafted(complete(request, this.options.queue)));
      return (await special()).sendBatch(this, chain, own, options);
    });
  }

  /** Work that the client's end waits for. @throws {OJSError} where that has come. */
  async during<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new OJSError('This client is closed.', { operation });
    const call = work();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  async #enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    const chain = this.options.middlewares.all;
    if (chain.length > 0) return (await special()).throughChain(this, chain, request, options);
    const own = drafted(request);
    const plain = isPlain(request) ? own.draft : null;
    if (plain === null) return this.#special(own, options);
    if (!this.#isPlain) {
      // It can do without code that cannot be loaded.
      const code = await special().catch(() => null);
      if (code !== null) return code.sendDrafted(this, own, options);
    }
    const { job, outcome } = await this.sender.one(finished(plain, plainOptions(request)), options);
    return this.told(handleOf(job, outcome, this.options.calls));
  }

  async #special(own: Drafted, options: CallOptions): Promise<JobHandle> {
    this.#isPlain &&= own.draft === null;
    const { sendDrafted } = await special().catch((error: unknown) => {
      this.#isPlain = true;
      throw error;
    });
    return sendDrafted(this, own, options);
  }

  /** Tells of a job that was put into its queue. The job is there, whatever a listener makes of it. */
  told(handle: JobHandle): JobHandle {
    const { onJobEnqueued, connection } = this.options;
    tell(onJobEnqueued, handle, connection.logger);
    return handle;
  }

  /** Takes no more requests, and resolves when all that came have their outcome. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#calls);
  }
}
