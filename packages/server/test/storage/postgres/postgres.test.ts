import { State } from '@ojs-ts/core/job';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { postgresStorage } from '../../../src/storage/postgres/postgres.ts';
import type { Storage, Wake } from '../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { claim, claimOf, eventLog, idOf, ids, insert, move, newJob, queue, t0, to, uniqueOf } from '../suite/tools.ts';
import { connectAdmin, newSchema, openPostgres, server } from './schema.ts';

/** Resolves with the first wake that fits. */
function wakeOf(
  storage: Storage,
  fits: (wake: Wake) => boolean,
): Promise<{ readonly heard: Promise<Wake>; readonly end: AsyncDisposable }> {
  let tell = (_: Wake) => {};
  const heard = new Promise<Wake>((resolve) => {
    tell = resolve;
  });
  return storage
    .subscribe((wakes) => {
      const found = wakes.find(fits);
      if (found) tell(found);
    })
    .then((end) => ({ heard, end }));
}

const schemaOf = (url: string) => new URL(url).searchParams.get('schema');

/** What an administrator does on a connection of his own. */
async function administer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  await using client = await connectAdmin();
  return await work(client);
}

const endConnections = (url: string) =>
  administer((client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      `ojs ${schemaOf(url)}`,
    ]),
  );

if (server === null) test.skip('there is no PostgreSQL on this machine', () => {});
else {
  test('several nodes bring the layout up to date at once; a newer one is refused', async () => {
    const url = newSchema();
    const nodes = Array.from({ length: 4 }, () => postgresStorage({ url }));
    const [first] = nodes;
    expect((await first?.layout())?.steps).toContain('002_baseline.sql');
    await expect(first?.jobs.get([idOf(1)])).rejects.toThrow(/migrate\(\) first/);
    const made = await Promise.all(nodes.map((node) => node.migrate()));
    const to = made[0]?.to ?? 0;
    expect(made.filter(({ from }) => from === 0)).toHaveLength(1);
    expect(made.every((one) => one.to === to)).toBe(true);
    await administer((client) => client.query(`INSERT INTO ${schemaOf(url)}.layout VALUES (${to + 1}, 'its')`));
    await expect(first?.migrate()).rejects.toThrow(`has layout ${to + 1}; this version of the server knows ${to}`);
    await administer((client) => client.query(`UPDATE ${schemaOf(url)}.layout SET version = 1`));
    await expect(first?.migrate()).rejects.toThrow(/has layout 1 of a version before the first release/);
    // Early versions counted further, and kept no sum.
    await administer((client) => client.query(`UPDATE ${schemaOf(url)}.layout SET version = ${to + 1}`));
    await administer((client) => client.query(`ALTER TABLE ${schemaOf(url)}.layout DROP COLUMN sum`));
    await expect(first?.migrate()).rejects.toThrow(/of a version before the first release/);
    await expect(first?.layout()).rejects.toThrow(/of a version before the first release/);
    for (const node of nodes) await node[Symbol.asyncDispose]();
  });

  test('the long texts of jobs and workflows are compressed by LZ4', async () => {
    const url = newSchema();
    await using _storage = await openPostgres(url);
    const { rows } = await administer((client) =>
      client.query<{ column: string }>(
        `SELECT relname || '.' || attname AS column FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = $1 AND relkind = 'r' AND attcompression = 'l' ORDER BY 1`,
        [schemaOf(url)],
      ),
    );
    expect(rows.map(({ column }) => column)).toEqual([
      'ended.result',
      'events.entries',
      'jobs.envelope',
      'node_specs.spec',
      'nodes.result',
      'records.body',
      'requests.claims',
      'requests.ids',
      'texts.checkpoint',
      'texts.history',
      'texts.result',
      'workflows.spec',
    ]);
  });

  test('another process is notified of new jobs and of the log, and of any change after a lost connection', async () => {
    const url = newSchema();
    await using one = await openPostgres(url);
    await using other = postgresStorage({ url });
    const told = await wakeOf(other, (wake) => wake.kind === 'queue');
    const log = await wakeOf(other, (wake) => wake.kind === 'events');
    await insert(one, [newJob(1, { queue: 'mail' })]);
    expect(await told.heard).toEqual({ kind: 'queue', queue: 'mail' });
    await log.heard;
    const lost = await wakeOf(other, (wake) => wake.kind === 'queue' && wake.queue === null);
    await endConnections(url);
    await lost.heard;
    const again = await wakeOf(other, (wake) => wake.kind === 'queue' && wake.queue === 'again');
    let calls = 0;
    // The pool may still hold connections that are gone.
    for (let sent = false; !sent && calls < 20; calls++) {
      sent = await insert(one, [newJob(2, { queue: 'again' })]).then(
        () => true,
        () => false,
      );
    }
    await again.heard;
    for (const { end } of [told, log, lost, again]) await end[Symbol.asyncDispose]();
  });

  test('a server that cannot be had is an error that may be tried again, and a later call succeeds', async () => {
    const url = newSchema();
    await using storage = await openPostgres(url);
    await insert(storage, [newJob(1)]);
    const gone = new URL(url);
    gone.port = '1';
    await using unreachable = postgresStorage({ url: gone.toString() });
    await expect(unreachable.ping()).rejects.toThrow(StoreUnavailable);
    // Held up by a lock, the call is under way when its connection is ended.
    await administer(async (client) => {
      await client.query('BEGIN');
      await client.query(`SELECT 1 FROM ${schemaOf(url)}.jobs FOR UPDATE`);
      const held = move(storage, to(idOf(1), State.cancelled, 0xff));
      const failed = expect(held).rejects.toThrow(StoreUnavailable);
      const waits = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'ojs ${schemaOf(url)}' AND wait_event_type = 'Lock'`;
      // A transaction sees what the first look at activity has shown, until it lets go of that.
      while ((await client.query(waits)).rows.length === 0) await client.query('SELECT pg_stat_clear_snapshot()');
      await endConnections(url);
      await failed;
      await client.query('ROLLBACK');
    });
    // A connection of the pool may not know yet that it has ended; its call changes nothing and fails as above.
    await expect.poll(async () => (await claim(storage).catch(() => [])).map(({ id }) => id)).toEqual([idOf(1)]);
  });

  test('behind a pooler of transactions nothing depends on the session', async () => {
    await using storage = await openPostgres(newSchema({ pgbouncer: 'true' }));
    await insert(storage, [newJob(1, { unique: uniqueOf() }), newJob(2), newJob(3)]);
    expect(ids(await claim(storage, { limit: 2 }))).toEqual([1, 2].map(idOf));
    await move(storage, to(idOf(1), State.completed, State.active));
    expect((await queue(storage))?.counts).toEqual({ [State.available]: 1, [State.active]: 1, [State.completed]: 1 });
    expect(await eventLog(storage)).toHaveLength(6);
    expect(storage.traits.durability).toMatch(/polling/);
  });

  test('positions follow visibility: a reader misses nothing, though transactions that began first commit last', async () => {
    const url = newSchema();
    await using storage = await openPostgres(url);
    await insert(storage, [newJob(1)]);
    await administer(async (client) => {
      await client.query('BEGIN');
      await client.query(`INSERT INTO ${schemaOf(url)}.events (at, count, entries) VALUES (${t0}, 1, '["first"]')`);
      await insert(storage, [newJob(2)]);
      expect((await storage.events(0, 99)).batches.map(({ position }) => position)).toEqual([1, 2]);
      await client.query('COMMIT');
    });
    const { batches, newest } = await storage.events(2, 99);
    expect([newest, batches.map(({ position, entries }) => [position, entries])]).toEqual([3, [[3, '["first"]']]]);
  });

  test('a request that is made twice at once gets one answer', async () => {
    await using storage = await openPostgres();
    await insert(
      storage,
      Array.from({ length: 20 }, (_, number) => newJob(number)),
    );
    const request = { request: 'r', limit: 5 };
    const answers = await Promise.all(Array.from({ length: 4 }, () => storage.jobs.claim([claimOf(request)], t0)));
    const [first] = answers.map(([answer]) => ids(answer?.jobs ?? []));
    expect(first).toHaveLength(5);
    for (const [answer] of answers) expect(ids(answer?.jobs ?? [])).toEqual(first);
  });
}
