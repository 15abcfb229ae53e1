import { jobColumns } from './row.ts';

// A bound LIMIT makes SQLite plan the statement anew at every change of its value (17 µs); as an expression it does not.
const listed = 'number, finished_at, state, queue, type, dead_letter';

/** The statements whose cost must not grow with the backlog; a test reads the plan of each. */
export const statements = {
  insert: `INSERT INTO ojs_jobs (state, claim, attempt, priority, place, due_at, run_at, enqueued_at, dead_letter, timeout_ms, visibility_ms, expires_at,
    created_at, id, queue, type, trace, history, policy, room, envelope) VALUES (?, 0, 0, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, '${'.'.repeat(84)}', ?) ON CONFLICT (id) DO NOTHING`,

  byId: `SELECT ${jobColumns} FROM ojs_jobs WHERE id = ?`,
  byNumber: `SELECT ${jobColumns} FROM ojs_jobs WHERE number = ?`,

  /** What waits in a queue, in the order of handing out. */
  ready: `SELECT ${jobColumns} FROM ojs_jobs INDEXED BY ojs_jobs_ready WHERE queue = ? AND place IS NOT NULL ORDER BY priority DESC, place LIMIT ? + 0`,
  claim: `UPDATE ojs_jobs SET room = NULL, state = 8, claim = ?, attempt = ?, place = NULL, due_at = ?, started_at = ?, worker = ?, lease_ms = ?, lease_until = ?
    WHERE number = ?`,

  /**
   * What a transition's guard and its events read; a column more costs every ACK 0.1 µs. One UPDATE … RETURNING instead of this and `finish` is slower:
   * 8.4 µs against 2.3 + 3.1.
   */
  guard: `SELECT number, state, claim, worker, queue, type, attempt, started_at, trace FROM ojs_jobs WHERE id = ?`,
  /** What else a change may keep. */
  rest: `SELECT dead_letter, priority, run_at, enqueued_at, finished_at, lease_ms, lease_until, timeout_ms FROM ojs_jobs WHERE number = ?`,
  /** The usual end: out of \`active\`, by ACK or otherwise, with nothing but a result to note. */
  finish: `UPDATE ojs_jobs SET state = ?, due_at = ?, finished_at = ?, lease_ms = NULL, lease_until = NULL, result = iif(?, ?, result)
    WHERE number = ?`,
  move: `UPDATE ojs_jobs SET state = ?, attempt = ?, priority = ?, place = ?, due_at = ?, run_at = ?, enqueued_at = ?, started_at = ?, finished_at = ?,
    dead_letter = ?, lease_ms = ?, lease_until = ?, worker = ? WHERE number = ?`,
  note: `UPDATE ojs_jobs SET result = iif(?, ?, result), history = coalesce(?, history) WHERE number = ?`,

  due: `SELECT ${jobColumns} FROM ojs_jobs INDEXED BY ojs_jobs_due WHERE state = ? AND due_at <= ? ORDER BY due_at, number LIMIT ? + 0`,
  promote: `UPDATE ojs_jobs SET state = 2, place = ?, due_at = NULL, enqueued_at = ? WHERE number = ?`,
  expiring: `SELECT ${jobColumns} FROM ojs_jobs INDEXED BY ojs_jobs_expiry
    WHERE expires_at <= ? AND finished_at IS NULL AND lease_until IS NULL ORDER BY expires_at, number LIMIT ? + 0`,

  beaten: `SELECT number, state, claim, worker, lease_ms, lease_until, started_at, timeout_ms, type, queue, attempt, trace
    FROM ojs_jobs WHERE id = ?`,
  extend: `UPDATE ojs_jobs SET lease_until = ?, due_at = ? WHERE number = ?`,
  held: `SELECT number, id, claim, worker, started_at FROM ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = 8 AND due_at IS NOT NULL AND number > ? AND worker IS NOT NULL ORDER BY number LIMIT ? + 0`,

  forRemoval: `SELECT number, state, queue, dead_letter FROM ojs_jobs WHERE id = ?`,
  remove: `DELETE FROM ojs_jobs WHERE number = ?`,
  /** Finished jobs of a state, oldest first. */
  oldest: `SELECT number, due_at, queue, dead_letter FROM ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = ? AND due_at IS NOT NULL ORDER BY due_at, number LIMIT ? + 0`,

  listReady: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_ready WHERE place IS NOT NULL`,
  listDue: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_due WHERE state = ? AND due_at IS NOT NULL`,
  byNumberDown: `SELECT ${listed} FROM ojs_jobs WHERE number < ? ORDER BY number DESC LIMIT ? + 0`,
  finishedDown: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_due
    WHERE state = ? AND due_at IS NOT NULL AND (due_at, number) < (?, ?) ORDER BY due_at DESC, number DESC LIMIT ? + 0`,
  deadDown: `SELECT ${listed} FROM ojs_jobs INDEXED BY ojs_jobs_dead
    WHERE dead_letter <> 0 AND (finished_at, number) < (?, ?) ORDER BY finished_at DESC, number DESC LIMIT ? + 0`,

  request: `SELECT claims FROM ojs_requests WHERE request = ?`,
  remember: `INSERT INTO ojs_requests (request, at, claims) VALUES (?, ?, ?)`,
} as const;
