import { formatDuration, type NamesOf } from '@ojs-ts/core';
import { isState } from '@ojs-ts/core/job';
import { OJSValidationError } from '../errors.ts';
import type { JobState } from '../job/policies.ts';
import { timestamp } from '../job/wire.ts';
import { compact, type Meta } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs, integer } from '../options/values.ts';

/** Fields of every filter. A job must match all that are given. */
export interface SubjectFilter {
  /** Default: all queues. */
  queue?: string | undefined;
  /** A job type, exact or as a prefix with `*`. */
  type?: string | undefined;
  /** The type or code of the last error. */
  errorType?: string | undefined;
  /** The fingerprint of the last error: `errors()` has those of all failed jobs. */
  fingerprint?: string | undefined;
  /** A part of the JSON text of the args. */
  args?: string | undefined;
}

/** Selects dead letters. They must match all fields that are given; `{}` matches all. */
export interface DeadLetterFilter extends SubjectFilter {
  /** Discarded at this time or later. */
  since?: Date | string | undefined;
  /** Discarded before this time. */
  until?: Date | string | undefined;
  /** Discarded at least this long ago. */
  olderThan?: Duration | undefined;
}

/**
 * Selects the jobs of a bulk operation. They must match all fields that are given; `{}` matches every job that the
 * operation may change.
 */
export interface BulkFilter extends SubjectFilter {
  /** Default: all states that the operation may change. */
  state?: JobState | readonly JobState[] | undefined;
  priority?: number | undefined;
  /** Members that `meta` must have, with these values. */
  meta?: Meta | undefined;
  createdAfter?: Date | string | undefined;
  createdBefore?: Date | string | undefined;
  /** By the time when the job became available last. */
  enqueuedAfter?: Date | string | undefined;
  enqueuedBefore?: Date | string | undefined;
}

export const subjectNames: NamesOf<SubjectFilter> = {
  queue: true,
  type: true,
  errorType: true,
  fingerprint: true,
  args: true,
};
export const deadLetterNames: NamesOf<DeadLetterFilter> = {
  ...subjectNames,
  since: true,
  until: true,
  olderThan: true,
};
export const bulkNames: NamesOf<BulkFilter> = {
  ...subjectNames,
  state: true,
  priority: true,
  meta: true,
  createdAfter: true,
  createdBefore: true,
  enqueuedAfter: true,
  enqueuedBefore: true,
};

/** The text fields of a filter, for a query or a body. */
export function wireSubject({ queue, type, errorType, fingerprint, args }: SubjectFilter): Record<string, string> {
  for (const [name, value] of Object.entries({ queue, type, errorType, fingerprint, args })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw OJSValidationError.of(name, `expected a text that is not empty, got ${JSON.stringify(value)}`);
  }
  return compact({ queue, type, error_type: errorType, fingerprint, args });
}

/** @throws {OJSValidationError} for an unknown field: without the check every job would match. */
export function wireDeadLetterFilter(filter: DeadLetterFilter): Record<string, string> {
  checkNames(filter, deadLetterNames);
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
  checkNames(filter, bulkNames);
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

/** @throws {OJSValidationError} for an empty list, which the server would take for every state. */
export function wireStates(state: JobState | readonly JobState[]): readonly JobState[] {
  const states = typeof state === 'string' ? [state] : state;
  const wrong = states.find((one) => !isState(one));
  if (wrong === undefined && states.length > 0) return states;
  throw OJSValidationError.of('state', `expected one or more states of a job, got ${JSON.stringify(wrong ?? state)}`);
}
