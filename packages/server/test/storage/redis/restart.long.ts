import { State } from '@ojs-ts/core/job';
import type { WorkflowStep } from '@ojs-ts/core/workflow';
import { expect, test } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { findRedis, startRedis } from '../../support/redis.ts';
import { claimOf, countErrors, eventLog, idOf, newJob, newNode, newWorkflow, t0, to } from '../suite/tools.ts';
import { patiently } from './patiently.ts';

const size = 3000;
const group = [
  ...Array.from({ length: size }, (_, index) => newNode(index, { next: [size] })),
  newNode(size, { open: size, member: false }),
];

function startOf(index: number): WorkflowStep {
  const node = { workflow: 'w', index };
  return { kind: 'start', node, job: newJob(index, { node }), events: [] };
}

test.skipIf(findRedis() === null)(
  'Redis is killed three times while 4 clients end a group: every answered change is there, none in part (appendfsync always)',
  async () => {
    await using server = await startRedis({ appendonly: 'always' });
    await using opened = new AsyncDisposableStack();
    const storages: Storage[] = [];
    for (let count = 0; count < 4; count++)
      storages.push(opened.use(await redisStorage({ url: `${server.url}?namespace=killed`, timeoutMs: 1000 })));
    const [first] = storages;
    if (!first) throw new Error('There is no client.');
    await first.migrate();
    await first.workflows.create(newWorkflow({ kind: 'group', total: size }), group, [], t0);
    for (let at = 0; at < size; at += 500)
      await first.workflows.advance(
        Array.from({ length: 500 }, (_, more) => startOf(at + more)),
        t0,
      );
    const done: string[] = [];
    const working = Promise.all(storages.map((storage, number) => workOn(storage, `w${number}`, done)));
    for (const share of [0.2, 0.4, 0.6]) {
      while (done.length < share * size) await new Promise((resolve) => setImmediate(resolve));
      await server.kill();
      await server.restart();
    }
    await working;
    expect(done.toSorted()).toEqual(Array.from({ length: size }, (_, index) => idOf(index)).sort());
    expect(await first.workflows.get('w')).toMatchObject({
      state: 'running',
      completed: size,
      failed: 0,
      cancelled: 0,
    });
    expect(await first.workflows.unfinished(10)).toEqual({ ready: [{ workflow: 'w', index: size }], sweeping: [] });
    const nodes = await first.workflows.nodes('w', -1, size + 1);
    expect(nodes.filter(({ state }) => state === 'completed')).toHaveLength(size);
    expect(nodes.at(-1)).toMatchObject({ state: 'waiting', open: 0 });
    const ends = (await eventLog(first))
      .filter(({ kind }) => kind === 'workflow.job_completed')
      .map(({ entry }) => entry.at(-1));
    expect(ends).toMatchObject(Array.from({ length: size }, (_, at) => ({ completed_count: at + 1 })));
    expect(await countErrors(first)).toEqual([]);
  },
);

/** Claims jobs and ends them, until all have ended. A call whose answer was lost is repeated. */
async function workOn(storage: Storage, worker: string, done: string[]): Promise<void> {
  for (let turn = 0; done.length < size; turn++) {
    const [claimed] = await patiently(() =>
      storage.jobs.claim([claimOf({ worker, request: `${turn}`, limit: 5 })], t0),
    );
    const ends = (claimed?.jobs ?? []).map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker }));
    if (ends.length === 0) continue;
    const answers = await patiently(() => storage.jobs.transition(ends, t0));
    for (const { kind } of answers) expect(['moved', 'already']).toContain(kind);
    done.push(...ends.map(({ id }) => id));
  }
}
