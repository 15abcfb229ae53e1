import { kindsIn } from '@ojs-ts/core/events';
import { numbersText } from '@ojs-ts/core/lifecycle';
import { isReady } from '@ojs-ts/core/workflow';
import { type Newest, type Takers, take } from '../dump.ts';
import { columnsOf, rareOf } from '../rows.ts';
import type { Dumped, DumpRecord, WorkflowRecord } from '../storage.ts';

/** Values by column. A list is its JSON text where the store has no lists. */
export type Row = Readonly<Record<string, unknown>>;

/** A workflow whose nodes follow. */
export interface RestoredWorkflow {
  readonly number: number;
  readonly state: WorkflowRecord['state'];
  /** How many nodes it has so far, the largest of their indexes, and how many of them are ready. */
  nodes: number;
  lastIndex: number;
  ready: number;
}

/** How a storage keeps what the SQL storages do not keep alike. */
export interface SqlRows {
  add(table: string, row: Row): void;
  /** The further columns of a queue. */
  queue(): Row;
  /** The further columns of a limit. `starts` are all that are kept, oldest first. */
  limit(limit: Dumped['limit'], starts: readonly number[]): Row;
  /** The number of a node, and its further columns. */
  node(node: Dumped['node'], workflow: RestoredWorkflow): Row & { readonly number: number };
  /** The further columns of a workflow; its nodes are all written. */
  workflow(workflow: RestoredWorkflow): Row;
  job(job: Dumped['job']): void;
  minute(minute: Dumped['minute']): void;
  request(request: Dumped['request']): void;
}

/** Tables of which one has a row in each store that was ever used. */
const used = ['queues', 'jobs', 'limits', 'workflows', 'records', 'events', 'inbox', 'workers', 'requests'];

/** A query that answers if the store was ever used. */
export function isUsed(...others: readonly string[]): string {
  const tables = [...used, 'minutes', ...others].map((table) => `EXISTS (SELECT 1 FROM ojs.${table})`);
  return `SELECT ${tables.join(' OR ')} OR position > 0 FROM ojs.store`;
}

/** Makes rows of the records of a dump. */
export class Restoration {
  readonly #rows: SqlRows;
  readonly #newest: Newest;
  #workflow: { readonly record: WorkflowRecord; readonly of: RestoredWorkflow } | null = null;
  readonly #limits = new Map<string, { readonly limit: Dumped['limit']; readonly starts: number[] }>();
  readonly #takers: Takers;

  constructor(rows: SqlRows, newest: Newest) {
    this.#rows = rows;
    this.#newest = newest;
    const add = (table: string) => (record: object) => rows.add(table, columnsOf(record));
    this.#takers = {
      store: () => {},
      queue: (queue) => rows.add('queues', { ...columnsOf(queue), ...rows.queue() }),
      limit: (limit) => {
        this.#limits.set(limit.key, { limit, starts: [] });
      },
      starts: ({ key, at }) => {
        const kept = this.#limits.get(key)?.starts ?? [];
        for (const time of at) rows.add('starts', { key, number: kept.push(time), at: time });
      },
      workflow: ({ number, workflow }) => {
        this.#workflow = { record: workflow, of: { number, state: workflow.state, nodes: 0, lastIndex: -1, ready: 0 } };
      },
      node: (node) => this.#node(node),
      job: (job) => rows.job(job),
      record: add('records'),
      minute: (minute) => rows.minute(minute),
      worker: add('workers'),
      request: (request) => rows.request(request),
      events: (batch) => rows.add('events', { ...columnsOf(batch), rare: rareOf(kindsIn(batch.entries)) }),
      inbox: add('inbox'),
      completion: add('inbox_completions'),
    };
  }

  take(record: DumpRecord): void {
    this.#newest.note(record);
    if (record.kind !== 'limit' && record.kind !== 'starts') this.#endLimits();
    if (record.kind !== 'node') this.#endWorkflow();
    take(this.#takers, record);
  }

  end(): void {
    this.#endLimits();
    this.#endWorkflow();
  }

  #node(node: Dumped['node']): void {
    const workflow = this.#workflow;
    if (workflow?.record.id !== node.workflow)
      throw new Error(`Node ${node.index} of workflow ${node.workflow} comes before its workflow in the dump.`);
    workflow.of.nodes += 1;
    workflow.of.lastIndex = Math.max(workflow.of.lastIndex, node.index);
    if (isReady(node)) workflow.of.ready += 1;
    const own = this.#rows.node(node, workflow.of);
    this.#rows.add('nodes', { ...columnsOf(node, 'workflow', 'index', 'spec'), ...own });
    this.#rows.add('node_specs', { number: own.number, spec: node.spec });
  }

  #endWorkflow(): void {
    if (this.#workflow === null) return;
    const { record, of } = this.#workflow;
    this.#rows.add('workflows', { number: of.number, ...columnsOf(record), ...this.#rows.workflow(of) });
    this.#workflow = null;
  }

  /** Limits are written when their starts are known, and before the jobs that name them. */
  #endLimits(): void {
    for (const { limit, starts } of this.#limits.values()) {
      const { key, own, override, usedAt } = limit;
      this.#rows.add('limits', {
        ...{ key, own: numbersText(own), override: override && numbersText(override), used_at: usedAt },
        ...{ active: 0, waiting: 0, jobs: 0, started: starts.length, last_start: starts.at(-1) ?? 0 },
        ...this.#rows.limit(limit, starts),
      });
    }
    this.#limits.clear();
  }
}
