import { type StreamAnswer, type StreamCall, type StreamChannel, type Transport, uuidv7 } from '@ojs-ts/core';
import { apiError, isPassing, retryAfterMs } from '../connection/api-error.ts';
import { messageOf } from '../connection/attempts.ts';
import type { Connection } from '../connection/connection.ts';
import { currentFake } from '../connection/fake.ts';
import { backoffMs, pause, untilAborted } from '../connection/pause.ts';
import type { OJSAPIError } from '../errors.ts';
import { streamPlaceOf } from '../transport/stream.ts';
import { Event } from './event.ts';
import { type Frame, FrameReader } from './frames.ts';
import { Silence } from './silence.ts';
import { type EventsOptions, kindsOf } from './wanted.ts';

const terminal: ReadonlySet<unknown> = new Set(['completed', 'cancelled', 'discarded']);
/** A connection that lasted this long was accepted by the server: the backoff starts again. Milliseconds. */
const steadyMs = 5_000;

/** Why a stream is over: its job ended, its caller left, or the server has no such stream. */
export type StreamEnd =
  | { readonly kind: 'ended' }
  | {
      readonly kind: 'unsupported';
      readonly error: OJSAPIError | null /** The id of the last event; '' if there was none. */;
      readonly lastId: string;
    };

const ended: StreamEnd = { kind: 'ended' };

export interface StreamParts {
  readonly connection: Connection;
  readonly channel: StreamChannel;
  readonly options: EventsOptions;
  readonly query: StreamCall['query'];
  readonly stop: AbortSignal;
  readonly times: FollowTimes;
  readonly onOpen: () => void;
}

/** The query of a stream: the wanted event types, spelled out for servers that know the catalogue. */
export function streamQuery(
  { types, queue }: EventsOptions,
  channel: StreamChannel,
  catalogue: boolean,
): StreamCall['query'] {
  const kinds = catalogue || types !== undefined ? kindsOf(types).join(',') : undefined;
  return { event_types: kinds, ...(channel === 'all' && queue !== undefined && { queues: queue }) };
}

/**
 * Follows a channel across connections. Each connection continues after the last event of the one before, so that no
 * event is lost or delivered twice (ojs-realtime §2.5). Events that the server dropped because the reader was slow are
 * requested again.
 * @throws {OJSAPIError} for a lasting refusal, such as a missing permission or an event log that is off.
 */
export async function* streamed({
  connection,
  channel,
  options,
  query,
  stop,
  times,
  onOpen,
}: StreamParts): AsyncGenerator<Event, StreamEnd> {
  let lastId = options.after ?? '';
  let maxMs = times.maxBackoffMs;
  let isOver = false;
  for (let failures = 0; !stop.aborted; ) {
    using silence = new Silence(times.silenceMs, stop);
    const began = performance.now();
    let refusal: StreamAnswer | null = null;
    let again = false;
    try {
      const call = { channel, ...(query && { query }), ...(lastId !== '' && { lastEventId: lastId }) };
      const answer = await open(connection, call, silence.signal);
      if (answer.chunks === null) refusal = answer;
      else {
        const reader = new FrameReader(lastId);
        onOpen();
        for await (const chunk of answer.chunks) {
          silence.reset();
          for (const frame of reader.read(chunk)) {
            if (frame.name === 'system.events_dropped') again = true;
            if (again) break;
            if (frame.name === 'server.shutdown') continue;
            lastId = frame.id;
            failures = 0;
            const event = read(connection, frame);
            if (event === null) continue;
            isOver ||= channel.startsWith('job:') && terminal.has(event.state);
            silence.pause();
            yield event;
            silence.reset();
          }
          if (again) break;
          lastId = reader.lastId;
          maxMs = Math.max(times.minBackoffMs, Math.min(times.maxBackoffMs, reader.retryMs ?? times.maxBackoffMs));
        }
        if (isOver && !again) return ended;
      }
    } catch (error) {
      if (stop.aborted) break;
      connection.logger.debug('event stream broken: connecting again', {
        error: messageOf(silence.signal.reason ?? error),
      });
    }
    if (again) continue;
    let wait: number | undefined;
    if (refusal !== null) {
      if (refusal.status === 204) return ended;
      const error = apiError(
        refusal,
        { operation: 'event.stream' },
        streamPlaceOf({ channel, ...(query && { query }) }, connection.http),
      );
      if (!isPassing(error)) return refused(refusal, error, lastId);
      wait = retryAfterMs(refusal.headers);
      connection.logger.warn('event stream refused: trying again', { error: error.message });
    }
    if (performance.now() - began > steadyMs) failures = 0;
    failures += 1;
    await pause(wait ?? backoffMs(failures, times.minBackoffMs, maxMs), stop);
  }
  return ended;
}

async function open(connection: Connection, call: StreamCall, signal: AbortSignal): Promise<StreamAnswer> {
  const answer = streaming(connection)?.stream(call, { signal, requestId: `req_${uuidv7()}` });
  if (answer === undefined) return { status: 501, text: '', headers: {}, chunks: null };
  // Some HTTP clients observe a signal only while they read a body.
  return untilAborted(answer, signal);
}

/**
 * A page that is no stream, or a missing path, leads to polling. Any other refusal concerns this caller or this log,
 * and is an error.
 */
function refused(answer: StreamAnswer, error: OJSAPIError, lastId: string): StreamEnd {
  if (answer.status < 400) return { kind: 'unsupported', error: null, lastId };
  if (error.error.foreign || [400, 404, 405, 406, 501].includes(error.statusCode))
    return { kind: 'unsupported', error, lastId };
  throw error;
}

/** Null for a frame that is no event: one bad frame must not end the stream. */
function read(connection: Connection, { name, id, data }: Frame): Event | null {
  try {
    return Event.fromStream(name, id, JSON.parse(data));
  } catch (error) {
    connection.logger.warn('stream event skipped: it could not be read', { event: name, error: messageOf(error) });
    return null;
  }
}

/** The transport, if it has streams. Null in a test with a fake, which is polled instead. */
export function streaming({ transport }: Connection): Required<Transport> | null {
  return currentFake() === null && hasStreams(transport) ? transport : null;
}

function hasStreams(transport: Transport): transport is Required<Transport> {
  return transport.stream !== undefined;
}

/** Times in milliseconds. */
export interface FollowTimes {
  /**
   * A stream that is silent for this long counts as broken. Servers send a keep-alive every 15 s at least (ojs-realtime
   * §2.4).
   */
  readonly silenceMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** The pause between two polls of a server without streams. */
  readonly minPollMs: number;
  readonly maxPollMs: number;
}

export const followTimes: FollowTimes = {
  silenceMs: 35_000,
  minBackoffMs: 100,
  maxBackoffMs: 5_000,
  minPollMs: 100,
  maxPollMs: 1_000,
};
