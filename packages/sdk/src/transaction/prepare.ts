import { isObject } from '@ojs-ts/core';
import { detached } from '../enqueue/chain.ts';
import { check } from '../enqueue/request.ts';
import { OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import type { Job } from '../job/job.ts';
import { readJob } from '../job/read-job.ts';
import { startingFrom, type WireRequest, wireRequest } from '../job/wire.ts';
import { compose } from '../middleware/compose.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { PreparedRequest } from './destination.ts';

/**
 * The request in its wire form, after schema and middleware; null if a middleware dropped it. The args are written as
 * given: the worker parses them again.
 * @throws {OJSValidationError}
 */
export async function prepare(
  request: JobRequest,
  middleware: readonly EnqueueMiddleware[],
): Promise<PreparedRequest | null> {
  const wire = timed((await check(request)).wire);
  if (middleware.length === 0) return { ...wire, type: request.type };
  const { id } = wire;
  let sent: PreparedRequest | null = null;
  const run = compose<JobRequest, Job | null>(middleware, async (edited) => {
    if (edited.id !== id) throw OJSValidationError.of('id', 'a middleware must not change the id of a job');
    const last = await check(edited);
    sent = { ...timed(last.wire), type: edited.type };
    return jobOf(sent);
  });
  return (await run(detached({ ...request, id }))) === null ? null : sent;
}

/**
 * Same without schema and middleware, which may be asynchronous.
 * @throws {OJSValidationError}
 */
export function written(request: JobRequest): PreparedRequest {
  return { ...timed(wireRequest(request)), type: request.type };
}

/** A row may be sent long after it was written: its delay counts from now, by the clock of this process. */
function timed(request: WireRequest): WireRequest {
  return startingFrom(request, Date.now());
}

/** The job that a middleware gets: as it will be after the commit. */
function jobOf({ text }: PreparedRequest): Job {
  const body: unknown = JSON.parse(text);
  const options = isObject(body) && isObject(body.options) ? body.options : {};
  return readJob({ ...options, ...(isObject(body) ? body : {}), state: 'available' });
}
