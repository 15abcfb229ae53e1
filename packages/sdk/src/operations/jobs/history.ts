import type { HistoryActor, HistoryEventType } from '@ojs-ts/core/lifecycle';
import type { Operation } from '../../connection/operation.ts';
import { compact, dateOf, eachOf, numberOf, oneOf, textOf, wireOf } from '../../json.ts';

/** Something that happened to a job (ojs-execution-history §4). */
export interface HistoryEvent {
  readonly id: string;
  readonly jobId: string;
  /** Such as `job.attempt_failed`. */
  readonly eventType: HistoryEventType | (string & {});
  readonly timestamp: Date;
  /** Who caused it, as far as the server knows. */
  readonly actor?: { readonly type: HistoryActor['type']; readonly id?: string };
  /** By type: for example `worker_id`, `attempt`, `error`, `duration_ms`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** True if the server does not know the exact time. */
  readonly reconstructed: boolean;
}

const pageLimit = 1_000;
const actorType = oneOf('worker', 'client', 'system', 'user');

export function* jobHistory(jobId: string): Operation<readonly HistoryEvent[]> {
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

export function* purgeJobHistory(jobId: string): Operation<number> {
  const body = yield { call: { operation: 'job.purgeHistory', params: { id: jobId } }, about: { jobId } };
  return numberOf(body.events_deleted) ?? 0;
}

function readEvent(item: unknown): HistoryEvent | undefined {
  const raw = wireOf(item) ?? {};
  const [id, timestamp, eventType] = [textOf(raw.id), dateOf(raw.timestamp), textOf(raw.event_type)];
  if (id === undefined || timestamp === undefined || eventType === undefined) return undefined;
  const actor = wireOf(raw.actor) ?? {};
  const type = actorType(actor.type);
  return compact({
    id,
    jobId: textOf(raw.job_id) ?? '',
    eventType,
    timestamp,
    actor: type === undefined ? undefined : compact({ type, id: textOf(actor.id) }),
    data: wireOf(raw.data) ?? {},
    reconstructed: wireOf(raw.metadata)?.reconstructed === true,
  });
}
