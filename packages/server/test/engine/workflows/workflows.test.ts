import { type JobRecord, type Json, renderWorkflow, State } from '@ojs-ts/core';
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
  b.engine.settle({ kind: 'ack', id, claim, worker: null, result });
const discard = (b: Bench, { id, claim }: JobRecord) =>
  b.engine.settle({
    kind: 'fail',
    id,
    claim,
    worker: null,
    failure: { code: 'boom', type: 'boom', message: 'boom', retryable: false, names: ['boom'] },
  });
async function view(b: Bench, id: string) {
  const { workflow, nodes, jobs } = await b.engine.workflows.get(id);
  return JSON.parse(renderWorkflow(workflow, nodes, jobs));
}

describe.each(storages)('workflows, $name', ({ url }) => {
  test('chain: one step after the other, results passed on, as an array', async () => {
    await using b = await bench(url());
    const id = await create(b, { type: 'chain', steps: [step('a.one'), step('a.two'), step('a.three')] });
    const first = await one(b);
    expect(first.type).toBe('a.one');
    expect(await b.fetch()).toEqual([]);
    await ack(b, first, '{"n":9007199254740993}');
    const second = await one(b);
    expect(second.envelope).toContain('"parent_results":[{"n":9007199254740993}]');
    expect(second.envelope).toContain(`"workflow_id":"${id}"`);
    await ack(b, second);
    const third = await one(b);
    expect(third.envelope).toContain('"parent_results":[{"n":9007199254740993},null]');
    expect(await view(b, id)).toMatchObject({ state: 'running', steps_total: 3, steps_completed: 2 });
    await ack(b, third);
    expect(await view(b, id)).toMatchObject({ state: 'completed', steps_completed: 3 });
  });

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

  test('chain: a discarded step cancels the rest; one that is retried does not', async () => {
    await using b = await bench(url());
    const id = await create(b, { type: 'chain', steps: [step('a.one'), step('a.two')] });
    await discard(b, await one(b));
    expect(await b.fetch()).toEqual([]);
    expect(await view(b, id)).toMatchObject({
      state: 'failed',
      failed_step_index: 0,
      steps: [{ state: 'failed' }, { state: 'cancelled' }],
    });
  });

  test('group: all at once, failed only when all have ended', async () => {
    await using b = await bench(url());
    const id = await create(b, { type: 'group', jobs: [step('a.one'), step('a.two')] });
    const [first, second] = await b.fetch({ count: 2 });
    if (!first || !second) throw new Error('A group starts all its jobs.');
    await discard(b, first);
    expect(await view(b, id)).toMatchObject({ state: 'running' });
    await ack(b, second);
    expect(await view(b, id)).toMatchObject({
      state: 'failed',
      jobs_total: 2,
      jobs_completed: 1,
      failed_job_ids: [first.id],
    });
  });

  test('batch: callbacks as the outcome asks for them, completed although a job failed', async () => {
    await using b = await bench(url());
    const callbacks = {
      on_complete: step('cb.complete'),
      on_success: step('cb.success'),
      on_failure: step('cb.failure'),
    };
    const id = await create(b, { type: 'batch', jobs: [step('a.one'), step('a.two')], callbacks });
    const [first, second] = await b.fetch({ count: 2 });
    if (!first || !second) throw new Error('A batch starts all its jobs.');
    await ack(b, first, '1');
    await discard(b, second);
    const called = await b.fetch({ count: 5 });
    expect(called.map(({ type }) => type).sort()).toEqual(['cb.complete', 'cb.failure']);
    expect(called[0]?.envelope).toContain('"parent_results":[1,null]');
    for (const job of called) await ack(b, job);
    expect(await view(b, id)).toMatchObject({ state: 'completed' });
  });

  test('nested three levels deep: a chain of a group of chains', async () => {
    await using b = await bench(url());
    const inner = (name: string) => ({ type: 'chain', steps: [step(`${name}.one`), step(`${name}.two`)] });
    const id = await create(b, {
      type: 'chain',
      steps: [{ type: 'group', jobs: [inner('a'), inner('b')] }, step('last.step')],
    });
    const firsts = await b.fetch({ count: 5 });
    expect(firsts.map(({ type }) => type).sort()).toEqual(['a.one', 'b.one']);
    for (const job of firsts) await ack(b, job);
    const seconds = await b.fetch({ count: 5 });
    for (const job of seconds) await ack(b, job, JSON.stringify(job.type));
    const last = await one(b);
    expect(last.envelope).toContain('"parent_results":[["a.two","b.two"]]');
    await ack(b, last);
    expect(await view(b, id)).toMatchObject({ state: 'completed', steps_total: 2 });
  });

  test('steps with depends_on run when all they depend on has', async () => {
    await using b = await bench(url());
    const steps = [
      { id: 'a', ...step('s.a') },
      { id: 'b', ...step('s.b') },
      { id: 'c', ...step('s.c'), depends_on: ['a', 'b'] },
    ];
    const id = await create(b, { name: 'etl', steps });
    const [first, second] = await b.fetch({ count: 5 });
    if (!first || !second) throw new Error('Two steps are free.');
    await ack(b, first);
    expect(await b.fetch()).toEqual([]);
    await ack(b, second);
    await ack(b, await one(b));
    expect(await view(b, id)).toMatchObject({ state: 'completed', name: 'etl' });
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

  test('a step whose unique policy rejects it fails with duplicate', async () => {
    await using b = await bench(url());
    const unique = { keys: ['type'], states: ['available', 'active'] };
    await create(b, { type: 'group', jobs: [step('only.one', { unique })] });
    const id = await create(b, { type: 'chain', steps: [step('only.one', { unique }), step('a.two')] });
    expect(await view(b, id)).toMatchObject({ state: 'failed', errors: [{ code: 'duplicate' }] });
  });

  test('cancel: waiting jobs are cancelled, active ones may finish and advance nothing', async () => {
    await using b = await bench(url());
    const id = await create(b, {
      type: 'chain',
      steps: [{ type: 'group', jobs: [step('a.one'), step('a.two')] }, step('a.three')],
    });
    const running = await one(b);
    const { workflow } = await b.engine.workflows.cancel(id);
    expect(workflow.state).toBe('cancelled');
    expect((await ack(b, running)).kind).toBe('completed');
    expect(await b.fetch()).toEqual([]);
    await expect(b.engine.workflows.cancel(id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(b.engine.workflows.cancel(newId())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a repeated creation is the same workflow, another one under its id a duplicate', async () => {
    await using b = await bench(url());
    const body = { id: newId(), type: 'group', jobs: [step('a.one')] };
    expect(await create(b, body)).toBe(await create(b, body));
    expect(await b.fetch({ count: 5 })).toHaveLength(1);
    await expect(create(b, { ...body, jobs: [step('a.two')] })).rejects.toMatchObject({ code: 'duplicate' });
  });
});
