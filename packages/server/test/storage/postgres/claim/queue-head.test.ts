import { State } from '@ojs-ts/core/job';
import pg from 'pg';
import { expect, onTestFinished, vi } from 'vitest';
import type { Storage } from '../../../../src/storage/storage.ts';
import { claimOf, idOf, insert, newJob, t0, to } from '../../suite/tools.ts';
import { newSchema, openPostgres, server, test } from '../schema.ts';

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  await client.query(`SET search_path = ${new URL(url).searchParams.get('schema')}`);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

async function claimed(storage: Storage, limit: number): Promise<readonly string[]> {
  const [claim] = await storage.jobs.claim([claimOf({ limit })], t0);
  return claim?.jobs.map(({ id }) => id) ?? [];
}

function put(storage: Storage, from: number, count: number, priority = 0): Promise<void> {
  return insert(
    storage,
    Array.from({ length: count }, (_, n) => newJob(from + n, { priority })),
  );
}

const ids = (...numbers: readonly number[]) => numbers.map(idOf);

test('a claim does not read index entries of jobs that were claimed before', async () => {
  const url = newSchema();
  const schema = new URL(url).searchParams.get('schema');
  await using client = await connect(url);
  const pagesRead = async () => {
    // A connection tells its numbers when it ends at the latest.
    while (
      (await client.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [`ojs ${schema}`])).rows.length >
      0
    );
    const pages =
      'SELECT (idx_blks_hit + idx_blks_read)::int AS pages FROM pg_statio_user_indexes WHERE schemaname = $1 AND indexrelname = $2';
    return (await client.query(pages, [schema, 'ready_order'])).rows[0].pages;
  };
  {
    await using storage = await openPostgres(url);
    // As it is until the next vacuum comes by.
    await client.query('ALTER TABLE ready SET (autovacuum_enabled = off)');
    for (let done = 0; done < 10_000; done += 500) {
      await put(storage, done, 500);
      const taken = await claimed(storage, 500);
      await storage.jobs.transition(
        taken.map((id) => to(id, State.completed, State.active)),
        t0,
      );
    }
    await put(storage, 10_000, 500);
  }
  const before = await pagesRead();
  {
    await using storage = await openPostgres(url);
    for (let claim = 0; claim < 40; claim++) expect(await claimed(storage, 10)).toHaveLength(10);
  }
  // About 50 at the first one, and then a few pages a claim.
  expect((await pagesRead()) - before).toBeLessThan(800);
});

test('jobs of other priorities are found, whatever was claimed before', async () => {
  await using storage = await openPostgres();
  await put(storage, 0, 10);
  expect(await claimed(storage, 2)).toEqual(ids(0, 1));
  await put(storage, 20, 2, 5);
  await put(storage, 30, 2, -5);
  await put(storage, 40, 1, 9);
  expect(await claimed(storage, 2)).toEqual(ids(40, 20));
  await put(storage, 50, 1, 7);
  expect(await claimed(storage, 4)).toEqual(ids(50, 21, 2, 3));
  expect(await claimed(storage, 7)).toEqual(ids(4, 5, 6, 7, 8, 9, 30));
  await put(storage, 60, 1);
  expect(await claimed(storage, 4)).toEqual(ids(60, 31));
});

test('a job that was locked, or not committed yet, when later ones were claimed is not forgotten', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  await using client = await connect(url);
  await put(storage, 0, 6);
  await client.query('BEGIN');
  await client.query('SELECT FROM ready WHERE id = $1 FOR UPDATE', [idOf(0)]);
  expect(await claimed(storage, 2)).toEqual(ids(1, 2));
  await client.query('COMMIT');
  // Twice a second it is met in any case; here the line has less than is asked for.
  expect(await claimed(storage, 6)).toEqual(ids(0, 3, 4, 5));
});

test('a job that was locked for long while later ones were claimed is found within ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const url = newSchema();
  await using storage = await openPostgres(url);
  await using client = await connect(url);
  await put(storage, 0, 3);
  await client.query('BEGIN');
  await client.query('SELECT FROM ready WHERE id = $1 FOR UPDATE', [idOf(0)]);
  expect(await claimed(storage, 5)).toEqual(ids(1, 2));
  for (let n = 0; n < 2; n++) {
    vi.advanceTimersByTime(5_000);
    expect(await claimed(storage, 5)).toEqual([]);
  }
  await client.query('COMMIT');
  await put(storage, 3, 1);
  expect(await claimed(storage, 5)).toEqual(ids(3));
  vi.advanceTimersByTime(10_000);
  expect(await claimed(storage, 5)).toEqual(ids(0));
});
