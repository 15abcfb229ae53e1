import { describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { newId } from '../support/ids.ts';
import { metricsIn, seriesIn, sumOf } from '../support/metrics.ts';
import { expectRefusal } from '../support/refusal.ts';
import { call, send } from '../support/request.ts';
import { serve, serveAll } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { followStream } from '../support/streams.ts';

async function scrape({ url }: RunningServer): Promise<string> {
  const { status, text } = await send(url, { path: '/metrics' });
  expect(status).toBe(200);
  return text;
}

describe.each(storages)('on $name', ({ name, url }) => {
  test('the store: depth, workers, limits, and what the server did for it', async () => {
    await using server = await serve({ storage: url() });
    const queue = { concurrency: 3, rate_limit: { limit: 5, period: 'PT1M' } };
    expect((await call(server.url, '/queues/mail/config', queue, { method: 'PUT' })).status).toBe(200);
    for (let i = 0; i < 3; i++)
      await call(server.url, '/jobs', { id: newId(), type: 'a.b', args: [], options: { queue: 'mail' } });
    await call(server.url, '/workers/heartbeat', { worker_id: 'w', active_jobs: [], queues: ['mail', 'mail'] });
    await call(server.url, '/workers/heartbeat', {
      worker_id: 'quiet',
      state: 'quiet',
      active_jobs: [],
      queues: ['mail'],
    });
    await call(server.url, '/workers/fetch', { queues: ['mail'], worker_id: 'w' });
    await call(server.url, '/queues/idle/pause', {});
    const text = await scrape(server);
    const values = (metric: string, labels = {}) => sumOf(text, metric, labels);
    expect(values('ojs_store_up')).toBe(1);
    expect(values('ojs_queue_depth', { queue: 'mail', state: 'available' })).toBe(2);
    expect(values('ojs_queue_depth', { queue: 'mail', state: 'active' })).toBe(1);
    expect(values('ojs_queue_depth', { queue: 'mail', state: 'completed' })).toBe(0);
    expect(values('ojs_workers_busy', { queue: 'mail' })).toBe(1);
    expect(values('ojs_workers_active')).toBe(1);
    expect(values('ojs_workers', { state: 'quiet' })).toBe(1);
    expect(values('ojs_queue_workers', { queue: 'mail' })).toBe(1);
    expect(values('ojs_queue_workers', { queue: 'idle' })).toBe(0);
    expect(values('ojs_queue_paused', { queue: 'idle' })).toBe(1);
    expect(values('ojs_queue_paused', { queue: 'mail' })).toBe(0);
    expect(values('ojs_dead_letter_jobs', { queue: 'mail' })).toBe(0);
    expect(values('ojs_limit_max', { queue: 'mail', limit: 'concurrency' })).toBe(3);
    expect(values('ojs_limit_used', { queue: 'mail', limit: 'concurrency' })).toBe(1);
    expect(values('ojs_limit_max', { queue: 'mail', limit: 'rate', period: 'PT1M' })).toBe(5);
    expect(values('ojs_limit_used', { queue: 'mail', limit: 'rate', period: 'PT1M' })).toBe(1);
    expect(values('ojs_inbox_depth')).toBe(['sqlite', 'postgres'].includes(name) ? 0 : undefined);
    expect(values('ojs_job_enqueue_duration_seconds_count', { queue: 'mail' })).toBe(3);
    expect(values('ojs_storage_duration_seconds_count', { operation: 'jobs.insert' })).toBe(3);
    expect(values('ojs_server_info', { storage: name })).toBe(1);
  });
});

describe('/metrics', () => {
  const server = serveAll({ tokens: ['viewer:a-viewer', 'producer:a-producer'] });

  const get = (headers = {}, path = '/metrics') =>
    send(server.url, { path, headers: { authorization: 'Bearer a-viewer', ...headers } });

  test('the text format, and OpenMetrics where the scraper prefers it', async () => {
    const text = await get();
    expect(text.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.text).toMatch(/\n$/);
    expect(text.text).not.toContain('# EOF');
    const open = await get({ accept: 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3' });
    expect(open.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.text).toMatch(/\n# EOF\n$/);
    expect((await get({ accept: 'text/plain' })).headers['content-type']).toBe('text/plain');
  });

  test('a format by name, and an unknown one', async () => {
    expect((await get({}, '/metrics?format=prometheus')).headers['content-type']).toContain('version=0.0.4');
    expect((await get({}, '/metrics?format=openmetrics')).text).toMatch(/# EOF\n$/);
    const refused = await get({}, '/metrics?format=prometeus');
    expectRefusal(refused, 400, 'invalid_request');
    expect(refused.text).toContain('Did you mean prometheus?');
  });

  test('a token may read it by the right to read', async () => {
    expectRefusal(await send(server.url, { path: '/metrics' }), 401, 'unauthenticated');
    expectRefusal(await get({ authorization: 'Bearer a-producer' }), 403, 'permission_denied');
  });

  test('every metric has one type and at most one line of each label set', async () => {
    const { text } = await get();
    const types = metricsIn(text);
    expect(types.size).toBe(text.match(/^# TYPE /gm)?.length);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const keys = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
    expect(new Set(keys).size).toBe(keys.length);
    for (const { name } of seriesIn(text)) {
      const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
      expect([name, types.get(family)]).toEqual([
        name,
        family === name ? expect.stringMatching(/counter|gauge/) : 'histogram',
      ]);
    }
  });
});

describe('requests', () => {
  test('are counted by route and status, never by path', async () => {
    await using server = await serve();
    for (let i = 0; i < 3; i++) await send(server.url, { path: `/ojs/v1/jobs/${newId()}` });
    await send(server.url, { path: '/no/such/path' });
    const text = await scrape(server);
    const count = 'http_server_request_duration_seconds_count';
    const ofJobs = { http_request_method: 'GET', http_route: '/ojs/v1/jobs/:id', http_response_status_code: '404' };
    expect(sumOf(text, count, ofJobs)).toBe(3);
    expect(sumOf(text, count, { http_route: '', http_response_status_code: '404' })).toBe(1);
    expect(text).not.toContain('/no/such');
    // The scrape itself.
    expect(sumOf(text, 'http_server_active_requests')).toBe(1);
  });

  test('a stream is open, and no request', async () => {
    await using server = await serve();
    using _stream = await followStream(server.url, '/events/stream');
    const text = await scrape(server);
    expect(sumOf(text, 'ojs_streams_open')).toBe(1);
    expect(sumOf(text, 'http_server_active_requests')).toBe(1);
    expect(sumOf(text, 'http_server_request_duration_seconds_count')).toBeUndefined();
  });
});

describe('the store', () => {
  test('that fails leaves what the server has itself', async () => {
    await using server = await serve();
    server.engine.storage.registry.queues = () => Promise.reject(new Error('away'));
    const text = await scrape(server);
    expect(sumOf(text, 'ojs_store_up')).toBe(0);
    expect(sumOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(metricsIn(text).has('ojs_queue_depth')).toBe(false);
  });
});

test('upkeep: rounds, their failures, and when each task last succeeded', async () => {
  await using server = await serve();
  const { telemetry } = server.engine;
  await telemetry.round('due', async () => {});
  await expect(telemetry.round('due', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const text = await scrape(server);
  expect(sumOf(text, 'ojs_upkeep_duration_seconds_count', { task: 'due' })).toBeGreaterThanOrEqual(2);
  expect(sumOf(text, 'ojs_upkeep_failures_total', { task: 'due' })).toBe(1);
  const tasks = seriesIn(text).filter(({ name }) => name === 'ojs_upkeep_last_success_timestamp_seconds');
  expect(tasks.map(({ labels }) => labels.task)).toEqual(
    expect.arrayContaining(['due', 'liveness', 'retention', 'crons']),
  );
  for (const { value } of tasks) expect(Math.abs(value - Date.now() / 1_000)).toBeLessThan(60);
});
