import { describe, expect, test } from 'vitest';
import { State } from '../../src/job/index.ts';
import { renderWorkflow } from '../../src/workflow/index.ts';
import { start, Toy } from './toy.ts';

const job = (type: string, more: object = {}) => ({ type, args: [], ...more });
const ok = (result: unknown) => ({ ok: JSON.stringify(result) });
const created = '2026-01-01T00:00:00.000Z';
const states = (list: readonly { state: string }[]) => list.map(({ state }) => state);

test('a chain from its creation on (11.2)', () => {
  const toy = Toy.create({ type: 'chain', name: 'n', steps: [job('a', { args: [1] }), job('b')] });
  const metadata = { created_at: created, job_count: 2, completed_count: 0, failed_count: 0, cancelled_count: 0 };
  const first = { index: 0, id: '0', type: 'a', state: 'pending', depends_on: [], args: [1], job_id: toy.node(0).job };
  expect(toy.rendered()).toEqual({
    id: toy.workflow.id,
    type: 'chain',
    name: 'n',
    state: 'running',
    steps: [first, { index: 1, id: '1', type: 'b', state: 'waiting', depends_on: ['0'], args: [], job_id: null }],
    steps_total: 2,
    steps_completed: 0,
    jobs_total: 2,
    jobs_completed: 0,
    created_at: created,
    metadata,
  });
  expect(toy.settle().rendered().steps[0]).toEqual(first);
  toy.now += 1_000;
  toy.end('0', ok({ x: 1 }));
  const [, second] = toy.running();
  if (second) throw new Error('both are running');
  const id = toy.node(1).job ?? '';
  const record = toy.jobs.get(id);
  if (record) toy.jobs.set(id, { ...record, state: State.active, startedAt: start + 1_500 });
  const rendered = toy.rendered();
  expect(rendered.steps).toMatchObject([
    { state: 'completed', result: { x: 1 }, started_at: created, completed_at: '2026-01-01T00:00:01.000Z' },
    { state: 'active', job_id: id, started_at: '2026-01-01T00:00:01.500Z' },
  ]);
  expect(rendered).toMatchObject({
    steps_completed: 1,
    started_at: created,
    metadata: { completed_count: 1, started_at: created },
  });
});

test('a failed chain', () => {
  const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c')] });
  toy.end('0', ok(1));
  toy.now += 2_000;
  toy.end('1', 'fail');
  const id = toy.node(1).job;
  const rendered = toy.rendered();
  expect(rendered).toMatchObject({
    state: 'failed',
    steps_total: 3,
    steps_completed: 1,
    completed_at: '2026-01-01T00:00:02.000Z',
    error: { code: 'boom', message: 'b failed' },
    failed_step_index: 1,
    failed_job_ids: [id],
    errors: [{ job_id: id, code: 'boom', message: 'b failed', attempt: 1 }],
    metadata: { completed_count: 1, failed_count: 1, cancelled_count: 1, completed_at: '2026-01-01T00:00:02.000Z' },
  });
  expect(rendered.steps[1]).toMatchObject({
    state: 'failed',
    job_id: id,
    error: { code: 'boom', type: 'Boom', attempt: 1 },
  });
  expect(rendered.steps[2]).toEqual({
    index: 2,
    id: '2',
    type: 'c',
    state: 'cancelled',
    depends_on: ['1'],
    args: [],
    job_id: null,
  });
  const summary = JSON.parse(renderWorkflow(toy.workflow, []));
  expect(summary).toMatchObject({ state: 'failed', steps_completed: 1, failed_job_ids: [id] });
  expect(summary.steps).toBeUndefined();
});

describe('a batch', () => {
  const callbacks = { on_complete: job('c'), on_success: job('s') };

  test('has jobs and callbacks', () => {
    const toy = Toy.create({ type: 'batch', jobs: [job('a'), job('b')], callbacks }).end('0', ok(1));
    expect(toy.rendered()).toMatchObject({ type: 'batch', jobs_total: 2, jobs_completed: 1, state: 'running' });
    expect(toy.rendered().callbacks).toMatchObject({
      on_complete: { id: 'on_complete', type: 'c', state: 'waiting', job_id: null },
      on_success: { state: 'waiting' },
    });
    toy.end('1', 'fail');
    expect(toy.rendered().callbacks).toMatchObject({
      on_complete: { state: 'pending', job_id: toy.node(3).job },
      on_success: { state: 'cancelled', job_id: null },
    });
    expect(toy.rendered()).toMatchObject({ state: 'running', failed_job_ids: [toy.node(1).job] });
    expect(toy.end('on_complete', ok(1)).rendered()).toMatchObject({ state: 'completed', jobs_completed: 1 });
  });

  test('that came as a graph of steps is answered as one (brief-notes 24, interop 2)', () => {
    const steps = [
      job('a', { id: 'step-0', depends_on: [] }),
      job('b', { id: 'step-1', depends_on: [] }),
      job('c', { id: 'on_complete', depends_on: ['step-0', 'step-1'], options: { callback_type: 'on_complete' } }),
    ];
    const rendered = Toy.create({ name: 'n', steps }).rendered();
    expect(rendered).toMatchObject({
      type: 'batch',
      name: 'n',
      steps_total: 2,
      callbacks: { on_complete: { id: 'on_complete' } },
    });
    expect(
      rendered.steps.map((step: { id: string; index: number; depends_on: string[] }) => [
        step.index,
        step.id,
        step.depends_on,
      ]),
    ).toEqual([
      [0, 'step-0', []],
      [1, 'step-1', []],
      [2, 'on_complete', ['step-0', 'step-1']],
    ]);
    expect(rendered.jobs).toBeUndefined();
  });
});

test('a graph has what its steps depend on', () => {
  const steps = [
    job('a', { id: 'a' }),
    job('c', { id: 'c', depends_on: ['b', 'a'] }),
    { type: 'group', id: 'b', depends_on: ['a'], jobs: [job('x')] },
  ];
  const rendered = Toy.create({ steps }).rendered();
  expect(rendered).toMatchObject({ type: 'dag', steps_total: 3 });
  expect(rendered.steps.map((step: { depends_on: string[] }) => step.depends_on)).toEqual([[], ['b', 'a'], ['a']]);
});

test('a nested workflow counts its own steps, and shows the ones within', () => {
  const toy = Toy.create({
    type: 'chain',
    steps: [job('a'), { type: 'batch', jobs: [job('b'), job('c')], callbacks: { on_complete: job('d') } }, job('e')],
  });
  expect(states(toy.rendered().steps)).toEqual(['pending', 'waiting', 'waiting']);
  toy.end('0', ok(1));
  expect(states(toy.rendered().steps)).toEqual(['completed', 'pending', 'waiting']);
  toy.end('1.0', ok(2));
  const { steps, ...rest } = toy.rendered();
  expect(states(steps)).toEqual(['completed', 'active', 'waiting']);
  expect(steps[1]).toMatchObject({ index: 1, id: '1', type: 'batch', job_id: null, depends_on: ['0'] });
  expect(steps[1].jobs).toMatchObject([
    { id: '1.0', state: 'completed', result: 2 },
    { id: '1.1', state: 'pending' },
  ]);
  expect(steps[1].callbacks).toMatchObject({ on_complete: { id: '1.on_complete', state: 'waiting' } });
  expect(rest).toMatchObject({ steps_total: 3, steps_completed: 1, metadata: { job_count: 4, completed_count: 2 } });
  toy.end('1.1', ok(3)).end('1.on_complete', ok(4));
  expect(toy.rendered()).toMatchObject({
    steps_completed: 2,
    steps: [{}, { state: 'completed', result: [2, 3] }, { state: 'pending' }],
  });
  expect(JSON.parse(renderWorkflow(toy.workflow, [])).steps_completed).toBe(2);
  expect(toy.end('2', ok(1)).rendered()).toMatchObject({ state: 'completed', steps_completed: 3 });
});

test('a cancelled workflow: what waited is cancelled and has no job', () => {
  const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c')] }).end('0', ok(1));
  toy.workflow = { ...toy.workflow, state: 'cancelled', cancelled: 1, finishedAt: start + 3_000 };
  toy.nodes.forEach((node, index) => {
    if (node.state === 'waiting') toy.nodes[index] = { ...node, state: 'cancelled', closedAt: start + 3_000 };
  });
  const rendered = toy.rendered();
  expect(rendered).toMatchObject({
    state: 'cancelled',
    cancelled_at: '2026-01-01T00:00:03.000Z',
    steps_cancelled: 1,
    steps_already_completed: 1,
    metadata: { cancelled_at: '2026-01-01T00:00:03.000Z' },
  });
  expect(rendered.completed_at).toBeUndefined();
  expect(states(rendered.steps)).toEqual(['completed', 'pending', 'cancelled']);
  expect(rendered.steps[2].job_id).toBeNull();
  expect(rendered.failed_job_ids).toBeUndefined();
});

test('args, results and meta go out as they came in', () => {
  const text = '{"type":"chain","steps":[{"type":"a.b","args":[1.50,9007199254740993]}]}';
  const toy = Toy.create({ ...JSON.parse(text), meta: { team: 'x' }, metadata: { job_count: 9, y: 1 } });
  const spec = toy.node(0).spec.replace('[1.5,9007199254740992]', '[1.50,9007199254740993]');
  toy.nodes[0] = { ...toy.node(0), spec };
  toy.end('0', { ok: '1e400' });
  const rendered = renderWorkflow(toy.workflow, toy.nodes, toy.jobs);
  expect(rendered).toContain('"args":[1.50,9007199254740993]');
  expect(rendered).toContain('"result":1e400');
  expect(rendered).toContain('"meta":{"team":"x","job_count":9,"y":1}');
  expect(toy.rendered().metadata).toMatchObject({ team: 'x', y: 1, job_count: 1 });
});
