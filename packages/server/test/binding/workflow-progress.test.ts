import { expect, test } from 'vitest';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { bench } from '../support/engine.ts';
import { newId } from '../support/ids.ts';
import { call } from '../support/request.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Fetched {
  readonly jobs: readonly { readonly id: string }[];
}

const step = { type: 'a.b', args: [] };

test.each(storages)('counts all steps and lists the first hundred, $name', async ({ url }) => {
  await using server = await serve({ storage: url() });
  const jobs = Array.from({ length: 150 }, () => step);
  const { body } = await call<{ workflow: { id: string } }>(server.url, '/workflows', { type: 'group', jobs });
  const path = `/workflows/${body.workflow.id}/progress`;
  expect((await call(server.url, path)).body).toMatchObject({ progress: 0, steps_total: 150, steps_completed: 0 });
  const fetched = await call<Fetched>(server.url, '/workers/fetch', { queues: ['default'], count: 4 });
  const [running, ...done] = fetched.body.jobs.map(({ id }) => id);
  for (const job_id of done) await call(server.url, '/workers/ack', { job_id });
  await call(server.url, '/workers/progress', { job_id: running, progress: 0.5 });
  const { body: shown } = await call<{ steps: readonly { progress: number }[] }>(server.url, path);
  expect(shown).toMatchObject({ state: 'running', progress: 0.0233, steps_total: 150, steps_completed: 3 });
  expect(shown.steps).toHaveLength(100);
  expect(shown.steps.slice(0, 5).map(({ progress }) => progress)).toEqual([0.5, 1, 1, 1, 0]);
});

test('reads no more than it lists', async () => {
  const raw = await openStorage('memory:');
  const read = { nodes: 0, jobs: 0 };
  const replaced: Pick<Storage, 'workflows' | 'jobs'> = {
    workflows: {
      ...raw.workflows,
      async nodes(...query) {
        const nodes = await raw.workflows.nodes(...query);
        read.nodes += nodes.length;
        return nodes;
      },
    },
    jobs: {
      ...raw.jobs,
      get(ids) {
        read.jobs += ids.length;
        return raw.jobs.get(ids);
      },
    },
  };
  const storage = new Proxy(raw, { get: (target, name) => Reflect.get(name in replaced ? replaced : target, name) });
  await using b = await bench('', { storage });
  const jobs = Array.from({ length: 5_000 }, () => step);
  const { workflow } = await b.engine.workflows.create(
    b.engine.workflows.read(JSON.stringify({ type: 'group', jobs }), newId),
  );
  Object.assign(read, { nodes: 0, jobs: 0 });
  const { nodes } = await b.engine.workflows.first(workflow.id, 100);
  expect([nodes.length, read]).toEqual([100, { nodes: 100, jobs: 100 }]);
});
