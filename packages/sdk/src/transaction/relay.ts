import { type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import { OJSAPIError, OJSValidationError } from '../errors.ts';
import { textOf } from '../json.ts';
import type { Duration } from '../options/duration.ts';
import { known } from '../options/known.ts';
import { durationMs } from '../options/values.ts';
import { HeldQueues, isOfQueue } from './held-queues.ts';
import { type OutboxOptions, outboxNames, tableOf } from './outbox.ts';
import type { SqlDatabase } from './sql.ts';

/** Which table, how often, and who sends. */
export interface OutboxRelayOptions extends OutboxOptions, ConnectionOptions {
  /** The database with the outbox, such as `pgDatabase(pool)`. */
  readonly database: SqlDatabase;
  /** A look for new rows at the latest after so long; `wake()` makes one at once. Default 1 s. */
  readonly pollInterval?: Duration | undefined;
  /** Rows of one request. Default 100. */
  readonly batchSize?: number | undefined;
  /** How long sent rows stay. Default 24 h. */
  readonly retention?: Duration | undefined;
  /**
   * While the server is away, or a queue takes no jobs: the first pause, doubled up to the second. Default 500 ms and
   * 30 s.
   */
  readonly backoff?: { readonly first: Duration; readonly longest: Duration } | undefined;
  /** How long a relay that says nothing more keeps others out. Default 30 s. */
  readonly lease?: Duration | undefined;
}

const relayNames: NamesOf<OutboxRelayOptions> = {
  ...outboxNames,
  ...connectionNames,
  database: true,
  pollInterval: true,
  batchSize: true,
  retention: true,
  backoff: { first: true, longest: true },
  lease: true,
};

interface Entry {
  readonly id: string;
  readonly jobId: string;
  readonly queue: string;
  readonly request: string;
}

/** What became of a row. */
type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'held'; readonly error: OJSAPIError };

const sent: Sent = { kind: 'sent' };

/** How often sent rows are removed, in milliseconds. */
const pruneMs = 60_000;

/**
 * Sends the jobs of an outbox, oldest first, one relay of a table at a time. A job has its id from the transaction, so
 * one that is sent twice, as after a crash between the sending and its note, is one job. While the server is away
 * everything waits. A queue that is paused and refuses jobs, or is full, keeps its own rows waiting, in their order,
 * and those of other queues go on. What the server refuses for good is marked `failed` with the reason.
 */
export class OutboxRelay implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #database: SqlDatabase;
  readonly #table: string;
  readonly #holder = uuidv7();
  readonly #pollMs: number;
  readonly #batchSize: number;
  readonly #retentionMs: number;
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #leaseMs: number;
  readonly #held: HeldQueues;
  #running: Promise<void> | null = null;
  #stopping = false;
  #wake: (() => void) | null = null;
  #woken = false;
  #prunedAt = 0;

  /**
   * @param target URL of a server, or a transport. Default: `OJS_BACKEND_URL`, else http://localhost:8080.
   * @throws {OJSValidationError} for an option that cannot be used.
   */
  constructor(target: string | Transport | undefined, options: OutboxRelayOptions) {
    known(options, relayNames);
    this.#connection = new Connection(target, options);
    if (options.database.isDatabase !== true) {
      throw OJSValidationError.of(
        'database',
        'expected a database, such as pgDatabase(pool); the relay works outside of transactions',
      );
    }
    this.#database = options.database;
    this.#table = tableOf(options);
    this.#pollMs = durationMs(options.pollInterval ?? 1_000, 'pollInterval');
    this.#batchSize = options.batchSize ?? 100;
    this.#retentionMs = durationMs(options.retention ?? 86_400_000, 'retention');
    this.#firstMs = durationMs(options.backoff?.first ?? 500, 'backoff.first');
    this.#longestMs = durationMs(options.backoff?.longest ?? 30_000, 'backoff.longest');
    this.#leaseMs = durationMs(options.lease ?? 30_000, 'lease');
    this.#held = new HeldQueues(this.#firstMs, this.#longestMs);
  }

  /** Sends in the background until `stop()`. */
  start(): this {
    this.#running ??= this.#loop();
    return this;
  }

  /** There is something to send: call it after a commit where a second is too long. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Ends after the request under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#running;
    await this.#database.query(`DELETE FROM ${this.#table}_relay WHERE holder = $1`, [this.#holder]).catch(() => {});
    await this.#connection[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Sends everything that is there now; answers how many rows were sent. 0 as well where another relay has the table.
   * @throws what keeps it from going on: the server is away, or the database; once all others are sent,
   * {QueuePausedError} or {RateLimitedError} of a queue that takes no jobs.
   */
  async flush(): Promise<number> {
    this.#held.wake();
    const count = await this.#pass();
    if (this.#held.error !== null) throw this.#held.error;
    return count;
  }

  async #pass(): Promise<number> {
    // Until the end of the pass: a row of a queue that takes jobs again must not overtake the one that was refused.
    const held = this.#held.resting(Date.now());
    let count = 0;
    while (!this.#stopping && (await this.#lease())) {
      const entries = await this.#pending(held);
      count += await this.#send(entries, held);
      if (entries.length < this.#batchSize) break;
    }
    await this.#prune();
    return count;
  }

  async #loop(): Promise<void> {
    let pause = this.#pollMs;
    let failing = false;
    while (!this.#stopping) {
      this.#woken = false;
      try {
        await this.#pass();
        if (failing) this.#connection.logger.info('The relay of the outbox works again.');
        failing = false;
        pause = this.#pollMs;
      } catch (error) {
        // A server that is away for an hour is told once.
        if (!failing)
          this.#connection.logger.warn('The relay of the outbox waits.', {
            reason: error instanceof Error ? error.message : String(error),
          });
        pause = failing ? Math.min(2 * pause, this.#longestMs) : this.#firstMs;
        failing = true;
      }
      await this.#rest(pause, failing);
    }
  }

  /** A wake-up does not shorten the pause while the server is away. */
  #rest(ms: number, failing: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#wake = () => {
        if (!failing || this.#stopping) end();
      };
      if ((this.#woken && !failing) || this.#stopping) end();
    });
  }

  /**
   * Times are the database's own clock's nowhere: relays of one table run on clocks that are seconds apart at most, and
   * a lease is longer.
   */
  async #lease(): Promise<boolean> {
    const now = Date.now();
    const rows = await this.#database.query(
      `INSERT INTO ${this.#table}_relay (one, holder, until) VALUES (1, $1, CAST($2 AS bigint))
       ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, until = excluded.until
       WHERE ${this.#table}_relay.holder = excluded.holder OR ${this.#table}_relay.until < CAST($3 AS bigint) RETURNING holder`,
      [this.#holder, String(now + this.#leaseMs), String(now)],
    );
    return rows.length === 1;
  }

  async #pending(held: ReadonlySet<string>): Promise<readonly Entry[]> {
    const others =
      held.size === 0 ? '' : `AND queue NOT IN (${[...held].map((_, index) => `$${index + 2}`).join(', ')})`;
    const rows = await this.#database.query(
      `SELECT CAST(id AS text) AS id, job_id, queue, request FROM ${this.#table} WHERE status = 'pending' ${others}
       ORDER BY ${this.#table}.id LIMIT CAST($1 AS integer)`,
      [String(this.#batchSize), ...held],
    );
    return rows.map(({ id, job_id, queue, request }) => ({
      id: String(id),
      jobId: String(job_id),
      queue: String(queue),
      request: String(request),
    }));
  }

  /** Answers how many were sent; queues that took none are in `held` afterwards. */
  async #send(entries: readonly Entry[], held: Set<string>): Promise<number> {
    if (entries.length > 1 && (await this.#sendTogether(entries))) {
      await this.#note(entries, null);
      for (const { queue } of entries) this.#released(queue);
      return entries.length;
    }
    let count = 0;
    for (const entry of entries) {
      if (held.has(entry.queue)) continue;
      // Together they may take longer than one lease.
      if (!(await this.#lease())) break;
      const { jobId, queue } = entry;
      const result = await this.#sendOne(entry);
      if (result.kind === 'held') {
        held.add(queue);
        this.#holds(queue, result.error);
        continue;
      }
      await this.#note([entry], result.kind === 'failed' ? result.reason : null);
      if (result.kind === 'sent') {
        this.#released(queue);
        count += 1;
      } else {
        const about = { job_id: jobId, reason: result.reason };
        this.#connection.logger.error('A job of the outbox was refused; its row is marked as failed.', about);
      }
    }
    return count;
  }

  #holds(queue: string, error: OJSAPIError): void {
    if (!this.#held.hold(queue, error, Date.now())) return;
    this.#connection.logger.warn('A queue takes no jobs of the outbox for now; those of other queues go on.', {
      queue,
      reason: error.message,
    });
  }

  #released(queue: string): void {
    if (this.#held.release(queue)) this.#connection.logger.info('A queue takes jobs of the outbox again.', { queue });
  }

  /** All or none: false where the server refuses one, which is then found by sending each. */
  async #sendTogether(entries: readonly Entry[]): Promise<boolean> {
    const [first] = entries;
    if (first === undefined) return true;
    try {
      const body = `{"jobs":[${entries.map(({ request }) => request).join(',')}]}`;
      await this.#connection.call(
        { operation: 'job.enqueueBatch', body, idempotencyKey: first.jobId },
        {},
        {},
        settings,
      );
      return true;
    } catch (error) {
      if (isHolding(error) || isFinal(error)) return false;
      throw error;
    }
  }

  async #sendOne({ jobId, request }: Entry): Promise<Sent> {
    try {
      await this.#connection.call(
        { operation: 'job.enqueue', body: request, idempotencyKey: jobId },
        {},
        { jobId },
        settings,
      );
      return sent;
    } catch (error) {
      if (isHolding(error)) return { kind: 'held', error };
      if (!isFinal(error)) throw error;
      // It was sent before, and its note was lost.
      if (error.code === 'duplicate' && textOf(error.error.details.existing_job_id) === jobId) return sent;
      return { kind: 'failed', reason: `${error.code}: ${error.message}` };
    }
  }

  async #note(entries: readonly Entry[], error: string | null): Promise<void> {
    const ids = entries.map((_, index) => `CAST($${index + 4} AS bigint)`).join(', ');
    await this.#database.query(
      `UPDATE ${this.#table} SET status = $1, sent_at = CAST($2 AS bigint), error = $3 WHERE id IN (${ids})`,
      [error === null ? 'sent' : 'failed', String(Date.now()), error, ...entries.map(({ id }) => id)],
    );
  }

  async #prune(): Promise<void> {
    if (Date.now() - this.#prunedAt < pruneMs) return;
    this.#prunedAt = Date.now();
    await this.#database.query(`DELETE FROM ${this.#table} WHERE status = 'sent' AND sent_at < CAST($1 AS bigint)`, [
      String(this.#prunedAt - this.#retentionMs),
    ]);
  }
}

/** A queue that is full is waited for here, where others do not have to wait with it. */
const settings = { isFinal: isOfQueue };

function isHolding(error: unknown): error is OJSAPIError {
  return error instanceof OJSAPIError && error.error.foreign !== true && isOfQueue(error);
}

/** The server has decided. Everything else may go well later. */
function isFinal(error: unknown): error is OJSAPIError {
  return (
    error instanceof OJSAPIError &&
    error.error.foreign !== true &&
    !error.retryable &&
    error.statusCode >= 400 &&
    error.statusCode < 500 &&
    ![401, 403, 408, 429].includes(error.statusCode)
  );
}
