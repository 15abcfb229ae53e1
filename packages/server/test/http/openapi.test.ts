import { isObject } from '@ojs-ts/core';
import { type OperationName, operationNames, routeOf, routesOf } from '@ojs-ts/core/operations';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DurableWorker, done, sleeping } from '../binding/workers/durable.ts';
import { type Canaries, plantCanaries } from '../support/canaries.ts';
import { newId } from '../support/ids.ts';
import { call, type Request, type Response, send } from '../support/request.ts';
import { requestOf } from '../support/requests/valid-requests.ts';
import { serve } from '../support/server.ts';

type Tree = Readonly<Record<string, unknown>>;

const path = '/ojs/v1/openapi.json';
const server = await serve();
const document: Tree = JSON.parse((await send(server.url, { path })).text);
afterAll(() => server.close());

/** The node of the document at these names. */
function at(...names: readonly string[]): Tree {
  return names.reduce<Tree>((tree, name) => {
    const below = tree[name];
    if (!isObject(below)) throw new Error(`The document has no ${names.join(' ')}.`);
    return below;
  }, document);
}

test('a caller who has the document gets 304', async () => {
  const first = await send(server.url, { path });
  expect(first).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
  const etag = String(first.headers.etag);
  expect(await send(server.url, { path, headers: { 'if-none-match': etag } })).toMatchObject({
    status: 304,
    text: '',
    headers: { etag },
  });
  expect((await send(server.url, { path, headers: { 'if-none-match': '"other"' } })).text).toBe(first.text);
});

test('the document has every route with its right, and nothing else', () => {
  const told = Object.entries(at('paths')).flatMap(([route, methods]) =>
    Object.keys(isObject(methods) ? methods : {}).map((method) => `${method.toUpperCase()} ${route}`),
  );
  const known = operationNames.flatMap((name) =>
    routesOf(name).map((route) => `${route.method} ${route.path.replace(/:(\w+)/g, '{$1}')}`),
  );
  expect(told.toSorted()).toEqual(known.toSorted());
  expect(at('paths', '/ojs/v1/queues/{name}/pause', 'post').security).toEqual([{ token: ['operate'] }]);
  expect(at('paths', '/ojs/v1/health', 'get').security).toEqual([]);
});

/**
 * The document with closed objects, so that a member that it does not have is a fault. Jobs are closed too, because
 * these tests send no members of their own.
 */
function closed(tree: unknown, name = ''): unknown {
  if (Array.isArray(tree)) return tree.map((one) => closed(one));
  if (!isObject(tree)) return tree;
  const copy = Object.fromEntries(Object.entries(tree).map(([one, below]) => [one, closed(below, one)]));
  const isClosed = isObject(tree.properties) && (tree.additionalProperties === undefined || /Job$/.test(name));
  return isClosed ? { ...copy, additionalProperties: false } : copy;
}

describe('every real answer equals its schema', () => {
  let canaries: Canaries;
  let check: (name: OperationName, answer: Response) => void;
  const called = new Set<OperationName>();

  beforeAll(async () => {
    canaries = await plantCanaries(server.url);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv, ['date-time']);
    ajv.addSchema({ $id: 'ojs:document', ...(closed(document) as Tree) });
    check = (name, { status, headers, text }) => {
      const { method, path: route } = routeOf(name);
      const place = ['paths', route.replace(/:(\w+)/g, '{$1}'), method.toLowerCase(), 'responses', String(status)];
      const { $ref } = at(...place);
      const response = typeof $ref === 'string' ? $ref.slice('#/'.length).split('/') : place;
      const [media = ''] = String(headers['content-type']).split(';');
      const names = [...response, 'content', media, 'schema'];
      const pointer = names.map((one) => encodeURIComponent(one.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
      const validate = ajv.compile({ $ref: `ojs:document#/${pointer}` });
      validate(media === 'text/plain' ? text : JSON.parse(text));
      expect(validate.errors ?? [], `${name}: ${text.slice(0, 1_000)}`).toEqual([]);
      called.add(name);
    };
  });

  const options = () => ({ queue: canaries.queue, priority: 9 });
  const waiting = async () => {
    const id = newId();
    await call(server.url, '/jobs', { id, type: 'own.job', args: [], options: options() });
    return id;
  };
  const running = async (retry: object = {}) => {
    const id = newId();
    await call(server.url, '/jobs', { id, type: 'own.job', args: [], options: { queue: id, retry } });
    await call(server.url, '/workers/fetch', { queues: [id], worker_id: 'keeper' });
    return id;
  };
  const suspended = async () => {
    const worker = new DurableWorker(server.url, 'keeper');
    const queue = newId();
    const id = await worker.enqueue({ options: { queue } });
    const job = await worker.take({ queues: [queue] });
    await worker.record(job, sleeping('pause', 1, 60_000));
    await worker.suspend(job, { waits: [{ name: 'pause', kind: 'sleep' }] });
    return id;
  };
  const undoable = async () => {
    const worker = new DurableWorker(server.url, 'keeper');
    const queue = newId();
    const id = await worker.enqueue({ options: { queue } });
    const job = await worker.take({ queues: [queue] });
    await worker.record(job, done('charge', 1, 'ch_1', { undo: true }));
    await worker.end(job);
    return id;
  };
  const dead = async () => {
    const id = await running({ max_attempts: 1, on_exhaustion: 'dead_letter' });
    await call(server.url, '/workers/nack', { job_id: id, worker_id: 'keeper', error: { code: 'x', message: 'm' } });
    return id;
  };
  const bulk = async (rate?: number) => {
    await waiting();
    const filter = { queue: canaries.queue, type: 'own.job' };
    const begun = await call<{ id: string }>(server.url, '/admin/bulk', {
      action: 'cancel',
      filter,
      rate,
      confirm: true,
    });
    return begun.body.id;
  };
  const failedWorkflow = async () => {
    const queue = newId();
    const step = { type: 'own.step', args: [], options: { queue, retry: { max_attempts: 1 } } };
    const { body } = await call<{ id: string }>(server.url, '/workflows', { type: 'chain', steps: [step, step] });
    const { body: fetched } = await call<{ jobs: { id: string }[] }>(server.url, '/workers/fetch', { queues: [queue] });
    await call(server.url, '/workers/nack', { job_id: fetched.jobs[0]?.id, error: { message: 'm' } });
    return body.id;
  };
  /** The first token of a store makes the server ask for one. */
  let headers: Record<string, string> = {};
  const token = async () => {
    const made = { name: 'test', roles: ['viewer'] };
    return (await call<{ token: { id: string } }>(server.url, '/admin/tokens', made, { headers })).body.token.id;
  };

  /** Things of their own for the calls that use up what they name. */
  const own: Partial<Record<OperationName, Partial<Record<keyof Canaries, () => Promise<string>>>>> = {
    'job.cancel': { available: waiting },
    'job.discard': { available: waiting },
    'job.edit': { available: waiting },
    'job.retry': { available: dead },
    'job.wake': { available: suspended },
    'job.undo': { available: undoable },
    'deadLetter.retry': { deadLetter: dead },
    'deadLetter.delete': { deadLetter: dead },
    'worker.ack': { active: running },
    'worker.nack': { active: running },
    'worker.exchange': { active: running },
    'bulk.stop': { bulk: () => bulk(0.001) },
    'bulk.resume': {
      bulk: async () => {
        const id = await bulk(0.001);
        await call(server.url, `/admin/bulk/${id}/stop`, {});
        return id;
      },
    },
    'bulk.undo': {
      bulk: async () => {
        const id = await bulk();
        const state = async () => (await call<{ state: string }>(server.url, `/admin/bulk/${id}`)).body.state;
        await expect.poll(state).toBe('done');
        return id;
      },
    },
    'workflow.retry': { workflow: failedWorkflow },
    'schema.put': { schema: async () => 'own.schema' },
    'schema.delete': { schema: async () => 'urn:x:2' },
    'worker.remove': { active: running },
    'token.rotate': { available: token },
    'token.revoke': { available: token },
  };
  const queries: Partial<Record<OperationName, string>> = {
    'job.list': '?q=queue:canary',
    'event.list': '?order=desc',
    'admin.jobGroups': '?by=type',
    'worker.remove': '?force=true',
    'limit.list': '?key=canary',
  };
  const bodies: Partial<Record<OperationName, object>> = {
    'deadLetter.purge': { confirm: true },
    'queue.purge': { states: ['completed'], confirm: true },
    'schema.put': { schema: { type: 'array' } },
    'token.create': { name: 'test', roles: ['admin'] },
  };

  async function ask(name: OperationName): Promise<Response> {
    const made = await Promise.all(
      Object.entries(own[name] ?? {}).map(async ([what, make]) => [what, await make()] as const),
    );
    const request = requestOf(name, { ...canaries, ...Object.fromEntries(made) });
    const more: Partial<Request> = bodies[name] === undefined ? {} : { body: JSON.stringify(bodies[name]) };
    return send(server.url, { ...request, path: request.path + (queries[name] ?? ''), headers, ...more });
  }

  const last: readonly OperationName[] = [
    'cron.remove',
    'worker.deregister',
    'worker.remove',
    'schema.delete',
    'token.create',
    'token.rotate',
    'token.revoke',
  ];
  const isRead = (name: OperationName) => routeOf(name).method === 'GET';
  const ordered = [
    ...operationNames.filter(isRead),
    ...operationNames.filter((name) => !isRead(name) && !last.includes(name)),
    ...last,
  ];
  test.each(ordered)('%s', async (name) => {
    const answer = await ask(name);
    expect([answer.status < 300, answer.text.slice(0, 500)]).toEqual([true, expect.any(String)]);
    check(name, answer);
    if (name === 'token.create') headers = { authorization: `Bearer ${JSON.parse(answer.text).secret}` };
  });

  test('each operation was called', () => {
    expect([...called].toSorted()).toEqual(operationNames.toSorted());
  });
});
