import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import {
  type Dict,
  dict,
  flag,
  json,
  listOf,
  mapOf,
  number,
  optional,
  type Reader,
  record,
  text,
  time,
  whole,
} from './support/reading.ts';

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

/**
 * The official JavaScript SDK 0.4.0: it sends through the `fetch` of Node, as this does, and its bodies are
 * `JSON.stringify` of objects in this order.
 */
class JavaScript {
  readonly #url: string;
  readonly #auth: string | null;

  constructor(url: string, auth: string | null = null) {
    this.#url = url;
    this.#auth = auth;
  }

  async call<T>(into: Reader<T>, method: string, path: string, body?: object): Promise<T> {
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
    return into(answered, '$');
  }

  get<T>(into: Reader<T>, path: string): Promise<T> {
    return this.call(into, 'GET', path);
  }

  post<T>(into: Reader<T>, path: string, body?: object): Promise<T> {
    return this.call(into, 'POST', path, body);
  }

  /** Nothing of the answer is read. */
  async send(method: string, path: string, body?: object): Promise<void> {
    await this.call(dict, method, path, body);
  }

  async enqueue(type: string, args: readonly unknown[], options?: object, meta?: object): Promise<Job> {
    return (await this.post(oneJob, '/jobs', { type, args, ...(meta && { meta }), ...(options && { options }) })).job;
  }

  async getJob(id: string | undefined): Promise<Job> {
    return (await this.get(oneJob, `/jobs/${id}`)).job;
  }

  async fetch(queue: string, count = 10): Promise<readonly Job[]> {
    const body = { queues: [queue], count, worker_id: 'worker-1', visibility_timeout_ms: 30_000 };
    return (await this.post(record({ jobs: listOf(job) }), '/workers/fetch', body)).jobs;
  }

  ack(id: string | undefined, result?: unknown): Promise<void> {
    return this.send('POST', '/workers/ack', { job_id: id, result });
  }

  nack(id: string | undefined, code: string, retryable = true): Promise<{ readonly state: string }> {
    const error = { code, message: 'no', retryable, details: { stack: 'Error: no\n    at handler (app.js:3:7)' } };
    return this.post(record({ state: text }), '/workers/nack', { job_id: id, error });
  }
}

const job = record({
  id: text,
  type: text,
  state: text,
  queue: text,
  args: listOf(json),
  meta: optional(dict),
  tags: optional(listOf(text)),
  priority: optional(whole),
  attempt: optional(whole),
  max_attempts: optional(whole),
  timeout_ms: optional(whole),
  created_at: optional(time),
  enqueued_at: optional(time),
  scheduled_at: optional(time),
  started_at: optional(time),
  completed_at: optional(time),
  expires_at: optional(time),
  result: optional(json),
  error: optional(record({ code: text, message: text, retryable: optional(flag), details: optional(dict) })),
});
type Job = ReturnType<typeof job>;
const oneJob = record({ job });
const pagination = record({ total: whole, page: whole, per_page: whole, has_more: flag });
const manyJobs = record({ jobs: listOf(job) });
/** The body itself is the workflow. */
const workflow = record({
  id: text,
  state: text,
  type: optional(text),
  name: optional(text),
  steps: optional(listOf(record({ id: text, type: text, state: text, job_id: optional(text) }))),
});
const cron = record({
  name: text,
  cron: text,
  type: text,
  args: listOf(json),
  status: text,
  timezone: optional(text),
  next_run_at: time,
  last_run_at: optional(time),
});
const beaten = record({ state: text, jobs_extended: optional(listOf(text)) });
const queues = record({ queues: listOf(record({ name: text, paused: optional(flag) })) });
/** Typed flat. */
const stats = record({ name: text, available: whole, active: whole, completed: whole, scheduled: whole, paused: flag });
const named = record({ uri: text, type: text, version: text });
const schema = record({ uri: text, type: text, version: text, schema: dict });
const oneSchema = record({ schema });
const manifest = record({
  specversion: text,
  implementation: record({ name: text, version: text }),
  conformance_level: whole,
  protocols: listOf(text),
  capabilities: mapOf(flag),
  endpoints: mapOf(text),
});
const health = record({
  status: text,
  version: text,
  backend: record({ type: text, status: text, latency_ms: number }),
});

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
    expect(await js.get(manifest, '/ojs/manifest')).toMatchObject({
      specversion: '1.0',
      protocols: ['http'],
      endpoints: { base_url: '/ojs/v1' },
    });
    expect(await js.get(health, '/health')).toMatchObject({ status: 'ok', backend: { status: 'connected' } });
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
    expect(await js.getJob(sent.id)).toEqual(sent);
    // `key` names what of args counts.
    const twice = await failing(js.enqueue('email.send', [{ user_id: 42, at: 2 }], options));
    expect(twice).toMatchObject({ kind: 'duplicate', details: { existing_job_id: sent.id } });
    expect((await js.enqueue('email.send', [{ user_id: 43, at: 2 }], options)).id).not.toBe(sent.id);
    const ignoring = { ...options, unique: { ...options.unique, on_conflict: 'ignore' } };
    expect((await js.enqueue('email.send', [{ user_id: 42 }], ignoring)).id).toBe(sent.id);
    expect((await js.call(oneJob, 'DELETE', `/jobs/${sent.id}`)).job).toMatchObject({ state: 'cancelled' });
    expect(await failing(js.call(oneJob, 'DELETE', `/jobs/${sent.id}`))).toMatchObject({
      kind: 'conflict',
      code: 'conflict',
    });
  });

  test('a batch is answered in its order', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { jobs } = await js.post(manyJobs, '/jobs/batch', {
      jobs: [
        { type: 'a.one', args: [1], options: {} },
        { type: 'a.two', args: [2], options: { queue: 'q' } },
      ],
    });
    expect(jobs).toMatchObject([
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
      js.post(beaten, '/workers/heartbeat', {
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
    expect(await js.getJob(first?.id)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(await js.nack(second?.id, 'handler_error')).toMatchObject({ state: 'retryable' });
    expect(await js.nack(third?.id, 'handler_not_found', false)).toMatchObject({ state: 'discarded' });
    expect(await js.getJob(second?.id)).toMatchObject({
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
    await js.send('POST', `/jobs/${first?.id}/ack`, {});
    expect((await js.getJob(first?.id)).state).toBe('completed');
    await js.send('POST', `/jobs/${second?.id}/nack`, { error: 'no "way"' });
    expect(await js.getJob(second?.id)).toMatchObject({
      state: 'retryable',
      error: { code: 'handler_error', message: 'no "way"' },
    });
  });

  test('queues: name and status in lists, numbers at the top of statistics', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    await js.enqueue('a.b', [], { queue: 'email' });
    expect(await js.get(stats, '/queues/email/stats')).toMatchObject({
      name: 'email',
      available: 1,
      active: 0,
      completed: 0,
      scheduled: 0,
      paused: false,
    });
    await js.send('POST', '/queues/email/pause');
    expect((await js.get(queues, '/queues')).queues).toMatchObject([{ name: 'email', paused: true }]);
    expect(await js.fetch('email')).toEqual([]);
    await js.send('POST', '/queues/email/resume');
    expect(await js.fetch('email')).toHaveLength(1);
  });

  test('dead letter: list, retry, discard', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const ids: string[] = [];
    for (const index of [0, 1]) {
      ids.push((await js.enqueue('a.b', [index], { retry })).id);
      const [one] = await js.fetch('default');
      await js.nack(one?.id, 'timeout');
    }
    expect((await js.get(manyJobs, '/dead-letter')).jobs.map(({ id }) => id)).toEqual(ids.toReversed());
    await js.send('POST', `/dead-letter/${ids[0]}/retry`);
    await js.send('DELETE', `/dead-letter/${ids[1]}`);
    expect(await js.get(manyJobs, '/dead-letter')).toMatchObject({ jobs: [] });
    expect(await js.fetch('default')).toMatchObject([{ id: ids[0], attempt: 1 }]);
  });

  test('cron jobs in pages', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    for (const name of ['a-report', 'b-report', 'c-report']) {
      const body = {
        name,
        cron: '*/5 * * * *',
        type: 'report.daily',
        args: [],
        timezone: 'UTC',
        meta: {},
        options: { queue: 'reports' },
      };
      const { cron_job: registered } = await js.post(record({ cron_job: cron }), '/cron', body);
      expect(registered).toMatchObject({ name, cron: '*/5 * * * *', type: 'report.daily', status: 'active' });
    }
    const page = await js.get(record({ cron_jobs: listOf(cron), pagination }), '/cron?page=2&per_page=2');
    expect(page.cron_jobs).toMatchObject([{ name: 'c-report' }]);
    expect(page.pagination).toMatchObject({ total: 3, page: 2, per_page: 2, has_more: false });
    await js.send('DELETE', '/cron/a-report');
    expect((await failing(js.send('DELETE', '/cron/a-report'))).kind).toBe('not found');
  });

  test('a nested chain; the retry of a step is camelCase', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const created = await js.post(workflow, '/workflows', {
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
    });
    expect(created).toMatchObject({ state: 'running', type: 'chain', name: '' });
    const [load] = await js.fetch('q');
    expect(load).toMatchObject({ type: 'a.load', max_attempts: 1 });
    await js.ack(load?.id, { rows: 3 });
    const both = await js.fetch('default');
    expect(both.map(({ type }) => type).toSorted()).toEqual(['a.one', 'a.two']);
    for (const { id } of both) await js.ack(id);
    const [save] = await js.fetch('default');
    await js.ack(save?.id);
    expect(await js.get(workflow, `/workflows/${created.id}`)).toMatchObject({ state: 'completed' });
  });

  test('a batch with callbacks; a workflow is cancelled', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { id } = await js.post(workflow, '/workflows', {
      type: 'batch',
      jobs: [{ type: 'a.one', args: [] }],
      callbacks: { on_complete: { type: 'a.done', args: [] }, on_failure: { type: 'a.failed', args: [] } },
    });
    await js.ack((await js.fetch('default'))[0]?.id);
    const [callback] = await js.fetch('default');
    expect(callback?.type).toBe('a.done');
    await js.ack(callback?.id);
    expect((await js.get(workflow, `/workflows/${id}`)).state).toBe('completed');
    const group = await js.post(workflow, '/workflows', { type: 'group', jobs: [{ type: 'a.one', args: [] }] });
    await js.send('DELETE', `/workflows/${group.id}`);
    expect((await js.get(workflow, `/workflows/${group.id}`)).state).toBe('cancelled');
  });

  test('schemas', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const uri = 'urn:app:email.send:1';
    const registered = await js.post(oneSchema, '/schemas', {
      uri,
      type: 'email.send',
      version: '1',
      schema: { type: 'array' },
    });
    expect(registered.schema).toMatchObject({ uri, version: '1' });
    const path = `/schemas/${encodeURIComponent(uri)}`;
    expect((await js.get(oneSchema, path)).schema).toMatchObject({ uri, schema: { type: 'array' } });
    expect((await js.get(record({ schemas: listOf(named) }), '/schemas')).schemas).toHaveLength(1);
    await js.send('DELETE', path);
    expect((await failing(js.get(oneSchema, path))).kind).toBe('not found');
  });

  test('progress is reported and a queue is followed', async () => {
    await using server = await serve({ storage: url() });
    const js = new JavaScript(server.url);
    const { id } = await js.enqueue('a.b', [], { queue: 'q' });
    using stream = await openStream(server.url, '/events/stream?channel=queue:q');
    await stream.events.take(1);
    await js.fetch('q');
    await js.send('POST', '/workers/progress', { job_id: id, percentage: 33.3, message: 'a third', data: { rows: 1 } });
    expect(await js.get(record({ progress: number, message: text, data: dict }), `/jobs/${id}/progress`)).toMatchObject(
      {
        progress: 0.333,
        message: 'a third',
        data: { rows: 1 },
      },
    );
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
    const missing = await failing(js.getJob(newId()));
    expect(missing).toMatchObject({
      kind: 'not found',
      code: 'not_found',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(await failing(js.enqueue('Not Valid', []))).toMatchObject({ kind: 'validation', code: 'invalid_request' });
    await js.send('POST', '/queues/q/pause');
    expect(await failing(js.enqueue('a.b', [], { queue: 'q' }))).toMatchObject({ status: 422, code: 'queue_paused' });
    // What its durable execution asks for, with the prefix twice.
    expect((await failing(js.get(dict, `/ojs/v1/ojs/v1/checkpoints/${newId()}/resume`))).kind).toBe('not found');

    await using slow = await serve({ storage: url(), requestRate: '1/3600s' });
    const limited = new JavaScript(slow.url);
    await limited.get(queues, '/queues');
    const { kind, retryAfter } = await failing(limited.get(queues, '/queues'));
    expect(kind).toBe('rate limit');
    expect(retryAfter).toBeGreaterThan(0);
  });

  test('it sends the given authorization unchanged', async () => {
    await using server = await serve({ storage: url(), tokens: ['a-secret-token'] });
    expect((await failing(new JavaScript(server.url).get(queues, '/queues'))).status).toBe(401);
    const js = new JavaScript(server.url, 'Bearer a-secret-token');
    expect(await js.get(queues, '/queues')).toMatchObject({ queues: [] });
  });
});
