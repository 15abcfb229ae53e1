import { type NodeRef, State, type Transition } from '@ojs-ts/core/job';
import type { NewNode } from '@ojs-ts/core/workflow';
import { expect } from 'vitest';
import type { Storage } from '../../../../src/storage/storage.ts';
import { invariantErrors } from '../../invariants.ts';
import { claim, eventLog, idOf, newJob, newNode, newWorkflow, queue, t0, to, uniqueOf } from '../../suite/tools.ts';
import { test } from '../schema.ts';
import { openStores } from '../stores.ts';

const members = 1000;
const diamonds = 50;
const clients = 8;

/** Members and a callback behind all of them; their jobs are numbered from `first` on. */
function group(size: number, first: number): readonly NewNode[] {
  const members = Array.from({ length: size }, (_, index) =>
    newNode(index, { job: idOf(first + index), next: [size] }),
  );
  return [...members, newNode(size, { job: idOf(first + size), open: size, member: false })];
}

/** 0 → 1, 2 → 3. */
function diamond(first: number): readonly NewNode[] {
  return [
    newNode(0, { job: idOf(first), next: [1, 2] }),
    newNode(1, { job: idOf(first + 1), open: 1, next: [3] }),
    newNode(2, { job: idOf(first + 2), open: 1, next: [3] }),
    newNode(3, { job: idOf(first + 3), open: 2 }),
  ];
}

const nodes = new Map<string, readonly NewNode[]>([
  ['group', group(members, 0)],
  ['second', group(members / 4, 2000)],
  ...Array.from({ length: diamonds }, (_, number) => [`diamond ${number}`, diamond(4000 + number * 4)] as const),
]);

function keyOf({ workflow, index }: NodeRef): string {
  return `${workflow} ${index}`;
}

/** Starts the jobs of nodes, and answers those that this call started. */
async function start(storage: Storage, refs: readonly NodeRef[]): Promise<readonly NodeRef[]> {
  const steps = refs.map((node) => {
    const id = nodes.get(node.workflow)?.[node.index]?.job ?? '';
    return {
      kind: 'start' as const,
      node,
      job: newJob(0, { id, node }),
      events: [`["workflow.callback_fired","${keyOf(node)}",null,"",null,null,0,null,null,null,{}]`],
    };
  });
  const answers = await storage.workflows.advance(steps, t0);
  return refs.filter((_, at) => answers[at]?.done);
}

interface Tally {
  completed: number;
  readonly ready: NodeRef[];
  readonly started: NodeRef[];
}

/** Nothing waits and nothing runs: whoever has a job in hand goes on by itself. */
async function isIdle(storage: Storage): Promise<boolean> {
  const counts = (await queue(storage))?.counts ?? {};
  return (counts[State.available] ?? 0) + (counts[State.active] ?? 0) === 0;
}

/** Claims and completes jobs until all are, and starts what becomes ready by it. */
async function work(storage: Storage, tally: Tally, total: number): Promise<void> {
  while (tally.completed < total) {
    const jobs = await claim(storage, { limit: 25 });
    if (jobs.length === 0 && (await isIdle(storage))) return;
    const ends = jobs.map(
      ({ id, claim }): Transition => to(id, State.completed, State.active, { claim, result: `"${id}"` }),
    );
    const moved = (await storage.jobs.transition(ends, t0 + 1)).filter((answer) => answer.kind === 'moved');
    const ready = moved.flatMap((answer) => answer.ready);
    tally.completed += moved.length;
    tally.ready.push(...ready);
    tally.started.push(...(await start(storage, ready)));
  }
}

test('eight clients end the jobs of a group of 1,000 and of 50 diamonds: each node is ready once, each is started once', async () => {
  await using stores = await openStores(clients);
  const [first] = stores.all;
  if (!first) throw new Error('No store.');
  for (const [id, own] of nodes)
    await first.workflows.create(
      newWorkflow({
        id,
        kind: id === 'group' ? 'group' : 'workflow',
        total: own.filter(({ member }) => member).length,
      }),
      own,
      [],
      t0,
    );
  const { ready } = await first.workflows.unfinished(5000);
  expect(ready).toHaveLength(members + members / 4 + diamonds);
  // Through each other, so that a batch has jobs of many workflows.
  const open = ready.map((_, at) => ready[(at * 617) % ready.length]).filter((node) => node !== undefined);
  const tally: Tally = { completed: 0, ready: [...open], started: [] };
  // Each node by two clients at once.
  await Promise.all(
    stores.all.map(async (storage, at) => {
      const share = open.filter((_, number) => number % (clients / 2) === at % (clients / 2));
      for (let from = 0; from < share.length; from += 50)
        tally.started.push(...(await start(storage, share.slice(from, from + 50))));
    }),
  );
  expect(tally.started).toHaveLength(open.length);
  const total = [...nodes.values()].flat().length;
  await Promise.all(stores.all.map((storage) => work(storage, tally, total)));
  for (const found of [tally.ready, tally.started]) {
    expect(found).toHaveLength(total);
    expect(new Set(found.map(keyOf)).size).toBe(total);
  }
  for (const [id, own] of nodes) {
    const count = own.filter(({ member }) => member).length;
    expect(await first.workflows.get(id)).toMatchObject({ completed: count, failed: 0, cancelled: 0 });
    const records = await first.workflows.nodes(id, -1, 5000);
    expect(records.map(({ state, open, result }) => [state, open, result])).toEqual(
      own.map(({ job }) => ['completed', 0, `"${job}"`]),
    );
  }
  expect(await first.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
  expect(await invariantErrors(first)).toEqual([]);
  const log = await eventLog(first);
  const counted = log.flatMap(({ kind, entry }) =>
    kind === 'workflow.job_completed' ? [Object(entry.at(-1)).completed_count] : [],
  );
  expect(counted.sort((a, b) => a - b)).toEqual(Array.from({ length: members }, (_, number) => number + 1));
  expect(log.filter(({ kind }) => kind === 'workflow.callback_fired')).toHaveLength(total);
  const { deadlocks, read } = await stores.close('nodes');
  expect(deadlocks).toBe(0);
  // Each node is met a few times, by its own key: never all nodes of a workflow for one of them.
  expect(read).toBeLessThan(30 * total);
});

test('jobs of 40 workflows replace each other while eight clients start and end them: each node closes once, without a deadlock', async () => {
  await using stores = await openStores(clients);
  const [first] = stores.all;
  if (!first) throw new Error('No store.');
  const flows = Array.from({ length: 40 }, (_, number) => ({ id: `flow ${number}`, nodes: group(10, number * 11) }));
  for (const { id, nodes } of flows) await first.workflows.create(newWorkflow({ id, total: 10 }), nodes, [], t0);
  const jobOf = (node: NodeRef) => {
    const number = Number(node.workflow.slice(5)) * 11 + node.index;
    const unique = uniqueOf({ key: `k${number % 7}`, onConflict: 'replace' });
    return newJob(number, { node, unique });
  };
  const run = async (storage: Storage, at: number) => {
    for (;;) {
      // Looked at first: a job that ends between the two looks makes nodes ready.
      const idle = await isIdle(storage);
      const { ready } = await storage.workflows.unfinished(60);
      // The last few are anybody's: others may have left.
      const some = ready.length < 3 ? ready : ready.filter((_, number) => number % 3 === at % 3);
      // Not all in the same order.
      const starts = (at % 2 === 0 ? some : some.toReversed()).map((node) => ({
        kind: 'start' as const,
        node,
        job: jobOf(node),
        events: [],
      }));
      await storage.workflows.advance(starts, t0);
      const jobs = await claim(storage, { limit: 3 });
      await storage.jobs.transition(
        jobs.map(({ id, claim }) => to(id, State.completed, State.active, { claim })),
        t0,
      );
      if (ready.length === 0 && idle) return;
    }
  };
  await Promise.all(stores.all.map(run));
  for (const { id } of flows) {
    const { completed = 0, cancelled = 0 } = (await first.workflows.get(id)) ?? {};
    expect(completed + cancelled).toBe(10);
  }
  const closed = (await eventLog(first)).filter(({ kind }) => kind.startsWith('workflow.step_'));
  expect(closed).toHaveLength(400);
  expect(await invariantErrors(first)).toEqual([]);
  expect((await stores.close('nodes')).deadlocks).toBe(0);
});
