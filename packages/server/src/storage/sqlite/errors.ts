import { type ErrorGroups, type ErrorQuery, errorGroup, Failed, State } from '@ojs-ts/core/job';
import { isIn } from '@ojs-ts/core/lifecycle';
import { integer, text } from '../cells.ts';
import { columns } from '../columns.ts';
import type { Connection } from './disk/connection.ts';

const counted = columns({
  fingerprint: text,
  jobs: ['sum(jobs)', integer],
  fingerprints: ['count(*) OVER ()', integer],
  total: ['sum(sum(jobs)) OVER ()', integer],
});
const found = 'FROM ojs_jobs INDEXED BY ojs_jobs_errors WHERE fingerprint = ? AND fingerprint IS NOT NULL';
/** A retryable job has no end, so both states go by their list: see 002_baseline.sql. */
const oldestFirst = 'ORDER BY finished_at, number LIMIT 1';
const newestFirst = 'ORDER BY finished_at DESC, number DESC LIMIT 1';

export function errors(sql: Connection, query: ErrorQuery): ErrorGroups {
  const { limit } = query;
  const { where, values } = filterOf(query);
  const rows = sql.all(
    counted.from(`ojs_errors
      WHERE ${where} AND (state & ?) <> 0 GROUP BY fingerprint ORDER BY sum(jobs) DESC, fingerprint LIMIT ? + 0`),
    ...values,
    query.states & Failed,
    limit,
  );
  const groups = rows.flatMap(({ fingerprint, jobs }) => {
    const histories = [State.retryable, State.discarded]
      .filter((state) => isIn(state, query.states))
      .flatMap((state) => ends(sql, query, fingerprint, state));
    return errorGroup(fingerprint, jobs, histories) ?? [];
  });
  const { fingerprints = 0, total = 0 } = rows[0] ?? {};
  return { groups, fingerprints, jobs: total };
}

/** The histories of the first and of the last job. */
function ends(sql: Connection, query: ErrorQuery, fingerprint: string, state: State): readonly string[] {
  const { where, values } = filterOf(query);
  return [oldestFirst, newestFirst].flatMap((order) => {
    const history = sql.value(
      `SELECT history ${found} AND state = ? AND ${where} ${order}`,
      fingerprint,
      state,
      ...values,
    );
    return history === undefined ? [] : [text(history)];
  });
}

function filterOf({ deadLetter, queue, type }: ErrorQuery): {
  readonly where: string;
  readonly values: readonly string[];
} {
  const parts = [
    'TRUE',
    ...(deadLetter ? ['dead_letter <> 0'] : []),
    ...(queue === undefined ? [] : ['queue = ?']),
    ...(type === undefined ? [] : ['type = ?']),
  ];
  return { where: parts.join(' AND '), values: [queue, type].filter((value) => value !== undefined) };
}
