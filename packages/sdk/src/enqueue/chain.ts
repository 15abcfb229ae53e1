import { expiry } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { within } from '../connection/deadline.ts';
import { type ErrorContext, OJSError, OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import { handleOf, type JobCalls, type JobHandle } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import type { CallOptions } from '../job/options.ts';
import { readJob } from '../job/read-job.ts';
import type { WireRequest } from '../job/wire.ts';
import type { JsonArray } from '../json.ts';
import { compose } from '../middleware/compose.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { Checked } from './request.ts';
import { sentEnvelope } from './single.ts';

/**
 * Passes one request through the enqueue middleware to `send` (ojs-middleware §3). If the request was sent, its handle
 * is the outcome, whatever a middleware returns. If no middleware called `next()`, the result is null (dropped) or
 * another job.
 * @param wire the request before the middleware, for the handle of a dropped one.
 */
export async function passChain(
  chain: readonly EnqueueMiddleware[],
  request: JobRequest,
  wire: WireRequest,
  send: (request: JobRequest) => Promise<JobHandle>,
  calls: JobCalls,
): Promise<JobHandle> {
  let sent: JobHandle | undefined;
  const pass = compose<JobRequest, Job | null>(chain, async (changed) => {
    if (changed.id !== wire.id) {
      throw OJSValidationError.of(
        'id',
        `a middleware changed it from ${JSON.stringify(wire.id)} to ${JSON.stringify(changed.id)}`,
      );
    }
    sent = await send(changed);
    return sent;
  });
  const answer: unknown = await pass(detached(request));
  if (sent !== undefined) return sent;
  if (answer === null) return dropped(wire);
  if (isJob(answer)) return handleOf(answer, 'duplicate', calls);
  throw new OJSError(
    `An enqueue middleware returned ${String(answer)} for ${wire.id}; ` +
      'expected the job of next(), or null to drop the job.',
  );
}

/** A copy, so that middleware changes neither the objects of the caller nor the defaults of a definition. */
export function detached(request: JobRequest): JobRequest {
  return {
    ...request,
    ...(Array.isArray(request.args) && { args: [...request.args] }),
    ...(request.meta && { meta: { ...request.meta } }),
    ...(request.retry && { retry: { ...request.retry } }),
    ...(request.unique && { unique: { ...request.unique } }),
    ...(request.tags && { tags: [...request.tags] }),
  };
}

function dropped(wire: WireRequest): JobHandle {
  const refuse = () => {
    throw new OJSError('A middleware dropped this job, so it was never sent to the server.', {
      jobId: wire.id,
    });
  };
  const calls: JobCalls = { read: refuse, cancel: refuse, result: refuse, events: refuse };
  return handleOf(readJob({ ...sentEnvelope(wire), state: 'cancelled' }), 'dropped', calls);
}

function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && 'id' in value && 'type' in value && 'state' in value;
}

/**
 * The deadline of the caller includes the middleware. `rest` gives the options of a call with the time that is left.
 */
export function withRest<T>(
  connection: Connection,
  options: CallOptions,
  about: ErrorContext,
  work: (rest: () => CallOptions) => Promise<T>,
): Promise<T> {
  const ms = connection.deadlineMs(options);
  return within(
    ms,
    () => expiry(ms, about),
    options.signal,
    (deadline) =>
      deadline.race(work(() => ({ signal: deadline.signal, requestTimeout: Math.max(0, deadline.remaining) }))),
  );
}

/** If middleware has encoded the args, the handle shows those before it. */
export function withParsed(checked: Checked, before: JsonArray | undefined, request: JobRequest): Checked {
  if (checked.parsed !== undefined || before === undefined || request.meta?.['ojs.codec.encodings'] === undefined)
    return checked;
  return { ...checked, parsed: before };
}
