import { claimOf, maxResultBytes } from '@ojs-ts/core/job';
import { OJSError } from '../errors.ts';
import { textOf } from '../json.ts';
import type { JobContext } from '../worker/execution/context.ts';
import { resultText } from '../worker/execution/result.ts';
import { hint, noticeOf } from './destination.ts';
import { isMarked, setMark } from './open.ts';
import type { Row, SqlTransaction, Statement } from './sql.ts';

/** An execution, identified by the fence of its claim. */
export interface Claimed {
  readonly id: string;
  readonly claim: number;
}

/** @throws {OJSError} if the server gave no lease. */
export function claimedBy({ job, jobId }: Pick<JobContext, 'job' | 'jobId'>): Claimed {
  const claim = claimOf(textOf(job.raw.x_lease) ?? '');
  if (claim === null)
    throw new OJSError(
      'The server sent no lease with the job, so the transaction cannot check that this worker owns it.',
      { jobId },
    );
  return { id: jobId, claim };
}

/**
 * Locks the execution until the transaction ends. `storage/postgres/insert/completions.ts` of the server has the other
 * side. It is a statement of its own: the next one must see what was committed while this one waited, and must find the
 * mark that proves one transaction. On SQLite, a transaction that writes has the file to itself.
 */
export function lockStatement(
  dialect: SqlTransaction['dialect'],
  schema: string,
  { id }: Claimed,
  mark: string,
): Statement | null {
  if (dialect === 'sqlite') return null;
  const text = `SELECT pg_advisory_xact_lock(7352002, hashtext($1::text || ' ' || $2::text))::text AS locked,
    ${setMark(3)} AS mark,
    current_setting('transaction_isolation') AS isolation`;
  return { text, values: [schema, id, mark] };
}

/** A snapshot from before the lock would not show that the lease was lost. */
export function acknowledged([row]: readonly Row[], { id }: Claimed): void {
  if (row?.isolation === 'read committed' || row?.isolation === 'read uncommitted') return;
  throw new OJSError(
    `complete() needs a READ COMMITTED transaction; this one is ${String(row?.isolation).toUpperCase()}.`,
    {
      jobId: id,
    },
  );
}

/**
 * Returns a row if the worker still owns the execution.
 * @throws {OJSValidationError} for a result that cannot be stored.
 */
export function completionStatement(
  dialect: SqlTransaction['dialect'],
  schema: string,
  { id, claim }: Claimed,
  result: unknown,
  mark = '',
): Statement {
  const text = result === undefined ? null : resultText(result, maxResultBytes);
  if (dialect === 'sqlite') {
    return {
      text: `INSERT INTO ojs_inbox_completions (id, claim, result) SELECT id, claim, $3 FROM ojs_jobs
        WHERE id = $1 AND state = 8 AND claim = $2 RETURNING number`,
      values: [id, claim, text],
    };
  }
  return {
    text: `WITH put AS (INSERT INTO "${schema}".inbox_completions (id, claim, result)
        SELECT id, claim, $4::text FROM "${schema}".active
          WHERE id = $1::text::uuid AND claim = $5::text::integer AND ${isMarked(6)} RETURNING 1)
      ${hint} FROM put`,
    values: [id, ...noticeOf(schema), text, String(claim), mark],
  };
}

export function leaseLost({ id }: Claimed): OJSError {
  return new OJSError(
    'The job is not ours any more: it was cancelled, or its lease was lost. Roll the transaction back.',
    {
      jobId: id,
      operation: 'worker.ack',
    },
  );
}
