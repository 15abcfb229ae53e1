import type { NamesOf } from '@ojs-ts/core';
import type { Answers } from '@ojs-ts/core/schemas';
import { OJSValidationError } from '../../errors.ts';
import { type CallOptions, callNames } from '../../job/options.ts';
import type { JobState } from '../../job/policies.ts';
import { compact, quoted } from '../../json.ts';
import { integer } from '../../options/values.ts';
import { type Camel, camel } from '../answer.ts';
import { type SubjectFilter, subjectNames, wireStates, wireSubject } from '../filter.ts';
import { read } from '../row.ts';

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

const names: NamesOf<JobGroupsOptions> = {
  ...{ ...callNames, ...subjectNames, state: true, query: true, limit: true, cursor: true },
};

type Answer = Answers['admin.jobGroups'];
/** How many jobs have each value of a field. */
export interface JobGroups extends Omit<Camel<Answer>, 'by' | 'search' | 'pagination'> {
  /** The groups with the most jobs, the largest first. */
  readonly groups: readonly JobGroup[];
  /** Jobs that were read. */
  readonly scanned: number;
  /** The cursor of the next call, which has counts of its own; absent at the end. */
  readonly cursor?: string;
}

/** A value of the field, and how many jobs have it. */
export interface JobGroup extends Camel<Answer['groups'][number]> {}

export const groupRows = {
  /**
   * Counts jobs by the values of a field, such as `meta.tenant` or `args[0].user`. One call reads about 10,000 jobs,
   * the newest first. @throws {OJSValidationError} before anything is sent.
   */
  jobGroups: {
    names,
    make: (by: string, options: JobGroupsOptions) => {
      if (typeof by !== 'string' || by === '')
        throw OJSValidationError.of('by', `expected a field such as type or meta.tenant, got ${quoted(by)}`);
      const { state, query, limit, cursor, signal: _, requestTimeout: __, ...subject } = options;
      const sent = compact({
        ...wireSubject(subject),
        by,
        q: query,
        state: state === undefined ? undefined : wireStates(state).join(','),
        limit: integer(limit, 'limit', 1),
        cursor,
      });
      return read({ operation: 'admin.jobGroups', query: sent }, (body): JobGroups => {
        const { by: _by, search, pagination, ...counts } = camel<Answer>(body, 'groups', 'search');
        return { ...counts, scanned: search.scanned, ...compact({ cursor: pagination?.nextCursor }) };
      });
    },
  },
};
