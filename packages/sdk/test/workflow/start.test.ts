import { type Embedded, openEmbedded } from '@ojs-ts/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  batch,
  Client,
  chain,
  dag,
  defineJob,
  type EnqueueMiddleware,
  group,
  type JobRequest,
  job,
  type StandardSchemaV1,
  Worker,
} from '../../src/index.ts';
import { Faulty, refusal } from '../support/faulty.ts';
import { keepingLogger } from '../support/log.ts';

const a: JobRequest = { type: 'a.a', args: [] };
const b: JobRequest = { type: 'b.b', args: [] };

let embedded: Embedded;
let wire: Faulty;
let client: Client;

beforeEach(async () => {
  embedded = await openEmbedded('memory:');
  wire = new Faulty(embedded);
  client = new Client(wire, { requestRetry: { minBackoff: 1, maxBackoff: 2 }, logger: keepingLogger() });
});

afterEach(async () => {
  await client.close();
  await embedded[Symbol.asyncDispose]();
});

/** A server that says nothing of workflows in workflows. */
function foreign(): void {
  for (let n = 0; n < 20; n++) wire.spoil('system.manifest', refusal(404, 'no such page'));
}

const created = () => wire.bodies('workflow.create')[0] ?? {};

describe('what is checked before anything is sent', () => {
  const cases: readonly (readonly [string, Parameters<Client['workflow']>[0], string, string])[] = [
    ['no name', chain('', [a]), 'name', 'expected a text of 1 to 255 characters, got ""'],
    ['no job', chain('c', []), 'jobs', 'expected at least one job'],
    ['a nested one without a job', chain('c', [a, group('g', [])]), 'jobs[1].jobs', 'expected at least one job'],
    ['no callback', batch('b', [a], {}), 'callbacks', 'without callbacks, use group()'],
    ['a type', chain('c', [a, { type: 'A', args: [] }]), 'jobs[1].type', 'lower-case words'],
    [
      'args',
      chain('c', [group('g', [a, { ...b, args: [{ at: new Date() }] }])]),
      'jobs[0].jobs[1].args[0].at',
      'a Date is no JSON value',
    ],
    ['a priority', chain('c', [{ ...a, priority: 101 }]), 'jobs[0].priority', 'from -100 to 100'],
    [
      'a callback',
      batch('b', [a], { onFailure: { ...a, queue: 'Q' } }),
      'callbacks.onFailure.queue',
      'lower-case letters',
    ],
    [
      'a nested callback',
      chain('c', [batch('b', [a], { onSuccess: { ...a, timeout: '1s', timeoutMs: 1 } })]),
      'jobs[0].callbacks.onSuccess.timeout',
      'same as timeoutMs',
    ],
    ['an id', chain('c', [{ ...a, id: '019539a4-b68c-7def-8000-1a2b3c4d5e6f' }]), 'jobs[0].id', 'the server chooses'],
    [
      'an empty one far inside',
      chain('c', [group('g', [chain('e', [])])]),
      'jobs[0].jobs[0].jobs',
      'expected at least one job',
    ],
    [
      'a cycle',
      dag('d', { one: { job: a, after: ['two'] }, two: { job: a, after: ['one'] } }),
      'nodes.one.after',
      'one, two wait for each other',
    ],
    [
      'a misspelled name',
      // @ts-expect-error no such node
      dag('d', { alpha: { job: a }, b: { job: a, after: ['alpah'] } }),
      'nodes.b.after[0]',
      'there is no node "alpah". Did you mean alpha?',
    ],
    [
      'a name of a callback',
      dag('d', { 'on-failure': { job: a } }),
      'nodes.on-failure',
      'reserved for callbacks of a batch',
    ],
    ['a node', dag('d', { one: { job: { ...a, queue: 'Q' } } }), 'nodes.one.job.queue', 'lower-case letters'],
    ['a dag inside', group('g', [dag('d', { one: { job: a } })]), 'jobs[0]', 'cannot be nested in another'],
  ];
  test('a batch without callbacks, where no compiler is', () => {
    // @ts-expect-error at least one callback
    expect(() => batch('b', [a])).toThrow('callbacks: expected onComplete, onSuccess or onFailure');
  });

  test.each(cases)('%s', async (_, definition, path, message) => {
    await expect(client.workflow(definition)).rejects.toMatchObject({
      name: 'OJSValidationError',
      message: expect.stringContaining(message),
      issues: [{ path }],
    });
    expect(wire.calls).toEqual([]);
  });

  test('args of a definition, by its schema; they are sent as they were given, because the worker parses them again', async () => {
    const schema: StandardSchemaV1<string, number> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          Number.isFinite(Number(value)) ? { value: Number(value) } : { issues: [{ message: 'no number' }] },
      },
    };
    const count = defineJob('count.to', { payload: schema, queue: 'counting' });
    await expect(client.workflow(group('g', [a, job(count, ['x'])]))).rejects.toMatchObject({
      message: 'jobs[1].args[0]: no number',
      issues: [{ path: 'jobs[1].args[0]' }],
    });
    const { steps } = await client.workflow(group('g', [job(count, ['7'])]));
    expect(await client.getJob(steps[0]?.jobId ?? '')).toMatchObject({ args: ['7'], queue: 'counting' });
  });
});

describe('a call whose answer is lost', () => {
  test.each(['before', 'after'] as const)('cut %s the commit: started once', async (moment) => {
    wire.spoil('workflow.create', moment);
    const workflow = await client.workflow(group('g', [a, a]));
    const [first, second] = wire.of('workflow.create');
    expect(second).toEqual(first);
    expect(first?.idempotencyKey).toBe(workflow.id);
    expect((await client.queueStats('default')).available).toBe(2);
  });

  test('a server without idempotency keys that refuses our own id after it: success', async () => {
    wire.spoil('workflow.create', 'after');
    wire.spoil('workflow.create', async (call) => {
      const { id } = JSON.parse(call.body ?? '{}');
      return refusal(409, { error: { code: 'duplicate', message: 'there', details: { existing_workflow_id: id } } });
    });
    expect(await client.workflow(group('g', [a]))).toMatchObject({ name: 'g', state: 'running' });
  });

  test('a cancellation cut after the commit is a success', async () => {
    const workflow = await client.workflow(group('g', [a]));
    wire.spoil('workflow.cancel', 'after');
    expect(await workflow.cancel()).toMatchObject({ state: 'cancelled' });
  });
});

describe('on the wire', () => {
  test('kinds, nested, with callbacks; snake_case, durations in ISO 8601', async () => {
    const retry = { maxAttempts: 4, initialInterval: '2s', backoffCoefficient: 3 } as const;
    const step: JobRequest = { ...a, retry, priority: 2, meta: { camelCase: 1 } };
    const workflow = await client.workflow(chain('c', [batch('b', [step], { onComplete: a }), a]));
    const plain = { type: 'a.a', args: [], options: {} };
    const options = { priority: 2, retry: { max_attempts: 4, initial_interval: 'PT2S', backoff_coefficient: 3 } };
    const inner = {
      name: 'b',
      type: 'batch',
      jobs: [{ ...plain, meta: { camelCase: 1 }, options }],
      callbacks: { on_complete: plain },
    };
    expect(created()).toEqual({ id: workflow.id, name: 'c', type: 'chain', steps: [inner, plain] });
  });

  test('steps with depends_on, for servers that know nothing else', async () => {
    foreign();
    await client.workflow(batch('b', [a, chain('c', [a, group('g', [a, a]), a])], { onFailure: { ...a, queue: 'q' } }));
    expect(created()).toMatchObject({
      name: 'b',
      steps: [
        { id: '0', depends_on: [] },
        { id: '1.0', depends_on: [] },
        { id: '1.1.0', depends_on: ['1.0'] },
        { id: '1.1.1', depends_on: ['1.0'] },
        { id: '1.2', depends_on: ['1.1.0', '1.1.1'] },
        { id: 'on_failure', depends_on: ['0', '1.2'], options: { queue: 'q', callback_type: 'on_failure' } },
      ],
    });
    expect(created()).not.toHaveProperty('type');
  });

  test('results of flattened workflows, on a real server', async () => {
    foreign();
    const worker = new Worker(embedded, { handleSignals: false, logger: keepingLogger() });
    const same = defineJob<'number.same', [value: number], number>('number.same');
    worker.register('number.same', ({ args: [value] }) => value);
    worker.register('job.fail', () => {
      throw new Error('never');
    });
    const fail: JobRequest = { type: 'job.fail', args: [], retry: { maxAttempts: 1 } };
    await worker.runUntil(async () => {
      const first = group('g', [job(same, [1]), job(same, [2])]);
      const nested = await client.workflow(
        chain('c', [first, group('h', [job(same, [3]), chain('i', [job(same, [4])])])]),
      );
      expect(await nested.wait()).toEqual([3, 4]);
      const single = await client.workflow(group('g', [job(same, [1])]));
      expect(await single.wait()).toEqual([1]);
      const inner = chain('c', [fail, job(same, [2])]);
      const failing = await client.workflow(batch('b', [job(same, [1]), inner], { onComplete: job(same, [5]) }));
      const [one, two] = await failing.wait();
      expect(one).toBe(1);
      expect(two).toMatchObject({ name: 'WorkflowFailedError', step: { id: '1.0' }, errors: [{ message: 'never' }] });
      expect((await failing.refresh()).steps.map(({ id, state }) => `${id} ${state}`)).toEqual([
        '0 completed',
        '1.0 failed',
        '1.1 cancelled',
        'on_complete completed',
      ]);
    });
  });

  test.each([
    [
      'wrapped, active',
      {
        workflow: {
          id: 'w',
          name: 'n',
          state: 'active',
          steps: [{ id: 's', type: 'a.a', state: 'active', job_id: 'j' }],
        },
      },
    ],
    [
      'at the top level',
      { id: 'w', name: 'n', state: 'running', jobs: [{ id: 's', type: 'a.a', state: 'active', job_id: 'j' }] },
    ],
  ])('an answer %s', async (_, body) => {
    wire.spoil('workflow.get', { status: 200, text: JSON.stringify(body), headers: {} });
    expect(await client.getWorkflow('w')).toMatchObject({
      id: 'w',
      name: 'n',
      state: 'running',
      steps: [{ id: 's', jobId: 'j', args: [] }],
    });
  });
});

describe('the enqueue middleware', () => {
  test('each job passes the middleware by itself, every change reaches the wire, and next() resolves with the job', async () => {
    const seen: string[] = [];
    client.enqueueMiddleware(async (request, next) => {
      request.meta = { ...request.meta, trace: seen.length };
      request.args = [...request.args, 'more'];
      request.priority = 9;
      seen.push(`before ${request.type}`);
      const made = await next(request);
      seen.push(`after ${made?.type} ${made?.id === '' ? 'waits' : 'is there'} ${made?.workflowId}`);
      return made;
    });
    const inner = batch('b', [{ ...b, args: [1] }], { onSuccess: { type: 'c.c', args: [] } });
    const { id, steps } = await client.workflow(chain('c', [a, inner]));
    expect(seen.slice(0, 3)).toEqual(['before a.a', 'before b.b', 'before c.c']);
    expect(seen.slice(3).sort()).toEqual([
      `after a.a is there ${id}`,
      `after b.b waits ${id}`,
      `after c.c waits ${id}`,
    ]);
    expect(await client.getJob(steps[0]?.jobId ?? '')).toMatchObject({
      args: ['more'],
      meta: { trace: 0 },
      priority: 9,
    });
    expect(created()).toMatchObject({
      steps: [{}, { jobs: [{ args: [1, 'more'] }], callbacks: { on_success: { meta: { trace: 2 } } } }],
    });
  });

  test('a request changed by a middleware is checked again', async () => {
    client.enqueueMiddleware((request, next) => next({ ...request, queue: request.type === 'b.b' ? 'NO' : 'yes' }));
    await expect(client.workflow(group('g', [a, b]))).rejects.toMatchObject({ issues: [{ path: 'jobs[1].queue' }] });
    expect(wire.of('workflow.create')).toEqual([]);
  });

  const stoppers: readonly (readonly [string, EnqueueMiddleware, string])[] = [
    ['drops a job', async () => null, 'jobs[1]: a middleware dropped this job'],
    ['throws', async () => Promise.reject(new Error('not today')), 'not today'],
    ['changes the id', (request, next) => next({ ...request, id: 'x' }), 'must not change the id'],
  ];
  test.each(stoppers)(
    'a middleware that %s stops the workflow, and the others reject',
    async (_, middleware, message) => {
      const heard: string[] = [];
      client.enqueueMiddleware(async (request, next) => {
        try {
          return await next(request);
        } catch (error) {
          heard.push(String(error));
          throw error;
        }
      });
      client.enqueueMiddleware((request, next) => (request.type === 'b.b' ? middleware(request, next) : next(request)));
      await expect(client.workflow(group('g', [a, b]))).rejects.toThrow(message);
      expect(heard.length).toBeGreaterThan(0);
      for (const one of heard) expect(one).toContain(message);
      expect(wire.of('workflow.create')).toEqual([]);
    },
  );
});

describe('a call that starts a workflow', () => {
  const never = () => new Promise<never>(() => {});

  test.each(['the manifest', 'a middleware', 'the answer'])(
    'the deadline and signal of a workflow call apply while %s hangs',
    async (what) => {
      if (what === 'a middleware') client.enqueueMiddleware(never);
      else {
        for (let n = 0; n < 2; n++) wire.spoil(what === 'the manifest' ? 'system.manifest' : 'workflow.create', never);
      }
      await expect(client.workflow(chain('c', [a]), { requestTimeout: 30 })).rejects.toMatchObject({
        name: 'OJSTimeoutError',
      });
      const aborted = new AbortController();
      const starting = client.workflow(chain('c', [a]), { signal: aborted.signal });
      aborted.abort(new Error('enough'));
      await expect(starting).rejects.toThrow('enough');
    },
    // Less than the 30 s that a call has of itself.
    20_000,
  );

  test('after a 404 from a proxy the server’s extensions are detected again', async () => {
    wire.spoil('system.manifest', refusal(404, 'no such page'));
    await client.workflow(chain('c', [a]));
    await client.workflow(chain('c', [a, group('g', [b, b])]));
    expect(wire.bodies('workflow.create').map((body) => 'type' in body)).toEqual([false, true]);
  });
});
