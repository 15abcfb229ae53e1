import type { JobRequest } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import type { JsonArray, Meta } from '../json.ts';
import type { JobContext } from '../worker/execution/context.ts';

/** Passes the request to the next middleware or sends it. null: a middleware dropped the job, and nothing was sent. */
export type EnqueueNext = (request: JobRequest) => Promise<Job | null>;

/**
 * Wraps every job on its way to the server, also in a batch. It may change the request, but not its id. To drop the
 * job, it returns null.
 */
export type EnqueueMiddleware = (request: JobRequest, next: EnqueueNext) => Promise<Job | null>;

/** Continues with the same context, or with a changed one such as `withArgs(ctx, decrypted)`. */
export type ExecutionNext = (context?: JobContext) => Promise<unknown>;

/** Wraps every execution of a handler. Its return value is the result of the job, and its error fails the job. */
export type ExecutionMiddleware = (ctx: JobContext, next: ExecutionNext) => Promise<unknown>;

/**
 * The key of the {@link Encoder} of an enqueue middleware. Cron jobs pass no middleware, but their args must be encoded
 * all the same.
 */
export const encodes = Symbol.for('@ojs-ts/sdk.encodes-args');

/** Encodes args and meta. Encoded args stay unchanged. */
export type Encoder = (args: JsonArray, meta: Meta) => Promise<{ readonly args: JsonArray; readonly meta: Meta }>;

/** The encoder of a middleware, or null. */
export function encoderOf(middleware: object): Encoder | null {
  const found: unknown = Reflect.get(middleware, encodes);
  return isEncoder(found) ? found : null;
}

function isEncoder(value: unknown): value is Encoder {
  return typeof value === 'function';
}

/** The key of the {@link PayloadEncoder} of an enqueue middleware, for signals. */
export const encodesPayload = Symbol.for('@ojs-ts/sdk.encodes-payload');

/** Encodes the payload of a signal, as the middleware of the worker decodes it. */
export type PayloadEncoder = (payload: unknown) => Promise<unknown>;

/** The payload encoder of a middleware, or null. */
export function payloadEncoderOf(middleware: object): PayloadEncoder | null {
  const found: unknown = Reflect.get(middleware, encodesPayload);
  return isPayloadEncoder(found) ? found : null;
}

function isPayloadEncoder(value: unknown): value is PayloadEncoder {
  return typeof value === 'function';
}
