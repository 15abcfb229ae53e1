import { randomUUID } from 'node:crypto';
import { isState } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import { type Answer, Connection, lengthOf } from './support/connection.ts';
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

/**
 * The official Python SDK 0.4.0 on httpx: its requests byte for byte, bodies as `json.dumps` writes them, and its
 * reading of answers.
 */
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
  async call<T>(into: Reader<T>, method: string, path: string, body?: string): Promise<T> {
    const answer = await this.send(method, path.startsWith('/ojs/') ? path : `/ojs/v1${path}`, body);
    const isJson = answer.headers.get('content-type')?.includes('application/json') ?? false;
    const read = isJson ? dict(JSON.parse(answer.text)) : { _raw: answer.text };
    if (answer.status >= 400) throw new ApiError(answer, read);
    return into(read, '$');
  }

  get<T>(into: Reader<T>, path: string): Promise<T> {
    return this.call(into, 'GET', path);
  }

  post<T>(into: Reader<T>, path: string, body?: string): Promise<T> {
    return this.call(into, 'POST', path, body);
  }

  delete<T>(into: Reader<T>, path: string): Promise<T> {
    return this.call(into, 'DELETE', path);
  }

  async enqueue(body: string): Promise<Job> {
    return (await this.post(oneJob, '/jobs', body)).job;
  }

  async getJob(id: string): Promise<Job> {
    return (await this.get(oneJob, `/jobs/${id}`)).job;
  }

  async fetch(queue: string): Promise<readonly Job[]> {
    const body = `{"queues": ["${queue}"], "count": 1, "visibility_timeout_ms": 30000, "worker_id": "worker-1"}`;
    return (await this.post(fetched, '/workers/fetch', body)).jobs ?? [];
  }

  /** Any answer will do. */
  ack(id: string, result?: string): Promise<Dict> {
    return this.post(dict, '/workers/ack', `{"job_id": "${id}"${result === undefined ? '' : `, "result": ${result}`}}`);
  }

  nack(id: string, code: string, retryable: boolean): Promise<{ readonly state: string }> {
    const details =
      '{"traceback": "Traceback (most recent call last):\\n  File \\"app.py\\", line 3\\nValueError: no\\n"}';
    return this.post(
      record({ state: text }),
      '/workers/nack',
      `{"job_id": "${id}", "error": {"code": "${code}", "message": "no", "retryable": ${retryable}, "details": ${details}}}`,
    );
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

function state(value: unknown, at: string): string {
  if (isState(value)) return value;
  throw new Error(`ValueError: ${JSON.stringify(value)} is not a valid JobState at ${at}`);
}

/** Job.from_dict: id and type have to be there, and the state is one of the eight. */
const job = record({
  id: text,
  type: text,
  state: optional(state),
  queue: optional(text),
  args: optional(listOf(json)),
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
  error: optional(record({ code: optional(text), message: text, details: optional(dict) })),
});
type Job = ReturnType<typeof job>;
const oneJob = record({ job });
const fetched = record({ jobs: optional(listOf(job)) });
const pagination = record({ total: whole, limit: whole, offset: whole, has_more: flag });
const manyJobs = record({ jobs: listOf(job), pagination });
const step = record({
  id: text,
  type: text,
  state: text,
  job_id: optional(text),
  depends_on: optional(listOf(text)),
  result: optional(json),
});
/** Workflow.from_dict */
const workflow = record({ workflow: record({ id: text, name: text, state: text, steps: optional(listOf(step)) }) });
const cron = record({
  name: text,
  cron: text,
  status: text,
  next_run_at: time,
  last_run_at: optional(time),
  type: optional(text),
  args: optional(listOf(json)),
  timezone: optional(text),
  meta: optional(dict),
});
const oneCron = record({ cron_job: cron });
const beaten = record({ state: text, jobs_extended: optional(listOf(text)) });
const changed = record({ status: text });
const queues = record({
  queues: listOf(record({ name: text, status: text, created_at: time })),
  pagination: optional(pagination),
});
/** QueueStats reads what is under `stats`. */
const stats = record({
  status: text,
  stats: record({
    available: whole,
    active: whole,
    scheduled: whole,
    retryable: whole,
    discarded: whole,
    completed_last_hour: whole,
    failed_last_hour: optional(whole),
    avg_duration_ms: optional(number),
    avg_wait_ms: optional(number),
    throughput_per_second: optional(number),
  }),
  computed_at: optional(time),
});
const named = record({ uri: text, type: text, version: text });
const schema = record({ uri: text, type: text, version: text, schema: dict });
const oneSchema = record({ schema });
const manifest = record({
  ojs_version: text,
  implementation: record({ name: text, version: text, language: optional(text) }),
  conformance_level: whole,
  protocols: listOf(text),
  capabilities: mapOf(flag),
});
const health = record({
  status: text,
  version: text,
  uptime_seconds: whole,
  backend: record({ type: text, status: text, latency_ms: number }),
});

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
    return data === undefined
      ? []
      : [{ event: field('event') ?? 'message', id: field('id') ?? '', data: dict(JSON.parse(data)) }];
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
    expect(await py.get(manifest, '/ojs/manifest')).toMatchObject({
      ojs_version: '1.0',
      implementation: { language: 'typescript' },
      protocols: ['http'],
    });
    expect(await py.get(health, '/health')).toMatchObject({
      status: 'ok',
      version: '1.0',
      backend: { status: 'connected' },
    });
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
    expect(await py.getJob(sent.id)).toMatchObject({
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
    const cancelled = (await py.delete(oneJob, `/jobs/${sent.id}`)).job;
    expect(cancelled.state).toBe('cancelled');
    expect((await failing(py.delete(oneJob, `/jobs/${sent.id}`))).status).toBe(409);
    // A cancelled job has no duplicates any more.
    expect((await py.enqueue(body)).id).not.toBe(sent.id);
  });

  test('a batch is answered in its order', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const { jobs } = await py.post(
      record({ jobs: listOf(job) }),
      '/jobs/batch',
      '{"jobs": [{"type": "a.one", "args": [1]}, {"type": "a.two", "args": [2], "options": {"queue": "q"}}]}',
    );
    expect(jobs.map(({ type }) => type)).toEqual(['a.one', 'a.two']);
  });

  test('a worker fetches, beats, acks and fails jobs', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    expect(await py.fetch('default')).toEqual([]);
    await py.enqueue('{"type": "a.b", "args": []}');
    const [first] = await py.fetch('default');
    if (first === undefined) throw new Error('The fetch got no job.');
    expect(first).toMatchObject({ state: 'active', attempt: 1, args: [], meta: {} });
    const beat = await py.post(
      beaten,
      '/workers/heartbeat',
      `{"worker_id": "worker-1", "active_jobs": ["${first.id}"], "visibility_timeout_ms": 30000}`,
    );
    expect(beat).toMatchObject({ state: 'running', jobs_extended: [first.id] });
    await py.ack(first.id, '{"total": 1.50}');
    expect(await py.getJob(first.id)).toMatchObject({ state: 'completed', result: { total: 1.5 } });
    expect(
      await py.post(
        beaten,
        '/workers/heartbeat',
        '{"worker_id": "worker-1", "active_jobs": [], "visibility_timeout_ms": 30000}',
      ),
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
      expect(await py.getJob(id)).toMatchObject({
        state,
        error: { code, message: 'no', details: { traceback: expect.stringContaining('line 3') } },
      });
    }
  });

  test('queues: list, statistics, pause, resume', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    await py.enqueue('{"type": "a.b", "args": [], "options": {"queue": "email"}}');
    expect(await py.get(stats, '/queues/email/stats')).toMatchObject({
      status: 'active',
      stats: { available: 1, active: 0, scheduled: 0, retryable: 0, discarded: 0, completed_last_hour: 0 },
    });
    expect(await py.post(changed, '/queues/email/pause')).toMatchObject({ status: 'paused' });
    expect((await py.get(queues, '/queues')).queues).toMatchObject([{ name: 'email', status: 'paused' }]);
    expect(await py.fetch('email')).toEqual([]);
    expect(await py.post(changed, '/queues/email/resume')).toMatchObject({ status: 'active' });
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
    const page = await py.get(manyJobs, '/dead-letter?queue=email&limit=1&offset=1');
    expect(page).toMatchObject({ pagination: { total: 2, limit: 1, offset: 1, has_more: false } });
    expect(page.jobs.map(({ id }) => id)).toEqual([ids[0]]);
    expect((await py.post(oneJob, `/dead-letter/${ids[0]}/retry`)).job.state).toBe('available');
    await py.delete(dict, `/dead-letter/${ids[1]}`);
    expect((await failing(py.getJob(ids[1] ?? ''))).code).toBe('not_found');
    expect(await py.get(manyJobs, '/dead-letter?limit=50&offset=0')).toMatchObject({ pagination: { total: 1 } });
  });

  test('cron jobs: register, update, list, unregister', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const body = (expression: string) =>
      `{"name": "daily-report", "cron": "${expression}", "type": "report.daily", "args": [{"full": true}], "timezone": "Europe/Berlin", ` +
      `"meta": {"team": "a"}, "options": {"queue": "reports", "priority": 2, ${retry}, "tags": ["nightly"]}}`;
    const registered = (await py.post(oneCron, '/cron', body('0 9 * * *'))).cron_job;
    expect(registered).toMatchObject({
      name: 'daily-report',
      cron: '0 9 * * *',
      type: 'report.daily',
      timezone: 'Europe/Berlin',
      status: 'active',
    });
    expect((await py.post(oneCron, '/cron', body('0 10 * * *'))).cron_job.cron).toBe('0 10 * * *');
    const page = await py.get(record({ cron_jobs: listOf(cron), pagination }), '/cron?limit=50&offset=0');
    expect(page).toMatchObject({ pagination: { total: 1, limit: 50, offset: 0 } });
    expect(page.cron_jobs.map(({ name }) => name)).toEqual(['daily-report']);
    await py.delete(dict, '/cron/daily-report');
    expect((await failing(py.delete(dict, '/cron/daily-report'))).code).toBe('not_found');
  });

  test('a chain runs step by step', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const created = (
      await py.post(
        workflow,
        '/workflows',
        `{"name": "import", "steps": [{"id": "step-0", "type": "a.load", "args": [1], "depends_on": [], "options": {"queue": "q", ${retry}}}, ` +
          `{"id": "step-1", "type": "a.save", "args": [2], "depends_on": ["step-0"], "options": {"queue": "q"}}]}`,
      )
    ).workflow;
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
    expect((await py.get(workflow, `/workflows/${created.id}`)).workflow).toMatchObject({
      state: 'completed',
      steps: [{ result: { rows: 3 } }, { state: 'completed' }],
    });
    expect((await failing(py.delete(workflow, `/workflows/${created.id}`))).status).toBe(409);
  });

  test('a group runs at once and can be cancelled', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const body =
      '{"name": "both", "steps": [{"id": "step-0", "type": "a.one", "args": [], "depends_on": []}, {"id": "step-1", "type": "a.two", "args": [], "depends_on": []}]}';
    const { id } = (await py.post(workflow, '/workflows', body)).workflow;
    expect(await py.get(stats, '/queues/default/stats')).toMatchObject({ stats: { available: 2 } });
    expect((await py.delete(workflow, `/workflows/${id}`)).workflow.state).toBe('cancelled');
    expect(await py.get(stats, '/queues/default/stats')).toMatchObject({ stats: { available: 0 } });
  });

  test('the callbacks of a batch are steps with a callback_type', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const callback = (name: string) =>
      `{"id": "${name}", "type": "done.${name}", "args": [], "depends_on": ["step-0", "step-1"], "options": {"queue": "done", "callback_type": "${name}"}}`;
    const { id } = (
      await py.post(
        workflow,
        '/workflows',
        `{"name": "mails", "steps": [{"id": "step-0", "type": "a.one", "args": [], "depends_on": []}, ` +
          `{"id": "step-1", "type": "a.two", "args": [], "depends_on": [], "options": {${retry}}}, ` +
          `${['on_complete', 'on_success', 'on_failure'].map(callback).join(', ')}]}`,
      )
    ).workflow;
    const [one, two] = [await py.fetch('default'), await py.fetch('default')].flat();
    await py.ack(one?.id ?? '');
    expect(await py.fetch('done')).toEqual([]);
    await py.nack(two?.id ?? '', 'handler_error', true);
    const fired = [await py.fetch('done'), await py.fetch('done'), await py.fetch('done')].flat();
    expect(fired.map(({ type }) => type).toSorted()).toEqual(['done.on_complete', 'done.on_failure']);
    for (const { id: callbackId } of fired) await py.ack(callbackId);
    expect((await py.get(workflow, `/workflows/${id}`)).workflow).toMatchObject({ name: 'mails', state: 'completed' });
  });

  test('schemas keep the type of their version', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const uri = 'urn:app:email.send:1';
    const body = `{"uri": "${uri}", "type": "email.send", "version": "1", "schema": {"type": "array", "minItems": 1}}`;
    expect((await py.post(oneSchema, '/schemas', body)).schema).toMatchObject({
      uri,
      type: 'email.send',
      version: '1',
    });
    const path = `/schemas/${encodeURIComponent(uri)}`;
    expect((await py.get(oneSchema, path)).schema).toMatchObject({
      uri,
      version: '1',
      schema: { type: 'array', minItems: 1 },
    });
    expect((await py.get(record({ schemas: listOf(named) }), '/schemas?limit=50&offset=0')).schemas).toMatchObject([
      { uri, version: '1' },
    ]);
    const refused = await failing(py.enqueue('{"type": "email.send", "args": []}'));
    expect(refused).toMatchObject({ status: 400, code: 'schema_validation' });
    await py.delete(dict, path);
    expect((await failing(py.get(oneSchema, path))).code).toBe('not_found');
  });

  test('progress is reported and events are followed', async () => {
    await using server = await serve({ storage: url() });
    using py = await Python.open(server.url);
    const { id } = await py.enqueue('{"type": "a.b", "args": []}');
    using stream = await openStream(server.url, `/events/stream?channel=job:${id}`, {
      'user-agent': 'python-httpx/0.28.1',
    });
    expect(stream.status).toBe(200);
    await stream.events.take(1);
    await py.fetch('default');
    const report = '{"job_id": "JOB", "percentage": 50, "message": "half", "data": {"rows": 10}}'.replace('JOB', id);
    expect(await py.post(record({ percentage: number }), '/workers/progress', report)).toMatchObject({
      percentage: 50,
    });
    await py.ack(id);
    await stream.events.rest();
    expect(events(stream.text).map(({ event, data }) => [event, data.to ?? data.progress])).toEqual([
      ['job.state_changed', 'active'],
      ['job.progress', 50],
      ['job.state_changed', 'completed'],
    ]);
    expect((await failing(py.post(dict, '/workers/progress', report.replace(id, newId())))).code).toBe('not_found');
  });

  test('its errors: not found, paused, too many requests', async () => {
    await using server = await serve({ storage: url(), engine: { pausedQueues: 'reject' } });
    using py = await Python.open(server.url);
    expect(await failing(py.getJob(newId()))).toMatchObject({ status: 404, code: 'not_found' });
    await py.post(changed, '/queues/email/pause');
    const paused = await failing(py.enqueue('{"type": "a.b", "args": [], "options": {"queue": "email"}}'));
    expect(paused).toMatchObject({ status: 422, code: 'queue_paused' });
    const invalid = await failing(py.enqueue('{"type": "A", "args": []}'));
    expect(invalid).toMatchObject({ status: 400, code: 'invalid_request' });

    await using slow = await serve({ storage: url(), requestRate: '1/3600s' });
    using limited = await Python.open(slow.url);
    await limited.get(queues, '/queues');
    const { status, code, answer } = await failing(limited.get(queues, '/queues'));
    expect([status, code]).toEqual([429, 'rate_limited']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const name of ['limit', 'remaining', 'reset'])
      expect(answer.headers.get(`x-ratelimit-${name}`)).toMatch(/^\d+$/);
  });

  test('a token goes with every request', async () => {
    await using server = await serve({ storage: url(), tokens: ['a-secret-token'] });
    using stranger = await Python.open(server.url);
    expect(await failing(stranger.get(queues, '/queues'))).toMatchObject({ status: 401, code: 'unauthenticated' });
    using py = await Python.open(server.url, 'Authorization: Bearer a-secret-token');
    expect((await py.enqueue('{"type": "a.b", "args": []}')).state).toBe('available');
  });

  test('without quirks its answers have the bare type, which it does not read as JSON', async () => {
    await using server = await serve({ storage: url(), quirks: false });
    using py = await Python.open(server.url);
    const { headers } = await py.send('GET', '/ojs/v1/queues');
    expect(headers.get('content-type')).toBe(media);
    await expect(py.enqueue('{"type": "a.b", "args": []}')).rejects.toThrow("KeyError: 'job'");
    expect(await failing(py.getJob(newId()))).toMatchObject({ status: 404, code: undefined });

    await using quirky = await serve({ storage: url() });
    using other = await Python.open(quirky.url);
    for (const path of ['/ojs/v1/queues', `/ojs/v1/jobs/${newId()}`, '/nowhere']) {
      expect((await other.send('GET', path)).headers.get('content-type')).toBe(`${media}; profile="application/json"`);
    }
  });
});
