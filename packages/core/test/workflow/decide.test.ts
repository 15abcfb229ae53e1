import { describe, expect, test } from 'vitest';
import { State } from '../../src/job/index.ts';
import { type NodeRecord, refuseNode, type WorkflowStep, workflowCancelled } from '../../src/workflow/index.ts';
import { words } from '../support/text.ts';
import { start, Toy } from './toy.ts';

const job = (type: string, more: object = {}) => ({ type, args: [], ...more });
const ok = (result: unknown) => ({ ok: JSON.stringify(result) });
const jobOf = (toy: Toy, name: string) => toy.nodes.find((node) => node.name === name)?.job;
const stateOf = (toy: Toy, name: string) => toy.nodes.find((node) => node.name === name)?.state;
const inserted = (toy: Toy) => toy.started.map((index) => toy.node(index).name);

function startOf(step: WorkflowStep) {
  if (step.kind !== 'start') throw new Error('the node was closed');
  return step.job;
}

describe('a chain', () => {
  test('goes step by step', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c')] }).settle();
    expect(inserted(toy)).toEqual(['0']);
    toy.end('0', ok(1));
    expect(inserted(toy)).toEqual(['0', '1']);
    toy.end('1', ok(2)).end('2', ok(3));
    expect(toy.workflow).toMatchObject({ state: 'completed', completed: 3, end: null });
    expect(toy.eventKinds()).toEqual(
      words(`
      workflow.created workflow.started workflow.step_completed workflow.step_completed workflow.step_completed
      workflow.completed
    `),
    );
  });

  test('passes on the results of all earlier steps unchanged', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c'), job('d')] });
    toy.end('0', { ok: '{"report_id":1.50}' }).end('1', { ok: null }).end('2', { ok: '9007199254740993' }).settle();
    const made = toy.jobs.get(toy.node(3).job ?? '');
    expect(toy.textOf(made)).toContain(
      `"workflow_id":"${toy.workflow.id}","parent_results":[{"report_id":1.50},null,9007199254740993]}`,
    );
    expect(toy.envelope('0').parent_results).toEqual([]);
  });

  test('stops at a failure: later steps are cancelled, the workflow has failed', () => {
    const toy = Toy.create({ type: 'chain', name: 'n', steps: [job('a'), job('b.c'), job('d'), job('e')] });
    toy.end('0', ok(1)).end('1', 'fail');
    expect(inserted(toy)).toEqual(['0', '1']);
    expect(toy.nodes.map(({ state }) => state)).toEqual(['completed', 'failed', 'cancelled', 'cancelled', 'failed']);
    expect(toy.workflow).toMatchObject({ state: 'failed', completed: 1, failed: 1, cancelled: 2 });
    const error = { job_id: toy.node(1).job, step_id: '1', code: 'boom', message: 'b.c failed', attempt: 1 };
    expect(JSON.parse(toy.workflow.end ?? '')).toEqual({ failed_step_index: 1, errors: [error] });
    expect(JSON.parse(toy.events.at(-1) ?? '')).toMatchObject({
      0: 'workflow.failed',
      1: toy.workflow.id,
      10: {
        workflow_name: 'n',
        failed_step_id: '1',
        failed_step_type: 'b.c',
        error: { code: 'boom', message: 'b.c failed' },
      },
    });
  });

  test('a cancelled step counts as failed', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b')] }).end('0', 'cancel');
    expect(toy.workflow.state).toBe('failed');
    expect(JSON.parse(toy.workflow.end ?? '')).toMatchObject({ failed_step_index: 0, errors: [{ code: 'cancelled' }] });
  });

  test('of very many steps the nearest 1,000 results are handed on, and the envelope says where they begin', () => {
    const toy = Toy.create({ type: 'chain', steps: Array.from({ length: 1_003 }, () => job('a')) });
    for (let step = 0; step < 1_002; step++) toy.end(String(step), ok(step));
    const { parent_results, x_parent_results_from: from } = toy.envelope('1002');
    const results = parent_results as unknown[];
    expect([results.length, from]).toEqual([1_002, 2]);
    expect(toy.envelope('1000')).not.toHaveProperty('x_parent_results_from');
    expect([...results.slice(0, 4), results.at(-1)]).toEqual([null, null, 2, 3, 1_001]);
  });

  test('results beyond 16 MiB are left out from the oldest on, and named with their jobs', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c'), job('d')] });
    const large = (length: number) => ok('x'.repeat(length));
    toy.end('0', ok(0)).end('1', large(10_000_000)).end('2', large(9_000_000)).settle();
    expect(toy.envelope('2')).not.toHaveProperty('x_parent_results_left_out');
    expect((toy.envelope('2').parent_results as string[])[1]?.length).toBe(10_000_000);
    const { parent_results: results, x_parent_results_left_out: leftOut } = toy.envelope('3');
    expect((results as (string | null)[]).map((one) => one?.length ?? one)).toEqual([0, null, 9_000_000]);
    expect(leftOut).toEqual({ '/1': jobOf(toy, '1') });
  });

  test('a group whose results are too large for its node hands on an array of what fits, and names the others', () => {
    const toy = Toy.create({
      type: 'chain',
      steps: [{ type: 'group', jobs: [job('a'), job('b'), job('c')] }, job('d'), job('e')],
    });
    for (const step of ['0.0', '0.1', '0.2']) toy.end(step, ok('x'.repeat(7_000_000)));
    toy.settle();
    const lengths = (name: string) =>
      (toy.envelope(name).parent_results as (string | null)[][])[0]?.map((one) => one?.length ?? one);
    expect(lengths('1')).toEqual([null, 7_000_000, 7_000_000]);
    expect(toy.envelope('1').x_parent_results_left_out).toEqual({ '/0/0': jobOf(toy, '0.0') });
    toy.end('1', ok('y'.repeat(4_000_000))).settle();
    expect(lengths('2')).toEqual([null, null, 7_000_000]);
    expect(toy.envelope('2').x_parent_results_left_out).toEqual({
      '/0/0': jobOf(toy, '0.0'),
      '/0/1': jobOf(toy, '0.1'),
    });
  });
});

describe('a group', () => {
  test('starts all at once and fails only when all have ended', () => {
    const toy = Toy.create({ type: 'group', jobs: [job('a'), job('b'), job('c')] }).settle();
    expect(inserted(toy)).toEqual(['0', '1', '2']);
    toy.end('1', 'fail').end('0', ok(1));
    expect(toy.workflow.state).toBe('running');
    toy.end('2', ok(1));
    expect(toy.workflow).toMatchObject({ state: 'failed', completed: 2, failed: 1 });
    expect(toy.eventKinds().slice(2)).toEqual([
      'workflow.job_failed',
      'workflow.job_completed',
      'workflow.job_completed',
      'workflow.failed',
    ]);
  });

  test('with only failures lists 100 errors and all ids', () => {
    const toy = Toy.create({ type: 'group', jobs: Array.from({ length: 150 }, () => job('a')) });
    for (let at = 0; at < 150; at++) toy.end(String(at), 'fail');
    expect(JSON.parse(toy.workflow.end ?? '').errors.length).toBe(100);
    expect(toy.rendered().failed_job_ids.length).toBe(150);
    expect(toy.rounds).toBe(2);
  });
});

describe('a batch', () => {
  const callbacks = { on_complete: job('complete'), on_success: job('success'), on_failure: job('failure') };
  const batch = () => Toy.create({ type: 'batch', jobs: [job('a'), job('b')], callbacks }).settle();

  test('on_complete and on_success after success', () => {
    const toy = batch().end('1', ok(2)).end('0', ok(1));
    expect(inserted(toy)).toEqual(['0', '1', 'on_complete', 'on_success']);
    expect(toy.envelope('on_success').parent_results).toEqual([1, 2]);
    toy.end('on_success', ok(1));
    expect(toy.workflow.state).toBe('running');
    toy.end('on_complete', ok(1));
    expect(toy.workflow).toMatchObject({ state: 'completed', total: 2, completed: 2, cancelled: 0, end: null });
    const fired = toy.events.map((event) => JSON.parse(event)).filter(([kind]) => kind === 'workflow.callback_fired');
    expect(fired.map((event) => event[10])).toMatchObject([
      { callback: 'on_complete', job_type: 'complete' },
      { callback: 'on_success', job_type: 'success' },
    ]);
  });

  test('on_complete and on_failure after a failure; completed nevertheless', () => {
    const toy = batch().end('0', ok(1)).end('1', 'fail');
    expect(inserted(toy)).toEqual(['0', '1', 'on_complete', 'on_failure']);
    expect(toy.envelope('on_failure').parent_results).toEqual([1, null]);
    toy.end('on_failure', ok(1)).end('on_complete', ok(1));
    expect(toy.workflow).toMatchObject({ state: 'completed', completed: 1, failed: 1 });
    expect(toy.rendered()).toMatchObject({
      failed_job_ids: [toy.node(1).job],
      errors: [{ code: 'boom', step_id: '1' }],
    });
    expect(toy.rendered().error).toBeUndefined();
  });

  test('fails with a callback, and says with which', () => {
    const toy = batch().end('0', 'fail').end('1', ok(1)).end('on_complete', 'fail').end('on_failure', ok(1));
    expect(toy.workflow.state).toBe('failed');
    const { errors } = JSON.parse(toy.workflow.end ?? '');
    expect(errors).toMatchObject([{ callback: 'on_complete', message: 'complete failed' }, { step_id: '0' }]);
    expect(JSON.parse(toy.events.at(-1) ?? '')[10]).toMatchObject({
      failed_step_id: 'on_complete',
      failed_step_type: 'complete',
    });
  });

  test('within a chain whose step before it failed fires nothing', () => {
    const toy = Toy.create({
      type: 'chain',
      steps: [job('x'), { type: 'batch', jobs: [job('a')], callbacks }, job('y')],
    }).end('0', 'fail');
    expect(inserted(toy)).toEqual(['0']);
    expect(stateOf(toy, '1')).toBe('cancelled');
    expect(toy.workflow).toMatchObject({ state: 'failed', failed: 1, cancelled: 2 });
  });
});

describe('nested', () => {
  const fan = { type: 'group', jobs: [job('b'), { type: 'chain', steps: [job('c'), job('d')] }] };

  test('a nested workflow gets the results that its step gets; a group passes on an array, a chain its last result', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), fan, job('e')] });
    toy.end('0', ok('a')).end('1.1.0', ok('c'));
    expect(toy.envelope('1.0').parent_results).toEqual(['a']);
    expect(toy.envelope('1.1.0').parent_results).toEqual(['a']);
    expect(toy.envelope('1.1.1').parent_results).toEqual(['c']);
    toy.end('1.1.1', ok('d')).end('1.0', ok('b'));
    expect(toy.envelope('2').parent_results).toEqual(['a', ['b', 'd']]);
    expect(toy.end('2', ok('e')).workflow).toMatchObject({ state: 'completed', completed: 5 });
  });

  test('a failure within reaches the workflow, and names the step of the chain', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), fan, job('e')] });
    toy.end('0', ok('a')).end('1.1.0', 'fail').end('1.0', ok('b'));
    expect(toy.workflow.state).toBe('failed');
    expect(JSON.parse(toy.workflow.end ?? '')).toMatchObject({ failed_step_index: 1, errors: [{ step_id: '1.1.0' }] });
  });
});

test('a step of a graph is given the results of its dependencies in their order (http 14)', () => {
  const steps = [
    job('a', { id: 'a' }),
    job('b', { id: 'b' }),
    job('c', { id: 'c', depends_on: ['b', 'a'] }),
    job('d', { id: 'd', depends_on: ['c'] }),
  ];
  const toy = Toy.create({ steps }).end('a', ok('a')).end('b', ok('b')).end('c', ok('c'));
  expect(toy.envelope('c').parent_results).toEqual(['b', 'a']);
  expect(toy.envelope('d').parent_results).toEqual(['c']);
});

describe('the job of a step', () => {
  test('has the pre-minted id, its node, and the attributes of its envelope', () => {
    const options = { queue: 'mail', priority: 7, retry: { maxAttempts: 5 }, timeout_ms: 500 };
    const toy = Toy.create({ type: 'chain', steps: [job('a.b', { options, args: [1] })] });
    const made = startOf(toy.decide(0));
    expect(made).toMatchObject({
      id: toy.node(0).job,
      type: 'a.b',
      queue: 'mail',
      priority: 7,
      timeoutMs: 500,
      state: State.available,
    });
    expect(made.node).toEqual({ workflow: toy.workflow.id, index: 0 });
    expect(JSON.parse(made.envelope)).toMatchObject({
      id: made.id,
      args: [1],
      max_attempts: 5,
      retry: { max_attempts: 5 },
    });
    expect(JSON.parse(made.policy ?? '')).toEqual({ retry: { maxAttempts: 5 } });
  });

  test('has relative times from its start on, in an envelope that is the same whenever it is made', () => {
    const toy = Toy.create({
      type: 'chain',
      steps: [job('a', { options: { delay_until: '+PT5S', expires_at: '+PT1H', enqueue_ttl: 60 } })],
    });
    const [first, second] = [startOf(toy.decide(0, start + 1_000)), startOf(toy.decide(0, start + 2_000))];
    expect(first).toMatchObject({
      state: State.scheduled,
      runAt: start + 6_000,
      createdAt: start + 1_000,
      expiresAt: start + 61_000,
    });
    expect(second).toMatchObject({ runAt: start + 7_000, laterExpiresAt: start + 3_602_000 });
    expect(second.envelope).toBe(first.envelope);
    expect(JSON.parse(first.envelope)).toMatchObject({ scheduled_at: '+PT5S', expires_at: '+PT1H' });
  });

  test('options of the workflow and of those around it are defaults, its own options win', () => {
    const toy = Toy.create({
      type: 'group',
      options: { queue: 'all', priority: 1, timeout_ms: 1_000, retry: { max_attempts: 9 }, meta: { a: 1, b: 1 } },
      jobs: [
        job('a'),
        job('b', { options: { queue: 'own', timeout: 3, retry_policy: { max_attempts: 2 }, meta: { b: 2 } } }),
        job('c', { queue: 'flat', options: { priority: null }, meta: { c: 3 } }),
        { type: 'chain', options: { queue: 'inner', metadata: { b: 3 } }, steps: [job('d', { meta: { a: 4 } })] },
      ],
    }).settle();
    const made = (name: string) => toy.jobs.get(toy.nodes.find((node) => node.name === name)?.job ?? '');
    const shown = ['0', '1', '2', '3.0'].map((name) => [
      made(name)?.queue,
      made(name)?.priority,
      made(name)?.timeoutMs,
      toy.envelope(name).max_attempts,
      toy.envelope(name).meta,
    ]);
    expect(shown).toEqual([
      ['all', 1, 1_000, 9, { a: 1, b: 1 }],
      ['own', 1, 3_000, 2, { a: 1, b: 2 }],
      ['flat', 1, 1_000, 9, { a: 1, b: 1, c: 3 }],
      ['inner', 1, 1_000, 9, { a: 4, b: 3 }],
    ]);
  });

  test('that is refused for its unique key fails the step as duplicate', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a'), job('b'), job('c')] });
    toy.refuse('b');
    toy.end('0', ok(1));
    expect(toy.workflow).toMatchObject({ state: 'failed', completed: 1, failed: 1, cancelled: 1 });
    expect(JSON.parse(toy.workflow.end ?? '')).toMatchObject({
      failed_step_index: 1,
      errors: [{ code: 'duplicate', job_id: null, attempt: 0 }],
    });
    const event = toy.events.map((text) => JSON.parse(text)).find(([kind]) => kind === 'workflow.step_failed');
    expect(event[10]).toMatchObject({ step_id: '1', step_type: 'b', steps_remaining: 1, error: { code: 'duplicate' } });
    expect(toy.rendered().steps[1]).toMatchObject({ state: 'failed', job_id: null, error: { code: 'duplicate' } });
    expect(toy.rendered().failed_job_ids).toEqual([]);
  });

  test('that a later version no longer accepts fails its step instead of the workflow’s upkeep', () => {
    const toy = Toy.create({ type: 'chain', steps: [job('a')] });
    const node: NodeRecord = { ...toy.node(0), spec: '{"run":{"type":"A","args":[]}}' };
    toy.nodes[0] = node;
    toy.settle();
    expect(toy.workflow.state).toBe('failed');
    expect(JSON.parse(toy.workflow.end ?? '').errors).toMatchObject([{ code: 'invalid_request', job_id: null }]);
  });
});

test('a deleted job has an error in the report', () => {
  const toy = Toy.create({ type: 'group', jobs: [job('a'), job('b')] }).end('0', 'fail');
  toy.jobs.delete(toy.node(0).job ?? '');
  toy.end('1', ok(1));
  expect(JSON.parse(toy.workflow.end ?? '').errors).toMatchObject([{ code: 'unknown' }]);
});

test('a refused callback says nothing of jobs', () => {
  const toy = Toy.create({ type: 'batch', jobs: [job('a')], callbacks: { on_complete: job('cb') } });
  toy.refuse('cb');
  toy.end('0', ok(1));
  expect(toy.workflow).toMatchObject({ state: 'failed', completed: 1, failed: 0 });
  expect(refuseNode(toy.workflow, toy.node(2), 'x', start)).toMatchObject({ kind: 'close', passes: false, events: [] });
});

test('the event of a cancellation', () => {
  const { workflow } = Toy.create({ type: 'chain', name: 'n', steps: [job('a')] });
  expect(JSON.parse(workflowCancelled(workflow, start + 5))).toMatchObject({
    0: 'workflow.cancelled',
    1: workflow.id,
    10: { workflow_id: workflow.id, workflow_name: 'n', duration_ms: 5 },
  });
});
