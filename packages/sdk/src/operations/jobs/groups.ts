import type { NamesOf } from '@ojs-ts/core';
import type { Operation } from '../../connection/operation.ts';
import { OJSValidationError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { booleanOf, compact, eachOf, numberOf, quoted, textOf, type Wire, wireOf } from '../../json.ts';
import { checkNames } from '../../options/check-names.ts';
import { integer } from '../../options/values.ts';
import { type SubjectFilter, subjectNames, wireStates, wireSubject } from '../filter.ts';

/** Selects the jobs to count. A job must match all fields that are given. */
export interface JobGroupsOptions extends CallOptions, SubjectFilter {
  /** Default: all states. */
  state?: JobState | readonly JobState[] | undefined;
  /** A filter in the query language, such as `error~timeout age<2h`. */
  query?: string | undefined;
  /** The most groups. Default 100, at most 10,000. */
  limit?: number | undefined;
  /** {@link JobGroups.cursor} of the call before; this call continues after it. */
  cursor?: string | undefined;
}

const groupNames: NamesOf<JobGroupsOptions> = {
  ...callNames,
  ...subjectNames,
  state: true,
  query: true,
  limit: true,
  cursor: true,
};

/** How many jobs have each value of a field. */
export interface JobGroups {
  /** The groups with the most jobs, the largest first. */
  readonly groups: readonly JobGroup[];
  /** Groups that the call has found, also those beyond the limit. */
  readonly groupCount: number;
  /** Jobs of groups beyond the limit. */
  readonly others: number;
  /** Jobs that have no value. */
  readonly withoutValue: number;
  /** Jobs that match, and jobs that were read. */
  readonly matched: number;
  readonly scanned: number;
  /** True if there may be more jobs than the counts say: the call has not read all of them. */
  readonly isLowerBound: boolean;
  /** The cursor of the next call, which has counts of its own; absent at the end. */
  readonly cursor?: string;
}

/** A value of the field, and how many jobs have it. */
export interface JobGroup {
  /**
   * The value; if it has more than 500 characters, the beginning of its JSON. The server distinguishes longer numbers
   * than a double can.
   */
  readonly value: unknown;
  /** SHA-256 of a long value. */
  readonly digest?: string;
  readonly count: number;
}

/** The query of a count. @throws {OJSValidationError} */
export function groupsQuery(by: string, options: JobGroupsOptions): Readonly<Record<string, string | number>> {
  checkNames(options, groupNames);
  if (typeof by !== 'string' || by === '')
    throw OJSValidationError.of('by', `expected a field such as type or meta.tenant, got ${quoted(by)}`);
  const { state, query, limit, cursor, signal: _, requestTimeout: __, ...subject } = options;
  return compact({
    ...wireSubject(subject),
    by,
    q: query,
    state: state === undefined ? undefined : wireStates(state).join(','),
    limit: integer(limit, 'limit', 1),
    cursor,
  });
}

export function* jobGroups(query: Readonly<Record<string, string | number>>): Operation<JobGroups> {
  const body = yield { call: { operation: 'admin.jobGroups', query } };
  const search: Wire = wireOf(body.search) ?? {};
  return compact({
    groups: eachOf(body.groups, readGroup),
    groupCount: numberOf(body.group_count) ?? 0,
    others: numberOf(body.others) ?? 0,
    withoutValue: numberOf(body.without_value) ?? 0,
    matched: numberOf(body.matched) ?? 0,
    scanned: numberOf(search.scanned) ?? 0,
    isLowerBound: booleanOf(body.is_lower_bound) ?? true,
    cursor: textOf(wireOf(body.pagination)?.next_cursor),
  });
}

function readGroup(item: unknown): JobGroup | undefined {
  const raw = wireOf(item);
  const count = numberOf(raw?.count);
  if (raw === undefined || count === undefined) return undefined;
  return { value: raw.value, count, ...compact({ digest: textOf(raw.digest) }) };
}
