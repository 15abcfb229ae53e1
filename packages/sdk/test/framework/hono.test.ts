import { openEmbedded } from '@ojs-ts/server';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { honoOjs } from '../../src/hono/index.ts';
import { Client } from '../../src/index.ts';
import { exerciseFramework, signup } from './signup.ts';

exerciseFramework('hono', async (options) => {
  const ojs = honoOjs({ ...options, context: () => ({ userId: '7' }) });
  ojs.start();
  const app = new Hono();
  app.use(ojs.middleware);
  app.post('/signup', async (c) => {
    const { status, id } = await signup(ojs, await c.req.json());
    return c.json({ id }, status === 201 ? 201 : 422);
  });
  app.get('/health', ojs.healthRoute);
  app.onError((_error, c) => c.json({}, 500));
  const ask = async (path: string, init?: RequestInit) => {
    const response = await app.request(path, init);
    return { status: response.status, body: await response.json() };
  };
  return {
    post: (path, body, headers) =>
      ask(path, { method: 'POST', body: JSON.stringify(body), ...(headers && { headers }) }),
    get: (path) => ask(path),
    [Symbol.asyncDispose]: () => ojs.close(),
  };
});

test('on an edge platform the jobs outlive the response by waitUntil', async () => {
  await using embedded = await openEmbedded('memory:');
  await using ojs = honoOjs({ target: embedded });
  const app = new Hono();
  app.use(ojs.middleware);
  let id = '';
  app.post('/', async (c) => {
    id = await ojs.enqueueAfterCommit('a.b', []);
    return c.text('ok');
  });
  const kept: Promise<unknown>[] = [];
  const executionCtx = {
    waitUntil: (promise: Promise<unknown>) => void kept.push(promise),
    passThroughOnException: () => {},
    props: {},
  };
  await app.request('/', { method: 'POST' }, {}, executionCtx);
  expect(kept).toHaveLength(1);
  await Promise.all(kept);
  expect((await new Client(embedded).getJob(id)).state).toBe('available');
});
