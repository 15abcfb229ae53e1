import { formatDuration, isState, type NamesOf } from '@ojs-ts/core';
import { OJSValidationError } from '../errors.ts';
import type { JobState } from '../job/policies.ts';
import { timestamp } from '../job/wire.ts';
import { compact, type Meta } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { known } from '../options/known.ts';
import { durationMs, integer } from '../options/values.ts';

/** What every filter may narrow by; all of what is given has to hold. */
export interface SubjectFilter {
  /** Default: all queues. */
  queue?: string | undefined;
  /** Exact, or with a `*` at its end. */
  type?: string | undefined;
  /** Type or code of the last error. */
  errorType?: string | undefined;
  /** A part of the JSON text of the args. */
  args?: string | undefined;
}

/** Jobs of the dead letter; all of what is given has to hold, and nothing given is all of them. */
export interface DeadLetterFilter extends SubjectFilter {
  /** Discarded at this time or later. */
  since?: Date | string | undefined;
  /** Discarded before this time. */
  until?: Date | string | undefined;
  /** Discarded so long ago or longer. */
  olderThan?: Duration | undefined;
}

/** Jobs of a bulk operation; all of what is given has to hold, and nothing given is every job that the operation may change. */
export interface BulkFilter extends SubjectFilter {
  /** Default: all that the operation may change. */
  state?: JobState | readonly JobState[] | undefined;
  priority?: number | undefined;
  /** Members that the meta has, with these values. */
  meta?: Meta | undefined;
  createdAfter?: Date | string | undefined;
  createdBefore?: Date | string | undefined;
  /** By the last time that the job became available. */
  enqueuedAfter?: Date | string | undefined;
  enqueuedBefore?: Date | string | undefined;
}

export const subjectNames: NamesOf<SubjectFilter> = { queue: true, type: true, errorType: true, args: true };
export const deadLetterNames: NamesOf<DeadLetterFilter> = {
  ...subjectNames,
  since: true,
  until: true,
  olderThan: true,
};
const bulkNames: NamesOf<BulkFilter> = {
  ...subjectNames,
  state: true,
  priority: true,
  meta: true,
  createdAfter: true,
  createdBefore: true,
  enqueuedAfter: true,
  enqueuedBefore: true,
};

/** Its parts that are texts: a query, or members of a body. */
export function wireSubject({ queue, type, errorType, args }: SubjectFilter): Record<string, string> {
  for (const [name, value] of Object.entries({ queue, type, errorType, args })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw OJSValidationError.of(name, `expected a text that is not empty, got ${JSON.stringify(value)}`);
  }
  return compact({ queue, type, error_type: errorType, args });
}

/** @throws {OJSValidationError} A misspelt part would let everything fit. */
export function wireDeadLetterFilter(filter: DeadLetterFilter): Record<string, string> {
  known(filter, deadLetterNames);
  const { since, until, olderThan } = filter;
  return compact({
    ...wireSubject(filter),
    since: timestamp(since, 'since'),
    until: timestamp(until, 'until'),
    older_than: olderThan === undefined ? undefined : formatDuration(durationMs(olderThan, 'olderThan')),
  });
}

/** @throws {OJSValidationError} */
export function wireBulkFilter(filter: BulkFilter): object {
  known(filter, bulkNames);
  return compact({
    ...wireSubject(filter),
    states: filter.state === undefined ? undefined : wireStates(filter.state),
    priority: integer(filter.priority, 'priority', -100),
    meta: filter.meta,
    since: timestamp(filter.createdAfter, 'createdAfter'),
    until: timestamp(filter.createdBefore, 'createdBefore'),
    enqueued_after: timestamp(filter.enqueuedAfter, 'enqueuedAfter'),
    enqueued_before: timestamp(filter.enqueuedBefore, 'enqueuedBefore'),
  });
}

/** @throws {OJSValidationError} An empty list would be read as every state. */
export function wireStates(state: JobState | readonly JobState[]): readonly JobState[] {
  const states = typeof state === 'string' ? [state] : state;
  const wrong = states.find((one) => !isState(one));
  if (wrong === undefined && states.length > 0) return states;
  throw OJSValidationError.of('state', `expected one or more states of a job, got ${JSON.stringify(wrong ?? state)}`);
}
