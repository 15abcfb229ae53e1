import { isObject } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import { compact, dateOf, numberOf, textOf, type Wire } from '../json.ts';
import type { EventType } from './types.ts';

interface Fields {
  readonly event: string;
  readonly timestamp: Date;
  readonly data: Wire;
  readonly id?: string | undefined;
  readonly source?: string | undefined;
  readonly subject?: string | undefined;
}

/** An event of a server (ojs-events §2). */
export class Event {
  readonly event: EventType | (string & {});
  readonly timestamp: Date;
  readonly data: Wire;
  /** The event's id and position in the log. Pass it as `after` to continue behind this event. */
  declare readonly id?: string;
  declare readonly source?: string;
  readonly #subject: string | undefined;

  private constructor({ event, timestamp, data, id, source, subject }: Fields) {
    this.event = event;
    this.timestamp = timestamp;
    this.data = data;
    if (id !== undefined) this.id = id;
    if (source !== undefined) this.source = source;
    this.#subject = subject;
  }

  /**
   * Reads the native form `{ event, timestamp, data }` and the CloudEvents form `{ type, time, data }`.
   * @throws {OJSValidationError} if the event type or the timestamp is missing.
   */
  static fromDict(raw: Readonly<Record<string, unknown>>): Event {
    if (!isObject(raw)) throw OJSValidationError.of('event', 'expected an object', raw);
    const event = textOf(raw.event) ?? textOf(raw.type);
    if (event === undefined)
      throw OJSValidationError.of(
        'event',
        "expected the event type as a text in 'event' or 'type'",
        raw.event ?? raw.type,
      );
    const timestamp = dateOf(raw.timestamp) ?? dateOf(raw.time);
    if (timestamp === undefined) {
      throw OJSValidationError.of(
        'timestamp',
        "expected an RFC 3339 timestamp in 'timestamp' or 'time'",
        raw.timestamp ?? raw.time,
      );
    }
    const data = raw.data ?? {};
    if (!isObject(data)) throw OJSValidationError.of('data', 'expected an object', data);
    return new Event({
      event,
      timestamp,
      data,
      id: textOf(raw.id),
      source: textOf(raw.source),
      subject: textOf(raw.subject),
    });
  }

  /**
   * Reads an event of a stream. Its data is either an envelope, or flat (ojs-realtime §4): then type and id come from
   * the stream's frame.
   * @throws {OJSValidationError} if `data` is neither.
   */
  static fromStream(kind: string, id: string, data: unknown): Event {
    if (!isObject(data))
      throw OJSValidationError.of('data', `expected a JSON object in the event ${JSON.stringify(kind)} of a stream`);
    // A flat event names its job on the first level; progress has an object `data` of its own and the job's `type`.
    const isEnvelope =
      data.job_id === undefined && isObject(data.data) && (textOf(data.event) ?? textOf(data.type)) !== undefined;
    if (isEnvelope && (dateOf(data.timestamp) ?? dateOf(data.time)) !== undefined) return Event.fromDict(data);
    return new Event({ event: kind, timestamp: dateOf(data.timestamp) ?? new Date(), data, ...(id !== '' && { id }) });
  }

  get jobId(): string | undefined {
    return textOf(this.data.job_id) ?? (this.event.startsWith('job.') ? this.#subject : undefined);
  }

  get jobType(): string | undefined {
    return textOf(this.data.job_type) ?? (this.event.startsWith('job.') ? textOf(this.data.type) : undefined);
  }

  get queue(): string | undefined {
    return textOf(this.data.queue);
  }

  /** State of the job after the event. */
  get state(): string | undefined {
    return textOf(this.data.state) ?? textOf(this.data.to);
  }

  /** State of the job before the event, if the event changed it. */
  get previousState(): string | undefined {
    return textOf(this.data.previous_state) ?? textOf(this.data.from);
  }

  /** The attempt of the job, from 1. */
  get attempt(): number | undefined {
    return numberOf(this.data.attempt);
  }

  get workerId(): string | undefined {
    return textOf(this.data.worker_id) ?? (this.event.startsWith('worker.') ? this.#subject : undefined);
  }

  /**
   * The progress that the job reported; only on `job.progress`. The percentage is from 0 to 100. Other servers may
   * round it, and leave out `data`.
   */
  get progress(): { readonly percent: number; readonly message?: string; readonly data?: unknown } | undefined {
    if (this.event !== 'job.progress') return undefined;
    const percent = numberOf(this.data.progress_percent) ?? numberOf(this.data.progress) ?? 0;
    const message = textOf(this.data.progress_message) ?? textOf(this.data.message);
    return compact({ percent, message, data: this.data.data });
  }

  get workflowId(): string | undefined {
    return textOf(this.data.workflow_id);
  }

  /** The form that `fromDict` reads. */
  toJSON(): object {
    const { id, event, timestamp, source, data } = this;
    return { id, event, timestamp, source, data };
  }
}
