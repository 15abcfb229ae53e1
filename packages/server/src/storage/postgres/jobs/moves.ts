import { type JobId, State, Terminal } from '@ojs-ts/core/job';
import { isIn, limitGroupOf, overdueAt } from '@ojs-ts/core/lifecycle';
import { flags, indexJoin, numbers, texts } from '../connection/sql.ts';
import type { Transaction } from '../connection/transaction.ts';
import { readyQueueOf } from '../limits/limit-deltas.ts';
import type { LockedJob } from './locked-job.ts';

/** Rows of one statement: below the 4,096 numbers that a statement takes from the sequence. */
export const chunk = 4000;

/** The columns that all four tables of states have; the values are those of {@link standing}. */
const shared = 'id, claim, attempt, lease_required, run_at, enqueued_at, started_at, worker, texts';
const sharedTypes =
  '$1::uuid[], $2::integer[], $3::integer[], $4::boolean[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], ' +
  '$9::boolean[]';
const moved = `moved.id, moved.claim, moved.attempt, coalesce(moved.lease_required, false),
    moved.run_at, moved.enqueued_at,
    moved.started_at, moved.worker, coalesce(moved.texts, false)`;
const job = `JOIN ojs.jobs AS job ON ${indexJoin('job.id', 'moved.id')}`;
const uniqueAt = 'CASE WHEN job.unique_key IS NOT NULL THEN job.created_at END';
const expiresAt = 'CASE WHEN moved.claim = 0 THEN job.expires_at ELSE job.later_expires_at END';

const intoReady = `WITH base AS MATERIALIZED (SELECT nextval('ojs.numbers') AS number)
  INSERT INTO ojs.ready (${shared}, number, place, expires_at, unique_at, priority, queue, ready_queue, type, trace,
    workflow, node, cron, unique_key, limits)
  SELECT ${moved}, job.number, base.number + moved.at, ${expiresAt}, ${uniqueAt}, job.priority, job.queue,
    moved.ready_queue, job.type, job.trace, job.workflow,
    job.node, job.cron, job.unique_key, job.limits
  FROM base, unnest(${sharedTypes}, $10::text[]) WITH ORDINALITY AS moved (${shared}, ready_queue, at) ${job}`;
const intoDue = `INSERT INTO ojs.due (${shared}, number, state, fingerprint, expires_at, unique_at, queue, type, trace,
  workflow, node, cron, unique_key, limits)
  SELECT ${moved}, job.number, moved.state, moved.fingerprint, ${expiresAt}, ${uniqueAt}, job.queue, job.type,
    job.trace, job.workflow, job.node, job.cron, job.unique_key, job.limits
  FROM unnest(${sharedTypes}, $10::smallint[], $11::text[]) AS moved (${shared}, state, fingerprint) ${job}`;
const intoActive = `INSERT INTO ojs.active (${shared}, number, due_at, lease_ms, lease_until, unique_at, queue, type,
  trace, workflow, node, cron, unique_key, limits)
  SELECT ${moved}, job.number, moved.due_at, moved.lease_ms, moved.lease_until, ${uniqueAt}, job.queue, job.type,
    job.trace, job.workflow, job.node, job.cron,
    job.unique_key, job.limits
  FROM unnest(${sharedTypes}, $10::bigint[], $11::bigint[], $12::bigint[]) AS moved (${shared}, due_at, lease_ms,
    lease_until) ${job}`;
const intoEnded = `INSERT INTO ojs.ended (${shared}, number, state, finished_at, dead_letter, result, fingerprint,
  unique_at, queue, type, unique_key)
  SELECT ${moved}, job.number, moved.state, moved.finished_at, coalesce(moved.dead_letter, false), moved.result,
    moved.fingerprint, ${uniqueAt}, job.queue,
    job.type, job.unique_key
  FROM unnest(${sharedTypes}, $10::smallint[], $11::bigint[], $12::boolean[], $13::text[], $14::text[])
    AS moved (${shared}, state, finished_at, dead_letter, result, fingerprint) ${job}`;

const leaveReady = 'DELETE FROM ojs.ready WHERE number = ANY ($1::bigint[])';
const leaveDue = 'DELETE FROM ojs.due WHERE number = ANY ($1::bigint[])';
const leaveActive = 'DELETE FROM ojs.active WHERE id = ANY ($1::uuid[])';
/** The result of an earlier end stays with the job. */
const leaveEnded = `WITH gone AS (DELETE FROM ojs.ended WHERE number = ANY ($1::bigint[]) RETURNING number, result)
  INSERT INTO ojs.texts (number, result) SELECT number, result FROM gone WHERE result IS NOT NULL
  ON CONFLICT (number) DO UPDATE SET result = excluded.result`;

const stay = `UPDATE ojs.active SET attempt = moved.attempt, run_at = moved.run_at, started_at = moved.started_at,
  worker = moved.worker,
    texts = coalesce(moved.texts, false), lease_until = moved.lease_until, beat_at = moved.beat_at,
    due_at = moved.due_at
  FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::bigint[],
    $8::bigint[], $9::bigint[])
    AS moved (id, attempt, run_at, started_at, worker, texts, lease_until, beat_at, due_at)
  WHERE ${indexJoin('active.id', 'moved.id')}`;

const rewrite = `UPDATE ojs.jobs AS job SET queue = changed.queue, priority = changed.priority,
  timeout_ms = changed.timeout_ms,
    envelope = coalesce(changed.envelope, job.envelope), policy = coalesce(changed.policy, job.policy)
  FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::bigint[])
    AS changed (id, queue, priority, envelope, policy, timeout_ms)
  WHERE ${indexJoin('job.id', 'changed.id')}`;
const insertTexts = `INSERT INTO ojs.texts (number, result, progress, checkpoint, history)
  SELECT number, result, progress, checkpoint, coalesce(history, '')
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) AS given (number, result, progress,
    checkpoint, history)`;
const updateTexts = `UPDATE ojs.texts AS text SET result = CASE WHEN has_result THEN given.result ELSE text.result END,
    progress = CASE WHEN has_progress THEN given.progress ELSE text.progress END,
    checkpoint = CASE WHEN has_checkpoint THEN given.checkpoint ELSE text.checkpoint END,
    history = coalesce(given.history, text.history)
  FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[], $8::boolean[])
    AS given (number, result, progress, checkpoint, history, has_result, has_progress, has_checkpoint)
  WHERE ${indexJoin('text.number', 'given.number')}`;

/** Writes the current states of these jobs, one statement for each table and kind of change. */
export function writeMoves(tx: Transaction, changed: readonly LockedJob[]): void {
  const moving = changed.filter(({ stored, job }) => stored.state !== State.active || job.state !== State.active);
  const staying = changed.filter(({ stored, job }) => stored.state === State.active && job.state === State.active);
  each(changed.filter(isRewritten), (part) => tx.write(rewrite, rewritten(part)));
  leave(tx, moving);
  writeTexts(tx, changed);
  enter(tx, moving);
  each(staying, (part) => tx.write(stay, stayed(part)));
  for (const held of changed) held.stored = held.job;
}

/** Removes the rows of the jobs' states. */
export function leave(tx: Transaction, rows: readonly LockedJob[]): void {
  const from = (mask: number) => rows.filter(({ stored }) => isIn(stored.state, mask)).map(({ number }) => number);
  const [due, ready, ended] = [from(waitingMask), from(State.available), from(Terminal)];
  if (due.length > 0) tx.write(leaveDue, [numbers(due)]);
  if (ready.length > 0) tx.write(leaveReady, [numbers(ready)]);
  const active = rows.filter(({ stored }) => stored.state === State.active).map(({ job }) => job.id);
  if (active.length > 0) tx.write(leaveActive, [idList(active)]);
  if (ended.length > 0) tx.write(leaveEnded, [numbers(ended)]);
}

const waitingMask = State.scheduled | State.retryable | State.pending;

function enter(tx: Transaction, rows: readonly LockedJob[]): void {
  const to = (mask: number) => rows.filter(({ job }) => isIn(job.state, mask));
  each(to(waitingMask), (part) =>
    tx.write(intoDue, [
      ...standing(part),
      numbers(part.map(({ job }) => job.state)),
      texts(part.map(({ fingerprint }) => fingerprint)),
    ]),
  );
  each(to(State.available), (part) =>
    tx.write(intoReady, [
      ...standing(part),
      texts(part.map(({ job }) => readyQueueOf(job.queue, limitGroupOf(job.limits)))),
    ]),
  );
  each(to(State.active), (part) => enterActive(tx, part));
  each(to(Terminal), (part) => {
    const jobs = part.map(({ job }) => job);
    tx.write(intoEnded, [
      ...standing(part),
      numbers(jobs.map(({ state }) => state)),
      numbers(jobs.map(({ finishedAt }) => finishedAt)),
      flags(jobs.map(({ deadLetter }) => deadLetter)),
      texts(part.map(({ texts }) => texts.result ?? null)),
      texts(part.map(({ fingerprint }) => fingerprint)),
    ]);
  });
}

export function enterActive(tx: Transaction, rows: readonly LockedJob[]): void {
  const jobs = rows.map(({ job }) => job);
  tx.write(intoActive, [
    ...standing(rows),
    numbers(jobs.map(overdueAt)),
    numbers(jobs.map(({ leaseMs }) => leaseMs)),
    numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
  ]);
}

function standing(rows: readonly LockedJob[]): readonly unknown[] {
  const jobs = rows.map(({ job }) => job);
  return [
    idList(jobs.map(({ id }) => id)),
    numbers(jobs.map(({ claim }) => claim)),
    numbers(jobs.map(({ attempt }) => attempt)),
    flags(jobs.map(({ leaseRequired }) => leaseRequired)),
    numbers(jobs.map(({ runAt }) => runAt)),
    numbers(jobs.map(({ enqueuedAt }) => enqueuedAt)),
    numbers(jobs.map(({ startedAt }) => startedAt)),
    texts(jobs.map(({ worker }) => worker)),
    flags(rows.map(({ hasTexts }) => hasTexts)),
  ];
}

function stayed(rows: readonly LockedJob[]): readonly unknown[] {
  const jobs = rows.map(({ job }) => job);
  return [
    idList(jobs.map(({ id }) => id)),
    numbers(jobs.map(({ attempt }) => attempt)),
    numbers(jobs.map(({ runAt }) => runAt)),
    numbers(jobs.map(({ startedAt }) => startedAt)),
    texts(jobs.map(({ worker }) => worker)),
    flags(rows.map(({ hasTexts }) => hasTexts)),
    numbers(jobs.map(({ leaseUntil }) => leaseUntil)),
    numbers(jobs.map(({ beatAt }) => beatAt)),
    numbers(jobs.map(overdueAt)),
  ];
}

function isRewritten({ job, stored, texts }: LockedJob): boolean {
  if (texts.envelope !== undefined || texts.policy !== undefined) return true;
  return job.queue !== stored.queue || job.priority !== stored.priority || job.timeoutMs !== stored.timeoutMs;
}

function rewritten(rows: readonly LockedJob[]): readonly unknown[] {
  return [
    idList(rows.map(({ job }) => job.id)),
    texts(rows.map(({ job }) => job.queue)),
    numbers(rows.map(({ job }) => job.priority)),
    texts(rows.map(({ texts }) => texts.envelope ?? null)),
    texts(rows.map(({ texts }) => texts.policy ?? null)),
    numbers(rows.map(({ job }) => job.timeoutMs)),
  ];
}

type Notes = Pick<LockedJob['texts'], 'result' | 'progress' | 'checkpoint' | 'history'>;

/** The result of an end is in the row of the ended job. */
function notesOf({ texts: { result, progress, checkpoint, history }, job }: LockedJob): Notes {
  return {
    ...(result !== undefined && { result: isIn(job.state, Terminal) ? null : result }),
    ...(progress !== undefined && { progress }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(history !== undefined && { history }),
  };
}

function writeTexts(tx: Transaction, changed: readonly LockedJob[]): void {
  const noted = changed.map((held) => ({ held, notes: notesOf(held) }));
  const old = noted.filter(({ held, notes }) => held.hasTexts && Object.keys(notes).length > 0);
  const fresh = noted.filter(({ held, notes }) => !held.hasTexts && Object.values(notes).some((one) => one !== null));
  const columns = (part: readonly (typeof noted)[number][]) => [
    numbers(part.map(({ held }) => held.number)),
    texts(part.map(({ notes }) => notes.result ?? null)),
    texts(part.map(({ notes }) => notes.progress ?? null)),
    texts(part.map(({ notes }) => notes.checkpoint ?? null)),
    texts(part.map(({ notes }) => notes.history ?? null)),
  ];
  each(fresh, (part) => tx.write(insertTexts, columns(part)));
  each(old, (part) => {
    const has = (name: keyof Notes) => flags(part.map(({ notes }) => notes[name] !== undefined));
    tx.write(updateTexts, [...columns(part), has('result'), has('progress'), has('checkpoint')]);
  });
  for (const { held } of fresh) held.hasTexts = true;
}

function each<T>(rows: readonly T[], write: (part: readonly T[]) => void): void {
  for (let at = 0; at < rows.length; at += chunk) write(rows.slice(at, at + chunk));
}

function idList(ids: readonly JobId[]): string {
  return `{${ids.join(',')}}`;
}
