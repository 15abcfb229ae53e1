import { ProtocolError } from '@ojs-ts/core';
import type { Targets } from '@ojs-ts/core/bulk';
import { readEntries } from '@ojs-ts/core/events';
import type { JobRecord, Json } from '@ojs-ts/core/job';
import { rerunWorkflow } from '@ojs-ts/core/workflow';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { words } from '../../../../core/test/support/text.ts';
import { type Bench, bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

const step = (type: string, options: object = {}) => ({
  type,
  args: [],
  options: { queue: 'q', retry: { max_attempts: 1, on_exhaustion: 'dead_letter' }, ...options },
});

async function create(b: Bench, body: object): Promise<string> {
  return (await b.engine.workflows.create(b.engine.workflows.read(JSON.stringify(body), newId))).workflow.id;
}

// A call waits 250 ms for what it sets off, and leaves the rest to be done behind its back: by this clock those never
// end.
beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(performance.now()));
afterEach(() => void vi.restoreAllMocks());

/** Runs what there is to run, one after the other; the types that fail are named. Answers the types in their order. */
async function runAll(b: Bench, failing: readonly string[] = []): Promise<readonly string[]> {
  const ran: string[] = [];
  for (let turn = 0; turn < 100; turn++) {
    const [job] = await b.fetch();
    if (job === undefined) return ran;
    ran.push(job.type);
    await (failing.includes(job.type) ? fail(b, job) : ack(b, job));
  }
  throw new Error('The jobs do not end.');
}

const ack = (b: Bench, { id, claim, type }: JobRecord, result: Json = JSON.stringify(type)) =>
  b.engine.protocol.settle({ kind: 'ack', id, claim, worker: null, result });
const fail = (b: Bench, { id, claim }: JobRecord) =>
  b.engine.protocol.settle({
    kind: 'fail',
    id,
    claim,
    worker: null,
    failure: { code: 'boom', type: 'boom', message: 'boom', names: ['boom'] },
  });

const view = (b: Bench, id: string) => b.engine.storage.workflows.get(id);

/** The jobs of the steps of these types. */
async function jobsOf(b: Bench, id: string, types: readonly string[]): Promise<readonly string[]> {
  const { nodes } = await b.engine.workflows.get(id);
  return types.map((type) => nodes.find(({ spec }) => spec.includes(`"${type}"`))?.job ?? '');
}

const jobOf = async (b: Bench, id: string, type: string) => (await jobsOf(b, id, [type]))[0] ?? '';

async function events(b: Bench, prefix: string): Promise<readonly string[]> {
  const { batches } = await b.engine.storage.events(0, 1_000);
  return batches
    .flatMap(({ entries }) => readEntries(entries).map(([kind]) => kind))
    .filter((kind) => kind.startsWith(prefix));
}

const order = { type: 'chain', steps: [step('pay.reserve'), step('pay.charge'), step('ship.send'), step('mail.send')] };

/** Every road by which an operator retries a dead job. */
const roads: Readonly<Record<string, (b: Bench, workflow: string, job: string) => Promise<unknown>>> = {
  'the dead letter': async (b, _, job) => b.engine.lifecycle.retry(job, null),
  'the dead letter, many': async (b, _, job) =>
    b.engine.bulk.each({ ids: [job] }, (id) => b.engine.lifecycle.retry(id, null)),
  'a bulk retry': async (b, _, job) => b.engine.bulk.retry({ ids: [job] }, null),
  'a bulk operation on record': async (b) => {
    const selection = { query: 'type:pay.charge', filter: null };
    const actor = { name: 'test', queues: null };
    const about = { id: newId(), changes: {}, queue: null, actor, rate: null, matched: 1, isLowerBound: false };
    await b.engine.bulkOperations.start({ ...about, action: 'retry', selection });
    b.clock.advance(1);
    await b.engine.bulkOperations.run();
  },
  'the workflow': (b, workflow) => b.engine.workflows.retry(workflow),
};

describe.each(storages)('retried steps, $name', ({ url }) => {
  test.each(Object.keys(roads))('a chain goes on after the retry of its dead step by %s', async (road) => {
    await using b = await bench(url());
    const id = await create(b, order);
    expect(await runAll(b, ['pay.charge'])).toEqual(['pay.reserve', 'pay.charge']);
    expect(await view(b, id)).toMatchObject({ state: 'failed', completed: 1, failed: 1 });
    await roads[road]?.(b, id, await jobOf(b, id, 'pay.charge'));
    const again = { state: 'running', completed: 1, failed: 0, cancelled: 0, finishedAt: null, end: null };
    expect(await view(b, id)).toMatchObject(again);
    expect(await runAll(b)).toEqual(['pay.charge', 'ship.send', 'mail.send']);
    expect(await view(b, id)).toMatchObject({ state: 'completed', completed: 4, failed: 0 });
    expect(await events(b, 'workflow.')).toEqual(
      words(`
      workflow.created workflow.started workflow.step_completed workflow.step_failed workflow.failed
      workflow.reopened workflow.step_completed workflow.step_completed workflow.step_completed workflow.completed
    `),
    );
    expect(await b.engine.storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
  });

  const it = testWith(() => bench(url()));

  it('a step that is retried while its workflow runs is waited for', async (b) => {
    const group = { type: 'group', jobs: [step('a.bad'), step('a.slow')] };
    const id = await create(b, { type: 'chain', steps: [group, step('a.last')] });
    const [bad, slow] = [...(await b.fetch()), ...(await b.fetch())];
    if (bad === undefined || slow === undefined) throw new Error('There are two jobs to fetch.');
    await fail(b, bad);
    await b.engine.lifecycle.retry(bad.id, null);
    await ack(b, slow);
    expect(await view(b, id)).toMatchObject({ state: 'running', failed: 0 });
    expect(await runAll(b)).toEqual(['a.bad', 'a.last']);
    expect(await view(b, id)).toMatchObject({ state: 'completed', completed: 3 });
  });

  it('many dead steps of one workflow are retried in one call', async (b) => {
    const types = Array.from({ length: 20 }, (_, index) => `a.s${index}`);
    const id = await create(b, {
      type: 'chain',
      steps: [{ type: 'group', jobs: types.map((type) => step(type)) }, step('a.last')],
    });
    await runAll(b, types);
    const targets: Targets = { ids: await jobsOf(b, id, types) };
    const result = await b.engine.bulk.retry(targets, null);
    expect(result.items.map(({ fault }) => fault)).toEqual(types.map(() => null));
    const ran = await runAll(b);
    expect(ran.at(-1)).toBe('a.last');
    expect(ran.slice(0, -1).toSorted()).toEqual(types.toSorted());
    expect(await view(b, id)).toMatchObject({ state: 'completed', completed: 21 });
  });

  it('callbacks fire once for each end, each time with another job', async (b) => {
    const callbacks = { on_complete: step('b.done'), on_failure: step('b.failed'), on_success: step('b.good') };
    const id = await create(b, { type: 'batch', jobs: [step('b.one'), step('b.two')], callbacks });
    expect((await runAll(b, ['b.two'])).toSorted()).toEqual(['b.done', 'b.failed', 'b.one', 'b.two']);
    expect(await view(b, id)).toMatchObject({ state: 'completed', failed: 1 });
    const done = await jobOf(b, id, 'b.done');
    await b.engine.lifecycle.retry(await jobOf(b, id, 'b.two'), null);
    expect(await view(b, id)).toMatchObject({ state: 'running', failed: 0 });
    expect((await runAll(b)).toSorted()).toEqual(['b.done', 'b.good', 'b.two']);
    expect(await view(b, id)).toMatchObject({ state: 'completed', completed: 2, failed: 0 });
    expect(await jobOf(b, id, 'b.done')).not.toBe(done);
    expect(await events(b, 'workflow.callback')).toHaveLength(4);
  });

  it('a dead callback is retried alone, and its workflow ends again', async (b) => {
    const callbacks = { on_complete: step('b.done') };
    const id = await create(b, { type: 'batch', jobs: [step('b.one')], callbacks });
    await runAll(b, ['b.done']);
    expect(await view(b, id)).toMatchObject({ state: 'failed' });
    await b.engine.lifecycle.retry(await jobOf(b, id, 'b.done'), null);
    expect(await runAll(b)).toEqual(['b.done']);
    expect(await view(b, id)).toMatchObject({ state: 'completed' });
  });

  it('a batch within a chain, skipped because of a failure, runs whole after the retry', async (b) => {
    const batch = { type: 'batch', jobs: [step('b.one')], callbacks: { on_complete: step('b.done') } };
    const id = await create(b, { type: 'chain', steps: [step('a.first'), batch, step('a.last')] });
    expect(await runAll(b, ['a.first'])).toEqual(['a.first']);
    await b.engine.workflows.retry(id);
    expect(await runAll(b)).toEqual(['a.first', 'b.one', 'b.done', 'a.last']);
    expect(await view(b, id)).toMatchObject({ state: 'completed' });
  });

  it('a repeated retry of a workflow changes nothing, and a rerun makes another one', async (b) => {
    const id = await create(b, order);
    await runAll(b, ['pay.charge']);
    const { workflow } = await b.engine.workflows.retry(id, 'key');
    expect((await b.engine.workflows.retry(id, 'key')).workflow).toEqual(workflow);
    expect(await runAll(b)).toEqual(['pay.charge', 'ship.send', 'mail.send']);
    const { nodes } = await b.engine.workflows.get(id);
    const again = { ...rerunWorkflow(workflow, nodes, newId), steps: [], unknown: [] };
    const { workflow: other } = await b.engine.workflows.create(again);
    expect(other).toMatchObject({ name: workflow.name, kind: 'chain', state: 'running', total: 4 });
    expect(other.id).not.toBe(id);
    expect(await runAll(b)).toEqual(['pay.reserve', 'pay.charge', 'ship.send', 'mail.send']);
    expect(await view(b, other.id)).toMatchObject({ state: 'completed', completed: 4 });
    expect(await view(b, id)).toMatchObject({ state: 'completed', completed: 4 });
  });

  describe('a retry that its workflow cannot go on with is refused, and nothing changes:', () => {
    async function refused(b: Bench, id: string, job: string, reason: string): Promise<void> {
      const before = await b.engine.storage.workflows.get(id);
      const nodes = await b.engine.storage.workflows.nodes(id, -1, 100);
      const expected = { code: 'conflict', details: { reason } };
      await expect(async () => b.engine.lifecycle.retry(job, null)).rejects.toMatchObject(expected);
      const { items } = await b.engine.bulk.retry({ ids: [job] }, null);
      expect(items[0]?.fault).toMatchObject(expected);
      expect(await b.engine.storage.workflows.get(id)).toEqual(before);
      expect(await b.engine.storage.workflows.nodes(id, -1, 100)).toEqual(nodes);
      expect(await b.fetch()).toEqual([]);
    }

    const it = testWith(() => bench(url()));

    it('it was cancelled', async (b) => {
      const id = await create(b, { type: 'group', jobs: [step('a.bad'), step('a.later', { delay_until: '+PT1H' })] });
      await runAll(b, ['a.bad']);
      await b.engine.workflows.cancel(id);
      await refused(b, id, await jobOf(b, id, 'a.bad'), 'workflow_cancelled');
    });

    it('it is no longer kept', async (b) => {
      const id = await create(b, order);
      await runAll(b, ['pay.charge']);
      const job = await jobOf(b, id, 'pay.charge');
      const workflows = { before: b.clock.now() + 1, keep: 0 };
      await b.engine.storage.upkeep.prune({ jobs: [], workflows }, 100);
      await refused(b, id, job, 'workflow_pruned');
    });

    it('the steps after it have run', async (b) => {
      const batch = { type: 'batch', jobs: [step('b.bad')], callbacks: { on_complete: step('b.done') } };
      const id = await create(b, { type: 'chain', steps: [batch, step('a.last')] });
      await runAll(b, ['b.bad']);
      expect(await view(b, id)).toMatchObject({ state: 'completed' });
      await refused(b, id, await jobOf(b, id, 'b.bad'), 'workflow_went_on');
    });

    test.each(['cancelled', 'deleted'])('a step beside it was %s, so the next one could never run', async (how) => {
      await using b = await bench(url());
      const group = { type: 'group', jobs: [step('a.bad'), step('a.other', { delay_until: '+PT1H' })] };
      const id = await create(b, { type: 'chain', steps: [group, step('a.last')] });
      await runAll(b, ['a.bad']);
      const other = await jobOf(b, id, 'a.other');
      if (how === 'cancelled') await b.engine.lifecycle.cancel(other, null);
      else {
        await b.engine.lifecycle.discard(other, null);
        await b.engine.storage.jobs.remove([other], { from: 0xff }, b.clock.now());
      }
      await b.engine.workflows.finish();
      expect(await view(b, id)).toMatchObject({ state: 'failed' });
      await refused(b, id, await jobOf(b, id, 'a.bad'), 'workflow_blocked');
      await expect(b.engine.workflows.retry(id)).rejects.toThrow(ProtocolError);
    });

    test.each(['beside it', 'in a composite beside it'])(
      'a step %s was cancelled while a third one still runs, so the next one could never run',
      async (where) => {
        await using b = await bench(url());
        const [other, third] = [step('a.other', { delay_until: '+PT1H' }), step('a.third', { delay_until: '+PT1H' })];
        const rest = where === 'beside it' ? [other, third] : [{ type: 'group', jobs: [other, third] }];
        const group = { type: 'group', jobs: [step('a.bad'), ...rest] };
        const id = await create(b, { type: 'chain', steps: [group, step('a.last')] });
        await runAll(b, ['a.bad']);
        await b.engine.lifecycle.cancel(await jobOf(b, id, 'a.other'), null);
        expect(await view(b, id)).toMatchObject({ state: 'running' });
        await refused(b, id, await jobOf(b, id, 'a.bad'), 'workflow_blocked');
      },
    );

    it('its step has another job by now', async (b) => {
      const callbacks = { on_complete: step('b.done') };
      const id = await create(b, { type: 'batch', jobs: [step('b.bad')], callbacks });
      await runAll(b, ['b.bad', 'b.done']);
      const done = await jobOf(b, id, 'b.done');
      await b.engine.lifecycle.retry(await jobOf(b, id, 'b.bad'), null);
      await runAll(b);
      await refused(b, id, done, 'workflow_changed');
    });
  });
});
