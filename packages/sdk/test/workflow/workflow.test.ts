import { describe, expect, test } from 'vitest';
import {
  batch,
  Client,
  chain,
  DiscardError,
  dag,
  defineJob,
  group,
  JobFailedError,
  type JobRequest,
  job,
  OJSError,
  OJSTimeoutError,
  parentResults,
  Worker,
  WorkflowFailedError,
} from '../../src/index.ts';
import { keepingLogger } from '../support/log.ts';
import { openTargets } from '../support/targets.ts';

const { embedded, target } = await openTargets('sqlite:');
let queues = 0;

const double = defineJob<'number.double', [value: number], number>('number.double');
const sum = defineJob<'number.sum', [], number>('number.sum');

describe.each(['http', 'embedded'] as const)('workflows over %s', (way) => {
  const open = () => new Client(target(way), { logger: keepingLogger() });
  const newQueue = () => `w${queues++}`;

  /** A worker on the queue that doubles numbers, adds up what came before, tells what came before, and fails. */
  async function working<T>(queue: string, work: () => Promise<T>): Promise<T> {
    const worker = new Worker(target(way), { queues: [queue], handleSignals: false, logger: keepingLogger() });
    worker.register('number.double', ({ args: [value] }) => Number(value) * 2);
    worker.register('number.sum', ({ parentResults: parents }) =>
      parents.flat(9).reduce<number>((total, value) => total + Number(value), 0),
    );
    worker.register('job.parents', (ctx) => ({ parents: ctx.parentResults, workflowId: ctx.workflowId }));
    worker.register('job.nothing', () => {});
    worker.register('job.fail', () => {
      throw new DiscardError('no route to host');
    });
    return worker.runUntil(work);
  }

  test('a callback is given every result, those too that were too large for its envelope together', async () => {
    await using client = open();
    const queue = newQueue();
    const worker = new Worker(target(way), { queues: [queue], handleSignals: false, logger: keepingLogger() });
    worker.register('large.make', ({ args: [letter] }) => String(letter).repeat(1_000_000));
    worker.register('large.read', ({ parentResults: parents }) =>
      parents.flat().map((one) => (typeof one === 'string' ? `${one[0]}${one.length}` : one)),
    );
    const letters = [...'abcdefghijklmnopqrst'];
    const makers = letters.map((letter) => ({ type: 'large.make', args: [letter], queue }));
    const reader = { type: 'large.read', args: [], queue };
    const read = letters.map((letter) => `${letter}1000000`);
    // 20 MB of results: a batch over one way, and a chain over the other.
    await worker.runUntil(async () => {
      if (way === 'embedded') {
        const nested = await client.workflow(chain('nested', [group('many', makers), reader]));
        expect(await nested.wait()).toEqual(read);
        return;
      }
      const done = await client.workflow(batch('many', makers, { onComplete: reader }));
      await done.wait();
      const callback = (await client.getWorkflow(done.id)).steps.find(({ id }) => id === 'on_complete');
      expect(await client.getJob(callback?.jobId ?? '')).toMatchObject({ result: read });
    });
  });

  test('a chain gives its last result; each step sees the results before it', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(
      chain('onboarding', [job(double, [1]), job(double, [2]), { type: 'job.parents', args: [] }], { queue }),
    );
    expect(workflow).toMatchObject({ name: 'onboarding', state: 'running' });
    expect(workflow.createdAt).toBeInstanceOf(Date);
    expect(workflow.steps.map(({ id, type, state, dependsOn }) => ({ id, type, state, dependsOn }))).toEqual([
      { id: '0', type: 'number.double', state: 'pending', dependsOn: [] },
      { id: '1', type: 'number.double', state: 'waiting', dependsOn: ['0'] },
      { id: '2', type: 'job.parents', state: 'waiting', dependsOn: ['1'] },
    ]);
    expect(await working(queue, () => workflow.wait({ timeout: '20s' }))).toEqual({
      parents: [2, 4],
      workflowId: workflow.id,
    });
    const read = await client.getWorkflow(workflow.id);
    expect(read.state).toBe('completed');
    expect(read.completedAt).toBeInstanceOf(Date);
    expect(read.steps.map(({ state, result }) => [state, result])).toEqual([
      ['completed', 2],
      ['completed', 4],
      ['completed', { parents: [2, 4], workflowId: workflow.id }],
    ]);
    for (const step of read.steps) expect((await client.getJob(step.jobId ?? '')).workflowId).toBe(workflow.id);
    expect(await read.wait()).toEqual({ parents: [2, 4], workflowId: workflow.id });
  });

  test('a group gives all results in order', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(
      group('resize', [job(double, [1]), { type: 'job.nothing', args: [] }, job(double, [3])], { queue }),
    );
    expect(workflow.steps.map(({ id, state }) => [id, state])).toEqual([
      ['0', 'pending'],
      ['1', 'pending'],
      ['2', 'pending'],
    ]);
    expect(new Set(workflow.steps.map(({ jobId }) => jobId)).size).toBe(3);
    const results: [number, unknown, number] = await working(queue, () => workflow.wait());
    expect(results).toEqual([2, undefined, 6]);
  });

  test('a batch gives an Error for each job that failed, and completes with its callbacks', async () => {
    await using client = open();
    const queue = newQueue();
    const parents = { type: 'job.parents', args: [] };
    const workflow = await client.workflow(
      batch(
        'import',
        [
          job(double, [1]),
          { type: 'job.fail', args: [] },
          chain('inner', [job(double, [2]), { type: 'job.fail', args: [] }]),
        ],
        { onComplete: parents, onSuccess: parents, onFailure: parents, options: { queue } },
      ),
    );
    const [first, second, third] = await working(queue, () => workflow.wait());
    expect(first).toBe(2);
    expect(second).toBeInstanceOf(JobFailedError);
    expect(second).toMatchObject({
      message: 'The job was discarded: DiscardError: no route to host',
      errors: [{ message: 'no route to host' }],
    });
    expect(third).toBeInstanceOf(WorkflowFailedError);
    expect(third).toMatchObject({ step: { id: '2.1' }, errors: [{ message: 'no route to host' }] });
    const { steps } = await workflow.refresh();
    expect(steps.map(({ id, state }) => `${id} ${state}`)).toEqual([
      '0 completed',
      '1 failed',
      '2 failed',
      '2.0 completed',
      '2.1 failed',
      'on_complete completed',
      'on_success cancelled',
      'on_failure completed',
    ]);
    expect(steps.find(({ id }) => id === 'on_failure')?.result).toMatchObject({ parents: [2, null, null] });
  });

  test('nested four levels deep, with callbacks inside', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(
      chain(
        'deep',
        [
          group('g', [
            job(double, [1]),
            chain('c', [
              job(double, [2]),
              batch('b', [job(double, [3]), group('h', [job(double, [4]), job(double, [5])])], {
                onSuccess: job(sum, []),
              }),
            ]),
          ]),
          job(sum, []),
        ],
        { queue },
      ),
    );
    const total: number = await working(queue, () => workflow.wait());
    expect(total).toBe(2 + 6 + 8 + 10);
    const { steps } = await workflow.refresh();
    expect(steps.every(({ state }) => state === 'completed')).toBe(true);
    expect(steps.map(({ id }) => id)).toEqual(
      '0 0.0 0.1 0.1.0 0.1.1 0.1.1.0 0.1.1.1 0.1.1.1.0 0.1.1.1.1 0.1.1.on_success 1'.split(' '),
    );
    expect(steps.find(({ id }) => id === '0.1.1.on_success')?.result).toBe(24);
    expect(await (await client.getWorkflow(workflow.id)).wait()).toBe(total);
  });

  test('a dag gives its results by name; each node sees those of the nodes that it names', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(
      dag('etl', {
        load: { job: { type: 'job.parents', args: [], queue }, after: ['right', 'left'] },
        left: { job: job(double, [1], { queue }) },
        right: { job: job(double, [2], { queue }), after: ['left'] },
      }),
    );
    const results = await working(queue, () => workflow.wait());
    expect(results).toEqual({ left: 2, right: 4, load: { parents: [4, 2], workflowId: workflow.id } });
    expect(await (await client.getWorkflow(workflow.id)).wait()).toEqual(results);
  });

  test('a chain that fails names its step, with the error history of its job', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(
      chain('doomed', [job(double, [1]), { type: 'job.fail', args: [] }, job(double, [2])], { queue }),
    );
    const error: unknown = await working(queue, () => workflow.wait().catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({
      message: 'The workflow "doomed" failed at step 1 (job.fail), which was discarded: DiscardError: no route to host',
      workflow: { id: workflow.id, state: 'failed' },
      step: { id: '1', type: 'job.fail', state: 'failed', error: { message: 'no route to host' } },
      job: { state: 'discarded' },
      errors: [{ type: 'DiscardError', message: 'no route to host', attempt: 1 }],
    });
    await expect((await client.getWorkflow(workflow.id)).wait()).rejects.toThrow('failed at step 1');
    expect((await workflow.refresh()).steps.map(({ state }) => state)).toEqual(['completed', 'failed', 'cancelled']);
  });

  test('a batch whose callback fails names the callback', async () => {
    await using client = open();
    const queue = newQueue();
    const fail = { type: 'job.fail', args: [] };
    const workflow = await client.workflow(batch('b', [fail], { onFailure: fail, options: { queue } }));
    await expect(working(queue, () => workflow.wait())).rejects.toMatchObject({ step: { id: 'on_failure' } });
  });

  test('cancelling a workflow rejects waits, and pending steps never run', async () => {
    await using client = open();
    const queue = newQueue();
    const workflow = await client.workflow(chain('c', [job(double, [1]), job(double, [2])], { queue }));
    const waiting = workflow.wait().catch((error: unknown) => error);
    await expect(workflow.wait({ timeout: 20 })).rejects.toBeInstanceOf(OJSTimeoutError);
    expect(await workflow.cancel()).toMatchObject({ state: 'cancelled' });
    expect(await waiting).toMatchObject({ name: 'WorkflowFailedError', message: 'The workflow "c" was cancelled.' });
    await expect(client.cancelWorkflow(workflow.id)).rejects.toMatchObject({ code: 'conflict', statusCode: 409 });
    await expect(client.getWorkflow('019539a4-b68c-7def-8000-1a2b3c4d5e6f')).rejects.toMatchObject({
      name: 'JobNotFoundError',
    });
  });

  test('every option of a step arrives; options of the workflow hold where a step has none', async () => {
    await using client = open();
    const queue = newQueue();
    const expiresAt = new Date('2099-01-02T00:00:00Z');
    const step: JobRequest = {
      type: 'a.b',
      args: [{ snake_case: 1 }],
      queue,
      meta: { b: 2, trace: 'own' },
      priority: 7,
      retry: { maxAttempts: 9, initialInterval: '2s', onExhaustion: 'dead_letter' },
      timeout: '5s',
      tags: ['x'],
      unique: { keys: ['type', 'args'], period: '1h' },
      expiresAt,
      scheduledAt: '2099-01-01T00:00:00Z',
    };
    const options = {
      queue: 'other',
      priority: -3,
      timeoutMs: 1_000,
      delay: '1h',
      tags: ['outer'],
      meta: { a: 1, trace: 'outer' },
    } as const;
    const workflow = await client.workflow(
      group('g', [step, { type: 'c.d', args: [] }], { ...options, tags: ['outer'] }),
    );
    const [first, second] = await Promise.all(workflow.steps.map(({ jobId }) => client.getJob(jobId ?? '')));
    expect(first).toMatchObject({
      type: 'a.b',
      state: 'scheduled',
      args: [{ snake_case: 1 }],
      queue,
      meta: { a: 1, b: 2, trace: 'own' },
      priority: 7,
      maxAttempts: 9,
      retry: { maxAttempts: 9, initialInterval: 'PT2S', onExhaustion: 'dead_letter' },
      timeoutMs: 5_000,
      tags: ['x'],
      unique: { keys: ['type', 'args'], period: 'PT1H' },
      expiresAt,
      scheduledAt: new Date('2099-01-01T00:00:00Z'),
      workflowId: workflow.id,
    });
    expect(second).toMatchObject({
      queue: 'other',
      priority: -3,
      timeoutMs: 1_000,
      tags: ['outer'],
      meta: { a: 1, trace: 'outer' },
    });
    expect(second?.scheduledAt?.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
  });

  test('parentResults() types the results and refuses another number of parents', async () => {
    await using client = open();
    const queue = newQueue();
    const worker = new Worker(target(way), { queues: [queue], handleSignals: false, logger: keepingLogger() });
    worker.register(double.type, ({ args: [value] }) => Number(value) * 2);
    worker.register('typed.sum', (ctx) => {
      const [one, [two, three]] = parentResults(ctx, double, [double, double]);
      const total: number = one + two + three;
      return total;
    });
    await worker.runUntil(async () => {
      const typed = { type: 'typed.sum', args: [], retry: { maxAttempts: 1 } };
      const good = await client.workflow(
        chain('c', [job(double, [1]), group('g', [job(double, [2]), job(double, [3])]), typed], { queue }),
      );
      expect(await good.wait()).toBe(12);
      const bad = await client.workflow(chain('c', [job(double, [1]), typed], { queue }));
      await expect(bad.wait()).rejects.toThrow('typed.sum expects 2 steps before it, and has 1');
    });
  });
});

test('a step of a chain with more than 1,000 steps before it fails loudly where it reads an older result', async () => {
  await using client = new Client(embedded, { logger: keepingLogger() });
  const queue = 'long';
  const worker = new Worker(embedded, { queues: [queue], handleSignals: false, logger: keepingLogger() });
  worker.register('long.step', ({ args: [place], parentResults: parents }) => {
    if (place !== 1_001) return place;
    const old = () => parents[0];
    expect(old).toThrow('parentResults[0]: a step gets the results of the nearest steps only, here from place 1 on.');
    expect(() => parents.map(String)).toThrow(OJSError);
    return [parents.length, parents[1], parents.at(-1)];
  });
  const steps = Array.from({ length: 1_002 }, (_, place) => ({ type: 'long.step', args: [place], queue }));
  const long = await client.workflow(chain('long', steps));
  expect(await worker.runUntil(() => long.wait({ timeout: '60s' }))).toEqual([1_001, 1, 1_000]);
});
