import { noNumbers, parseNumbers } from '@ojs-ts/core/lifecycle';
import { type Cell, flag, integer, integerOrNull, readNumbers, text, textOrNull } from '../cells.ts';
import { startsOf } from '../dump.ts';
import {
  readBatch,
  readCompletion,
  readEntry,
  readMinute,
  readNode,
  readRecord,
  readWorker,
  readWorkflow,
  recordColumns,
  workerColumns,
  workflowColumns,
} from '../rows.ts';
import type { Dumped, DumpRecord } from '../storage.ts';

/** Answers the rows of a query in pages, none of them empty. A table is named as in PostgreSQL, `ojs.jobs`. */
export type Rows<Cells> = (query: string) => Pages<Cells>;
type Pages<Cells> = AsyncIterable<readonly Cells[]> | Iterable<readonly Cells[]>;

/** Queries for what each SQL storage keeps in its own way, and the columns that each must have. */
export interface SqlQueries {
  /** Seed, key of the leases, position, last start. */
  readonly store: string;
  /** Name, time of creation, pause, capacity, settings, version. */
  readonly queue: string;
  /** Key, numbers, override, last use. */
  readonly limit: string;
  /** Key, and a JSON list of its starts, oldest first. */
  readonly starts: string;
  /** Index, the other columns of `nodeColumns` with `next` as a JSON list, number of the workflow; in that order. */
  readonly node: string;
  /** The columns of `readJob`, and the place. */
  readonly job: string;
  readonly minute: string;
  /** Key, time, a JSON list of pairs of id and claim. */
  readonly request: string;
  /** Position, time, count, entries. */
  readonly events: string;
}

const shared = {
  workflow: `SELECT ${workflowColumns}, number FROM ojs.workflows ORDER BY number`,
  record: `SELECT ${recordColumns} FROM ojs.records`,
  worker: `SELECT ${workerColumns} FROM ojs.workers`,
  inbox: 'SELECT number, id, request FROM ojs.inbox ORDER BY number',
  completion: 'SELECT number, id, claim, result FROM ojs.inbox_completions ORDER BY number',
};

/** All records of a store in pages, as one transaction sees them. */
export async function* dump<Cells extends readonly Cell[]>(
  rows: Rows<Cells>,
  own: SqlQueries,
  readJob: (cells: Cells) => Pick<Dumped['job'], 'number' | 'job'>,
): AsyncIterable<readonly DumpRecord[]> {
  const queries = { ...shared, ...own };
  async function* all<One extends Exclude<keyof Dumped, 'starts' | 'workflow' | 'node'>>(
    kind: One,
    read: (cells: Cells) => Dumped[One],
  ) {
    for await (const page of rows(queries[kind]))
      yield page.map((cells): DumpRecord<One> => ({ kind, record: read(cells) }));
  }
  yield* all('store', ([seed, leaseKey, position, lastStart]) => ({
    ...{ seed: integer(seed), leaseKey: text(leaseKey) },
    ...{ position: integer(position), lastStart: integer(lastStart) },
  }));
  yield* all('queue', ([name, createdAt, paused, capacity, config, version]) => ({
    ...{ name: text(name), createdAt: integer(createdAt), paused: flag(paused) },
    ...{ capacity: integerOrNull(capacity), config: text(config), version: integer(version) },
  }));
  yield* all('limit', ([key, own, override, usedAt]) => ({
    ...{ key: text(key), own: readLimit(own) ?? noNumbers, override: readLimit(override), usedAt: integer(usedAt) },
  }));
  for await (const [key, at] of flattened(rows(queries.starts))) yield startsOf(text(key), readNumbers(text(at)));
  yield* workflows(rows(queries.workflow), rows(queries.node));
  yield* all('job', (cells) => {
    const { number, job } = readJob(cells);
    return { number, place: integerOrNull(cells.at(-1)), job };
  });
  yield* all('record', readRecord);
  yield* all('minute', readMinute);
  yield* all('worker', readWorker);
  yield* all('request', ([key, at, claims]) => ({ key: text(key), at: integer(at), claims: readClaims(text(claims)) }));
  yield* all('events', readBatch);
  yield* all('inbox', readEntry);
  yield* all('completion', readCompletion);
}

function readClaims(list: string): Dumped['request']['claims'] {
  const pairs: readonly (readonly [string, number])[] = JSON.parse(list);
  return pairs.map(([id, claim]) => ({ id, claim }));
}

function readLimit(cell: Cell): Dumped['limit']['override'] {
  const numbers = textOrNull(cell);
  return numbers === null ? null : parseNumbers(numbers);
}

/** Merges workflows and their nodes, both in the order of the workflows. */
async function* workflows<Cells extends readonly Cell[]>(
  flows: Pages<Cells>,
  nodes: Pages<Cells>,
): AsyncIterable<readonly DumpRecord[]> {
  const each = flattened(nodes)[Symbol.asyncIterator]();
  let node = await each.next();
  for await (const cells of flattened(flows)) {
    const workflow = readWorkflow(cells);
    const number = integer(cells.at(-1));
    let page: DumpRecord[] = [{ kind: 'workflow', record: { number, workflow } }];
    for (; !node.done && integer(node.value.at(-1)) === number; node = await each.next()) {
      const own = { workflow: workflow.id, index: integer(node.value[0]), next: readNumbers(text(node.value[8])) };
      if (page.push({ kind: 'node', record: readNode(own, node.value) }) < 100) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }
}

async function* flattened<Cells>(pages: Pages<Cells>): AsyncIterable<Cells> {
  for await (const page of pages) yield* page;
}
