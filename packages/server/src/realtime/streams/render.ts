import { formatTimestamp, type Millis } from '@ojs-ts/core';
import { type Grant, shownEvent } from '@ojs-ts/core/access';
import { renderEvent, type WireEvent } from '@ojs-ts/core/events';
import { historyOf, type JobRecord, type Json, State, stateName } from '@ojs-ts/core/job';
import type { LogEvent } from '../log/log-events.ts';
import { type Item, idOf } from './selection.ts';

/** One event as a client gets it, over any transport. */
export interface Message {
  readonly name: string;
  /** The id from which a client continues after this message. */
  readonly id: string;
  /** The text of a JSON object. */
  readonly data: Json;
  readonly at: Millis;
}

/**
 * Renders events with the names of ojs-realtime §4, and as the envelope of ojs-events §2 if those have none. All
 * connections with the same rights share a renderer, which renders each event of the log once for all of them.
 */
export class Renderer {
  readonly #source: string;
  readonly #seed: number;
  readonly #grant: Grant | undefined;
  readonly #items = new WeakMap<LogEvent, Message[]>();
  readonly #envelopes = new WeakMap<LogEvent, Json>();

  /** @param grant of its clients; without one they see everything */
  constructor(source: string, seed: number, grant: Grant | undefined) {
    this.#source = source;
    this.#seed = seed;
    this.#grant = grant;
  }

  item(item: Item): Message {
    const { event, view, more } = item;
    const index = view === 'event' ? 0 : more ? 1 : 2;
    const known = this.#items.get(event) ?? [];
    const message = known[index] ?? this.#message(item);
    known[index] = message;
    this.#items.set(event, known);
    return message;
  }

  envelope(event: LogEvent): Json {
    const text = this.#envelopes.get(event) ?? JSON.stringify(this.#wire(event));
    this.#envelopes.set(event, text);
    return text;
  }

  #message(item: Item): Message {
    const { event, view } = item;
    const { at, entry } = event;
    const id = idOf(item);
    if (view === 'change') return { name: 'job.state_changed', id, data: change(event), at };
    const [kind] = entry;
    const data = kind === 'job.progress' || kind === 'job.heartbeat' ? this.#flat(event) : this.envelope(event);
    return { name: kind, id, data, at };
  }

  /**
   * job.progress and job.heartbeat (ojs-realtime §4.2, §4.3): the data of the catalogue's event, with the names of
   * ojs-realtime beside its own.
   */
  #flat(event: LogEvent): Json {
    const { data, timestamp } = this.#wire(event);
    const { job_type, worker_id, progress_percent: percent, progress_message: message } = data;
    const own =
      event.entry[0] === 'job.heartbeat'
        ? { worker_id: worker_id ?? '' }
        : {
            progress: Math.round(typeof percent === 'number' ? percent : 0),
            ...(typeof message === 'string' && { message }),
          };
    return JSON.stringify({ ...data, type: job_type, ...own, timestamp });
  }

  #wire({ position, at, entry }: LogEvent): WireEvent {
    return shownEvent(renderEvent({ position, at }, entry, 0, this.#source, this.#seed), this.#grant);
  }
}

/** job.state_changed (ojs-realtime §4.1). Ids, types, queues and states need no escape in JSON. */
function change({ at, entry: [, id, type, queue, from, state] }: LogEvent): Json {
  return changeText(id, type, queue, from ?? State.available, state ?? State.available, at);
}

function changeText(id: string | null, type: string | null, queue: string, from: State, to: State, at: Millis): Json {
  const states = `"from":"${stateName(from)}","to":"${stateName(to)}"`;
  return `{"job_id":"${id}","queue":"${queue}","type":"${type}",${states},"timestamp":"${formatTimestamp(at)}"}`;
}

/**
 * The last change of a finished job, from its record: the answer to a client that subscribes after the end
 * (ojs-realtime §2.1).
 */
export function lastChange(job: JobRecord): Pick<Message, 'name' | 'data' | 'at'> {
  const at = job.finishedAt ?? job.createdAt;
  return {
    name: 'job.state_changed',
    data: changeText(job.id, job.type, job.queue, stateBefore(job), job.state, at),
    at,
  };
}

/** The state of a finished job before its end. An expired one waited; its history says in which state. */
function stateBefore(job: JobRecord): State {
  const entries = historyOf(job).filter(({ kind }) => kind !== 'edited');
  const [before, last] = [entries.at(-2), entries.at(-1)];
  if (job.state === State.completed) return State.active;
  if (last?.kind === 'cancelled' || last?.kind === 'discarded') return last.from;
  // A retry that would come too late is written as a failure and an expiry at the same time.
  if (last?.kind !== 'expired' || (before?.kind === 'failed' && before.at === last.at)) return State.active;
  const delayed =
    (before?.kind === 'failed' && before.retryDelayMs !== undefined) ||
    (before?.kind === 'requeued' && before.delayMs !== undefined);
  if (delayed && before.at >= (job.enqueuedAt ?? 0)) return State.retryable;
  return job.enqueuedAt === null ? State.scheduled : State.available;
}
