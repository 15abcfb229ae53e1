import { State } from '@ojs-ts/core/job';
import pg from 'pg';
import { expect } from 'vitest';
import type { Storage } from '../../../../src/storage/storage.ts';
import { claim, insert, limitOf, newJob, t0, to } from '../../suite/tools.ts';
import { newSchema, openPostgres, server, test } from '../schema.ts';

const jobs = 200;
const rounds = 10;
/**
 * Alone on the server it is nearly all of them, and with a column in an index none. A page stays full while a
 * transaction, of another file of tests maybe, may still see what is dead there.
 */
const some = 0.1;

/**
 * What stands on the same page as before, and in no index anew, leaves nothing for a vacuum: the share of such updates
 * by table.
 */
type Shares = Readonly<Record<string, number>>;

async function sharesOf(url: string, act: (storage: Storage) => Promise<void>): Promise<Shares> {
  const schema = new URL(url).searchParams.get('schema');
  await using admin = new AsyncDisposableStack();
  const client = admin.adopt(new pg.Client({ connectionString: server ?? '' }), (one) => one.end());
  await client.connect();
  const updates = async () => {
    // A server process tells what it did when it ends.
    const others = 'SELECT 1 FROM pg_stat_activity WHERE application_name = $1';
    while ((await client.query(others, [`ojs ${schema}`])).rows.length > 0);
    const { rows } = await client.query<{ readonly name: string; readonly all: number; readonly hot: number }>(
      'SELECT relname AS name, n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE schemaname = $1',
      [schema],
    );
    return new Map(rows.map(({ name, ...rest }) => [name, rest]));
  };
  const before = await updates();
  {
    await using storage = await openPostgres(url);
    await act(storage);
  }
  const shares = [...(await updates())].flatMap(([name, { all, hot }]) => {
    const made = all - (before.get(name)?.all ?? 0);
    return made < rounds ? [] : [[name, (hot - (before.get(name)?.hot ?? 0)) / made] as const];
  });
  return Object.fromEntries(shares);
}

test('progress, checkpoints, workers and limits are rewritten in place; only what moves a job in an index is not', {
  retry: 4,
}, async () => {
  const url = newSchema();
  {
    await using storage = await openPostgres(url);
    const limits = (number: number) => [limitOf(`k${number % 20}`, { concurrency: 100 })];
    await insert(
      storage,
      Array.from({ length: jobs }, (_, number) => newJob(number, { limits: limits(number) })),
    );
  }
  const ids: string[] = [];
  const claims = await sharesOf(url, async (storage) => {
    for (let round = 0; round < rounds; round++)
      ids.push(...(await claim(storage, { limit: jobs / rounds })).map(({ id }) => id));
  });
  expect(ids).toHaveLength(jobs);
  expect(claims.limits).toBeGreaterThan(some);
  const running = await sharesOf(url, async (storage) => {
    for (let round = 1; round <= rounds; round++) {
      await storage.registry.beat(
        [{ worker: 'w1', holds: [], leaseMs: null, state: 'running', info: '{}' }],
        t0 + round,
      );
      await storage.jobs.transition(
        ids.map((id) => to(id, State.active, State.active, { progress: `"${round}"`, checkpoint: `${round}` })),
        t0 + round,
      );
    }
  });
  expect(running.texts).toBeGreaterThan(some);
});
