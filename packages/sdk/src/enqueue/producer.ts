import type { Connection } from '../connection.ts';
import { OJSError } from '../errors.ts';
import { handleOf, type JobCalls, type JobHandle } from '../handle.ts';
import type { Job } from '../job.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { type CallOptions, type JobRequest, wireRequest } from '../options.ts';
import { part } from '../part.ts';
import { atIndex, type Checked, complete, schemaOf } from './request.ts';
import { Sender } from './sender.ts';
import type { Sent } from './sent.ts';
import { tell, withArgs } from './shown.ts';

const passage = part(() => import('./passage.ts'));
const batches = part(() => import('./batches.ts'));
const typed = part(() => import('./typed.ts'));

export interface ProducerOptions {
  readonly connection: Connection;
  readonly middlewares: MiddlewareChain<EnqueueMiddleware>;
  readonly calls: JobCalls;
  readonly coalesce: boolean;
  readonly queue: string | undefined;
  readonly onJobEnqueued: ((job: Job) => void) | undefined;
}

/** Takes requests from the caller to the server. What is sent is written before anything is waited for: the caller may change its args after the call. */
export class Producer {
  readonly options: ProducerOptions;
  readonly sender: Sender;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.options = options;
    this.sender = new Sender(options.connection, options.coalesce);
  }

  async enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    if (this.#closed) throw new OJSError('This client is closed.', { operation: 'job.enqueue' });
    const chain = this.options.middlewares.all;
    if (chain.length > 0) return (await passage()).throughChain(this, chain, request, options);
    const wire = wireRequest(request);
    const definition = schemaOf(request);
    const checked = definition === undefined ? { wire } : { wire, parsed: await (await typed()).parseArgs(definition, request.args) };
    return this.show(request, checked, await this.sender.one(wire, options));
  }

  async enqueueBatch(requests: readonly JobRequest[], options: CallOptions): Promise<JobHandle[]> {
    const chain = this.options.middlewares.all;
    const own = requests.map((request) => complete(request, this.options.queue));
    const wires = own.map((request, index) => {
      try {
        return wireRequest(request);
      } catch (error) {
        throw atIndex(index, error);
      }
    });
    return (await batches()).sendBatch(this, chain, own, wires, options);
  }

  /** The handle of a request that was sent. */
  async show(request: JobRequest, { parsed }: Checked, { job, outcome }: Sent): Promise<JobHandle> {
    const { calls, onJobEnqueued, connection } = this.options;
    const definition = schemaOf(request);
    let handle: JobHandle;
    if (definition === undefined) handle = handleOf(withArgs(job, parsed), outcome, calls);
    else {
      const { parsedJob, parsingCalls } = await typed();
      const seen = outcome === 'duplicate' ? await parsedJob(job, definition) : withArgs(job, parsed);
      handle = handleOf(seen, outcome, parsingCalls(calls, definition));
    }
    tell(onJobEnqueued, handle, connection.logger);
    return handle;
  }

  /** Takes no more requests, and resolves when all that came have been sent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.sender.close();
  }
}
