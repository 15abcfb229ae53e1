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
