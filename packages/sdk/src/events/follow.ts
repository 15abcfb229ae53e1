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
  /** Called each time a stream opens. The stream delivers everything that is committed from then on. */
  readonly onOpen: () => void;
}

/**
 * Follows the events of a server. Each loop opens a connection of its own, and `break` closes it. No request is sent
 * before the loop begins. If a stream breaks, the loop reconnects and continues after the last event. On a server
 * without streams, the loop polls the event log. The loop ends when the client closes.
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
      // `break` while the next event is pending must not wait for that event.
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
      // The server has streams and says that this job does not exist: throw its own error.
      if (jobId !== undefined && end.error?.code === 'not_found' && end.error.error.details.job_id === jobId)
        throw end.error;
      // A stream that worked before and is now unavailable, as behind a proxy: polling continues after its last
      // event.
      if (end.lastId !== '') from = { ...options, after: end.lastId };
    }
  }
  for await (const event of polled(connection, from, stop, parts.times)) {
    // The event of its own type reports each change of state too.
    if (types !== undefined || event.event !== EventType.JOB_STATE_CHANGED) yield event;
  }
}

/**
 * Channels in the order in which they are tried. A queue that was never used has no channel yet, but `all` carries its
 * events.
 */
function channelsOf({ queue, jobId }: EventsOptions): readonly StreamChannel[] {
  if (jobId !== undefined) return [`job:${jobId}`];
  return queue === undefined ? ['all'] : [`queue:${queue}`, 'all'];
}
