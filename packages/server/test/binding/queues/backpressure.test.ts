import { describe, expect, test } from 'vitest';
import type { RunningServer } from '../../../src/index.ts';
import { newId } from '../../support/ids.ts';
import { call, type Response, send } from '../../support/request.ts';
import { serve, serveAll } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

interface Events {
  readonly events: readonly { readonly data: Readonly<Record<string, unknown>> }[];
}

describe.each(storages)('backpressure on $name', (storage) => {
  const server = serveAll({ storage: storage.url() });

  /** A queue that no other test uses, with its bound. */
  async function bounded(max_depth: number, more: object = {}): Promise<string> {
    const queue = `q-${newId()}`;
    const body = { backpressure: { max_depth, ...more } };
    expect((await call(server.url, `/admin/queues/${queue}/config`, body, { method: 'PUT' })).status).toBe(200);
    return queue;
  }
  function push(queue: string, options: object = {}): Promise<Response> {
    const body = JSON.stringify({ type: 'a.b', args: [], options: { queue, ...options } });
    return send(server.url, { method: 'POST', path: '/ojs/v1/jobs', body });
  }
  const fetch = async (queue: string, count = 1) =>
    (await call<{ jobs: { id: string }[] }>(server.url, '/workers/fetch', { queues: [queue], count })).body.jobs;
  const rejections = async (queue: string) =>
    (await call<Events>(server.url, `/events?types=backpressure.rejected&queues=${queue}`)).body.events;

  test('a full queue answers 429 QUEUE_FULL with its depth and bound', async () => {
    const queue = await bounded(2, { strategy: 'reject' });
    expect([(await push(queue)).status, (await push(queue)).status]).toEqual([201, 201]);
    const refused = await push(queue);
    expect(refused).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '1',
        'x-ojs-queue-depth': '2',
        'x-ojs-queue-bound': '2',
        'content-type': 'application/openjobspec+json',
      },
    });
    const { error } = JSON.parse(refused.text);
    const facts = { queue, depth: 2, bound: 2, strategy: 'reject' };
    expect(error).toMatchObject({
      code: 'QUEUE_FULL',
      ...facts,
      retryable: true,
      canonical_code: 'QUEUE_FULL',
      ojs_code: 'OJS-6001',
      details: facts,
    });
    expect(error.request_id).toBe(refused.headers['x-request-id']);
    expect(await call(server.url, `/queues/${queue}/stats`)).toMatchObject({
      body: { stats: { queue, depth: 2, max_depth: 2 } },
    });
  });

  test('of many pushes at once exactly as many get in as fit', async () => {
    const queue = await bounded(25);
    const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await push(queue)).status));
    expect(statuses.filter((status) => status === 201)).toHaveLength(25);
    expect(statuses.filter((status) => status === 429)).toHaveLength(35);
  });

  test('backpressure.rejected is written at most once a second', async () => {
    const queue = await bounded(1);
    await push(queue);
    expect(await rejections(queue)).toEqual([]);
    const began = performance.now();
    for (let index = 0; index < 5; index++) expect((await push(queue)).status).toBe(429);
    const seconds = Math.floor((performance.now() - began) / 1_000);
    const events = await rejections(queue);
    expect(events.length).toBeGreaterThanOrEqual(1);
    expect(events.length).toBeLessThanOrEqual(1 + seconds);
    expect(events[0]?.data).toEqual({ queue, depth: 1, bound: 1, job_type: 'a.b', strategy: 'reject' });
  });

  test('the answer to an enqueue above the threshold reports the pressure', async () => {
    const queue = await bounded(5, { warning_threshold: 0.6 });
    const headers = async () => {
      const {
        'x-ojs-queue-depth': depth,
        'x-ojs-queue-bound': bound,
        'x-ojs-queue-pressure': pressure,
      } = (await push(queue)).headers;
      return { depth, bound, pressure };
    };
    const none = { depth: undefined, bound: undefined, pressure: undefined };
    expect(await headers()).toEqual(none);
    expect(await headers()).toEqual(none);
    expect(await headers()).toEqual({ depth: '3', bound: '5', pressure: '0.6' });
    expect(await headers()).toEqual({ depth: '4', bound: '5', pressure: '0.8' });
    await fetch(queue, 3);
    expect(await headers()).toEqual(none);
    const free = `free-${newId()}`;
    expect((await push(free)).headers).not.toHaveProperty('x-ojs-queue-depth');
  });

  test('the answer to a batch reports its fullest queue', async () => {
    const [half, full] = [await bounded(4, { warning_threshold: 0.5 }), await bounded(2, { warning_threshold: 0.5 })];
    const jobs = [half, half, full, full].map((queue) => ({ type: 'a.b', args: [], options: { queue } }));
    const { headers } = await send(server.url, {
      method: 'POST',
      path: '/ojs/v1/jobs/batch',
      body: JSON.stringify({ jobs }),
    });
    expect(headers).toMatchObject({ 'x-ojs-queue-depth': '2', 'x-ojs-queue-bound': '2', 'x-ojs-queue-pressure': '1' });
  });
});

describe.each(storages)('paused queues on $name', (storage) => {
  const pause = (server: RunningServer, what = 'pause') => call(server.url, `/queues/q/${what}`, {});
  const push = (server: RunningServer) => call(server.url, '/jobs', { type: 'a.b', args: [], options: { queue: 'q' } });

  test('refuse them with queue_paused where they are to, until they are resumed', async () => {
    await using server = await serve({ storage: storage.url(), engine: { pausedQueues: 'reject' } });
    expect((await push(server)).status).toBe(201);
    await pause(server);
    expect(await push(server)).toMatchObject({
      status: 422,
      body: { error: { code: 'queue_paused', retryable: true, details: { queue: 'q' } } },
    });
    const jobs = ['other', 'q'].map((queue) => ({ type: 'a.b', args: [], options: { queue } }));
    expect(await call(server.url, '/jobs/batch', { jobs })).toMatchObject({
      status: 422,
      body: { error: { details: { index: 1 } } },
    });
    await pause(server, 'resume');
    expect((await push(server)).status).toBe(201);
  });
});
