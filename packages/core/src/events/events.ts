import type { JobRecord, Json } from '../job/job.ts';
import { State, stateName } from '../job/states.ts';
import type { Millis } from '../time/clock.ts';
import { formatTimestamp } from '../time/timestamp.ts';
import { readUuidFrom, uuidFrom } from '../uuid.ts';
import type { EventKind } from './kinds.ts';

/**
 * The fields of the record after the change that an event contains. The event of a creation also has the start and the
 * priority.
 */
export type EventSubject = Pick<
  JobRecord,
  'id' | 'type' | 'queue' | 'state' | 'attempt' | 'worker' | 'startedAt' | 'trace'
> &
  Partial<Pick<JobRecord, 'runAt' | 'priority'>>;

/**
 * The events of one committed batch; event i has position `position + i`. `entries` is the text of a JSON array with
 * one element an event: an {@link EventEntry}, or less if an earlier entry has the rest. `readEntries` reads it.
 */
export interface EventBatch {
  readonly position: number;
  readonly at: Millis;
  readonly count: number;
  readonly entries: Json;
}

/**
 * kind, subject (job id, workflow id, cron name, worker id; null for a queue), type, queue, state before and after,
 * attempt, worker, startedAt, trace, more data. Short, because one is written for every change.
 */
export type EventEntry = readonly [
  EventKind,
  string | null,
  string | null,
  string,
  State | null,
  State | null,
  number,
  string | null,
  Millis | null,
  string | null,
  object | null,
];

/**
 * The type of the job that an event is about, of the job itself or of its workflow or cron; null if the event is about
 * no single job.
 */
export function jobTypeOf([, , type, , , , , , , , data]: EventEntry): string | null {
  if (type !== null || data === null || !('job_type' in data)) return type;
  return typeof data.job_type === 'string' ? data.job_type : null;
}

/**
 * The JSON text of one event entry, to be joined by commas into a batch's `entries`. `from` is the state before the
 * change, null at creation.
 */
export function jobEventEntry(kind: EventKind, job: EventSubject, from: State | null, data: Json | null = null): Json {
  const worker = job.worker === null ? 'null' : JSON.stringify(job.worker);
  const trace = job.trace === null ? 'null' : JSON.stringify(job.trace);
  // type, queue and id have only characters that need no escape in JSON (ojs-core §5.1).
  const more = data ?? (from === null ? creationData(job) : null);
  return `["${kind}","${job.id}","${job.type}","${job.queue}",${from},${job.state},${job.attempt},${worker},${job.startedAt},${trace},${more}]`;
}

/** ojs-events §4.1: `scheduled_at` of job.scheduled, `priority` of job.enqueued if one was given. */
function creationData({ state, runAt, priority }: EventSubject): Json | null {
  if (state === State.scheduled && runAt !== undefined) return `{"scheduled_at":"${formatTimestamp(runAt)}"}`;
  return priority ? `{"priority":${priority}}` : null;
}

/** The event of a lease that a heartbeat extended (ojs-events, level 1). */
export function heartbeatEntry(job: EventSubject, leaseUntil: Millis): Json {
  return jobEventEntry('job.heartbeat', job, job.state, `{"visible_until":"${formatTimestamp(leaseUntil)}"}`);
}

export function queueEventEntry(kind: 'queue.paused' | 'queue.resumed', queue: string): Json {
  return `["${kind}",null,null,"${queue}",null,null,0,null,null,null,null]`;
}

/**
 * The event of a workflow, a cron, a worker or a bulk operation. All its content is in `data`, the text of a JSON
 * object.
 */
export function otherEventEntry(kind: EventKind, subject: string, data: Json, queue = ''): Json {
  return `["${kind}",${JSON.stringify(subject)},null,"${queue}",null,null,0,null,null,null,${data}]`;
}

/** The kind of event that the creation of a job in this state makes; a pending job makes none (ojs-events §5). */
export function creationEvent(state: State): EventKind | null {
  if (state === State.available) return 'job.enqueued';
  return state === State.scheduled ? 'job.scheduled' : null;
}

/** The event envelope as it goes over the wire (ojs-events §4). */
export interface WireEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly type: string;
  readonly event: string;
  readonly source: string;
  readonly time: string;
  readonly timestamp: string;
  readonly subject: string;
  readonly datacontenttype: 'application/json';
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Renders event number `index` of a batch. The id follows from time, position and `seed` (a number of the store), so
 * every read of an event gives the same id.
 */
export function renderEvent(
  batch: Pick<EventBatch, 'position' | 'at'>,
  entry: EventEntry,
  index: number,
  source: string,
  seed: number,
): WireEvent {
  const [kind, subject, type, queue, from, state, attempt, worker, startedAt, trace, more] = entry;
  const time = new Date(batch.at).toISOString();
  const data: Record<string, unknown> = type === null ? {} : { job_id: subject, job_type: type, queue, attempt };
  if (type === null && queue !== '') data.queue = queue;
  if (from !== null && from !== state) data.previous_state = stateName(from);
  if (state !== null) data.state = stateName(state);
  // A fetch may come without a worker, but the event must have one (ojs-events §4.1).
  if (worker !== null || kind === 'job.started') data.worker_id = worker ?? '';
  if (trace !== null) data.trace_id = trace;
  // Only of an execution that is running or ends with the event; a waiting job has `startedAt` of the previous one.
  if (startedAt !== null && from === State.active && kind !== 'job.heartbeat')
    data.duration_ms = Math.max(0, batch.at - startedAt);
  return {
    specversion: '1.0',
    id: `evt_${uuidFrom(batch.at, batch.position + index, seed)}`,
    type: kind,
    event: kind,
    source,
    time,
    timestamp: time,
    subject: subject ?? queue,
    datacontenttype: 'application/json',
    data: { ...data, ...more },
  };
}

/**
 * Time and position in the log of the event with this id, and the seed of its store; null for a text that is no event
 * id.
 */
export function readEventId(
  id: string,
): { readonly at: Millis; readonly position: number; readonly seed: number } | null {
  if (!id.startsWith('evt_')) return null;
  const read = readUuidFrom(id.slice(4));
  return read && { at: read.ms, position: read.number, seed: read.seed };
}

/** A read of the event log. */
export interface EventsRead {
  readonly batches: readonly EventBatch[];
  /** The first position still kept: a cursor before it has missed events. */
  readonly oldest: number;
  readonly newest: number;
  /**
   * The position that the read reached, since one call looks at a bounded part of the log: the caller has every batch
   * between its position and this one, and continues from here. At the end of the log `newest`, and backwards `oldest`.
   */
  readonly reached: number;
}
