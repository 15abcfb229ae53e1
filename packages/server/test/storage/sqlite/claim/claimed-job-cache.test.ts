import { join } from 'node:path';
import { State } from '@ojs-ts/core/job';
import { cancelled, completed, requeued } from '@ojs-ts/core/lifecycle';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStorage } from '../../../../src/storage/memory/memory.ts';
import { sqliteStorage } from '../../../../src/storage/sqlite/sqlite.ts';
import type { Storage } from '../../../../src/storage/storage.ts';
import { checkProperty } from '../../../support/property.ts';
import { compare, script } from '../../model.ts';
import { claimOne, get, idOf, insert, move, newJob, t0 } from '../../suite/tools.ts';
import { temporaryDirectory } from '../temporary.ts';

async function openOne(path = join(temporaryDirectory(), 'jobs.db')): Promise<Storage> {
  const storage = sqliteStorage({ path });
  await storage.migrate();
  return storage;
}

async function twoOnOneFile(): Promise<readonly [Storage, Storage]> {
  const path = join(temporaryDirectory(), 'jobs.db');
  return [await openOne(path), await openOne(path)];
}

test('an ACK sees what another process has done to the job since the claim', async () => {
  const [mine, other] = await twoOnOneFile();
  await using _ = mine;
  await using __ = other;
  await insert(mine, [newJob(1), newJob(2), newJob(3)]);
  const ended = await claimOne(mine);
  const returned = await claimOne(mine);
  const alone = await claimOne(mine);
  await move(other, completed({ id: ended.id, claim: ended.claim, result: '"theirs"' }));
  await move(other, requeued(returned, 'given back', t0, 'server'));
  expect(await claimOne(other)).toMatchObject({ id: returned.id, claim: 2 });

  const answers = await mine.jobs.transition(
    [ended, returned, alone].map(({ id, claim }) => completed({ id, claim, result: '"mine"' })),
    t0,
  );
  expect(answers.map(({ kind }) => kind)).toEqual(['already', 'refused', 'moved']);
  expect(await get(mine, ended.id)).toMatchObject({ state: State.completed, result: '"theirs"' });
  expect(await get(mine, returned.id)).toMatchObject({ state: State.active, claim: 2 });
});

test('a job that was cancelled or removed after its claim is not completed', async () => {
  await using mine = await openOne();
  await insert(mine, [newJob(1), newJob(2)]);
  const [first, second] = [await claimOne(mine), await claimOne(mine)];
  await move(mine, cancelled(first, t0));
  await mine.jobs.remove([second.id], { from: State.active }, t0);
  const answers = await mine.jobs.transition(
    [first, second].map(({ id, claim }) => completed({ id, claim, result: null })),
    t0,
  );
  expect(answers.map(({ kind }) => kind)).toEqual(['refused', 'missing']);
});

test('jobs that end together in any order each keep their own result', async () => {
  await using mine = await openOne();
  const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
  await insert(
    mine,
    numbers.map((number) => newJob(number)),
  );
  for (const _ of numbers) await claimOne(mine);
  const results = new Map(
    [1, 2, 3, 5, 4, 7, 8, 6].map((number) => [number, number < 4 ? null : number < 6 ? '"a"' : `${number}`]),
  );
  await mine.jobs.transition(
    [...results].map(([number, result]) => completed({ id: idOf(number), claim: 1, result })),
    t0,
  );
  for (const [number, result] of results)
    expect(await get(mine, idOf(number))).toMatchObject({ state: State.completed, result });
});

test('two storages that alternate on one file answer as one does', async () => {
  await using model = memoryStorage();
  const [one, two] = await twoOnOneFile();
  await using _ = one;
  await using __ = two;
  const property = fc.asyncProperty(script, (turns) => compare(model, takingTurns(one, two), turns));
  await checkProperty(property, { atLeast: 20, atMost: 500, ms: 5_000 });
});

/** Each part that is asked for is the other's than the one before. */
function takingTurns(one: Storage, two: Storage): Storage {
  let next = one;
  return new Proxy(one, {
    get(_, name) {
      // Calls made at once take effect in their order in one process only.
      if (name === 'traits') return { ...one.traits, inProcess: false };
      next = next === one ? two : one;
      return Reflect.get(next, name);
    },
  });
}
