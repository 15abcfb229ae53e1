import { bucketBounds, firstCode, type Measure } from '@ojs-ts/core/statistics';
import { integerOrNull } from '../../cells.ts';
import type { Select } from '../../columns.ts';
import { minuteColumns, sumColumns } from '../../rows.ts';
import type { MinuteRecord, Registry } from '../../storage.ts';
import type { Database } from '../connection/database.ts';

/** core's `codeOf`: `width_bucket` counts the bounds that are at most its operand, so whole milliseconds less one. */
export function codeIn(measure: Measure, ms: string): string {
  return `(${firstCode(measure)} + width_bucket(${ms} - 1, '{${bucketBounds.join(',')}}'::bigint[]))::smallint`;
}

/**
 * CTEs that add the rows of another one up: a row by minute, queue and type in `added`. Sums and codes are not joined:
 * the settings of the connection leave only loops, and these took 35 ms for 101 rows, in place of 3, and grew as their
 * square.
 */
export function addUp(rows: string): string {
  const place = 'minute, queue, type';
  return `counted AS (
    SELECT ${place}, code, sum(coalesce(count, 1))::integer AS count
    FROM ${rows}, unnest(codes, counts) AS each (code, count) GROUP BY ${place}, code),
  coded AS (
    SELECT ${place}, array_agg(code ORDER BY code) AS codes, array_agg(count ORDER BY code) AS counts
    FROM counted GROUP BY ${place}),
  added AS (
    SELECT ${place}, ${sumColumns.map((name) => `sum(${name})::bigint AS ${name}`).join(', ')},
      max(codes) AS codes, max(counts) AS counts
    FROM (
      SELECT ${place}, ${sumColumns.join(', ')}, NULL::smallint[] AS codes, NULL::integer[] AS counts FROM ${rows}
      UNION ALL SELECT ${place}, ${sumColumns.map(() => 'NULL').join(', ')}, codes, counts FROM coded) AS each
    GROUP BY ${place})`;
}

export function selectMinutes(condition: string): Select<MinuteRecord> {
  return minuteColumns.of(`WITH chosen AS MATERIALIZED (SELECT * FROM ojs.minutes ${condition}),
  ${addUp('chosen')}
  SELECT minute, queue, type, ${sumColumns.join(', ')},
    (SELECT string_agg(code || 'x' || count, ' ') FROM unnest(codes, counts) AS each (code, count)) AS histogram
  FROM added ORDER BY minute, queue, type`);
}

const between = selectMinutes('WHERE minute >= $1 AND minute < $2');
const next = (after: string) =>
  `SELECT minute FROM ojs.minutes WHERE minute ${after} AND minute < $2 ORDER BY minute LIMIT 1`;
/** Goes from minute to minute, past the other queues. */
const betweenOf = selectMinutes(`WHERE queue = ANY ($3) AND minute = ANY (ARRAY (WITH RECURSIVE each (at) AS (
    (${next('>= $1')}) UNION ALL SELECT (${next('> at')}) FROM each WHERE at IS NOT NULL)
  SELECT at FROM each))`);

export function statistics(database: Database): Pick<Registry, 'statistics' | 'minuteBehind'> {
  return {
    statistics: (since, until = Number.MAX_SAFE_INTEGER, queues) =>
      queues === undefined ? database.all(between, [since, until]) : database.all(betweenOf, [since, until, queues]),

    async minuteBehind(count, since, until) {
      const minute = await database.value(
        'SELECT minute FROM ojs.minutes WHERE minute >= $1 AND minute < $2 ORDER BY minute OFFSET $3 LIMIT 1',
        [since, until, count],
      );
      return integerOrNull(minute ?? null);
    },
  };
}
