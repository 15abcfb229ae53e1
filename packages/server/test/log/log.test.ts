// The whole log of a server in a process of its own, over HTTP: its shape (ojs-logging §5), and what it must not have
// (§9, ojs-security §9.4 and §11.3).
import { describe, expect, test } from 'vitest';
import { newId } from '../support/ids.ts';
import { send } from '../support/request.ts';
import { storages } from '../support/storages.ts';
import { loggedServer } from './logged-server.ts';

interface Line {
  readonly timestamp: string;
  readonly severity: string;
  readonly severity_number: number;
  readonly message: string;
  readonly component: string;
  readonly category?: string;
  readonly ojs?: Readonly<Record<string, unknown>>;
  readonly error?: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const numbers: Readonly<Record<string, number>> = { TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 };

function linesOf(log: string): readonly Line[] {
  return log
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line));
}

function client(url: string, token: string, headers: Readonly<Record<string, string>> = {}) {
  return async (method: string, path: string, body?: object | string) => {
    const text = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const sent = { authorization: `Bearer ${token}`, ...headers };
    const { status, text: answer } = await send(url, { method, path: `/ojs/v1${path}`, headers: sent, ...text });
    return { status, answer };
  };
}

describe.each(storages)('the log on $name', ({ url: storage }) => {
  test('has every change, failure, request and refusal, and no argument, result, token, header or query', async () => {
    const secret = (name: string) => `canary-${name}-4d1c`;
    const root = secret('root-token');
    const server = await loggedServer({
      storage: storage(),
      log: 'trace',
      accessLog: true,
      tokens: [root, `viewer:${secret('viewer-token')}`],
    });
    const call = client(server.url, root, { 'x-custom': secret('header'), cookie: `a=${secret('cookie')}` });
    const job = {
      type: 'shop.order',
      args: [secret('args'), { card: secret('args-inner') }],
      meta: { email: secret('meta'), trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
      ext_shop: { note: secret('extension') },
      options: { queue: 'shop', retry: { max_attempts: 2, initial_interval: 'PT1H', jitter: false } },
    };
    const ask = async (method: string, path: string, body?: object) => {
      const { status, answer } = await call(method, path, body);
      expect([status, answer]).toEqual([expect.toSatisfy((one: number) => one < 300), answer]);
      return answer;
    };
    const enqueue = async () => JSON.parse(await ask('POST', '/jobs', { id: newId(), ...job })).job.id;
    const fetch = () => ask('POST', '/workers/fetch', { queues: ['shop'], worker_id: 'worker-1' });
    const done = await enqueue();
    await fetch();
    await ask('POST', '/workers/heartbeat', { worker_id: 'worker-1', active_jobs: [done], queues: ['shop'] });
    await ask('PUT', `/jobs/${done}/progress`, {
      progress: 0.5,
      message: secret('progress'),
      data: { x: secret('data') },
    });
    await ask('POST', `/jobs/${done}/checkpoint`, { state: secret('checkpoint') });
    await ask('POST', '/workers/ack', { job_id: done, result: { token: secret('result') } });
    const failed = await enqueue();
    await fetch();
    const error = {
      code: 'handler_error',
      type: 'CardError',
      message: 'The bank refused',
      details: { card: secret('details') },
      backtrace: [`at pay (${secret('backtrace')})`],
    };
    await ask('POST', '/workers/nack', { job_id: failed, error });
    const cancelled = await enqueue();
    await ask('DELETE', `/jobs/${cancelled}`);
    await ask('POST', '/cron', { name: 'daily', cron: '0 0 29 2 *', type: 'a.b', args: [secret('cron')] });
    await ask('POST', '/workflows', { type: 'chain', steps: [{ type: 'a.b', args: [secret('step')] }] });
    await ask('POST', '/jobs/bulk/cancel', { filter: { args: secret('filter') }, confirm: true });
    const made = await ask('POST', '/admin/tokens', { name: 'colleague', roles: ['viewer'] });
    const token: string = JSON.parse(made).secret ?? JSON.parse(made).token;
    expect(typeof token).toBe('string');
    await call('GET', `/jobs?q=${encodeURIComponent(`args[0]:${secret('query')}`)}`);
    await call('GET', `/jobs?${secret('parameter')}=1`);
    await call('GET', `/${secret('path')}?a=${secret('nowhere')}`);
    await call('POST', '/jobs', `{"type":"a.b","args":["${secret('broken')}"`);
    await call('POST', '/jobs', { type: `Not A Type ${secret('type')}`, args: [] });
    await client(server.url, secret('wrong-token'))('GET', '/jobs');
    expect((await client(server.url, secret('viewer-token'))('POST', '/jobs', job)).status).toBe(403);
    const log = await server.end();

    const found = [...log.matchAll(/canary-[a-z-]+-4d1c/g)].map(([canary]) => canary);
    expect(found).toEqual([]);
    expect(log).not.toContain(token);
    const lines = linesOf(log);
    for (const line of lines) {
      expect(line).toMatchObject({ component: 'server', severity_number: numbers[line.severity] });
      expect(line.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(line.message).not.toBe('');
    }
    const about = (id: string) => lines.filter(({ ojs }) => ojs?.job_id === id);
    const changes = (id: string) =>
      about(id)
        .filter(({ category }) => category === 'lifecycle')
        .map(({ severity, message, ojs }) => [severity, message, ojs?.state]);
    expect(changes(done).filter(([severity]) => severity !== 'TRACE')).toEqual([
      ['INFO', 'Job enqueued', 'available'],
      ['DEBUG', 'Job fetched by worker', 'active'],
      ['INFO', 'Job completed successfully', 'completed'],
    ]);
    expect(changes(done).map(([, message]) => message)).toContain('Job progress');
    expect(changes(cancelled).at(-1)).toEqual(['INFO', 'Job cancelled', 'cancelled']);
    expect(about(failed).filter(({ category }) => category === 'error')).toMatchObject([
      {
        severity: 'WARN',
        message: 'Job failed, will retry',
        ojs: { job_type: 'shop.order', queue: 'shop', attempt: 1, state: 'retryable', worker_id: 'worker-1' },
        trace: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
        error: { type: 'CardError', code: 'handler_error', message: 'The bank refused' },
        attributes: { retry_delay_ms: 3_600_000 },
      },
    ]);
    const named = (message: string) => lines.filter((line) => line.message === message);
    expect(named('Worker registered: worker-1')).toHaveLength(1);
    expect(named('login failed')).toHaveLength(1);
    expect(named('security event').map(({ attributes }) => attributes.event_type)).toEqual(
      expect.arrayContaining(
        'authentication.succeeded authorization.denied job.cancelled job.bulk_cancelled token.created'.split(' '),
      ),
    );
    const requests = named('request');
    expect(requests.map(({ attributes: { method, route, status } }) => [method, route, status])).toEqual(
      expect.arrayContaining([
        ['GET', '/ojs/v1/jobs', 200],
        ['PUT', '/ojs/v1/jobs/:id/progress', 200],
        ['POST', '/ojs/v1/jobs', 403],
        ['GET', undefined, 404],
      ]),
    );
    const progress = requests.find(({ attributes: { route } }) => route === '/ojs/v1/jobs/:id/progress');
    expect(progress).toMatchObject({
      severity: 'INFO',
      ojs: { job_id: done },
      attributes: {
        duration_ms: expect.any(Number),
        bytes: expect.any(Number),
        request_id: expect.stringMatching(/^req_/),
        principal: expect.any(String),
        source_ip: '127.0.0.1',
      },
    });
  });
});

test('at the default level a job that succeeds has no line, and one that fails has one; nobody follows the events', async () => {
  const server = await loggedServer({ storage: 'memory:' });
  const call = client(server.url, 'none');
  const run = async (end: (id: string) => Promise<unknown>) => {
    const id = newId();
    await call('POST', '/jobs', { id, type: 'a.b', args: [], options: { retry: { max_attempts: 1 } } });
    await call('POST', '/workers/fetch', { queues: ['default'] });
    await end(id);
    return id;
  };
  await run((id) => call('POST', '/workers/ack', { job_id: id }));
  const failed = await run((id) => call('POST', '/workers/nack', { job_id: id, error: { code: 'x', message: 'No' } }));
  const lines = linesOf(await server.end());
  expect(lines.map(({ message }) => message)).toEqual(['listening', 'Job discarded after 1 attempts', 'stopped']);
  expect(lines[1]).toMatchObject({ severity: 'ERROR', category: 'error', ojs: { job_id: failed, state: 'discarded' } });
});

test('a password in the URL of a storage that cannot be reached is not in what is written', async () => {
  const refused = loggedServer({ storage: 'redis://user:canary-4d1c@127.0.0.1:1', log: 'trace' });
  await expect(refused).rejects.toThrow('The server did not start');
  await expect(refused).rejects.not.toThrow('canary-4d1c');
});
