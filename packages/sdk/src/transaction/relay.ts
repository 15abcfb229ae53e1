import { type NamesOf, type Transport, uuidv7 } from '@ojs-ts/core';
import { Connection, type ConnectionOptions, connectionNames } from '../connection/connection.ts';
import { OJSAPIError, OJSPermissionError, OJSValidationError } from '../errors.ts';
import { textOf } from '../json.ts';
import { checkNames } from '../options/check-names.ts';
import type { Duration } from '../options/duration.ts';
import { durationMs } from '../options/values.ts';
import { HeldQueues, isOfQueue } from './held-queues.ts';
import { type OutboxOptions, outboxNames, tableOf } from './outbox.ts';
import type { SqlDatabase } from './sql.ts';

/** Options of an {@link OutboxRelay}. */
export interface OutboxRelayOptions extends OutboxOptions, ConnectionOptions {
  /** The database with the outbox, such as `pgDatabase(pool)`. */
  readonly database: SqlDatabase;
  /** The longest time between two polls for new rows; `wake()` polls at once. Default: 1 s. */
  readonly pollInterval?: Duration | undefined;
  /** The most rows in one request. Default: 100. */
  readonly batchSize?: number | undefined;
  /** How long sent rows stay in the table. Default: 24 h. */
  readonly retention?: Duration | undefined;
  /**
   * The pauses while the server is unreachable, or a queue accepts no jobs: from `first`, doubled each time, up to
   * `longest`. Default: 500 ms and 30 s.
   */
  readonly backoff?: { readonly first: Duration; readonly longest: Duration } | undefined;
  /** How long other relays wait for a relay that has stopped without notice. Default: 30 s. */
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

/** The outcome for one row. */
type Sent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'held'; readonly error: OJSAPIError };

const sent: Sent = { kind: 'sent' };

/** How often sent rows are removed, in milliseconds. */
const pruneMs = 60_000;

/**
 * Sends the jobs of an outbox, oldest first; only one relay of a table sends at a time. The job's id comes from the
 * transaction, so a job that is sent twice after a crash is still one job. While the server is unreachable, all rows
 * wait. If a queue is full, or is paused and refuses jobs, its rows wait in order, and rows of other queues continue. A
 * row that the server refuses for good is marked `failed`, with the reason.
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
   * @throws {OJSValidationError} for a wrong or unknown option.
   */
  constructor(target: string | Transport | undefined, options: OutboxRelayOptions) {
    checkNames(options, relayNames);
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

  /** Sends in the background until `stop()`. Ends with an error in the log if the token lacks the scope `enqueue`. */
  start(): this {
    this.#running ??= this.#loop();
    return this;
  }

  /** Polls at once. Call it after a commit if one second is too long. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Stops after the request in flight. */
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
   * Sends all pending rows now, and returns how many were sent. Returns 0 if another relay has the lease.
   * @throws {OJSPermissionError} if the token lacks the scope `enqueue`; {OJSError} if the server is unreachable; the
   * database's error; {QueuePausedError} or {RateLimitedError} of a queue that accepts no jobs, after all other rows
   * were sent.
   */
  async flush(): Promise<number> {
    this.#held.wake();
    const count = await this.#pass();
    if (this.#held.error !== null) throw this.#held.error;
    return count;
  }

  async #pass(): Promise<number> {
    // Held until the end of the pass, even if the queue accepts jobs again: a later row must not overtake a refused
    // one.
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
        if (failing) this.#connection.logger.info('outbox relay resumed');
        failing = false;
        pause = this.#pollMs;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (error instanceof OJSPermissionError && error.error.foreign !== true) {
          this.#connection.logger.error('outbox relay ended: its token may not enqueue; the rows stay', { reason });
          this.#running = null;
          return;
        }
        // Logged once an outage.
        if (!failing) this.#connection.logger.warn('outbox relay waiting: it tries again', { reason });
        pause = failing ? Math.min(2 * pause, this.#longestMs) : this.#firstMs;
        failing = true;
      }
      await this.#rest(pause, failing);
    }
  }

  /** A wake-up does not shorten the pause while the server is unreachable. */
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
   * Times come from the relays' clocks, not from the database's: these clocks are seconds apart at most, and a lease is
   * longer.
   */
  async #lease(): Promise<boolean> {
    const now = Date.now();
    const rows = await this.#database.query(
      `INSERT INTO ${this.#table}_relay (one, holder, until) VALUES (1, $1, CAST($2 AS bigint))
       ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, until = excluded.until
       WHERE ${this.#table}_relay.holder = excluded.holder OR ${this.#table}_relay.until < CAST($3 AS bigint)
         RETURNING holder`,
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

  /** Returns how many rows were sent. Queues that refused jobs are in `held` afterwards. */
  async #send(entries: readonly Entry[], held: Set<string>): Promise<number> {
    if (entries.length > 1 && (await this.#sendTogether(entries))) {
      await this.#note(entries, null);
      for (const { queue } of entries) this.#released(queue);
      return entries.length;
    }
    let count = 0;
    for (const entry of entries) {
      if (held.has(entry.queue)) continue;
      // All rows together may take longer than one lease.
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
        this.#connection.logger.error('outbox job refused: its row is marked failed', about);
      }
    }
    return count;
  }

  #holds(queue: string, error: OJSAPIError): void {
    if (!this.#held.hold(queue, error, Date.now())) return;
    this.#connection.logger.warn('outbox queue held: it accepts no jobs for now; other queues go on', {
      queue,
      reason: error.message,
    });
  }

  #released(queue: string): void {
    if (this.#held.release(queue))
      this.#connection.logger.info('outbox queue released: it accepts jobs again', { queue });
  }

  /** Sends all rows or none. False if the server refuses one of them: sending each by itself then finds it. */
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
      // An earlier request had sent the job, but its row was not updated.
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

/** A full queue is not retried within the call: the relay waits, and other queues continue. */
const settings = { isFinal: isOfQueue };

function isHolding(error: unknown): error is OJSAPIError {
  return error instanceof OJSAPIError && error.error.foreign !== true && isOfQueue(error);
}

/** The server has decided. Any other error may pass later. */
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
