import { Agent } from 'node:http';
import { coversQueue, type Grant } from '@ojs-ts/core/access';
import { State } from '@ojs-ts/core/job';
import { type OperationName, operationNames, operations, routeOf } from '@ojs-ts/core/operations';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authorization } from '../../src/http/auth.ts';
import type { RunningServer } from '../../src/index.ts';
import { type Canaries, plantCanaries, snapshot } from '../support/canaries.ts';
import { expectRefusal } from '../support/refusal.ts';
import { type Response, send } from '../support/request.ts';
import { optionalBodyOf, requestOf } from '../support/requests/valid-requests.ts';
import { serve } from '../support/server.ts';
import { followStream, openSocket, openStream } from '../support/streams.ts';

const agent = new Agent({ keepAlive: true });
let server: RunningServer;
let canaries: Canaries;

const every = ['*'];

function create(roles: Grant['roles'], queues: readonly string[] = every, { name = 'test', on = server } = {}) {
  return on.engine.tokens.create({ name, roles, queues, expiresAt: null, createdBy: 'test' });
}

async function tokenFor(grant: Grant): Promise<string> {
  const { token } = await server.engine.tokens.create({ ...grant, name: 'test', expiresAt: null, createdBy: 'test' });
  return token;
}

/** Calls with a token. */
function as(token: string, { url } = server) {
  const headers = { authorization: `Bearer ${token}` };
  const ask = (method: string, path: string, body?: object) =>
    send(url, { method, path: `/ojs/v1${path}`, headers, ...(body && { body: JSON.stringify(body) }) });
  return {
    headers,
    ask,
    get: (path: string) => ask('GET', path),
    post: (path: string, body: object) => ask('POST', path, body),
  };
}

function expectDenied(response: Response): void {
  expectRefusal(response, 403, 'permission_denied');
}

beforeAll(async () => {
  server = await serve({ failedLogins: '100000/1s' });
  canaries = await plantCanaries(server.url);
});
afterAll(async () => {
  agent.destroy();
  await server.close();
});

/** The request that has an effect, and in lists the queue that makes it allowed for a token of that queue. */
function ask(name: OperationName, token: string) {
  const request = requestOf(name, canaries);
  const optional = optionalBodyOf(name, canaries);
  const headers = { authorization: `Bearer ${token}`, 'ojs-version': '1.0' };
  const body = request.body === undefined && optional && { body: JSON.stringify(optional) };
  return send(server.url, { ...request, headers, ...body }, { agent });
}

describe('a token for other queues', () => {
  let token: string;
  beforeAll(async () => {
    token = await tokenFor({ roles: ['admin'], queues: ['elsewhere', 'else.*'] });
  });

  const checked = operationNames.filter((name) => !['none', 'shown'].includes(operations[name].queues));
  test.each(checked)('%s is refused, and changes nothing', async (name) => {
    const before = await snapshot(server);
    const response = await ask(name, token);
    if (name === 'bulk.enqueue') {
      // Each job has an answer of its own.
      expect(JSON.parse(response.text)).toMatchObject({ total: 2, succeeded: 0 });
      expect(response.text).toContain('permission_denied');
    } else {
      expectRefusal(response, 403, 'permission_denied');
      expect(response.text).toContain('The token is for elsewhere, else.*.');
    }
    // A refused bulk enqueue is an event.
    const { events, ...kept } = await snapshot(server);
    expect({ ...kept, ...(name !== 'bulk.enqueue' && { events }) }).toEqual({
      ...before,
      ...(name === 'bulk.enqueue' && { events: undefined }),
    });
  });

  test('the list of queues leaves others out', async () => {
    const { text } = await ask('queue.list', token);
    expect(JSON.parse(text)).toMatchObject({ queues: [], pagination: { total: 0 } });
  });

  test.each([
    '/events/stream',
    '/queues/canary/events',
    '/events/stream?channel=queue:canary',
    '/events/stream?queues=canary,elsewhere',
    '/admin/stats/stream',
  ])('the stream %s is refused', async (path) => expectDenied(await as(token).get(path)));

  test.each(['events', 'progress/stream', 'result/stream'])("the stream of a job's %s is refused", async (what) =>
    expectDenied(await as(token).get(`/jobs/${canaries.available}/${what}`)),
  );
});

describe('a token for the queue', () => {
  const inQueue = new Set(['none', 'path', 'job', 'bulk', 'sent', 'shown']);
  /** About other queues, or about all by what the request says. */
  const elsewhere: readonly OperationName[] = [
    'queue.create',
    'queue.delete',
    'cron.register',
    'bulk.delete',
    'job.list',
    'deadLetter.list',
    'admin.jobs',
    'admin.jobGroups',
    'admin.deleteJobs',
    'admin.deadLetters',
    'admin.errors',
    'event.list',
    'workflow.create',
  ];
  const allowed = operationNames.filter(
    (name) => inQueue.has(operations[name].queues) && !elsewhere.includes(name) && operations[name].right !== 'open',
  );
  test.each(allowed)('%s is not refused', async (name) => {
    const token = await tokenFor({ roles: ['admin'], queues: [canaries.queue] });
    const { status, text } = await ask(name, token);
    expect([status, text.includes('permission_denied')], text).toEqual([expect.any(Number), false]);
    expect(status).not.toBe(401);
  });

  test.each(['job.list', 'deadLetter.list', 'admin.errors', 'event.list'] as const)(
    '%s is about the queues that it names',
    async (name) => {
      const { headers } = as(await tokenFor({ roles: ['viewer'], queues: [canaries.queue] }));
      const get = (query: string) => send(server.url, { path: `${routeOf(name).path}${query}`, headers });
      expectDenied(await get(''));
      expectDenied(await get('?queue=elsewhere'));
      expect((await get(`?queue=${canaries.queue}`)).status).toBe(200);
    },
  );

  test.each(['job.list', 'admin.jobs', 'admin.jobGroups'] as const)(
    '%s is about the queue of its search',
    async (name) => {
      const { headers } = as(await tokenFor({ roles: ['viewer'], queues: [canaries.queue] }));
      const by = name === 'admin.jobGroups' ? '&by=type' : '';
      const get = (q: string) =>
        send(server.url, { path: `${routeOf(name).path}?q=${encodeURIComponent(q)}${by}`, headers });
      expect((await get(`queue:${canaries.queue} state:available`)).status).toBe(200);
      expect((await get(`queue:${canaries.queue} id:01980d2c-7b1e-7c44-9d0a-5f0c3c1b7a10`)).status).toBe(200);
      for (const q of [
        'state:available',
        'queue:elsewhere',
        'id:01980d2c-7b1e-7c44-9d0a-5f0c3c1b7a10',
        `queue:${canaries.queue} OR state:available`,
      ])
        expectDenied(await get(q));
    },
  );

  test('a template, a step or a dead letter that is sent to another queue is refused', async () => {
    const { ask, post } = as(await tokenFor({ roles: ['admin'], queues: [canaries.queue] }));
    const job = { type: 'a.b', args: [], options: { queue: 'elsewhere' } };
    const own = { type: 'a.b', args: [], options: { queue: canaries.queue } };
    expectDenied(await post('/cron', { name: 'theirs', cron: '* * * * *', ...job }));
    expect((await post('/cron', { name: 'ours', cron: '0 0 29 2 *', ...own })).status).toBe(201);
    expectDenied(await ask('PATCH', '/cron/ours', { options: { queue: 'elsewhere' } }));
    expectDenied(await post('/cron', { name: canaries.cron, cron: '* * * * *', ...own }));
    expectDenied(await post('/workflows', { type: 'chain', steps: [own, job] }));
    expect((await post('/workflows', { type: 'chain', steps: [own, own] })).status).toBe(201);
    expectDenied(await post(`/dead-letter/${canaries.deadLetter}/retry`, { override: { queue: 'elsewhere' } }));
    expect(coversQueue({ queues: [canaries.queue] }, 'elsewhere')).toBe(false);
  });
});

describe('a job that reaches beyond the queues of its token', () => {
  const reaches = [
    [
      'a unique policy without the queue',
      { unique: { keys: ['type', 'args'], on_conflict: 'replace' } },
      'unique.keys',
    ],
    ['a unique policy by a name', { unique: { key: 'own-name' } }, 'unique.keys'],
    ['a limit of its own', { rate_limit: { key: 'tenant', concurrency: 1 } }, 'rate_limit'],
    ['a limit of another queue', { rate_limit: { key: 'elsewhere:tenant', concurrency: 1 } }, 'rate_limit'],
  ] as const;
  let post: ReturnType<typeof as>['post'];
  beforeAll(async () => {
    ({ post } = as(await tokenFor({ roles: ['admin'], queues: [canaries.queue, 'reach*'] })));
  });

  test.each(reaches)('%s is refused wherever jobs are sent', async (_, options, told) => {
    const job = { type: 'a.b', args: [1], options: { queue: canaries.queue, ...options } };
    const step = { type: 'a.b', args: [1], options: { queue: canaries.queue } };
    const before = await snapshot(server);
    for (const [path, body] of [
      ['/jobs', job],
      ['/jobs/batch', { jobs: [step, job] }],
      ['/workflows', { type: 'chain', steps: [step, job] }],
      ['/workflows', { type: 'chain', steps: [step], options }],
      ['/cron', { name: 'reaching', cron: '0 0 29 2 *', ...job }],
    ] as const) {
      const response = await post(path, body);
      expectDenied(response);
      expect(response.text).toContain(told);
    }
    const { status, text } = await post('/jobs/bulk', { jobs: [job] });
    expect([status, text.includes('permission_denied')], text).toEqual([expect.any(Number), true]);
    expect({ ...(await snapshot(server)), events: null }).toEqual({ ...before, events: null });
  });

  test('the same within its queues is not', async () => {
    for (const options of [
      { unique: { keys: ['type', 'queue', 'args'] } },
      { rate_limit: { concurrency: 1_000 } },
      { rate_limit: { key: `queue:${canaries.queue}`, concurrency: 1_000 } },
      { rate_limit: { key: `${canaries.queue}:tenant`, concurrency: 1 } },
      { rate_limit: { key: 'reaching:tenant', concurrency: 1 } },
    ]) {
      const { status, text } = await post('/jobs', {
        type: 'a.b',
        args: [JSON.stringify(options)],
        options: { queue: canaries.queue, ...options },
      });
      expect(status, text).toBe(201);
    }
  });
});

test('a worker of another queue cannot be registered or deregistered', async () => {
  const { post } = as(await tokenFor({ roles: ['work'], queues: ['elsewhere'] }));
  const worker = as(await tokenFor({ roles: ['admin'], queues: every }));
  await worker.post('/jobs', { type: 'a.b', args: [], options: { queue: 'held' } });
  await worker.post('/workers/fetch', { queues: ['held'], worker_id: 'holder' });
  for (const path of ['register', 'deregister']) expectDenied(await post(`/workers/${path}`, { worker_id: 'holder' }));
  expect((await post('/workers/register', { worker_id: 'stranger', queues: ['elsewhere'] })).status).toBe(200);
  expect((await post('/workers/deregister', { worker_id: 'stranger' })).status).toBe(200);
});

test('a refusal names no queue that the caller did not name', async () => {
  const mail = as(await tokenFor({ roles: ['admin'], queues: ['mail'] }));
  const byId = operationNames.filter((name) =>
    ['job', 'cron', 'workflow', 'step', 'bulk'].includes(operations[name].queues),
  );
  for (const name of byId) {
    const headers = { ...mail.headers, 'content-type': 'application/json' };
    const { status, text } = await send(server.url, { ...requestOf(name, canaries), headers });
    const { message } = JSON.parse(text).error;
    // The tests above have removed some of these.
    expect([name, [403, 404].includes(status), message.includes(canaries.queue)]).toEqual([name, true, false]);
  }
  const { post } = as(await tokenFor({ roles: ['admin'], queues: every }));
  const pushed = await post('/jobs', { type: 'a.b', args: [], options: { queue: canaries.queue } });
  const ack = await mail.post('/workers/ack', { job_id: JSON.parse(pushed.text).job.id, worker_id: 'w' });
  expect(JSON.parse(ack.text).error.message).toBe(
    'The call is about a job, cron, workflow or bulk operation of another queue. The token is for mail.',
  );
  const named = await mail.get(`/queues/${canaries.queue}`);
  expect(JSON.parse(named.text).error.message).toBe('The call is about the queue canary. The token is for mail.');
});

describe('a worker without a secret, in another queue', () => {
  const call = (token: string, path: string, body: object) => as(token).post(path, body);
  const begun = async (worker: string | undefined, token: string) => {
    const queue = `secret-${worker ?? 'nameless'}`;
    await call(token, '/jobs', { type: 'a.b', args: ['secret'], options: { queue } });
    const fetch = { queues: [queue], request_id: '17', ...(worker !== undefined && { worker_id: worker }) };
    const { text } = await call(token, '/workers/fetch', fetch);
    expect(JSON.parse(text).jobs).toHaveLength(1);
    return { queue, id: JSON.parse(text).jobs[0].id };
  };

  test.each(['repeated', undefined])('its fetch (worker_id %s) cannot be repeated for its jobs', async (worker) => {
    const stranger = await tokenFor({ roles: ['worker'], queues: ['mail'] });
    const admin = await tokenFor({ roles: ['admin'], queues: every });
    const { id, queue } = await begun(worker, admin);
    const fetch = { queues: ['mail'], request_id: '17', ...(worker !== undefined && { worker_id: worker }) };
    const refused = await call(stranger, '/workers/fetch', fetch);
    expectDenied(refused);
    expect(refused.text).not.toContain(id);
    expect(refused.text).not.toContain(queue);
    if (worker === undefined) return;
    expectDenied(await call(stranger, '/workers/exchange', { worker_id: worker, fetch }));
    const again = await call(admin, '/workers/fetch', { ...fetch, queues: [queue] });
    expect(JSON.parse(again.text).jobs).toMatchObject([{ id }]);
  });

  test('nobody sends its heartbeats, and a heartbeat with a new secret does not take its name', async () => {
    const stranger = await tokenFor({ roles: ['worker'], queues: ['mail'] });
    const owner = await tokenFor({ roles: ['admin'], queues: ['secret-*'] });
    for (const [worker, token] of [
      ['beaten', await tokenFor({ roles: ['admin'], queues: every })],
      ['beaten-2', owner],
    ] as const) {
      const { id } = await begun(worker, token);
      const beat = { worker_id: worker, active_jobs: [], leases: {}, open_fetches: [] };
      for (const more of [{}, { worker_secret: 'mine' }, { state: 'terminate' }])
        expect([403, 409]).toContain((await call(stranger, '/workers/heartbeat', { ...beat, ...more })).status);
      const inExchange = await call(stranger, '/workers/exchange', { worker_id: worker, beat: { ...beat } });
      expect([403, 409]).toContain(inExchange.status);
      expect((await server.engine.jobs.get(id))?.state).toBe(State.active);
      expect((await call(token, '/workers/heartbeat', { worker_id: worker, active_jobs: [id] })).status).toBe(200);
    }
  });

  test('a worker of the token itself fetches, beats and says goodbye without a secret', async () => {
    const token = await tokenFor({ roles: ['worker'], queues: ['mail'] });
    const fetch = { queues: ['mail'], worker_id: 'own', request_id: '1' };
    for (let round = 0; round < 2; round++) {
      expect((await call(token, '/workers/fetch', fetch)).status).toBe(200);
      expect((await call(token, '/workers/heartbeat', { worker_id: 'own', active_jobs: [] })).status).toBe(200);
      expect((await call(token, '/workers/register', { worker_id: 'own', queues: ['mail'] })).status).toBe(200);
    }
    expect((await call(token, '/workers/deregister', { worker_id: 'own' })).status).toBe(200);
  });
});

describe('streams and sockets', () => {
  test('a socket follows the queues of its token only', async () => {
    const token = await tokenFor({ roles: ['viewer'], queues: [canaries.queue] });
    using socket = await openSocket(server.url, { headers: as(token).headers });
    const subscribe = async (message: object) => {
      socket.send({ action: 'subscribe', ...message });
      for (;;) {
        const [frame] = await socket.frames.take(1);
        if (frame?.type !== 'event') return frame;
      }
    };
    for (const refused of [
      { channel: 'all' },
      { channel: 'events' },
      { channel: 'queue:elsewhere' },
      { channel: 'events', filter: { queues: [canaries.queue, 'elsewhere'] } },
    ])
      expect(await subscribe(refused)).toMatchObject({ type: 'error', code: 'permission_denied' });
    for (const allowed of [
      { channel: `queue:${canaries.queue}` },
      { channel: `job:${canaries.available}` },
      { channel: 'events', filter: { queues: [canaries.queue] } },
    ])
      expect(await subscribe(allowed)).toMatchObject({ type: 'subscribed' });
  });

  test('a long poll of a revoked token ends, and gives nothing', async () => {
    const { engine } = server;
    const { token, record } = await create(['work'], every, { name: 'poller' });
    const waits = Promise.withResolvers<AbortSignal | undefined>();
    const fetch = engine.protocol.fetch.bind(engine.protocol);
    engine.protocol.fetch = (wanted, signal) => {
      waits.resolve(signal);
      return fetch(wanted, signal);
    };
    const polled = as(token).post('/workers/fetch', { queues: ['nothing-here'], worker_id: 'poller', wait_ms: 60_000 });
    const cut = expect(polled).rejects.toThrow();
    const signal = await waits.promise;
    engine.protocol.fetch = fetch;
    await engine.tokens.revoke(record.id);
    await cut;
    // The client may see the end of the connection first.
    if (signal?.aborted === false) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal?.aborted).toBe(true);
  });

  test.each(['revoked', 'rotated'])('those of a %s token end', async (how) => {
    const { tokens } = server.engine;
    const { token, record } = await create(['viewer']);
    const { headers } = as(token);
    using stream = await followStream(server.url, '/events/stream', headers);
    using jobs = await openStream(server.url, `/jobs/${canaries.available}/progress/stream`, headers);
    using statistics = await openStream(server.url, '/admin/stats/stream', headers);
    using summaries = await openStream(server.url, '/admin/events/summaries', headers);
    using socket = await openSocket(server.url, { headers });
    expect([jobs.status, statistics.status, summaries.status]).toEqual([200, 200, 200]);
    if (how === 'revoked') await tokens.revoke(record.id);
    else await tokens.rotate(record.id, 0);
    const ended = [stream, jobs, statistics, summaries].map(({ events }) => events.rest());
    await Promise.all([...ended, socket.closed]);
    expectRefusal(await send(server.url, { path: '/ojs/v1/queues', headers }), 401, 'unauthenticated');
  });

  test('a rotation ends those of the old secret after its grace, and never those of the new one', async () => {
    const { engine } = server;
    const authorization = new Authorization([], engine.tokens, engine.clock);
    const { token, record } = await create(['viewer']);
    const before = await authorization.verify(`Bearer ${token}`);
    const { token: next } = await engine.tokens.rotate(record.id, 60_000);
    const after = await authorization.verify(`Bearer ${next}`);
    const rotated = await authorization.verify(`Bearer ${token}`);
    const admits = () => [before, rotated, after].map((holder) => authorization.admits(holder));
    expect(admits()).toEqual([true, true, true]);
    await engine.tokens.rotate(record.id, 60_000);
    expect(admits()).toEqual([false, false, true]);
    expect(authorization.admits(await authorization.known(`Bearer ${next}`))).toBe(true);
  });
});

test('an explanation leaves out the jobs of other queues, and says so', async () => {
  const admin = await tokenFor({ roles: ['admin'], queues: every });
  const post = async (path: string, body: object) => JSON.parse((await as(admin).post(path, body)).text);
  const rate_limit = { key: 'shared', concurrency: 1 };
  const enqueue = async (queue: string): Promise<string> =>
    (await post('/jobs', { type: 'a.b', args: [], options: { queue, rate_limit } })).job.id;
  const holder = await enqueue('mine-not');
  await post('/workers/fetch', { queues: ['mine-not'], worker_id: 'busy' });
  const id = await enqueue('mine');
  const explained = async (token: string) => (await as(token).get(`/admin/jobs/${id}/explain`)).text;
  expect(await explained(admin)).toContain(holder);
  const own = await explained(await tokenFor({ roles: ['admin'], queues: ['mine'] }));
  expect(own).not.toContain(holder);
  expect(JSON.parse(own).reasons).toContainEqual(expect.objectContaining({ code: 'concurrency_full', partial: true }));
});

describe('payloads', () => {
  const canary = 'number-of-a-card';
  let id: string;
  beforeAll(async () => {
    const job = { type: 'pay.now', args: [{ card: canary, sum: 7 }], meta: { canary }, options: { queue: 'pay' } };
    const { post } = as(await tokenFor({ roles: ['admin'], queues: every }));
    ({ id } = JSON.parse((await post('/jobs', job)).text).job);
    await post('/workers/fetch', { queues: ['pay'], worker_id: 'till' });
    const held = { job_id: id, worker_id: 'till' };
    await post('/workers/progress', { ...held, percentage: 10, data: { canary }, checkpoint: { canary } });
    await post('/workers/ack', { ...held, result: { card: canary } });
    const { options } = job;
    await post('/cron', { name: 'paying', cron: '0 0 29 2 *', type: 'pay.now', args: [canary], options });
    const step = { ...job, meta: {} };
    await post('/workflows', { type: 'chain', steps: [step, step] });
  });

  async function seen(token: string): Promise<string> {
    const caller = as(token);
    const get = async (path: string) => (await caller.get(path)).text;
    const results = caller.post('/jobs/results', { ids: [id] });
    using stream = await openStream(server.url, `/jobs/${id}/progress/stream`, caller.headers);
    const workflows: { readonly workflows: readonly { readonly id: string }[] } = JSON.parse(await get('/workflows'));
    const texts = await Promise.all([
      ...[`/jobs/${id}`, '/jobs?queue=pay', '/events?types=job.progress', '/cron', '/cron/paying'].map(get),
      ...[`/jobs/${id}/result`, `/jobs/${id}/progress`].map(get),
      ...workflows.workflows.map((workflow) => get(`/workflows/${workflow.id}`)),
      results.then(({ text }) => text),
      stream.events.rest().then((events) => JSON.stringify(events)),
    ]);
    for (const text of texts) expect(text).not.toContain('permission_denied');
    return texts.join('\n');
  }

  test('a viewer sees no argument, result or data of a job; an inspector does', async () => {
    const inspected = await seen(await tokenFor({ roles: ['inspector'], queues: every }));
    expect(inspected).toContain(`"args":[{"card":"${canary}","sum":7}]`);
    expect(inspected).toContain(`"result":{"card":"${canary}"}`);
    expect(inspected).toContain(`"progress_percent":10,"data":{"canary":"${canary}"}`);
    const viewed = await seen(await tokenFor({ roles: ['viewer'], queues: every }));
    expect(viewed.replaceAll(`"meta":{"canary":"${canary}"}`, '')).not.toContain(canary);
    expect(viewed).toContain('"type":"pay.now"');
  });

  test('a viewer sees statistics whole', async () => {
    const viewer = as(await tokenFor({ roles: ['viewer'], queues: every }));
    const admin = as(await tokenFor({ roles: ['admin'], queues: every }));
    for (const path of ['/admin/stats/history', '/admin/stats', '/dead-letter/stats', '/admin/queues']) {
      const [seen, whole] = await Promise.all([viewer, admin].map(({ get }) => get(path)));
      expect(seen?.status, path).toBe(200);
      const nulls = (text = '') => text.match(/"(?:data|result|checkpoint)":null/g);
      expect(nulls(seen?.text), path).toEqual(nulls(whole?.text));
    }
  });

  test('paths of a token are redacted for it', async () => {
    const redact = ['args[0].card', 'result.card', 'meta.canary'];
    const text = await seen(await tokenFor({ roles: ['inspector'], queues: every, redact }));
    expect(text).toContain('"args":[{"card":"[redacted]","sum":7}]');
    expect(text).toContain('"result":{"card":"[redacted]"}');
    expect(text).toContain('"meta":{"canary":"[redacted]"}');
  });

  test('the stream of a result is redacted, under both names of the result', async () => {
    const token = await tokenFor({ roles: ['inspector'], queues: every, redact: ['result.card'] });
    using stream = await openStream(server.url, `/jobs/${id}/result/stream`, { authorization: `Bearer ${token}` });
    const text = JSON.stringify(await stream.events.rest());
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(canary);
  });

  test('what would tell them all the same is refused', async () => {
    for (const grant of [
      { roles: ['viewer'], queues: every } as const,
      { roles: ['inspector'], queues: every, redact: ['args[0].card'] } as const,
    ]) {
      const { get } = as(await tokenFor(grant));
      const queries = [`args[0].card:${canary}`, `-(queue:x OR text~${canary})`, 'result.card:*'];
      for (const search of [`args=${canary}`, ...queries.map((query) => `q=${query}`)])
        expectDenied(await get(`/jobs?${encodeURI(search)}`));
      expect((await get('/jobs?q=queue:pay')).status).toBe(200);
    }
    const { post: change } = as(await tokenFor({ roles: ['admin'], queues: every, redact: ['args[0].card'] }));
    for (const [path, body] of [
      ['/jobs/bulk/cancel', { filter: { args: canary } }],
      ['/jobs/bulk/retry', { filter: { meta: { canary } } }],
      ['/dead-letter/retry', { filter: { args: canary }, confirm: true }],
      ['/dead-letter/purge', { filter: { args: canary }, confirm: true }],
      ['/dead-letter/purge', { args: canary, confirm: true }],
    ] as const)
      expectDenied(await change(path, body));
    expect((await change('/jobs/bulk/cancel', { filter: { queue: 'none' } })).status).toBe(200);
    const own = { name: 'own', cron: '0 0 29 2 *', type: 'a.b', args: [canary] };
    expect((await change('/cron', own)).status).toBe(201);
    const { get } = as(await tokenFor({ roles: ['viewer'], queues: every }));
    for (const path of [`/jobs/${id}/checkpoint`, `/jobs/${id}/result/stream`]) expectDenied(await get(path));
  });
});

test('the last token that may manage tokens is revoked by force only', async () => {
  await using own = await serve();
  const { tokens } = own.engine;
  const on = { on: own };
  const admin = await create(['admin'], every, on);
  await create(['operator'], every, on);
  await create(['admin'], ['mail'], on);
  const second = await create(['admin'], every, on);
  const revoke = (id: string, query = '') => as(admin.token, own).ask('DELETE', `/admin/tokens/${id}${query}`);
  expect((await revoke(second.record.id)).status).toBe(200);
  const refused = await revoke(admin.record.id);
  expectRefusal(refused, 409, 'conflict');
  expect(JSON.parse(refused.text).error).toMatchObject({ details: { reason: 'last_admin' } });
  expectRefusal(await revoke(admin.record.id, '?force=maybe'), 400, 'invalid_request');
  expect((await revoke(admin.record.id, '?force=true')).status).toBe(200);
  expect(tokens.isUsable(admin.record.id)).toBe(false);
});

test('a failed login with a token that the store knows names the token, in the log and in the audit', async () => {
  await using own = await serve();
  const { tokens } = own.engine;
  const make = () => create(['admin'], every, { name: 'deploy', on: own });
  const [admin, revoked, rotated] = [await make(), await make(), await make()];
  await tokens.revoke(revoked.record.id);
  await tokens.rotate(rotated.record.id, 0);
  const ask = (token: string) => as(token, own).get('/admin/audit');
  for (const token of [revoked.token, rotated.token, 'ojs_0123456789abcdef_'.padEnd(64, 'x')]) await ask(token);
  const entries: readonly { readonly event_type: string; readonly principal: string; readonly detail: object }[] =
    JSON.parse((await ask(admin.token)).text).items;
  const failed = entries.filter(({ event_type }) => event_type === 'authentication.failed').toReversed();
  expect(failed.map(({ principal }) => principal)).toEqual(['unknown', 'unknown', 'unknown']);
  expect(failed.map(({ detail }) => detail)).toMatchObject([
    { token_id: revoked.record.id, token_name: 'deploy', token_state: 'revoked' },
    { token_id: rotated.record.id, token_name: 'deploy', token_state: 'other secret' },
    expect.not.objectContaining({ token_id: expect.anything() }),
  ]);
});

test('a refused stream, socket and subscription leave an entry each, and one a minute', async () => {
  await using own = await serve();
  const on = { on: own };
  const admin = await create(['admin'], every, on);
  const producer = await create(['producer'], every, on);
  const reader = await create(['viewer'], ['mail'], on);
  const ask = (path: string, token: string) => as(token, own).get(path);
  const streams = ['/events/stream', '/queues/pay/events', '/admin/stats/stream'];
  for (const path of [...streams, ...streams]) {
    expectDenied(await ask(path, producer.token));
    expectDenied(await ask(path, reader.token));
  }
  expectDenied(await ask('/ws', producer.token));
  using socket = await openSocket(own.url, { headers: as(reader.token).headers });
  socket.send({ action: 'subscribe', channel: 'queue:pay' });
  expect((await socket.frames.take(1))[0]).toMatchObject({ type: 'error', code: 'permission_denied' });
  const denied = async () => {
    const { items } = JSON.parse((await ask('/admin/audit?limit=100', admin.token)).text);
    return items.filter((one: { event_type: string }) => one.event_type === 'authorization.denied');
  };
  await expect.poll(async () => (await denied()).length).toBe(8);
  const told = (await denied()).map((one: { principal: string; detail: { stream: string } }) => [
    one.principal,
    one.detail.stream,
  ]);
  const names = ['/ojs/v1/events/stream', '/ojs/v1/queues/:name/events', '/ojs/v1/admin/stats/stream', '/ojs/v1/ws'];
  const of = (id: string) => names.map((name) => [`token_${id}`, name]);
  expect(told).toEqual(expect.arrayContaining([...of(producer.record.id), ...of(reader.record.id)]));
});
