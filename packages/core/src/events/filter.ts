import { commaSeparated, type Query } from '../requests/pages.ts';
import { type EventEntry, jobTypeOf } from './events.ts';

/** An empty list matches all; filters are combined by AND. */
export interface EventFilter {
  /** A trailing `*` matches every kind with that prefix. */
  readonly types: readonly string[];
  readonly queues: readonly string[];
  readonly jobTypes: readonly string[];
}

export function readEventFilter(query: Query): EventFilter {
  return {
    types: commaSeparated(query.types ?? query.type),
    queues: commaSeparated(query.queues ?? query.queue),
    jobTypes: commaSeparated(query.job_types),
  };
}

/**
 * Returns a check whether a kind is one of `types`; a trailing `*` matches every kind with that prefix (ojs-events
 * §6.1).
 */
export function kindMatcher(types: readonly string[]): (kind: string) => boolean {
  const exact = new Set(types.filter((type) => !type.endsWith('*')));
  const prefixes = types.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return (kind) => exact.has(kind) || prefixes.some((prefix) => kind.startsWith(prefix));
}

export function matcher({ types, queues, jobTypes }: EventFilter): (entry: EventEntry) => boolean {
  const ofKind = kindMatcher(types);
  const inQueues = new Set(queues);
  const ofTypes = new Set(jobTypes);
  return (entry) =>
    (types.length === 0 || ofKind(entry[0])) &&
    (inQueues.size === 0 || inQueues.has(entry[3])) &&
    (ofTypes.size === 0 || ofTypes.has(jobTypeOf(entry) ?? ''));
}
