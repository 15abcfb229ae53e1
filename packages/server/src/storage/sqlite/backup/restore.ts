import { errorFingerprint } from '@ojs-ts/core/job';
import { flag } from '../../cells.ts';
import { Newest } from '../../dump.ts';
import { columnsOf, histogramText } from '../../rows.ts';
import { isUsed, Restoration, type RestoredWorkflow, type Row, type SqlRows } from '../../sql/restore.ts';
import type { Dumped, DumpRecord } from '../../storage.ts';
import { ClaimedJobCache } from '../claim/claimed-job-cache.ts';
import type { Connection } from '../disk/connection.ts';
import { dueAt } from '../move.ts';
import { boundsText, limitsText, tiesText } from '../row.ts';
import { padding, statements } from '../statements.ts';
import { Transaction } from '../transaction.ts';
import { inSqlite } from './dump.ts';

export function isEmpty(sql: Connection): boolean {
  return !flag(sql.value(inSqlite(isUsed())));
}

/** Writes the records of a dump within one transaction of `sql`. */
export class SqliteRestoration implements SqlRows {
  readonly #sql: Connection;
  readonly #tx: Transaction;
  readonly #newest = new Newest();
  readonly #records = new Restoration(this, this.#newest);
  /** The number of the last node. */
  #lastNode = 0;

  constructor(sql: Connection) {
    this.#sql = sql;
    this.#tx = new Transaction(sql, false, new ClaimedJobCache(sql));
  }

  take(page: readonly DumpRecord[]): void {
    for (const record of page) this.#records.take(record);
    this.#flush();
  }

  end(): void {
    this.#records.end();
    this.#flush();
    const { own, place, position, lastStart } = this.#newest;
    this.#sql.change(
      `UPDATE ojs_store SET seed = ?, lease_key = ?, place = max(place, ?), position = max(position, ?),
         last_start = max(last_start, ?)`,
      ...[own.seed, own.leaseKey, place, position, lastStart],
    );
  }

  #flush(): void {
    this.#tx.updateLimitGroups(this.#newest.lastStart);
    this.#tx.flush();
  }

  add(table: string, row: Row): void {
    const columns = Object.keys(row).map((name) => `"${name}"`);
    const places = columns.map(() => '?').join(', ');
    this.#sql.change(
      `INSERT INTO ojs_${table} (${columns.join(', ')}) VALUES (${places})`,
      ...Object.values(row).map(cellOf),
    );
  }

  queue(): Row {
    return { ready_queue: this.#tx.sequences.readyQueue() };
  }

  limit(): Row {
    return {};
  }

  node({ index }: Dumped['node']): Row & { readonly number: number } {
    return { number: this.#lastNode + 1 + index };
  }

  workflow({ state, lastIndex, ready }: RestoredWorkflow): Row {
    const first = this.#lastNode + 1;
    this.#lastNode = first + lastIndex;
    this.#tx.graph.count(state, 1);
    return { first_node: first, last_node: this.#lastNode, ready };
  }

  job({ number, place, job }: Dumped['job']): void {
    const limits = limitsText(job.limits);
    const counted = { queue: job.queue, limits };
    const isFresh = job.claim === 0 && job.finishedAt === null;
    this.add('jobs', {
      ...columnsOf(job, 'heartbeatMs', 'visibilityMs', 'laterExpiresAt', 'deadlineAt', 'limits', 'node'),
      ...{ number, place, ready_queue: place === null ? null : this.#tx.readyQueue(counted), due_at: dueAt(job) },
      ...{ bounds: boundsText(job), ties: tiesText(limits, job.node), padding: isFresh ? padding : null },
    });
    const fingerprint = errorFingerprint(job);
    if (fingerprint !== null) this.#sql.change(statements.setFingerprint, fingerprint, number);
    if (limits !== null) this.#tx.limits.jobRestored(this.#tx.limitGroups.keysOf(limits).keys);
    this.#tx.segments.restored(number, job.queue, job.type);
    this.#tx.entered(counted, job.state, 0);
    if (job.deadLetter) this.#tx.counters.addDeadLetter(job.queue, 1, 0);
  }

  minute(minute: Dumped['minute']): void {
    this.add('minutes', { ...columnsOf(minute), histogram: histogramText(minute.histogram) });
  }

  request({ key, at, claims }: Dumped['request']): void {
    this.add('requests', { request: key, at, claims: claims.map(({ id, claim }) => [id, claim]) });
  }
}

/** SQLite has neither booleans nor lists. */
function cellOf(value: unknown): string | number | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  return typeof value === 'boolean' ? Number(value) : JSON.stringify(value);
}
