import { describe, expect, test } from 'vitest';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import { type Answer, Connection, lengthOf } from './support/connection.ts';
import { type Dict, dict, listOf, required, text } from './support/reading.ts';

const browser = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

/**
 * The official admin page in a browser: it is served under /ojs/admin of the server itself, sends JSON, and reads lists
 * as `{items}`.
 */
class AdminPage implements Disposable {
  readonly #origin: string;
  readonly #connection: Connection;
  readonly #at: string;

  /** @param at path of the page that is open. */
  static async open(url: string, at = '/ojs/admin/'): Promise<AdminPage> {
    return new AdminPage(new URL(url).origin, await Connection.open(url), at);
  }

  private constructor(origin: string, connection: Connection, at: string) {
    this.#origin = origin;
    this.#connection = connection;
    this.#at = at;
  }

  send(method: string, path: string, body?: string): Promise<Answer> {
    const writes = method !== 'GET';
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${new URL(this.#origin).host}`,
      'Connection: keep-alive',
      ...(body !== undefined || method === 'POST' ? [`Content-Length: ${lengthOf(body ?? '')}`] : []),
      'sec-ch-ua-platform: "Linux"',
      `User-Agent: ${browser}`,
      // A browser sends a type with a body only.
      ...(body === undefined ? [] : ['Content-Type: application/json']),
      'Accept: */*',
      ...(writes ? [`Origin: ${this.#origin}`] : []),
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Mode: cors',
      'Sec-Fetch-Dest: empty',
      `Referer: ${this.#origin}${this.#at}`,
      'Accept-Encoding: gzip, deflate, br, zstd',
      'Accept-Language: en-US,en;q=0.9',
    ];
    return this.#connection.send(head, body);
  }

  async call(method: string, path: string, body?: object): Promise<Dict> {
    const answer = await this.send(method, `/ojs/v1${path}`, body === undefined ? undefined : JSON.stringify(body));
    if (answer.status >= 400)
      throw new Error(`${answer.status} ${String(dict(dict(JSON.parse(answer.text)).error).message)}`);
    return answer.status === 204 ? {} : dict(JSON.parse(answer.text));
  }

  get(path: string): Promise<Dict> {
    return this.call('GET', path);
  }

  async items(path: string): Promise<readonly Dict[]> {
    return listOf(dict)(required(await this.get(path), 'items'), '$.items');
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

describe.each(storages)('the admin page, $name', ({ name, url }) => {
  test('manifest and health', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    const manifest = dict(JSON.parse((await page.send('GET', '/ojs/manifest')).text));
    expect(manifest).toMatchObject({
      implementation: { name: 'ojs-ts' },
      conformance_level: expect.any(Number),
      extensions: { official: expect.any(Array) },
    });
    // It shows any text.
    expect(await page.get('/health')).toMatchObject({ status: 'ok', backend: { type: name } });
  });

  test('crons: list, one, enable and disable, delete', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/crons');
    await page.call('POST', '/crons', {
      name: 'daily',
      schedule: '0 9 * * *',
      timezone: 'UTC',
      job_template: { type: 'a.b', args: [] },
    });
    const shown = {
      name: 'daily',
      schedule: '0 9 * * *',
      expression: '0 9 * * *',
      enabled: true,
      status: 'active',
      type: 'a.b',
      run_count: 0,
    };
    expect(await page.items('/crons')).toMatchObject([shown]);
    expect(await page.get('/crons/daily')).toMatchObject(shown);
    expect(await page.call('PATCH', '/crons/daily', { enabled: false })).toMatchObject({
      enabled: false,
      next_run_at: null,
    });
    expect(await page.call('PATCH', '/crons/daily', { enabled: true })).toMatchObject({ enabled: true });
    await page.call('DELETE', '/crons/daily');
    expect(await page.items('/crons')).toEqual([]);
  });

  test('workflows: a running one is active for this page only', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/workflows?state=active');
    const created = await page.call('POST', '/workflows', {
      type: 'chain',
      name: 'import',
      steps: [
        { type: 'a.b', args: [] },
        { type: 'a.c', args: [] },
      ],
    });
    const shown = { id: created.id, name: 'import', state: 'active', steps_total: 2, steps_completed: 0 };
    expect(created).toMatchObject({ ...shown, workflow: { state: 'active' } });
    expect(await page.items('/workflows?state=active&page=1&per_page=20')).toMatchObject([shown]);
    expect(await page.get('/workflows?page=2&per_page=1')).toMatchObject({
      items: [],
      pagination: { total: 1, page: 2, per_page: 1 },
    });
    expect(await page.get(`/workflows/${String(created.id)}`)).toMatchObject({
      ...shown,
      steps: [{ state: 'pending' }, { state: 'waiting' }],
    });
    expect(await page.get(`/workflows/${String(created.id)}/progress`)).toMatchObject({
      state: 'active',
      progress: 0,
      steps: [{ state: 'pending' }, {}],
    });

    for (const at of ['/', '/ojs/administration', '/ojs/adminx?a=/ojs/admin/', '/elsewhere/ojs/admin']) {
      using other = await AdminPage.open(server.url, at);
      expect((await other.get(`/workflows/${String(created.id)}`)).state).toBe('running');
      expect(await other.items('/workflows')).toMatchObject([{ state: 'running' }]);
    }
    const cancelled = await page.call('POST', `/workflows/${String(created.id)}/cancel`);
    expect(cancelled.state).toBe('cancelled');
    expect(await page.items('/workflows?state=active&page=1')).toEqual([]);
  });

  test('without quirks workflows are running for it', async () => {
    await using server = await serve({ storage: url(), quirks: false });
    using page = await AdminPage.open(server.url);
    expect((await page.call('POST', '/workflows', { steps: [{ type: 'a.b', args: [] }] })).state).toBe('running');
  });

  test('the progress of a job: the current one, the following ones, its result', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/jobs/1');
    const { id } = await page.call('POST', '/jobs', { type: 'a.b', args: [] });
    await page.call('POST', '/workers/fetch', { queues: ['default'] });
    expect(await page.get(`/jobs/${String(id)}/progress`)).toMatchObject({
      job_id: id,
      progress: null,
      data: null,
      updated_at: null,
    });
    using stream = await openStream(server.url, `/jobs/${String(id)}/progress/stream`, { 'user-agent': browser });
    await page.call('POST', '/workers/progress', { job_id: id, percentage: 25, data: { rows: 1 } });
    expect(await page.get(`/jobs/${String(id)}/progress`)).toMatchObject({
      progress: 0.25,
      data: { rows: 1 },
      updated_at: expect.any(String),
    });
    await page.call('POST', '/workers/ack', { job_id: id, result: { total: 1 } });
    const blocks = await stream.events.rest();
    expect(blocks.at(-1)).toMatchObject({ event: 'completed', data: { progress: 1, state: 'completed' } });
    expect(await page.get(`/jobs/${String(id)}/result`)).toMatchObject({
      job_id: id,
      state: 'completed',
      result: { total: 1 },
    });
  });

  test('limits: list, one, override, restore', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    await page.call('POST', '/jobs', {
      type: 'a.b',
      args: [],
      options: { rate_limit: { key: 'api', concurrency: 2 } },
    });
    expect(await page.items('/rate-limits')).toMatchObject([{ key: 'api' }]);
    expect(await page.call('PUT', '/rate-limits/api', { concurrency: 5 })).toMatchObject({
      key: 'api',
      concurrency: { limit: 5 },
    });
    await page.call('DELETE', '/rate-limits/api/override');
    expect(await page.get('/rate-limits/api')).toMatchObject({ key: 'api', concurrency: { limit: 2 } });
  });

  test('queue configuration and schemas by their admin paths', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    expect(await page.call('PUT', '/admin/queues/q/config', { concurrency: 3 })).toMatchObject({ concurrency: 3 });
    await page.call('POST', '/schemas', { type: 'a.b', version: 1, schema: { type: 'array' } });
    expect(await page.items('/admin/schemas')).toMatchObject([{ type: 'a.b', version: 1 }]);
    expect(await page.get('/admin/schemas/a.b')).toMatchObject({ type: 'a.b', version: 1, schema: { type: 'array' } });
  });

  test('statistics, queues and workers by their admin paths', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    await page.call('POST', '/jobs', { type: 'a.b', args: [], options: { queue: 'q' } });
    await page.call('POST', '/workers/heartbeat', { worker_id: 'w', active_jobs: [] });
    expect(await page.get('/admin/stats')).toMatchObject({ queues: 1, workers: 1, jobs: { available: 1 } });
    const history = await page.get(
      '/admin/stats/history?period=5m&since=2026-01-01T00:00:00Z&until=2026-01-01T01:00:00Z',
    );
    expect(history).toMatchObject({ period: '5m', data: expect.arrayContaining([expect.anything()]) });
    expect(await page.items('/admin/queues?page=1&per_page=20')).toMatchObject([
      { name: 'q', state: 'active', counts: { available: 1 } },
    ]);
    expect(await page.get('/admin/queues/q')).toMatchObject({ name: 'q', configuration: { concurrency: null } });
    expect(await page.call('POST', '/admin/queues/q/pause')).toMatchObject({ name: 'q', paused: true });
    expect(await page.call('POST', '/admin/queues/q/resume')).toMatchObject({ name: 'q', paused: false });
    expect(await page.call('POST', '/admin/workers/w/quiet')).toMatchObject({ id: 'w', directive: 'quiet' });
    await expect(page.call('DELETE', '/admin/workers/w')).rejects.toThrow(/^409 /);
    const purge = { states: ['available'], confirm: true };
    expect(await page.call('DELETE', '/admin/queues/q/jobs', purge)).toMatchObject({ purged_count: 1 });
  });

  test('jobs and the dead letter by their admin paths', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    const retry = { max_attempts: 1, on_exhaustion: 'dead_letter' };
    const { id } = await page.call('POST', '/jobs', { type: 'a.b', args: [], options: { queue: 'q', retry } });
    const list = '/admin/jobs?queue=q&state=active&page=1&per_page=20&sort=created_at&order=desc';
    await page.call('POST', '/workers/fetch', { queues: ['q'] });
    expect(await page.items(list)).toMatchObject([{ id, state: 'active' }]);
    await page.call('POST', '/workers/nack', { job_id: id, error: { type: 'Boom', message: 'no' } });
    expect(await page.get(`/admin/jobs/${String(id)}`)).toMatchObject({ id, state: 'discarded', retry_policy: retry });
    expect(await page.items('/admin/dead-letter?queue=q&page=1')).toMatchObject([{ id }]);
    expect(await page.get('/admin/dead-letter/stats')).toMatchObject({ total: 1 });
    expect(await page.call('POST', `/admin/dead-letter/${String(id)}/retry`)).toMatchObject({ id, state: 'available' });
    const bulk = { filter: { queue: 'q', state: 'available' }, confirm: true };
    expect(await page.call('POST', '/admin/jobs/bulk/cancel', bulk)).toMatchObject({ matched: 1, succeeded: 1 });
    const retried = await page.call('POST', '/admin/jobs/bulk/retry', {
      filter: { state: 'discarded' },
      confirm: true,
    });
    expect(retried).toMatchObject({ action: 'retry', matched: 0 });
    await expect(page.call('POST', `/admin/jobs/${String(id)}/retry`)).rejects.toThrow(/^409 /);
  });

  test('maintenance', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    expect(await page.get('/admin/system/maintenance')).toMatchObject({ maintenance: false });
    const on = await page.call('POST', '/admin/system/maintenance', { enabled: true, reason: 'upgrade' });
    expect(on).toMatchObject({ maintenance: true, reason: 'upgrade', estimated_end: null });
    expect(await page.get('/health')).toMatchObject({ status: 'ok', maintenance: true });
  });

  test('its posts without a body have no type', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url);
    expect(await page.call('POST', '/queues/q/pause')).toMatchObject({ name: 'q', paused: true });
  });

  test('the overview follows the statistics', async () => {
    await using server = await serve({ storage: url(), realtime: { statisticsMs: 20 } });
    using page = await AdminPage.open(server.url);
    using stream = await openStream(server.url, '/admin/stats/stream', { 'user-agent': browser });
    const [, first] = await stream.events.take(2);
    expect(first).toMatchObject({ event: 'message', data: { queues: 0, jobs: { available: 0 } } });
    await page.call('POST', '/jobs', { type: 'a.b', args: [], options: { queue: 'q' } });
    const [changed] = await stream.events.take(1);
    const { uptime_seconds: _, ...statistics } = await page.get('/admin/stats');
    expect(changed).toMatchObject({ event: 'message', data: { ...statistics, jobs: { available: 1 } } });
  });

  test('the list of workers has pages of 20', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/workers');
    for (let number = 10; number < 31; number++)
      await page.call('POST', '/workers/fetch', { queues: ['q'], worker_id: `w${number}` });
    const first = await page.get('/admin/workers?page=1');
    expect(first).toMatchObject({ summary: { total: 21 }, pagination: { total: 21, page: 1, per_page: 20 } });
    expect(first.items).toHaveLength(20);
    expect(await page.items('/admin/workers?page=2')).toMatchObject([{ id: 'w30', state: 'running', active_jobs: 0 }]);
  });

  test('the priority of a job', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/jobs');
    const { id } = await page.call('POST', '/jobs', { type: 'a.b', args: [] });
    expect(await page.call('PATCH', `/admin/jobs/${String(id)}`, { priority: 5 })).toMatchObject({
      id,
      job: { priority: 5 },
    });
    expect(await page.get(`/admin/jobs/${String(id)}`)).toMatchObject({ priority: 5 });
  });

  test('the dead letter: retry by filter, delete one', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/dead-letter');
    const retry = { max_attempts: 1, on_exhaustion: 'dead_letter' };
    const die = async (type: string) => {
      const { id } = await page.call('POST', '/jobs', { type, args: [], options: { queue: 'q', retry } });
      await page.call('POST', '/workers/fetch', { queues: ['q'] });
      await page.call('POST', '/workers/nack', { job_id: id, error: { type: 'Boom', message: 'no' } });
      return id;
    };
    const [first, second] = [await die('a.one'), await die('a.two')];
    expect(await page.items('/admin/dead-letter?queue=q&type=a.one&page=1')).toMatchObject([{ id: first }]);
    const filter = { queue: 'q', type: 'a.one' };
    await expect(page.call('POST', '/admin/dead-letter/retry', { filter })).rejects.toThrow(/^400 /);
    expect(await page.call('POST', '/admin/dead-letter/retry', { filter, confirm: true })).toMatchObject({
      action: 'retry',
      matched: 1,
      succeeded: 1,
      failed: 0,
      errors: [],
    });
    expect(await page.call('DELETE', `/admin/dead-letter/${String(second)}`)).toMatchObject({ deleted: true });
    expect(await page.get('/admin/dead-letter?page=1')).toMatchObject({ items: [], pagination: { total: 0, page: 1 } });
  });

  test('events by page, kind and time, the newest first', async () => {
    await using server = await serve({ storage: url() });
    using page = await AdminPage.open(server.url, '/ojs/admin/events');
    for (const queue of ['q1', 'q2', 'q3']) await page.call('POST', `/queues/${queue}/pause`);
    await page.call('POST', '/queues/q1/resume');
    const paused = (queue: string) => ({ type: 'queue.paused', data: { queue }, time: expect.any(String) });
    const first = await page.get('/events?type=queue.paused&page=1&per_page=2');
    expect(first).toMatchObject({
      items: [paused('q3'), paused('q2')],
      events: [paused('q3'), paused('q2')],
      has_more: true,
      pagination: { total: 3, total_exact: false, page: 1, per_page: 2, has_more: true },
    });
    expect(first).not.toHaveProperty('warnings');
    expect(await page.get('/events?type=queue.paused&page=2&per_page=2')).toMatchObject({
      items: [paused('q1')],
      has_more: false,
      pagination: { total: 3, page: 2, has_more: false },
    });
    const [newest] = await page.items('/events?page=1');
    expect(newest).toMatchObject({ type: 'queue.resumed' });
    const since = encodeURIComponent(text(required(dict(newest), 'time')));
    for (const event of await page.items(`/events?since=${since}&page=1`))
      expect(Date.parse(text(required(event, 'time')))).toBeGreaterThanOrEqual(Date.parse(decodeURIComponent(since)));
    expect(await page.get('/events?since=2200-01-01T00:00:00Z&page=1')).toMatchObject({
      items: [],
      has_more: false,
      pagination: { total: 0 },
    });
    await expect(page.get('/events?since=lately')).rejects.toThrow(/^400 /);

    using other = await AdminPage.open(server.url, '/elsewhere');
    const plain = await other.get('/events?type=queue.paused&page=1');
    expect(plain).toMatchObject({
      events: [paused('q1'), paused('q2'), paused('q3')],
      warnings: [{ path: 'query.page' }],
    });
    expect(plain).not.toHaveProperty('items');
    // With a cursor it gets what everybody gets.
    const [last] = await page.items('/events?type=queue.paused&page=1');
    expect(await page.get(`/events?after=${text(required(dict(last), 'id'))}`)).toMatchObject({
      events: [{ type: 'queue.resumed' }],
    });
  });
});
