import { type OperationName, operationNames } from '@ojs-ts/core/operations';
import { requests } from '@ojs-ts/core/schemas';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/index.ts';
import { type Canaries, plantCanaries } from '../support/canaries.ts';
import { newId } from '../support/ids.ts';
import { send } from '../support/request.ts';
import { optionalBodyOf, requestOf } from '../support/requests/valid-requests.ts';
import { serve } from '../support/server.ts';
import { storages } from '../support/storages.ts';

interface Entry {
  readonly id: string;
  readonly event_type: string;
  readonly principal: string;
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

async function entries(server: RunningServer, query = '', token = 'root-secret'): Promise<readonly Entry[]> {
  const headers = { authorization: `Bearer ${token}` };
  const { status, text } = await send(server.url, { path: `/ojs/v1/admin/audit${query}`, headers });
  expect(status, text).toBe(200);
  return JSON.parse(text).items;
}

describe('every operation that has entries', () => {
  let server: RunningServer;
  let canaries: Canaries;
  beforeAll(async () => {
    server = await serve();
    canaries = await plantCanaries(server.url);
  });
  afterAll(() => server.close());

  const named = operationNames.filter((name) => requests[name].audit !== undefined && !name.startsWith('token.'));
  test.each(named)('%s', async (name: OperationName) => {
    const requestId = `audit-${name}`;
    const request = requestOf(name, canaries);
    const optional = optionalBodyOf(name, canaries);
    const response = await send(server.url, {
      ...request,
      headers: { 'x-request-id': requestId },
      ...(request.body === undefined && optional && { body: JSON.stringify(optional) }),
    });
    const [entry] = await entries(server, '?limit=1');
    expect(entry).toMatchObject({
      timestamp: expect.stringMatching(/Z$/),
      event_type: requests[name].audit,
      principal: 'anonymous',
      source_ip: '127.0.0.1',
      correlation_id: requestId,
      outcome: response.status < 400 ? 'success' : 'failure',
      detail: { operation: name },
    });
  });

  test('no entry has arguments, meta or results', async () => {
    const canary = 'a-secret-of-the-shop';
    const job = { type: 'a.b', args: [canary], meta: { canary }, result: canary };
    const post = (path: string, body: object) =>
      send(server.url, { method: 'POST', path: `/ojs/v1${path}`, body: JSON.stringify(body) });
    expect((await post('/cron', { name: 'secretive', cron: '0 0 29 2 *', ...job })).status).toBe(201);
    expect((await post('/cron', { name: 'nested', cron: '0 0 29 2 *', job_template: job })).status).toBe(201);
    expect(
      (await post('/jobs/bulk/cancel', { filter: { queue: 'none', args: canary, meta: { canary } } })).status,
    ).toBe(200);
    await post(`/dead-letter/${newId()}/retry`, { override: { args: [canary], meta: { canary } } });
    await post('/schemas', { type: 'a.b', version: 9, schema: { const: canary } });
    const kept = await server.engine.audit.entries.read({ limit: 1_000 });
    expect(kept.length).toBeGreaterThan(5);
    expect(JSON.stringify(kept)).not.toContain(canary);
  });
});

test('an entry has the beginning of a large request, and a page of large entries ends early', async () => {
  await using server = await serve();
  const job = { type: 'a.b', args: [] };
  const pushed = await send(server.url, { method: 'POST', path: '/ojs/v1/jobs', body: JSON.stringify(job) });
  const ids: string[] = [JSON.parse(pushed.text).id, ...Array.from({ length: 5_000 }, newId)];
  const path = '/ojs/v1/jobs/bulk/cancel';
  const cancel = (body: object) => send(server.url, { method: 'POST', path, body: JSON.stringify(body) });
  expect((await cancel({ ids, atomicity: 'partial' })).status).toBeLessThan(400);
  const [kept] = (await server.engine.audit.entries.read({ limit: 1 })).map(({ entry }) => entry);
  expect(kept?.length).toBeLessThan(20_000);
  const { detail } = JSON.parse(kept ?? '{}');
  expect(detail).toMatchObject({ truncated: true, request: { atomicity: 'partial' } });
  expect(detail.request.ids.length).toBeGreaterThan(300);
  expect(detail.request.ids).toEqual(ids.slice(0, detail.request.ids.length));

  const large = 'x'.repeat(server.engine.memory.answer / 4);
  const about = { principal: 'anonymous', source_ip: null, correlation_id: 'c', outcome: 'success' } as const;
  for (let number = 0; number < 6; number++)
    await server.engine.audit.record({ ...about, event_type: 'large', detail: { number, large } });
  const query = { id: null, type: 'large', principal: null, about: null, since: null, until: null, limit: 100 };
  const numbers: unknown[] = [];
  let cursor: string | null = null;
  let pages = 0;
  do {
    const page = await server.engine.audit.read({ ...query, cursor });
    numbers.push(...page.items.map(({ entry }) => JSON.parse(entry).detail.number));
    cursor = page.next;
    pages += 1;
  } while (cursor !== null);
  expect([numbers, pages > 1]).toEqual([[5, 4, 3, 2, 1, 0], true]);
});

test('an entry has the settings before and after, and the list finds it by type, principal, text and time', async () => {
  await using server = await serve({ tokens: ['admin:root-secret', 'operator:other-secret'] });
  const put = (concurrency: number) =>
    send(server.url, {
      method: 'PUT',
      path: '/ojs/v1/queues/mail/config',
      headers: { authorization: 'Bearer root-secret' },
      body: JSON.stringify({ concurrency }),
    });
  await put(2);
  await put(3);
  const headers = { authorization: 'Bearer other-secret' };
  await send(server.url, { method: 'POST', path: '/ojs/v1/queues/sms/pause', headers });
  const all = await entries(server);
  expect(all.map(({ event_type, outcome }) => [event_type, outcome])).toEqual([
    ['queue.paused', 'success'],
    ['authentication.succeeded', 'success'],
    ['queue.configured', 'success'],
    ['queue.configured', 'success'],
    ['authentication.succeeded', 'success'],
  ]);
  expect(all[2]?.detail).toMatchObject({ name: 'mail', before: { concurrency: 2 }, after: { concurrency: 3 } });
  const found = async (query: string) =>
    (await entries(server, query)).map(({ id }) => all.findIndex((one) => one.id === id));
  expect(await found('?type=queue')).toEqual([0, 2, 3]);
  expect(await found('?type=queue.configured&limit=1')).toEqual([2]);
  expect(await found('?about=sms')).toEqual([0]);
  expect(await found(`?principal=${all[0]?.principal}`)).toEqual([0, 1]);
  expect(await found('?since=2099-01-01T00:00:00Z')).toEqual([]);
  expect(await found('?until=2099-01-01T00:00:00Z')).toHaveLength(5);
  expect(await found(`?cursor=${all[1]?.id}`)).toEqual([2, 3, 4]);
  const wrong = await send(server.url, {
    path: '/ojs/v1/admin/audit?since=now&cursor=x',
    headers: { authorization: 'Bearer root-secret' },
  });
  expect(wrong).toMatchObject({ status: 400, text: expect.stringContaining('RFC 3339') });
  const noId = await send(server.url, {
    path: `/ojs/v1/admin/audit?cursor=${'-'.repeat(36)}`,
    headers: { authorization: 'Bearer root-secret' },
  });
  expect(noId).toMatchObject({ status: 400, text: expect.stringContaining('next_cursor') });
});

test('refusals have an entry a minute, and failed logins one each', async () => {
  await using server = await serve({ tokens: ['admin:root-secret', 'viewer:look-secret'] });
  const pause = (token: string) =>
    send(server.url, {
      method: 'POST',
      path: '/ojs/v1/queues/mail/pause',
      headers: { authorization: `Bearer ${token}` },
    });
  for (let time = 0; time < 3; time++) expect((await pause('look-secret')).status).toBe(403);
  expect((await pause('guessed-secret')).status).toBe(401);
  for (let time = 0; time < 3; time++)
    expect((await send(server.url, { method: 'POST', path: '/ojs/v1/queues/mail/pause' })).status).toBe(401);
  const all = await entries(server);
  // A caller without a token writes nothing: there is no limit to such calls.
  expect(all.filter(({ event_type: type }) => type === 'queue.paused')).toEqual([]);
  expect(all.filter(({ event_type: type }) => type === 'authorization.denied')).toMatchObject([
    { outcome: 'failure', detail: { operation: 'queue.pause', name: 'mail', error: 'permission_denied' } },
  ]);
  expect(all.filter(({ event_type: type }) => type === 'authentication.failed')).toHaveLength(1);
  expect(JSON.stringify(all)).not.toContain('guessed');
  // Nobody but an administrator reads it.
  const headers = { authorization: 'Bearer look-secret' };
  expect((await send(server.url, { path: '/ojs/v1/admin/audit', headers })).status).toBe(403);
});

describe.each(storages)('on $name', ({ url }) => {
  test('entries of calls at once are all kept, newest first', async () => {
    await using server = await serve({ storage: url() });
    await Promise.all(
      Array.from({ length: 60 }, (_, number) =>
        send(server.url, { method: 'POST', path: `/ojs/v1/queues/q${number}/pause` }),
      ),
    );
    const first = await entries(server, '?limit=50');
    const rest = await entries(server, `?limit=50&cursor=${first.at(-1)?.id}`);
    expect(first).toHaveLength(50);
    expect(new Set([...first, ...rest].map(({ detail }) => detail.name)).size).toBe(60);
    const ids = [...first, ...rest].map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted().reverse());
  });
});

test('a refused search leaves no argument in its entry, even where its query cannot be read', async () => {
  await using server = await serve({ tokens: ['root-secret'] });
  const grant = { name: 't', queues: ['*'], expiresAt: null, createdBy: null };
  await server.engine.tokens.create({ ...grant, roles: ['admin'] });
  for (const [roles, path, q] of [
    [['inspector'], '/admin/jobs', 'args[0].card=4111'],
    [['producer'], '/jobs', 'args[0].card=4111 ('],
  ] as const) {
    const { token } = await server.engine.tokens.create({ ...grant, roles, queues: ['mail'] });
    const headers = { authorization: `Bearer ${token}` };
    expect((await send(server.url, { path: `/ojs/v1${path}?q=${encodeURIComponent(q)}`, headers })).status).toBe(403);
  }
  const denied = await entries(server, '?type=authorization.denied');
  expect(denied).toHaveLength(2);
  expect(JSON.stringify(denied)).not.toContain('4111');
});
