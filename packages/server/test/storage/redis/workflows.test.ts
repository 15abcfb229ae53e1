import { type NodeRef, State } from '@ojs-ts/core/job';
import type { NewNode, WorkflowStep } from '@ojs-ts/core/workflow';
import { expect } from 'vitest';
import { redisStorage } from '../../../src/storage/redis/redis.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { claimOf, countErrors, eventLog, idOf, newJob, newNode, newWorkflow, t0, to } from '../suite/tools.ts';
import { openClients } from './clients.ts';
import { keysOf, namespaceUrl, test } from './namespace.ts';

const size = 1000;
const diamonds = 50;

/** Members that do not wait, and a callback behind all of them. */
const group: readonly NewNode[] = [
  ...Array.from({ length: size }, (_, index) => newNode(index, { next: [size] })),
  newNode(size, { open: size, member: false }),
];

/** 0 → 1, 2 → 3; the jobs of each diamond have numbers of their own. */
function diamond(number: number): readonly NewNode[] {
  const job = (index: number) => idOf(10_000 + 4 * number + index);
  return [
    newNode(0, { next: [1, 2], job: job(0) }),
    newNode(1, { open: 1, next: [3], job: job(1) }),
    newNode(2, { open: 1, next: [3], job: job(2) }),
    newNode(3, { open: 2, job: job(3) }),
  ];
}

const nameOf = ({ workflow, index }: NodeRef) => `${workflow}/${index}`;

/** What happened, over all clients. */
interface Race {
  readonly jobs: ReadonlyMap<string, string>;
  readonly done: string[];
  readonly ready: string[];
  readonly started: string[];
}

function startOf(race: Race, node: NodeRef, queue: string): WorkflowStep {
  return { kind: 'start', node, job: newJob(0, { id: race.jobs.get(nameOf(node)) ?? '', node, queue }), events: [] };
}

/** Claims, ends what it got and starts what is ready by that, until every job has ended. */
async function drain(storage: Storage, worker: string, race: Race): Promise<number> {
  let own = 0;
  while (race.done.length < race.jobs.size) {
    const [claimed] = await storage.jobs.claim([claimOf({ limit: 7, worker, queues: ['a', 'b'] })], t0);
    const jobs = claimed?.jobs ?? [];
    if (jobs.length === 0) continue;
    const ends = jobs.map(({ id, claim }) => to(id, State.completed, State.active, { claim, worker }));
    const moved = await storage.jobs.transition(ends, t0 + 1);
    own += jobs.length;
    race.done.push(...jobs.map(({ id }) => id));
    const ready = moved.flatMap((answer) =>
      answer.kind === 'moved' ? answer.ready : [{ workflow: answer.kind, index: 0 }],
    );
    race.ready.push(...ready.map(nameOf));
    const steps = ready.map((ref) => startOf(race, ref, 'b'));
    if (steps.length === 0) continue;
    // Twice at once, as after an answer that was lost: one of the two starts each.
    const answers = await Promise.all([
      storage.workflows.advance(steps, t0 + 1),
      storage.workflows.advance(steps, t0 + 1),
    ]);
    for (const answer of answers) race.started.push(...ready.filter((_, at) => answer[at]?.done === true).map(nameOf));
  }
  return own;
}

test('8 clients end a group of 1,000 and 50 diamonds at once: each node is ready once, each job runs once', async () => {
  await using clients = await openClients(8);
  const [first] = clients.storages;
  const graphs = Array.from({ length: diamonds }, (_, number) => ({ id: `d${number}`, nodes: diamond(number) }));
  await first.workflows.create(newWorkflow({ id: 'group', kind: 'group', total: size }), group, [], t0);
  for (const { id, nodes } of graphs) await first.workflows.create(newWorkflow({ id, total: 4 }), nodes, [], t0);
  const refs = [{ id: 'group', nodes: group }, ...graphs].flatMap(({ id, nodes }) =>
    nodes.map(({ index, job }) => [nameOf({ workflow: id, index }), job ?? ''] as const),
  );
  const race: Race = { jobs: new Map(refs), done: [], ready: [], started: [] };
  const roots = (await first.workflows.unfinished(10_000)).ready;
  expect(roots).toHaveLength(size + diamonds);
  for (let at = 0; at < roots.length; at += 100) {
    const steps = roots.slice(at, at + 100).map((ref) => startOf(race, ref, 'a'));
    await first.workflows.advance(steps, t0);
  }
  const shares = await Promise.all(clients.storages.map((storage, number) => drain(storage, `w${number}`, race)));
  for (const share of shares) expect(share, 'every client took part').toBeGreaterThan(0);
  expect(race.done.toSorted()).toEqual([...race.jobs.values()].sort());
  const later = refs.map(([name]) => name).filter((name) => !roots.some((ref) => nameOf(ref) === name));
  expect(race.ready.toSorted()).toEqual(later.toSorted());
  expect(race.started.toSorted()).toEqual(later.toSorted());
  expect(await first.workflows.get('group')).toMatchObject({ completed: size, failed: 0, cancelled: 0 });
  for (const { id } of graphs) expect(await first.workflows.get(id)).toMatchObject({ completed: 4 });
  expect(await first.workflows.unfinished(10)).toEqual({ ready: [], sweeping: [] });
  const log = await eventLog(first);
  const counts = log.filter(({ kind }) => kind === 'workflow.job_completed').map(({ entry }) => entry.at(-1));
  expect(counts).toMatchObject(
    Array.from({ length: size }, (_, at) => ({ completed_count: at + 1, steps_remaining: size - at - 1 })),
  );
  expect(log.filter(({ kind }) => kind === 'workflow.step_completed')).toHaveLength(4 * diamonds);
  expect(await countErrors(first)).toEqual([]);
});

test('workflows that ended and were pruned leave no key', async () => {
  const url = namespaceUrl();
  await using storage = await redisStorage({ url });
  await storage.migrate();
  const before = await keysOf(url);
  const { workflows } = storage;
  await workflows.create(newWorkflow({ id: 'done', total: 4 }), diamond(0), [], t0);
  await workflows.create(newWorkflow({ id: 'off', total: 4 }), diamond(1), [], t0);
  const end = { state: 'failed', text: null } as const;
  const close = { kind: 'close', state: 'failed', passes: false, result: '1', error: '2', events: [] } as const;
  await workflows.advance(
    [
      { ...close, node: { workflow: 'done', index: 0 }, end: null },
      { ...close, node: { workflow: 'done', index: 1 }, end },
    ],
    t0,
  );
  await workflows.cancel('off', [], t0);
  await workflows.swept('off');
  const all = { before: t0 + 1, keep: 0 };
  expect(await storage.upkeep.prune({ jobs: [], workflows: all }, 10)).toMatchObject({ others: { workflows: 2 } });
  expect(await keysOf(url)).toEqual([...before, 'flows:number'].sort());
});
