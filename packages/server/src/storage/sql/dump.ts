import { noNumbers } from '@ojs-ts/core/lifecycle';
import { type Cell, integer, readNumbers, text } from '../cells.ts';
import { columns, type Select } from '../columns.ts';
import { startsOf } from '../dump.ts';
import {
  completionColumns,
  entryColumns,
  limitNumbersOrNull,
  nodeColumns,
  recordColumns,
  workerColumns,
  workflowColumns,
} from '../rows.ts';
import type { Dumped, DumpRecord } from '../storage.ts';

/** Answers the rows of a query in pages, none of them empty. A table is named as in PostgreSQL, `ojs.jobs`. */
export type Rows = <T>(query: Select<T>) => Pages<T>;
type Pages<T> = AsyncIterable<readonly T[]> | Iterable<readonly T[]>;

/** The columns of what each SQL storage keeps in its own way. A list is its JSON text. */
export const dumped = {
  store: columns({ seed: integer, leaseKey: text, position: integer, lastStart: integer }),
  limit: columns({
    key: text,
    own: (cell) => limitNumbersOrNull(cell) ?? noNumbers,
    override: limitNumbersOrNull,
    usedAt: integer,
  }),
  starts: columns({ key: text, at: (cell) => readNumbers(text(cell)) }),
  /** The number of a node is its index. */
  node: nodeColumns((next) => readNumbers(text(next))).with({ workflow: integer }),
  request: columns({ key: text, at: integer, claims: readClaims }),
} as const;

type Queries = { readonly [Name in keyof typeof dumped]: Select<ReturnType<(typeof dumped)[Name]['read']>> };

/** Queries for what each SQL storage keeps in its own way. */
export interface SqlQueries extends Queries {
  readonly queue: Select<Dumped['queue']>;
  readonly job: Select<Dumped['job']>;
  readonly minute: Select<Dumped['minute']>;
  readonly events: Select<Dumped['events']>;
}

const shared = {
  record: recordColumns.from('ojs.records'),
  worker: workerColumns.from('ojs.workers'),
  inbox: entryColumns.from('ojs.inbox ORDER BY number'),
  completion: completionColumns.from('ojs.inbox_completions ORDER BY number'),
};
const flows = workflowColumns.with({ number: integer }).from('ojs.workflows ORDER BY number');

/** All records of a store in pages, as one transaction sees them. */
export async function* dump(rows: Rows, own: SqlQueries): AsyncIterable<readonly DumpRecord[]> {
  async function* all<One extends keyof Dumped>(kind: One, query: Select<Dumped[One]>) {
    for await (const page of rows(query)) yield page.map((record): DumpRecord<One> => ({ kind, record }));
  }
  yield* all('store', own.store);
  for await (const page of rows(own.queue))
    yield page.map(({ name, createdAt, paused, capacity, config, version }) => ({
      kind: 'queue',
      record: { name, createdAt, paused, capacity, config, version },
    }));
  yield* all('limit', own.limit);
  for await (const { key, at } of flattened(rows(own.starts))) yield startsOf(key, at);
  yield* workflows(rows(flows), rows(own.node));
  yield* all('job', own.job);
  yield* all('record', shared.record);
  yield* all('minute', own.minute);
  yield* all('worker', shared.worker);
  yield* all('request', own.request);
  yield* all('events', own.events);
  yield* all('inbox', shared.inbox);
  yield* all('completion', shared.completion);
}

function readClaims(cell: Cell): Dumped['request']['claims'] {
  const pairs: readonly (readonly [string, number])[] = JSON.parse(text(cell));
  return pairs.map(([id, claim]) => ({ id, claim }));
}

/** Merges workflows and their nodes, both in the order of the workflows. */
async function* workflows(
  flows: Pages<Dumped['workflow']['workflow'] & { readonly number: number }>,
  nodes: Pages<ReturnType<typeof dumped.node.read>>,
): AsyncIterable<readonly DumpRecord[]> {
  const each = flattened(nodes)[Symbol.asyncIterator]();
  let node = await each.next();
  for await (const { number, ...workflow } of flattened(flows)) {
    let page: DumpRecord[] = [{ kind: 'workflow', record: { number, workflow } }];
    for (; !node.done && node.value.workflow === number; node = await each.next()) {
      const { number: index, ...own } = node.value;
      if (page.push({ kind: 'node', record: { ...own, workflow: workflow.id, index } }) < 100) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }
}

async function* flattened<T>(pages: Pages<T>): AsyncIterable<T> {
  for await (const page of pages) yield* page;
}
