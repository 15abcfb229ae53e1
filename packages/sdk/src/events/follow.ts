import type { StreamChannel } from '@ojs-ts/core';
import type { Connection } from '../connection/connection.ts';
import { untilAborted } from '../connection/pause.ts';
import { serverTraits } from '../operations/manifest.ts';
import type { Event } from './event.ts';
import { polled } from './poll.ts';
import { type FollowTimes, followTimes, streamed, streaming, streamQuery } from './stream.ts';
import { EventType } from './types.ts';
import { checkEventsOptions, type EventsOptions, matcherOf } from './wanted.ts';

export interface FollowParts {
  readonly times: FollowTimes;
  /** Called whenever a stream has been opened: what is committed from then on will be told. */
  readonly onOpen: () => void;
}

/**
 * The events of a server as they happen. Each loop over it is a connection of its own, which `break` closes; nothing is
 * asked before the loop begins. Where a stream breaks, it goes on after the last event; where there is none, the log is
 * polled. Ends when the client is closed.
 * @throws {OJSValidationError}
 */
export function follow(
  connection: Connection,
  options: EventsOptions,
  parts: Partial<FollowParts> = {},
): AsyncIterable<Event> {
  const { times = followTimes, onOpen = () => {} } = parts;
  checkEventsOptions(options);
  return {
    [Symbol.asyncIterator]() {
      // Whoever leaves while the next event is awaited must not wait for it.
      const left = new AbortController();
      const events = run(
        connection,
        options,
        AbortSignal.any([left.signal, connection.closing, ...signalOf(options)]),
        { times, onOpen },
      );
      return {
        next: () => events.next(),
        return: async () => {
          left.abort();
          await events.return();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function signalOf({ signal }: EventsOptions): readonly AbortSignal[] {
  return signal === undefined ? [] : [signal];
}

async function* run(
  connection: Connection,
  options: EventsOptions,
  stop: AbortSignal,
  parts: FollowParts,
): AsyncGenerator<Event, void> {
  options.signal?.throwIfAborted();
  const isWanted = matcherOf(options.types);
  for await (const event of source(connection, options, stop, parts)) {
    if (isWanted(event.event)) yield event;
    options.signal?.throwIfAborted();
  }
  options.signal?.throwIfAborted();
}

async function* source(
  connection: Connection,
  options: EventsOptions,
  stop: AbortSignal,
  parts: FollowParts,
): AsyncGenerator<Event> {
  const { jobId, types } = options;
  let from = options;
  if (streaming(connection) !== null) {
    const traits = await untilAborted(serverTraits(connection), stop).catch((error: unknown) => {
      if (stop.aborted) return null;
      throw error;
    });
    if (traits === null) return;
    for (const channel of channelsOf(options)) {
      const query = streamQuery(options, channel, traits.catalogueStreams);
      const end = yield* streamed({ connection, channel, options: from, query, stop, ...parts });
      if (end.kind === 'ended') return;
      // A job that is not there, on a server that has streams: its own words say so.
      if (jobId !== undefined && end.error?.code === 'not_found' && end.error.error.details.job_id === jobId)
        throw end.error;
      // A stream that was there and is so no more, as behind a proxy: what is polled goes on where it broke.
      if (end.lastId !== '') from = { ...options, after: end.lastId };
    }
  }
  for await (const event of polled(connection, from, stop, parts.times)) {
    // What changes a state is told by the event of its own kind.
    if (types !== undefined || event.event !== EventType.JOB_STATE_CHANGED) yield event;
  }
}

/**
 * In the order in which they are tried: a queue that nobody has used yet has no channel, but its events are among all.
 */
function channelsOf({ queue, jobId }: EventsOptions): readonly StreamChannel[] {
  if (jobId !== undefined) return [`job:${jobId}`];
  return queue === undefined ? ['all'] : [`queue:${queue}`, 'all'];
}
