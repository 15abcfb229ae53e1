import { queueLimitKey, State } from '@ojs-ts/core/job';
import { closedAs, unorderedKinds } from '@ojs-ts/core/workflow';
import { indexJoin } from '../connection/sql.ts';
import { insertEvents, insertMemberEvents } from '../events/entries.ts';
import { queuesUnder } from '../limits/limit-deltas.ts';
import { codeIn } from '../registry/statistics.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';

/** The jobs that the caller owns. `$2` is the order of the call. */
const found = (columns: string, joins: string) => `given AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], string_to_array($7, $5,
      $6)) AS given (id, at, claim, worker, result)),
  found AS MATERIALIZED (
    SELECT active.ctid AS row, active.xmin AS version, active.*, given.at, given.result${columns} FROM given
      JOIN ojs.active ON ${indexJoin('active.id', 'given.id')}${joins}
    WHERE CASE WHEN given.claim IS NULL THEN NOT lease_required ELSE given.claim = active.claim END
      AND coalesce(coalesce(given.worker, $8::text) = active.worker, true)
      AND NOT (EXISTS (SELECT FROM ojs.inbox_completions)
        AND EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = active.id)))`;

/**
 * The end of the rows that fulfil a condition, and what follows from it. The answer: how many were completed, whether
 * all are the caller's, which ones were completed if not all, and queues where a limit may have a slot again.
 */
const ended = (condition: string, logged: string, more = '') => `gone AS (
    DELETE FROM ojs.active USING found WHERE active.ctid = found.row AND active.xmin = found.version
      AND ${condition} RETURNING $9::bigint AS now, found.*),
  kept AS (
    INSERT INTO ojs.ended (number, finished_at, run_at, enqueued_at, started_at, unique_at, id, claim, attempt, state,
      lease_required, texts, dead_letter,
      queue, type, worker, unique_key, result)
    SELECT number, now, run_at, enqueued_at, started_at, unique_at, id, claim, attempt, ${State.completed},
      lease_required, texts, false,
      queue, type, worker, unique_key, result FROM gone),
  noted AS (UPDATE ojs.texts AS text SET checkpoint = NULL, result = NULL FROM gone
    WHERE gone.texts AND ${indexJoin('text.number', 'gone.number')}),
  sums AS MATERIALIZED (
    SELECT now, queue, type, count(*) AS count, sum(ms) AS ms, array_agg(${codeIn('completed', 'ms')}) AS codes
    FROM (SELECT now, queue, type, greatest(0, now - started_at) AS ms FROM gone) AS run GROUP BY now, queue, type),
  freed AS MATERIALIZED (
    SELECT key, count(*) AS count FROM gone, json_array_elements_text(limits::json) AS each (key)
    WHERE NOT starts_with(key, '${queueLimitKey('')}') GROUP BY key),
  eased AS (
    INSERT INTO ojs.limit_changes (key, waiting, active, jobs, used_at) SELECT key, 0, -count, 0, 0 FROM freed),
  counted AS (
    INSERT INTO ojs.counts (at, queue, scheduled, available, pending, active, completed, retryable, cancelled,
      discarded, dead_letter)
    SELECT now, queue, 0, 0, 0, -sum(count), sum(count), 0, 0, 0, 0 FROM sums GROUP BY now, queue),
  summed AS (
    INSERT INTO ojs.minutes (minute, queue, type, completed, duration_ms, codes)
    SELECT $11::bigint, queue, type, count, ms, codes FROM sums),
  ${more}logged AS (${logged})
  SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM found) = $10, CASE WHEN (SELECT count(*)
    FROM gone) < $10 THEN ARRAY (SELECT id::text FROM gone) END,
    ARRAY (${queuesUnder.replace('unnest($1::text[])', 'unnest(ARRAY (SELECT key FROM freed))')} UNION ALL
    SELECT DISTINCT queue FROM sums WHERE EXISTS (SELECT FROM ojs.limits
      WHERE limits.key = '${queueLimitKey('')}' || sums.queue OFFSET 0))`;

/**
 * Acks of jobs that are no nodes of workflows, as one statement: all of them, or none if one is not the caller's. Rows
 * are locked in the order of ids, as by every other change of active jobs. A row that another call has changed since is
 * left out, by `xmin`: older minor versions of PostgreSQL do not look at `ctid` again once it has waited.
 */
export const ackPlain = `WITH ${found('', '')},
  ${ended(
    '(SELECT count(*) = $10::integer AND bool_and(workflow IS NULL) FROM found)',
    insertEvents(
      'job.completed',
      State.active,
      State.completed,
      'SELECT now, at, id, type, queue, attempt, worker, started_at, trace FROM gone WHERE $12',
      'CASE WHEN count = $10 THEN $13::text END',
    ),
  )}`;

/** The node of a job that may be a member, with the one node that depends on it. */
const member = `
    LEFT JOIN ojs.workflows AS flow ON ${indexJoin('flow.id', 'active.workflow')}
    LEFT JOIN ojs.nodes AS member ON ${indexJoin('member.number', `flow.number * ${nodesPerWorkflow} + active.node`)}
      AND member.state = 'pending' AND member.job = active.id AND member.member AND cardinality(member.next) = 1`;

/**
 * Acks of members of one group or batch, and of other jobs that are no nodes, as one statement. It changes nothing
 * where more is due than counts: where the node that depends on these members would become ready, or the workflow is
 * not running.
 *
 * Locks are taken in the order of all changes: the jobs, then their workflow; CTEs run in the order in which they need
 * each other. Without a lock, by the statement's snapshot, `may` lets most of those pass that need more. Then locked
 * has all jobs or the rest does nothing. `flow` and `lowered` see the workflow and the dependent as they are under the
 * lock, whatever the snapshot says: PostgreSQL reads a row again that it locks or updates. The nodes of the jobs cannot
 * have changed since the snapshot, because the jobs have not.
 */
export const ackMembers = `WITH ${found(
  `, flow.number AS flow, member.number AS member, member.name,
      flow.number * ${nodesPerWorkflow} + member.next[1] AS next`,
  member,
)},
  due AS MATERIALIZED (
    SELECT min(flow) AS flow, min(next) AS next, count(*)::integer AS count FROM found WHERE workflow IS NOT NULL
    HAVING min(flow) = max(flow) AND min(next) = max(next) AND count(member) = count(*)
    AND (SELECT count(*) = $10::integer FROM found)),
  may AS MATERIALIZED (
    SELECT due.* FROM due JOIN ojs.workflows AS flow ON ${indexJoin('flow.number', 'due.flow')}
      JOIN ojs.nodes AS node ON ${indexJoin('node.number', 'due.next')}
    WHERE flow.state = 'running' AND flow.kind IN (${unorderedKinds.map((kind) => `'${kind}'`).join(', ')})
      AND node.open > due.count),
  locked AS MATERIALIZED (
    SELECT active.id FROM found JOIN ojs.active ON active.ctid = found.row AND active.xmin = found.version
    WHERE EXISTS (SELECT FROM may) ORDER BY found.id FOR UPDATE OF active),
  flow AS MATERIALIZED (
    SELECT flow.* FROM ojs.workflows AS flow
    WHERE number = (SELECT flow FROM may) AND state = 'running' AND (SELECT count(*) FROM locked) = $10 FOR UPDATE),
  lowered AS (
    UPDATE ojs.nodes AS node SET open = open - (SELECT count FROM may)
    WHERE number = (SELECT may.next FROM may, flow) AND open > (SELECT count FROM may) RETURNING 1),
  tallied AS (
    UPDATE ojs.workflows AS flow SET completed = completed + (SELECT count FROM may)
    WHERE number = (SELECT number FROM flow) AND EXISTS (SELECT FROM lowered)),
  ${ended(
    'EXISTS (SELECT FROM lowered)',
    insertMemberEvents(`SELECT gone.now, gone.at, gone.id, gone.type, gone.queue, attempt, worker, started_at,
      trace, node, gone.name, flow.id AS flow_id,
      flow.name AS flow_name, flow.kind AS flow_kind, total, 
      completed + count(node) OVER (ORDER BY gone.at) AS completed, failed + cancelled AS others
      FROM gone, flow WHERE $12`),
    `closed AS (
    UPDATE ojs.nodes AS node SET state = '${closedAs(State.completed)}', closed_at = gone.now,
      result = coalesce(gone.result, node.result)
    FROM gone WHERE ${indexJoin('node.number', 'gone.member')}),
  `,
  )}`;
