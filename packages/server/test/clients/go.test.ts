import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { type Answer, Connection, lengthOf } from './support/connection.ts';
import { bool, type Decode, float, int, json, list, map, string, struct, time, unmarshal } from './support/go.ts';

const error = struct({ code: string, message: string, retryable: bool, details: map(json), request_id: string });
const job = struct({
  id: string,
  type: string,
  queue: string,
  state: string,
  args: list(json),
  meta: map(json),
  tags: list(string),
  priority: int,
  attempt: int,
  max_attempts: int,
  timeout_ms: int,
  created_at: time,
  enqueued_at: time,
  started_at: time,
  completed_at: time,
  error: struct({ code: string, message: string, retryable: bool, details: map(json) }),
  result: map(json),
});
const oneJob = struct({ job });
const manyJobs = struct({
  jobs: list(job),
  pagination: struct({ total: int, limit: int, offset: int, has_more: bool, next_cursor: string }),
});
const step = struct({
  id: string,
  type: string,
  state: string,
  job_id: string,
  depends_on: list(string),
  result: map(json),
});
const workflow = struct({
  workflow: struct({
    id: string,
    name: string,
    state: string,
    steps: list(step),
    created_at: time,
    completed_at: time,
  }),
});
const cron = struct({
  name: string,
  cron: string,
  type: string,
  args: list(json),
  timezone: string,
  status: string,
  next_run_at: time,
  last_run_at: time,
});
const schema = struct({ uri: string, type: string, version: string, schema: map(json), created_at: time });
const health = struct({
  status: string,
  version: string,
  uptime_seconds: int,
  backend: struct({ type: string, status: string, latency_ms: int }),
});
const manifest = {
  ojs_version: string,
  implementation: struct({ name: string, version: string, language: string, homepage: string }),
  conformance_level: int,
  protocols: list(string),
  backend: string,
  capabilities: map(bool),
  endpoints: map(string),
};
const stats = struct({
  queue: string,
  status: string,
  stats: struct({
    available: int,
    active: int,
    scheduled: int,
    retryable: int,
    completed: int,
    discarded: int,
    completed_last_hour: int,
    failed_last_hour: int,
    avg_duration_ms: float,
    avg_wait_ms: float,
    throughput_per_second: float,
  }),
  computed_at: time,
});

class ApiError extends Error {
  readonly answer: Answer;
  readonly error: ReturnType<typeof error>;

  constructor(answer: Answer) {
    const body = unmarshal(answer.text, struct({ error }));
    super(`${body.error.code}: ${body.error.message}`);
    this.answer = answer;
    this.error = body.error;
  }
}

/**
 * The official Go SDK on net/http: its requests byte for byte, bodies as encoding/json writes structs, and its reading
 * of answers into structs.
 */
class Go implements Disposable {
  readonly #host: string;
  readonly #connection: Connection;
  readonly #token: string | null;

  static async open(url: string, token: string | null = null): Promise<Go> {
    return new Go(new URL(url).host, await Connection.open(url), token);
  }

  private constructor(host: string, connection: Connection, token: string | null) {
    this.#host = host;
    this.#connection = connection;
    this.#token = token;
  }

  /** Reads nothing of an answer but its status, as where the SDK has no struct for it. */
  async send(method: string, path: string, body?: string): Promise<Answer> {
    const answer = await this.#connection.send(
      [
        `${method} ${path.startsWith('/ojs/') ? path : `/ojs/v1${path}`} HTTP/1.1`,
        `Host: ${this.#host}`,
        'User-Agent: Go-http-client/1.1',
        // net/http says so for a POST without a body.
        ...(body !== undefined || method === 'POST' ? [`Content-Length: ${lengthOf(body ?? '')}`] : []),
        ...(this.#token === null ? [] : [`Authorization: Bearer ${this.#token}`]),
        ...(body === undefined ? [] : ['Content-Type: application/openjobspec+json']),
        'Ojs-Version: 1.0.0-rc.1',
        'Accept-Encoding: gzip',
      ],
      body,
    );
    expect(answer.headers.get('content-type')).toBe('application/openjobspec+json');
    if (answer.status >= 400) throw new ApiError(answer);
    return answer;
  }

  async call<T>(into: Decode<T>, method: string, path: string, body?: string): Promise<T> {
    return unmarshal((await this.send(method, path, body)).text, into);
  }

  get<T>(into: Decode<T>, path: string): Promise<T> {
    return this.call(into, 'GET', path);
  }

  post<T>(into: Decode<T>, path: string, body?: string): Promise<T> {
    return this.call(into, 'POST', path, body);
  }

  delete<T>(into: Decode<T>, path: string): Promise<T> {
    return this.call(into, 'DELETE', path);
  }

  async enqueue(body: string): Promise<ReturnType<typeof job>> {
    return (await this.post(oneJob, '/jobs', body)).job;
  }

  async getJob(id: string): Promise<ReturnType<typeof job>> {
    return (await this.get(oneJob, `/jobs/${id}`)).job;
  }

  async fetch(queue: string, count = 10): Promise<readonly ReturnType<typeof job>[]> {
    return (
      await this.post(
        struct({ jobs: list(job) }),
        '/workers/fetch',
        `{"queues":["${queue}"],"count":${count},"worker_id":"worker-1"}`,
      )
    ).jobs;
  }

  async ack(id: string | undefined, result?: string): Promise<void> {
    await this.send('POST', '/workers/ack', `{"job_id":"${id}"${result === undefined ? '' : `,"result":${result}`}}`);
  }

  nack(id: string | undefined, retryable = true): Promise<{ readonly state: string }> {
    const body = `{"job_id":"${id}","error":{"code":"handler_error","message":"a \\u003c b","retryable":${retryable}}}`;
    return this.post(struct({ state: string }), '/workers/nack', body);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

async function failing(call: Promise<unknown>): Promise<ApiError> {
  const thrown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (thrown instanceof ApiError) return thrown;
  throw new Error('The call was expected to fail with an answer of the server.', { cause: thrown });
}

const retry =
  '"retry":{"max_attempts":1,"initial_interval_ms":100,"backoff_coefficient":2,"max_interval_ms":300000,"jitter":true,"on_exhaustion":"dead_letter"}';

describe.each(storages)('the Go SDK, $name', ({ url }) => {
  test('health has integers, the manifest maps of booleans and texts', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    expect(await go.get(health, '/health')).toMatchObject({ status: 'ok', backend: { status: 'connected' } });
    const read = await go.get(struct(manifest), '/ojs/manifest');
    expect(read).toMatchObject({
      ojs_version: '1.0',
      protocols: ['http'],
      capabilities: { batch_enqueue: true },
      endpoints: { base_url: '/ojs/v1' },
    });
  });

  test('its list of extensions: names for this client, the object for everybody else and without quirks (docs/internals/deviations.md)', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const { extensions } = await go.get(struct({ ...manifest, extensions: list(string) }), '/ojs/manifest');
    expect(extensions).toContain('progress');
    const plain = (await (await fetch(`${server.url}/ojs/manifest`)).json()) as { extensions: object };
    expect(Object.keys(plain.extensions)).toEqual(['official', 'experimental']);
    await using strict = await serve({ storage: url(), quirks: false });
    using refused = await Go.open(strict.url);
    const call = refused.get(struct({ ...manifest, extensions: list(string) }), '/ojs/manifest');
    await expect(call).rejects.toThrow('cannot unmarshal object into Go value at $.extensions');
  });

  test('enqueue with milliseconds in its policies, get, cancel', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const unique = '"unique":{"key":["type","args"],"period_ms":3600000,"on_conflict":"reject"}';
    const body =
      `{"type":"email.send","args":["a\\u0026b",{"user_id":42}],"meta":{"tenant":"acme"},"options":{"queue":"email","priority":5,"timeout_ms":30000,` +
      `"delay_until":"2999-01-01T00:00:00Z","expires_at":"2999-01-02T00:00:00.123456789Z","tags":["a"],"visibility_timeout_ms":60000,${retry},${unique}}}`;
    const sent = await go.enqueue(body);
    expect(sent).toMatchObject({
      state: 'scheduled',
      queue: 'email',
      args: ['a&b', { user_id: 42 }],
      priority: 5,
      max_attempts: 1,
      tags: ['a'],
    });
    expect(await go.getJob(sent.id)).toEqual(sent);
    const twice = await failing(go.enqueue(body));
    expect(twice.error).toMatchObject({ code: 'duplicate', details: { existing_job_id: sent.id } });
    expect(twice.answer.status).toBe(409);
    expect((await go.delete(oneJob, `/jobs/${sent.id}`)).job.state).toBe('cancelled');
    expect((await failing(go.delete(oneJob, `/jobs/${sent.id}`))).error.code).toBe('conflict');
  });

  test('a batch is answered in its order', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const { jobs } = await go.post(
      manyJobs,
      '/jobs/batch',
      '{"jobs":[{"type":"a.one","args":[]},{"type":"a.two","args":[],"options":{"queue":"q"}}]}',
    );
    expect(jobs.map(({ type }) => type)).toEqual(['a.one', 'a.two']);
  });

  test('a worker fetches, beats, acks and fails jobs', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    for (let index = 0; index < 3; index++)
      await go.enqueue(
        `{"type":"a.b","args":[${index}],"options":{"retry":{"max_attempts":3,"initial_interval_ms":100}}}`,
      );
    const [first, second, third] = await go.fetch('default');
    expect(first).toMatchObject({ state: 'active', attempt: 1, args: [0] });
    const ids = [first, second, third].map((one) => `"${one?.id}"`).join(',');
    const beat = struct({ state: string, directive: string, jobs_extended: list(string), server_time: time });
    const body = `{"worker_id":"worker-1","state":"running","active_jobs":3,"active_job_ids":[${ids}]}`;
    expect(await go.post(beat, '/workers/heartbeat', body)).toMatchObject({
      state: 'running',
      directive: '',
      jobs_extended: [first?.id, second?.id, third?.id],
    });
    await go.ack(first?.id, '{"total":1}');
    expect(await go.getJob(first?.id ?? '')).toMatchObject({ state: 'completed', result: { total: 1 } });
    expect(await go.nack(second?.id)).toEqual({ state: 'retryable' });
    expect(await go.getJob(second?.id ?? '')).toMatchObject({ error: { code: 'handler_error', message: 'a < b' } });
    expect(await go.nack(third?.id, false)).toEqual({ state: 'discarded' });
    expect((await failing(go.nack(third?.id))).error.code).toBe('conflict');
    // Its heartbeat without jobs.
    expect(
      await go.post(
        beat,
        '/workers/heartbeat',
        '{"worker_id":"worker-1","state":"running","active_jobs":0,"active_job_ids":[]}',
      ),
    ).toMatchObject({ jobs_extended: [] });
  });

  test('it cannot read a result that is no object', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const { id } = await go.enqueue('{"type":"a.b","args":[]}');
    await go.fetch('default');
    await go.ack(id, '"done"');
    await expect(go.getJob(id)).rejects.toThrow('cannot unmarshal string into Go value at $.job.result');
  });

  test('queues: posts without a body and without a type', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    await go.enqueue('{"type":"a.b","args":[],"options":{"queue":"email"}}');
    await go.send('POST', '/queues/email/pause');
    const queues = struct({ queues: list(struct({ name: string, status: string, created_at: time })) });
    expect(await go.get(queues, '/queues')).toMatchObject({ queues: [{ name: 'email', status: 'paused' }] });
    expect(await go.fetch('email')).toEqual([]);
    await go.send('POST', '/queues/email/resume');
    const [one] = await go.fetch('email');
    await go.ack(one?.id);
    expect(await go.get(stats, '/queues/email/stats')).toMatchObject({
      queue: 'email',
      status: 'active',
      stats: { available: 0, completed: 1, completed_last_hour: 1 },
    });
  });

  test('a queue in answers about it: a name for this client, an object for everybody else and without quirks (docs/deviations.md)', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const named = struct({ queue: string, status: string });
    for (const [verb, status] of [
      ['pause', 'paused'],
      ['resume', 'active'],
    ] as const) {
      expect(await go.post(named, `/queues/email/${verb}`)).toEqual({ queue: 'email', status });
    }
    const plain: unknown = await (await fetch(`${server.url}/ojs/v1/queues/email/stats`)).json();
    expect(plain).toMatchObject({ queue: { name: 'email', available: 0 } });
    await using strict = await serve({ storage: url(), quirks: false });
    using refused = await Go.open(strict.url);
    await expect(refused.get(stats, '/queues/email/stats')).rejects.toThrow(
      'cannot unmarshal object into Go value at $.queue',
    );
  });

  test('dead letter: list, retry, delete', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.push((await go.enqueue(`{"type":"a.b","args":[${index}],"options":{${retry}}}`)).id);
      await go.nack((await go.fetch('default'))[0]?.id);
    }
    const page = await go.get(manyJobs, '/dead-letter?limit=2&offset=0');
    expect(page.jobs.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(page.pagination).toMatchObject({ total: 3, limit: 2, offset: 0, has_more: true });
    expect((await go.post(oneJob, `/dead-letter/${ids[0]}/retry`)).job).toMatchObject({
      state: 'available',
      attempt: 0,
    });
    await go.send('DELETE', `/dead-letter/${ids[1]}`);
    expect(await go.get(manyJobs, '/dead-letter?queue=default&limit=50&offset=0')).toMatchObject({
      pagination: { total: 1 },
    });
  });

  test('cron jobs', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const body =
      '{"name":"daily-report","cron":"0 9 * * *","type":"report.daily","args":[],"timezone":"Europe/Berlin","options":{"queue":"reports"}}';
    const { cron_job: registered } = await go.post(struct({ cron_job: cron }), '/cron', body);
    expect(registered).toMatchObject({ name: 'daily-report', cron: '0 9 * * *', status: 'active', last_run_at: '' });
    const page = await go.get(
      struct({ cron_jobs: list(cron), pagination: struct({ total: int }) }),
      '/cron?limit=50&offset=0',
    );
    expect(page).toEqual({ cron_jobs: [registered], pagination: { total: 1 } });
    await go.send('DELETE', '/cron/daily-report');
    expect((await failing(go.send('DELETE', '/cron/daily-report'))).error.code).toBe('not_found');
  });

  test('a chain of steps', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const body =
      '{"name":"import","steps":[{"id":"job-0","type":"a.load","args":[1],"depends_on":[],"options":{"queue":"q"}},' +
      '{"id":"job-1","type":"a.save","args":[2],"depends_on":["job-0"]}]}';
    const { id } = (await go.post(workflow, '/workflows', body)).workflow;
    await go.ack((await go.fetch('q'))[0]?.id, '{"rows":3}');
    const read = (await go.get(workflow, `/workflows/${id}`)).workflow;
    expect(read).toMatchObject({ name: 'import', state: 'running', completed_at: '' });
    expect(read.steps).toMatchObject([
      { id: 'job-0', state: 'completed', result: { rows: 3 } },
      { id: 'job-1', state: 'pending', depends_on: ['job-0'] },
    ]);
    expect((await go.delete(workflow, `/workflows/${id}`)).workflow.state).toBe('cancelled');
  });

  test('the callbacks of a batch are known by their ids alone', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const callback = (id: string) => `{"id":"${id}","type":"a.${id}","args":[],"depends_on":["job-0","job-1"]}`;
    const body =
      '{"name":"mails","steps":[{"id":"job-0","type":"a.one","args":[]},{"id":"job-1","type":"a.two","args":[]},' +
      `${['on-complete', 'on-success', 'on-failure'].map(callback).join(',')}]}`;
    const { id } = (await go.post(workflow, '/workflows', body)).workflow;
    const [one, two] = await go.fetch('default');
    await go.ack(one?.id);
    await go.nack(two?.id, false);
    const fired = await go.fetch('default');
    expect(fired.map(({ type }) => type).toSorted()).toEqual(['a.on-complete', 'a.on-failure']);
    for (const callbackJob of fired) await go.ack(callbackJob.id);
    expect((await go.get(workflow, `/workflows/${id}`)).workflow).toMatchObject({ state: 'completed' });
  });

  test('schemas: the version is a text', async () => {
    await using server = await serve({ storage: url() });
    using go = await Go.open(server.url);
    const uri = 'urn:app:email.send:1';
    const body = `{"uri":"${uri}","type":"email.send","version":"1","schema":{"type":"array"}}`;
    expect((await go.post(struct({ schema }), '/schemas', body)).schema).toMatchObject({
      uri,
      version: '1',
      schema: { type: 'array' },
    });
    const path = `/schemas/${encodeURIComponent(uri)}`;
    expect((await go.get(struct({ schema }), path)).schema).toMatchObject({ uri, version: '1' });
    expect((await go.get(struct({ schemas: list(schema) }), '/schemas?limit=50&offset=0')).schemas).toMatchObject([
      { uri, version: '1' },
    ]);
    await go.send('DELETE', path);
    expect((await failing(go.send('GET', path))).error.code).toBe('not_found');
  });

  test('its errors, and its token', async () => {
    await using server = await serve({
      storage: url(),
      tokens: ['a-secret-token'],
      engine: { pausedQueues: 'reject' },
    });
    using stranger = await Go.open(server.url);
    expect((await failing(stranger.send('GET', '/queues'))).error.code).toBe('unauthenticated');
    using go = await Go.open(server.url, 'a-secret-token');
    const missing = await failing(go.getJob(newId()));
    expect(missing.error).toMatchObject({ code: 'not_found', request_id: missing.answer.headers.get('x-request-id') });
    await go.send('POST', '/queues/q/pause');
    const paused = await failing(go.enqueue('{"type":"a.b","args":[],"options":{"queue":"q"}}'));
    expect([paused.answer.status, paused.error.code, paused.error.retryable]).toEqual([422, 'queue_paused', true]);

    await using slow = await serve({ storage: url(), requestRate: '1/3600s' });
    using limited = await Go.open(slow.url);
    await limited.send('GET', '/queues');
    const refused = await failing(limited.send('GET', '/queues'));
    expect([refused.answer.status, refused.error.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
