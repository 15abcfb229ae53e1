import { State } from '@ojs-ts/core/job';
import { expect, test } from 'vitest';
import { openStorage } from '../../src/storage/open.ts';
import { historyErrors } from './invariants.ts';
import { idOf, insert, newJob, t0, to } from './suite/tools.ts';

const holders = new Map([1, 2, 3].map((number) => [idOf(number), 'k']));
const errorsOf = (storage: Awaited<ReturnType<typeof openStorage>>) =>
  historyErrors(storage, { holders, limited: new Map(), slots: new Map() });

test('an operator may start a job anew while another holds its unique key; nobody may create one', async () => {
  await using storage = await openStorage('memory:');
  await storage.migrate();
  await insert(storage, [newJob(1)]);
  await storage.jobs.transition([to(idOf(1), State.discarded, State.available)], t0);
  await insert(storage, [newJob(2)]);
  await storage.jobs.transition([to(idOf(1), State.available, State.discarded)], t0);
  expect(await errorsOf(storage)).toEqual([]);
  await insert(storage, [newJob(3)]);
  expect(await errorsOf(storage)).toMatchObject([expect.stringContaining('k has 3 holders')]);
});
