import { limitGroupOf, type NewJob, State } from '@ojs-ts/core';
import { integer } from '../../cells.ts';
import { numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { chunk } from '../jobs/changes.ts';
import { readyQueueOf } from '../limits/limit-deltas.ts';

const available = State.available;

const rows = `WITH base AS MATERIALIZED (SELECT nextval('ojs.numbers') AS number)
  INSERT INTO ojs.jobs (number, id, state, priority, place, due_at, run_at, enqueued_at, timeout_ms, heartbeat_ms, visibility_ms, expires_at, later_expires_at,
    deadline_at, created_at, queue, line, type, trace, workflow, node, cron, unique_key, limits, policy, envelope)
  SELECT base.number + job.at, job.id, job.state, job.priority, CASE WHEN job.state = ${available} THEN base.number + job.at END,
    CASE WHEN job.state <> ${available} THEN job.run_at END, job.run_at, CASE WHEN job.state = ${available} THEN job.created_at END, job.timeout_ms,
    job.heartbeat_ms, job.visibility_ms, job.expires_at, job.later_expires_at, job.deadline_at, job.created_at, job.queue, coalesce(job.line, job.queue),
    job.type, job.trace, job.workflow, job.node, job.cron, job.unique_key, job.limits, job.policy, job.envelope
  FROM base, unnest($1::uuid[], $2::smallint[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
      $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::integer[], $18::text[], $19::text[], $20::text[],
      $21::text[], $22::text[])
    WITH ORDINALITY AS job (id, state, priority, run_at, timeout_ms, heartbeat_ms, visibility_ms, expires_at, later_expires_at, deadline_at, created_at,
      queue, line, type, trace, workflow, node, cron, unique_key, limits, policy, envelope, at)`;

/**
 * Inserts jobs that do not exist yet, unless one of the queues is bounded, or paused where that matters; counts the
 * rows.
 */
const plainRows = rows
  .replace('INSERT INTO', ', fresh AS (INSERT INTO')
  .concat(` WHERE NOT EXISTS (SELECT FROM ojs.queues WHERE name = ANY ($23::text[])
    AND (capacity IS NOT NULL OR (paused AND $24)))
    ON CONFLICT (id) DO NOTHING RETURNING 1) SELECT count(*) FROM fresh`);

export function insertRows(tx: Transaction, jobs: readonly NewJob[]): void {
  for (let at = 0; at < jobs.length; at += chunk) tx.write(rows, columns(jobs.slice(at, at + chunk)));
}

/** Inserts jobs that only their id or their queue can refuse; returns how many were inserted. */
export async function insertPlainRows(
  tx: Transaction,
  jobs: readonly NewJob[],
  refusePaused: boolean,
): Promise<number> {
  const queues = [...new Set(jobs.map(({ queue }) => queue))];
  let count = 0;
  for (let at = 0; at < jobs.length; at += chunk) {
    const [row] = await tx.query(plainRows, [...columns(jobs.slice(at, at + chunk)), texts(queues), refusePaused]);
    count += integer(row?.[0]);
  }
  return count;
}

function columns(jobs: readonly NewJob[]): readonly unknown[] {
  const keys = jobs.map(({ limits }) => limits.map(({ key }) => key));
  return [
    `{${jobs.map(({ id }) => id).join(',')}}`,
    numbers(jobs.map(({ state }) => state)),
    numbers(jobs.map(({ priority }) => priority)),
    numbers(jobs.map(({ runAt }) => runAt)),
    numbers(jobs.map(({ timeoutMs }) => timeoutMs)),
    numbers(jobs.map(({ heartbeatMs }) => heartbeatMs)),
    numbers(jobs.map(({ visibilityMs }) => visibilityMs)),
    numbers(jobs.map(({ expiresAt }) => expiresAt)),
    numbers(jobs.map(({ laterExpiresAt }) => laterExpiresAt)),
    numbers(jobs.map(({ deadlineAt }) => deadlineAt)),
    numbers(jobs.map(({ createdAt }) => createdAt)),
    texts(jobs.map(({ queue }) => queue)),
    texts(jobs.map(({ queue }, at) => groupReadyQueue(queue, keys[at] ?? []))),
    texts(jobs.map(({ type }) => type)),
    texts(jobs.map(({ trace }) => trace)),
    texts(jobs.map(({ node }) => node?.workflow ?? null)),
    numbers(jobs.map(({ node }) => node?.index ?? null)),
    texts(jobs.map(({ cron }) => cron)),
    texts(jobs.map(({ unique }) => unique?.key ?? null)),
    texts(keys.map((keys) => (keys.length === 0 ? null : JSON.stringify(keys)))),
    texts(jobs.map(({ policy }) => policy)),
    texts(jobs.map(({ envelope }) => envelope)),
  ];
}

/** The ready queue of a limit group; null for that of the queue itself. */
function groupReadyQueue(queue: string, limits: readonly string[]): string | null {
  const keys = limitGroupOf(limits);
  return keys.length === 0 ? null : readyQueueOf(queue, keys);
}
