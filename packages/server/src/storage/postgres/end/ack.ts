import { isPlainEnd, type Json, type Millis, minuteOf, queueLimitKey, State, type Transition } from '@ojs-ts/core';
import { integer, text } from '../../cells.ts';
import type { Moved } from '../../storage.ts';
import type { Database } from '../connection/database.ts';
import { indexJoin, isUuid, joined, numbers, texts } from '../connection/sql.ts';
import { insertEvents } from '../events/entries.ts';
import { queuesUnder } from '../limits/limit-deltas.ts';

/**
 * Acks of jobs that are no nodes of workflows, as one statement: all of them, or none where one is not the caller's.
 * Rows are locked in the order of ids, as by every other change of active jobs. A row that another call changes
 * meanwhile is left out, by `xmin`: older minor versions of PostgreSQL do not look at `ctid` again once it has
 * waited. The answer: how many were completed, whether all are the caller's, which ones were completed if not all, and
 * queues where a limit may have a slot again.
 */
const ack = `WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], string_to_array($7, $5, $6)) AS given (id, at, claim, worker, result)),
  found AS MATERIALIZED (
    SELECT active.ctid AS row, active.xmin AS version, active.*, given.at, given.result FROM given JOIN ojs.active ON ${indexJoin('active.id', 'given.id')}
    WHERE CASE WHEN given.claim IS NULL THEN NOT lease_required ELSE given.claim = active.claim END
      AND coalesce(coalesce(given.worker, $8::text) = active.worker, true)
      AND NOT (EXISTS (SELECT FROM ojs.inbox_completions)
        AND EXISTS (SELECT FROM ojs.inbox_completions AS done WHERE done.id = active.id))),
  gone AS (DELETE FROM ojs.active USING found WHERE active.ctid = found.row AND active.xmin = found.version
    AND (SELECT count(*) = $10::integer AND bool_and(workflow IS NULL) FROM found)
    RETURNING $9::bigint AS now, found.*),
  kept AS (
    INSERT INTO ojs.ended (number, finished_at, run_at, enqueued_at, started_at, unique_at, id, claim, attempt, state, lease_required, texts, dead_letter,
      queue, type, worker, unique_key, result)
    SELECT number, now, run_at, enqueued_at, started_at, unique_at, id, claim, attempt, ${State.completed}, lease_required, texts, false,
      queue, type, worker, unique_key, result FROM gone),
  noted AS (UPDATE ojs.texts AS text SET checkpoint = NULL, result = NULL FROM gone
    WHERE gone.texts AND ${indexJoin('text.number', 'gone.number')}),
  sums AS MATERIALIZED (
    SELECT now, queue, count(*) AS count, coalesce(sum(greatest(0, now - started_at)), 0) AS ms FROM gone GROUP BY now, queue),
  freed AS MATERIALIZED (
    SELECT key, count(*) AS count FROM gone, json_array_elements_text(limits::json) AS each (key)
    WHERE NOT starts_with(key, '${queueLimitKey('')}') GROUP BY key),
  eased AS (
    INSERT INTO ojs.limit_changes (key, waiting, active, jobs, used_at) SELECT key, 0, -count, 0, 0 FROM freed),
  counted AS (
    INSERT INTO ojs.counts (at, queue, scheduled, available, pending, active, completed, retryable, cancelled, discarded, dead_letter)
    SELECT now, queue, 0, 0, 0, -count, count, 0, 0, 0, 0 FROM sums),
  summed AS (
    INSERT INTO ojs.minutes (minute, queue, enqueued, started, completed, failed, discarded, duration_ms, wait_ms)
    SELECT $11::bigint, queue, 0, 0, count, 0, 0, ms, 0 FROM sums),
  logged AS (${insertEvents(
    'job.completed',
    State.active,
    State.completed,
    'SELECT now, at, id, type, queue, attempt, worker, started_at, trace FROM gone WHERE $12',
    'CASE WHEN count = $10 THEN $13::text END',
  )})
  SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM found) = $10, CASE WHEN (SELECT count(*) FROM gone) < $10 THEN ARRAY (SELECT id::text FROM gone) END,
    ARRAY (${queuesUnder.replace('unnest($1::text[])', 'unnest(ARRAY (SELECT key FROM freed))')} UNION ALL SELECT queue FROM sums WHERE EXISTS (SELECT FROM ojs.limits WHERE limits.key = '${queueLimitKey('')}' || sums.queue OFFSET 0))`;

type Ack = Transition & { readonly result: Json | null };

const moved: Moved = { kind: 'moved', was: State.active, ready: [] };

/** The acks that were made; null where one takes more than the one statement, `owned` where all are the caller's. */
export async function ackAtOnce(
  database: Database,
  transitions: readonly Transition[],
  now: Millis,
): Promise<ReadonlyMap<Transition, Moved> | 'owned' | null> {
  if (transitions.length === 0 || !transitions.every(isAck)) return null;
  const given = transitions.map((one, at) => ({ one, at })).sort((a, b) => (a.one.id < b.one.id ? -1 : 1));
  if (given.some(({ one }, at) => one.id === given[at - 1]?.one.id)) return null;
  const worker = transitions[0]?.worker ?? null;
  const isOne = transitions.every((one) => (one.worker ?? null) === worker);
  const rows = await database.alone(
    {
      text: ack,
      values: [
        `{${given.map(({ one }) => one.id).join(',')}}`,
        numbers(given.map(({ at }) => at)),
        numbers(given.map(({ one }) => one.claim ?? null)),
        isOne ? null : texts(given.map(({ one }) => one.worker ?? null)),
        ...joined(given.map(({ one }) => one.result)),
        isOne ? worker : null,
        now,
        given.length,
        minuteOf(now),
        database.logs,
        database.logs ? transitions.map(({ id }) => id).join('","') : null,
      ],
    },
    ([answer]) => ({
      woken: new Set(namesIn(answer?.[3])),
      logged: database.logs && answer?.[0] !== 0,
      taken: 0,
    }),
  );
  const [answer] = rows ?? [];
  if (answer === undefined || integer(answer[0]) === 0) return answer?.[1] === true ? 'owned' : null;
  const ids = answer[2] === null ? null : new Set(namesIn(answer[2]));
  return new Map(transitions.flatMap((one) => (ids === null || ids.has(one.id) ? [[one, moved]] : [])));
}

/** Whether it is the usual ACK; texts that are empty cannot be sent in one. */
function isAck(transition: Transition): transition is Ack {
  const { from, to, result, events, leaseUntil, id } = transition;
  const [event, ...more] = events;
  return (
    to === State.completed &&
    from === State.active &&
    result !== undefined &&
    result !== '' &&
    leaseUntil === undefined &&
    more.length === 0 &&
    event?.kind === 'job.completed' &&
    event.data === undefined &&
    isPlainEnd(transition) &&
    transition.policy === undefined &&
    transition.queue === undefined &&
    isUuid(id)
  );
}

function namesIn(cell: unknown): readonly string[] {
  return Array.isArray(cell) ? cell.map(text) : [];
}
