import type { Connection } from '../connection.ts';
import { bodyFlaw, draftOf, finished, isPlain, optionsFlaw, plainOptions } from '../draft.ts';
import { OJSError, OJSValidationError } from '../errors.ts';
import type { Flaw } from '../flaw.ts';
import { handleOf, type JobCalls, type JobHandle } from '../handle.ts';
import type { Job } from '../job.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { CallOptions, JobRequest } from '../options.ts';
import { part } from '../part.ts';
import type { Drafted } from './batches.ts';
import { type Checked, complete, schemaOf } from './request.ts';
import { Sender } from './sender.ts';
import type { Sent } from './sent.ts';
import { tell, withArgs } from './shown.ts';

const passage = part(() => import('./passage.ts'));
const batches = part(() => import('./batches.ts'));
const wires = part(() => import('../wire.ts'));
const typed = part(() => import('./typed.ts'));
const refusals = part(() => import('../refusal.ts'));

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
  /** Until the first request with times or policies. Then all wait for the code that writes them, so that they are sent in the order of the calls. */
  #isPlain = true;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.options = options;
    this.sender = new Sender(options.connection, options.coalesce);
  }

  async enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    if (this.#closed) throw new OJSError('This client is closed.', { operation: 'job.enqueue' });
    const chain = this.options.middlewares.all;
    if (chain.length > 0) return (await passage()).throughChain(this, chain, request, options);
    const flaw = bodyFlaw(request) ?? optionsFlaw(request);
    if (flaw !== null) throw await refusalOf(flaw);
    const draft = draftOf(request);
    this.#isPlain &&= isPlain(request);
    const wire = finished(draft, this.#isPlain ? plainOptions(request) : (await wires()).wireOptions(request));
    const definition = schemaOf(request);
    const checked = definition === undefined ? { wire } : { wire, parsed: await (await typed()).parseArgs(definition, request.args) };
    return this.show(request, checked, await this.sender.one(wire, options));
  }

  async enqueueBatch(requests: readonly JobRequest[], options: CallOptions): Promise<JobHandle[]> {
    const chain = this.options.middlewares.all;
    const drafted: Drafted[] = [];
    for (const [index, request] of requests.entries()) {
      const own = complete(request, this.options.queue);
      const flaw = bodyFlaw(own);
      if (flaw !== null) throw await refusalOf({ ...flaw, path: `[${index}].${flaw.path}` });
      drafted.push({ request: own, draft: draftOf(own) });
    }
    return (await batches()).sendBatch(this, chain, drafted, options);
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

/** With the words for the flaw, where they can be loaded. */
async function refusalOf(flaw: Flaw): Promise<OJSValidationError> {
  const code = await refusals().catch(() => null);
  return code?.refusalOf(flaw) ?? OJSValidationError.of(flaw.path, 'cannot be sent, and the code that can say why could not be loaded');
}
