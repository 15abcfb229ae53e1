import { isObject } from '@ojs-ts/core';
import { messageOf } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { backoffMs, pause } from '../connection/pause.ts';
import { textOf, type Wire } from '../json.ts';
import { Event } from './event.ts';
import { isOutage } from './outage.ts';
import type { FollowTimes } from './stream.ts';
import { EventType } from './types.ts';
import type { EventsOptions } from './wanted.ts';

const pageSize = 1_000;
const terminal: ReadonlySet<unknown> = new Set(['completed', 'cancelled', 'discarded']);

/**
 * Reads the event log page by page (ojs-events §6.4), for servers without streams. A job is followed from its
 * beginning, everything else from now on.
 */
export async function* polled(
  connection: Connection,
  options: EventsOptions,
  stop: AbortSignal,
  times: FollowTimes,
): AsyncGenerator<Event> {
  const { queue, jobId, types } = options;
  let after = options.after ?? (jobId === undefined ? await end(connection, stop, times) : undefined);
  let idleMs = times.minPollMs;
  let isOver = false;
  let isGone = false;
  while (!stop.aborted) {
    // Any type may end a job, so the loop reads all types of a job and filters here.
    const typesQuery = jobId === undefined ? types?.join(',') : undefined;
    const page = await read(connection, { after, queues: queue, types: typesQuery }, stop, times);
    if (page === null) return;
    const gap = { after: after ?? '' };
    if (page.gap === true)
      yield Event.fromDict({ event: EventType.SYSTEM_GAP, timestamp: new Date().toISOString(), data: gap });
    const events = Array.isArray(page.events) ? page.events.filter(isObject).map(Event.fromDict) : [];
    for (const event of events) {
      if (jobId !== undefined && event.jobId !== jobId) continue;
      isOver ||= jobId !== undefined && terminal.has(event.state);
      yield event;
    }
    after = textOf(page.cursor) ?? events.at(-1)?.id ?? after;
    if (page.has_more === true) continue;
    if (isOver || isGone) return;
    isGone = jobId !== undefined && (await hasEnded(connection, jobId, stop));
    // The log may have reported the end since the page was read.
    if (isGone) continue;
    idleMs = events.length > 0 ? times.minPollMs : Math.min(times.maxPollMs, idleMs * 1.5);
    await pause(idleMs, stop);
  }
}

/** The cursor at the end of the log. */
async function end(connection: Connection, stop: AbortSignal, times: FollowTimes): Promise<string | undefined> {
  for (let after: string | undefined; ; ) {
    const page = await read(connection, { after }, stop, times);
    after = textOf(page?.cursor) ?? after;
    if (page?.has_more !== true) return after;
  }
}

/** Null if the caller has left. An outage is waited out, as for a stream. */
async function read(
  connection: Connection,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  times: FollowTimes,
): Promise<Wire | null> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await connection.call({ operation: 'event.list', query: { ...query, limit: pageSize } }, { signal });
    } catch (error) {
      if (signal.aborted) break;
      if (!isOutage(error)) throw error;
      connection.logger.debug('event log unavailable: polling again', { error: messageOf(error) });
      await pause(backoffMs(failures, times.minBackoffMs, times.maxBackoffMs), signal);
    }
  }
  return null;
}

/**
 * Reports whether the job has ended although the log does not report it.
 * @throws {JobNotFoundError}
 */
async function hasEnded(connection: Connection, jobId: string, signal: AbortSignal): Promise<boolean> {
  try {
    const body = await connection.call({ operation: 'job.get', params: { id: jobId } }, { signal }, { jobId });
    const job = isObject(body.job) ? body.job : body;
    return terminal.has(job.state);
  } catch (error) {
    if (signal.aborted) return true;
    if (isOutage(error)) return false;
    throw error;
  }
}
