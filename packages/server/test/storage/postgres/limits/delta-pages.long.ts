import { State } from '@ojs-ts/core/job';
import fc from 'fast-check';
import pg from 'pg';
import { expect } from 'vitest';
import { testWith } from '../../../../../core/test/support/test-with.ts';
import { memoryStorage } from '../../../../src/storage/memory/memory.ts';
import { usualDeltaPages } from '../../../../src/storage/postgres/limits/limit-deltas.ts';
import type { Storage, Wake } from '../../../../src/storage/storage.ts';
import { checkProperty } from '../../../support/property.ts';
import { compare, script } from '../../model.ts';
import { claim, claimOf, countErrors, idOf, ids, insert, limitOf, move, newJob, t0, to } from '../../suite/tools.ts';
import { newSchema, openPostgres, server, test } from '../schema.ts';

/** A job under a key of its own. */
function alone(number: number, priority = 0, concurrency = 1) {
  return newJob(number, { priority, limits: [limitOf(`k${number}`, { concurrency })] });
}

const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

async function counter(url: string): Promise<AsyncDisposable & { readonly count: (table: string) => Promise<number> }> {
  const client = new pg.Client({ connectionString: server ?? '' });
  await client.connect();
  const schema = new URL(url).searchParams.get('schema');
  return {
    count: async (table) => (await client.query(`SELECT count(*)::int AS count FROM ${schema}.${table}`)).rows[0].count,
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Whether the queue is woken while this is done. */
async function wakes(storage: Storage, queue: string, act: () => Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const told = (wakes: readonly Wake[]) =>
    wakes.some((wake) => wake.kind === 'queue' && wake.queue === queue) && resolve();
  await using _subscription = await storage.subscribe(told);
  await act();
  await promise;
}

test('a claim merges one page of new keys, however many there are, and starts the first jobs', async () => {
  const url = newSchema();
  await using storage = await openPostgres(url);
  await using tables = await counter(url);
  const keys = 3_000;
  for (let first = 0; first < keys; first += 500) {
    await insert(
      storage,
      from(first, 500).map((number) => alone(number)),
    );
  }
  expect(ids(await claim(storage, { limit: 10 }))).toEqual(from(0, 10).map(idOf));
  expect(await tables.count('limits')).toBeLessThanOrEqual(1_000);
  expect(await tables.count('limit_groups')).toBeLessThanOrEqual(1_000);
  expect(ids(await claim(storage, { limit: 10 }))).toEqual(from(10, 10).map(idOf));
  expect(await tables.count('limits')).toBeLessThanOrEqual(2_000);
  // Upkeep goes on until nothing is left.
  await storage.upkeep.promote(t0, 10);
  expect([await tables.count('limit_changes'), await tables.count('limit_group_changes')]).toEqual([0, 0]);
  expect([await tables.count('limits'), await tables.count('limit_groups')]).toEqual([keys, keys - 20]);
  expect(await countErrors(storage)).toEqual([]);
});

const small = { ...usualDeltaPages, deltas: 40, most: 2 };
const it = testWith(() => openPostgres(newSchema(), small));

it('jobs start by priority, then place, whatever is not merged yet', async (storage) => {
  await insert(storage, [
    newJob(1),
    ...from(100, 200).map((number) => alone(number)),
    newJob(2),
    alone(3, 5),
    newJob(4, { priority: 1 }),
  ]);
  await insert(storage, [alone(5, 9)]);
  const order = [5, 3, 4, 1, ...from(100, 200), 2];
  for (let done = 0; done < order.length; done += 7) {
    expect(ids(await claim(storage, { limit: 7 }))).toEqual(order.slice(done, done + 7).map(idOf));
  }
  expect(await claim(storage, { limit: 7 })).toEqual([]);
  expect(await countErrors(storage)).toEqual([]);
});

it('unmerged removals from limit groups let no later job start first', async (storage) => {
  await insert(storage, [...from(100, 250).map((number) => alone(number)), newJob(1)]);
  await storage.upkeep.promote(t0, 10);
  await storage.jobs.transition(
    from(100, 249).map((number) => to(idOf(number), State.cancelled, State.available)),
    t0,
  );
  const taken: string[] = [];
  for (let call = 0; call < 10 && taken.length < 2; call++) taken.push(...ids(await claim(storage, { limit: 1 })));
  expect(taken).toEqual([349, 1].map(idOf));
  expect(await countErrors(storage)).toEqual([]);
});

it('a call that merges its most pages without a job wakes waiting claims until there is one', async (storage) => {
  const closed = limitOf('closed', { concurrency: 0 });
  const grouped = (number: number) => newJob(number, { limits: [closed, limitOf(`k${number}`)] });
  await insert(storage, [...from(100, 200).map(grouped), newJob(1)]);
  await wakes(storage, 'default', async () => expect(await claim(storage, { limit: 5 })).toEqual([]));
  const taken: string[] = [];
  for (let call = 0; call < 10; call++) taken.push(...ids(await claim(storage, { limit: 5 })));
  expect(taken).toEqual([idOf(1)]);
});

it('numbers of a job hold before they are merged, and a freed slot is found', async (storage) => {
  const under = (number: number, concurrency: number, priority = 0) =>
    newJob(number, { priority, limits: [limitOf('shared', { concurrency })] });
  await insert(storage, [under(1, 9), under(2, 9), under(3, 9)]);
  await insert(
    storage,
    from(100, 200).map((number) => alone(number)),
  );
  // The newest numbers stand behind all others.
  await insert(storage, [under(4, 2, -1)]);
  expect(ids(await claim(storage, { limit: 3 }))).toEqual([1, 2, 100].map(idOf));
  await move(storage, to(idOf(1), State.completed, State.active));
  const taken: string[] = [];
  for (let call = 0; call < 40; call++) taken.push(...ids(await claim(storage, { limit: 7 })));
  expect(taken.sort()).toEqual([3, ...from(101, 199)].map(idOf).sort());
  expect(await countErrors(storage)).toEqual([]);
});

test('memory and postgres give equal answers and keep equal rows, be the pages as small as can be', async () => {
  await using model = memoryStorage();
  await using paged = await openPostgres(newSchema(), { deltas: 1, most: 1_000, upkeepFrom: 1, upkeepEveryMs: 0 });
  const { jobs, upkeep } = paged;
  // A key that was closed opens once that is taken over; until then a claim that gets enough behind it passes it by.
  const subject: Storage = {
    ...paged,
    jobs: {
      ...jobs,
      async claim(claims, now, maxBytes) {
        await upkeep.promote(now, 0);
        return jobs.claim(claims, now, maxBytes);
      },
    },
  };
  const property = fc.asyncProperty(script, (turns) => compare(model, subject, turns));
  await checkProperty(property, { atLeast: 4, atMost: 200, ms: 4_000 });
});

it('claims at the same time, with upkeep beside them, start every job once', async (storage) => {
  await insert(
    storage,
    from(0, 300).map((number) => alone(number)),
  );
  const taken: string[] = [];
  const worker = async () => {
    for (let call = 0; call < 30 && taken.length < 300; call++) {
      const answers = await storage.jobs.claim([claimOf({ limit: 8 }), claimOf({ limit: 8 })], t0);
      taken.push(...answers.flatMap(({ jobs }) => ids(jobs)));
    }
  };
  const upkeep = async () => {
    for (let call = 0; call < 5; call++) await storage.upkeep.promote(t0, 10);
  };
  await Promise.all([worker(), worker(), worker(), upkeep()]);
  expect(taken.sort()).toEqual(from(0, 300).map(idOf).sort());
  expect(await countErrors(storage)).toEqual([]);
});
