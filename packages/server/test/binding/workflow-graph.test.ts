import { expect, test } from 'vitest';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve } from '../support/server.ts';

interface Graph {
  readonly type: string;
  readonly state: string;
  readonly nodes: readonly {
    readonly index: number;
    readonly id: string;
    readonly kind: string;
    readonly state: string;
    readonly depends_on: readonly number[];
    readonly within: number | null;
    readonly type?: string;
    readonly job_id?: string | null;
    readonly callback?: string;
    readonly attempt?: number;
    readonly error?: { readonly message: string };
  }[];
}

const step = (type: string) => ({ type, args: ['a secret'] });

async function graphOf(url: string, workflow: object): Promise<{ readonly id: string; readonly graph: Graph }> {
  const made = await call<{ readonly id: string }>(url, '/workflows', workflow);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { body } = await call<Graph>(url, `/workflows/${made.body.id}/graph`);
  return { id: made.body.id, graph: body };
}

/** `a>b` where b waits for a. */
function edges({ nodes }: Graph): readonly string[] {
  return nodes.flatMap(({ depends_on, index }) => depends_on.map((before) => `${before}>${index}`));
}

test('a chain, a group and a graph have the edges of their form', async () => {
  await using server = await serve();
  const { graph: chain } = await graphOf(server.url, { type: 'chain', steps: [step('a.a'), step('a.b'), step('a.c')] });
  expect(edges(chain)).toEqual(['0>1', '1>2']);
  expect(chain.nodes.map(({ state }) => state)).toEqual(['pending', 'waiting', 'waiting']);
  const { graph: group } = await graphOf(server.url, { type: 'group', jobs: [step('a.a'), step('a.b')] });
  expect(edges(group)).toEqual([]);
  const { graph } = await graphOf(server.url, {
    steps: [
      { id: 'fetch', ...step('a.a') },
      { id: 'left', ...step('a.b'), depends_on: ['fetch'] },
      { id: 'right', ...step('a.c'), depends_on: ['fetch'] },
      { id: 'join', ...step('a.d'), depends_on: ['left', 'right'] },
    ],
  });
  expect(edges(graph)).toEqual(['0>1', '0>2', '1>3', '2>3']);
  expect(graph.nodes.map(({ id }) => id)).toEqual(['fetch', 'left', 'right', 'join']);
  expect(JSON.stringify(graph)).not.toContain('secret');
});

test('a batch has a gate before its callbacks, and a nested workflow a node for its end', async () => {
  await using server = await serve();
  const { graph: batch } = await graphOf(server.url, {
    type: 'batch',
    jobs: [step('a.a'), step('a.b')],
    callbacks: { on_success: step('a.done'), on_failure: step('a.failed') },
  });
  expect(batch.nodes.map(({ kind, callback }) => callback ?? kind)).toEqual(
    'job job gate on_success on_failure'.split(' '),
  );
  expect(edges(batch)).toEqual(['0>2', '1>2', '2>3', '2>4']);
  const { graph: nested } = await graphOf(server.url, {
    type: 'chain',
    steps: [step('a.a'), { type: 'group', jobs: [step('a.b'), step('a.c')] }, step('a.d')],
  });
  const group = nested.nodes.find(({ kind }) => kind === 'group');
  const inner = nested.nodes.filter(({ within }) => within === group?.index);
  expect(inner.map(({ type, depends_on }) => [type, depends_on])).toEqual([
    ['a.b', [0]],
    ['a.c', [0]],
  ]);
  expect(group?.depends_on).toEqual(inner.map(({ index }) => index));
  expect(nested.nodes.find(({ type }) => type === 'a.d')?.depends_on).toEqual([group?.index]);
  expect(group?.state).toBe('waiting');
});

test('states follow the jobs, with the error of one that failed', async () => {
  await using server = await serve();
  const retry = { max_attempts: 1 };
  const { id, graph } = await graphOf(server.url, {
    type: 'chain',
    steps: [
      { ...step('a.a'), options: { retry } },
      { ...step('a.b'), options: { retry } },
    ],
  });
  const work = async (done: 'ack' | 'nack') => {
    const { body } = await call<{ jobs: readonly { id: string }[] }>(server.url, '/workers/fetch', {
      queues: ['default'],
    });
    const job_id = body.jobs[0]?.id;
    await call(server.url, `/workers/${done}`, {
      job_id,
      ...(done === 'nack' && { error: { message: 'no such file' } }),
    });
    return job_id;
  };
  const now = async () => (await call<Graph>(server.url, `/workflows/${id}/graph`)).body;
  expect(graph.nodes[1]).toMatchObject({ state: 'waiting', job_id: null });
  const first = await work('ack');
  expect((await now()).nodes).toMatchObject([
    { state: 'completed', job_id: first, attempt: 1 },
    { state: 'pending', job_id: expect.any(String) },
  ]);
  await work('nack');
  expect(await now()).toMatchObject({
    state: 'failed',
    nodes: [{}, { state: 'failed', error: { message: 'no such file' } }],
  });
  const missing = { path: '/ojs/v1/workflows/01900000-0000-7000-8000-000000000000/graph' };
  expectRefusal(await send(server.url, missing), 404, 'not_found');
});
