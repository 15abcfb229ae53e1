import { randomUUID } from 'node:crypto';
import { isState } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import { type Answer, Connection, lengthOf } from './support/connection.ts';
import { array, type Dict, dict, required, text } from './support/reading.ts';

const media = 'application/openjobspec+json';

/** What the Python SDK raises for a status of 400 and more. */
class ApiError extends Error {
  readonly status: number;
  readonly code: unknown;
  readonly details: Dict;
  readonly answer: Answer;

  constructor(answer: Answer, body: Dict) {
    const error = dict(body.error ?? {});
    super(`${answer.status} ${String(error.code)}: ${String(error.message)}`);
    this.status = answer.status;
    this.code = error.code;
    this.details = dict(error.details ?? {});
    this.answer = answer;
  }
}

/** The official Python SDK 0.4.0 on httpx: its requests byte for byte, bodies as `json.dumps` writes them, and its reading of answers. */
class Python implements Disposable {
  readonly #host: string;
  readonly #connection: Connection;
  readonly #more: readonly string[];

  static async open(url: string, ...more: readonly string[]): Promise<Python> {
    return new Python(new URL(url).host, await Connection.open(url), more);
  }

  private constructor(host: string, connection: Connection, more: readonly string[]) {
    this.#host = host;
    this.#connection = connection;
    this.#more = more;
  }

  async send(method: string, path: string, body?: string): Promise<Answer> {
    const requestId = randomUUID();
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: ${this.#host}`,
      `Accept: ${media}`,
      'Accept-Encoding: gzip, deflate',
      'Connection: keep-alive',
      'User-Agent: python-httpx/0.28.1',
      `Content-Type: ${media}`,
      'OJS-Version: 1.0',
      ...this.#more,
      `X-Request-ID: ${requestId}`,
      // httpx says so for a POST without a body, and nothing at all for GET and DELETE.
      ...(method === 'POST' ? [`Content-Length: ${lengthOf(body ?? '')}`] : []),
    ];
    const answer = await this.#connection.send(head, body);
    expect(answer.headers.get('x-request-id')).toBe(requestId);
    return answer;
  }

  /** Takes an answer for JSON only where its type contains `application/json`. */
  async call(method: string, path: string, body?: string): Promise<Dict> {
    const answer = await this.send(method, path.startsWith('/ojs/') ? path : `/ojs/v1${path}`, body);
    const isJson = answer.headers.get('content-type')?.includes('application/json') ?? false;
    const read = isJson ? dict(JSON.parse(answer.text)) : { _raw: answer.text };
    if (answer.status >= 400) throw new ApiError(answer, read);
    return read;
  }

  get(path: string): Promise<Dict> {
    return this.call('GET', path);
  }

  post(path: string, body?: string): Promise<Dict> {
    return this.call('POST', path, body);
  }

  delete(path: string): Promise<Dict> {
    return this.call('DELETE', path);
  }

  async enqueue(body: string): Promise<Job> {
    return job(required(await this.post('/jobs', body), 'job'));
  }

  async fetch(queue: string): Promise<readonly Job[]> {
    const body = `{"queues": ["${queue}"], "count": 1, "visibility_timeout_ms": 30000, "worker_id": "worker-1"}`;
    return array((await this.post('/workers/fetch', body)).jobs ?? []).map(job);
  }

  ack(id: string, result?: string): Promise<Dict> {
    return this.post('/workers/ack', `{"job_id": "${id}"${result === undefined ? '' : `, "result": ${result}`}}`);
  }

  nack(id: string, code: string, retryable: boolean): Promise<Dict> {
    const details = '{"traceback": "Traceback (most recent call last):\\n  File \\"app.py\\", line 3\\nValueError: no\\n"}';
    return this.post(
      '/workers/nack',
      `{"job_id": "${id}", "error": {"code": "${code}", "message": "no", "retryable": ${retryable}, "details": ${details}}}`,
    );
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

interface Job {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly all: Dict;
}

/** Job.from_dict: id and type have to be there, and the state is one of the eight. */
function job(value: unknown): Job {
  const all = dict(value);
  const state = all.state ?? 'available';
  if (!isState(state)) throw new Error(`ValueError: ${String(state)} is not a valid JobState`);
  return { id: text(required(all, 'id')), type: text(required(all, 'type')), state, all };
}

/** Workflow.from_dict */
function workflow(body: Dict): { readonly id: string; readonly name: string; readonly state: string; readonly steps: readonly Dict[] } {
  const all = dict(required(body, 'workflow'));
  return {
    id: text(required(all, 'id')),
    name: text(required(all, 'name')),
    state: text(required(all, 'state')),
    steps: array(all.steps ?? []).map(dict),
  };
}

function cron(value: unknown): Dict {
  const all = dict(value);
  for (const name of ['name', 'cron', 'status', 'next_run_at']) required(all, name);
  return all;
}

/** The fields of an event as the SDK cuts them out of the lines of a stream. */
function events(stream: string): readonly { readonly event: string; readonly id: string; readonly data: Dict }[] {
  return stream.split('\n\n').flatMap((block) => {
    const field = (name: string) =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    const data = field('data');
    return data === undefined ? [] : [{ event: field('event') ?? 'message', id: field('id') ?? '', data: dict(JSON.parse(data)) }];
  });
}

const retry =
  '"retry": {"max_attempts": 1, "initial_interval": "PT0.1S", "backoff_coefficient": 2.0, "max_interval": "PT5M", "jitter": true}';

async function failing(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiError) return error;
  throw new Error('The call was expected to fail with an answer of the server.', { cause: error });
}

describe.each(storages)('the Python SDK, $name', ({ url }) => {
  test('manifest and health', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const manifest = await py.get('/ojs/manifest');
    expect(manifest).toMatchObject({ ojs_version: '1.0', implementation: { language: 'typescript' }, protocols: ['http'] });
    expect(Object.values(dict(manifest.capabilities)).every((one) => typeof one === 'boolean')).toBe(true);
    expect(await py.get('/health')).toMatchObject({ status: 'ok', version: '1.0', backend: { status: 'connected' } });
  });

  test('enqueue with every option, get, cancel', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const unique =
      '"unique": {"key": ["type", "queue", "args"], "period": "PT1H", "states": ["available", "active", "scheduled"], "on_conflict": "reject"}';
    const body =
      `{"type": "email.send", "args": ["j\\u00f6rg@example.com", 1.0, {"a": null}], "meta": {"tenant": "acme"}, "schema": "urn:app:email", ` +
      `"options": {"queue": "email", "priority": 5, "timeout_ms": 30000, "delay_until": "2999-01-01T00:00:00+00:00", ` +
      `"expires_at": "2999-01-02T00:00:00.123456+00:00", ${retry}, ${unique}, "tags": ["a", "b"]}}`;
    const sent = await py.enqueue(body);
    expect(sent).toMatchObject({ type: 'email.send', state: 'scheduled' });
    const { all } = job(required(await py.get(`/jobs/${sent.id}`), 'job'));
    expect(all).toMatchObject({
      queue: 'email',
      priority: 5,
      args: ['jörg@example.com', 1, { a: null }],
      meta: { tenant: 'acme' },
      attempt: 0,
      max_attempts: 1,
      timeout_ms: 30_000,
      scheduled_at: '2999-01-01T00:00:00+00:00',
      tags: ['a', 'b'],
    });
    const twice = await failing(py.enqueue(body));
    expect(twice).toMatchObject({ status: 409, code: 'duplicate', details: { existing_job_id: sent.id } });
    const cancelled = job(required(await py.delete(`/jobs/${sent.id}`), 'job'));
    expect(cancelled.state).toBe('cancelled');
    expect((await failing(py.delete(`/jobs/${sent.id}`))).status).toBe(409);
    // A cancelled job has no duplicates any more.
    expect((await py.enqueue(body)).id).not.toBe(sent.id);
  });

  test('a batch comes back in its order', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const { jobs } = await py.post(
      '/jobs/batch',
      '{"jobs": [{"type": "a.one", "args": [1]}, {"type": "a.two", "args": [2], "options": {"queue": "q"}}]}',
    );
    expect(array(jobs).map((one) => job(one).type)).toEqual(['a.one', 'a.two']);
  });

  test('a worker fetches, beats, acks and fails jobs', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    expect(await py.fetch('default')).toEqual([]);
    await py.enqueue('{"type": "a.b", "args": []}');
    const [first] = await py.fetch('default');
    if (first === undefined) throw new Error('The fetch got no job.');
    expect(first.all).toMatchObject({ state: 'active', attempt: 1, args: [], meta: {} });
    const beat = await py.post(
      '/workers/heartbeat',
      `{"worker_id": "worker-1", "active_jobs": ["${first.id}"], "visibility_timeout_ms": 30000}`,
    );
    expect(beat).toMatchObject({ state: 'running', jobs_extended: [first.id] });
    await py.ack(first.id, '{"total": 1.50}');
    expect(job(required(await py.get(`/jobs/${first.id}`), 'job')).all).toMatchObject({ state: 'completed', result: { total: 1.5 } });
    expect(
      await py.post('/workers/heartbeat', '{"worker_id": "worker-1", "active_jobs": [], "visibility_timeout_ms": 30000}'),
    ).toMatchObject({
      state: 'running',
      jobs_extended: [],
    });

    for (const [code, policy, state] of [
      ['handler_error', '', 'retryable'],
      ['cancelled', '', 'retryable'],
      ['handler_error', `, "options": {${retry}}`, 'discarded'],
    ] as const) {
      const { id } = await py.enqueue(`{"type": "a.b", "args": []${policy}}`);
      await py.fetch('default');
      expect(await py.nack(id, code, true)).toMatchObject({ state });
      const { all } = job(required(await py.get(`/jobs/${id}`), 'job'));
      expect(all).toMatchObject({ state, error: { code, message: 'no', details: { traceback: expect.stringContaining('line 3') } } });
    }
  });

  test('queues: list, statistics, pause, resume', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    await py.enqueue('{"type": "a.b", "args": [], "options": {"queue": "email"}}');
    const stats = await py.get('/queues/email/stats');
    expect(stats).toMatchObject({ status: 'active' });
    expect(dict(required(stats, 'stats'))).toMatchObject({
      available: 1,
      active: 0,
      scheduled: 0,
      retryable: 0,
      discarded: 0,
      completed_last_hour: 0,
    });
    expect(await py.post('/queues/email/pause')).toMatchObject({ status: 'paused' });
    const [queue] = array((await py.get('/queues')).queues);
    expect(queue).toMatchObject({ name: 'email', status: 'paused', created_at: expect.stringMatching(/^\d{4}-/) });
    expect(await py.fetch('email')).toEqual([]);
    expect(await py.post('/queues/email/resume')).toMatchObject({ status: 'active' });
    expect(await py.fetch('email')).toHaveLength(1);
  });

  test('dead letter: list, retry, delete', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const ids: string[] = [];
    for (const queue of ['email', 'email', 'other']) {
      const policy = `${retry.slice(0, -1)}, "on_exhaustion": "dead_letter"}`;
      const { id } = await py.enqueue(`{"type": "a.b", "args": [], "options": {"queue": "${queue}", ${policy}}}`);
      await py.fetch(queue);
      await py.nack(id, 'handler_error', true);
      ids.push(id);
    }
    const page = await py.get('/dead-letter?queue=email&limit=1&offset=1');
    expect(page).toMatchObject({ pagination: { total: 2, limit: 1, offset: 1, has_more: false } });
    expect(array(page.jobs).map((one) => job(one).id)).toEqual([ids[0]]);
    expect(job(required(await py.post(`/dead-letter/${ids[0]}/retry`), 'job')).state).toBe('available');
    await py.delete(`/dead-letter/${ids[1]}`);
    expect((await failing(py.get(`/jobs/${ids[1]}`))).code).toBe('not_found');
    expect(await py.get('/dead-letter?limit=50&offset=0')).toMatchObject({ pagination: { total: 1 } });
  });

  test('cron jobs: register, update, list, unregister', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const body = (expression: string) =>
      `{"name": "daily-report", "cron": "${expression}", "type": "report.daily", "args": [{"full": true}], "timezone": "Europe/Berlin", ` +
      `"meta": {"team": "a"}, "options": {"queue": "reports", "priority": 2, ${retry}, "tags": ["nightly"]}}`;
    const registered = cron(required(await py.post('/cron', body('0 9 * * *')), 'cron_job'));
    expect(registered).toMatchObject({
      name: 'daily-report',
      cron: '0 9 * * *',
      type: 'report.daily',
      timezone: 'Europe/Berlin',
      status: 'active',
    });
    expect(cron(required(await py.post('/cron', body('0 10 * * *')), 'cron_job')).cron).toBe('0 10 * * *');
    const page = await py.get('/cron?limit=50&offset=0');
    expect(page).toMatchObject({ pagination: { total: 1, limit: 50, offset: 0 } });
    expect(array(page.cron_jobs).map((one) => cron(one).name)).toEqual(['daily-report']);
    await py.delete('/cron/daily-report');
    expect((await failing(py.delete('/cron/daily-report'))).code).toBe('not_found');
  });

  test('a chain runs step by step', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const created = workflow(
      await py.post(
        '/workflows',
        `{"name": "import", "steps": [{"id": "step-0", "type": "a.load", "args": [1], "depends_on": [], "options": {"queue": "q", ${retry}}}, ` +
          `{"id": "step-1", "type": "a.save", "args": [2], "depends_on": ["step-0"], "options": {"queue": "q"}}]}`,
      ),
    );
    expect(created).toMatchObject({
      name: 'import',
      state: 'running',
      steps: [{ id: 'step-0' }, { id: 'step-1', depends_on: ['step-0'] }],
    });
    for (const type of ['a.load', 'a.save']) {
      const [one] = await py.fetch('q');
      expect(one?.type).toBe(type);
      await py.ack(one?.id ?? '', '{"rows": 3}');
    }
    expect(workflow(await py.get(`/workflows/${created.id}`))).toMatchObject({
      state: 'completed',
      steps: [{ result: { rows: 3 } }, { state: 'completed' }],
    });
    expect((await failing(py.delete(`/workflows/${created.id}`))).status).toBe(409);
  });

  test('a group runs at once and can be cancelled', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const body =
      '{"name": "both", "steps": [{"id": "step-0", "type": "a.one", "args": [], "depends_on": []}, {"id": "step-1", "type": "a.two", "args": [], "depends_on": []}]}';
    const { id } = workflow(await py.post('/workflows', body));
    expect(await py.get('/queues/default/stats')).toMatchObject({ stats: { available: 2 } });
    expect(workflow(await py.delete(`/workflows/${id}`)).state).toBe('cancelled');
    expect(await py.get('/queues/default/stats')).toMatchObject({ stats: { available: 0, cancelled: 2 } });
  });

  test('the callbacks of a batch are steps with a callback_type', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const callback = (name: string) =>
      `{"id": "${name}", "type": "done.${name}", "args": [], "depends_on": ["step-0", "step-1"], "options": {"queue": "done", "callback_type": "${name}"}}`;
    const { id } = workflow(
      await py.post(
        '/workflows',
        `{"name": "mails", "steps": [{"id": "step-0", "type": "a.one", "args": [], "depends_on": []}, ` +
          `{"id": "step-1", "type": "a.two", "args": [], "depends_on": [], "options": {${retry}}}, ` +
          `${['on_complete', 'on_success', 'on_failure'].map(callback).join(', ')}]}`,
      ),
    );
    const [one, two] = [await py.fetch('default'), await py.fetch('default')].flat();
    await py.ack(one?.id ?? '');
    expect(await py.fetch('done')).toEqual([]);
    await py.nack(two?.id ?? '', 'handler_error', true);
    const fired = [await py.fetch('done'), await py.fetch('done'), await py.fetch('done')].flat();
    expect(fired.map(({ type }) => type).toSorted()).toEqual(['done.on_complete', 'done.on_failure']);
    for (const { id: callbackId } of fired) await py.ack(callbackId);
    expect(workflow(await py.get(`/workflows/${id}`))).toMatchObject({ name: 'mails', state: 'completed' });
  });

  test('schemas keep the type of their version', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const uri = 'urn:app:email.send:1';
    const body = `{"uri": "${uri}", "type": "email.send", "version": "1", "schema": {"type": "array", "minItems": 1}}`;
    expect(dict(required(await py.post('/schemas', body), 'schema'))).toMatchObject({ uri, type: 'email.send', version: '1' });
    const path = `/schemas/${encodeURIComponent(uri)}`;
    expect(dict(required(await py.get(path), 'schema'))).toMatchObject({ uri, version: '1', schema: { type: 'array', minItems: 1 } });
    expect(array((await py.get('/schemas?limit=50&offset=0')).schemas)).toMatchObject([{ uri, version: '1' }]);
    const refused = await failing(py.enqueue('{"type": "email.send", "args": []}'));
    expect(refused).toMatchObject({ status: 400, code: 'schema_validation' });
    await py.delete(path);
    expect((await failing(py.get(path))).code).toBe('not_found');
  });

  test('progress is reported and events are followed', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const { id } = await py.enqueue('{"type": "a.b", "args": []}');
    using stream = await openStream(server.url, `/events/stream?channel=job:${id}`, { 'user-agent': 'python-httpx/0.28.1' });
    expect(stream.status).toBe(200);
    await stream.events.take(1);
    await py.fetch('default');
    const report = '{"job_id": "JOB", "percentage": 50, "message": "half", "data": {"rows": 10}}'.replace('JOB', id);
    expect(await py.post('/workers/progress', report)).toMatchObject({ percentage: 50 });
    await py.ack(id);
    await stream.events.rest();
    expect(events(stream.text).map(({ event, data }) => [event, data.to ?? data.progress])).toEqual([
      ['job.state_changed', 'active'],
      ['job.progress', 50],
      ['job.state_changed', 'completed'],
    ]);
    expect((await failing(py.post('/workers/progress', report.replace(id, newId())))).code).toBe('not_found');
  });

  test('its errors: not found, paused, too many requests', async () => {
    await using server = await serve({ storage: url(), engine: { pausedQueues: 'reject' } });
    using py = await Python.open(server.url);
    expect(await failing(py.get(`/jobs/${newId()}`))).toMatchObject({ status: 404, code: 'not_found' });
    await py.post('/queues/email/pause');
    const paused = await failing(py.enqueue('{"type": "a.b", "args": [], "options": {"queue": "email"}}'));
    expect(paused).toMatchObject({ status: 422, code: 'queue_paused' });
    const invalid = await failing(py.enqueue('{"type": "A", "args": []}'));
    expect(invalid).toMatchObject({ status: 400, code: 'invalid_request' });

    await using slow = await serve({ storage: url(), requestRate: '1/3600s' });
    using limited = await Python.open(slow.url);
    await limited.get('/queues');
    const { status, code, answer } = await failing(limited.get('/queues'));
    expect([status, code]).toEqual([429, 'rate_limited']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const name of ['limit', 'remaining', 'reset']) expect(answer.headers.get(`x-ratelimit-${name}`)).toMatch(/^\d+$/);
  });

  test('a token goes with every request', async () => {
    await using server = await serve({ storage: url(), tokens: ['a-secret-token'] });
    using stranger = await Python.open(server.url);
    expect(await failing(stranger.get('/queues'))).toMatchObject({ status: 401, code: 'unauthenticated' });
    using py = await Python.open(server.url, 'Authorization: Bearer a-secret-token');
    expect((await py.enqueue('{"type": "a.b", "args": []}')).state).toBe('available');
  });

  test('without quirks its answers have the bare type, which it does not take for JSON', async () => {
    await using server = await serve({ storage: url(), quirks: false });
    using py = await Python.open(server.url);
    const { headers } = await py.send('GET', '/ojs/v1/queues');
    expect(headers.get('content-type')).toBe(media);
    await expect(py.enqueue('{"type": "a.b", "args": []}')).rejects.toThrow("KeyError: 'job'");
    expect(await failing(py.get(`/jobs/${newId()}`))).toMatchObject({ status: 404, code: undefined });

    await using quirky = await serve({ storage: url() });
    using other = await Python.open(quirky.url);
    for (const path of ['/ojs/v1/queues', `/ojs/v1/jobs/${newId()}`, '/nowhere']) {
      expect((await other.send('GET', path)).headers.get('content-type')).toBe(`${media}; profile="application/json"`);
    }
  });
});
