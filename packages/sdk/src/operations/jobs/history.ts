import type { HistoryEventType } from '@ojs-ts/core/lifecycle';
import type * as answers from '@ojs-ts/core/schemas';
import type { Operation } from '../../connection/operation.ts';
import { eachOf, numberOf, textOf } from '../../json.ts';
import { type Camel, camel } from '../answer.ts';
import { read } from '../row.ts';

/** Something that happened to a job (ojs-execution-history §4), and who caused it, as far as the server knows. */
export interface HistoryEvent extends Omit<Camel<answers.HistoryEvent>, 'metadata' | 'data'> {
  /** Such as `job.attempt_failed`. */
  readonly eventType: HistoryEventType | (string & {});
  /** By type: for example `worker_id`, `attempt`, `error`, `duration_ms`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** True if the server does not know the exact time. */
  readonly reconstructed: boolean;
}

const pageLimit = 1_000;

export const historyRows = {
  /**
   * Returns the history of a job, oldest first: its creation, its attempts and every change of its state
   * (ojs-execution-history §7.1, experimental). The server leaves out events beyond their retention.
   * @throws {JobNotFoundError}
   */
  history: jobHistory,
  /**
   * Deletes the history of a job that has ended, with its errors, and returns the number of deleted events. The job
   * stays. @throws {OJSAPIError} `conflict` for a job that has not ended. @throws {JobNotFoundError}
   */
  purgeHistory: (jobId: string) =>
    read({ operation: 'job.purgeHistory', params: { id: jobId } }, (body) => numberOf(body.events_deleted) ?? 0),
};

function* jobHistory(jobId: string): Operation<readonly HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const query = { limit: pageLimit, cursor };
    const body = yield { call: { operation: 'job.history', params: { id: jobId }, query }, about: { jobId } };
    const read = eachOf(body.events, readEvent);
    events.push(...read);
    cursor = textOf(body.next_cursor);
    if (cursor === undefined || read.length === 0) return events;
  }
}

function readEvent(item: unknown): HistoryEvent {
  const { metadata, ...event } = camel<answers.HistoryEvent>(item, 'id', 'timestamp', 'event_type');
  return { ...event, reconstructed: metadata?.reconstructed === true };
}
