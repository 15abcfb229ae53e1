import type { Grant } from '@ojs-ts/core/access';
import { describe, expect, test } from 'vitest';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

type Body = Readonly<Record<string, unknown>>;

async function post(server: ClockedServer, path: string, body: unknown = {}) {
  return call<Body>(server.url, `/admin/bulk${path}`, body);
}

async function show(server: ClockedServer, id: unknown): Promise<Body> {
  return (await call<Body>(server.url, `/admin/bulk/${id}`)).body;
}

/** Lets the millisecond of a start pass, and does what may be done. */
async function work({ bench }: ClockedServer, ms = 1): Promise<void> {
  bench.clock.advance(ms);
  await bench.engine.bulkOperations.run();
}

async function statesOf(server: ClockedServer, queue: string) {
  const { body } = await call<{ readonly jobs: readonly { readonly state: string }[] }>(
    server.url,
    `/jobs?queue=${queue}`,
  );
  return body.jobs.map(({ state }) => state).toSorted();
}

async function enqueue(server: ClockedServer, count: number, queue = 'q'): Promise<void> {
  const jobs = Array.from({ length: count }, (_, n) => ({ type: 'a.b', args: [{ n }], options: { queue } }));
  expect((await call(server.url, '/jobs/batch', { jobs })).status).toBe(201);
}

describe.each(storages)('bulk operations over HTTP, $name', ({ url }) => {
  test('a dry run counts, shows some jobs and changes nothing', async () => {
    await using server = await serveClocked(url());
    await enqueue(server, 30);
    const counted = await post(server, '', { action: 'cancel', query: 'queue:q args[0].n<12', dry_run: true });
    expect(counted).toMatchObject({
      status: 200,
      body: { dry_run: true, action: 'cancel', matched: 12, matched_is_lower_bound: false },
    });
    expect(counted.body.sample).toHaveLength(10);
    await work(server);
    expect(new Set(await statesOf(server, 'q'))).toEqual(new Set(['available']));
    expect((await call<Body>(server.url, '/admin/bulk')).body).toMatchObject({ items: [], pagination: { total: 0 } });
    const audit = await call<{ readonly items: readonly unknown[] }>(server.url, '/admin/audit?type=bulk_operation');
    expect(audit.body.items).toEqual([]);
  });

  test('started, watched, stopped, resumed and undone; each is in the audit log', async () => {
    await using server = await serveClocked(url());
    await enqueue(server, 6);
    const begun = await post(server, '', { action: 'cancel', filter: { queue: 'q' }, rate: 2, confirm: true });
    expect(begun.status).toBe(202);
    const { id } = begun.body;
    expect(begun.body).toMatchObject({
      action: 'cancel',
      state: 'running',
      filter: { queue: 'q' },
      queue: 'q',
      rate: 2,
      matched: 6,
      done: 0,
      changed: 0,
      skipped: {},
      time_left_ms: 3_000,
      created_by: 'anonymous',
      finished_at: null,
      undo: { possible: false, reason: 'The operation is running: stop it first.' },
    });
    server.bench.clock.advance(1);
    await enqueue(server, 1);
    await work(server);
    expect(await show(server, id)).toMatchObject({ state: 'running', done: 2, changed: 2, time_left_ms: 2_000 });
    expect(await post(server, `/${id}/stop`)).toMatchObject({ status: 200, body: { state: 'stopped' } });
    await work(server, 10_000);
    expect(await show(server, id)).toMatchObject({ changed: 2, time_left_ms: null });
    expect(await post(server, `/${id}/resume`)).toMatchObject({ status: 200, body: { state: 'running' } });
    for (let second = 0; second < 3; second++) await work(server, 1_000);
    expect(await show(server, id)).toMatchObject({ state: 'done', done: 6, changed: 6, undo: { possible: true } });
    expect(await statesOf(server, 'q'), 'the job that came later waits').toEqual([
      'available',
      ...Array.from({ length: 6 }, () => 'cancelled'),
    ]);
    const undo = await post(server, `/${id}/undo`);
    expect(undo).toMatchObject({ status: 202, body: { action: 'undo', undoes: id, matched: 6 } });
    await work(server);
    expect(await show(server, undo.body.id)).toMatchObject({ state: 'done', changed: 6 });
    expect(await show(server, id)).toMatchObject({ undo: { possible: false, by: undo.body.id } });
    expect((await statesOf(server, 'q')).filter((state) => state === 'available')).toHaveLength(7);
    expect((await call<Body>(server.url, '/admin/bulk?limit=1')).body).toMatchObject({
      items: [{ id: undo.body.id }],
      pagination: { total: 2, has_more: true },
    });
    const { body } = await call<{ readonly items: readonly Body[] }>(server.url, `/admin/audit?about=${id}`);
    expect(body.items.map(({ event_type: type }) => type).toReversed()).toEqual([
      'bulk_operation.started',
      'bulk_operation.stopped',
      'bulk_operation.resumed',
      'bulk_operation.undone',
    ]);
    expect(body.items.at(-1)).toMatchObject({ detail: { bulk_id: id, matched: 6, request: { action: 'cancel' } } });
  });

  test('a repeated start is one operation, and another body under its key is refused', async () => {
    await using server = await serveClocked(url());
    await enqueue(server, 2);
    const headers = { 'idempotency-key': 'once' };
    const body = { action: 'cancel', query: 'queue:q', confirm: true };
    const first = await call<Body>(server.url, '/admin/bulk', body, { headers });
    await work(server);
    const second = await call<Body>(server.url, '/admin/bulk', body, { headers });
    expect(second).toMatchObject({ status: 202, body: { id: first.body.id, state: 'done' } });
    const other = await call<Body>(server.url, '/admin/bulk', { ...body, action: 'discard' }, { headers });
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'idempotency_conflict' } } });
  });
});

test('changes are told as they were sent, and belong to what an idempotency key means', async () => {
  await using server = await serveClocked('memory:');
  await enqueue(server, 2);
  const headers = { 'idempotency-key': 'once' };
  const body = { action: 'edit', query: 'queue:q', changes: { args: [1], scheduled_at: '+PT5M' }, confirm: true };
  const { body: begun } = await call<Body>(server.url, '/admin/bulk', body, { headers });
  expect(begun).toMatchObject({ action: 'edit', changes: body.changes, matched: 2 });
  server.bench.clock.advance(1_000);
  const again = await call<Body>(server.url, '/admin/bulk', body, { headers });
  expect(again).toMatchObject({ status: 202, body: { id: begun.id } });
  const other = { ...body, changes: { args: [2] } };
  expect(await call<Body>(server.url, '/admin/bulk', other, { headers })).toMatchObject({
    status: 409,
    body: { error: { code: 'idempotency_conflict' } },
  });
  expect((await post(server, '', { ...body, changes: undefined, dry_run: true })).body).toMatchObject({ matched: 2 });
  await work(server);
  expect(await show(server, begun.id)).toMatchObject({ changed: 0, skipped: { available: 2 } });
  const undo = await post(server, `/${begun.id}/undo`);
  expect(undo).toMatchObject({ status: 409, body: { error: { message: expect.stringContaining('not kept') } } });
});

test('jobs whose new args do not match their schema stay, in an edit and in a rerun', async () => {
  await using server = await serveClocked('memory:');
  await enqueue(server, 1);
  server.bench.clock.advance(1);
  const schema = { type: 'array', items: { type: 'number' } };
  expect((await call(server.url, '/schemas', { type: 'a.b', version: 1, schema })).status).toBe(201);
  const run = async (action: string, changes?: object) => {
    const { body } = await post(server, '', { action, query: 'queue:q', changes, confirm: true });
    await work(server);
    return show(server, body.id);
  };
  const left = { changed: 0, skipped: { schema_validation: 1 } };
  expect(await run('edit', { args: ['x'] })).toMatchObject(left);
  expect(await run('edit', { args: [1] })).toMatchObject({ changed: 1 });
  expect(await run('cancel')).toMatchObject({ changed: 1 });
  expect(await run('rerun', { args: ['x'] })).toMatchObject(left);
  expect(await run('rerun')).toMatchObject({ changed: 1, undo: { possible: true } });
  expect(await statesOf(server, 'q')).toEqual(['available', 'cancelled']);
});

const refusals: readonly (readonly [string, Body, string])[] = [
  ['no action', { query: 'queue:q', confirm: true }, 'action'],
  ['an unknown action', { action: 'cancle', query: 'queue:q', confirm: true }, 'Did you mean cancel?'],
  ['no jobs', { action: 'cancel', confirm: true }, 'or filter is required'],
  ['no confirm', { action: 'cancel', query: 'queue:q' }, 'confirm'],
  ['a query with an error', { action: 'cancel', query: 'stat:active', confirm: true }, 'Did you mean state?'],
  ['a state that it does not change', { action: 'cancel', query: 'state:active', confirm: true }, 'No job can match'],
  ['an edit of nothing', { action: 'edit', query: 'queue:q', confirm: true }, '$.changes'],
  [
    'a change that no job can have',
    { action: 'edit', query: 'queue:q', changes: { priority: 101 }, confirm: true },
    '$.changes.priority',
  ],
  [
    'a change that is none',
    { action: 'edit', query: 'queue:q', changes: { priorty: 1 }, confirm: true },
    'Did you mean priority?',
  ],
  ['a rate of nothing', { action: 'retry', query: 'queue:q', rate: 0, confirm: true }, 'jobs a second'],
  [
    'an age outside of the dead letter',
    { action: 'delete', filter: { older_than: 'P1D' }, confirm: true },
    'finished<-30d',
  ],
];

test.each(refusals)('%s is refused, and nothing starts', async (_, body, message) => {
  await using server = await serveClocked('memory:');
  const refused = await post(server, '', body);
  expect(refused.status).toBe(400);
  expect(JSON.stringify(refused.body)).toContain(message);
  expect((await call<Body>(server.url, '/admin/bulk')).body).toMatchObject({ items: [] });
});

test('since and until of a redrive are times of the end, also beside a query with such a time', async () => {
  await using server = await serveClocked('memory:');
  const { bench } = server;
  const die = async () => {
    const job = await bench.start('w1', { queue: 'd', retry: { maxAttempts: 1, onExhaustion: 'dead_letter' } });
    const failure = { code: 'x', type: 'x', message: 'm', names: [] };
    await bench.engine.protocol.settle({ id: job.id, claim: job.claim, worker: null, kind: 'fail', failure });
  };
  await die();
  bench.clock.advance(60_000);
  const until = new Date(bench.clock.now()).toISOString();
  bench.clock.advance(60_000);
  await die();
  const count = async (body: Body) =>
    (await post(server, '', { action: 'redrive', dry_run: true, ...body })).body.matched;
  expect(await count({ filter: {} })).toBe(2);
  expect(await count({ filter: { until } })).toBe(1);
  expect(await count({ filter: { until }, query: 'finished>-1h' })).toBe(1);
  expect(await count({ filter: { since: until }, query: 'finished>-1h' })).toBe(1);
  expect(await count({ filter: { older_than: 'PT1M' } })).toBe(1);
});

describe('rights', () => {
  async function served() {
    const server = await serveClocked('memory:', {}, { tokens: ['root-secret'] });
    const grant = async (roles: Grant['roles'], queues: readonly string[] = ['*']) => {
      const { token } = await server.bench.engine.tokens.create({
        roles,
        queues,
        name: 't',
        expiresAt: null,
        createdBy: null,
      });
      return async (method: string, path: string, body?: object) => {
        const { status, text } = await send(server.url, {
          method,
          path: `/ojs/v1/admin/bulk${path}`,
          headers: { authorization: `Bearer ${token}` },
          ...(body && { body: JSON.stringify(body) }),
        });
        const answer: Body = JSON.parse(text);
        return { status, body: answer };
      };
    };
    await grant(['admin']);
    return { server, grant };
  }

  test('deleting needs the right to purge, also to go on with it', async () => {
    const { server, grant } = await served();
    await using _ = server;
    const operator = await grant(['operator']);
    const admin = await grant(['admin']);
    for (const action of ['delete', 'purge'])
      expect(await operator('POST', '', { action, filter: {}, confirm: true })).toMatchObject({
        status: 403,
        body: { error: { details: { right: 'purge' } } },
      });
    const { body } = await admin('POST', '', { action: 'delete', filter: {}, confirm: true });
    expect((await operator('POST', `/${body.id}/stop`)).status).toBe(200);
    expect((await operator('POST', `/${body.id}/resume`)).status).toBe(403);
    expect((await admin('POST', `/${body.id}/resume`)).status).toBe(200);
    expect((await operator('POST', '', { action: 'retry', filter: {}, confirm: true })).status).toBe(202);
    expect((await (await grant(['viewer']))('POST', '', { action: 'retry', filter: {}, dry_run: true })).status).toBe(
      403,
    );
  });

  test('a token for a queue must name it, and sees the operations of its queue only', async () => {
    const { server, grant } = await served();
    await using _ = server;
    const mail = await grant(['operator'], ['mail']);
    const root = await grant(['admin']);
    const about = (query: string) => ({ action: 'cancel', query, confirm: true });
    expect((await mail('POST', '', about('type:a.b'))).status).toBe(403);
    expect((await mail('POST', '', about('queue:web'))).status).toBe(403);
    expect((await mail('POST', '', about('queue:mail,web'))).status).toBe(403);
    expect((await mail('POST', '', about('queue:mail OR type:a.b'))).status).toBe(403);
    const own = await mail('POST', '', about('queue:mail type:a.b'));
    expect(own).toMatchObject({ status: 202, body: { queue: 'mail' } });
    // Chosen jobs: their queue stands beside their ids.
    const chosen = {
      action: 'cancel',
      query: 'id:01980d2c-7b1e-7c44-9d0a-5f0c3c1b7a10',
      filter: { queue: 'mail' },
      confirm: true,
    };
    expect(await mail('POST', '', chosen)).toMatchObject({ status: 202, body: { queue: 'mail' } });
    expect((await mail('POST', '', { ...chosen, filter: { queue: 'web' } })).status).toBe(403);
    const other = await root('POST', '', about('type:a.b'));
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/stop'],
      ['POST', '/resume'],
      ['POST', '/undo'],
    ] as const)
      expect((await mail(method, `/${other.body.id}${path}`)).status).toBe(403);
    expect((await mail('GET', '')).body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ id: own.body.id })]),
      pagination: { total: 2 },
    });
    expect((await root('GET', '')).body).toMatchObject({ pagination: { total: 3 } });
    // A list that began anew would never end.
    expect((await mail('GET', `?cursor=${other.body.id}`)).status).toBe(400);
  });

  test('a rerun stays in the queues of the token; the end of the token stops it', async () => {
    const { server, grant } = await served();
    await using _ = server;
    const mail = await grant(['operator'], ['mail']);
    const root = await grant(['admin']);
    const about = (changes?: object) => ({ action: 'rerun', query: 'queue:mail', rate: 1, changes, confirm: true });
    expect((await mail('POST', '', about({ queue: 'web' }))).status).toBe(403);
    const { body } = await mail('POST', '', about({ queue: 'mail' }));
    expect(body).toMatchObject({ queue: 'mail', changes: { queue: 'mail' } });
    await root('POST', `/${body.id}/stop`);
    expect((await mail('POST', `/${body.id}/resume`)).status).toBe(200);
    const { tokens } = server.bench.engine;
    await tokens.revoke(String(body.created_by).replace('token_', ''));
    await work(server);
    expect((await root('GET', `/${body.id}`)).body).toMatchObject({
      state: 'stopped',
      error: expect.stringContaining('revoked'),
    });
    expect((await root('POST', `/${body.id}/resume`)).body).toMatchObject({ state: 'running' });
    await work(server);
    const { body: done } = await root('GET', `/${body.id}`);
    expect(done).toMatchObject({ state: 'done', created_by: body.created_by });
    expect(done).not.toHaveProperty('error');
  });

  test('what was searched for in arguments is hidden from a viewer and from the audit log', async () => {
    const { server, grant } = await served();
    await using _ = server;
    const root = await grant(['admin']);
    const query = 'args[0].card=4111';
    const { body } = await root('POST', '', { action: 'cancel', query, confirm: true });
    expect(body).toMatchObject({ query });
    expect((await (await grant(['viewer']))('GET', `/${body.id}`)).body).toMatchObject({ query: '[hidden]' });
    expect((await (await grant(['inspector']))('GET', `/${body.id}`)).body).toMatchObject({ query });
    const edit = { action: 'edit', query: 'queue:q', changes: { args: ['4111'], priority: 1 }, confirm: true };
    const { body: edited } = await root('POST', '', edit);
    expect((await (await grant(['viewer']))('GET', `/${edited.id}`)).body).toMatchObject({
      changes: { args: [], priority: 1 },
    });
    const kept = await server.bench.engine.audit.entries.read({ limit: 100 });
    expect(JSON.stringify(kept)).toContain('bulk_operation.started');
    expect(JSON.stringify(kept)).not.toContain('4111');
  });
});
