import { expiry } from '../attempts.ts';
import type { Connection } from '../connection.ts';
import { Deadline } from '../deadline.ts';
import type { JobDef } from '../definition.ts';
import type { ErrorContext } from '../errors.ts';
import { handleOf, type JobCalls, type JobHandle } from '../handle.ts';
import type { Job, JsonArray } from '../job.ts';
import type { MiddlewareChain } from '../middleware/chain.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { type CallOptions, type JobRequest, wireRequest } from '../options.ts';
import { passChain } from './chain.ts';
import { Rendezvous } from './rendezvous.ts';
import { atIndex, type Checked, check, complete, schemaOf } from './request.ts';
import { Sender } from './sender.ts';
import type { Sent } from './sent.ts';
import { parsedJob, tell, withArgs } from './shown.ts';
import { contextOf } from './single.ts';

export interface ProducerOptions {
  readonly connection: Connection;
  readonly middlewares: MiddlewareChain<EnqueueMiddleware>;
  readonly calls: JobCalls;
  readonly coalesce: boolean;
  readonly queue: string | undefined;
  readonly onJobEnqueued: ((job: Job) => void) | undefined;
}

/** Takes requests from the caller to the server: check, middleware, check again, send. */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #sender: Sender;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#sender = new Sender(options.connection, options.coalesce);
  }

  async enqueue(request: JobRequest, options: CallOptions): Promise<JobHandle> {
    const chain = this.#options.middlewares.all;
    if (chain.length > 0) return this.#within(options, contextOf(request), (rest) => this.#throughChain(chain, request, rest));
    const checked = schemaOf(request) === undefined ? { wire: wireRequest(request) } : await check(request);
    return this.#handle(request, checked, await this.#sender.one(checked.wire, options));
  }

  /** Each request passes the middleware by itself; where one of them fails nothing is sent (ojs-middleware §9.2, option B: a batch is all or none). */
  async enqueueBatch(requests: readonly JobRequest[], options: CallOptions): Promise<JobHandle[]> {
    const chain = this.#options.middlewares.all;
    const own = requests.map((request) => complete(request, this.#options.queue));
    const checked = await Promise.all(
      own.map((request, index) =>
        check(request).catch((error: unknown) => {
          throw atIndex(index, error);
        }),
      ),
    );
    if (chain.length === 0) return this.#sendBatch(own, checked, options);
    return this.#within(options, { operation: 'job.enqueueBatch' }, (rest) => this.#batchThroughChain(chain, own, checked, rest));
  }

  async close(): Promise<void> {
    await this.#sender.close();
  }

  /** With middleware the caller's deadline begins before it. */
  async #within<T>(options: CallOptions, about: ErrorContext, work: (rest: () => CallOptions) => Promise<T>): Promise<T> {
    const ms = this.#options.connection.deadlineMs(options);
    using deadline = new Deadline(ms, () => expiry(about.operation ?? '', ms, about), options.signal);
    return await deadline.race(work(() => ({ signal: deadline.signal, requestTimeout: Math.max(0, deadline.remaining) })));
  }

  async #throughChain(chain: readonly EnqueueMiddleware[], request: JobRequest, rest: () => CallOptions): Promise<JobHandle> {
    const { wire, parsed } = await check(request);
    const send = async (changed: JobRequest) => {
      const checked = await check(changed);
      return this.#handle(changed, withParsed(checked, parsed, changed), await this.#sender.one(checked.wire, rest()));
    };
    return passChain(chain, request, wire, send, this.#options.calls);
  }

  async #batchThroughChain(
    chain: readonly EnqueueMiddleware[],
    requests: readonly JobRequest[],
    checked: readonly Checked[],
    rest: () => CallOptions,
  ): Promise<JobHandle[]> {
    const sending = new Rendezvous<readonly [JobRequest, Checked], JobHandle>(requests.length, (items) =>
      this.#sendBatch(
        items.map(([request]) => request),
        items.map(([, ready]) => ready),
        rest(),
      ),
    );
    const passing = requests.map(async (request, index) => {
      const first = checked[index] ?? (await check(request));
      let arrived = false;
      const send = async (changed: JobRequest) => {
        const ready = withParsed(await check(changed), first.parsed, changed);
        arrived = true;
        return sending.arrive(index, [changed, ready]);
      };
      try {
        const handle = await passChain(chain, request, first.wire, send, this.#options.calls);
        sending.leave(index);
        return handle;
      } catch (error) {
        sending.fail(index, error);
        throw arrived ? error : atIndex(index, error);
      }
    });
    // The first failure is the cause; those of the others follow from it.
    return Promise.all(passing);
  }

  async #sendBatch(requests: readonly JobRequest[], checked: readonly Checked[], options: CallOptions): Promise<JobHandle[]> {
    const sent = await this.#sender.batch(
      checked.map(({ wire }) => wire),
      options,
    );
    return Promise.all(
      sent.map((one, index) => {
        const request = requests[index];
        const ready = checked[index];
        return request === undefined || ready === undefined
          ? handleOf(one.job, one.outcome, this.#options.calls)
          : this.#handle(request, ready, one);
      }),
    );
  }

  async #handle(request: JobRequest, { parsed }: Checked, { job, outcome }: Sent): Promise<JobHandle> {
    const { calls, onJobEnqueued } = this.#options;
    const definition = schemaOf(request);
    const own = definition === undefined ? calls : parsingCalls(calls, definition);
    const seen = outcome === 'duplicate' && definition !== undefined ? await parsedJob(job, definition) : withArgs(job, parsed);
    const handle = handleOf(seen, outcome, own);
    tell(onJobEnqueued, handle, this.#options.connection.logger);
    return handle;
  }
}

/** Args that middleware has encoded are shown as they were before. */
function withParsed(checked: Checked, before: JsonArray | undefined, request: JobRequest): Checked {
  if (checked.parsed !== undefined || before === undefined || request.meta?.['ojs.codec.encodings'] === undefined) return checked;
  return { ...checked, parsed: before };
}

/** So that a handle of a typed job shows typed args after `refresh()` too. */
function parsingCalls(calls: JobCalls, definition: JobDef): JobCalls {
  return {
    ...calls,
    read: async (jobId, options) => parsedJob(await calls.read(jobId, options), definition),
    cancel: async (jobId, options) => parsedJob(await calls.cancel(jobId, options), definition),
  };
}
