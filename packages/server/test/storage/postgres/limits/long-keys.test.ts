import { State } from '@ojs-ts/core/job';
import { expect } from 'vitest';
import { allLimits, claim, countErrors, idOf, ids, insert, limitOf, move, newJob, to } from '../../suite/tools.ts';
import { openPostgres, test } from '../schema.ts';

/** Texts that no compression makes shorter. */
const noise = (seed: number, length: number) =>
  Array.from({ length }, (_, at) =>
    String.fromCodePoint(0x4e00 + ((seed * 7919 + at * 104_729 + at * at * 31) % 20_000)),
  ).join('');

test.each([40, 100, 255])('a job may name eight limits of %d characters, and blocks nobody', async (length) => {
  await using storage = await openPostgres();
  const limits = Array.from({ length: 8 }, (_, n) => limitOf(noise(n, length), { concurrency: 1 }));
  await insert(storage, [
    newJob(1, { limits }),
    newJob(2, { limits }),
    newJob(3, { limits: [limitOf('short', { concurrency: 1 })] }),
  ]);
  expect(ids(await claim(storage, { limit: 5 }))).toEqual([idOf(1), idOf(3)]);
  await move(storage, to(idOf(1), State.completed, State.active));
  expect(ids(await claim(storage, { limit: 5 }))).toEqual([idOf(2)]);
  expect(await countErrors(storage)).toEqual([]);
});

test('a page of limits continues after any text', async () => {
  await using storage = await openPostgres();
  await insert(storage, [newJob(1, { limits: ['a', 'b'].map((key) => limitOf(key, { concurrency: 1 })) })]);
  expect((await allLimits(storage)).map(({ key }) => key)).toEqual(['a', 'b']);
  for (const after of ['a', 'a\0', 'a\0b']) {
    expect((await storage.registry.limits({ after, limit: 9 })).items.map(({ key }) => key)).toEqual(['b']);
  }
});

test('a list of limits has merged and unmerged keys, each once and in order', async () => {
  await using storage = await openPostgres();
  const insertUnder = (first: number, keys: readonly string[]) =>
    insert(
      storage,
      keys.map((key, at) => newJob(first + at, { limits: [limitOf(key, { concurrency: 1 })] })),
    );
  await insertUnder(1, ['b', 'd', 'f']);
  await claim(storage, { limit: 1 });
  await insertUnder(11, ['a', 'b', 'c', 'c', 'f', 'g']);
  const pages: unknown[] = [];
  for (let offset = 0; offset < 6; offset += 2) {
    const { items, total } = await storage.registry.limits({ limit: 2, offset });
    pages.push(...items.map(({ key, waiting }) => [key, waiting]), total);
  }
  expect(pages).toEqual([['a', 1], ['b', 1], 6, ['c', 2], ['d', 1], 6, ['f', 2], ['g', 1], 6]);
  expect((await storage.registry.limits({ after: 'c', limit: 2 })).items.map(({ key }) => key)).toEqual(['d', 'f']);
  expect(await storage.registry.limit('c')).toMatchObject({ key: 'c', waiting: 2 });
  expect(await storage.registry.limit('e')).toBeNull();
});
