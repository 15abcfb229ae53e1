import type { Connection } from '../connection.ts';
import { Deadline } from '../deadline.ts';
import { durationMs } from '../duration.ts';
import { JobFailedError, restacked } from '../errors.ts';
import { currentFake, type Fake } from '../fake.ts';
import { type WaitOptions, waitNames } from '../handle.ts';
import { type Job, type JsonArray, readJob } from '../job.ts';
import { getJob } from '../jobs.ts';
import { known } from '../known.ts';
import { warnOfSeconds } from '../seconds.ts';
import { jobNow, timeoutOf } from './job-state.ts';
import { isEnded, JobWaiter } from './job-waiter.ts';

/**
 * The result of a job, once it has completed. What its type says is the word of whoever enqueued the job.
 * @throws {JobFailedError} discarded or cancelled; {OJSTimeoutError}; the reason of `signal`.
 */
export async function resultOfJob<R>(connection: Connection, jobId: string, options: WaitOptions): Promise<R> {
  known(options, waitNames);
  warnOfSeconds(options.timeout, 'timeout', connection.logger);
  const ms = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout');
  const late = timeoutOf(ms, jobId, null);
  using deadline = new Deadline(ms, () => late, options.signal);
  const { raw } = await deadline.race(waiterOf(connection).waitFor(jobId, deadline)).catch(async (error: unknown) => {
    if (error !== late) throw error;
    const now = await jobNow(connection, jobId);
    if (now !== null && isEnded(now)) return now;
    throw restacked(timeoutOf(ms, jobId, now));
  });
  const job = readJob<JsonArray, R>(raw);
  if (job.state !== 'completed') throw jobFailure(job);
  return resultOf(job);
}

/** A job that completed without a result waits for `R = void`: reading the absent field gives undefined. */
function resultOf<R>(job: { readonly result?: R }): R;
function resultOf(job: { readonly result?: unknown }): unknown {
  return job.result;
}

export function jobFailure(job: Job): JobFailedError {
  const last = job.error ?? job.errors.at(-1);
  return new JobFailedError(
    `The job was ${job.state}${last === undefined ? '' : `: ${last.type}: ${last.message}`}`,
    job,
  );
}

const waiters = new WeakMap<Connection, JobWaiter>();
/** Waits of different tests must not share their calls. */
const fakeWaiters = new WeakMap<Connection, WeakMap<Fake, JobWaiter>>();

/** All waits of a client share one. */
function waiterOf(connection: Connection): JobWaiter {
  const fake = currentFake();
  if (fake === null) return kept(waiters, connection, () => newWaiter(connection));
  const ofFakes = kept(fakeWaiters, connection, () => new WeakMap<Fake, JobWaiter>());
  return kept(ofFakes, fake, () => newWaiter(connection));
}

function newWaiter(connection: Connection): JobWaiter {
  return new JobWaiter(connection, (jobId, signal) => connection.ask(getJob(jobId), { signal }));
}

function kept<K extends object, V>(values: WeakMap<K, V>, key: K, make: () => V): V {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}
