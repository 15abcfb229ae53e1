import { describe, expect, test } from 'vitest';
import { type ErrorCode, members } from '../../src/index.ts';
import { type NewNode, readNodeSpec, readWorkflow } from '../../src/workflow/index.ts';
import { jobSpecText } from '../../src/workflow/spec.ts';
import { faultOf } from '../support/fault.ts';
import { minting, start } from './toy.ts';

const id = '019461a8-1a2b-7c3d-8e4f-5a6b7c8d9e0f';
const job = (more: object = {}) => ({ type: 'a.b', args: [], ...more });
const callback = (type: string, more: object = {}) => job({ options: { callback_type: type }, ...more });
const read = (request: object) => readWorkflow(JSON.stringify(request), start, minting());
const kind = (request: object) => read(request).workflow.kind;

/** name, open dependencies, followers. */
const shape = (nodes: readonly NewNode[]) => nodes.map(({ name, open, next, member }) => [name, open, next, member]);

function expectFault(request: object | string, code: ErrorCode, path: string, message: RegExp = /./) {
  const error = faultOf(() =>
    readWorkflow(typeof request === 'string' ? request : JSON.stringify(request), start, minting()),
  );
  const issues = (error.details.validation_errors ?? []) as { path: string }[];
  expect([error.code, issues[0]?.path ?? '']).toEqual([code, path]);
  expect(error.message).toMatch(message);
}

describe('dialects', () => {
  test('a chain: each step waits for the one before it, the root for the last', () => {
    const { workflow, nodes } = read({ type: 'chain', name: 'n', steps: [job(), job(), job()] });
    expect(workflow).toMatchObject({ name: 'n', kind: 'chain', total: 3 });
    expect(shape(nodes)).toEqual([
      ['0', 0, [1], true],
      ['1', 1, [2], true],
      ['2', 1, [3], true],
      ['', 1, [], false],
    ]);
    expect(nodes.map(({ job }) => job === null)).toEqual([false, false, false, true]);
  });

  test('a group and a batch: all at once; callbacks wait for the end of all jobs', () => {
    expect(shape(read({ type: 'group', jobs: [job(), job()] }).nodes)).toEqual([
      ['0', 0, [2], true],
      ['1', 0, [2], true],
      ['', 2, [], false],
    ]);
    const callbacks = { on_complete: job(), on_success: null, on_failure: job() };
    expect(shape(read({ type: 'batch', jobs: [job(), job()], callbacks }).nodes)).toEqual([
      ['0', 0, [2], true],
      ['1', 0, [2], true],
      ['', 2, [3, 4], false],
      ['on_complete', 1, [5], false],
      ['on_failure', 1, [5], false],
      ['', 2, [], false],
    ]);
  });

  test('steps and jobs are interchangeable (conformance samples write a chain with jobs)', () => {
    expect(shape(read({ type: 'chain', jobs: [job(), job()] }).nodes)).toEqual(
      shape(read({ type: 'chain', steps: [job(), job()] }).nodes),
    );
    expect(shape(read({ type: 'group', steps: [job()] }).nodes)).toEqual(
      shape(read({ type: 'group', jobs: [job()] }).nodes),
    );
  });

  test('nested: a composite has a node for its end, and names of its items begin with its own', () => {
    const group = { type: 'group', id: 'fan', jobs: [job(), { type: 'chain', steps: [job(), job()] }] };
    const { workflow, nodes } = read({ type: 'chain', steps: [job(), group, job()] });
    expect(workflow.total).toBe(5);
    expect(shape(nodes)).toEqual([
      ['0', 0, [3, 5], true],
      ['fan', 2, [2], false],
      ['2', 1, [7], true],
      ['fan.0', 1, [1], true],
      ['fan.1', 1, [1], false],
      ['fan.1.0', 1, [6], true],
      ['fan.1.1', 1, [4], true],
      ['', 1, [], false],
    ]);
  });

  test('a graph: depends_on by id, in any order, once each', () => {
    const steps = [job({ id: 'c', depends_on: ['a', 'b', 'a'] }), job({ id: 'a' }), job({ id: 'b', depends_on: [] })];
    const { workflow, nodes } = read({ name: 'n', steps });
    expect(workflow.kind).toBe('dag');
    expect(shape(nodes)).toEqual([
      ['c', 2, [3], true],
      ['a', 0, [0], true],
      ['b', 0, [0], true],
      ['', 1, [], false],
    ]);
  });

  test('a graph: depends_on by a name that only one step has, where no id is it', () => {
    const steps = [
      job({ name: 'a' }),
      job({ id: 'a' }),
      job({ name: 'b' }),
      job({ id: 'c', name: 'd', depends_on: ['a', 'b'] }),
      job({ depends_on: ['d'] }),
    ];
    const { nodes } = read({ type: 'dag', steps });
    expect(shape(nodes).map(([name, open, next]) => [name, open, next])).toEqual([
      ['0', 0, [5]],
      ['a', 0, [3]],
      ['2', 0, [3]],
      ['c', 2, [4]],
      ['4', 1, [5]],
      ['', 2, []],
    ]);
  });

  test('a graph without a type is what its dependencies make of it', () => {
    const chain = [
      job({ id: 'step-0' }),
      job({ id: 'step-1', depends_on: ['step-0'] }),
      job({ id: 'step-2', depends_on: ['step-1'] }),
    ];
    expect(kind({ name: 'n', steps: chain })).toBe('chain');
    expect(kind({ type: 'dag', steps: chain })).toBe('dag');
    expect(kind({ steps: [job()] })).toBe('chain');
    expect(kind({ steps: [job(), job({ depends_on: null })] })).toBe('group');
    expect(kind({ jobs: [job(), job()], callbacks: { on_failure: job() } })).toBe('batch');
    expect(kind({ steps: [job(), job(), job({ depends_on: ['0'] })] })).toBe('dag');
    expect(kind({ steps: [job(), job({ depends_on: ['0'] }), job({ depends_on: ['0'] })] })).toBe('dag');
  });

  test.each([
    ['callback_type', [callback('on_success', { id: 'x', depends_on: ['a', 'b'] })]],
    ['callback_type without depends_on', [callback('on-success', { id: 'x' })]],
    ['an id with _', [job({ id: 'on_success', depends_on: ['b', 'a'] })]],
    ['an id with -', [job({ id: 'on-success', depends_on: ['b', 'a'] })]],
  ])('a batch as a graph: callbacks by %s (interop 2)', (_, callbacks) => {
    const { workflow, nodes } = read({ name: 'n', steps: [job({ id: 'a' }), ...callbacks, job({ id: 'b' })] });
    expect(workflow).toMatchObject({ kind: 'batch', total: 2 });
    const [, , , callback] = nodes;
    expect(shape(nodes).map(([, open, next]) => [open, next])).toEqual([
      [0, [2]],
      [0, [2]],
      [2, [3]],
      [1, [4]],
      [1, []],
    ]);
    expect(JSON.parse(callback?.spec ?? '').callback).toBe('on_success');
  });

  test('an id alone makes no callback', () => {
    expect(kind({ steps: [job({ id: 'a' }), job({ id: 'b' }), job({ id: 'on_success', depends_on: ['a'] })] })).toBe(
      'dag',
    );
    expect(
      kind({
        steps: [
          job({ id: 'a' }),
          job({ id: 'on_success', depends_on: ['a'] }),
          job({ id: 'b', depends_on: ['on_success'] }),
        ],
      }),
    ).toBe('chain');
    expect(kind({ steps: [job({ id: 'on_success' })] })).toBe('chain');
  });

  test('a typed batch may have its callbacks among its jobs, and a graph of jobs callbacks', () => {
    const listed = [job(), callback('on_complete', { id: 'cb' })];
    expect(read({ type: 'batch', jobs: listed }).workflow).toMatchObject({ kind: 'batch', total: 1 });
    const { workflow, nodes } = read({ steps: [job(), job({ depends_on: ['0'] })], callbacks: { on_complete: job() } });
    expect(workflow.kind).toBe('batch');
    expect(shape(nodes).slice(0, 3)).toEqual([
      ['0', 0, [1], true],
      ['1', 1, [2], true],
      ['', 1, [3], false],
    ]);
  });

  test('a job of type group is a job', () => {
    expect(read({ type: 'chain', steps: [{ type: 'group', args: [] }] }).workflow.total).toBe(1);
  });
});

describe('stored text', () => {
  test('the envelope byte for byte, without what belongs to the workflow', () => {
    const text =
      '{"type":"chain","steps":[{"type":"a.b","args":[1.0, 9007199254740993],"x":1e3},{"id":"s","type":"a.b","args":[2.50],"depends_on":["0"]}]}';
    const { nodes } = readWorkflow(text, start, minting());
    expect(members(nodes[0]?.spec ?? '').get('run')).toBe('{"type":"a.b","args":[1.0, 9007199254740993],"x":1e3}');
    expect(members(nodes[1]?.spec ?? '').get('run')).toBe('{"type":"a.b","args":[2.50]}');
  });

  test('is read as it was written, whatever the envelope holds', () => {
    const job = '{"type":"a.b","args":["\\"run\\":",{"run":1.0}]}';
    for (const spec of [
      { job, options: 2, parents: { deps: [0, 3] }, callback: 'on_success', guard: true },
      { job, options: null, parents: {}, callback: null, guard: false },
    ] as const)
      expect(readNodeSpec(jobSpecText(spec))).toEqual({ role: 'job', ...spec });
  });

  test('nothing is stored twice: a group of 10,000 takes 14 characters a job beside its envelopes', () => {
    const list = Array.from({ length: 10_000 }, (_, index) => job({ args: [`user${index}`] }));
    const { workflow, nodes, steps } = read({ type: 'group', options: { queue: 'mail' }, jobs: list });
    expect(nodes.length).toBe(10_001);
    expect(steps.length).toBe(10_000);
    const specs = nodes.reduce((sum, { spec }) => sum + spec.length, 0);
    expect(specs - list.reduce((sum, one) => sum + JSON.stringify(one).length, 0)).toBeLessThan(10_000 * 20 + 100);
    expect(workflow.spec.length).toBeLessThan(100);
  });

  test('ids: the client’s own UUIDv7, or a minted one; each job has its own', () => {
    expect(read({ id, steps: [job()] }).workflow.id).toBe(id);
    const { workflow, nodes } = read({ type: 'group', jobs: [job({ id }), job()] });
    const minted = [workflow.id, ...nodes.flatMap(({ job }) => job ?? [])];
    expect(new Set(minted).size).toBe(3);
    expect(minted).not.toContain(id);
  });

  test('the same request under the same id is the same workflow, another one is not', () => {
    const spec = (args: unknown[]) => read({ id, steps: [job({ args })] }).workflow.spec;
    expect(spec([1])).toBe(spec([1]));
    expect(spec([1])).not.toBe(spec([2]));
    // Ids minted from an Idempotency-Key come in the same order for any request.
    expect(read({ steps: [job()] }).workflow.id).toBe(read({ steps: [job(), job()] }).workflow.id);
  });

  test('events of the creation', () => {
    const { events } = read({ type: 'batch', name: 'n', jobs: [job(), job()], callbacks: { on_complete: job() } });
    const data = { workflow_name: 'n', workflow_type: 'batch', total_steps: 2 };
    expect(events.map((event) => JSON.parse(event))).toMatchObject([
      { 0: 'workflow.created', 10: data },
      { 0: 'workflow.started', 10: data },
    ]);
  });

  test('envelopes are handed out for checks that need a registry', () => {
    const { steps } = read({
      type: 'chain',
      steps: [job(), { type: 'group', jobs: [job({ schema: 'urn:x', args: [1] })] }],
    });
    expect(steps.map(({ path, read }) => [path, read.schema, read.args])).toEqual([
      ['$.steps[0]', null, '[]'],
      ['$.steps[1].jobs[0]', 'urn:x', '[1]'],
    ]);
  });
});

describe('refusals', () => {
  const deep = (levels: number): object => (levels === 0 ? job() : { type: 'group', jobs: [deep(levels - 1)] });
  const many = (count: number) => Array.from({ length: count }, () => job());

  test.each<[string, object, string, RegExp]>([
    ['no steps', { type: 'chain', steps: [] }, '$.steps', /at least one/],
    ['no list', { type: 'group' }, '$.jobs', /at least one/],
    ['nothing at all', {}, '$.steps', /at least one/],
    ['two lists', { type: 'chain', steps: [job()], jobs: [job()] }, '$.jobs', /not both/],
    ['an unknown type', { type: 'saga', steps: [job()] }, '$.type', /chain, group, batch or dag/],
    ['an id that is no UUIDv7', { id: 'wf_1', steps: [job()] }, '$.id', /UUIDv7/],
    ['a name that is no text', { name: 1, steps: [job()] }, '$.name', /text/],
    ['meta that is no object', { meta: [], steps: [job()] }, '$.meta', /object/],
    ['a batch without callbacks', { type: 'batch', jobs: [job()] }, '$.callbacks', /at least one of on_complete/],
    [
      'an unknown callback',
      { type: 'batch', jobs: [job()], callbacks: { on_sucess: job() } },
      '$.callbacks',
      /on_sucess/,
    ],
    [
      'a callback that is no object',
      { type: 'batch', jobs: [job()], callbacks: { on_success: 'a.b' } },
      '$.callbacks.on_success',
      /object/,
    ],
    [
      'a wrong callback',
      { type: 'batch', jobs: [job()], callbacks: { on_success: { type: 'A', args: [] } } },
      '$.callbacks.on_success.type',
      /./,
    ],
    [
      'callbacks of a chain',
      { type: 'chain', steps: [job()], callbacks: { on_success: job() } },
      '$.callbacks',
      /only a batch/,
    ],
    ['a callback of a group', { type: 'group', jobs: [callback('on_success')] }, '$.jobs[0]', /only a batch/],
    ['an unknown callback_type', { steps: [callback('x')] }, '$.steps[0].options.callback_type', /on_complete/],
    ['nothing but callbacks', { steps: [callback('on_success')] }, '$.steps[0]', /at least one step/],
    [
      'two callbacks of a kind',
      { steps: [job(), callback('on_success')], callbacks: { on_success: job() } },
      '$',
      /one on_success/,
    ],
    [
      'a callback before the end',
      { steps: [job(), job(), callback('on_success', { depends_on: ['0'] })] },
      '$.steps[2].depends_on',
      /every job/,
    ],
    [
      'a step after a callback',
      { steps: [job(), callback('on_success', { id: 'cb' }), job({ depends_on: ['0', 'cb'] })] },
      '$.steps[2].depends_on[1]',
      /callback "cb"/,
    ],
    ['a step that is no object', { steps: [job(), 'a.b'] }, '$.steps[1]', /object/],
    ['a step id that is no text', { steps: [job({ id: 7 })] }, '$.steps[0].id', /1 to 255/],
    ['an id twice', { steps: [job({ id: 'a' }), job({ id: 'a' })] }, '$.steps[1].id', /\$\.steps\[0\]/],
    ['an id that is the index of another step', { steps: [job(), job({ id: '0' })] }, '$.steps[1].id', /unique/],
    ['a dependency that is no list', { steps: [job({ depends_on: 'a' })] }, '$.steps[0].depends_on', /array/],
    [
      'a dependency on a name that two steps have',
      { steps: [job({ name: 'a' }), job({ name: 'a' }), job({ depends_on: ['a'] })] },
      '$.steps[2].depends_on[0]',
      /no step/,
    ],
    [
      'a callback by its name',
      { steps: [job(), callback('on_success', { name: 'cb' }), job({ depends_on: ['cb'] })] },
      '$.steps[2].depends_on[0]',
      /callback "cb"/,
    ],
    [
      'an unknown dependency',
      { steps: [job(), job({ depends_on: ['0', 'x'] })] },
      '$.steps[1].depends_on[1]',
      /"x", which is no step/,
    ],
    [
      'a step that waits for itself',
      { steps: [job({ id: 'a', depends_on: ['a'] })] },
      '$.steps[0].depends_on',
      /a ← a$/,
    ],
    [
      'a cycle',
      {
        steps: [
          job({ id: 'z' }),
          job({ id: 'a', depends_on: ['c', 'z'] }),
          job({ id: 'b', depends_on: ['a'] }),
          job({ id: 'c', depends_on: ['b'] }),
        ],
      },
      '$.steps[1].depends_on',
      /a ← c ← b ← a$/,
    ],
    [
      'a chain against its order',
      { type: 'chain', steps: [job({ depends_on: ['1'] }), job()] },
      '$.steps[0].depends_on[0]',
      /earlier/,
    ],
    [
      'a group with an order',
      { type: 'group', jobs: [job(), job({ depends_on: ['0'] })] },
      '$.jobs[1].depends_on[0]',
      /leave out type/,
    ],
    [
      'a callback of a batch after no job of it',
      { type: 'batch', jobs: [job(), callback('on_success', { depends_on: ['0', 'x'] })] },
      '$.jobs[1].depends_on[1]',
      /no job of the batch/,
    ],
    ['a job without args', { type: 'chain', steps: [job(), { type: 'a.b' }] }, '$.steps[1].args', /required/],
    [
      'a wrong job deep down',
      { type: 'chain', steps: [{ type: 'group', jobs: [{ type: 'A', args: [] }] }] },
      '$.steps[0].jobs[0].type',
      /./,
    ],
    ['an empty group deep down', { type: 'chain', steps: [{ type: 'group' }] }, '$.steps[0].jobs', /at least one/],
    ['wrong options of all', { options: { queue: 'Q' }, steps: [job()] }, '$.options.queue', /./],
    ['options that are none', { options: 'x', steps: [job()] }, '$.options', /object/],
    ['11 levels', deep(11), `$${'.jobs[0]'.repeat(10)}`, /10 levels/],
    ['20,000 jobs', { type: 'group', jobs: many(20_000) }, '$.jobs', /fewer than 20000/],
    [
      '20,000 nodes',
      {
        type: 'group',
        jobs: many(5_000).map((one) => ({ type: 'batch', jobs: [one], callbacks: { on_failure: one } })),
      },
      '$',
      /20000 jobs, callbacks and ends/,
    ],
    [
      '200,001 dependencies',
      {
        steps: [
          ...many(500),
          ...many(401).map((one) => ({ ...one, depends_on: Array.from({ length: 500 }, (_, at) => String(at)) })),
        ],
      },
      '$',
      /200000 dependencies/,
    ],
  ])('%s', (_, request, path, message) => expectFault(request, 'invalid_request', path, message));

  test.each([
    [
      'too many jobs in the last of its groups',
      {
        type: 'chain',
        steps: [
          { type: 'group', jobs: many(19_998) },
          { type: 'group', jobs: many(1) },
        ],
      },
      /fewer than 20000/,
    ],
    [
      'too many callbacks',
      {
        type: 'group',
        jobs: many(5_000).map((one) => ({ type: 'batch', jobs: [one], callbacks: { on_failure: one } })),
      },
      /20000 jobs, callbacks and ends/,
    ],
    [
      'too many dependencies',
      { steps: [...many(500), ...many(401).map((one) => ({ ...one, depends_on: many(500).map((_, at) => `${at}`) }))] },
      /200000 dependencies/,
    ],
    [
      'too many dependencies of a group as a whole',
      {
        steps: [...many(500), { type: 'group', jobs: many(401), depends_on: many(500).map((_, index) => `${index}`) }],
      },
      /200000 dependencies/,
    ],
  ])('%s: refused before any job is read', (_, request, message) => {
    let minted = 0;
    const mint = minting();
    const newId = () => {
      minted++;
      return mint();
    };
    expect(() => readWorkflow(JSON.stringify(request), start, newId)).toThrow(message);
    expect(minted).toBe(0);
  });

  test('a retry policy keeps its own code, a text that is no object its own', () => {
    expectFault(
      { steps: [job({ options: { retry: { max_attempts: -1 } } })] },
      'validation_error',
      '$.steps[0].options.retry.max_attempts',
    );
    expectFault('[]', 'invalid_payload', '');
    expectFault('', 'invalid_payload', '');
  });

  test('10 levels and 10,000 jobs are allowed, and a cycle is found in linear time', () => {
    expect(read(deep(10)).workflow.total).toBe(1);
    const ring = many(10_000).map((one, index) => ({
      ...one,
      id: `s${index}`,
      depends_on: [`s${(index + 9_999) % 10_000}`],
    }));
    expectFault({ steps: ring }, 'invalid_request', '$.steps[0].depends_on', /…/);
  });
});
