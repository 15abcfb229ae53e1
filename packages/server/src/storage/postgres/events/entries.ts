import type { EventKind, State } from '@ojs-ts/core';

/** A text as JSON, or null. */
const quoted = (column: string) => `coalesce(to_json(${column})::text, 'null')`;
const told = ['type', 'queue', 'attempt', 'worker', 'started_at', 'trace'];

/**
 * Inserts the events of rows with `at` (their order), `now`, `id`, `type`, `queue`, `attempt`, `worker`, `started_at` and
 * `trace`, as core's `EventEntries` writes them. Jobs that change together mostly differ only in their ids: then the
 * first is written whole, and of the others the ids.
 */
export function insertEvents(kind: EventKind, from: State, to: State, rows: string): string {
  const rest = `'","' || type || '","' || queue || '",${from},${to},' || attempt || ',' || ${quoted('worker')} || ',' || coalesce(started_at::text, 'null')
    || ',' || ${quoted('trace')} || ',null]'`;
  return `INSERT INTO ojs.events (at, count, entries)
    SELECT now, count, CASE WHEN alike
      THEN '[["${kind}","' || left(ids, 36) || ${rest} || CASE WHEN count > 1 THEN substr(ids, 38) || '"]' ELSE ']' END
      ELSE (SELECT '[' || string_agg('["${kind}","' || id || ${rest}, ',' ORDER BY at) || ']' FROM (${rows}) AS changed) END
    FROM (SELECT first.*, count(*) AS count, string_agg(id::text, '","' ORDER BY at) AS ids,
        bool_and(${told.map((column) => `changed.${column} IS NOT DISTINCT FROM first.${column}`).join(' AND ')}) AS alike
      FROM (${rows}) AS changed, (SELECT now, ${told.join(', ')} FROM (${rows}) AS changed LIMIT 1) AS first
      GROUP BY ${['now', ...told].map((column) => `first.${column}`).join(', ')}) AS each`;
}
