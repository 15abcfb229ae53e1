import type { Millis } from '@ojs-ts/core';
import { State } from '@ojs-ts/core/job';
import { promotionEvent } from '@ojs-ts/core/lifecycle';
import { flag, integer, readTexts, state, text } from '../../cells.ts';
import { rareOf } from '../../rows.ts';
import { arrayOf, indexJoin } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { insertMixedEvents } from '../events/entries.ts';
import { chunk } from '../jobs/moves.ts';
import { readyQueueInSql } from '../limits/limit-deltas.ts';
import type { Edges } from './left-edges.ts';

const dueIn = (from: State, edge: string) => `SELECT * FROM (SELECT ctid AS row, * FROM ojs.due
  WHERE state = ${from} AND run_at <= $1 AND run_at >= ${edge}::bigint
  ORDER BY run_at, number LIMIT $2 FOR UPDATE SKIP LOCKED) AS due_${from}`;
const copied = `id, number, claim, attempt, lease_required, run_at, started_at, worker, texts, expires_at, unique_at,
  queue, type, trace, workflow, node, cron, unique_key, limits`;
const rare = rareOf([promotionEvent(State.retryable)]);
const limited = (column: string) => `array_agg(${column} ORDER BY at) FILTER (WHERE limits IS NOT NULL)`;

/**
 * A page of a promotion, as core's `promoted` and `promotionEvent` decide it. If a job of the page has expired, or
 * names the limit of a queue, the statement changes nothing.
 */
const promotePage = `WITH found AS MATERIALIZED (
    SELECT *, row_number() OVER (ORDER BY run_at, number) AS at
    FROM (${dueIn(State.scheduled, '$4')} UNION ALL ${dueIn(State.retryable, '$5')}) AS due
    ORDER BY run_at, number LIMIT $2),
  fit AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE expires_at <= $1 OR limits LIKE '%"queue:%') = 0 AS fits FROM found),
  base AS MATERIALIZED (SELECT nextval('ojs.numbers') AS number),
  taken AS MATERIALIZED (SELECT found.*, job.priority, base.number + at AS place,
      ${readyQueueInSql('found.queue', 'found.limits')} AS ready_queue
    FROM base CROSS JOIN found JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'found.id')}
    WHERE (SELECT fits FROM fit)),
  gone AS (DELETE FROM ojs.due USING taken WHERE due.ctid = taken.row),
  moved AS (
    INSERT INTO ojs.ready (${copied}, enqueued_at, priority, place, ready_queue)
    SELECT ${copied}, $1, priority, place, ready_queue FROM taken),
  counted AS (
    INSERT INTO ojs.counts (at, queue, scheduled, available, pending, active, completed, retryable, cancelled,
      discarded, dead_letter)
    SELECT $1, queue, -count(*) FILTER (WHERE state = ${State.scheduled}), count(*), 0, 0, 0,
      -count(*) FILTER (WHERE state = ${State.retryable}), 0, 0, 0 FROM taken GROUP BY queue),
  summed AS (
    INSERT INTO ojs.minutes (minute, queue, type, enqueued)
    SELECT $1 - $1 % 60000, queue, type, count(*) FROM taken WHERE state = ${State.scheduled} GROUP BY queue, type),
  logged AS (${insertMixedEvents(
    `CASE state WHEN ${State.scheduled} THEN '${promotionEvent(State.scheduled)}'
      ELSE '${promotionEvent(State.retryable)}' END`,
    State.available,
    `SELECT *, $1::bigint AS now FROM taken WHERE $3`,
    `CASE WHEN bool_or(state = ${State.retryable}) THEN ${rare} END`,
  )})
  SELECT fits, queue, count(at), ${limited('id::text')}, ${limited('limits')}, ${limited('priority')},
    ${limited('state')}
  FROM fit LEFT JOIN taken ON true GROUP BY fits, queue ORDER BY min(at)`;

const readTextsIn = arrayOf(text);
const readIntegers = arrayOf(integer);
const readStates = arrayOf(state);

/** Promotes up to `limit` due jobs in one statement and returns how many by queue; null if it takes more. */
export async function promoteAtOnce(
  tx: Transaction,
  now: Millis,
  limit: number,
  [scheduled, retryable]: Edges,
): Promise<ReadonlyMap<string, number> | null> {
  const rows = await tx.query(promotePage, [now, Math.min(limit, chunk), tx.logs, scheduled, retryable]);
  const counts = new Map<string, number>();
  for (const [fits, name, count, ids, limits, priorities, states] of rows) {
    if (!flag(fits)) return null;
    if (name === null) continue;
    const queue = text(name);
    counts.set(queue, integer(count));
    tx.woken.add(queue);
    tx.logged = tx.logs;
    if (ids === null) continue;
    const [keys, ranks, befores] = [readTextsIn(limits), readIntegers(priorities), readStates(states)];
    for (const [at, id] of readTextsIn(ids).entries()) {
      const job = { id, queue, limits: readTexts(keys[at] ?? '[]'), priority: ranks[at] ?? 0 };
      tx.limits.change(job, befores[at] ?? State.scheduled, State.available);
    }
  }
  return counts;
}
