import { ProtocolError } from '@ojs-ts/core';
import { type Json, type NodeChange, type NodeRef, type Reopening, State, Waiting } from '@ojs-ts/core/job';
import { completed } from '@ojs-ts/core/lifecycle';
import type { NewNode, NewWorkflow, NodeRecord, WorkflowStep } from '@ojs-ts/core/workflow';
import { expect } from 'vitest';
import { goneOf } from '../../../src/storage/prune.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import {
  type Cases,
  claim,
  eventLog,
  get,
  idOf,
  insert,
  inserted,
  keepAll,
  limitOf,
  move,
  newJob,
  newNode,
  newWorkflow,
  t0,
  to,
  uniqueOf,
} from './tools.ts';

const ref = (index: number, workflow = 'w'): NodeRef => ({ workflow, index });
const event = (kind: string): Json => `["${kind}","w",null,"",null,null,0,null,null,null,{}]`;
const running = {
  ...newWorkflow(),
  state: 'running',
  completed: 0,
  failed: 0,
  cancelled: 0,
  createdAt: t0,
  finishedAt: null,
  end: null,
  sweeping: false,
};

/** 0 → 1, 2 → 3, a join. */
const diamond: readonly NewNode[] = [
  newNode(0, { next: [1, 2] }),
  newNode(1, { open: 1, next: [3] }),
  newNode(2, { open: 1, next: [3] }),
  newNode(3, { open: 2, member: false, job: null }),
];

async function create(
  storage: Storage,
  nodes: readonly NewNode[] = diamond,
  patch: Partial<NewWorkflow> = {},
  now = t0,
) {
  return storage.workflows.create(
    newWorkflow({ total: nodes.filter(({ member }) => member).length, ...patch }),
    nodes,
    [],
    now,
  );
}

const startOf = (index: number, patch: Parameters<typeof newJob>[1] = {}): WorkflowStep => ({
  kind: 'start',
  node: ref(index),
  job: newJob(index, { node: ref(index), ...patch }),
  events: [],
});

type Close = Extract<WorkflowStep, { kind: 'close' }>;
const closeOf = (index: number, patch: Partial<Close> = {}): Close => ({
  kind: 'close',
  node: ref(index),
  state: 'completed',
  passes: true,
  result: null,
  error: null,
  end: null,
  events: [],
  ...patch,
});

/** Starts the jobs of these nodes and hands them out. */
async function startAll(storage: Storage, indexes: readonly number[]): Promise<void> {
  const answers = await storage.workflows.advance(
    indexes.map((index) => startOf(index)),
    t0,
  );
  expect(answers.map(({ done }) => done)).toEqual(indexes.map(() => true));
  await claim(storage, { limit: indexes.length });
}

async function node(storage: Storage, index: number): Promise<NodeRecord | null | undefined> {
  return (await storage.workflows.node([ref(index)]))[0];
}

function change(index: number, was: NodeChange['was'], patch: Partial<NodeChange> = {}): NodeChange {
  return { index, was, to: 'waiting', opened: 0, fewerFailed: 0, job: null, ...patch };
}

/** What a retry of step 1 of {@link failedChain} does. */
const opened: Reopening = {
  workflow: 'w',
  was: 'failed',
  nodes: [
    change(1, 'failed', { own: idOf(1), to: 'pending' }),
    change(2, 'cancelled', { opened: 1, fewerFailed: 1 }),
    change(3, 'completed', { opened: 1, fewerFailed: 1, job: idOf(7) }),
    change(4, 'failed', { opened: 1 }),
  ],
  events: [event('workflow.reopened')],
};

const retryOf = (reopens: Reopening) =>
  to(idOf(1), State.available, State.discarded, {
    attempt: 0,
    deadLetter: false,
    reopens,
    events: [{ kind: 'job.enqueued' }],
  });

/** 0 → 1 → 2 → a callback → a join: 1 has failed, so 2 was skipped; the callback has run, and the workflow has failed. */
async function failedChain(storage: Storage): Promise<{ readonly newest: number }> {
  await create(storage, [
    newNode(0, { next: [1] }),
    newNode(1, { open: 1, next: [2] }),
    newNode(2, { open: 1, next: [3] }),
    newNode(3, { open: 1, next: [4], member: false }),
    newNode(4, { open: 1, member: false, job: null }),
  ]);
  await startAll(storage, [0]);
  await move(storage, to(idOf(0), State.completed, State.active, { result: '"r"' }), t0 + 1);
  await startAll(storage, [1]);
  await move(storage, to(idOf(1), State.discarded, State.active, { deadLetter: true }), t0 + 2);
  await storage.workflows.advance([closeOf(2, { state: 'cancelled', passes: false, error: '"e"' })], t0 + 3);
  await startAll(storage, [3]);
  await move(storage, to(idOf(3), State.completed, State.active, { result: '"c"' }), t0 + 4);
  const end = { state: 'failed', text: '{"errors":[]}' } as const;
  await storage.workflows.advance([closeOf(4, { state: 'failed', end })], t0 + 5);
  expect(await storage.workflows.get('w')).toMatchObject({ state: 'failed', completed: 1, failed: 1, cancelled: 1 });
  return await storage.events(0, 1);
}

const kinds = async (storage: Storage, after = 0) => (await eventLog(storage, after)).map(({ kind }) => kind);

export const workflowCases: Cases = {
  async 'a workflow is stored with its nodes and its events; those without dependencies are ready'(storage) {
    const { create, get, nodes, node, unfinished } = storage.workflows;
    const answer = await create(
      newWorkflow(),
      [newNode(1, { open: 1 }), newNode(0, { next: [1] })],
      [event('workflow.created')],
      t0,
    );
    expect(answer).toEqual({ kind: 'created', workflow: running, ready: [ref(0)] });
    expect(await get('w')).toEqual(running);
    expect(await get('x')).toBeNull();
    const stored = { workflow: 'w', state: 'waiting', failed: 0, result: null, error: null, closedAt: null };
    const [first, second] = [
      { ...newNode(0, { next: [1] }), ...stored },
      { ...newNode(1, { open: 1 }), ...stored },
    ];
    expect(await nodes('w', -1, 9)).toEqual([first, second]);
    expect(await nodes('w', -1, 1)).toEqual([first]);
    expect(await nodes('w', 0, 9)).toEqual([second]);
    expect(await nodes('x', -1, 9)).toEqual([]);
    expect(await node([ref(1), ref(0), ref(2), ref(0, 'x')])).toEqual([second, first, null, null]);
    expect(await unfinished(9)).toEqual({ ready: [ref(0)], sweeping: [] });
    expect(await eventLog(storage)).toMatchObject([{ kind: 'workflow.created', id: 'w', at: t0, position: 1 }]);
  },
  async 'several workflows are read in one call, each in its place, null for one that is not there'(storage) {
    await create(storage);
    await create(storage, [newNode(0, { job: idOf(9) })], { id: 'v', name: 'other' });
    const [v, w] = [await storage.workflows.get('v'), await storage.workflows.get('w')];
    expect(v).toMatchObject({ id: 'v', name: 'other' });
    expect(await storage.workflows.getAll(['w', 'missing', 'v', 'w', '\0'])).toEqual([w, null, v, w, null]);
    expect(await storage.workflows.getAll([])).toEqual([]);
  },
  async 'a repeated creation changes nothing, another workflow with the id is a duplicate'(storage) {
    await create(storage);
    await startAll(storage, [0]);
    await move(storage, to(idOf(0), State.completed, State.active), t0 + 1);
    const log = await kinds(storage);
    const workflow = await storage.workflows.get('w');
    expect(await create(storage, [newNode(0, { job: idOf(9) })], { total: 3 }, t0 + 5)).toEqual({
      kind: 'already',
      workflow,
      ready: [ref(1), ref(2)],
    });
    for (const patch of [{ name: 'x' }, { kind: 'group' }, { spec: '{}' }, { total: 4 }])
      expect(await create(storage, diamond, patch)).toEqual({ kind: 'duplicate', workflow, ready: [] });
    expect(await kinds(storage, log.length)).toEqual([]);
  },
  async 'closes of one call see each other: the consequence of one may follow it'(storage) {
    await create(storage, [
      newNode(0, { next: [1, 2] }),
      newNode(1, { open: 1, next: [3] }),
      newNode(2, { open: 1, next: [3] }),
      newNode(3, { open: 2, next: [4] }),
      newNode(4, { open: 1, member: false, job: null }),
    ]);
    const skip = (index: number) => closeOf(index, { state: 'cancelled', passes: false });
    const answers = await storage.workflows.advance([skip(0), skip(3), skip(1), skip(2), skip(3)], t0 + 1);
    expect(answers).toEqual([
      { done: true, inserted: null, ready: [ref(1), ref(2)] },
      { done: false, inserted: null, ready: [] },
      { done: true, inserted: null, ready: [] },
      { done: true, inserted: null, ready: [ref(3)] },
      { done: true, inserted: null, ready: [ref(4)] },
    ]);
    expect(await node(storage, 3)).toMatchObject({ state: 'cancelled', open: 0, failed: 2, closedAt: t0 + 1 });
    expect(await node(storage, 4)).toMatchObject({ state: 'waiting', open: 0, failed: 1 });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [ref(4)], sweeping: [] });
    expect(await storage.workflows.get('w')).toMatchObject({ cancelled: 4, state: 'running' });
  },
  async 'a close that was decided ahead is done only where as many dependencies did not pass'(storage) {
    await create(storage, [
      newNode(0, { next: [2] }),
      newNode(1, { next: [2] }),
      newNode(2, { open: 2, next: [3] }),
      newNode(3, { open: 1, member: false, job: null }),
    ]);
    const [, ahead] = await storage.workflows.advance([closeOf(0), closeOf(2, { failed: 0 })], t0);
    expect(ahead).toEqual({ done: false, inserted: null, ready: [] });
    const skip = closeOf(1, { state: 'cancelled', passes: false });
    expect(await storage.workflows.advance([skip, closeOf(2, { failed: 0 }), closeOf(2, { failed: 1 })], t0)).toEqual([
      { done: true, inserted: null, ready: [ref(2)] },
      { done: false, inserted: null, ready: [] },
      { done: true, inserted: null, ready: [ref(3)] },
    ]);
  },
  async 'a start inserts the job of a ready node, once'(storage) {
    await create(storage);
    const step = { ...startOf(0), events: [event('workflow.started')] };
    expect(await storage.workflows.advance([startOf(1), step, step], t0 + 1)).toEqual([
      { done: false, inserted: null, ready: [] },
      { done: true, inserted, ready: [] },
      { done: false, inserted: null, ready: [] },
    ]);
    expect(await node(storage, 0)).toMatchObject({ state: 'pending' });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect((await get(storage, idOf(0))).node).toEqual(ref(0));
    expect(await kinds(storage)).toEqual(['job.enqueued', 'workflow.started']);
    expect((await storage.events(0, 9)).batches).toHaveLength(1);
    expect(
      await storage.workflows.advance(
        [
          { ...startOf(0), node: ref(7) },
          { ...startOf(0), node: ref(0, 'x') },
        ],
        t0,
      ),
    ).toMatchObject([{ done: false }, { done: false }]);
  },
  async 'jobs that are given at the creation start then or are ready: no bound or pause refuses them, a unique policy or a taken id may'(
    storage,
  ) {
    await storage.registry.configureQueue('default', { capacity: 0 }, t0);
    await storage.registry.pauseQueue('default', true, t0);
    const nodes = [0, 1, 2].map((index) => newNode(index, { next: [3] }));
    const all = [...nodes, newNode(3, { open: 3, member: false, job: null })];
    const start = (patches: readonly Parameters<typeof newJob>[1][]) =>
      storage.workflows.create(
        newWorkflow({ total: 3 }),
        all,
        [event('workflow.started')],
        t0,
        new Map(patches.map((patch, index) => [index, newJob(index, patch)])),
      );
    await insert(storage, [newJob(9, { queue: 'other', unique: uniqueOf() })]);
    const { newest } = await storage.events(0, 1);
    const { kind, ready } = await start([{}, { unique: uniqueOf() }, { limits: [limitOf('l', { concurrency: 2 })] }]);
    expect(kind).toBe('created');
    const steps = [
      startOf(0),
      startOf(1, { unique: uniqueOf() }),
      startOf(2, { limits: [limitOf('l', { concurrency: 2 })] }),
    ].filter((_, index) => ready.some((one) => one.index === index));
    await storage.workflows.advance(steps, t0);
    const states = async () => (await storage.workflows.nodes('w', -1, 9)).map(({ state }) => state);
    expect(await states()).toEqual(['pending', 'waiting', 'pending', 'waiting']);
    expect((await get(storage, idOf(2))).node).toEqual(ref(2));
    expect(await storage.workflows.unfinished(9)).toMatchObject({ ready: [ref(1)] });
    expect(await start([{}, { unique: uniqueOf() }, {}])).toMatchObject({ kind: 'already', ready: [ref(1)] });
    expect(await kinds(storage, newest)).toEqual(['workflow.started', 'job.enqueued', 'job.enqueued']);
    const taken = await storage.workflows.create(
      newWorkflow({ id: 'x', total: 1 }),
      [newNode(0)],
      [],
      t0,
      new Map([[0, newJob(0)]]),
    );
    expect(taken).toMatchObject({ kind: 'created', ready: [ref(0, 'x')] });
  },
  async 'the unique policy of its job may refuse a start, a bound or a pause of the queue may not'(storage) {
    await create(storage);
    await storage.registry.configureQueue('default', { capacity: 0 }, t0);
    await storage.registry.pauseQueue('default', true, t0);
    await insert(storage, [newJob(9, { queue: 'other', unique: uniqueOf() })]);
    const existing = await get(storage, idOf(9));
    const refused = { kind: 'duplicate', by: 'unique', existing };
    const step = startOf(0, { unique: uniqueOf() });
    expect(await storage.workflows.advance([step], t0)).toEqual([{ done: false, inserted: refused, ready: [] }]);
    expect(await node(storage, 0)).toMatchObject({ state: 'waiting' });
    expect(await storage.workflows.unfinished(9)).toMatchObject({ ready: [ref(0)] });
    await move(storage, to(idOf(9), State.cancelled, Waiting));
    expect(await storage.workflows.advance([step], t0)).toMatchObject([{ done: true }]);
  },
  async 'the end of its job closes a node in the same commit: result, counts, events, dependents'(storage) {
    await create(storage);
    await startAll(storage, [0]);
    // As sent: with a line feed and a bar, which stores may use between values.
    const text = '{"n":\n1.0,"b":"|"}';
    const { newest } = await storage.events(0, 1);
    const end = to(idOf(0), State.completed, State.active, {
      claim: 1,
      result: text,
      events: [{ kind: 'job.completed' }],
    });
    expect(await move(storage, end, t0 + 7)).toEqual({ kind: 'moved', was: State.active, ready: [ref(1), ref(2)] });
    expect(await node(storage, 0)).toMatchObject({ state: 'completed', result: text, error: null, closedAt: t0 + 7 });
    expect(await node(storage, 1)).toMatchObject({ state: 'waiting', open: 0, failed: 0 });
    expect(await storage.workflows.get('w')).toMatchObject({ state: 'running', completed: 1, failed: 0, cancelled: 0 });
    const log = await eventLog(storage, newest);
    expect(log.map(({ kind, id }) => [kind, id])).toEqual([
      ['job.completed', idOf(0)],
      ['workflow.step_completed', 'w'],
    ]);
    expect(log[1]?.entry.at(-1)).toMatchObject({
      step_id: 'step 0',
      steps_remaining: 2,
      job_id: idOf(0),
      duration_ms: 7,
    });
    expect((await move(storage, end, t0 + 8)).kind).toBe('already');
    expect(await storage.workflows.get('w')).toMatchObject({ completed: 1 });
    await storage.jobs.remove([idOf(0)], { from: State.completed }, t0 + 9);
    expect(await node(storage, 0)).toMatchObject({ state: 'completed', result: text });
  },
  async 'a node is ready once, with its last dependency, and knows how many did not pass'(storage) {
    await create(storage);
    await startAll(storage, [0]);
    await move(storage, to(idOf(0), State.completed, State.active));
    await startAll(storage, [1, 2]);
    expect(await move(storage, to(idOf(1), State.discarded, State.active))).toMatchObject({ ready: [] });
    expect(await node(storage, 1)).toMatchObject({ state: 'failed' });
    expect(await node(storage, 3)).toMatchObject({ open: 1, failed: 1 });
    expect(await move(storage, to(idOf(2), State.cancelled, State.active))).toMatchObject({ ready: [ref(3)] });
    expect(await node(storage, 2)).toMatchObject({ state: 'cancelled' });
    expect(await node(storage, 3)).toMatchObject({ open: 0, failed: 2, state: 'waiting' });
    expect(await storage.workflows.get('w')).toMatchObject({ completed: 1, failed: 1, cancelled: 1 });
    expect((await kinds(storage)).filter((kind) => kind.startsWith('workflow.'))).toEqual([
      'workflow.step_completed',
      'workflow.step_failed',
      'workflow.step_failed',
    ]);
  },
  async 'several ends in one call lower one dependent one after the other'(storage) {
    const nodes = [0, 1, 2].map((index) => newNode(index, { next: [3] }));
    await create(storage, [...nodes, newNode(3, { open: 3, member: false })], { kind: 'group' });
    await startAll(storage, [0, 1, 2]);
    const { newest } = await storage.events(0, 1);
    const answers = await storage.jobs.transition(
      [0, 2, 1].map((index) => to(idOf(index), State.completed, State.active, { result: `${index}` })),
      t0 + 1,
    );
    expect(answers.map((answer) => (answer.kind === 'moved' ? answer.ready : answer))).toEqual([[], [], [ref(3)]]);
    const log = await eventLog(storage, newest);
    expect(log.map(({ kind }) => kind)).toEqual(
      [0, 1, 2].flatMap(() => ['job.state_changed', 'workflow.job_completed']),
    );
    expect(log.at(-1)?.entry.at(-1)).toMatchObject({
      job_index: 1,
      completed_count: 3,
      total_count: 3,
      steps_remaining: 0,
    });
  },
  async 'a call that acks jobs of a group closes their nodes, each with an event behind that of its job'(storage) {
    const nodes = [0, 1, 2].map((index) => newNode(index, { name: `step-${index}`, next: [3] }));
    await create(storage, [...nodes, newNode(3, { open: 3, member: false })], { kind: 'group' });
    const starts = [0, 1, 1, 2].map((index) => startOf(index));
    const started = await storage.workflows.advance(starts, t0);
    expect(started.map(({ done }) => done)).toEqual([true, true, false, true]);
    await insert(storage, [newJob(8)]);
    const claimed = await claim(storage, { limit: 4 }, t0 + 5);
    const acks = [0, 8, 1, 2].map((index) => {
      const claim = claimed.find(({ id }) => id === idOf(index))?.claim ?? null;
      return completed({ id: idOf(index), claim, result: index === 1 ? null : `${index}` });
    });
    const { newest } = await storage.events(0, 1);
    const answers = await storage.jobs.transition(acks, t0 + 12);
    const ready = answers.map((answer) => (answer.kind === 'moved' ? answer.ready : answer));
    expect(ready).toEqual([[], [], [], [ref(3)]]);
    const log = await eventLog(storage, newest);
    const both = ['job.completed', 'workflow.job_completed'];
    expect(log.map(({ kind }) => kind)).toEqual([...both, 'job.completed', ...both, ...both]);
    const ends = log.filter(({ kind }) => kind === 'workflow.job_completed');
    expect(ends.map(({ entry }) => entry.at(-1))).toMatchObject(
      [0, 1, 2].map((index) => ({
        job_id: idOf(index),
        step_id: `step-${index}`,
        job_index: index,
        duration_ms: 7,
        completed_count: index + 1,
        failed_count: 0,
        steps_remaining: 2 - index,
      })),
    );
    expect((await storage.workflows.nodes('w', -1, 3)).map(({ state, result }) => [state, result])).toEqual([
      ['completed', '0'],
      ['completed', null],
      ['completed', '2'],
    ]);
    const repeated = await storage.jobs.transition(acks, t0 + 13);
    expect(repeated.map(({ kind }) => kind)).toEqual(['already', 'already', 'already', 'already']);
    expect(await storage.workflows.get('w')).toMatchObject({ completed: 3, state: 'running' });
  },
  async 'a node closes once, although its job may end again after a manual retry'(storage) {
    await create(storage);
    await startAll(storage, [0]);
    await move(storage, to(idOf(0), State.discarded, State.active, { deadLetter: true }), t0 + 1);
    await move(storage, to(idOf(0), State.available, State.discarded, { attempt: 0, deadLetter: false }), t0 + 2);
    await claim(storage);
    const before = await storage.workflows.get('w');
    expect(await move(storage, to(idOf(0), State.completed, State.active), t0 + 3)).toMatchObject({
      kind: 'moved',
      ready: [],
    });
    expect(await storage.workflows.get('w')).toEqual(before);
    expect(await node(storage, 0)).toMatchObject({ state: 'failed', closedAt: t0 + 1 });
    expect(await node(storage, 1)).toMatchObject({ open: 0, failed: 1 });
  },
  async 'a retry of a dead step opens what was closed because of it, and its workflow, in the same commit'(storage) {
    const { newest } = await failedChain(storage);
    expect(await move(storage, retryOf(opened), t0 + 20)).toEqual({ kind: 'moved', was: State.discarded, ready: [] });
    const open = { closedAt: null, result: null, error: null };
    expect(await storage.workflows.nodes('w', -1, 9)).toMatchObject([
      { state: 'completed', open: 0, failed: 0, result: '"r"' },
      { state: 'pending', open: 0, failed: 0, job: idOf(1), ...open },
      { state: 'waiting', open: 1, failed: 0, job: idOf(2), ...open },
      { state: 'waiting', open: 1, failed: 0, job: idOf(7), ...open },
      { state: 'waiting', open: 1, failed: 0, job: null, ...open },
    ]);
    const reopened = { state: 'running', completed: 1, failed: 0, cancelled: 0, finishedAt: null, end: null };
    expect(await storage.workflows.get('w')).toMatchObject(reopened);
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect(await kinds(storage, newest)).toEqual(['job.enqueued', 'workflow.reopened']);
    const list = async (state: 'failed' | 'running') =>
      (await storage.workflows.list({ states: [state], limit: 9 })).items.map(({ id }) => id);
    expect([await list('failed'), await list('running')]).toEqual([[], ['w']]);
    const prune = { ...keepAll, workflows: { before: t0 + 99, keep: 0 } };
    expect(goneOf(await storage.upkeep.prune(prune, 9))).toBe(0);

    await claim(storage, { limit: 1 }, t0 + 21);
    expect(await move(storage, to(idOf(1), State.completed, State.active), t0 + 22)).toMatchObject({ ready: [ref(2)] });
    await startAll(storage, [2]);
    expect(await move(storage, to(idOf(2), State.completed, State.active), t0 + 23)).toMatchObject({ ready: [ref(3)] });
    const callback = (number: number) => ({
      ...startOf(number, { node: ref(3) }),
      node: ref(3),
      events: [event('workflow.started')],
    });
    expect(await storage.workflows.advance([callback(3)], t0 + 24)).toMatchObject([{ done: false, inserted: null }]);
    expect(await storage.workflows.advance([callback(7)], t0 + 24)).toMatchObject([{ done: true }]);
    await claim(storage, { limit: 1 }, t0 + 25);
    expect(await move(storage, to(idOf(7), State.completed, State.active), t0 + 26)).toMatchObject({ ready: [ref(4)] });
    const end = { state: 'completed', text: null } as const;
    expect(await storage.workflows.advance([closeOf(4, { end })], t0 + 27)).toMatchObject([{ done: true }]);
    const ended = { state: 'completed', completed: 3, failed: 0, cancelled: 0, finishedAt: t0 + 27, end: null };
    expect(await storage.workflows.get('w')).toMatchObject(ended);
    expect(goneOf(await storage.upkeep.prune(prune, 9))).toBe(1);
  },
  async 'a retry that was decided from another state of the workflow is refused, and changes nothing'(storage) {
    await failedChain(storage);
    const before = [await storage.workflows.get('w'), await storage.workflows.nodes('w', -1, 9)];
    const job = await get(storage, idOf(1));
    const [step, ...others] = opened.nodes;
    if (step === undefined) throw new Error('There is a step.');
    const stale: readonly Reopening[] = [
      { ...opened, workflow: 'x' },
      { ...opened, was: 'running' },
      { ...opened, nodes: [{ ...step, own: idOf(9) }, ...others] },
      { ...opened, nodes: [{ ...step, was: 'pending' }, ...others] },
      { ...opened, nodes: [step, ...others.map((one) => ({ ...one, was: 'waiting' as const }))] },
      { ...opened, nodes: [...opened.nodes, { ...step, index: 9 }] },
    ];
    for (const one of stale) expect(await move(storage, retryOf(one), t0 + 20)).toEqual({ kind: 'refused', job });
    expect([await storage.workflows.get('w'), await storage.workflows.nodes('w', -1, 9)]).toEqual(before);
    expect(await get(storage, idOf(1))).toEqual(job);
    const twice = await storage.jobs.transition([retryOf(opened), retryOf(opened)], t0 + 20);
    expect(twice.map(({ kind }) => kind)).toEqual(['moved', 'refused']);
  },
  async 'retries of one call see each other, and a node that waits already only waits for more'(storage) {
    const nodes = [0, 1].map((index) => newNode(index, { next: [2] }));
    await create(storage, [
      ...nodes,
      newNode(2, { open: 2, next: [3] }),
      newNode(3, { open: 1, member: false, job: null }),
    ]);
    await startAll(storage, [0, 1]);
    for (const index of [0, 1]) await move(storage, to(idOf(index), State.discarded, State.active), t0 + 1);
    const skip = closeOf(2, { state: 'cancelled', passes: false });
    await storage.workflows.advance(
      [skip, closeOf(3, { state: 'failed', end: { state: 'failed', text: '{}' } })],
      t0 + 2,
    );
    const first = [
      change(0, 'failed', { own: idOf(0), to: 'pending' }),
      change(2, 'cancelled', { opened: 1, fewerFailed: 1 }),
      change(3, 'failed', { opened: 1, fewerFailed: 1 }),
    ];
    const second = [
      change(1, 'failed', { own: idOf(1), to: 'pending' }),
      change(2, 'waiting', { opened: 1, fewerFailed: 1 }),
    ];
    const retries = [
      { ...retryOf({ ...opened, nodes: first }), id: idOf(0) },
      { ...retryOf({ workflow: 'w', was: 'running', nodes: second, events: [] }), id: idOf(1) },
    ];
    expect((await storage.jobs.transition(retries, t0 + 3)).map(({ kind }) => kind)).toEqual(['moved', 'moved']);
    expect(await node(storage, 2)).toMatchObject({ state: 'waiting', open: 2, failed: 0 });
    expect(await node(storage, 3)).toMatchObject({ state: 'waiting', open: 1, failed: 0 });
    expect(await storage.workflows.get('w')).toMatchObject({ state: 'running', failed: 0, cancelled: 0 });
    await claim(storage, { limit: 2 }, t0 + 4);
    await move(storage, to(idOf(0), State.discarded, State.active), t0 + 5);
    expect(await move(storage, to(idOf(1), State.completed, State.active), t0 + 5)).toMatchObject({ ready: [ref(2)] });
    // One that becomes ready while a step before it is retried waits for that step.
    const again = [
      change(0, 'failed', { own: idOf(0), to: 'pending' }),
      change(2, 'waiting', { opened: 1, fewerFailed: 1 }),
    ];
    const retry = { ...retryOf({ workflow: 'w', was: 'running', nodes: again, events: [] }), id: idOf(0) };
    expect((await move(storage, retry, t0 + 6)).kind).toBe('moved');
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect(await storage.workflows.advance([startOf(2)], t0 + 6)).toMatchObject([{ done: false }]);
    await claim(storage, { limit: 1 }, t0 + 7);
    expect(await move(storage, to(idOf(0), State.completed, State.active), t0 + 8)).toMatchObject({ ready: [ref(2)] });
    expect(await storage.workflows.advance([startOf(2)], t0 + 9)).toMatchObject([{ done: true }]);
    expect(await storage.workflows.get('w')).toMatchObject({ state: 'running', completed: 2, failed: 0, cancelled: 0 });
  },
  async 'a job that only names a node is not its job: neither with another id, nor without a start'(storage) {
    await create(storage);
    await insert(storage, [
      newJob(0, { node: ref(0) }),
      newJob(7, { node: ref(0) }),
      newJob(8, { node: ref(0, 'none') }),
    ]);
    await claim(storage, { limit: 1 });
    expect(await move(storage, to(idOf(0), State.completed, State.active))).toMatchObject({ ready: [] });
    await move(storage, to(idOf(8), State.cancelled, Waiting));
    expect(await node(storage, 0)).toMatchObject({ state: 'waiting' });
    await storage.jobs.remove([idOf(0)], { from: State.completed }, t0);
    expect(await storage.workflows.advance([startOf(0)], t0)).toMatchObject([{ done: true }]);
    await move(storage, to(idOf(7), State.cancelled, Waiting));
    expect(await node(storage, 0)).toMatchObject({ state: 'pending' });
    expect((await kinds(storage)).filter((kind) => kind.startsWith('workflow.'))).toEqual([]);
  },
  async 'a job that expires, or is removed before its end, closes its node as failed; unfinished finds the nodes that this makes ready'(
    storage,
  ) {
    await create(storage, [newNode(0, { next: [2] }), newNode(1, { next: [2] }), newNode(2, { open: 2 })]);
    await storage.workflows.advance([startOf(0, { expiresAt: t0 + 5 }), startOf(1)], t0);
    await claim(storage, { limit: 1 }, t0 + 5);
    expect(await node(storage, 0)).toMatchObject({ state: 'failed', closedAt: t0 + 5 });
    expect((await get(storage, idOf(1))).state).toBe(State.active);
    await storage.jobs.remove([idOf(1)], { from: State.active }, t0 + 6);
    expect(await node(storage, 1)).toMatchObject({ state: 'failed', result: null, closedAt: t0 + 6 });
    expect(await storage.workflows.get('w')).toMatchObject({ failed: 2 });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [ref(2)], sweeping: [] });
    expect((await eventLog(storage)).at(-1)).toMatchObject({ kind: 'workflow.step_failed', at: t0 + 6 });
  },
  async 'a close ends a ready node without a job, and may end the workflow'(storage) {
    await create(
      storage,
      [newNode(0, { next: [1], member: false }), newNode(1, { open: 1, next: [2] }), newNode(2, { open: 1 })],
      { total: 2 },
    );
    expect(await storage.workflows.advance([closeOf(1)], t0)).toEqual([{ done: false, inserted: null, ready: [] }]);
    const [first] = await storage.workflows.advance([closeOf(0, { result: '[1.0]', passes: false })], t0 + 1);
    expect(first).toEqual({ done: true, inserted: null, ready: [ref(1)] });
    expect(await node(storage, 0)).toMatchObject({ state: 'completed', result: '[1.0]', closedAt: t0 + 1 });
    expect(await node(storage, 1)).toMatchObject({ open: 0, failed: 1 });
    expect(await storage.workflows.get('w')).toMatchObject({ completed: 0 });
    const end = { state: 'failed', text: '{"e":1.0}' } as const;
    const last = closeOf(1, { state: 'cancelled', error: '"no"', end, events: [event('workflow.failed')] });
    expect(await storage.workflows.advance([last, closeOf(2)], t0 + 2)).toEqual([
      { done: true, inserted: null, ready: [] },
      { done: false, inserted: null, ready: [] },
    ]);
    expect(await node(storage, 1)).toMatchObject({ state: 'cancelled', error: '"no"' });
    expect(await node(storage, 2)).toMatchObject({ state: 'waiting', open: 1 });
    expect(await storage.workflows.get('w')).toMatchObject({
      state: 'failed',
      end: '{"e":1.0}',
      finishedAt: t0 + 2,
      cancelled: 1,
    });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect(await kinds(storage)).toEqual(['workflow.failed']);
  },
  async 'cancel ends what waits at once, and leaves jobs to the sweep; what closes later changes only itself and the counts'(
    storage,
  ) {
    await create(storage);
    await startAll(storage, [0]);
    await move(storage, to(idOf(0), State.completed, State.active));
    await startAll(storage, [2]);
    const log = await kinds(storage);
    expect(await storage.workflows.cancel('w', [event('workflow.cancelled')], t0 + 5)).toBe(true);
    expect(await storage.workflows.cancel('w', [event('workflow.cancelled')], t0 + 6)).toBe(false);
    expect(await storage.workflows.cancel('x', [], t0 + 6)).toBe(false);
    expect(await storage.workflows.get('w')).toMatchObject({
      state: 'cancelled',
      finishedAt: t0 + 5,
      end: null,
      sweeping: true,
      completed: 1,
      cancelled: 1,
    });
    const states = async () => (await storage.workflows.nodes('w', -1, 9)).map(({ state }) => state);
    expect(await states()).toEqual(['completed', 'cancelled', 'pending', 'cancelled']);
    expect(await node(storage, 1)).toMatchObject({ closedAt: t0 + 5 });
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: ['w'] });
    expect(await move(storage, to(idOf(2), State.cancelled, State.active), t0 + 7)).toMatchObject({ ready: [] });
    expect(await states()).toEqual(['completed', 'cancelled', 'cancelled', 'cancelled']);
    expect(await node(storage, 3)).toMatchObject({ open: 2 });
    expect(await storage.workflows.get('w')).toMatchObject({ cancelled: 2 });
    await storage.workflows.swept('w');
    await storage.workflows.swept('x');
    expect(await storage.workflows.unfinished(9)).toEqual({ ready: [], sweeping: [] });
    expect(await kinds(storage, log.length)).toEqual(['workflow.cancelled', 'job.state_changed']);
    expect(await storage.workflows.advance([closeOf(3)], t0 + 9)).toMatchObject([{ done: false }]);
  },
  async 'workflows are listed newest first, page by page, with the total'(storage) {
    for (const id of ['c', 'a', 'e', 'b']) await storage.workflows.create(newWorkflow({ id }), [newNode(0)], [], t0);
    await storage.workflows.cancel('a', [], t0 + 1);
    const found = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await storage.workflows.list({ states: null, limit: 3, ...(after !== undefined && { after }) });
      found.push([page.items.map(({ id }) => id), page.total]);
      after = page.next ?? undefined;
      more = page.next !== null;
    }
    expect(found).toEqual([
      [['b', 'e', 'a'], 4],
      [['c'], 4],
    ]);
    const list = async (states: readonly ('running' | 'cancelled')[], offset: number) => {
      const { items, next, total } = await storage.workflows.list({ states, offset, limit: 9 });
      return [items.map(({ id }) => id), next, total];
    };
    expect(await list(['running'], 1)).toEqual([['e', 'c'], null, 3]);
    expect(await list(['cancelled', 'running'], 4)).toEqual([[], null, 4]);
    expect(await list([], 0)).toEqual([[], null, 0]);
    await expect(storage.workflows.list({ states: null, after: 'x', limit: 1 })).rejects.toThrow(ProtocolError);
  },
  async 'unfinished lists what a crash left by creation, then index, up to the limit of each'(storage) {
    for (const id of ['z', 'y', 'x', 'w'])
      await storage.workflows.create(newWorkflow({ id }), [newNode(1), newNode(0), newNode(2, { open: 1 })], [], t0);
    for (const id of ['x', 'z']) await storage.workflows.cancel(id, [], t0);
    const all = { ready: [ref(0, 'y'), ref(1, 'y'), ref(0, 'w'), ref(1, 'w')], sweeping: ['z', 'x'] };
    expect(await storage.workflows.unfinished(9)).toEqual(all);
    expect(await storage.workflows.unfinished(1)).toEqual({ ready: [ref(0, 'y')], sweeping: ['z'] });
  },
  async 'prune removes ended workflows with their nodes, not those that are being swept'(storage) {
    const ended = ['a', 'b', 'c', 'd'];
    for (const id of [...ended, 'on']) await storage.workflows.create(newWorkflow({ id }), [newNode(0)], [], t0);
    for (const [at, id] of ended.entries()) await storage.workflows.cancel(id, [], t0 + at);
    for (const id of ['a', 'b', 'c']) await storage.workflows.swept(id);
    const prune = async (before: number, keep: number, limit = 9) =>
      goneOf(await storage.upkeep.prune({ ...keepAll, workflows: { before: t0 + before, keep } }, limit));
    const left = async () => (await storage.workflows.list({ states: null, limit: 9 })).items.map(({ id }) => id);
    expect(await prune(0, 3)).toBe(0);
    expect(await prune(1, 9)).toBe(1);
    expect(await left()).toEqual(['on', 'd', 'c', 'b']);
    expect(await storage.workflows.nodes('a', -1, 9)).toEqual([]);
    expect(await prune(0, 0, 1)).toBe(1);
    expect(await left()).toEqual(['on', 'd', 'c']);
    expect(await prune(99, 0)).toBe(1);
    expect(await left()).toEqual(['on', 'd']);
  },
  async 'prune keeps a cancelled workflow while a job of it runs, and removes those behind it'(storage) {
    await create(storage);
    await startAll(storage, [0]);
    await storage.workflows.create(newWorkflow({ id: 'v' }), [newNode(0)], [], t0);
    for (const [at, id] of ['w', 'v'].entries()) {
      await storage.workflows.cancel(id, [], t0 + at);
      await storage.workflows.swept(id);
    }
    const rules = { ...keepAll, workflows: { before: t0 + 99, keep: 0 } };
    expect(goneOf(await storage.upkeep.prune(rules, 9))).toBe(1);
    expect(await storage.workflows.getAll(['w', 'v'])).toMatchObject([{ id: 'w' }, null]);
    await move(storage, to(idOf(0), State.completed, State.active));
    expect(goneOf(await storage.upkeep.prune(rules, 9))).toBe(1);
    expect(await storage.workflows.get('w')).toBeNull();
  },
};
