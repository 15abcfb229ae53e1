import { type JobRecord, type Json, State } from '@ojs-ts/core/job';
import { renderWorkflow } from '@ojs-ts/core/workflow';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Bench, bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

async function create(b: Bench, body: object): Promise<string> {
  return (await b.engine.workflows.create(b.engine.workflows.read(JSON.stringify(body), newId))).workflow.id;
}

// A call waits 250 ms for what it sets off, and leaves the rest to be done behind its back: by this clock those never
// end.
beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(performance.now()));
afterEach(() => void vi.restoreAllMocks());

const step = (type: string, options: object = {}) => ({ type, args: [], options: { queue: 'q', ...options } });
const one = async (b: Bench): Promise<JobRecord> => {
  const [job] = await b.fetch();
  if (!job) throw new Error('Nothing to fetch.');
  return job;
};
const ack = (b: Bench, { id, claim }: JobRecord, result: Json | null = null) =>
  b.engine.protocol.settle({ kind: 'ack', id, claim, worker: null, result });
async function view(b: Bench, id: string) {
  const { workflow, nodes, jobs } = await b.engine.workflows.get(id);
  return JSON.parse(renderWorkflow(workflow, nodes, jobs));
}

describe.each(storages)('workflows, $name', ({ url }) => {
  test('a creation is answered as a read right after it would be', async () => {
    await using b = await bench(url());
    const key = { unique: { keys: ['type'] } };
    await create(b, { type: 'chain', steps: [step('a.unique', key)] });
    const bodies = [
      { type: 'chain', steps: [step('a.one'), { type: 'group', jobs: [step('a.two'), step('a.three')] }] },
      {
        type: 'batch',
        jobs: [step('a.one')],
        callbacks: { on_complete: step('a.done'), on_failure: step('a.failed') },
      },
      {
        name: 'graph',
        steps: [
          { id: 'x', ...step('a.x') },
          { id: 'y', ...step('a.y'), depends_on: ['x'] },
        ],
      },
      { type: 'group', jobs: [step('a.one'), step('a.unique', key)] },
      { type: 'chain', steps: [step('a.unique', key), step('a.two')] },
    ];
    for (const body of bodies) {
      const { workflow, nodes, jobs } = await b.engine.workflows.create(
        b.engine.workflows.read(JSON.stringify(body), newId),
      );
      expect(JSON.parse(renderWorkflow(workflow, nodes, jobs))).toEqual(await view(b, workflow.id));
    }
  });

  test.each(['cancelled', 'expired', 'deleted'])('a child that is %s never leaves its parent waiting', async (how) => {
    await using b = await bench(url());
    const late = how === 'expired' ? { expires_at: '+PT1S' } : {};
    const id = await create(b, { type: 'group', jobs: [step('a.one'), step('a.two', { ...late, priority: -1 })] });
    const { nodes } = await b.engine.workflows.get(id);
    const child = nodes[1]?.job ?? '';
    await ack(b, await one(b));
    if (how === 'cancelled') await b.engine.lifecycle.cancel(child, null);
    if (how === 'deleted') await b.engine.storage.jobs.remove([child], { from: State.available }, b.clock.now());
    if (how === 'expired') b.clock.set(b.clock.now() + 1_000);
    await b.engine.upkeep.run();
    expect(await view(b, id)).toMatchObject({ state: 'failed' });
  });
});
