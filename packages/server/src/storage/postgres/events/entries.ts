import type { CommonKind } from '@ojs-ts/core/events';
import { State } from '@ojs-ts/core/job';

/** A text as JSON, or null. */
const quoted = (column: string) => `coalesce(to_json(${column})::text, 'null')`;
const told = ['type', 'queue', 'attempt', 'worker', 'started_at', 'trace'];
const alike = told.map((column) => `${column} IS NOT DISTINCT FROM (SELECT ${column} FROM first)`).join(' AND ');

/** The entry of a job behind its id. */
function restOf(from: State | string, to: State): string {
  return `'","' || type || '","' || queue || '",${from},${to},' || attempt || ',' || ${quoted('worker')}
    || ',' || coalesce(started_at::text, 'null')
    || ',' || ${quoted('trace')} || ',null]'`;
}

/**
 * Inserts the events of rows with `at` (their order), `now`, `id`, `type`, `queue`, `attempt`, `worker`, `started_at`
 * and `trace`, as core's `EventEntries` writes them. Jobs that change together mostly differ only in their ids: then
 * the first is written whole, and of the others the ids.
 * @param known the ids of the rows in their order with `","` between them, if it is not null.
 */
export function insertEvents(kind: CommonKind, from: State, to: State, rows: string, known = 'NULL::text'): string {
  const rest = restOf(from, to);
  return `WITH changed AS NOT MATERIALIZED (${rows}),
    first AS MATERIALIZED (SELECT now, ${told.join(', ')} FROM changed LIMIT 1),
    sum AS MATERIALIZED (SELECT count(*) AS count, bool_and(${alike}) AS alike FROM changed)
    INSERT INTO ojs.events (at, count, entries)
    SELECT now, count, CASE WHEN alike
      THEN '[["${kind}","' || left(ids, 36) || ${rest} || CASE WHEN count > 1 THEN substr(ids, 38) || '"]' ELSE ']' END
      ELSE (SELECT '[' || string_agg('["${kind}","' || id || ${rest}, ',' ORDER BY at) || ']' FROM changed) END
    FROM first, sum, LATERAL (SELECT coalesce(${known}, (SELECT string_agg(id::text, '","' ORDER BY at)
      FROM changed)) AS ids) AS listed`;
}

/**
 * Inserts the events of rows as {@link insertEvents} does, in one batch, where each row has its `state` before and the
 * kinds differ. An event that differs from the one before in its job alone is written as the id.
 * @param kind reads the kind from a row, and `rare` the column of that name from all rows.
 */
export function insertMixedEvents(kind: string, to: State, rows: string, rare: string): string {
  const same = `ROW(state, ${told.join(', ')})`;
  return `WITH marked AS (
      SELECT *, ${same} IS NOT DISTINCT FROM lag(${same}) OVER (ORDER BY at) AS alike FROM (${rows}) AS changed)
    INSERT INTO ojs.events (at, count, entries, rare)
    SELECT now, count(*), '[' || string_agg(CASE WHEN alike THEN '"' || id || '"'
      ELSE '["' || ${kind} || '","' || id || ${restOf(`' || state || '`, to)} END, ',' ORDER BY at) || ']', ${rare}
    FROM marked GROUP BY now`;
}

const memberKind: CommonKind = 'workflow.job_completed';
/** The data of core's `nodeEvents` about a member of a group or batch. */
const memberData = `json_build_object('workflow_id', flow_id, 'workflow_name', flow_name, 'workflow_type', flow_kind,
    'job_id', id, 'job_type', type,
    'duration_ms', ms, 'step_id', name, 'step_type', type, 'job_index', node, 'completed_count', completed,
    'failed_count', others, 'total_count', total,
    'steps_remaining', remaining)`;

/**
 * Inserts the events of completed jobs, and behind that of each member of a workflow the member's own. An entry is
 * short where the one before differs in nothing else, as core's `EventEntries` writes it.
 * @param rows those of {@link insertEvents}, and for members (`node` is not null) of one group or batch: `node`,
 * `name`, `flow_id`, `flow_name`, `flow_kind`, `total`, `completed` so far, `others` that ended otherwise.
 */
export function insertMemberEvents(rows: string): string {
  const same = `ROW(${told.join(', ')})`;
  return `WITH changed AS NOT MATERIALIZED (${rows}),
    marked AS (SELECT *, ${same} IS NOT DISTINCT FROM lag(${same}) OVER placed AS alike,
    lag(node) OVER placed IS NOT NULL AS follows,
      greatest(0, now - started_at) AS ms, greatest(0, total - completed - others) AS remaining FROM changed
      WINDOW placed AS (ORDER BY at)),
    written AS (SELECT now, at, node,
      CASE WHEN alike THEN '"' || id || '"' ELSE '["job.completed","' || id || ${restOf(State.active, State.completed)}
      END
      || CASE WHEN node IS NULL THEN ''
        WHEN alike AND follows THEN ',[' || node || ',' || to_json(name) || ',' || ms || ',' || completed || ',' ||
        others || ',' || remaining || ']'
        ELSE ',["${memberKind}",' || to_json(flow_id) || ',null,"' || queue || '",null,null,0,null,null,null,' ||
        ${memberData} || ']' END AS entry FROM marked)
    INSERT INTO ojs.events (at, count, entries)
    SELECT now, count(*) + count(node), '[' || string_agg(entry, ',' ORDER BY at) || ']' FROM written GROUP BY now`;
}
