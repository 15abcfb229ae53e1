import type { Millis } from '@ojs-ts/core';
import { type JobRecord, Terminal } from '@ojs-ts/core/job';
import type { EventSubscriptions, Gap } from '../log/event-subscriptions.ts';
import { lastChange, type Message, type Renderer } from './render.ts';
import { type Filter, itemsOf, selector, wantsChanges } from './selection.ts';

/** The most events that are replayed for a finished job. */
const maxReplayed = 1_000;

export function isFinished(job: JobRecord | null): job is JobRecord {
  return job !== null && (job.state & Terminal) !== 0;
}

/**
 * The answer about a finished job (ojs-realtime §2.1): its last change; with a cursor, the events since then, and
 * nothing if the client has seen the end. The log may have lost the end; the record has it.
 */
export async function finishedEvents(
  parts: { readonly subscriptions: EventSubscriptions; readonly renderer: Renderer },
  job: JobRecord,
  filter: Filter,
  after: number | null,
): Promise<{ readonly gap: Gap | null; readonly messages: readonly Message[]; readonly newest: number }> {
  const { subscriptions, renderer } = parts;
  const { newest } = await subscriptions.ends();
  const last: Message = { id: `${newest}`, ...lastChange(job) };
  if (after === null && filter.types.length === 0) return { gap: null, messages: [last], newest };
  const { events, gap } = await subscriptions.collect({ job: job.id }, after ?? 0, maxReplayed);
  const lastMove = events.findLastIndex(({ moves }) => moves);
  const selected = after === null ? events.slice(Math.max(0, lastMove)) : events;
  const select = selector(filter);
  const messages = selected.flatMap((event) => itemsOf(event, select(event))).map((item) => renderer.item(item));
  const complete = events.some(({ ends }) => ends) || (after !== null && gap === null);
  if (!complete && wantsChanges(filter)) messages.push(last);
  return { gap: after === null ? null : gap, messages, newest };
}

/**
 * system.gap (ojs-realtime §4.5). The time of the first missing event is unknown, so the gap begins with the channel.
 */
export function gapData(channel: string, { until, missed }: Gap, began: Millis, now: Millis): object {
  return {
    channel,
    gap_start: new Date(began).toISOString(),
    gap_end: new Date(until ?? now).toISOString(),
    ...(missed > 0 && { estimated_missed_count: missed }),
  };
}
