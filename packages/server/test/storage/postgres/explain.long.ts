import { stepsKind } from '@ojs-ts/core/durable';
import { dueStates, State } from '@ojs-ts/core/job';
import type { RecordChange } from '@ojs-ts/core/memory';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { words } from '../../../../core/test/support/text.ts';
import { Database } from '../../../src/storage/postgres/connection/database.ts';
import { readPostgresUrl } from '../../../src/storage/postgres/connection/url.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { claimOf, insert, keepAll, limitOf, newJob, t0, to } from '../suite/tools.ts';
import { newDatabase, openPostgres, test } from './schema.ts';
import { work } from './workload.ts';

interface Node {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Node[];
}

/**
 * How a statement finds its rows: the index of each scan in order of names, `index*` where it is walked from its
 * beginning, `table!` for a whole table.
 */
function scansOf(plan: Node): readonly string[] {
  const below = (plan.Plans ?? []).flatMap(scansOf);
  const { 'Node Type': type, 'Relation Name': table, 'Index Name': index, 'Index Cond': condition } = plan;
  if (index !== undefined) return [`${index}${condition === undefined ? '*' : ''}`, ...below];
  // A Tid Scan gets rows that another scan of the statement has found.
  return table === undefined || type === 'ModifyTable' || type === 'Tid Scan' ? below : [`${table}!`, ...below];
}

/** Whether a node sorts all rows that it finds, and not only as many as a limit below it lets through. */
function sortsAll(plan: Node, sorts = false): boolean {
  const { 'Node Type': type, 'Relation Name': table, 'Parent Relationship': place, Plans: below = [] } = plan;
  const isSorted = (sorts && type !== 'Limit' && place !== 'InitPlan') || /Sort$/.test(type);
  return (isSorted && table !== undefined) || below.some((node) => sortsAll(node, isSorted));
}

/** What a claim looks at first. */
const atOpening: readonly string[] = words(`
  due_time limit_changes_pkey limit_group_changes_first limits_pkey queues_pkey store! waitlists_closed
  waitlists_open
`);
/** Where a job may stand. */
const wholeJob: readonly string[] = ['active_pkey', 'due_pkey', 'ended_pkey', 'jobs_pkey', 'ready_pkey', 'texts_pkey'];

/**
 * What stands in the statement, and the scans that it is to have. Whatever is not here has to be found through
 * conditions on its indexes, too.
 */
const expected: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^WITH gate AS (?!.*AS mark)/,
    [...atOpening, 'counts_pkey', 'jobs_pkey', 'ready_order', 'requests_pkey', 'texts_pkey'].sort(),
  ],
  [
    /^WITH gate AS .*AS mark \(above, priority, place\)/,
    [...atOpening, 'counts_pkey', 'jobs_pkey', 'ready_order', 'requests_pkey', 'texts_pkey'].sort(),
  ],
  [
    /^WITH given AS .*unnest\(\$1::uuid\[\], \$2::integer/,
    ['active_pkey', 'limit_group_keys_pkey', 'limits_pkey', 'texts_pkey'],
  ],
  [/^WITH base AS .*EXISTS \(SELECT FROM ojs\.queues/, ['queues_pkey']],
  [/^SELECT ready\.number, place, .* WHERE ready_queue = \$1 ORDER BY/, ['jobs_pkey', 'ready_order', 'texts_pkey']],
  [/^WITH first AS .* AS one \(ready_queue, at\), LATERAL/, ['jobs_pkey', 'ready_order', 'texts_pkey']],
  [/^WITH found AS .* FROM ojs\.due/, ['due_time', 'jobs_pkey']],
  [/^INSERT INTO ojs\.active/, ['jobs_pkey']],
  [/^INSERT INTO ojs\.due/, ['jobs_pkey']],
  [/^INSERT INTO ojs\.ended/, ['jobs_pkey']],
  [/INSERT INTO ojs\.ready \(id/, ['jobs_pkey']],
  [/^DELETE FROM ojs\.ready/, ['ready_pkey']],
  [/^DELETE FROM ojs\.due/, ['due_pkey']],
  [/^DELETE FROM ojs\.active/, ['active_pkey']],
  [/^UPDATE ojs\.active SET lease_until/, ['active_pkey']],
  [/FROM ojs\.active JOIN ojs\.jobs AS job .* FOR (?:NO KEY )?UPDATE OF active/, ['active_pkey', 'jobs_pkey']],
  [/^WITH held AS MATERIALIZED/, ['active_pkey', 'records_pkey']],
  [/^SELECT id, claim FROM ojs\.active/, ['active_pkey']],
  [/^WITH gone AS \( ?DELETE FROM ojs\.jobs/, ['jobs_pkey', 'records_pkey']],
  [/^WITH gone AS \( ?DELETE FROM ojs\.ended .* removed AS/, ['ended_pkey', 'jobs_pkey', 'records_pkey', 'texts_pkey']],
  [/^SELECT number, id, priority, .* FROM ojs\.jobs WHERE id = ANY/, ['jobs_pkey']],
  [/ FROM ojs\.ready WHERE number = ANY .* FOR UPDATE/, ['jobs_pkey', 'ready_pkey', 'texts_pkey']],
  [/ FROM ojs\.due WHERE number = ANY .* FOR UPDATE/, ['due_pkey', 'jobs_pkey', 'texts_pkey']],
  [/ FROM ojs\.active WHERE id = ANY .* FOR UPDATE/, ['active_pkey', 'texts_pkey']],
  [/^SELECT .* FROM ojs\.ended WHERE number = ANY/, ['ended_pkey', 'jobs_pkey']],
  [/ FROM ojs\.whole WHERE id = ANY \(\$1::uuid\[\]\)/, wholeJob],
  [/ FROM ojs\.due WHERE state > 0 AND due\.state = \$1 AND run_at <= \$2/, [...wholeJob, 'due_time'].sort()],
  [/^SELECT last_start, \(EXISTS/, atOpening],
  [
    / FROM ojs\.whole WHERE id = ANY \(ARRAY \(SELECT id FROM ojs\.due WHERE unique_key/,
    [...wholeJob, 'active_unique', 'due_unique', 'ready_unique'].sort(),
  ],
  [/SELECT holder\.id FROM/, [...wholeJob, 'ended_unique'].sort()],
  [/^SELECT id, workflow FROM ojs\.jobs/, ['active_unique', 'due_unique', 'jobs_pkey', 'ready_unique']],
  [/FROM ojs\.active WHERE due_at <= \$1/, [...wholeJob, 'active_due'].sort()],
  [/^SELECT \(SELECT run_at FROM/, ['active_due', 'due_expiry', 'due_time', 'ready_expiry']],
  [/FROM ojs\.ended WHERE state > 0 AND state = \$1 AND NOT dead_letter/, ['ended_time', 'jobs_pkey']],
  [/^SELECT \* FROM \(\(SELECT .* FROM ojs\.due WHERE state > 0 AND /, ['due_time']],
  [/^SELECT \* FROM \(\(SELECT .* FROM ojs\.ready WHERE ready_queue >= /, ['ready_order']],
  [/ expires_at <= \$1/, [...wholeJob, 'due_expiry', 'ready_expiry'].sort()],
  [/ FROM ojs\.ended WHERE .* state = \$6/, ['ended_time']],
  [/ FROM ojs\.due WHERE .* state = \$6/, ['due_time']],
  [/ FROM ojs\.ended WHERE .* AND fingerprint = \$6/, ['ended_errors']],
  [/ FROM ojs\.ended WHERE .* left\(fingerprint, 10\) = \$6/, ['ended_messages']],
  [/ FROM ojs\.due WHERE .* AND fingerprint = \$5/, ['due_errors']],
  [/ FROM ojs\.due WHERE .* left\(fingerprint, 10\) = \$5/, ['due_messages']],
  [/^WITH RECURSIVE head AS/, ['ready_order']],
  [/^WITH RECURSIVE each AS .* ORDER BY priority DESC, place LIMIT \$3/, ['ready_order']],
  [/^WITH RECURSIVE each AS .* ORDER BY priority, place DESC LIMIT \$3/, ['ready_order']],
  [/^SELECT key, priority, place FROM ojs\.waitlists/, ['waitlists_open']],
  [/^SELECT best\.ready_queue/, ['limit_groups_waitlist']],
  [/^INSERT INTO ojs\.limit_group_changes/, ['jobs_pkey', 'ready_pkey']],
  [
    /^WITH found AS .* FROM unnest\(\$1::text\[\]\) AS asked \(queue\)/,
    ['limit_group_changes_first', 'limit_groups_pkey'],
  ],
  [/^WITH found AS .* ORDER BY queue, number/, ['limit_group_changes_pkey*', 'limit_groups_pkey']],
  [/^WITH gone AS \(DELETE FROM ojs\.limit_changes WHERE ctid = ANY/, ['limit_changes_oldest*']],
  [/^WITH gone AS \(DELETE FROM ojs\.limit_changes WHERE key = ANY/, ['limit_changes_pkey']],
];

/** What is read from its beginning, and why that is little. */
const whole: ReadonlySet<string> = new Set([
  // One row.
  'store!',
  // A row for each worker of the last day.
  'workers!',
  // Added up when there are a hundred; workflows that are being cancelled.
  'workflow_counts!',
  'workflows_sweeping*',
  // A page of the oldest.
  'workflows_finished*',
  // A page of the oldest, which is taken and removed.
  'limit_changes_oldest*',
  'limit_group_changes_pkey*',
  // Upkeep's look at 200 rows at most.
  ...'counts! counts_pkey* limit_changes_pkey* limit_group_changes_first* limit_changes_oldest*'.split(' '),
  // Those that have no number yet, and the newest one of those that have.
  'events_unnumbered*',
  'events_position*',
]);

/** What waits for the next look of upkeep: whichever way to it is as good. */
const handful = /^inbox_completions_id/;

/** Every statement that `work` sends, as it is written in the sources. */
async function statementsOf(storage: Storage, schema: string): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work(storage, 0);
    // More keys than a claim takes over.
    await insert(
      storage,
      Array.from({ length: 1_100 }, (_, n) => newJob(800_000 + n, { queue: 'keys', limits: [limitOf(`key ${n}`)] })),
    );
    await storage.jobs.claim([claimOf({ queues: ['keys'] })], t0);
    await recordSteps(storage);
    await readInOrder(storage);
    const texts = query.mock.calls
      .map(([config]): unknown => config)
      .map((config) => (isStatement(config) ? config.text : ''));
    // Looks at the catalog, and what it asks for, are no plans of ours.
    const own = [...new Set(texts)].filter((text) => text !== '' && !/pg_stat_user_tables|^VACUUM|^REINDEX/.test(text));
    return own.map((text) => text.replaceAll(`"${schema}".`, 'ojs.'));
  } finally {
    query.mockRestore();
  }
}

/** The first steps of jobs, later ones, and the removal of both. */
async function recordSteps({ jobs, records, upkeep }: Storage): Promise<void> {
  const [claimed] = await jobs.claim([claimOf({ queues: ['keys'], limit: 2 })], t0);
  const changes = (claimed?.jobs ?? []).map(({ id, claim }): RecordChange => {
    const row = { kind: stepsKind(id), key: 'a', version: 1, createdAt: t0, updatedAt: t0, body: '{}' };
    return { checks: [{ ...row, version: null }], claims: [{ id, claim }], puts: [row] };
  });
  const marks = changes.map((change): RecordChange => {
    const ends = (change.claims ?? []).map(({ id }) => to(id, State.active, State.active, { policy: '{"steps":{}}' }));
    return { ...change, ends };
  });
  expect(await records.commit(marks, t0)).toEqual([true, true]);
  expect(await records.commit(changes)).toEqual([false, false]);
  const puts = changes.flatMap(({ puts = [] }) => puts);
  await records.commit([{ puts }]);
  await records.commit([{ deletes: puts.slice(1) }]);
  await records.get(puts);
  await records.scan(puts[0]?.kind ?? '', { limit: 9 });
  const [first, second] = claimed?.jobs ?? [];
  await jobs.remove([first?.id ?? ''], { from: State.active }, t0);
  await jobs.transition([to(second?.id ?? '', State.cancelled, State.active)], t0);
  const rule = { state: State.cancelled, deadLetter: false, before: t0 + 1, keep: 0 };
  await upkeep.prune({ ...keepAll, jobs: [rule] }, 10);
}

/** Lists and looks whose statements end soon only where an index has their order. */
async function readInOrder({ jobs, registry, upkeep }: Storage): Promise<void> {
  await registry.oldest(['default', 'keys']);
  await upkeep.nextDue();
  const kept = { state: State.completed, deadLetter: false, before: 0, keep: 1e9 };
  await upkeep.prune({ ...keepAll, jobs: [kept] }, 10);
  for (const direction of ['asc', 'desc'] as const) {
    await jobs.list({ states: State.available, queue: 'keys', order: { by: 'priority', direction }, limit: 10 });
    await jobs.list({ states: dueStates, order: { by: 'due', direction }, limit: 10 });
    const created = { order: { by: 'created', direction }, limit: 10 } as const;
    await jobs.list({ states: State.completed, ...created });
    await jobs.list({ states: dueStates, ...created });
    await jobs.list({ states: State.available, queue: 'keys', ...created });
    for (const fingerprint of ['0123456789abcdef', '0123456789'])
      for (const filter of [{}, { deadLetter: true }] as const)
        await jobs.list({ states: State.retryable | State.discarded, fingerprint, ...filter, ...created });
  }
}

/** Of {@link readInOrder}. */
const inOrder = /^WITH RECURSIVE|^SELECT id.* FROM ojs\.(?:due|ended) WHERE .* LIMIT \$4$/;

function isStatement(config: unknown): config is { readonly text: string } {
  return typeof config === 'object' && config !== null && 'text' in config && typeof config.text === 'string';
}

/** Nothing but the test itself then changes the statistics of the schema. */
async function turnAutovacuumOff(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query('SELECT tablename AS table FROM pg_tables WHERE schemaname = $1', [schema]);
  for (const { table } of rows) await client.query(`ALTER TABLE "${schema}"."${table}" SET (autovacuum_enabled = off)`);
}

/** The plan that a connection of the storage would make of it now, whatever the values. */
async function planOf(client: pg.Client, text: string): Promise<Node> {
  await client.query(`PREPARE planned AS ${text}`);
  try {
    const { rows } = await client.query(
      `SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'planned'`,
    );
    const values = Array.from({ length: rows[0].count }, () => 'NULL').join(', ');
    const explained = await client.query(`EXPLAIN (FORMAT JSON) EXECUTE planned${values === '' ? '' : `(${values})`}`);
    return explained.rows[0]['QUERY PLAN'][0].Plan;
  } finally {
    await client.query('DEALLOCATE planned');
  }
}

test('every hot statement finds its rows by the right index: on empty tables, without statistics, and right after a bulk claim without ANALYZE; none starts another process', async () => {
  // Transactions of other tests in the same database would keep dead rows, and with them larger tables.
  await using database = await newDatabase();
  const [url, emptyUrl] = [database.url('ojs'), database.url('empty')];
  const address = readPostgresUrl(url);
  const emptySchema = readPostgresUrl(emptyUrl).schema;
  await using storage = await openPostgres(url);
  await using _empty = await openPostgres(emptyUrl);
  await using connected = new AsyncDisposableStack();
  // Its settings are those under which the storage plans.
  const client = connected.adopt(new Database(address, false, () => {}).dedicated(), (client) => client.end());
  await client.connect();
  // On a busy machine the test takes longer than a minute, and autovacuum would analyze tables between two checks.
  for (const schema of [address.schema, emptySchema]) await turnAutovacuumOff(client, schema);
  const statements = await statementsOf(storage, address.schema);
  expect(statements.length).toBeGreaterThan(40);
  const unmet = new Set(expected.map(([pattern]) => pattern));

  async function check(schema: string, when: string): Promise<void> {
    for (const statement of statements) {
      const plan = await planOf(client, statement.replace(/\bojs\./g, `"${schema}".`));
      const scans = [...new Set(scansOf(plan))].filter((scan) => !handful.test(scan)).sort();
      const text = statement.replace(/\s+/g, ' ');
      const wanted = expected.find(([pattern]) => pattern.test(text));
      if (wanted) unmet.delete(wanted[0]);
      const about = `${when}: ${text}`;
      if (inOrder.test(text)) expect(sortsAll(plan), `${about} sorts all rows`).toBe(false);
      if (wanted) expect(scans, about).toEqual(wanted[1]);
      else
        expect(
          scans.filter((scan) => /[!*]$/.test(scan) && !whole.has(scan)),
          about,
        ).toEqual([]);
    }
  }

  await check(emptySchema, 'on empty tables');
  await check(address.schema, 'without statistics');
  // Of a table that it has seen empty, the planner believes that all indexes are equally good.
  const { rows } = await client.query('SELECT tablename AS table FROM pg_tables WHERE schemaname = $1', [emptySchema]);
  for (const { table } of rows) await client.query(`VACUUM ANALYZE "${emptySchema}"."${table}"`);
  await check(emptySchema, 'on tables that VACUUM has found empty');
  // From now on statistics say that hardly anything is active.
  await insert(
    storage,
    Array.from({ length: 4_000 }, (_, number) => newJob(900_000 + number, { queue: 'bulk' })),
  );
  for (const table of ['jobs', 'ready', 'active']) await client.query(`ANALYZE ${address.schema}.${table}`);
  for (let left = 4_000; left > 0; left -= 1_000)
    await storage.jobs.claim([claimOf({ queues: ['bulk'], limit: 1_000 })], t0);
  await check(address.schema, 'right after a bulk claim');
  expect([...unmet]).toEqual([]);
  // As if the tables were large.
  for (const price of ['parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_index_scan_size'])
    await client.query(`SET ${price} = 0`);
  for (const statement of statements) {
    const plan = await planOf(client, statement.replace(/\bojs\./g, `"${address.schema}".`));
    expect(JSON.stringify(plan), statement).not.toContain('Gather');
  }
});
