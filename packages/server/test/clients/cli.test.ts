import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';
import { openStream } from '../support/streams.ts';
import { type Answer, Connection, lengthOf } from './support/connection.ts';
import { array, type Dict, dict, required, text } from './support/reading.ts';

const media = 'application/openjobspec+json';
const token = 'a-secret-token';

/** What the command line prints and ends with where the status is 400 or more. */
class Failure extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, body: Dict) {
    const error = dict(required(body, 'error'));
    super(text(required(error, 'message')));
    this.status = status;
    this.code = text(required(error, 'code'));
  }
}

/**
 * The official command line: a Go program that says a media type with every request, and prints members of answers by
 * their names.
 */
class CommandLine implements Disposable {
  readonly #host: string;
  readonly #connection: Connection;

  static async open(url: string): Promise<CommandLine> {
    return new CommandLine(new URL(url).host, await Connection.open(url));
  }

  private constructor(host: string, connection: Connection) {
    this.#host = host;
    this.#connection = connection;
  }

  async call(method: string, path: string, body?: string): Promise<Dict> {
    const answer = await this.send(method, path, body);
    expect(answer.headers.get('content-type')).toBe(media);
    const read = answer.status === 204 ? {} : dict(JSON.parse(answer.text));
    if (answer.status >= 400) throw new Failure(answer.status, read);
    return read;
  }

  send(method: string, path: string, body?: string): Promise<Answer> {
    const hasLength = body !== undefined || ['POST', 'PUT', 'PATCH'].includes(method);
    const head = [
      `${method} /ojs/v1${path} HTTP/1.1`,
      `Host: ${this.#host}`,
      'User-Agent: Go-http-client/1.1',
      ...(hasLength ? [`Content-Length: ${lengthOf(body ?? '')}`] : []),
      `Accept: ${media}`,
      `Authorization: Bearer ${token}`,
      `Content-Type: ${media}`,
      'Accept-Encoding: gzip',
    ];
    return this.#connection.send(head, body);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

/** `ojs enqueue`, `ojs status`, `ojs cancel`: what they print stands at the top level. */
function printed(body: Dict): { readonly id: string; readonly type: string; readonly state: string } {
  return { id: text(required(body, 'id')), type: text(required(body, 'type')), state: text(required(body, 'state')) };
}

async function failing(call: Promise<unknown>): Promise<Failure> {
  const thrown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (thrown instanceof Failure) return thrown;
  throw new Error('The call was expected to fail with an answer of the server.', { cause: thrown });
}

const start = (storage: string) => serve({ storage, tokens: [token] });

/** Enqueues a job whose only attempt fails into the dead letter. */
async function deadLetter(cli: CommandLine): Promise<string> {
  const retry = '"retry":{"max_attempts":1,"on_exhaustion":"dead_letter"}';
  const { id } = printed(await cli.call('POST', '/jobs', `{"type":"a.b","args":[],"options":{${retry}}}`));
  await cli.call('POST', '/workers/fetch', '{"queues":["default"]}');
  await cli.call('POST', '/workers/nack', `{"job_id":"${id}","error":{"code":"handler_error","message":"no"}}`);
  return id;
}

describe.each(storages)('the command line, $name', ({ url }) => {
  test('enqueue, status, cancel, health', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    expect(await cli.call('GET', '/health')).toMatchObject({ status: 'ok' });
    const sent = printed(
      await cli.call('POST', '/jobs', '{"type":"email.send","args":["a"],"options":{"priority":2,"queue":"email"}}'),
    );
    expect(sent).toMatchObject({ type: 'email.send', state: 'available' });
    expect(printed(await cli.call('GET', `/jobs/${sent.id}`))).toEqual(sent);
    expect(printed(await cli.call('DELETE', `/jobs/${sent.id}`))).toEqual({ ...sent, state: 'cancelled' });
    expect(await failing(cli.call('DELETE', `/jobs/${sent.id}`))).toMatchObject({ status: 409, code: 'conflict' });
    expect(await failing(cli.call('GET', `/jobs/${newId()}`))).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('--unique-key and --unique-within: a name of the job’s own, and a time as Go writes it', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const enqueue = (key: string, within = '5m0s') =>
      cli.call(
        'POST',
        '/jobs',
        `{"type":"a.b","args":["${newId()}"],"options":{"unique":{"key":"${key}","within":"${within}"}}}`,
      );
    const sent = printed(await enqueue('order-1'));
    expect(await failing(enqueue('order-1', '5m'))).toMatchObject({ status: 409, code: 'duplicate' });
    expect(printed(await enqueue('order-2', 'PT5M')).id).not.toBe(sent.id);
  });

  test('a batch: how many are enqueued, how many failed', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const body = await cli.call(
      'POST',
      '/jobs/batch',
      '{"jobs":[{"type":"a.one","args":[]},{"type":"a.two","args":[]}]}',
    );
    expect(body).toMatchObject({ enqueued: 2, failed: 0, count: 2, jobs: [{ type: 'a.one' }, { type: 'a.two' }] });
  });

  test('jobs list: by state, queue and type', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const ids: string[] = [];
    for (const [type, queue] of [
      ['a.one', 'q'],
      ['a.two', 'q'],
      ['a.one', 'r'],
    ]) {
      ids.push(
        printed(await cli.call('POST', '/jobs', `{"type":"${type}","args":[],"options":{"queue":"${queue}"}}`)).id,
      );
    }
    const list = async (query: string) => {
      const body = await cli.call('GET', `/jobs${query}`);
      return { ids: array(body.jobs).map((job) => text(dict(job).id)), total: body.total };
    };
    expect(await list('')).toEqual({ ids: ids.toReversed(), total: 3 });
    expect(await list('?state=available&queue=q&limit=20')).toEqual({ ids: [ids[1], ids[0]], total: 2 });
    expect((await list('?type=a.one')).ids).toEqual([ids[2], ids[0]]);
    expect(await list('?state=completed&queue=q')).toEqual({ ids: [], total: 0 });
    await cli.call('DELETE', `/jobs/${ids[0]}`);
    expect(await list('?state=cancelled')).toEqual({ ids: [ids[0]], total: 1 });
    const page = await cli.call('GET', '/jobs?limit=2');
    expect(page).toMatchObject({ total: 3, pagination: { total: 3, has_more: true, limit: 2 } });
    const next = String(dict(page.pagination).next_cursor);
    expect(await list(`?limit=2&cursor=${next}`)).toMatchObject({ ids: [ids[0]] });
    expect(await failing(cli.call('GET', '/jobs?cursor=x'))).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(await failing(cli.call('GET', '/jobs?state=running'))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  test('dead letter: the total at the top level, statistics, retry, delete', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const [first, second] = [await deadLetter(cli), await deadLetter(cli)];
    const body = await cli.call('GET', '/dead-letter?limit=1');
    expect(body).toMatchObject({ total: 2, jobs: [{ id: second, type: 'a.b', error: { message: 'no' } }] });
    expect(await cli.call('GET', '/dead-letter/stats')).toMatchObject({ total: 2, by_queue: { default: 2 } });
    expect(printed(await cli.call('POST', `/dead-letter/${first}/retry`)).state).toBe('available');
    expect(await cli.call('DELETE', `/dead-letter/${second}`)).toMatchObject({ deleted: true, id: second });
    expect(await cli.call('GET', '/dead-letter')).toMatchObject({ total: 0, jobs: [] });
  });

  test('cron: expression and job_template, get, pause, resume, patch, trigger, delete', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const template = '{"type":"report.daily","args":[1],"options":{"queue":"reports"}}';
    const registered = await cli.call(
      'POST',
      '/cron',
      `{"name":"daily","expression":"0 9 * * *","timezone":"UTC","job_template":${template}}`,
    );
    expect(registered.cron).toMatchObject({
      name: 'daily',
      expression: '0 9 * * *',
      enabled: true,
      job_template: { type: 'report.daily', args: [1] },
    });
    const { crons } = await cli.call('GET', '/cron');
    expect(array(crons)).toMatchObject([
      { name: 'daily', expression: '0 9 * * *', next_run_at: expect.stringMatching(/^\d{4}-/) },
    ]);
    expect((await cli.call('POST', '/cron/daily/pause')).cron).toMatchObject({
      enabled: false,
      status: 'disabled',
      next_run_at: null,
    });
    expect((await cli.call('POST', '/cron/daily/resume')).cron).toMatchObject({ enabled: true, status: 'active' });
    expect((await cli.call('PATCH', '/cron/daily', '{"enabled":false}')).cron).toMatchObject({ enabled: false });
    const { job_id: id } = await cli.call('POST', '/cron/daily/trigger');
    expect(await cli.call('GET', `/jobs/${String(id)}`)).toMatchObject({ type: 'report.daily', queue: 'reports' });
    expect((await cli.call('GET', '/cron/daily')).cron).toMatchObject({ name: 'daily', run_count: 1 });
    expect(await cli.call('DELETE', '/cron/daily')).toMatchObject({ deleted: true });
    expect((await failing(cli.call('DELETE', '/cron/daily'))).code).toBe('not_found');
  });

  test('a workflow: its first step without depends_on; id and state at the top level', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const steps =
      '[{"id":"load","type":"a.load","args":[]},{"id":"save","type":"a.save","args":[],"depends_on":["load"]}]';
    const created = await cli.call('POST', '/workflows', `{"name":"import","steps":${steps}}`);
    expect(created).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: 'import', state: 'running' });
    expect(await cli.call('GET', `/workflows/${String(created.id)}`)).toMatchObject({
      id: created.id,
      steps: [{ id: 'load', state: 'pending' }, { id: 'save' }],
    });
    expect(await cli.call('GET', '/workflows')).toMatchObject({
      workflows: [{ id: created.id, state: 'running', steps_total: 2, steps_completed: 0 }],
    });
    expect(await cli.call('DELETE', `/workflows/${String(created.id)}`)).toMatchObject({
      id: created.id,
      state: 'cancelled',
    });
  });

  test('queues: create, list, show, statistics, pause, resume, delete', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    expect(await cli.call('POST', '/queues', '{"name":"email"}')).toMatchObject({ name: 'email' });
    await cli.call('POST', '/queues/email/pause');
    expect(await cli.call('GET', '/queues')).toMatchObject({ queues: [{ name: 'email', status: 'paused' }] });
    await cli.call('POST', '/queues/email/resume');
    expect(await cli.call('GET', '/queues/email')).toMatchObject({ name: 'email', status: 'active' });
    expect(await cli.call('GET', '/queues/email/stats')).toMatchObject({
      queue: { name: 'email' },
      stats: { available: 0 },
    });
    expect(await cli.call('DELETE', '/queues/email')).toMatchObject({ deleted: true });
  });

  test('limits: list, override, restore', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    await cli.call('POST', '/jobs', '{"type":"a.b","args":[],"options":{"rate_limit":{"key":"api","concurrency":2}}}');
    expect(await cli.call('GET', '/rate-limits')).toMatchObject({ rate_limits: [{ key: 'api' }] });
    expect(await cli.call('PUT', '/rate-limits/api/override', '{"concurrency":5}')).toMatchObject({
      key: 'api',
      concurrency: { limit: 5 },
    });
    await cli.call('DELETE', '/rate-limits/api/override');
  });

  test('events are listed and followed', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const { id } = printed(await cli.call('POST', '/jobs', '{"type":"a.b","args":[],"options":{"queue":"q"}}'));
    expect(await cli.call('GET', '/events')).toMatchObject({
      events: [{ type: 'job.enqueued', data: { job_id: id } }],
      has_more: false,
    });
    using stream = await openStream(server.url, '/events/stream?channel=queue:q', { authorization: `Bearer ${token}` });
    await stream.events.take(1);
    await cli.call('DELETE', `/jobs/${id}`);
    expect(await stream.events.take(1)).toMatchObject([
      { event: 'job.state_changed', data: { job_id: id, to: 'cancelled' } },
    ]);
  });

  test('operation: statistics, workers, purge, settings, maintenance', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const { id } = printed(await cli.call('POST', '/jobs', '{"type":"a.b","args":[],"options":{"queue":"q"}}'));
    expect(await cli.call('GET', '/admin/stats')).toMatchObject({ queues: 1, jobs: { available: 1 } });
    expect(await cli.call('GET', `/admin/jobs/${id}`)).toMatchObject({ id, state: 'available' });
    await cli.call('POST', '/workers/heartbeat', '{"worker_id":"w","active_jobs":[]}');
    expect(await cli.call('GET', '/admin/workers/w')).toMatchObject({ id: 'w', jobs: [] });
    const quiet = '{"directive":"quiet","worker_id":"w"}';
    expect(await cli.call('POST', '/admin/workers/directive', quiet)).toMatchObject({ succeeded: 1 });
    expect(await cli.call('POST', '/admin/workers/w/quiet', '{}')).toMatchObject({ directive: 'quiet' });
    const purge = '{"states":["available"],"confirm":true}';
    expect(await cli.call('POST', '/queues/q/purge', purge)).toMatchObject({ purged_count: 1 });
    expect(await cli.call('GET', '/admin/config')).toMatchObject({ settings: { token: { origin: 'option' } } });
    const on = await cli.call('POST', '/admin/maintenance', '{"enabled":true}');
    expect(on).toMatchObject({ maintenance: true });
    expect(await cli.call('GET', '/admin/maintenance')).toMatchObject({ maintenance: true });
  });

  test('jobs by hand: priority, retry, and many at once', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    const { id } = printed(await cli.call('POST', '/jobs', '{"type":"a.b","args":[],"options":{"queue":"q"}}'));
    expect(await cli.call('PATCH', `/jobs/${id}`, '{"priority":5}')).toMatchObject({ id, job: { priority: 5 } });
    expect(await cli.call('POST', '/jobs/bulk/cancel', `{"ids":["${id}"]}`)).toMatchObject({ succeeded: 1, failed: 0 });
    expect(await cli.call('POST', '/jobs/bulk/delete', `{"ids":["${id}"]}`)).toMatchObject({ succeeded: 1, failed: 0 });
    const [first, second] = [await deadLetter(cli), await deadLetter(cli)];
    expect(printed(await cli.call('POST', `/admin/jobs/${first}/retry`)).state).toBe('available');
    expect(await cli.call('POST', '/jobs/bulk/retry', `{"ids":["${second}"]}`)).toMatchObject({ succeeded: 1 });
  });

  test('workers and metrics', async () => {
    await using server = await start(url());
    using cli = await CommandLine.open(server.url);
    await cli.call('POST', '/workers/heartbeat', '{"worker_id":"w","active_jobs":[]}');
    expect(await cli.call('GET', '/admin/workers')).toMatchObject({
      items: [{ id: 'w', state: 'running' }],
      summary: { total: 1, running: 1 },
    });
    for (const path of ['/metrics', '/metrics?format=prometheus']) {
      const { status, headers, text } = await cli.send('GET', path);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
      expect(text).toContain('\nojs_store_up 1\n');
    }
  });
});
