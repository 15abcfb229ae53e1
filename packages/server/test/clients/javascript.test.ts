import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import { array, type Dict, dict, required, text } from './support/reading.ts';

const media = 'application/openjobspec+json';

/** How the JavaScript SDK tells errors apart. */
type Kind = 'validation' | 'not found' | 'duplicate' | 'conflict' | 'rate limit' | 'server' | 'other';

class SdkError extends Error {
  readonly kind: Kind;
  readonly status: number;
  readonly code: unknown;
  readonly details: Dict;
  readonly requestId: unknown;
  readonly retryAfter: number;

  constructor(response: Response, body: Dict) {
    const error = dict(body.error ?? {});
    super(String(error.message));
    this.kind = kindOf(response.status, error.code);
    this.status = response.status;
    this.code = error.code;
    this.details = dict(error.details ?? {});
    this.requestId = error.request_id;
    this.retryAfter = Number(response.headers.get('retry-after'));
  }
}

function kindOf(status: number, code: unknown): Kind {
  if (status === 400) return 'validation';
  if (status === 404) return 'not found';
  if (status === 409) return code === 'duplicate' ? 'duplicate' : 'conflict';
  if (status === 429) return 'rate limit';
  return status >= 500 ? 'server' : 'other';
}

/** The official JavaScript SDK 0.4.0: it sends through the `fetch` of Node, as this does, and its bodies are `JSON.stringify` of objects in this order. */
class JavaScript {
  readonly #url: string;
  readonly #auth: string | null;

  constructor(url: string, auth: string | null = null) {
    this.#url = url;
    this.#auth = auth;
  }

  async call(method: string, path: string, body?: object): Promise<Dict> {
    const requestId = crypto.randomUUID();
    const response = await fetch(`${this.#url}${path.startsWith('/ojs/') ? path : `/ojs/v1${path}`}`, {
      method,
      headers: {
        'Content-Type': media,
        Accept: media,
        'OJS-Version': '1.0',
        'X-Request-ID': requestId,
        ...(this.#auth !== null && { Authorization: this.#auth }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(response.headers.get('x-request-id')).toBe(requestId);
    expect(response.headers.get('content-type')).toBe(media);
    const answered = response.status === 204 ? {} : dict(await response.json());
    if (!response.ok) throw new SdkError(response, answered);
    return answered;
  }

  get(path: string): Promise<Dict> {
    return this.call('GET', path);
  }

  post(path: string, body?: object): Promise<Dict> {
    return this.call('POST', path, body);
  }

  delete(path: string): Promise<Dict> {
    return this.call('DELETE', path);
  }

  async enqueue(type: string, args: readonly unknown[], options?: object, meta?: object): Promise<Dict> {
    return job(await this.post('/jobs', { type, args, ...(meta && { meta }), ...(options && { options }) }));
  }

  async fetch(queue: string, count = 10): Promise<readonly Dict[]> {
    const { jobs } = await this.post('/workers/fetch', { queues: [queue], count, worker_id: 'worker-1', visibility_timeout_ms: 30_000 });
    return array(jobs).map(dict);
  }

  ack(id: unknown, result?: unknown): Promise<Dict> {
    return this.post('/workers/ack', { job_id: id, result });
  }

  nack(id: unknown, code: string, retryable = true): Promise<Dict> {
    const error = { code, message: 'no', retryable, details: { stack: 'Error: no\n    at handler (app.js:3:7)' } };
    return this.post('/workers/nack', { job_id: id, error });
  }
}

function job(body: Dict): Dict {
  return dict(required(body, 'job'));
}

/** The body itself is the workflow. */
function workflow(body: Dict): { readonly id: string; readonly state: string; readonly all: Dict } {
  return { id: text(required(body, 'id')), state: text(required(body, 'state')), all: body };
}

/** What the SDK's reader of streams hands to its listeners. */
function events(stream: string): readonly (readonly [string, Dict])[] {
  const found: (readonly [string, Dict])[] = [];
  let [name, data] = ['message', ''];
  for (const line of stream.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('data:')) data += line.slice(5).trim();
    else if (line === '') {
      if (data !== '') found.push([name, dict(JSON.parse(data))]);
      [name, data] = ['message', ''];
    }
  }
  return found;
}

async function failing(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SdkError) return error;
  throw new Error('The call was expected to fail with an answer of the server.', { cause: error });
}

const retry = {
  max_attempts: 1,
  initial_interval: 'PT1S',
  backoff_coefficient: 2,
  max_interval: 'PT5M',
  jitter: true,
  non_retryable_errors: [],
  on_exhaustion: 'dead_letter',
};

describe.each(storages)('the JavaScript SDK, $name', ({ url }) => {
  test('manifest and health', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    expect(await js.get('/ojs/manifest')).toMatchObject({ specversion: '1.0', protocols: ['http'], endpoints: { base_url: '/ojs/v1' } });
    expect(await js.get('/health')).toMatchObject({ status: 'ok', backend: { status: 'connected' } });
  });

  test('enqueue with every option, get, cancel', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const options = {
      queue: 'email',
      priority: 10,
      timeout_ms: 30_000,
      delay_until: '2999-01-01T00:00:00.000Z',
      expires_at: '2999-01-02T00:00:00.000Z',
      tags: ['a'],
      visibility_timeout_ms: 60_000,
      retry,
      unique: { key: ['user_id'], period: 'PT1H', on_conflict: 'reject', states: ['available', 'scheduled'] },
    };
    const sent = await js.enqueue('email.send', [{ user_id: 42, at: 1 }], options, { tenant: 'acme' });
    expect(sent).toMatchObject({
      state: 'scheduled',
      queue: 'email',
      priority: 10,
      max_attempts: 1,
      timeout_ms: 30_000,
      meta: { tenant: 'acme' },
    });
    expect(job(await js.get(`/jobs/${sent.id}`))).toEqual(sent);
    // `key` names what of args counts.
    const twice = await failing(js.enqueue('email.send', [{ user_id: 42, at: 2 }], options));
    expect(twice).toMatchObject({ kind: 'duplicate', details: { existing_job_id: sent.id } });
    expect((await js.enqueue('email.send', [{ user_id: 43, at: 2 }], options)).id).not.toBe(sent.id);
    const ignoring = { ...options, unique: { ...options.unique, on_conflict: 'ignore' } };
    expect((await js.enqueue('email.send', [{ user_id: 42 }], ignoring)).id).toBe(sent.id);
    expect(job(await js.delete(`/jobs/${sent.id}`))).toMatchObject({ state: 'cancelled' });
    expect(await failing(js.delete(`/jobs/${sent.id}`))).toMatchObject({ kind: 'conflict', code: 'conflict' });
  });

  test('a batch comes back in its order', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { jobs } = await js.post('/jobs/batch', {
      jobs: [
        { type: 'a.one', args: [1], options: {} },
        { type: 'a.two', args: [2], options: { queue: 'q' } },
      ],
    });
    expect(array(jobs)).toMatchObject([
      { type: 'a.one', queue: 'default' },
      { type: 'a.two', queue: 'q' },
    ]);
  });

  test('a worker fetches, beats with a count, acks and fails jobs', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    for (const index of [0, 1, 2]) await js.enqueue('a.b', [index], { retry: { ...retry, max_attempts: 3 } });
    const [first, second, third] = await js.fetch('default');
    const beat = (state: string, ids: readonly unknown[]) =>
      js.post('/workers/heartbeat', {
        worker_id: 'worker-1',
        state,
        active_jobs: ids.length,
        active_job_ids: ids,
        hostname: 'host-1',
        pid: 4711,
        queues: ['default'],
        concurrency: 10,
        labels: [],
      });
    const held = [first?.id, second?.id, third?.id];
    expect(await beat('running', held)).toMatchObject({ state: 'running', jobs_extended: held });
    await js.ack(first?.id);
    expect(job(await js.get(`/jobs/${first?.id}`))).toMatchObject({ state: 'completed', attempt: 1 });
    expect(await js.nack(second?.id, 'handler_error')).toMatchObject({ state: 'retryable' });
    expect(await js.nack(third?.id, 'handler_not_found', false)).toMatchObject({ state: 'discarded' });
    expect(job(await js.get(`/jobs/${second?.id}`))).toMatchObject({
      error: { code: 'handler_error', details: { stack: expect.stringContaining('app.js') } },
    });
    expect((await failing(js.ack(first?.id))).kind).toBe('conflict');
    expect(await beat('terminate', [])).toMatchObject({ state: 'terminate' });
    expect(await beat('terminated', [])).toMatchObject({ state: 'terminate' });
  });

  test('its serverless adapters name the job in the path, and fail it with a text', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    for (const index of [0, 1]) await js.enqueue('a.b', [index]);
    const [first, second] = await js.fetch('default');
    await js.post(`/jobs/${first?.id}/ack`, {});
    expect(job(await js.get(`/jobs/${first?.id}`)).state).toBe('completed');
    await js.post(`/jobs/${second?.id}/nack`, { error: 'no "way"' });
    expect(job(await js.get(`/jobs/${second?.id}`))).toMatchObject({
      state: 'retryable',
      error: { code: 'handler_error', message: 'no "way"' },
    });
  });

  test('queues: name and status in lists, numbers at the top of statistics', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    await js.enqueue('a.b', [], { queue: 'email' });
    expect(await js.get('/queues/email/stats')).toMatchObject({
      name: 'email',
      available: 1,
      active: 0,
      completed: 0,
      scheduled: 0,
      paused: false,
    });
    await js.post('/queues/email/pause');
    expect(array((await js.get('/queues')).queues)).toMatchObject([{ name: 'email', paused: true }]);
    expect(await js.fetch('email')).toEqual([]);
    await js.post('/queues/email/resume');
    expect(await js.fetch('email')).toHaveLength(1);
  });

  test('dead letter: list, retry, discard', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const ids: unknown[] = [];
    for (const index of [0, 1]) {
      ids.push((await js.enqueue('a.b', [index], { retry })).id);
      const [one] = await js.fetch('default');
      await js.nack(one?.id, 'timeout');
    }
    expect(array((await js.get('/dead-letter')).jobs).map((one) => dict(one).id)).toEqual(ids.toReversed());
    await js.post(`/dead-letter/${ids[0]}/retry`);
    await js.delete(`/dead-letter/${ids[1]}`);
    expect(await js.get('/dead-letter')).toMatchObject({ jobs: [] });
    expect(await js.fetch('default')).toMatchObject([{ id: ids[0], attempt: 1 }]);
  });

  test('cron jobs in pages', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    for (const name of ['a-report', 'b-report', 'c-report']) {
      const body = { name, cron: '*/5 * * * *', type: 'report.daily', args: [], timezone: 'UTC', meta: {}, options: { queue: 'reports' } };
      const registered = dict(required(await js.post('/cron', body), 'cron_job'));
      expect(registered).toMatchObject({ name, cron: '*/5 * * * *', type: 'report.daily', status: 'active' });
      expect(registered.next_run_at).toMatch(/^\d{4}-/);
    }
    const page = await js.get('/cron?page=2&per_page=2');
    expect(array(page.cron_jobs)).toMatchObject([{ name: 'c-report' }]);
    expect(page.pagination).toMatchObject({ total: 3, page: 2, per_page: 2, has_more: false });
    await js.delete('/cron/a-report');
    expect((await failing(js.delete('/cron/a-report'))).kind).toBe('not found');
  });

  test('a nested chain; the retry of a step is camelCase', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const created = workflow(
      await js.post('/workflows', {
        type: 'chain',
        steps: [
          {
            type: 'a.load',
            args: [1],
            options: { queue: 'q', retry: { maxAttempts: 1, initialInterval: 'PT1S', backoff: 'exponential' } },
          },
          {
            type: 'group',
            jobs: [
              { type: 'a.one', args: [] },
              { type: 'a.two', args: [] },
            ],
          },
          { type: 'a.save', args: [2] },
        ],
      }),
    );
    expect(created).toMatchObject({ state: 'running', all: { type: 'chain', name: '' } });
    const [load] = await js.fetch('q');
    expect(load).toMatchObject({ type: 'a.load', max_attempts: 1 });
    await js.ack(load?.id, { rows: 3 });
    const both = await js.fetch('default');
    expect(both.map(({ type }) => type).toSorted()).toEqual(['a.one', 'a.two']);
    for (const { id } of both) await js.ack(id);
    const [save] = await js.fetch('default');
    await js.ack(save?.id);
    expect(workflow(await js.get(`/workflows/${created.id}`))).toMatchObject({ state: 'completed' });
  });

  test('a batch with callbacks; a workflow is cancelled', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { id } = workflow(
      await js.post('/workflows', {
        type: 'batch',
        jobs: [{ type: 'a.one', args: [] }],
        callbacks: { on_complete: { type: 'a.done', args: [] }, on_failure: { type: 'a.failed', args: [] } },
      }),
    );
    await js.ack((await js.fetch('default'))[0]?.id);
    const [callback] = await js.fetch('default');
    expect(callback?.type).toBe('a.done');
    await js.ack(callback?.id);
    expect(workflow(await js.get(`/workflows/${id}`)).state).toBe('completed');
    const group = workflow(await js.post('/workflows', { type: 'group', jobs: [{ type: 'a.one', args: [] }] }));
    await js.delete(`/workflows/${group.id}`);
    expect(workflow(await js.get(`/workflows/${group.id}`)).state).toBe('cancelled');
  });

  test('schemas', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const uri = 'urn:app:email.send:1';
    const registered = await js.post('/schemas', { uri, type: 'email.send', version: '1', schema: { type: 'array' } });
    expect(registered.schema).toMatchObject({ uri, version: '1' });
    const path = `/schemas/${encodeURIComponent(uri)}`;
    expect((await js.get(path)).schema).toMatchObject({ uri, schema: { type: 'array' } });
    expect(array((await js.get('/schemas')).schemas)).toHaveLength(1);
    await js.delete(path);
    expect((await failing(js.get(path))).kind).toBe('not found');
  });

  test('progress is reported and a queue is followed', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { id } = await js.enqueue('a.b', [], { queue: 'q' });
    using stream = await openStream(server.url, '/events/stream?channel=queue:q');
    await stream.events.take(1);
    await js.fetch('q');
    await js.post('/workers/progress', { job_id: id, percentage: 33.3, message: 'a third', data: { rows: 1 } });
    expect(await js.get(`/jobs/${id}/progress`)).toMatchObject({ progress: 0.333, message: 'a third', data: { rows: 1 } });
    await js.ack(id, { ok: true });
    await stream.events.take(3);
    expect(events(stream.text).map(([name, data]) => [name, data.job_id, data.to])).toEqual([
      ['job.state_changed', id, 'active'],
      ['job.progress', id, undefined],
      ['job.state_changed', id, 'completed'],
    ]);
  });

  test('its errors', async () => {
    await using server = await serve({ storage: url(), engine: { pausedQueues: 'reject' } });
    const js = new JavaScript(server.url);
    const missing = await failing(js.get(`/jobs/${newId()}`));
    expect(missing).toMatchObject({ kind: 'not found', code: 'not_found', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await failing(js.enqueue('Not Valid', []))).toMatchObject({ kind: 'validation', code: 'invalid_request' });
    await js.post('/queues/q/pause');
    expect(await failing(js.enqueue('a.b', [], { queue: 'q' }))).toMatchObject({ status: 422, code: 'queue_paused' });
    // What its durable execution asks for, with the prefix twice.
    expect((await failing(js.get(`/ojs/v1/ojs/v1/checkpoints/${newId()}/resume`))).kind).toBe('not found');

    await using slow = await serve({ storage: url(), requestRate: '1/3600s' });
    const limited = new JavaScript(slow.url);
    await limited.get('/queues');
    const { kind, retryAfter } = await failing(limited.get('/queues'));
    expect(kind).toBe('rate limit');
    expect(retryAfter).toBeGreaterThan(0);
  });

  test('its authorization goes out as it was given', async () => {
    await using server = await serve({ storage: url(), tokens: ['a-secret-token'] });
    expect((await failing(new JavaScript(server.url).get('/queues'))).status).toBe(401);
    const js = new JavaScript(server.url, 'Bearer a-secret-token');
    expect(await js.get('/queues')).toMatchObject({ queues: [] });
  });
});
