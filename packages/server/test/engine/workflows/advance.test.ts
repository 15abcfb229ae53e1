import { type ManualClock, manualClock, uuidv7 } from '@ojs-ts/core';
import { type NodeRef, State } from '@ojs-ts/core/job';
import { describe, expect, test } from 'vitest';
import { Advancer } from '../../../src/engine/workflows/advance.ts';
import { openStorage } from '../../../src/storage/open.ts';
import type { Storage, Workflows as StoredWorkflows } from '../../../src/storage/storage.ts';
import { StoreUnavailable } from '../../../src/storage/unavailable.ts';
import { newNode, newWorkflow } from '../../storage/suite/tools.ts';
import { bench } from '../../support/engine.ts';
import { newId } from '../../support/ids.ts';
import { storages } from '../../support/storages.ts';

const step = (type: string) => ({ type, args: [], options: { queue: 'q' } });

/** The storage with some operations of its workflows replaced. */
function withWorkflows(storage: Storage, replaced: (own: StoredWorkflows) => Partial<StoredWorkflows>): Storage {
  const workflows = { ...storage.workflows, ...replaced(storage.workflows) };
  return new Proxy(storage, {
    get: (target, name) => (name === 'workflows' ? workflows : Reflect.get(target, name, target)),
  });
}

describe.each(storages)('what follows from an end, $name', ({ url }) => {
  test('acks of one exchange: if the consequences of one fail, the others are acknowledged, without a lease too', async () => {
    let failing = false;
    const storage = withWorkflows(await openStorage(url()), (own) => ({
      advance: (steps, now) => (failing ? Promise.reject(new StoreUnavailable('away')) : own.advance(steps, now)),
    }));
    await using b = await bench('', { storage });
    const [one, two] = [await b.start('w1'), await b.start('w1')];
    const body = JSON.stringify({ type: 'chain', steps: [step('a.b'), step('a.b')] });
    await b.engine.workflows.create(b.engine.workflows.read(body, newId));
    const [first] = await b.fetch();
    const ack = (id = '') => ({ kind: 'ack', id, claim: null, worker: null, result: null }) as const;
    failing = true;
    const [before, own, after] = await b.engine.protocol.acknowledge([ack(one.id), ack(first?.id), ack(two.id)]);
    failing = false;
    expect([before, after]).toMatchObject(Array(2).fill({ status: 'fulfilled', value: { kind: 'completed' } }));
    expect(own?.status === 'fulfilled' ? own.value.kind : own?.status).not.toBe('conflict');
    for (const id of [one.id, two.id, first?.id ?? '']) expect((await b.get(id)).state).toBe(State.completed);
  });

  test('a chain of 1,000 whose first step fails ends in a few commits', async () => {
    const calls: number[] = [];
    const storage = withWorkflows(await openStorage(url()), ({ advance }) => ({
      advance: (steps, now) => {
        calls.push(steps.length);
        return advance(steps, now);
      },
    }));
    await using b = await bench('', { storage });
    const body = JSON.stringify({ type: 'chain', steps: Array.from({ length: 1_000 }, () => step('a.b')) });
    const {
      workflow: { id },
    } = await b.engine.workflows.create(b.engine.workflows.read(body, newId));
    const [first] = await b.fetch();
    calls.length = 0;
    const failure = { code: 'boom', type: 'boom', message: 'boom', retryable: false, names: ['boom'] };
    await b.engine.protocol.settle({
      kind: 'fail',
      id: first?.id ?? '',
      claim: first?.claim ?? null,
      worker: null,
      failure,
    });
    await b.engine.workflows.settled();
    expect(await storage.workflows.get(id)).toMatchObject({ state: 'failed', failed: 1, cancelled: 999 });
    // 999 steps in pages of 500, and the end.
    expect(calls).toEqual([500, 499, 1]);
  });
});

describe.each(storages)('steps of many workflows, $name', ({ url }) => {
  test('advance in one commit when their acks come in one exchange', async () => {
    const calls: number[] = [];
    const storage = withWorkflows(await openStorage(url()), ({ advance }) => ({
      advance: (steps, now) => {
        calls.push(steps.length);
        return advance(steps, now);
      },
    }));
    await using b = await bench('', { storage });
    const body = JSON.stringify({ type: 'chain', steps: [step('a.b'), step('a.b')] });
    for (let chain = 0; chain < 20; chain++) await b.engine.workflows.create(b.engine.workflows.read(body, newId));
    const first = await b.fetch({ count: 20 });
    calls.length = 0;
    await b.engine.protocol.acknowledge(
      first.map(({ id, claim }) => ({ kind: 'ack', id, claim, worker: null, result: null })),
    );
    expect(calls).toEqual([20]);
    expect(await b.fetch({ count: 99 })).toHaveLength(20);
  });
});

describe.each(storages)('the ends of composites within each other, $name', ({ url }) => {
  test('are one commit', async () => {
    const calls: number[] = [];
    const storage = withWorkflows(await openStorage(url()), ({ advance }) => ({
      advance: (steps, now) => {
        calls.push(steps.length);
        return advance(steps, now);
      },
    }));
    await using b = await bench('', { storage });
    const nest = (levels: number): object =>
      levels === 0 ? step('a.b') : { type: 'chain', steps: [nest(levels - 1)] };
    const { workflow } = await b.engine.workflows.create(b.engine.workflows.read(JSON.stringify(nest(10)), newId));
    const [job] = await b.fetch();
    calls.length = 0;
    await b.engine.protocol.settle({
      kind: 'ack',
      id: job?.id ?? '',
      claim: job?.claim ?? null,
      worker: null,
      result: '5',
    });
    await b.engine.workflows.settled();
    // Nine ends within the workflow, and its own.
    expect(calls).toEqual([10]);
    const { nodes, workflow: ended } = await b.engine.workflows.get(workflow.id);
    expect(ended).toMatchObject({ state: 'completed', completed: 1 });
    expect(nodes.map(({ state, result }) => [state, result])).toEqual([
      ...Array.from({ length: 10 }, () => ['completed', '5']),
      ['completed', null],
    ]);
  });
});

test('what follows from a node that another process closes meanwhile is not decided without those that close in between', async () => {
  const raw = await openStorage('memory:');
  const steps = [{ type: 'chain', steps: [step('a.a')] }, step('a.b')];
  const body = JSON.stringify({
    type: 'batch',
    jobs: steps,
    callbacks: { on_success: step('a.good'), on_failure: step('a.bad') },
  });
  await using b = await bench('', { storage: raw });
  const { workflow } = await b.engine.workflows.create(b.engine.workflows.read(body, newId));
  const jobs = new Map((await b.fetch({ count: 2 })).map(({ type, id }) => [type, id]));
  const end = async (type: string, to: State) => {
    const [moved] = await raw.jobs.transition(
      [{ id: jobs.get(type) ?? '', from: State.active, to, events: [] }],
      b.clock.now(),
    );
    return moved?.kind === 'moved' ? moved.ready : [];
  };
  const ready = await end('a.a', State.completed);
  let rest: readonly NodeRef[] = [];
  const storage = withWorkflows(raw, (own) => ({
    async nodes(...query) {
      await new Advancer(raw, b.clock).advance(ready);
      return own.nodes(...query);
    },
    async advance(steps, now) {
      rest = [...rest, ...(await end('a.b', State.discarded))];
      return own.advance(steps, now);
    },
  }));
  await new Advancer(storage, b.clock).advance(ready);
  await b.engine.workflows.advance(rest);
  expect((await b.fetch({ count: 9 })).map(({ type }) => type)).toEqual(['a.bad']);
  expect(await raw.workflows.get(workflow.id)).toMatchObject({ state: 'running', failed: 1 });
});

describe('nodes that upkeep advances', () => {
  async function ready(storage: Storage, ids: readonly string[], clock: ManualClock): Promise<readonly NodeRef[]> {
    for (const id of ids) {
      const spec = JSON.stringify({ run: step('a.b') });
      await storage.workflows.create(
        newWorkflow({ id, total: 1 }),
        [newNode(0, { job: uuidv7(clock), spec })],
        [],
        clock.now(),
      );
    }
    return (await storage.workflows.unfinished(99)).ready;
  }

  test('a failing node does not affect others, and is tried less and less often', async () => {
    const clock = manualClock();
    let tries = 0;
    const storage = withWorkflows(await openStorage('memory:'), ({ advance }) => ({
      advance: async (steps, now) => {
        if (steps.some(({ node }) => node.workflow === 'bad')) {
          tries += 1;
          throw new Error('never');
        }
        return advance(steps, now);
      },
    }));
    await using _ = storage;
    const refs = await ready(storage, ['a', 'bad', 'c', 'd'], clock);
    const advancer = new Advancer(storage, clock);
    await expect(advancer.takeUp(refs)).rejects.toThrow('never');
    const left = (await storage.workflows.unfinished(99)).ready;
    expect(left).toEqual([{ workflow: 'bad', index: 0 }]);
    tries = 0;
    // Ten minutes: 1, 2, 4 … 32, 60, 60 … passes apart.
    for (let pass = 1; pass <= 600; pass++) await advancer.takeUp(left).catch(() => {});
    expect(tries).toBe(6 + 8);
    expect(advancer.stuck).toBe(1);
    await advancer.takeUp([]);
    expect(advancer.stuck).toBe(0);
  });

  test('an unreachable store does not delay the next try', async () => {
    const clock = manualClock();
    let tries = 0;
    const storage = withWorkflows(await openStorage('memory:'), () => ({
      advance: async () => {
        tries += 1;
        throw new StoreUnavailable('away');
      },
    }));
    await using _ = storage;
    const refs = await ready(storage, ['a'], clock);
    const advancer = new Advancer(storage, clock);
    for (let pass = 1; pass <= 10; pass++) await advancer.takeUp(refs).catch(() => {});
    expect(tries).toBe(10);
    expect(advancer.stuck).toBe(0);
  });

  test('a call during the upkeep of its nodes is answered after it', async () => {
    const clock = manualClock();
    const entered = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const storage = withWorkflows(await openStorage('memory:'), ({ advance }) => ({
      advance: async (steps, now) => {
        const answers = await advance(steps, now);
        entered.resolve();
        await go.promise;
        return answers;
      },
    }));
    await using _ = storage;
    const refs = await ready(storage, ['a'], clock);
    const advancer = new Advancer(storage, clock);
    const order: string[] = [];
    const taken = advancer.takeUp(refs).then(() => order.push('upkeep'));
    await entered.promise;
    const called = advancer.advance(refs).then(() => order.push('call'));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    go.resolve();
    await Promise.all([taken, called]);
    expect(order).toEqual(['upkeep', 'call']);
  });

  test('upkeep skips the nodes of a running call, also those beyond its page', async () => {
    const clock = manualClock();
    const entered = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const seen: string[] = [];
    const storage = withWorkflows(await openStorage('memory:'), ({ advance }) => ({
      advance: async (steps, now) => {
        seen.push(...steps.map(({ node }) => node.workflow));
        entered.resolve();
        await go.promise;
        return advance(steps, now);
      },
    }));
    await using _ = storage;
    const ids = Array.from({ length: 600 }, (_, n) => `w${n}`);
    await ready(storage, ids, clock);
    const refs = ids.map((workflow) => ({ workflow, index: 0 }));
    const advancer = new Advancer(storage, clock);
    const under = advancer.advance(refs);
    await entered.promise;
    await advancer.takeUp(refs);
    go.resolve();
    await under;
    await advancer.settled();
    expect(seen).toEqual(ids);
  });
});
