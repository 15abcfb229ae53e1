import { type Connection, isPassing } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { isOjsError, OJSAPIError, OJSConnectionError, OJSTimeoutError } from './errors.ts';
import { type Job, type JsonArray, jobIn, readJob } from './job.ts';
import { isWire } from './json.ts';

const firstPollMs = 50;
const lastPollMs = 1_000;
/** One long poll; servers wait at most so long (ojs-results §8.2). */
const longPollMs = 30_000;

/** Connections whose server holds no request back. */
const withoutLongPoll = new WeakSet<Connection>();

/**
 * The job once it is completed, discarded or cancelled: the server is asked to hold the answer until then, or again and again where it does not do that.
 * A server that is away for no longer than a call may take is waited for.
 * @throws as a call does; the deadline's reason.
 */
export async function waitFor<A extends JsonArray, R>(connection: Connection, jobId: string, deadline: Deadline): Promise<Job<A, R>> {
  let lastAnswer = performance.now();
  for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, lastPollMs)) {
    try {
      const job = await read<A, R>(connection, jobId, deadline);
      if (hasEnded(job.state)) return job;
      lastAnswer = performance.now();
      if (!withoutLongPoll.has(connection) && (await heldBack(connection, jobId, deadline))) continue;
    } catch (error) {
      deadline.signal.throwIfAborted();
      if (!isOutage(error) || performance.now() - lastAnswer > connection.timeoutMs) throw error;
    }
    await deadline.sleep(pause);
  }
}

async function read<A extends JsonArray, R>(connection: Connection, jobId: string, deadline: Deadline): Promise<Job<A, R>> {
  const call = { operation: 'job.get', params: { id: jobId } } as const;
  return readJob<A, R>(jobIn(await connection.call(call, { signal: deadline.signal }, { jobId })));
}

/** Asks once, and answers whether the server held the request back. */
async function heldBack(connection: Connection, jobId: string, deadline: Deadline): Promise<boolean> {
  const ms = Math.min(longPollMs, Math.max(1, deadline.remaining));
  const call = { operation: 'job.result', params: { id: jobId }, query: { wait: 'true', timeout: (ms / 1000).toFixed(3) } } as const;
  try {
    const options = { signal: deadline.signal, requestTimeout: ms + connection.timeoutMs };
    const body = await connection.call(call, options, { jobId }, { isAnswer: ({ status }) => status === 408 });
    // 408 says that the time of the wait is over; an unfinished job without it is the answer of who does not wait.
    if (isWire(body.error) || hasEnded(body.state)) return true;
    withoutLongPoll.add(connection);
    return false;
  } catch (error) {
    // Results that are gone already; the job itself still tells how it ended.
    if (isOjsError(error, 'result_pruned')) return true;
    if (!(error instanceof OJSAPIError) || isPassing(error)) throw error;
    // The job was there a moment ago: it is the route that is missing.
    withoutLongPoll.add(connection);
    return false;
  }
}

function hasEnded(state: unknown): boolean {
  return state === 'completed' || state === 'discarded' || state === 'cancelled';
}

function isOutage(error: unknown): boolean {
  if (error instanceof OJSAPIError) return isPassing(error);
  return error instanceof OJSConnectionError || error instanceof OJSTimeoutError;
}
