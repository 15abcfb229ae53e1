import type { Millis } from './clock.ts';
import type { JobId, JobRecord, Json } from './job.ts';
import { State, stateName } from './states.ts';
import { formatTimestamp } from './timestamp.ts';
import { uuidFrom } from './uuid.ts';

/** ojs-events §5: the kinds that this server emits. */
export type EventKind =
  | 'job.enqueued'
  | 'job.scheduled'
  | 'job.started'
  | 'job.heartbeat'
  | 'job.completed'
  | 'job.failed'
  | 'job.retrying'
  | 'job.cancelled'
  | 'job.discarded'
  | 'job.expired'
  | 'job.timeout'
  | 'queue.paused'
  | 'queue.resumed';

/** What an event says about its job, taken from the record after the change. */
export type EventSubject = Pick<JobRecord, 'id' | 'type' | 'queue' | 'state' | 'attempt' | 'worker' | 'startedAt' | 'trace'>;

/**
 * The events of one committed batch. `entries` is the text of a JSON array with one {@link EventEntry} an event;
 * event i of the batch has position `position + i`.
 */
export interface EventBatch {
  readonly position: number;
  readonly at: Millis;
  readonly count: number;
  readonly entries: Json;
}

/** kind, job id (or null), type, queue, state, attempt, worker, startedAt, trace, more data. Short, because one is written for every change. */
export type EventEntry = readonly [
  EventKind,
  JobId | null,
  string | null,
  string,
  State | null,
  number,
  string | null,
  Millis | null,
  string | null,
  object | null,
];

/** The JSON text of one event entry, to be joined by commas into a batch's `entries`. */
export function jobEventEntry(kind: EventKind, job: EventSubject, data: Json | null = null): Json {
  const worker = job.worker === null ? 'null' : JSON.stringify(job.worker);
  const trace = job.trace === null ? 'null' : JSON.stringify(job.trace);
  // type, queue and id are restricted to characters that need no escape in JSON (digest §0).
  return `["${kind}","${job.id}","${job.type}","${job.queue}",${job.state},${job.attempt},${worker},${job.startedAt},${trace},${data}]`;
}

/** The event of a lease that a heartbeat extended (ojs-events, level 1). */
export function heartbeatEntry(job: EventSubject, leaseUntil: Millis): Json {
  return jobEventEntry('job.heartbeat', job, `{"visible_until":"${formatTimestamp(leaseUntil)}"}`);
}

export function queueEventEntry(kind: 'queue.paused' | 'queue.resumed', queue: string): Json {
  return `["${kind}",null,null,"${queue}",null,0,null,null,null,null]`;
}

/** The kind of event that the creation of a job in this state makes; a pending job makes none (digest §2, rows 1–3). */
export function creationEvent(state: State): EventKind | null {
  if (state === State.available) return 'job.enqueued';
  return state === State.scheduled ? 'job.scheduled' : null;
}

/** The event envelope as it goes over the wire (ojs-events §4, X27). */
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
 * Renders event number `index` of a batch. The id follows from time, position and `seed` (a number that is the store's own),
 * so every read of one event gives the same id.
 */
export function renderEvent(batch: EventBatch, entry: EventEntry, index: number, source: string, seed: number): WireEvent {
  const [kind, id, type, queue, state, attempt, worker, startedAt, trace, more] = entry;
  const time = new Date(batch.at).toISOString();
  const data: Record<string, unknown> = id === null ? { queue } : { job_id: id, job_type: type, queue, attempt };
  if (state !== null) data.state = stateName(state);
  if (worker !== null) data.worker_id = worker;
  if (trace !== null) data.trace_id = trace;
  if (startedAt !== null && kind !== 'job.started' && kind !== 'job.heartbeat') data.duration_ms = Math.max(0, batch.at - startedAt);
  return {
    specversion: '1.0',
    id: `evt_${uuidFrom(batch.at, batch.position + index, seed)}`,
    type: kind,
    event: kind,
    source,
    time,
    timestamp: time,
    subject: id ?? queue,
    datacontenttype: 'application/json',
    data: { ...data, ...more },
  };
}
