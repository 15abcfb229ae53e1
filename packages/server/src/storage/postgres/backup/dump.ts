import { noNumbers, parseNumbers } from '@ojs-ts/core/lifecycle';
import { integer, integerOrNull, text, textOrNull } from '../../cells.ts';
import {
  readCompletion,
  readEntry,
  readMinute,
  readRecord,
  readWorker,
  readWorkflow,
  recordColumns,
} from '../../rows.ts';
import type { DumpRecord } from '../../storage.ts';
import { readGiven } from '../claim/requests.ts';
import type { Cells, Reader } from '../connection/sql.ts';
import { jobColumns, readJob } from '../jobs/job-row.ts';
import { cronColumns, readCron } from '../registry/crons.ts';
import { allQueues, readQueue } from '../registry/queues.ts';
import { selectMinutes } from '../registry/statistics.ts';
import { nodesPerWorkflow } from '../workflows/nodes.ts';
import { nodeColumns, readNodeRecord, workflowColumns } from '../workflows/workflows.ts';

/** Rows of one fetch: an envelope may have 1 MiB. */
const rowsAtOnce = 100;

const limits = `SELECT known.key, coalesce(changed.own, limits.own), limits.override, greatest(limits.used_at,
  changed.used_at)
  FROM (SELECT key FROM ojs.limits UNION SELECT key FROM ojs.limit_changes) AS known
  LEFT JOIN ojs.limits USING (key)
  LEFT JOIN LATERAL (SELECT max(used_at) AS used_at, (array_agg(own
  ORDER BY number DESC) FILTER (WHERE own IS NOT NULL))[1] AS own
    FROM ojs.limit_changes WHERE key = known.key) AS changed ON true`;
const starts = `SELECT key, array_agg(at ORDER BY number) FROM (SELECT key, number, at, number / 500 AS piece
    FROM ojs.starts) AS start GROUP BY key, piece ORDER BY key, piece`;
/** Batches without a position follow the others. */
const batches = `SELECT coalesce(position, (SELECT position
  FROM ojs.store) + 1 + sum(CASE WHEN position IS NULL THEN count ELSE 0 END) OVER (ORDER BY number) - count)::bigint,
  at, count, entries FROM ojs.events ORDER BY 1`;

/** All records of the schema in pages, as one transaction sees them. */
export async function* dump(read: Reader): AsyncIterable<readonly DumpRecord[]> {
  yield [await store(read)];
  yield* rows(read, allQueues, queue);
  yield* rows(read, limits, limit);
  yield* rows(read, starts, (cells) => ({ kind: 'starts', record: { key: text(cells[0]), at: times(cells[1]) } }));
  yield* workflows(read);
  yield* rows(read, `SELECT ${jobColumns}, place FROM ojs.whole`, job);
  yield* rows(read, `SELECT ${cronColumns} FROM ojs.crons`, (cells) => ({ kind: 'cron', record: readCron(cells) }));
  yield* rows(read, `SELECT ${recordColumns} FROM ojs.records`, (cells) => ({
    kind: 'record',
    record: readRecord(cells),
  }));
  yield* rows(read, selectMinutes(''), (cells) => ({ kind: 'minute', record: readMinute(cells) }));
  yield* rows(
    read,
    'SELECT worker, seen_at, seen_before, state, directive, info, holds, held_before FROM ojs.workers',
    (cells) => ({
      kind: 'worker',
      record: readWorker(cells),
    }),
  );
  yield* rows(read, 'SELECT request, at, ids::text[], claims FROM ojs.requests ORDER BY at, number', request);
  yield* rows(read, batches, events);
  yield* rows(read, 'SELECT number, id, request FROM ojs.inbox ORDER BY number', (cells) => ({
    kind: 'inbox',
    record: readEntry(cells),
  }));
  yield* rows(read, 'SELECT number, id, claim, result FROM ojs.inbox_completions ORDER BY number', (cells) => ({
    kind: 'completion',
    record: readCompletion(cells),
  }));
}

/** Reads the rows of a query through a cursor, so few of them are in memory at once. */
async function* rows(
  read: Reader,
  query: string,
  record: (cells: Cells) => DumpRecord,
): AsyncIterable<readonly DumpRecord[]> {
  for await (const page of fetched(read, 'dump', query)) yield page.map(record);
}

async function* fetched(read: Reader, cursor: string, query: string): AsyncIterable<readonly Cells[]> {
  await read(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${query}`, []);
  for (;;) {
    const page = await read(`FETCH ${rowsAtOnce} FROM ${cursor}`, []);
    if (page.length === 0) break;
    yield page;
  }
  await read(`CLOSE ${cursor}`, []);
}

async function store(read: Reader): Promise<DumpRecord> {
  const [cells] = await read(
    `SELECT seed, position + (SELECT coalesce(sum(count), 0) FROM ojs.events
      WHERE position IS NULL)::bigint, last_start, lease_key FROM ojs.store`,
    [],
  );
  return {
    kind: 'store',
    record: {
      seed: integer(cells?.[0]),
      leaseKey: text(cells?.[3]),
      position: integer(cells?.[1]),
      lastStart: integer(cells?.[2]),
    },
  };
}

function queue(cells: Cells): DumpRecord {
  const { name, createdAt, paused, capacity, config, version } = readQueue(cells);
  return { kind: 'queue', record: { name, createdAt, paused, capacity, config, version } };
}

function limit(cells: Cells): DumpRecord {
  const [key, own, overriding, usedAt] = cells;
  const override = textOrNull(overriding);
  return {
    kind: 'limit',
    record: {
      key: text(key),
      own: own === null ? noNumbers : parseNumbers(text(own)),
      override: override === null ? null : parseNumbers(override),
      usedAt: integerOrNull(usedAt) ?? 0,
    },
  };
}

/** Merges two cursors, both in the order of the workflows. */
async function* workflows(read: Reader): AsyncIterable<readonly DumpRecord[]> {
  const nodes = fetched(
    read,
    'nodes',
    `SELECT ${nodeColumns} FROM ojs.nodes JOIN ojs.node_specs USING (number) ORDER BY number`,
  );
  const each = flattened(nodes)[Symbol.asyncIterator]();
  let node = await each.next();
  for await (const page of fetched(read, 'flows', `SELECT ${workflowColumns} FROM ojs.workflows ORDER BY number`)) {
    for (const cells of page) {
      const number = integer(cells[13]);
      const workflow = readWorkflow(cells);
      let records: DumpRecord[] = [{ kind: 'workflow', record: { number, workflow } }];
      for (; !node.done && Math.floor(integer(node.value[0]) / nodesPerWorkflow) === number; node = await each.next()) {
        if (records.push({ kind: 'node', record: readNodeRecord(workflow.id, node.value) }) < rowsAtOnce) continue;
        yield records;
        records = [];
      }
      yield records;
    }
  }
}

async function* flattened(pages: AsyncIterable<readonly Cells[]>): AsyncIterable<Cells> {
  for await (const page of pages) yield* page;
}

function job(cells: Cells): DumpRecord {
  const { number, job } = readJob(cells);
  return { kind: 'job', record: { number, place: integerOrNull(cells.at(-1)), job } };
}

function request([request, at, ids, claims]: Cells): DumpRecord {
  return { kind: 'request', record: { key: text(request), at: integer(at), claims: readGiven(ids, claims) } };
}

function events(cells: Cells): DumpRecord {
  const [position, at, count, entries] = cells;
  return {
    kind: 'events',
    record: { position: integer(position), at: integer(at), count: integer(count), entries: text(entries) },
  };
}

function times(cell: unknown): readonly number[] {
  if (Array.isArray(cell)) return cell.map(Number);
  throw new TypeError('PostgreSQL: expected an array of times.');
}
