import { expiry } from '../attempts.ts';
import type { Connection } from '../connection.ts';
import { within } from '../deadline.ts';
import type { Drafted } from '../draft.ts';
import type { ErrorContext } from '../errors.ts';
import type { JobHandle } from '../handle.ts';
import type { JsonArray } from '../job.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import type { CallOptions, JobRequest } from '../options.ts';
import { passChain } from './chain.ts';
import { type Checked, check, checkDrafted } from './check.ts';
import type { Producer } from './producer.ts';
import { shown } from './shown.ts';
import { contextOf } from './single.ts';

/** A request without middleware in its way. */
export async function sendDrafted(producer: Producer, own: Drafted, options: CallOptions): Promise<JobHandle> {
  const checked = await checkDrafted(own, producer.options.connection.logger);
  return shown(producer, own.request, checked, await producer.sender.one(checked.wire, options));
}

/** One request through the middleware to the server: check, middleware, check again, send. */
export function throughChain(
  producer: Producer,
  chain: readonly EnqueueMiddleware[],
  request: JobRequest,
  options: CallOptions,
): Promise<JobHandle> {
  const { connection, calls } = producer.options;
  return withRest(connection, options, contextOf(request), async (rest) => {
    const { wire, parsed } = await check(request, connection.logger);
    const send = async (changed: JobRequest) => {
      const checked = withParsed(await check(changed, connection.logger), parsed, changed);
      return shown(producer, changed, checked, await producer.sender.one(checked.wire, rest()));
    };
    return passChain(chain, request, wire, send, calls);
  });
}

/** With middleware the caller's deadline begins before it. `rest` is what is left of it for a call. */
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

/** Args that middleware has encoded are shown as they were before. */
export function withParsed(checked: Checked, before: JsonArray | undefined, request: JobRequest): Checked {
  if (checked.parsed !== undefined || before === undefined || request.meta?.['ojs.codec.encodings'] === undefined)
    return checked;
  return { ...checked, parsed: before };
}
