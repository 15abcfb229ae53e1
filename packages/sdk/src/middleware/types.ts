import type { JobRequest } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import type { JsonArray, Meta } from '../json.ts';
import type { JobContext } from '../worker/context.ts';

/** Sends the request, or hands it to the next middleware. null: a middleware dropped it, and nothing was sent. */
export type EnqueueNext = (request: JobRequest) => Promise<Job | null>;

/** Wraps every job on its way to the server, in a batch too. It may change everything of the request but its id, and drops it by answering null. */
export type EnqueueMiddleware = (request: JobRequest, next: EnqueueNext) => Promise<Job | null>;

/** Goes on, with the same context or with one that a middleware made of it, such as `withArgs(ctx, decrypted)`. */
export type ExecutionNext = (context?: JobContext) => Promise<unknown>;

/** Wraps every execution of a handler. What it answers is the job's result, what it throws is the job's failure. */
export type ExecutionMiddleware = (ctx: JobContext, next: ExecutionNext) => Promise<unknown>;

/** Stands on an enqueue middleware that encodes args, for what passes no middleware and must not go in plain all the same: crons. */
export const encodes = Symbol.for('@ojs-ts/sdk.encodes-args');

/** What it does to args and meta. What is encoded already stays as it is. */
export type Encoder = (args: JsonArray, meta: Meta) => Promise<{ readonly args: JsonArray; readonly meta: Meta }>;

/** Null where the middleware encodes nothing. */
export function encoderOf(middleware: object): Encoder | null {
  const found: unknown = Reflect.get(middleware, encodes);
  return isEncoder(found) ? found : null;
}

function isEncoder(value: unknown): value is Encoder {
  return typeof value === 'function';
}
