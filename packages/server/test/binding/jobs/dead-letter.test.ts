import { describe, expect, test } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Listed {
  readonly jobs: readonly { readonly id: string; readonly type: string; readonly errors: readonly object[] }[];
  readonly total: number;
  readonly pagination: {
    readonly total: number;
    readonly has_more: boolean;
    readonly next_cursor?: string;
    readonly total_exact?: boolean;
  };
}

interface Death {
  readonly queue?: string;
  readonly type?: string;
  readonly error?: string;
  readonly args?: readonly unknown[];
  readonly meta?: object;
  readonly onExhaustion?: 'discard' | 'dead_letter';
}

/** A job that has failed for good; every death is a second after the one before. */
async function bury({ url, bench }: ClockedServer, death: Death = {}): Promise<string> {
  const { queue = 'q', type = 'a.b', error = 'Boom', args = [], meta = {}, onExhaustion = 'dead_letter' } = death;
  const retry = { max_attempts: 1, on_exhaustion: onExhaustion };
  const { body } = await call<{ id: string }>(url, '/jobs', { type, args, meta, options: { queue, retry } });
  await call(url, '/workers/fetch', { queues: [queue] });
  await call(url, '/workers/nack', {
    job_id: body.id,
    error: { type: error, message: 'x', details: { stack: 'at a\nat b' } },
  });
  bench.clock.advance(1_000);
  return body.id;
}

async function list({ url }: ClockedServer, query = ''): Promise<Listed> {
  const { status, body } = await call<Listed>(url, `/dead-letter${query}`);
  expect(status).toBe(200);
  return body;
}

const idsOf = ({ jobs }: Listed) => jobs.map(({ id }) => id);

describe.each(storages)('dead letter, $name (ojs-dead-letter)', (storage) => {
  const it = testWith(() => serveClocked(storage.url()));

  it('a list narrows by queue, type, error, time and args, newest first (§9.1)', async (server) => {
    const a = await bury(server, {
      queue: 'billing',
      type: 'invoice.generate',
      error: 'DatabaseError',
      args: [{ customer: 'c-17' }],
    });
    const b = await bury(server, { queue: 'billing', type: 'invoice.send', error: 'TimeoutError' });
    const c = await bury(server, { type: 'email.send', error: 'DatabaseError' });
    await bury(server, { onExhaustion: 'discard' });
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['', [c, b, a]],
      ['?queue=billing', [b, a]],
      ['?type=invoice.send', [b]],
      ['?type=invoice.*', [b, a]],
      ['?error_type=DatabaseError', [c, a]],
      ['?error_type=DatabaseError&queue=billing', [a]],
      ['?since=2026-01-01T00:00:01Z', [c, b]],
      ['?until=2026-01-01T00:00:01Z', [a]],
      ['?since=2026-01-01T00:00:01Z&until=2026-01-01T02:00:02%2B02:00', [b]],
      ['?args=c-17', [a]],
      ['?queue=nowhere', []],
    ];
    for (const [query, expected] of cases) {
      const listed = await list(server, query);
      expect(idsOf(listed), query).toEqual(expected);
      expect(listed.pagination, query).toMatchObject({ total: expected.length, has_more: false });
      expect(listed.pagination, query).not.toHaveProperty('total_exact');
    }
    const all = await list(server, '?include=discarded');
    expect([all.jobs.length, all.total]).toEqual([4, 4]);
    for (const query of ['?since=yesterday', '?limit=0', '?until=2026-01-01'])
      expectRefusal(await send(server.url, { path: `/ojs/v1/dead-letter${query}` }), 400, 'invalid_request');
  });

  it('a retry changes nothing else, and says so', async (server) => {
    const { url } = server;
    const id = await bury(server);
    const path = `/ojs/v1/dead-letter/${id}/retry`;
    for (const override of [{ type: 'c.d' }, { priority: 3 }, { timeout_ms: 5 }, { args: [], queue: 'x', tags: [] }]) {
      expectRefusal(await send(url, { method: 'POST', path, body: JSON.stringify({ override }) }), 422, 'unsupported');
    }
    for (const override of [{ args: {} }, { meta: [] }, { queue: 'No Name' }, { queue: 7 }, 7])
      expectRefusal(
        await send(url, { method: 'POST', path, body: JSON.stringify({ override }) }),
        400,
        'invalid_request',
      );
    for (const retry of [7, { max_attempts: -1 }, { initial_interval: 'soon' }])
      expectRefusal(
        await send(url, { method: 'POST', path, body: JSON.stringify({ override: { retry } }) }),
        422,
        'validation_error',
      );
    expect((await list(server)).total).toBe(1);
    for (const body of [undefined, '', '{}', '{"override":{}}', '{"override":null}']) {
      const again = await bury(server);
      const answer = await send(url, {
        method: 'POST',
        path: `/ojs/v1/dead-letter/${again}/retry`,
        ...(body !== undefined && { body }),
      });
      expect(answer.status).toBe(200);
      await call(url, '/workers/fetch', { queues: ['q'] });
    }
  });

  it('many that fit are retried, with confirm (§6.2)', async (server) => {
    const { url } = server;
    const a = await bury(server, { queue: 'billing', error: 'DatabaseError' });
    const b = await bury(server, { queue: 'billing', error: 'TimeoutError' });
    const c = await bury(server, { queue: 'billing', error: 'DatabaseError' });
    const filter = { queue: 'billing', error_type: 'DatabaseError', since: '2026-01-01T00:00:00Z' };
    for (const body of [{ filter }, { filter, confirm: false }, {}])
      expect(await call(url, '/dead-letter/retry', body)).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request' } },
      });
    expect((await list(server)).total).toBe(3);
    const { status, body } = await call<{ items: { job_id: string }[] }>(url, '/dead-letter/retry', {
      filter,
      confirm: true,
    });
    expect([status, body]).toMatchObject([
      200,
      { action: 'retry', matched: 2, retried: 2, succeeded: 2, failed: 0, has_more: false },
    ]);
    expect(body.items.map(({ job_id: id }) => id).sort()).toEqual([a, c].sort());
    expect(idsOf(await list(server))).toEqual([b]);
  });

  test.each(['body', 'query', 'post'] as const)('a purge by age and filter, from a %s', async (way) => {
    await using server = await serveClocked(storage.url());
    const { url, bench } = server;
    const old = await bury(server, { queue: 'x' });
    const other = await bury(server, { queue: 'y' });
    const plain = await bury(server, { queue: 'x', onExhaustion: 'discard' });
    bench.clock.advance(86_400_000);
    const young = await bury(server, { queue: 'x' });
    const purge = (fields: Readonly<Record<string, string | boolean>>) => {
      if (way === 'post') return call(url, '/dead-letter/purge', fields);
      if (way === 'body') return call(url, '/dead-letter', fields, { method: 'DELETE' });
      const query = new URLSearchParams(
        Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
      );
      return call(url, `/dead-letter?${query}`, undefined, { method: 'DELETE' });
    };
    expect(await purge({ queue: 'x' })).toMatchObject({ status: 400 });
    expect(await purge({ confirm: true, older_than: 'old' })).toMatchObject({ status: 400 });
    expect((await list(server)).total).toBe(3);
    const purged = await purge({ queue: 'x', older_than: 'PT1H', confirm: true });
    expect(purged).toMatchObject({
      status: 200,
      body: { purged_count: 1, matched: 1, deleted: 1, items: [{ job_id: old }] },
    });
    expect(idsOf(await list(server))).toEqual([young, other]);
    expect(await purge({ older_than: '2026-01-01T12:00:00Z', confirm: true })).toMatchObject({
      body: { purged_count: 1 },
    });
    expect(await purge({ confirm: true })).toMatchObject({ body: { purged_count: 1 } });
    expect((await list(server)).total).toBe(0);
    expect(await bench.engine.jobs.get(plain)).not.toBeNull();
    for (const id of [old, young, other]) expect(await bench.engine.jobs.get(id)).toBeNull();
  });

  it('a filter that is misspelt is refused, because it would fit everything', async (server) => {
    const { url } = server;
    await bury(server);
    for (const body of [
      { filter: { queeu: 'x' }, confirm: true },
      { queeu: 'x', confirm: true },
    ]) {
      for (const [path, method] of [
        ['/dead-letter', 'DELETE'],
        ['/dead-letter/retry', 'POST'],
      ] as const) {
        const refused = await call(url, path, body, { method });
        expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
        expect(JSON.stringify(refused.body)).toContain('queeu');
      }
    }
    expect(await call(url, '/dead-letter?queeu=x&confirm=true', undefined, { method: 'DELETE' })).toMatchObject({
      status: 400,
    });
    expect((await list(server)).total).toBe(1);
  });

  it('a filter and the members beside it must both match', async (server) => {
    const a = await bury(server);
    const b = await bury(server);
    const body = { filter: { since: '2026-01-01T00:00:01Z' }, older_than: '2026-01-01T00:00:01Z', confirm: true };
    expect(await call(server.url, '/dead-letter', body, { method: 'DELETE' })).toMatchObject({
      body: { purged_count: 0 },
    });
    expect(idsOf(await list(server))).toEqual([b, a]);
  });

  test.each([
    ['DELETE', '/dead-letter', { queue: 'keep', filter: { queue: 'other' } }, '$.filter.queue'],
    ['DELETE', '/dead-letter?queue=keep', { queue: 'other' }, '$.queue'],
    ['POST', '/dead-letter/purge', { type: 'a.b', job_type: 'x.y' }, '$.job_type'],
    ['POST', '/dead-letter/retry', { type: 'x.y', filter: { type: 'a.b' } }, '$.filter.type'],
    ['POST', '/dead-letter/retry', { error_type: 'Boom', filter: { error_type: 'Bang' } }, '$.filter.error_type'],
    ['DELETE', '/admin/queues/other/jobs?states=completed', { states: ['discarded'] }, '$.states'],
  ])('%s %s with two different filters is refused with both places: %j', async (method, path, sent, place) => {
    await using server = await serveClocked(storage.url());
    const kept = await bury(server, { queue: 'keep' });
    const other = await bury(server, { queue: 'other' });
    const refused = await call(server.url, path, { ...sent, confirm: true }, { method });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(JSON.stringify(refused.body)).toContain(`"path":"${place}","message":"must not differ from `);
    expect(idsOf(await list(server))).toEqual([other, kept]);
  });

  it('a filter may be said twice', async (server) => {
    await bury(server);
    const body = { queue: 'q', filter: { queue: 'q' }, confirm: true };
    const purged = await call(server.url, '/dead-letter?queue=q&confirm=true', body, { method: 'DELETE' });
    expect(purged).toMatchObject({ status: 200, body: { purged_count: 1 } });
  });

  it('statistics: counts by queue and by error, first and last, retention (§10.1)', async (server) => {
    const { url, bench } = server;
    expect((await call(url, '/dead-letter/stats')).body).toMatchObject({
      total: 0,
      by_queue: {},
      by_error_type: {},
      oldest_at: null,
      newest_at: null,
    });
    bench.clock.advance(6_000);
    await bury(server, { queue: 'billing', error: 'DatabaseError' });
    const b = await bury(server, { queue: 'billing', error: 'TimeoutError' });
    await bury(server, { queue: 'email', error: 'DatabaseError' });
    await bury(server, { queue: 'email', onExhaustion: 'discard' });
    const { body } = await call(url, '/dead-letter/stats');
    expect(body).toMatchObject({
      total: 3,
      by_queue: { billing: 2, email: 1 },
      by_error_type: { DatabaseError: 2, TimeoutError: 1 },
      oldest_at: '2026-01-01T00:00:06.000Z',
      newest_at: '2026-01-01T00:00:08.000Z',
      retention: { max_age: expect.stringMatching(/^PT\d+H$/), max_count: expect.any(Number) },
    });
    await call(url, `/dead-letter/${b}`, undefined, { method: 'DELETE' });
    expect((await call(url, '/dead-letter/stats')).body).toMatchObject({
      total: 2,
      by_error_type: { DatabaseError: 2 },
    });
  });
});
