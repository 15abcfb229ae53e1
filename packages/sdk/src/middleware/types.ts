import type { JobContext } from '../context.ts';
import type { Job } from '../job.ts';
import type { JobRequest } from '../options.ts';

/** Sends the request, or hands it to the next middleware. null: a middleware dropped it, and nothing was sent. */
export type EnqueueNext = (request: JobRequest) => Promise<Job | null>;

/** Wraps every job on its way to the server, in a batch too. It may change everything of the request but its id, and drops it by answering null. */
export type EnqueueMiddleware = (request: JobRequest, next: EnqueueNext) => Promise<Job | null>;

/** Goes on, with the same context or with one that a middleware made of it, such as `withArgs(ctx, decrypted)`. */
export type ExecutionNext = (context?: JobContext) => Promise<unknown>;

/** Wraps every execution of a handler. What it answers is the job's result, what it throws is the job's failure. */
export type ExecutionMiddleware = (ctx: JobContext, next: ExecutionNext) => Promise<unknown>;
