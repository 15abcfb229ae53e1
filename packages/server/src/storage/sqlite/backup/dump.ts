import { State } from '@ojs-ts/core/job';
import { parseNumbers } from '@ojs-ts/core/lifecycle';
import { startsAtOnce } from '../../dump.ts';
import { readCompletion, readEntry, readMinute, readRecord, readWorker, readWorkflow } from '../../rows.ts';
import type { DumpRecord } from '../../storage.ts';
import { readCron } from '../crons.ts';
import type { Connection } from '../disk/connection.ts';
import { type Cells, integer, integerOrNull, jobColumns, readJob, text, textOrNull } from '../row.ts';
import { statements } from '../statements.ts';
import { workerColumns } from '../workers.ts';
import { readNodeRecord } from '../workflows/workflows.ts';

/** Rows read at once: an envelope may have 1 MiB. */
const rowsAtOnce = 100;

/** Every record of the file, in pages, as one transaction of `sql` sees it. */
export function* dump(sql: Connection): Iterable<readonly DumpRecord[]> {
  yield [store(sql)];
  yield sql.all('SELECT name, created_at, paused, capacity, config, version FROM ojs_queues').map(queue);
  yield* limits(sql);
  yield* workflows(sql);
  yield* byNumber(sql, `SELECT ${jobColumns}, place FROM ojs_jobs WHERE number > ? ORDER BY number LIMIT ? + 0`, job);
  yield sql.all(statements.crons).map((cells) => ({ kind: 'cron', record: readCron(cells) }));
  yield* records(sql);
  yield sql
    .all(statements.minutes, 0, Number.MAX_SAFE_INTEGER)
    .map((cells) => ({ kind: 'minute', record: readMinute(cells) }));
  yield sql
    .all(`SELECT ${workerColumns} FROM ojs_workers`)
    .map((cells) => ({ kind: 'worker', record: readWorker(cells) }));
  yield* byNumber(
    sql,
    'SELECT number, request, at, claims FROM ojs_requests WHERE number > ? ORDER BY number LIMIT ? + 0',
    request,
  );
  yield* byNumber(
    sql,
    'SELECT position, at, count, entries FROM ojs_events WHERE position > ? ORDER BY position LIMIT ? + 0',
    events,
  );
  yield* byNumber(sql, statements.inbox, (cells) => ({ kind: 'inbox', record: readEntry(cells) }));
  yield* byNumber(sql, statements.completions, (cells) => ({ kind: 'completion', record: readCompletion(cells) }));
}

function* byNumber(
  sql: Connection,
  statement: string,
  read: (cells: Cells) => DumpRecord,
): Iterable<readonly DumpRecord[]> {
  for (let after = 0; ; ) {
    const rows = sql.all(statement, after, rowsAtOnce);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(read);
    after = integer(last[0]);
  }
}

function store(sql: Connection): DumpRecord {
  const cells = sql.get('SELECT seed, position, last_start, lease_key FROM ojs_store');
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
  const [name, createdAt, paused, capacity, config, version] = cells;
  return {
    kind: 'queue',
    record: {
      name: text(name),
      createdAt: integer(createdAt),
      paused: paused === 1,
      capacity: integerOrNull(capacity),
      config: text(config),
      version: integer(version),
    },
  };
}

function* limits(sql: Connection): Iterable<readonly DumpRecord[]> {
  for (let after = ''; ; ) {
    const rows = sql.all(
      'SELECT key, own, override, used_at FROM ojs_limits WHERE key > ? ORDER BY key LIMIT ? + 0',
      after,
      rowsAtOnce,
    );
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(limit);
    for (const [key] of rows) yield* starts(sql, text(key));
    after = text(last[0]);
  }
}

function limit(cells: Cells): DumpRecord {
  const [key, own, overriding, usedAt] = cells;
  const override = textOrNull(overriding);
  return {
    kind: 'limit',
    record: {
      key: text(key),
      own: parseNumbers(text(own)),
      override: override === null ? null : parseNumbers(override),
      usedAt: integer(usedAt),
    },
  };
}

function* starts(sql: Connection, key: string): Iterable<readonly DumpRecord[]> {
  for (let after = 0; ; ) {
    const rows = sql.all(
      'SELECT number, at FROM ojs_starts WHERE key = ? AND number > ? ORDER BY number LIMIT ? + 0',
      key,
      after,
      startsAtOnce,
    );
    const last = rows.at(-1);
    if (!last) return;
    yield [{ kind: 'starts', record: { key, at: rows.map(([, at]) => integer(at)) } }];
    after = integer(last[0]);
  }
}

function* workflows(sql: Connection): Iterable<readonly DumpRecord[]> {
  for (let after = 0; ; ) {
    const cells = sql.get(
      'SELECT number, id, first_node, last_node FROM ojs_workflows WHERE number > ? ORDER BY number LIMIT 1',
      after,
    );
    if (!cells) return;
    after = integer(cells[0]);
    const flow = sql.get(statements.flowByNumber, after);
    if (!flow) return;
    const workflow = readWorkflow(flow);
    yield [{ kind: 'workflow', record: { number: after, workflow } }];
    const [first, last] = [integer(cells[2]), integer(cells[3])];
    for (let node = first - 1; node < last; ) {
      const rows = sql.all(statements.nodes, node, last, rowsAtOnce);
      if (rows.length === 0) break;
      yield rows.map((row) => ({ kind: 'node', record: readNodeRecord(workflow.id, first, row) }));
      node = integer(rows.at(-1)?.[0]);
    }
  }
}

function job(cells: Cells): DumpRecord {
  const { number, job } = readJob(cells);
  return { kind: 'job', record: { number, place: job.state === State.available ? integer(cells.at(-1)) : null, job } };
}

function* records(sql: Connection): Iterable<readonly DumpRecord[]> {
  for (let [kind, key] = ['', '']; ; ) {
    const rows = sql.all(statements.recordsBehind, kind, key, rowsAtOnce).map(readRecord);
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map((record) => ({ kind: 'record', record }));
    ({ kind, key } = last);
  }
}

function request(cells: Cells): DumpRecord {
  const claims: readonly (readonly [string, number])[] = JSON.parse(text(cells[3]));
  const held = claims.map(([id, claim]) => ({ id, claim }));
  return { kind: 'request', record: { key: text(cells[1]), at: integer(cells[2]), claims: held } };
}

function events(cells: Cells): DumpRecord {
  const [position, at, count, entries] = cells;
  return {
    kind: 'events',
    record: { position: integer(position), at: integer(at), count: integer(count), entries: text(entries) },
  };
}
