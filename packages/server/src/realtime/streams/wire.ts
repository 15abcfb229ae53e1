import { formatTimestamp } from '@ojs-ts/core';
import type { Json } from '@ojs-ts/core/job';
import type { Delivery, Sink, Target } from './connection.ts';

/** How long a client waits before it connects again, in milliseconds (ojs-realtime §2.3). */
const retryMs = 3_000;

/**
 * The first bytes of an event stream. They have the current end of the log, so that a client whose connection breaks
 * before the first event misses nothing. A browser does not report an event without data.
 */
export function streamHead(lastId: string): string {
  return `retry: ${retryMs}\nid: ${lastId}\n\n`;
}

export const heartbeatComment = ':heartbeat\n\n';

/** An event of a stream (W3C Server-Sent Events). JSON text has no line breaks here. */
export function streamEvent({ message: { name, id, data }, dropped }: Delivery): string {
  const comment = dropped === null ? '' : `:events-dropped ${dropped.count}\n\n`;
  return `${comment}id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;
}

/**
 * The messages of a WebSocket (ojs-realtime §3.4, §5.4): a warning before the notice of dropped events, and bare
 * envelopes for a view of the log itself.
 */
export function frames({ to, message, dropped }: Delivery): readonly Json[] {
  const { channel, subscriptionId } = to;
  const { name, id, data, at } = message;
  if (subscriptionId !== null && !name.startsWith('system.') && !name.startsWith('server.')) return [data];
  const about = subscriptionId === null ? '' : `"subscription_id":"${subscriptionId}",`;
  const start = `{"type":"event","channel":${JSON.stringify(channel)},${about}"event":"${name}"`;
  const event = `${start},"data":${data},"id":"${id}","timestamp":"${formatTimestamp(at)}"}`;
  if (dropped === null) return [event];
  const { count, oldest, newest } = dropped;
  const warning = {
    type: 'warning',
    code: 'events_dropped',
    count,
    channel,
    oldest_dropped_id: oldest,
    newest_dropped_id: newest,
  };
  return [JSON.stringify(warning), event];
}

/** One event of a stream that shows a state, or a summary. */
export interface StateFrame {
  readonly name: string;
  readonly id: string;
  /** On one line. */
  readonly data: Json;
}

const to: Target = { channel: '', subscriptionId: null };

/** Writes until the frames end. A slow reader misses intermediate frames, never the last one. */
export async function writeFrames(sink: Sink, frames: AsyncIterable<StateFrame>): Promise<void> {
  for await (const frame of frames) await sink.write([{ to, message: { ...frame, at: 0 }, dropped: null }]);
  sink.end();
}
