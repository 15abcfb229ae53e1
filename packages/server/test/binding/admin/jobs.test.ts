import { describe, expect } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { serveClocked } from '../../support/clocked.ts';
import { newId } from '../../support/ids.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly pagination: Readonly<Record<string, unknown>>;
  readonly warnings?: readonly { readonly path: string }[];
}

interface Counted {
  readonly items: readonly {
    readonly fingerprint: string;
    readonly count: number;
    readonly first_at: string;
    readonly last_at: string;
  }[];
  readonly total: number;
  readonly jobs: number;
}

interface Searched {
  readonly jobs: readonly { readonly id: string }[];
  readonly search: { readonly scanned: number };
}

interface Summary {
  readonly action: string;
  readonly matched: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly errors: readonly object[];
}

describe.each(storages)('jobs of the admin API, $name (ojs-admin-api §7, §8, §11)', (storage) => {
  async function open() {
    const server = await serveClocked(storage.url());
    const { url, bench } = server;
    /** Every job is a second younger than the one before. */
    const push = async (type: string, queue = 'q', options: object = {}) => {
      const { body } = await call<{ id: string }>(url, '/jobs', { type, args: [], options: { queue, ...options } });
      bench.clock.advance(1_000);
      return body.id;
    };
    const list = async (query: string, path = '/admin/jobs') => {
      const { status, body } = await call<Listed>(url, `${path}?${query}`);
      expect(status, JSON.stringify(body)).toBe(200);
      return body;
    };
    const ids = async (query: string) => (await list(query)).items.map(({ id }) => id);
    /** A job that has failed for good. */
    const bury = async (queue: string, onExhaustion = 'discard') => {
      const id = await push('a.b', queue, { retry: { max_attempts: 1, on_exhaustion: onExhaustion } });
      await call(url, '/workers/fetch', { queues: [queue] });
      await call(url, '/workers/nack', { job_id: id, error: { type: 'Boom', message: 'no' } });
      return id;
    };
    const bulk = (action: string, body: object) => call<Summary>(url, `/admin/jobs/bulk/${action}`, body);
    const close = () => server[Symbol.asyncDispose]();
    return { url, bench, push, list, ids, bury, bulk, [Symbol.asyncDispose]: close };
  }

  const it = testWith(open);

  it('errors are counted by fingerprint, and jobs found, read, retried and searched by it', async (server) => {
    const { url, bury, list, ids, push, bulk } = server;
    const lost = [await bury('q', 'dead_letter'), await bury('other', 'dead_letter'), await bury('q')];
    const running = await push('a.b');
    const counted = async (query = '') => (await call<Counted>(url, `/admin/errors${query}`)).body;
    const { items, ...sums } = await counted();
    expect(sums).toEqual({ total: 1, jobs: 3 });
    const [error] = items;
    expect(error).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      count: 3,
      error_type: 'Boom',
      message: 'no',
      first_at: expect.stringMatching(/Z$/),
      last_at: expect.stringMatching(/Z$/),
    });
    expect(Date.parse(error?.last_at ?? '') - Date.parse(error?.first_at ?? '')).toBe(2_000);
    expect(await counted('?dead_letter=true')).toMatchObject({ items: [{ count: 2 }] });
    expect(await counted('?queue=other&type=a.b&state=discarded')).toMatchObject({ items: [{ count: 1 }] });
    expect(await counted('?state=retryable')).toEqual({ items: [], total: 0, jobs: 0 });
    const fingerprint = error?.fingerprint ?? '';
    const filter = `fingerprint=${fingerprint}`;
    expect(await ids(filter)).toEqual(lost.toReversed());
    expect(await ids(`${filter}&queue=other`)).toEqual([lost[1]]);
    expect((await list(filter, '/admin/dead-letter')).items.map(({ id }) => id)).toEqual([lost[1], lost[0]]);
    expect((await list('fingerprint=0123456789abcdef')).items).toEqual([]);
    expect((await call(url, `/admin/jobs/${lost[0]}`)).body).toMatchObject({ error_fingerprint: fingerprint });
    expect((await call(url, `/admin/jobs/${running}`)).body).toMatchObject({ error_fingerprint: null });
    for (const q of [
      `fingerprint:${fingerprint}`,
      'message:no queue:q,other',
      `message:no fingerprint:${fingerprint}`,
    ]) {
      const { body } = await call<Searched>(url, `/jobs?q=${encodeURIComponent(q)}`);
      expect([q, body.jobs.map(({ id }) => id)]).toEqual([q, lost.toReversed()]);
      expect(body.search.scanned).toBe(3);
    }
    expect((await call<Searched>(url, `/jobs?q=queue:other&${filter}`)).body.jobs).toHaveLength(1);
    const retried = await bulk('retry', { filter: { fingerprint, queue: 'q' }, confirm: true });
    expect(retried).toMatchObject({ status: 200, body: { succeeded: 2, failed: 0 } });
    expect(await counted()).toMatchObject({ items: [{ count: 1 }], jobs: 1 });
    const purged = await call(url, '/dead-letter/purge', { filter: { fingerprint }, confirm: true });
    expect(purged.body).toMatchObject({ purged_count: 1 });
    expect(await counted()).toEqual({ items: [], total: 0, jobs: 0 });
  });

  it('a wrong state, queue, limit or fingerprint is refused, and named', async ({ url }) => {
    for (const [query, path] of [
      ['/admin/errors?state=active', 'query.state'],
      ['/admin/errors?dead_letter=yes', 'query.dead_letter'],
      ['/admin/errors?queue=%20', 'query.queue'],
      ['/admin/errors?type=email.*', 'query.type'],
      ['/admin/errors?limit=0', 'limit'],
      ['/admin/errors?fingerprint=x', 'query.fingerprint'],
      ['/admin/jobs?fingerprint=ABCDEF0123456789', 'query.fingerprint'],
    ] as const) {
      const { status, body } = await call(url, query);
      expect([query, status, JSON.stringify(body).includes(`"${path}"`)]).toEqual([query, 400, true]);
    }
  });

  it('the list narrows by queue, state, type and time, newest first, in pages', async ({ push, list, ids }) => {
    const a = await push('email.send');
    const b = await push('email.bounce');
    const c = await push('report.make', 'other', { priority: 5 });
    expect(await ids('')).toEqual([c, b, a]);
    expect(await ids('queue=q')).toEqual([b, a]);
    expect(await ids('type=email.send')).toEqual([a]);
    expect(await ids('q=type:email.*+queue:q')).toEqual([b, a]);
    expect(await ids('type=email.*')).toEqual([b, a]);
    expect(await ids('state=active')).toEqual([]);
    expect(await ids('since=2026-01-01T00:00:01Z')).toEqual([c, b]);
    expect(await ids('until=2026-01-01T00:00:01Z')).toEqual([a]);
    expect(await ids('page=2&per_page=2')).toEqual([a]);
    expect(await ids('state=available&sort=created_at&order=desc')).toEqual([c, b, a]);
    const { items, pagination } = await list('queue=other');
    expect(items).toEqual([
      {
        id: c,
        type: 'report.make',
        queue: 'other',
        state: 'available',
        priority: 5,
        attempt: 0,
        created_at: '2026-01-01T00:00:02.000Z',
        enqueued_at: '2026-01-01T00:00:02.000Z',
      },
    ]);
    expect(pagination).toMatchObject({ total: 1, page: 1, per_page: 20 });
    expect((await list('per_page=1000')).pagination.per_page).toBe(100);
  });

  it('an order that the lists do not have is an error, never left out without a word', async ({ url, list }) => {
    const refusal = (query: string) => send(url, { path: `/ojs/v1/admin/jobs?${query}` });
    for (const query of ['sort=priority', 'sort=scheduled_at&order=desc']) {
      expectRefusal(await refusal(query), 422, 'unsupported');
      expectRefusal(await send(url, { path: `/ojs/v1/admin/dead-letter?${query}` }), 422, 'unsupported');
    }
    expectRefusal(await refusal('sort=priority&state=available'), 422, 'unsupported');
    expectRefusal(await refusal('sort=priority&queue=q&states=available,active'), 422, 'unsupported');
    expectRefusal(await refusal('sort=scheduled_at&states=scheduled,pending'), 422, 'unsupported');
    for (const query of ['sort=craeted_at', 'order=down']) expectRefusal(await refusal(query), 400, 'invalid_request');
    expect(await list('state=completed')).not.toHaveProperty('warnings');
    expect(await list('state=available&sort=created_at')).not.toHaveProperty('warnings');
    expect((await list('state=completed&sort=created_at&order=desc')).warnings).toMatchObject([{ path: 'query.sort' }]);
  });

  it('lists are sorted by creation, start and priority, also where the server filters', async (server) => {
    const { list, bury, push, bench } = server;
    const ids = async (query: string, path = '/admin/jobs') => {
      const found: string[] = [];
      for (let cursor = '', more = true; more; ) {
        const { items, pagination } = await list(`${query}&per_page=2${cursor}`, path);
        found.push(...items.map(({ id }) => id));
        more = pagination.has_more === true;
        cursor = `&cursor=${pagination.next_cursor}`;
      }
      return found;
    };
    const at = (ms: number) => ({ scheduled_at: new Date(bench.clock.now() + ms).toISOString() });
    const low = await push('x.one', 'a', { priority: -5 });
    const late = await push('x.two', 'a', at(90_000));
    const high = await push('x.two', 'a', { priority: 5 });
    const soon = await push('x.one', 'b', at(60_000));
    const usual = await push('x.one', 'a');
    expect(await ids('sort=created_at&order=asc')).toEqual([low, late, high, soon, usual]);
    expect(await ids('order=asc&type=x.*&queue=a')).toEqual([low, late, high, usual]);
    expect(await ids('sort=scheduled_at&state=scheduled')).toEqual([late, soon]);
    expect(await ids('sort=scheduled_at&order=asc&states=scheduled,retryable&type=x.*')).toEqual([soon, late]);
    const starting = 'sort=priority&state=available&queue=a';
    expect(await ids(starting)).toEqual([high, usual, low]);
    expect(await ids(`${starting}&order=asc`)).toEqual([low, usual, high]);
    expect(await ids(`${starting}&type=x.o*`)).toEqual([usual, low]);
    expect((await list(`${starting}&page=2&per_page=2`)).items).toMatchObject([{ id: low }]);
    const first = await bury('dead', 'dead_letter');
    const second = await bury('dead', 'dead_letter');
    expect(await ids('order=asc', '/admin/dead-letter')).toEqual([first, second]);
    expect(await ids('sort=created_at&order=desc', '/admin/dead-letter')).toEqual([second, first]);
  });

  it('a job is at the top level, with its policy, errors and times', async ({ url, bury, push }) => {
    const id = await bury('q');
    const { body } = await call(url, `/admin/jobs/${id}`);
    expect(body).toMatchObject({
      id,
      specversion: '1.0',
      type: 'a.b',
      args: [],
      state: 'discarded',
      attempt: 1,
      retry_policy: {
        max_attempts: 1,
        initial_interval: 'PT1S',
        backoff_coefficient: 2,
        max_interval: 'PT5M',
        on_exhaustion: 'discard',
      },
      errors: [{ attempt: 1, type: 'Boom', message: 'no', occurred_at: expect.any(String) }],
      result: null,
      metadata: {
        created_at: '2026-01-01T00:00:00.000Z',
        enqueued_at: '2026-01-01T00:00:00.000Z',
        started_at: '2026-01-01T00:00:01.000Z',
        scheduled_at: null,
        completed_at: null,
        cancelled_at: null,
        discarded_at: '2026-01-01T00:00:01.000Z',
      },
    });
    const fresh = await push('a.b', 'fresh');
    const show = async () => (await call(url, `/admin/jobs/${fresh}`)).body;
    expect(await show()).toMatchObject({ errors: [], retry_policy: { max_attempts: 3 }, has_checkpoint: false });
    await call(url, '/workers/fetch', { queues: ['fresh'] });
    await call(url, `/jobs/${fresh}/checkpoint`, { state: { row: 7 } });
    expect(await show()).toMatchObject({ has_checkpoint: true });
    expectRefusal(await send(url, { path: `/ojs/v1/admin/jobs/${newId()}` }), 404, 'not_found');
  });

  it('cancel and retry of one job: a cancelled one stays so', async (server) => {
    const { url, push, bury } = server;
    const post = (id: string, what: string) => call(url, `/admin/jobs/${id}/${what}`, {});
    const id = await push('a.b');
    expect(await post(id, 'cancel')).toMatchObject({ status: 200, body: { id, state: 'cancelled' } });
    expect(await post(id, 'retry')).toMatchObject({ status: 409 });
    const dead = await bury('dead');
    expect(await post(dead, 'retry')).toMatchObject({ status: 200, body: { id: dead, state: 'available' } });
    expect((await server.bench.get(dead)).attempt).toBe(0);
    expect(await post(newId(), 'retry')).toMatchObject({ status: 404 });
  });

  it('bulk operations need confirm, and answer with sums', async ({ bulk, bury, push, bench }) => {
    const dead = [await bury('q'), await bury('q')];
    const waiting = await push('a.b', 'w');
    for (const action of ['retry', 'cancel', 'delete'])
      for (const confirm of [undefined, false, null])
        expect(await bulk(action, { filter: { queue: 'q' }, confirm })).toMatchObject({ status: 400 });
    const filter = { queue: 'q', state: 'discarded', type: 'a.*', since: '2026-01-01T00:00:00Z' };
    expect(await bulk('retry', { filter, confirm: true })).toEqual({
      status: 200,
      body: { action: 'retry', matched: 2, succeeded: 2, failed: 0, has_more: false, errors: [] },
    });
    expect((await bench.get(dead[0] ?? '')).attempt).toBe(0);
    const both = { job_ids: [waiting, newId()], confirm: true };
    const cancelled = await bulk('cancel', both);
    expect(cancelled).toMatchObject({ status: 200, body: { action: 'cancel', matched: 2, succeeded: 1, failed: 1 } });
    expect(cancelled.body.errors).toMatchObject([{ job_id: both.job_ids[1], error: expect.any(String) }]);
    const deleted = await bulk('delete', { filter: { queue: 'w' }, confirm: true });
    expect(deleted.body).toMatchObject({ action: 'delete', matched: 1, succeeded: 1 });
    expect(await bench.engine.jobs.get(waiting)).toBeNull();
  });

  it('errors of a bulk operation are capped at 100, its sums are not', async (server) => {
    const ids = Array.from({ length: 150 }, newId);
    const { body } = await server.bulk('retry', { job_ids: ids, confirm: true });
    expect(body).toMatchObject({ matched: 150, succeeded: 0, failed: 150 });
    expect(body.errors).toHaveLength(100);
  });

  it('the dead letter by its admin paths (§11)', async ({ url, bury, list }) => {
    const dead = [await bury('q', 'dead_letter'), await bury('q', 'dead_letter'), await bury('q', 'dead_letter')];
    await bury('q');
    const { items, pagination } = await list('per_page=2', '/admin/dead-letter');
    expect(items.map(({ id }) => id)).toEqual([dead[2], dead[1]]);
    expect(pagination).toMatchObject({ total: 3, page: 1, per_page: 2 });
    expect((await list('include=discarded', '/admin/dead-letter')).items).toHaveLength(4);
    expect((await call(url, `/admin/dead-letter/${dead[0]}`)).body).toMatchObject({ id: dead[0] });
    expect((await call(url, '/admin/dead-letter/stats')).body).toMatchObject({ total: 3 });
    expect(await call(url, `/admin/dead-letter/${dead[0]}/retry`, {})).toMatchObject({ body: { state: 'available' } });
    const one = await send(url, { method: 'DELETE', path: `/ojs/v1/admin/dead-letter/${dead[1]}` });
    expect(one.status).toBe(200);
    const purge = (body: object) => call(url, '/admin/dead-letter', body, { method: 'DELETE' });
    expect(await purge({ confirm: false })).toMatchObject({ status: 400 });
    expect(await purge({ confirm: true })).toMatchObject({ status: 200, body: { purged_count: 1 } });
  });
});
