import type { Millis } from '@ojs-ts/core';
import { kindsIn } from '@ojs-ts/core/events';
import type { WorkflowState } from '@ojs-ts/core/job';
import { effectiveLimit, numbersText, reopensAt } from '@ojs-ts/core/lifecycle';
import { isReady } from '@ojs-ts/core/workflow';
import { type Takers, take } from '../../dump.ts';
import { minuteRow } from '../../rows.ts';
import type { Dumped, DumpRecord } from '../../storage.ts';
import type { Transaction } from '../connection/transaction.ts';
import { rareOf } from '../events/event-buffer.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';
import { jobRows, type Row } from './job-rows.ts';

interface LockedWorkflow {
  readonly number: number;
  readonly state: WorkflowState;
  nodes: number;
}

/** In a store that was ever used at least one of these tables has a row. */
const usedTables = [
  'queues',
  'counts',
  'jobs',
  'limits',
  'limit_changes',
  'workflows',
  'crons',
  'records',
  'events',
  'inbox',
  'workers',
  'requests',
  'minutes',
];

/** Locks the store, so that a second restore waits. */
export async function isEmpty(tx: Transaction): Promise<boolean> {
  const used = usedTables.map((table) => `EXISTS (SELECT FROM ojs.${table})`);
  await tx.query('SELECT 1 FROM ojs.store FOR UPDATE');
  const [found] = await tx.query(`SELECT ${used.join(' OR ')} OR position > 0 FROM ojs.store`);
  return found?.[0] === false;
}

/** Writes the records of a dump within one transaction, and counts what other rows derive from them. */
export class Restoration {
  readonly #tx: Transaction;
  readonly #rows = new Map<string, Row[]>();
  #number = 0;
  #position = 0;
  #lastStart = 0;
  #seed = 0;
  #leaseKey = '';
  #flow: LockedWorkflow | null = null;
  /** Workflows whose nodes are all read, and counted once their rows are written. */
  readonly #ended: LockedWorkflow[] = [];
  readonly #limits = new Map<string, Dumped['limit']>();
  readonly #starts = new Map<string, Millis[]>();

  readonly #takers: Takers = {
    store: ({ seed, leaseKey, position, lastStart }) => {
      this.#seed = seed;
      this.#leaseKey = leaseKey;
      this.#position = position;
      this.#lastStart = lastStart;
    },
    queue: ({ name, createdAt, paused, capacity, config, version }) =>
      this.#row('queues', { name, created_at: createdAt, paused, capacity, config, version }),
    limit: (limit) => {
      this.#limits.set(limit.key, limit);
    },
    starts: ({ key, at }) => {
      const kept = this.#starts.get(key) ?? [];
      this.#starts.set(key, kept);
      for (const time of at) this.#row('starts', { key, number: kept.push(time), at: time });
    },
    workflow: (workflow) => this.#workflow(workflow),
    node: (node) => this.#node(node),
    job: (job) => this.#job(job),
    cron: ({ name, version, enabled, dueAt, runCount, lastRunAt, lastJob, createdAt, updatedAt, spec }) =>
      this.#row('crons', {
        ...{ name, version, enabled, due_at: dueAt, run_count: runCount, last_run_at: lastRunAt, last_job: lastJob },
        ...{ created_at: createdAt, updated_at: updatedAt, spec },
      }),
    record: ({ kind, key, version, createdAt, updatedAt, body }) =>
      this.#row('records', { kind, key, version, created_at: createdAt, updated_at: updatedAt, body }),
    minute: (record) => {
      const codes = Object.keys(record.histogram).map(Number);
      this.#row('minutes', { ...minuteRow(record), codes, counts: Object.values(record.histogram) });
    },
    worker: ({ worker, seenAt, seenBefore, state, directive, info, holds, heldBefore }) =>
      this.#row('workers', {
        ...{ worker, seen_at: seenAt, seen_before: seenBefore, state, directive, info },
        ...{ holds: holds && JSON.stringify(holds), held_before: heldBefore && JSON.stringify(heldBefore) },
      }),
    request: ({ key, at, claims }) =>
      this.#row('requests', {
        ...{ request: key, at, ids: claims.map(({ id }) => id), claims: claims.map(({ claim }) => claim) },
      }),
    events: ({ position, at, count, entries }) => {
      this.#position = Math.max(this.#position, position + count - 1);
      this.#row('events', { position, at, count, entries, rare: rareOf(kindsIn(entries)) });
    },
    inbox: (entry) => this.#row('inbox', { ...entry }),
    completion: (completion) => this.#row('inbox_completions', { ...completion }),
  };

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  async add(page: readonly DumpRecord[]): Promise<void> {
    for (const record of page) take(this.#takers, record);
    await this.#write();
  }

  async end(): Promise<void> {
    this.#endFlow();
    for (const limit of this.#limits.values()) this.#limit(limit);
    await this.#write();
    await this.#tx.query('UPDATE ojs.store SET seed = $1, position = $2, last_start = $3, lease_key = $4', [
      this.#seed,
      this.#position,
      this.#lastStart,
      this.#leaseKey,
    ]);
    // The sequence steps by 4,096: the numbers of one statement.
    await this.#tx.query(
      `SELECT setval('ojs.numbers', greatest(nextval('ojs.numbers'), (($1::bigint / 4096) + 1) * 4096))`,
      [this.#number],
    );
    for (const table of ['inbox', 'inbox_completions']) {
      await this.#tx.query(
        `SELECT setval(pg_get_serial_sequence('ojs.${table}', 'number'), (SELECT max(number) FROM ojs.${table}))
          WHERE EXISTS (SELECT FROM ojs.${table})`,
      );
    }
    await this.#tx.query(
      `SELECT setval(pg_get_serial_sequence('ojs.workflows', 'number'), (SELECT max(number) FROM ojs.workflows))
        WHERE EXISTS (SELECT FROM ojs.workflows)`,
    );
  }

  #row(table: string, row: Row): void {
    const rows = this.#rows.get(table) ?? [];
    this.#rows.set(table, rows);
    rows.push(row);
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
    for (const { number, nodes } of this.#ended.splice(0)) {
      await this.#tx.query('UPDATE ojs.workflows SET nodes = $2 WHERE number = $1', [number, nodes]);
    }
  }

  #limit({ key, own, override, usedAt }: Dumped['limit']): void {
    const starts = this.#starts.get(key) ?? [];
    const reopens = reopensAt(effectiveLimit({ own, override }), (n) => starts.at(-n), 0) ?? 0;
    this.#row('limits', {
      ...{ key, own: numbersText(own), override: override && numbersText(override), active: 0, waiting: 0, jobs: 0 },
      ...{ started: starts.length, last_start: starts.at(-1) ?? 0, reopens_at: reopens, used_at: usedAt },
    });
  }

  #workflow({ number, workflow }: Dumped['workflow']): void {
    this.#endFlow();
    const { id, name, kind, spec, total, state, completed, failed, cancelled, createdAt, finishedAt, end, sweeping } =
      workflow;
    this.#row('workflows', {
      ...{ number, id, state, nodes: 0, total, completed, failed, cancelled, sweeping, created_at: createdAt },
      ...{ finished_at: finishedAt, name, kind, end, spec },
    });
    this.#flow = { number, state, nodes: 0 };
  }

  #node(node: Dumped['node']): void {
    const flow = this.#flow;
    if (!flow)
      throw new Error(`Node ${node.index} of workflow ${node.workflow} comes before its workflow in the dump.`);
    const { state, open, failed, member, closedAt, name, job, next, result, error, spec } = node;
    const number = flow.number * nodesPerWorkflow + node.index;
    const ready = isReady(node) && flow.state === 'running';
    this.#row('nodes', {
      number,
      state,
      open,
      failed,
      member,
      ready,
      closed_at: closedAt,
      name,
      job,
      next,
      result,
      error,
    });
    this.#row('node_specs', { number, spec });
    flow.nodes += 1;
  }

  #endFlow(): void {
    if (!this.#flow) return;
    this.#ended.push(this.#flow);
    this.#tx.counts.addWorkflow(this.#flow.state, 1);
    this.#flow = null;
  }

  #job({ number, place, job }: Dumped['job']): void {
    this.#number = Math.max(this.#number, number, place ?? 0);
    for (const [table, row] of jobRows(number, place, job)) this.#row(table, row);
    this.#tx.count(job, null, job.state);
    if (job.deadLetter) this.#tx.counts.addDeadLetter(job.queue, 1);
  }
}
