import { describe, expect, test } from 'vitest';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { serve } from '../../support/server.ts';
import { storages } from '../../support/storages.ts';

interface Groups {
  readonly groups: readonly { readonly value: unknown; readonly count: number }[];
  readonly group_count: number;
  readonly others: number;
  readonly without_value: number;
  readonly matched: number;
  readonly is_lower_bound: boolean;
  readonly search: { readonly scanned: number; readonly complete: boolean; readonly plan?: string };
  readonly pagination: { readonly next_cursor?: string; readonly has_more: boolean };
}

async function groups({ url }: Pick<ClockedServer, 'url'>, query: Readonly<Record<string, string>>): Promise<Groups> {
  const { status, body } = await call<Groups>(url, `/admin/jobs/groups?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

function enqueue({ url }: Pick<ClockedServer, 'url'>, jobs: readonly object[]): Promise<unknown> {
  return call(url, '/jobs/bulk', { jobs });
}

const of = (tenant: string | null, count: number, queue = 'mail') =>
  Array.from({ length: count }, () => ({
    type: 'a.b',
    args: [],
    meta: tenant === null ? {} : { tenant },
    options: { queue },
  }));

describe.each(storages)('on $name', ({ url }) => {
  test('jobs are counted by a field, the most first, and only those that match', async () => {
    await using server = await serveClocked(url());
    await enqueue(server, [...of('acme', 7), ...of('other', 2), ...of(null, 3), ...of('acme', 1, 'web')]);
    expect(await groups(server, { by: 'meta.tenant' })).toMatchObject({
      by: 'meta.tenant',
      groups: [
        { value: 'acme', count: 8 },
        { value: 'other', count: 2 },
      ],
      group_count: 2,
      others: 0,
      without_value: 3,
      matched: 13,
      is_lower_bound: false,
      search: { scanned: 13, complete: true },
    });
    expect(await groups(server, { by: 'meta.tenant', q: 'meta.tenant:acme', queue: 'web' })).toMatchObject({
      groups: [{ value: 'acme', count: 1 }],
      search: { plan: 'index: queue:web; scan: meta.tenant:acme' },
    });
    expect((await groups(server, { by: 'queue' })).groups).toEqual([
      { value: 'mail', count: 12 },
      { value: 'web', count: 1 },
    ]);
    expect(await groups(server, { by: 'queue', limit: '1' })).toMatchObject({ group_count: 2, others: 1 });
    expect(await groups(server, { by: 'limit', q: 'state:active' })).toMatchObject({ groups: [], matched: 0 });
  });
});

test('a call reads 10,000 jobs, and the next one goes on behind them', async () => {
  await using server = await serve();
  for (let round = 0; round < 11; round++) await enqueue(server, of(`t${round % 3}`, 1_000));
  const sums = new Map<unknown, number>();
  let read = 0;
  let calls = 0;
  for (let cursor = ''; ; ) {
    const answer = await groups(server, { by: 'meta.tenant', ...(cursor && { cursor }) });
    for (const { value, count } of answer.groups) sums.set(value, (sums.get(value) ?? 0) + count);
    read += answer.search.scanned;
    calls += 1;
    expect(answer.is_lower_bound).toBe(true);
    expect(answer.search.complete).toBe(!answer.pagination.has_more);
    if (answer.pagination.next_cursor === undefined) break;
    cursor = answer.pagination.next_cursor;
  }
  expect([read, calls > 1]).toEqual([11_000, true]);
  expect(Object.fromEntries(sums)).toEqual({ t0: 4_000, t1: 4_000, t2: 3_000 });
});

test('what cannot be counted by is refused with the nearest name', async () => {
  await using server = await serve();
  const ask = (query: string) => send(server.url, { path: `/ojs/v1/admin/jobs/groups${query}` });
  expectRefusal(await ask(''), 400, 'invalid_request');
  const wrong = await ask('?by=meta.tenant:acme');
  expectRefusal(wrong, 400, 'invalid_request');
  const near = await ask('?by=tpye');
  expectRefusal(near, 400, 'invalid_request');
  expect(near.text).toContain('Did you mean type?');
  expectRefusal(await ask('?by=created'), 400, 'invalid_request');
});

test('a caller who may not see arguments may not count by them either', async () => {
  await using server = await serve({ tokens: ['viewer:viewer-secret', 'admin:admin-secret'] });
  const ask = (by: string, token: string) =>
    send(server.url, { path: `/ojs/v1/admin/jobs/groups?by=${by}`, headers: { authorization: `Bearer ${token}` } });
  // A unique key is a digest of arguments.
  for (const by of ['args[0].user', 'meta.tenant', 'result', 'unique', 'queue&q=unique:ab*', 'queue&q=NOT%20unique~ab'])
    expectRefusal(await ask(by, 'viewer-secret'), 403, 'permission_denied');
  expect((await ask('queue', 'viewer-secret')).status).toBe(200);
  expect((await ask('args[0].user', 'admin-secret')).status).toBe(200);
});
