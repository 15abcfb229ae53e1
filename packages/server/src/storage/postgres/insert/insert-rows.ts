import type { Millis } from '@ojs-ts/core';
import type { NewBatch } from '@ojs-ts/core/events';
import { type NewJob, State } from '@ojs-ts/core/job';
import { type AdmissionOptions, limitGroupOf } from '@ojs-ts/core/lifecycle';
import { minuteOf } from '@ojs-ts/core/statistics';
import { integer } from '../../cells.ts';
import { joined, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { batchValues } from '../events/event-buffer.ts';
import { chunk } from '../jobs/moves.ts';
import { readyQueueOf } from '../limits/limit-deltas.ts';

/** Most jobs differ in few columns. The common columns are sent once per shape, and each job names its shape. */
const shaped = (parameter: number, type: string) => `($${parameter}::${type}[])[coalesce(job.shape, 1)]`;

const given = (open: string) => `WITH base AS MATERIALIZED (SELECT nextval('ojs.numbers') AS number),
  gate AS MATERIALIZED (SELECT ${open} AS open),
  given AS MATERIALIZED (
    SELECT base.number + job.at AS number, job.*, ${shaped(3, 'smallint')} AS state,
      ${shaped(4, 'integer')} AS priority, ${shaped(5, 'bigint')} AS timeout_ms,
      ${shaped(6, 'bigint')} AS heartbeat_ms, ${shaped(7, 'bigint')} AS visibility_ms, ${shaped(8, 'text')} AS queue,
      ${shaped(9, 'text')} AS type,
      CASE WHEN job.unique_key IS NOT NULL THEN job.created_at END AS unique_at
    FROM base, gate, unnest($1::uuid[], $2::integer[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
      $14::bigint[], $15::text[], $16::text[],
      $17::text[], $18::integer[], $19::text[], $20::text[], $21::text[], string_to_array($24, $22, $23),
      string_to_array($25, $22, $23))
      WITH ORDINALITY AS job (id, shape, run_at, created_at, expires_at, later_expires_at, deadline_at, ready_queue,
        trace, workflow, node, cron, unique_key,
        limits, policy, envelope, at)
    WHERE gate.open),
  made AS (
    INSERT INTO ojs.jobs (id, number, created_at, timeout_ms, heartbeat_ms, visibility_ms, expires_at, later_expires_at,
      deadline_at, priority, node, queue,
      type, trace, workflow, cron, unique_key, limits, policy, envelope)
    SELECT id, number, created_at, timeout_ms, heartbeat_ms, visibility_ms, expires_at, later_expires_at, deadline_at,
      priority, node, queue,
      type, trace, workflow, cron, unique_key, limits, policy, envelope FROM given`;
const standing = `),
  readied AS (
    INSERT INTO ojs.ready (number, place, run_at, enqueued_at, expires_at, unique_at, id, priority, claim, attempt,
      node, lease_required, texts, queue, ready_queue,
      type, trace, workflow, cron, unique_key, limits)
    SELECT number, number, run_at, created_at, expires_at, unique_at, id, priority, 0, 0, node, false, false, queue,
      coalesce(ready_queue, queue),
      type, trace, workflow, cron, unique_key, limits FROM given WHERE state = ${State.available}),
  put AS (
    INSERT INTO ojs.due (number, run_at, expires_at, unique_at, id, claim, attempt, node, state, lease_required, texts,
      queue, type, trace, workflow,
      cron, unique_key, limits)
    SELECT number, run_at, expires_at, unique_at, id, 0, 0, node, state, false, false, queue, type, trace, workflow,
      cron, unique_key, limits
    FROM given WHERE state <> ${State.available})`;

/** True if no queue may refuse the jobs. */
const unbounded = `NOT EXISTS (SELECT FROM ojs.queues WHERE name = ANY ($26::text[])
    AND (capacity IS NOT NULL OR (paused AND $27)))`;
const rows = `${given('true')}${standing} SELECT 1`;
/** Inserts jobs that do not exist yet, unless a queue may refuse them; counts the rows. */
const plainRows = `${given(unbounded)} ON CONFLICT (id) DO NOTHING RETURNING 1${standing} SELECT count(*) FROM made`;
/**
 * Inserts jobs without limits in one statement. It fails if one of them exists, and returns whether no queue could
 * refuse them.
 */
const whole = `${given(unbounded)}${standing},
  counted AS (
    INSERT INTO ojs.counts (at, queue, scheduled, available, pending, active, completed, retryable, cancelled,
      discarded, dead_letter)
    SELECT $28::bigint, queue, count(*) FILTER (WHERE state = ${State.scheduled}),
      count(*) FILTER (WHERE state = ${State.available}),
      count(*) FILTER (WHERE state = ${State.pending}), 0, 0, 0, 0, 0, 0 FROM given GROUP BY queue),
  summed AS (
    INSERT INTO ojs.minutes (minute, queue, type, enqueued)
    SELECT $29::bigint, queue, type, count(*) FROM given WHERE state = ${State.available} GROUP BY queue, type),
  logged AS (INSERT INTO ojs.events (at, count, entries, rare) SELECT $28, $30::integer, $31::text, $32::bigint
  FROM gate WHERE open AND $30 > 0)
  SELECT open FROM gate`;

export function insertRows(tx: Transaction, jobs: readonly NewJob[]): void {
  for (const part of parts(jobs)) tx.write(rows, part);
}

/**
 * Inserts jobs that only their id or their queue can refuse; returns how many were inserted.
 * @param always no queue refuses them.
 */
export async function insertPlainRows(
  tx: Transaction,
  jobs: readonly NewJob[],
  { refusePaused = false, always }: AdmissionOptions,
): Promise<number> {
  const queues = always ? null : texts(queuesOf(jobs));
  let count = 0;
  for (const part of parts(jobs))
    count += integer((await tx.query(plainRows, [...part, queues, refusePaused]))[0]?.[0]);
  return count;
}

/** Inserts the jobs as one statement, which is a transaction of its own; null if the insert needs more than one. */
export function wholeInsert(
  jobs: readonly NewJob[],
  refusePaused: boolean,
  now: Millis,
  logged: NewBatch | null,
): { readonly text: string; readonly values: readonly unknown[] } | null {
  const [only, ...more] = parts(jobs);
  if (only === undefined || more.length > 0) return null;
  const queues = texts(queuesOf(jobs));
  const values = [...only, queues, refusePaused, now, minuteOf(now), ...batchValues(logged)];
  return { text: whole, values };
}

function queuesOf(jobs: readonly NewJob[]): readonly string[] {
  return [...new Set(jobs.map(({ queue }) => queue))];
}

/** More shapes than this would cost more than they save. */
const mostShapes = 32;

/** The values of each statement, in order. */
function parts(jobs: readonly NewJob[]): readonly (readonly unknown[])[] {
  const found: (readonly unknown[])[] = [];
  for (let at = 0; at < jobs.length; ) {
    const shapes: NewJob[] = [];
    const shape: number[] = [];
    const from = at;
    for (let last = -1; at < jobs.length && at - from < chunk; at++) {
      const job = jobs[at];
      if (!job) break;
      if (last < 0 || !isAlike(job, shapes[last])) last = shapes.findIndex((one) => isAlike(job, one));
      if (last < 0) {
        if (shapes.length === mostShapes) break;
        last = shapes.push(job) - 1;
      }
      shape.push(last + 1);
    }
    found.push(columns(jobs.slice(from, at), shapes.length > 1 ? shape : null, shapes));
  }
  return found;
}

function isAlike(job: NewJob, other: NewJob | undefined): boolean {
  return (
    other !== undefined &&
    job.type === other.type &&
    job.queue === other.queue &&
    job.state === other.state &&
    job.priority === other.priority &&
    job.timeoutMs === other.timeoutMs &&
    job.heartbeatMs === other.heartbeatMs &&
    job.visibilityMs === other.visibilityMs
  );
}

function columns(
  jobs: readonly NewJob[],
  shape: readonly number[] | null,
  shapes: readonly NewJob[],
): readonly unknown[] {
  const keys = jobs.map(({ limits }) => limits.map(({ key }) => key));
  return [
    `{${jobs.map(({ id }) => id).join(',')}}`,
    shape && numbers(shape),
    numbers(shapes.map(({ state }) => state)),
    numbers(shapes.map(({ priority }) => priority)),
    numbers(shapes.map(({ timeoutMs }) => timeoutMs)),
    numbers(shapes.map(({ heartbeatMs }) => heartbeatMs)),
    numbers(shapes.map(({ visibilityMs }) => visibilityMs)),
    texts(shapes.map(({ queue }) => queue)),
    texts(shapes.map(({ type }) => type)),
    numbers(jobs.map(({ runAt }) => runAt)),
    numbers(jobs.map(({ createdAt }) => createdAt)),
    numbers(jobs.map(({ expiresAt }) => expiresAt)),
    numbers(jobs.map(({ laterExpiresAt }) => laterExpiresAt)),
    numbers(jobs.map(({ deadlineAt }) => deadlineAt)),
    texts(jobs.map(({ queue }, at) => groupReadyQueue(queue, keys[at] ?? []))),
    texts(jobs.map(({ trace }) => trace)),
    texts(jobs.map(({ node }) => node?.workflow ?? null)),
    numbers(jobs.map(({ node }) => node?.index ?? null)),
    texts(jobs.map(({ cron }) => cron)),
    texts(jobs.map(({ unique }) => unique?.key ?? null)),
    texts(keys.map((keys) => (keys.length === 0 ? null : JSON.stringify(keys)))),
    ...joined(
      jobs.map(({ policy }) => policy),
      jobs.map(({ envelope }) => envelope),
    ),
  ];
}

/** The ready queue of a limit group; null for that of the queue itself. */
function groupReadyQueue(queue: string, limits: readonly string[]): string | null {
  const keys = limitGroupOf(limits);
  return keys.length === 0 ? null : readyQueueOf(queue, keys);
}
