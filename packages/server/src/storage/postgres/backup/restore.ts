import { effectiveLimit, reopensAt } from '@ojs-ts/core/lifecycle';
import { isReady } from '@ojs-ts/core/workflow';
import { Newest } from '../../dump.ts';
import { columnsOf } from '../../rows.ts';
import { isUsed, Restoration, type RestoredWorkflow, type Row, type SqlRows } from '../../sql/restore.ts';
import type { Dumped, DumpRecord } from '../../storage.ts';
import type { Transaction } from '../connection/transaction.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';
import { jobRows } from './job-rows.ts';

/** Locks the store, so that a second restore waits. */
export async function isEmpty(tx: Transaction): Promise<boolean> {
  await tx.query('SELECT 1 FROM ojs.store FOR UPDATE');
  return (await tx.value(isUsed('counts', 'limit_changes'))) === false;
}

/** Writes the records of a dump within one transaction. */
export class PostgresRestoration implements SqlRows {
  readonly #tx: Transaction;
  readonly #newest = new Newest();
  readonly #records = new Restoration(this, this.#newest);
  readonly #rows = new Map<string, Row[]>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async take(page: readonly DumpRecord[]): Promise<void> {
    for (const record of page) this.#records.take(record);
    await this.#write();
  }

  async end(): Promise<void> {
    this.#records.end();
    await this.#write();
    const { own, job, place, position, lastStart } = this.#newest;
    await this.#tx.query('UPDATE ojs.store SET seed = $1, position = $2, last_start = $3, lease_key = $4', [
      ...[own.seed, position, lastStart, own.leaseKey],
    ]);
    // The sequence steps by 4,096: the numbers of one statement.
    await this.#tx.query(
      `SELECT setval('ojs.numbers', greatest(nextval('ojs.numbers'), (($1::bigint / 4096) + 1) * 4096))`,
      [Math.max(job, place)],
    );
    for (const table of ['inbox', 'inbox_completions', 'workflows']) {
      await this.#tx.query(
        `SELECT setval(pg_get_serial_sequence('ojs.${table}', 'number'), (SELECT max(number) FROM ojs.${table}))
          WHERE EXISTS (SELECT FROM ojs.${table})`,
      );
    }
  }

  add(table: string, row: Row): void {
    const rows = this.#rows.get(table);
    if (rows) rows.push(row);
    else this.#rows.set(table, [row]);
  }

  queue(): Row {
    return {};
  }

  limit(limit: Dumped['limit'], starts: readonly number[]): Row {
    return { reopens_at: reopensAt(effectiveLimit(limit), (n) => starts.at(-n), 0) ?? 0 };
  }

  node(node: Dumped['node'], { number, state }: RestoredWorkflow): Row & { readonly number: number } {
    return { number: number * nodesPerWorkflow + node.index, ready: isReady(node) && state === 'running' };
  }

  workflow({ state, nodes }: RestoredWorkflow): Row {
    this.#tx.counts.addWorkflow(state, 1);
    return { nodes };
  }

  job({ number, place, job }: Dumped['job']): void {
    for (const [table, row] of jobRows(number, place, job)) this.add(table, row);
    this.#tx.count(job, null, job.state);
    if (job.deadLetter) this.#tx.counts.addDeadLetter(job.queue, 1);
  }

  minute({ histogram, ...sums }: Dumped['minute']): void {
    const codes = Object.keys(histogram).map(Number);
    this.add('minutes', { ...columnsOf(sums), codes, counts: Object.values(histogram) });
  }

  request({ key, at, claims }: Dumped['request']): void {
    const lists = { ids: claims.map(({ id }) => id), claims: claims.map(({ claim }) => claim) };
    this.add('requests', { request: key, at, ...lists });
  }

  /** Waits for the inserts, so that a long dump does not pile up in memory. */
  async #write(): Promise<void> {
    for (const [table, rows] of this.#rows) {
      const columns = Object.keys(rows[0] ?? {})
        .map((name) => `"${name}"`)
        .join(', ');
      await this.#tx.query(
        `INSERT INTO ojs.${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns}
          FROM json_populate_recordset(NULL::ojs.${table}, $1::json)`,
        [JSON.stringify(rows)],
      );
    }
    this.#rows.clear();
  }
}
