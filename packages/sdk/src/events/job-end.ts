import type { Connection } from '../connection/connection.ts';
import { Deadline } from '../connection/deadline.ts';
import { currentFake, type Fake } from '../connection/fake.ts';
import { JobFailedError, OJSTimeoutError, restacked } from '../errors.ts';
import { type WaitOptions, waitNames } from '../job/handle.ts';
import type { Job } from '../job/job.ts';
import { readJob } from '../job/read-job.ts';
import type { JsonArray } from '../json.ts';
import { getJob } from '../operations/jobs/jobs.ts';
import { checkNames } from '../options/check-names.ts';
import { durationMs, warnOfSeconds } from '../options/values.ts';
import { isEnded, JobWaiter } from './job-waiter.ts';

/**
 * The result of a job, once it has completed. TypeScript trusts the type that the caller of `enqueue` gave.
 * @throws {JobFailedError} if the job was discarded or cancelled; {OJSTimeoutError}; the reason of `signal`.
 */
export async function resultOfJob<R>(connection: Connection, jobId: string, options: WaitOptions): Promise<R> {
  checkNames(options, waitNames);
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
/** Waits in different tests must not share their calls. */
const fakeWaiters = new WeakMap<Connection, WeakMap<Fake, JobWaiter>>();

/** The waiter that all waits of a client share. */
function waiterOf(connection: Connection): JobWaiter {
  const fake = currentFake();
  if (fake === null) return getOrCreate(waiters, connection, () => newWaiter(connection));
  const ofFakes = getOrCreate(fakeWaiters, connection, () => new WeakMap<Fake, JobWaiter>());
  return getOrCreate(ofFakes, fake, () => newWaiter(connection));
}

function newWaiter(connection: Connection): JobWaiter {
  return new JobWaiter(connection, (jobId, signal) => connection.ask(getJob(jobId), { signal }));
}

function getOrCreate<K extends object, V>(values: WeakMap<K, V>, key: K, make: () => V): V {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
}

/** After the timeout of a wait, the time for one more read of the job, in milliseconds. */
const lastReadMs = 500;

/** The job at the end of a wait; null if the server does not answer within {@link lastReadMs}. */
export async function jobNow(connection: Connection, jobId: string): Promise<Job | null> {
  const signal = AbortSignal.any([AbortSignal.timeout(lastReadMs), connection.closing]);
  // The value is a text, because a small number would be reported as a mistake for seconds, and the user wrote no
  // number.
  return connection.ask(getJob(jobId), { signal, requestTimeout: `${lastReadMs}ms` }).catch(() => null);
}

/** The timeout error, with the reason why the job has not ended. */
export function timeoutOf(ms: number, jobId: string, job: Job | null): OJSTimeoutError {
  const about = { jobId, queue: job?.queue, operation: 'job.get' };
  return new OJSTimeoutError(`The job did not end within ${ms} ms.${job === null ? '' : ` ${stateOf(job)}`}`, about);
}

function stateOf({ state, queue, type, attempt, scheduledAt, errors, error }: Job): string {
  const last = error ?? errors.at(-1);
  const failure = last === undefined ? '' : `, after ${last.type}: ${last.message}`;
  switch (state) {
    case 'available':
      return (
        `It is available in the queue ${queue}, and no worker has taken ` +
        `it${attempt === 0 ? ' yet' : ' again'}${failure}. ` +
        `Is there a worker that fetches ${queue} and has a handler for ${type}?`
      );
    case 'scheduled':
      return (
        `It is scheduled${scheduledAt === undefined ? '' : ` for ${scheduledAt.toISOString()}`} in the ` +
        `queue ${queue}.`
      );
    case 'retryable':
      return `It waits for its next attempt in the queue ${queue}${failure}.`;
    case 'active':
      return `It is active: a worker runs attempt ${attempt}.`;
    default:
      return `It is ${state}.`;
  }
}
