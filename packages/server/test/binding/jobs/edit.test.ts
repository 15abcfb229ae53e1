import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { words } from '../../../../core/test/support/text.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Answer {
  readonly id: string;
  readonly state: string;
  readonly job: Readonly<Record<string, unknown>>;
}

async function enqueue({ url }: ClockedServer, request: object = {}): Promise<string> {
  const { body } = await call<Answer>(url, '/jobs', { type: 'a.b', args: [1], ...request });
  return body.id;
}

function edit({ url }: ClockedServer, id: string, body: object, key?: string) {
  const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
  return call<Answer>(url, `/admin/jobs/${id}`, body, { method: 'PATCH', ...headers });
}

function refused({ url }: ClockedServer, id: string, body: object) {
  return send(url, { method: 'PATCH', path: `/ojs/v1/admin/jobs/${id}`, body: JSON.stringify(body) });
}

async function fetched({ url }: ClockedServer, count = 1): Promise<readonly string[]> {
  const { body } = await call<{ jobs: readonly Answer[] }>(url, '/workers/fetch', { queues: ['default'], count });
  return body.jobs.map(({ id }) => id);
}

const at = ({ bench }: ClockedServer, ms: number) => new Date(bench.clock.now() + ms).toISOString();

describe.each(storages)('edit, $name', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('another priority changes the order of the starts, and the queue keeps its counts', async (server) => {
    const [one, two, three] = [await enqueue(server), await enqueue(server), await enqueue(server)];
    expect(await edit(server, three, { priority: 10 })).toMatchObject({
      status: 200,
      body: { id: three, state: 'available', job: { priority: 10, previous_state: 'available' } },
    });
    await edit(server, one, { priority: 'LOW' });
    const { body } = await call<{ queue: { stats: object } }>(server.url, '/queues/default/stats');
    expect(JSON.stringify(body)).toContain('"available":3');
    expect(await fetched(server, 3)).toEqual([three, two, one]);
  });

  it('a scheduled job starts at its new time; now makes it available', async (server) => {
    const later = { options: { delay_until: at(server, 3_600_000) } };
    const [one, two] = [await enqueue(server, later), await enqueue(server, later)];
    const sooner = await edit(server, one, { scheduled_at: at(server, 5_000) });
    expect(sooner.body).toMatchObject({ state: 'scheduled', job: { scheduled_at: at(server, 5_000) } });
    expect((await edit(server, two, { scheduled_at: 'now' })).body.state).toBe('available');
    expect(await fetched(server, 9)).toEqual([two]);
    server.bench.clock.advance(5_000);
    expect(await fetched(server, 9)).toEqual([one]);
  });

  it('what the worker gets: new args, meta, tags, attempts and timeout, and the numbers as they were written', async (server) => {
    const { url } = server;
    const id = await enqueue(server, { meta: { a: 1 }, x_own: [2] });
    const text =
      '{"args":[12345678901234567890,1.0],"meta":{"b":2.0},"tags":["t"],"retry":{"max_attempts":1},"timeout":7}';
    const answer = await send(url, { method: 'PATCH', path: `/ojs/v1/admin/jobs/${id}`, body: text });
    expect(answer.status, answer.text).toBe(200);
    const { text: claimed } = await send(url, {
      method: 'POST',
      path: '/ojs/v1/workers/fetch',
      body: '{"queues":["default"],"worker_id":"w"}',
    });
    for (const part of words(`
      "args":[12345678901234567890,1.0] "meta":{"a":1,"b":2.0} "tags":["t"] "x_own":[2] "timeout_ms":7000
      "max_attempts":1
    `))
      expect(claimed).toContain(part);
    server.bench.clock.advance(7_001);
    await call(url, '/workers/heartbeat', { worker_id: 'w', active_jobs: [id] });
    const { body } = await call<Answer>(url, `/jobs/${id}`);
    expect(body.job).toMatchObject({ state: 'discarded', error: { type: 'timeout' } });
  });

  it('edits of different members at the same time all take effect', async (server) => {
    const id = await enqueue(server, { meta: { first: 0 } });
    const names = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(names.map((name) => edit(server, id, { meta: { [name]: name } })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { body } = await call<Answer>(server.url, `/jobs/${id}`);
    expect(body.job.meta).toEqual({ first: 0, a: 'a', b: 'b', c: 'c', d: 'd' });
  });

  it('a repeated call with its key is answered as the first one, also after the job has started', async (server) => {
    const id = await enqueue(server, { options: { delay_until: at(server, 60_000) } });
    const first = await edit(server, id, { scheduled_at: 'now' }, 'key');
    expect(first.body.job).toMatchObject({ state: 'available', previous_state: 'scheduled' });
    expect(await fetched(server)).toEqual([id]);
    const again = await edit(server, id, { scheduled_at: 'now' }, 'key');
    expect([again.status, again.body.job.previous_state]).toEqual([200, 'scheduled']);
    expectRefusal(await refused(server, id, { scheduled_at: 'now' }), 409, 'conflict');
  });

  it('a running and an ended job are refused with a hint, and so is another key, queue or expectation', async (server) => {
    const id = await enqueue(server, { unique: { keys: ['type', 'args'] } });
    expectRefusal(await refused(server, id, { args: [2] }), 409, 'conflict');
    expectRefusal(await refused(server, id, { queue: 'other' }), 422, 'unsupported');
    expectRefusal(await refused(server, id, { scheduled_at: at(server, 60_000) }), 409, 'conflict');
    expectRefusal(await refused(server, id, { priority: 1, if_match: { state: 'scheduled' } }), 409, 'conflict');
    expectRefusal(await refused(server, id, { priority: 1, if_match: { stat: 'available' } }), 400, 'invalid_request');
    expectRefusal(await refused(server, id, { priority: 1, if_match: { state: 'waiting' } }), 400, 'invalid_request');
    expectRefusal(await refused(server, id, {}), 400, 'invalid_request');
    expectRefusal(await refused(server, id, { expires_at: null }), 400, 'invalid_request');
    expectRefusal(await refused(server, newId(), { priority: 1 }), 404, 'not_found');
    expect((await edit(server, id, { priority: 1, if_match: { state: 'available', attempt: 0 } })).status).toBe(200);
    await fetched(server);
    const running = await refused(server, id, { priority: 2 });
    expectRefusal(running, 409, 'conflict');
    expect(JSON.parse(running.text).error.hint).toMatch(/rerun/);
    await call(server.url, '/workers/ack', { job_id: id });
    expectRefusal(await refused(server, id, { priority: 2 }), 409, 'conflict');
  });

  it('the event log has what was changed', async (server) => {
    const id = await enqueue(server, { options: { delay_until: at(server, 60_000) } });
    const time = at(server, 5_000);
    await edit(server, id, { priority: 3, scheduled_at: time });
    await edit(server, id, { scheduled_at: 'now' });
    const { body } = await call<{ events: readonly { type: string; data: object }[] }>(server.url, '/events');
    expect(body.events.map(({ type }) => type)).toEqual(['job.scheduled', 'job.updated', 'job.enqueued']);
    expect(body.events[1]?.data).toMatchObject({
      job_id: id,
      changed: ['priority', 'scheduled_at'],
      scheduled_at: time,
    });
  });
});

test('new args must match the schema of the job', async () => {
  await using server = await serveClocked('memory:');
  const id = await enqueue(server);
  const schema = { type: 'array', items: { type: 'number' } };
  expect((await call(server.url, '/schemas', { type: 'a.b', version: 1, schema })).status).toBe(201);
  expectRefusal(await refused(server, id, { args: ['x'] }), 400, 'schema_validation');
  expect((await edit(server, id, { args: [5] })).status).toBe(200);
});

test('the audit log has the settings before and after, without arguments', async () => {
  await using server = await serveClocked('memory:');
  const id = await enqueue(server);
  await edit(server, id, { args: ['secret'], meta: { m: 'secret' }, priority: 3, retry: { max_attempts: 9 } });
  const { body: log } = await call<{ items: readonly object[] }>(
    server.url,
    `/admin/audit?about=${id}&type=job.edited`,
  );
  expect(log.items).toEqual([
    expect.objectContaining({
      outcome: 'success',
      detail: expect.objectContaining({
        id,
        before: expect.objectContaining({ state: 'available', priority: 0, max_attempts: 3 }),
        after: expect.objectContaining({ state: 'available', priority: 3, max_attempts: 9 }),
      }),
    }),
  ]);
  expect(JSON.stringify(log.items)).not.toContain('secret');
});
