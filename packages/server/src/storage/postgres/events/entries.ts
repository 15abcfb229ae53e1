import type { EventKind, State } from '@ojs-ts/core';

/** A text as JSON, or null. */
const quoted = (column: string) => `coalesce(to_json(${column})::text, 'null')`;
const told = ['type', 'queue', 'attempt', 'worker', 'started_at', 'trace'];
const alike = told.map((column) => `${column} IS NOT DISTINCT FROM (SELECT ${column} FROM first)`).join(' AND ');

/**
 * Inserts the events of rows with `at` (their order), `now`, `id`, `type`, `queue`, `attempt`, `worker`, `started_at` and
 * `trace`, as core's `EventEntries` writes them. Jobs that change together mostly differ only in their ids: then the
 * first is written whole, and of the others the ids.
 * @param known the ids of the rows in their order with `","` between them, if it is not null.
 */
export function insertEvents(kind: EventKind, from: State, to: State, rows: string, known = 'NULL::text'): string {
  const rest = `'","' || type || '","' || queue || '",${from},${to},' || attempt || ',' || ${quoted('worker')} || ',' || coalesce(started_at::text, 'null')
    || ',' || ${quoted('trace')} || ',null]'`;
  return `WITH changed AS NOT MATERIALIZED (${rows}),
    first AS MATERIALIZED (SELECT now, ${told.join(', ')} FROM changed LIMIT 1),
    sum AS MATERIALIZED (SELECT count(*) AS count, bool_and(${alike}) AS alike FROM changed)
    INSERT INTO ojs.events (at, count, entries)
    SELECT now, count, CASE WHEN alike
      THEN '[["${kind}","' || left(ids, 36) || ${rest} || CASE WHEN count > 1 THEN substr(ids, 38) || '"]' ELSE ']' END
      ELSE (SELECT '[' || string_agg('["${kind}","' || id || ${rest}, ',' ORDER BY at) || ']' FROM changed) END
    FROM first, sum, LATERAL (SELECT coalesce(${known}, (SELECT string_agg(id::text, '","' ORDER BY at) FROM changed)) AS ids) AS listed`;
}
