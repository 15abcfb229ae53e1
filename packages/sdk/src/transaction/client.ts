import type { NamesOf } from '@ojs-ts/core';
import { OJSError, OJSValidationError } from '../errors.ts';
import { type InputOf, type JobDef, type JobRequest, type Jsonable, job as requestOf } from '../job/definition.ts';
import { type JobOptions, jobNames } from '../job/options.ts';
import type { JsonArray } from '../json.ts';
import type { EnqueueMiddleware } from '../middleware/types.ts';
import { checkNames } from '../options/check-names.ts';
import type { JobContext } from '../worker/execution/context.ts';
import type { StepInfo } from '../worker/steps/types.ts';
import { acknowledged, claimedBy, completionStatement, leaseLost, lockStatement } from './complete.ts';
import { type Destination, inbox, type PreparedRequest } from './destination.ts';
import { markedStatement, markStatement, notOpen } from './open.ts';
import { prepare } from './prepare.ts';
import type { Row, SqlTransaction, Statement } from './sql.ts';
import { alreadyRecorded, claimedStep, recordedStatement, recordStatements, stepValue } from './step.ts';

/** A job within a transaction that has not committed. After the commit, `client.getJob(id)` finds it. */
export interface StagedJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  /** `dropped`: a middleware returned null, and nothing was written. */
  readonly outcome: 'staged' | 'dropped';
}

/** Options of a {@link TransactionClient}. */
export interface TransactionClientOptions {
  /** The table to write jobs to. Default: the inbox in the schema `ojs`. */
  readonly destination?: Destination | undefined;
  /** Enqueue middleware around every job, the first one outermost. A chain's `all` fits. */
  readonly middleware?: readonly EnqueueMiddleware[] | undefined;
}

const clientNames: NamesOf<TransactionClientOptions> = { destination: true, middleware: true };

/**
 * Enqueues jobs within your own database transactions: the job exists if and only if the transaction commits. It
 * appends one row and takes no lock that others need, so the transaction may stay open as long as you like.
 */
export class TransactionClient {
  readonly #destination: Destination;
  readonly #middleware: readonly EnqueueMiddleware[];

  constructor(options: TransactionClientOptions = {}) {
    checkNames(options, clientNames);
    this.#destination = options.destination ?? inbox();
    this.#middleware = options.middleware ?? [];
  }

  /**
   * Enqueues a job within the transaction `tx`.
   * @throws {OJSValidationError} before anything is written, also if no transaction is open; otherwise the database's
   * own error.
   */
  enqueue<D extends JobDef>(
    tx: SqlTransaction,
    job: D,
    args: Jsonable<InputOf<D>>,
    options?: JobOptions,
  ): Promise<StagedJob>;
  enqueue(tx: SqlTransaction, jobType: string, args: JsonArray, options?: JobOptions): Promise<StagedJob>;
  async enqueue(
    tx: SqlTransaction,
    job: string | JobDef,
    args: JsonArray,
    options: JobOptions = {},
  ): Promise<StagedJob> {
    checkNames(options, jobNames);
    const request = typeof job === 'string' ? { ...options, type: job, args } : requestOf(job, args, options);
    const [staged] = await this.enqueueBatch(tx, [request]);
    if (staged === undefined) throw new OJSError('A job was staged without an answer.');
    return staged;
  }

  /**
   * Enqueues jobs with one statement, in their order. After the commit, the server accepts or refuses each job by
   * itself.
   * @throws {OJSValidationError} before anything is written, with the index of the bad job.
   */
  async enqueueBatch(tx: SqlTransaction, requests: readonly JobRequest[]): Promise<StagedJob[]> {
    refuseDatabase(tx);
    const prepared = await Promise.all(requests.map((request) => prepare(request, this.#middleware)));
    const kept = prepared.filter((request) => request !== null);
    if (kept.length > 0) await this.#append(tx, kept);
    return prepared.map((request, index) => stagedOf(request, requests[index]));
  }

  /**
   * Runs schema and middleware ahead of time, for the synchronous {@link withTransaction} of SQLite. Returns null if a
   * middleware dropped the job.
   * @throws {OJSValidationError}
   */
  prepare(request: JobRequest): Promise<PreparedRequest | null> {
    return prepare(request, this.#middleware);
  }

  /**
   * Completes a handler's job within the handler's own transaction: its writes and the completion commit together, or
   * not at all. After the commit, what the handler returns or throws has no effect. On PostgreSQL the transaction must
   * be READ COMMITTED, which is the default.
   * @throws {OJSError} if the worker no longer owns the execution. The transaction must then roll back.
   */
  async complete(tx: SqlTransaction, context: Pick<JobContext, 'job' | 'jobId'>, result?: unknown): Promise<void> {
    refuseDatabase(tx);
    const { schema } = this.#destination;
    if (schema === null)
      throw new OJSError('An outbox has no jobs to complete: complete() needs the database of the server.', {
        jobId: context.jobId,
      });
    const claimed = claimedBy(context);
    const mark = crypto.randomUUID();
    const lock = lockStatement(tx.dialect, schema, claimed, mark);
    if (lock !== null) acknowledged(await this.#run(tx, lock), claimed);
    if ((await this.#run(tx, completionStatement(tx.dialect, schema, claimed, result, mark))).length > 0) return;
    const isLost = lock === null || (await this.#run(tx, markedStatement(mark))).length > 0;
    throw isLost ? leaseLost(claimed) : notOpen('complete');
  }

  /**
   * Records the outcome of a durable step within the transaction that does the work of the step: both commit together,
   * or not at all. Return its promise from the function of `ctx.step()`. On PostgreSQL the transaction must be READ
   * COMMITTED, which is the default.
   * @throws {StepRecordedError} if an earlier transaction has recorded the step, and {OJSError} if the worker no longer
   * owns the execution. The transaction must then roll back.
   */
  async step<T>(tx: SqlTransaction, step: StepInfo, value: T): Promise<T> {
    refuseDatabase(tx);
    const { schema } = this.#destination;
    const owned = claimedStep(step);
    if (owned === null) return value;
    const { recording, claimed } = owned;
    if (schema === null)
      throw new OJSError('An outbox has no jobs: a step in your transaction needs the database of the server.', {
        jobId: claimed.id,
      });
    const isPlain = recording.isPlain || value === undefined;
    const text = stepValue(step, recording, isPlain ? value : await recording.encode(value));
    const mark = crypto.randomUUID();
    const lock = lockStatement(tx.dialect, schema, claimed, mark);
    if (lock !== null) acknowledged(await this.#run(tx, lock), claimed);
    const { row, apart } = recordStatements(tx.dialect, schema, step, owned, text, mark);
    if ((await this.#run(tx, row)).length > 0) {
      if (apart !== null) await this.#run(tx, apart);
      return value;
    }
    if (lock !== null && (await this.#run(tx, markedStatement(mark))).length === 0) throw notOpen('step');
    const recorded = await this.#run(tx, recordedStatement(tx.dialect, schema, step, claimed));
    throw recorded.length > 0 ? alreadyRecorded(step, claimed) : leaseLost(claimed);
  }

  async #append(tx: SqlTransaction, requests: readonly PreparedRequest[]): Promise<void> {
    const statement = this.#destination.append(tx.dialect, requests);
    const rows = await this.#run(tx, statement);
    if (statement.mark === undefined || rows.length > 0) return;
    // The transaction's first write. If no transaction is open, the mark is gone before the next statement.
    await this.#run(tx, markStatement(statement.mark));
    if ((await this.#run(tx, statement)).length === 0) throw notOpen('enqueue');
  }

  async #run(tx: SqlTransaction, { text, values }: Statement): Promise<readonly Row[]> {
    try {
      return await tx.query(text, values);
    } catch (error) {
      throw missingTable(error, tx.dialect, this.#destination.table);
    }
  }
}

/** A check for plain JavaScript: in TypeScript the types distinguish transaction and database. */
function refuseDatabase({ isDatabase }: { readonly isDatabase?: unknown }): void {
  if (isDatabase !== true) return;
  throw OJSValidationError.of(
    'tx',
    'expected a transaction, such as pgTransaction(client), got a database: the job would be written outside of it',
  );
}

export function stagedOf(request: PreparedRequest | null, original: JobRequest | undefined): StagedJob {
  if (request !== null) return { id: request.id, type: request.type, queue: request.queue, outcome: 'staged' };
  return {
    id: original?.id ?? '',
    type: original?.type ?? '',
    queue: original?.queue ?? 'default',
    outcome: 'dropped',
  };
}

/** Says what to do if the table is missing. Every other error stays the database's own. */
export function missingTable(error: unknown, dialect: SqlTransaction['dialect'], table: string): unknown {
  const message =
    error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : '';
  if (!/relation "[^"]*(inbox|outbox)[^"]*" does not exist|no such table: \S*(inbox|outbox)/.test(message))
    return error;
  if (dialect === 'sqlite') {
    return new OJSError(
      `The SQLite file has no table ${/no such table: (\S+)/.exec(message)?.[1] ?? table}. ` +
        'For an inbox open the file of the server (ojs serve --storage sqlite:FILE makes its tables); ' +
        'for an outbox call createOutbox() first.',
      { cause: error },
    );
  }
  return new OJSError(
    `The database has no table ${table}. An inbox comes with the layout of a server that uses this database and ` +
      'schema (ojs migrate); an outbox with createOutbox().',
    { cause: error },
  );
}
