import { errorKinds } from '@ojs-ts/core';
import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { Documents } from '../../../src/engine/documents.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Item {
  readonly index: number;
  readonly status: string;
  readonly job_id?: string;
  readonly job?: { readonly id: string; readonly state: string };
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
  readonly reason?: string;
}

interface Bulk {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly x_at_once?: number;
  readonly items: readonly Item[];
}

type Headers = Readonly<Record<string, string>>;

const bulk = (url: string, body: object, headers: Headers = {}) => call<Bulk>(url, '/jobs/bulk', body, { headers });
const job = (more: object = {}) => ({ type: 'a.b', args: [], ...more });
const idsOf = ({ body }: { readonly body: Bulk }) => body.items.map((item) => item.job?.id ?? '');
const statuses = ({ body }: { readonly body: Bulk }) => body.items.map(({ status }) => status);

async function events(url: string, type: string): Promise<readonly object[]> {
  const { body } = await call<{ events: { data: object }[] }>(url, `/events?types=${type}`);
  return body.events.map(({ data }) => data);
}

async function depth(url: string, queue = 'default'): Promise<number> {
  return (await call<{ available: number }>(url, `/queues/${queue}/stats`)).body.available;
}

async function push(url: string, more: object = {}): Promise<string> {
  return (await call<{ id: string }>(url, '/jobs', job(more))).body.id;
}

/** A job in a state of one's choice, in a queue of its own. */
async function jobIn(server: ClockedServer, state: string): Promise<string> {
  const { url } = server;
  const queue = `q-${newId()}`;
  const settle = (path: string, body: object) => call(url, `/workers/${path}`, body);
  const more =
    state === 'pending' ? { pending: true } : state === 'scheduled' ? { scheduled_at: '2027-01-01T00:00:00Z' } : {};
  const id = await push(url, {
    options: { queue, retry: { max_attempts: state === 'dead' ? 1 : 3, on_exhaustion: 'dead_letter' }, ...more },
  });
  if (['pending', 'scheduled', 'available'].includes(state)) return id;
  if (state === 'cancelled') {
    await call(url, `/jobs/${id}`, undefined, { method: 'DELETE' });
    return id;
  }
  await settle('fetch', { queues: [queue] });
  if (state === 'completed') await settle('ack', { job_id: id });
  if (state === 'retryable' || state === 'dead') await settle('nack', { job_id: id, error: { message: 'x' } });
  if (state === 'discarded') await settle('nack', { job_id: id, error: { message: 'x', code: 'DISCARD' } });
  return id;
}

const stateOf = async (url: string, id: string) =>
  (await call<{ state?: string }>(url, `/jobs/${id}`)).body.state ?? 'gone';

describe.each(storages)('bulk enqueue, $name (ojs-bulk-operations)', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('each item has its outcome, in order; 201, 207 and 422 (§5)', async ({ url }) => {
    const good = await bulk(url, { jobs: [job({ args: [1] }), job({ options: { queue: 'x', priority: 3 } })] });
    expect([good.status, good.body]).toMatchObject([
      201,
      {
        total: 2,
        succeeded: 2,
        failed: 0,
        items: [
          { index: 0, status: 'created', job: { type: 'a.b', queue: 'default', state: 'available' } },
          { index: 1, status: 'created', job: { queue: 'x', priority: 3 } },
        ],
      },
    ]);
    const mixed = await bulk(url, {
      atomicity: 'partial',
      jobs: [job(), { type: '', args: [] }, job(), 7, job({ retry: { max_attempts: -1 } })],
    });
    expect(mixed).toMatchObject({ status: 207, body: { total: 5, succeeded: 2, failed: 3 } });
    expect(statuses(mixed)).toEqual(['created', 'failed', 'created', 'failed', 'failed']);
    expect(mixed.body.items[1]?.error).toMatchObject({
      code: 'invalid_request',
      retryable: false,
      canonical_code: 'INVALID_REQUEST',
    });
    expect(mixed.body.items[1]?.error?.message).toContain('$.jobs[1].type');
    expect(mixed.body.items.flatMap((item) => item.error?.code ?? [])).toEqual([
      'invalid_request',
      'invalid_payload',
      'validation_error',
    ]);
    expect(await bulk(url, { jobs: [{}, 7] })).toMatchObject({
      status: 422,
      body: { total: 2, succeeded: 0, failed: 2 },
    });
    expect(await depth(url)).toBe(3);
    // Calls that a client has merged are no bulk operation: the list below has no event of theirs.
    const merged = await bulk(url, { jobs: [job()], x_merged: true });
    expect(merged).toMatchObject({ status: 201 });
    expect(merged.body.x_at_once).toBe(storage.name === 'redis' ? 2 : undefined);
    expect(await events(url, 'bulk.enqueue.completed')).toMatchObject([
      { total: 2, succeeded: 2, failed: 0, atomicity: 'partial' },
      { total: 5, succeeded: 2, failed: 3 },
      { total: 2, succeeded: 0, failed: 2 },
    ]);
  });

  it('duplicates within a batch see each other, whatever their policy (digest 4.6)', async ({ url }) => {
    const unique = (on_conflict: string) => job({ options: { unique: { keys: ['type', 'args'], on_conflict } } });
    const answer = await bulk(url, {
      jobs: [unique('reject'), unique('reject'), unique('ignore'), job(), unique('replace')],
    });
    expect(answer).toMatchObject({ status: 207, body: { succeeded: 4, failed: 1 } });
    expect(statuses(answer)).toEqual(['created', 'duplicate', 'deduplicated', 'created', 'created']);
    const [first, second, third, , last] = answer.body.items;
    expect(second).toMatchObject({
      job: { id: first?.job?.id },
      error: { code: 'duplicate', details: { existing_job_id: first?.job?.id } },
    });
    expect(third?.job?.id).toBe(first?.job?.id);
    expect(await stateOf(url, first?.job?.id ?? '')).toBe('cancelled');
    expect(await stateOf(url, last?.job?.id ?? '')).toBe('available');
  });

  it('an id is used once: in the batch, and of all jobs', async ({ url }) => {
    const [one, two] = [newId(), newId()];
    await push(url, { id: two });
    const answer = await bulk(url, {
      jobs: [job({ id: one }), job({ id: one }), job({ id: two }), job({ id: two, args: [1] })],
    });
    expect(statuses(answer)).toEqual(['created', 'failed', 'duplicate', 'failed']);
    expect(answer.body.items.slice(1).map((item) => item.error?.code)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(await depth(url)).toBe(2);
  });

  it('atomic: all of them or none, with the errors (§5.3)', async ({ url }) => {
    expect(await bulk(url, { atomicity: 'atomic', jobs: [job(), job()] })).toMatchObject({
      status: 201,
      body: { succeeded: 2 },
    });
    const held = await push(url, { options: { unique: { keys: ['type'] }, queue: 'held' } });
    const cases = [
      { jobs: [job(), { type: 'A!' }, job()], codes: ['batch_aborted', 'invalid_request', 'batch_aborted'] },
      { jobs: [job(), job({ options: { unique: { keys: ['type'] } } })], codes: ['batch_aborted', 'duplicate'] },
      { jobs: [job({ id: held }), job()], codes: ['duplicate', 'batch_aborted'] },
    ];
    for (const { jobs, codes } of cases) {
      const answer = await bulk(url, { atomicity: 'atomic', jobs });
      expect(answer).toMatchObject({ status: 422, body: { total: jobs.length, succeeded: 0, failed: jobs.length } });
      expect(answer.body.items.map((item) => item.error?.code)).toEqual(codes);
    }
    expect(await depth(url)).toBe(2);
    expect(await bulk(url, { atomicity: 'some', jobs: [job()] })).toMatchObject({ status: 400 });
  });

  it('a full queue accepts the jobs of a partial batch that fit, and none of an atomic one', async ({ url, bench }) => {
    await bench.engine.queueSettings.configure('default', { maxDepth: 2 });
    const refused = await bulk(url, { atomicity: 'atomic', jobs: [job(), job(), job()] });
    expect(refused.body.items.map((item) => item.error?.code)).toEqual([
      'batch_aborted',
      'batch_aborted',
      'QUEUE_FULL',
    ]);
    const partial = await bulk(url, { jobs: [job(), job(), job()] });
    expect(statuses(partial)).toEqual(['created', 'created', 'failed']);
    expect(partial.body.items[2]?.error).toMatchObject({
      code: 'QUEUE_FULL',
      details: { queue: 'default', depth: 2, bound: 2 },
    });
  });

  it('10,000 jobs pass in order, 10,001 are 413 with the bound (§9.1)', async ({ url }) => {
    const jobs = Array.from({ length: 10_001 }, (_, index) => job({ args: [index] }));
    const refused = await send(url, { method: 'POST', path: '/ojs/v1/jobs/bulk', body: JSON.stringify({ jobs }) });
    expectRefusal(refused, 413, 'batch_size_exceeded');
    expect(JSON.parse(refused.text).error).toMatchObject({ code: 'BATCH_SIZE_EXCEEDED', max_batch_size: 10_000 });
    expect(refused.headers).toMatchObject({ 'x-ojs-max-batch-size': '10000' });
    const answer = await send(url, {
      method: 'POST',
      path: '/ojs/v1/jobs/bulk',
      body: JSON.stringify({ jobs: jobs.slice(1) }),
    });
    expect(answer).toMatchObject({ status: 201, headers: { 'x-ojs-batch-size': '10000' } });
    const body: Bulk = JSON.parse(answer.text);
    expect(body.items.map(({ index }) => index)).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
    const fetched = await call<{ jobs: { id: string; args: number[] }[] }>(url, '/workers/fetch', {
      queues: ['default'],
      count: 3,
    });
    expect(fetched.body.jobs.map(({ id, args }) => [id, ...args])).toEqual(
      [0, 1, 2].map((at) => [body.items[at]?.job?.id, at + 1]),
    );
  });
});

describe.each(storages)('bulk enqueue again by its key, $name (§10)', (storage) => {
  test.each(['header', 'body'] as const)('the same request gets the same jobs, its key in the %s', async (place) => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const body = {
      jobs: [job(), { type: '!' }, job({ args: [1] })],
      ...(place === 'body' && { idempotency_key: 'import-42' }),
    };
    const headers: Headers = place === 'header' ? { 'idempotency-key': 'import-42' } : {};
    const first = await bulk(url, body, headers);
    expect(first.status).toBe(207);
    await call(url, '/workers/fetch', { queues: ['default'] });
    expect(await bulk(url, body, headers)).toEqual(first);
    expect(await events(url, 'bulk.enqueue.completed')).toHaveLength(1);
    expect(await events(url, 'job.enqueued')).toHaveLength(2);
  });

  const it = testWith(() => serveClocked(storage.url()));

  it('the header wins over the body; keys of one kind of operation are none of another', async ({ url }) => {
    const body = { jobs: [job()], idempotency_key: 'b' };
    const first = await bulk(url, body, { 'idempotency-key': 'a' });
    const other = await bulk(url, body, { 'idempotency-key': 'c' });
    expect(idsOf(other)).not.toEqual(idsOf(first));
    expect(
      (await call(url, '/jobs/bulk/cancel', { job_ids: idsOf(first) }, { headers: { 'idempotency-key': 'a' } })).status,
    ).toBe(200);
    expect((await call(url, '/jobs', job(), { headers: { 'idempotency-key': 'a' } })).status).toBe(201);
  });

  it('a request that was refused whole has not used up its key', async ({ url }) => {
    for (const [path, wrong, right] of [
      ['/jobs/bulk', { jobs: [] }, { jobs: [job()] }],
      ['/jobs/bulk/cancel', { job_ids: [7] }, { filter: {} }],
      ['/jobs/bulk/delete', { job_ids: Array(10_001).fill('x') }, { job_ids: [] }],
    ] as const) {
      const headers = { 'idempotency-key': path };
      expect((await call(url, path, wrong, { headers })).status).toBeOneOf([400, 413]);
      expect((await call(url, path, right, { headers })).status).toBeOneOf([200, 201]);
    }
  });

  it('two at once are one', async ({ url }) => {
    const body = { jobs: Array.from({ length: 50 }, (_, index) => job({ args: [index] })), idempotency_key: 'k' };
    const answers = await Promise.all(Array.from({ length: 4 }, () => bulk(url, body)));
    for (const answer of answers) expect([answer.status, idsOf(answer)]).toEqual([201, idsOf(answers[0] ?? answer)]);
    expect(await depth(url)).toBe(50);
  });

  it('a key is forgotten after a day, and then means new jobs (§10.2)', async ({ url, bench }) => {
    const body = { jobs: [job()], idempotency_key: 'k' };
    const first = await bulk(url, body);
    bench.clock.advance(86_399_999);
    await bench.engine.upkeep.run();
    expect(idsOf(await bulk(url, body))).toEqual(idsOf(first));
    bench.clock.advance(1);
    const second = await bulk(url, { ...body, jobs: [job({ args: [2] })] });
    expect(second.status).toBe(201);
    expect(idsOf(second)).not.toEqual(idsOf(first));
    bench.clock.advance(86_400_001);
    await bench.engine.upkeep.run();
    for (const kind of ['bulk.enqueue', 'bulk.enqueue.reply'])
      expect(await new Documents(bench.engine.storage.records).list(kind)).toEqual([]);
  });

  it('where the store failed some items a repetition tries those again', async ({ url, bench }) => {
    const { jobs } = bench.engine.storage;
    const insert = jobs.insert.bind(jobs);
    const body = { jobs: [job({ args: [1] }), job({ args: [2] })], idempotency_key: 'k' };
    jobs.insert = async (groups, now, options) => {
      if (groups.some((group) => group.some(({ envelope }) => envelope.includes('[2]'))))
        throw new Error('this row is broken');
      return insert(groups, now, options);
    };
    const first = await bulk(url, body);
    expect(first.status).toBe(207);
    expect(first.body.items[1]?.error).toMatchObject({
      code: 'backend_error',
      retryable: errorKinds.backend_error.retryable,
    });
    jobs.insert = async () => {
      throw new Error('the store is away');
    };
    expect((await bulk(url, { jobs: [job(), job()] })).status).toBe(500);
    jobs.insert = insert;
    const second = await bulk(url, body);
    expect([second.status, idsOf(second)[0]]).toEqual([201, idsOf(first)[0]]);
    expect(await depth(url)).toBe(2);
  });
});

describe.each(storages)('bulk cancel, retry and delete, $name', (storage) => {
  const states = 'pending scheduled available active retryable completed cancelled discarded dead'.split(' ');
  const cases = [
    {
      operation: 'cancel',
      done: 'cancelled',
      to: 'cancelled',
      of: ['pending', 'scheduled', 'available', 'active', 'retryable'],
    },
    { operation: 'retry', done: 'retried', to: 'available', of: ['retryable', 'discarded', 'dead'] },
    { operation: 'delete', done: 'deleted', to: 'gone', of: ['completed', 'cancelled', 'discarded', 'dead'] },
  ];

  test.each(cases)(
    '$operation of named jobs: per item, by what their states allow (§6–8, BLK-R003–R005)',
    async ({ operation, done, to, of }) => {
      await using server = await serveClocked(storage.url());
      const { url } = server;
      const ids = [];
      for (const state of states) ids.push(await jobIn(server, state));
      const job_ids = [...ids, newId(), 'nobody'];
      const answer = await call<Bulk & Record<string, unknown>>(url, `/jobs/bulk/${operation}`, { job_ids });
      const skipped = job_ids.length - of.length;
      expect(answer).toMatchObject({
        status: 207,
        body: { total_matched: job_ids.length, [done]: of.length, skipped, action: operation },
      });
      expect(answer.body.items.map(({ index, job_id }) => [index, job_id])).toEqual([...job_ids.entries()]);
      for (const [index, state] of states.entries()) {
        const item = answer.body.items[index];
        expect(item?.status, state).toBe(of.includes(state) ? done : 'skipped');
        const known = state === 'dead' ? 'discarded' : state;
        expect(await stateOf(url, ids[index] ?? ''), state).toBe(of.includes(state) ? to : known);
        if (!of.includes(state))
          expect(item).toMatchObject({
            error: { code: 'conflict' },
            reason: expect.stringContaining(`The job is ${known}`),
          });
      }
      expect(answer.body.items.slice(-2)).toMatchObject([
        { error: { code: 'not_found' } },
        { error: { code: 'not_found' } },
      ]);
      expect(await events(url, `bulk.${operation}.completed`)).toMatchObject([
        { total: job_ids.length, [done]: of.length, skipped },
      ]);
      expect(await call(url, `/jobs/bulk/${operation}`, { job_ids: [newId()] })).toMatchObject({ status: 422 });
      expect(await call(url, `/jobs/bulk/${operation}`, { job_ids: [] })).toMatchObject({
        status: 200,
        body: { total_matched: 0 },
      });
    },
  );

  test('a filter narrows by type, queue, state, time, priority and meta (§6.1)', async () => {
    await using server = await serveClocked(storage.url());
    const { url, bench } = server;
    const ids: Record<string, string> = {};
    ids.a = await push(url, { options: { queue: 'x', priority: 5 }, meta: { tenant: 't1', n: 1 } });
    bench.clock.advance(1_000);
    ids.b = await push(url, { options: { queue: 'x' }, meta: { tenant: 't1' }, type: 'a.c' });
    ids.s = await push(url, { options: { queue: 'y', scheduled_at: '2027-01-01T00:00:00Z' } });
    ids.p = await push(url, { options: { queue: 'y', pending: true } });
    const filters: readonly (readonly [object, string])[] = [
      [{ priority: 5 }, 'a'],
      [{ meta: { n: 1, tenant: 't1' } }, 'a'],
      [{ enqueued_before: '2026-01-01T00:00:01Z' }, 'a'],
      [{ enqueued_after: '2026-01-01T00:00:01Z', state: ['available'] }, 'b'],
      [{ queue: 'x', type: 'a.c' }, 'b'],
      [{ type: 'a.c*' }, 'b'],
      [{ states: ['scheduled'] }, 's'],
      [{ state: 'pending' }, 'p'],
    ];
    const matched = async (filter: object) => {
      const waiting = 'states' in filter ? {} : { state: ['available', 'scheduled'] };
      const { body } = await call<Bulk>(url, '/jobs/bulk/retry', { filter: { ...waiting, ...filter } });
      return body.items.map(({ job_id: id }) => Object.keys(ids).find((name) => ids[name] === id)).join('');
    };
    // Waiting jobs can not be retried, so that a retry shows what its filter finds and changes nothing.
    for (const [filter, expected] of filters) expect(await matched(filter), JSON.stringify(filter)).toBe(expected);
    expect(await matched({ meta: { tenant: 't2' } })).toBe('');
    const cancelled = await call<Bulk>(url, '/jobs/bulk/cancel', { filter: {} });
    expect(cancelled).toMatchObject({ status: 200, body: { cancelled: 3, skipped: 0, has_more: false } });
    expect(await stateOf(url, ids.p ?? '')).toBe('pending');
    expect(await call(url, '/jobs/bulk/delete', { filter: {} })).toMatchObject({ body: { deleted: 3 } });
    expect(await stateOf(url, ids.a ?? '')).toBe('gone');
  });

  test('a filter never cancels an active job; naming it does (§6.1)', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const id = await jobIn(server, 'active');
    expect(await call(url, '/jobs/bulk/cancel', { filter: { state: ['active', 'pending'] } })).toMatchObject({
      body: { cancelled: 0, skipped: 1 },
    });
    for (const filter of [{ state: ['active'] }, { state: ['active', 'completed'], queue: 'nowhere' }])
      expect(await call(url, '/jobs/bulk/cancel', { filter })).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request', message: expect.stringContaining('Send their ids in job_ids') } },
      });
    expect(await stateOf(url, id)).toBe('active');
    expect(await call(url, '/jobs/bulk/cancel', { job_ids: [id] })).toMatchObject({
      status: 200,
      body: { cancelled: 1 },
    });
  });

  test('exactly one of job_ids and filter; nothing atomic; at most 10,000', async () => {
    await using server = await serveClocked(storage.url());
    const { url } = server;
    const id = await push(url);
    for (const operation of ['cancel', 'retry', 'delete']) {
      const path = `/jobs/bulk/${operation}`;
      for (const body of [
        {},
        { filter: { queeu: 'x' } },
        { job_ids: [id], filter: {} },
        { filter: { state: ['asleep'] } },
        { filter: { enqueued_before: 'now' } },
        { job_ids: [7] },
      ])
        expect(await call(url, path, body)).toMatchObject({
          status: 400,
          body: { error: { code: 'invalid_request' } },
        });
      expect(await call(url, path, { job_ids: [id], atomicity: 'atomic' })).toMatchObject({
        status: 422,
        body: { error: { code: 'unsupported' } },
      });
      const many = await send(url, {
        method: 'POST',
        path: `/ojs/v1${path}`,
        body: JSON.stringify({ job_ids: Array(10_001).fill(id) }),
      });
      expectRefusal(many, 413, 'batch_size_exceeded');
    }
    expect(await stateOf(url, id)).toBe('available');
  });
});
