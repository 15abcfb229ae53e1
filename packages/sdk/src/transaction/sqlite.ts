import type { NamesOf } from '@ojs-ts/core';
import { OJSError, OJSValidationError } from '../errors.ts';
import type { JobRequest } from '../job/definition.ts';
import { checkNames } from '../options/check-names.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { StepInfo } from '../worker/steps/types.ts';
import { missingTable, type StagedJob, stagedOf } from './client.ts';
import { claimedBy, completionStatement, leaseLost } from './complete.ts';
import { type Destination, inbox, type PreparedRequest } from './destination.ts';
import { written } from './prepare.ts';
import { type Row, rowsOf, type SqlDatabase, type SqlTransaction, type SqlValue, type Statement } from './sql.ts';
import { alreadyRecorded, claimedStep, recordedStatement, recordStatements, stepValue } from './step.ts';

/** The members of `DatabaseSync` of `node:sqlite` that the SDK uses. */
export interface SqliteDatabase {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): { all(...values: SqlValue[]): unknown[] };
}

/** Enqueues and completes jobs within a transaction of SQLite, synchronously. */
export interface SqliteJobs {
  /**
   * Enqueues a request. Its schema and middleware may be asynchronous: run them before, with
   * `TransactionClient.prepare`, and pass the outcome.
   * @throws {OJSValidationError}
   */
  enqueue(job: JobRequest | PreparedRequest): StagedJob;
  /** Completes a handler's job. See `TransactionClient.complete`. */
  complete(context: Pick<JobContext, 'job' | 'jobId'>, result?: unknown): void;
  /** Records the outcome of a durable step. See `TransactionClient.step`. */
  step<T>(step: StepInfo, value: T): T;
}

/** Options of {@link withTransaction}. */
export interface SqliteTransactionOptions {
  /** The table to write jobs to. Default: the inbox of the server (or embedded engine) whose store is this file. */
  readonly destination?: Destination | undefined;
  /** How long to wait for another writer of the file, in milliseconds. Default: 5,000. */
  readonly patienceMs?: number | undefined;
}

const transactionNames: NamesOf<SqliteTransactionOptions> = { destination: true, patienceMs: true };

const busy = 5;

/**
 * Runs `work` in a transaction of SQLite: BEGIN IMMEDIATE, or a savepoint within an open transaction. If `work` throws,
 * everything is rolled back. SQLite has one writer a file: while a transaction is open, all other writers wait.
 * Therefore `work` is synchronous. If your transactions span awaits, keep your tables in a file of their own and
 * enqueue with an {@link outbox}.
 * @throws {OJSError} if `work` is asynchronous, or if another process has locked the file for `patienceMs`.
 */
export async function withTransaction<T>(
  database: SqliteDatabase,
  work: (jobs: SqliteJobs) => T,
  options: SqliteTransactionOptions = {},
): Promise<T> {
  checkNames(options, transactionNames);
  const jobs = jobsIn(database, options.destination ?? inbox());
  if (database.isTransaction)
    return within(database, jobs, work, 'ROLLBACK TO ojs; RELEASE ojs', 'RELEASE ojs', () =>
      database.exec('SAVEPOINT ojs'),
    );
  const until = Date.now() + (options.patienceMs ?? 5_000);
  for (let pause = 1; ; pause = Math.min(2 * pause, 20)) {
    try {
      database.exec('BEGIN IMMEDIATE');
      break;
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (Date.now() > until) throw new OJSError('The database file is locked by another writer.', { cause: error });
    }
    // Not the busy timeout of SQLite: the lock's owner may need this thread. The random part keeps two waiters out
    // of step.
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
  return within(database, jobs, work, 'ROLLBACK', 'COMMIT', () => {});
}

function within<T>(
  database: SqliteDatabase,
  jobs: SqliteJobs,
  work: (jobs: SqliteJobs) => T,
  undo: string,
  keep: string,
  open: () => void,
): T {
  open();
  try {
    const result = work(jobs);
    if (isThenable(result)) {
      result.then(undefined, () => {});
      throw new OJSError(
        'withTransaction() takes a synchronous function: until an asynchronous one had ended, ' +
          'nobody else could write to the file. Await first and write then, or use an outbox in a file of your own.',
      );
    }
    database.exec(keep);
    return result;
  } catch (error) {
    // After some errors SQLite has rolled back already.
    if (database.isTransaction) database.exec(undo);
    throw error;
  }
}

function jobsIn(database: SqliteDatabase, destination: Destination): SqliteJobs {
  const run = ({ text, values }: Statement) => {
    // A refused asynchronous function continues after the rollback.
    if (!database.isTransaction) throw noTransaction();
    try {
      return database.prepare(numbered(text)).all(...values);
    } catch (error) {
      throw missingTable(error, 'sqlite', destination.table);
    }
  };
  return {
    enqueue(job) {
      const request = 'text' in job ? job : written(job);
      run(destination.append('sqlite', [request]));
      return stagedOf(request, undefined);
    },
    complete(context, result) {
      if (destination.schema === null)
        throw new OJSError('An outbox has no jobs to complete.', { jobId: context.jobId });
      const claimed = claimedBy(context);
      if (run(completionStatement('sqlite', destination.schema, claimed, result)).length === 0)
        throw leaseLost(claimed);
    },
    step(step, value) {
      const owned = claimedStep(step);
      if (owned === null) return value;
      const { claimed, recording } = owned;
      if (destination.schema === null)
        throw new OJSError('An outbox has no jobs, so no steps either.', { jobId: claimed.id });
      if (!recording.isPlain)
        throw new OJSError(
          'The values of steps are encoded here, and withTransaction() is synchronous: use TransactionClient.step().',
          { jobId: claimed.id },
        );
      const { row, apart } = recordStatements('sqlite', '', step, owned, stepValue(step, recording, value));
      if (run(row).length === 0)
        throw run(recordedStatement('sqlite', '', step, claimed)).length > 0
          ? alreadyRecorded(step, claimed)
          : leaseLost(claimed);
      if (apart !== null) run(apart);
      return value;
    },
  };
}

/**
 * `node:sqlite` with a transaction of your own, for a file that no one else writes to. Without an open transaction a
 * statement throws {OJSValidationError}, because its write could not be rolled back with your transaction.
 */
export function sqliteTransaction(database: Pick<SqliteDatabase, 'prepare' | 'isTransaction'>): SqlTransaction {
  return {
    dialect: 'sqlite',
    async query(text, values) {
      if (!database.isTransaction) throw noTransaction();
      return ask(database, text, values);
    },
  };
}

function noTransaction(): OJSValidationError {
  return OJSValidationError.of(
    'database',
    'no transaction is open: run BEGIN IMMEDIATE first, or use withTransaction()',
  );
}

/** `node:sqlite`, for a relay. */
export function sqliteDatabase(database: Pick<SqliteDatabase, 'prepare'>): SqlDatabase {
  return { dialect: 'sqlite', isDatabase: true, query: async (text, values) => ask(database, text, values) };
}

function ask(database: Pick<SqliteDatabase, 'prepare'>, text: string, values: readonly SqlValue[]): readonly Row[] {
  return rowsOf(database.prepare(numbered(text)).all(...values));
}

/** In SQLite `$1` is a name and `?1` a number. */
function numbered(text: string): string {
  return text.replace(/\$(\d+)/g, '?$1');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === busy
  );
}
