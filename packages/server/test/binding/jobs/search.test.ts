import { AllStates, type JobRecord } from '@ojs-ts/core/job';
import { matcherOf, parseQuery } from '@ojs-ts/core/query';
import { describe, expect, test, vi } from 'vitest';
import { testWith } from '../../../../core/test/support/test-with.ts';
import { type ClockedServer, serveClocked } from '../../support/clocked.ts';
import { items, newJob } from '../../support/engine.ts';
import { expectRefusal } from '../../support/refusal.ts';
import { call, send } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

interface Found {
  readonly jobs: readonly { readonly id: string; readonly type: string }[];
  readonly total: number;
  readonly pagination: { readonly next_cursor?: string; readonly total_exact?: boolean; readonly has_more: boolean };
  readonly search: {
    readonly scanned: number;
    readonly of?: number;
    readonly complete: boolean;
    readonly plan: string;
  };
}

async function search({ url }: ClockedServer, q: string, others: Record<string, string> = {}): Promise<Found> {
  const { status, body } = await call<Found>(url, `/jobs?${new URLSearchParams({ q, ...others })}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

/** The types of all jobs that match, from pages of this length. */
async function typesOf(server: ClockedServer, q: string, limit = '50'): Promise<readonly string[]> {
  const types: string[] = [];
  for (let cursor = ''; ; ) {
    const { jobs, pagination, search: searched } = await search(server, q, { limit, ...(cursor && { cursor }) });
    types.push(...jobs.map(({ type }) => type));
    expect(searched.complete).toBe(!pagination.has_more);
    if (pagination.next_cursor === undefined) return types;
    cursor = pagination.next_cursor;
  }
}

async function enqueue({ url, bench }: ClockedServer, body: string): Promise<string> {
  const { status, text } = await send(url, { method: 'POST', path: '/ojs/v1/jobs', body });
  expect(status, text).toBe(201);
  bench.clock.advance(1_000);
  return JSON.parse(text).job.id;
}

/** The next job of the queue fails for good, with this error. */
async function bury({ url, bench }: ClockedServer, queue: string, error: object): Promise<void> {
  const { body } = await call<{ jobs: readonly { id: string }[] }>(url, '/workers/fetch', { queues: [queue] });
  await call(url, '/workers/nack', { job_id: body.jobs[0]?.id, error });
  bench.clock.advance(1_000);
}

const retry = '"retry":{"max_attempts":1,"on_exhaustion":"dead_letter"}';

async function fill(server: ClockedServer): Promise<readonly string[]> {
  const ids = [
    await enqueue(server, `{"type":"a.dead","args":[{"user":42}],"options":{"queue":"mail",${retry}}}`),
    await enqueue(server, `{"type":"a.gone","args":["42"],"options":{"queue":"web",${retry}}}`),
    await enqueue(
      server,
      '{"type":"b.exact","args":[9007199254740993],"meta":{"tenant":"acme"},"options":{"queue":"mail"}}',
    ),
    await enqueue(
      server,
      '{"type":"b.near","args":[9007199254740992],"meta":{"tenant":"Acme"},"options":{"queue":"mail"}}',
    ),
    await enqueue(
      server,
      '{"type":"c.soon","args":[1.0e3],"options":{"queue":"web","delay_until":"+PT1H","tags":["vip"]}}',
    ),
  ];
  await bury(server, 'mail', { type: 'TimeoutError', code: 'ETIMEDOUT', message: 'No answer' });
  await bury(server, 'web', { type: 'OtherError', message: 'Gone' });
  return ids;
}

describe.each(storages)('jobs by a query, $name', ({ url }) => {
  const it = testWith(() => serveClocked(url()));

  it('are those that match, newest first, in pages of any length', async (server) => {
    const [dead = ''] = await fill(server);
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['state:failed', ['a.gone', 'a.dead']],
      ['state:failed queue:mail', ['a.dead']],
      ['dead:true error~TIMEOUT', ['a.dead']],
      ['error:OtherError,ETIMEDOUT type:a.*', ['a.gone', 'a.dead']],
      ['args[0]=9007199254740993', ['b.exact']],
      ['args[0]>9007199254740992', ['b.exact']],
      ['args[0]:1000', ['c.soon']],
      ['args[0]:42 OR args[0].user:42', ['a.gone', 'a.dead']],
      ['meta.tenant:acme', ['b.exact']],
      ['meta.tenant~acme -meta.tenant:acme', ['b.near']],
      ['tag:vip scheduled>now', ['c.soon']],
      ['queue:mail', ['b.near', 'b.exact', 'a.dead']],
      ['-state:failed', ['c.soon', 'b.near', 'b.exact']],
      [`id:${dead}`, ['a.dead']],
      [`id:${dead} state:active`, []],
      ['finished>-1500ms', ['a.gone']],
      ['state:active queue:none', []],
      ['queue:mail queue:web', []],
    ];
    for (const [q, expected] of cases) {
      for (const limit of ['1', '2', '50']) expect([q, await typesOf(server, q, limit)]).toEqual([q, expected]);
      const { items: all } = await server.bench.engine.storage.jobs.list({ states: AllStates, limit: 100 });
      const matches = matcherOf(parseQuery(q), server.bench.clock.now());
      expect(all.filter(matches).map(({ type }: JobRecord) => type)).toEqual(expected);
    }
  });

  it('say how they were found', async (server) => {
    const [id = ''] = await fill(server);
    const byId = await search(server, `id:${id}`);
    expect(byId.search).toEqual({ scanned: 1, complete: true, plan: `index: id:${id}; scan: none` });
    const active = await search(server, `id:${id}`, { state: 'active' });
    expect(active).toMatchObject({ jobs: [], search: { plan: `index: id:${id}; scan: state:active` } });
    expect(await search(server, 'queue:mail error~timeout')).toMatchObject({
      total: 1,
      search: { scanned: 3, of: 3, complete: true, plan: 'index: queue:mail; scan: error~timeout' },
    });
    // The index alone answers it, so the number of jobs is known.
    const page = await search(server, 'queue:mail', { limit: '1' });
    expect(page).toMatchObject({
      total: 3,
      search: { scanned: 1, complete: false, plan: 'index: queue:mail; scan: none' },
    });
    expect(page.pagination.total_exact).toBeUndefined();
    expect(await search(server, 'queue:a queue:b')).toMatchObject({
      total: 0,
      search: { scanned: 0, complete: true, plan: 'none: no job can match' },
    });
    expect(await search(server, 'dead:true')).toMatchObject({ total: 2 });
  });

  it('match the other parameters too', async (server) => {
    await fill(server);
    const found = async (q: string, others: Record<string, string>) =>
      (await search(server, q, others)).jobs.map(({ type }) => type);
    expect(await found('type:b.*', { queue: 'mail' })).toEqual(['b.near', 'b.exact']);
    expect(await found('queue:mail', { type: 'a.*', state: 'discarded,active' })).toEqual(['a.dead']);
    expect(await found('queue:web', { queue: 'mail' })).toEqual([]);
    expect(await found('state:active', { state: 'discarded' })).toEqual([]);
    expect(await found('type:a.*', { error_type: 'OtherError' })).toEqual(['a.gone']);
    expect(await found('-state:failed', { offset: '1', limit: '1' })).toEqual(['b.near']);
    expect((await search(server, 'attempts>0', { queue: 'mail', type: 'a.dead' })).search.plan).toBe(
      'index: queue:mail type:a.dead; scan: attempts>0',
    );
  });

  it('a query that cannot be read is refused, with its position', async (server) => {
    const response = await send(server.url, { path: '/ojs/v1/jobs?q=queue:mail%20stat:failed' });
    expectRefusal(response, 400, 'invalid_request');
    expect(JSON.parse(response.text).error).toMatchObject({
      message: expect.stringContaining('Did you mean state?\nqueue:mail stat:failed\n           ^'),
      details: { position: 11, suggestion: 'state' },
    });
  });

  it('end after 10,000 jobs, or earlier, and continue there', async (server) => {
    const { engine, clock } = server.bench;
    const jobs = Array.from({ length: 10_300 }, (_, index) =>
      newJob(clock.now(), { type: index < 3 ? 'old.one' : 'a.b', priority: index < 3 ? 1 : 0 }),
    );
    for (let start = 0; start < jobs.length; start += 1_000)
      await engine.jobs.push(items(jobs.slice(start, start + 1_000)));
    const pages = [await search(server, 'priority:1')];
    expect(pages[0]).toMatchObject({
      jobs: [],
      search: { complete: false, of: 10_300 },
      pagination: { has_more: true },
    });
    expect(pages[0]?.search.scanned).toBeLessThanOrEqual(10_000);
    for (let cursor = pages[0]?.pagination.next_cursor; cursor !== undefined; ) {
      const page = await search(server, 'priority:1', { cursor });
      pages.push(page);
      cursor = page.pagination.next_cursor;
    }
    expect(pages.reduce((sum, page) => sum + page.search.scanned, 0)).toBe(10_300);
    const found = pages.flatMap((page) => page.jobs.map(({ id }) => id));
    expect(found).toEqual(
      jobs
        .slice(0, 3)
        .map(({ id }) => id)
        .reverse(),
    );
    // A type that the index finds is found at once.
    const { search: byType } = await search(server, 'type:old.one priority:1');
    expect(byType).toEqual({ scanned: 3, complete: true, plan: 'index: type:old.one; scan: priority:1' });
    const { jobs: held } = await search(server, `id:${jobs[0]?.id},${jobs[1]?.id} state:waiting`);
    expect(held).toHaveLength(2);
  });
});

// These read within this process, which others wait for.
const local = storages.filter(({ name }) => name === 'memory' || name === 'sqlite');
describe.each(local)('large jobs by a query, $name', ({ url }) => {
  test('read large jobs a piece at a time, and let others between', async () => {
    await using server = await serveClocked(url());
    const { engine } = server.bench;
    for (let index = 0; index < 12; index++)
      await enqueue(server, JSON.stringify({ type: `a.n${index}`, args: ['x'.repeat(300_000)] }));
    const { jobs } = engine.storage;
    const list = jobs.list.bind(jobs);
    let isTurn = true;
    const turns: boolean[] = [];
    const spy = vi.spyOn(jobs, 'list').mockImplementation((query) => {
      turns.push(isTurn);
      isTurn = false;
      setImmediate(() => {
        isTurn = true;
      });
      return list(query);
    });
    expect(await search(server, 'args[0]~y')).toMatchObject({ jobs: [], search: { scanned: 12, complete: true } });
    expect(turns.length).toBeGreaterThanOrEqual(4);
    expect(turns).not.toContain(false);
    const first = await search(server, 'args[0]~X', { limit: '2' });
    const { jobs: rest } = await search(server, 'args[0]~X', { cursor: first.pagination.next_cursor ?? '' });
    // More than one read has: a page by cursor ends where an answer is full.
    expect(rest).toHaveLength(10);
    for (const [{ maxBytes }] of spy.mock.calls) expect(maxBytes).toBeLessThanOrEqual(1_048_576);
  });
});

test('the searches of one caller take turns, however many come at once', async () => {
  await using server = await serveClocked('memory:');
  for (let number = 0; number < 3; number++) await enqueue(server, '{"type":"a.b","args":[1]}');
  const { jobs } = server.bench.engine.storage;
  const list = jobs.list.bind(jobs);
  let [running, most] = [0, 0];
  jobs.list = async (query) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return list(query);
  };
  const found = await Promise.all(Array.from({ length: 20 }, () => search(server, 'args[0]:1')));
  expect(found.every(({ jobs }) => jobs.length === 3)).toBe(true);
  expect(most).toBe(1);
});

test('a caller may have 20 searches without an answer; further ones are refused', async () => {
  await using server = await serveClocked('memory:');
  const { jobs } = server.bench.engine.storage;
  const list = jobs.list.bind(jobs);
  const gate = Promise.withResolvers<void>();
  jobs.list = async (query) => gate.promise.then(() => list(query));
  const paths = ['/jobs?q=args[0]:1', '/admin/jobs/groups?by=type&q=args[0]:1'];
  const statuses: number[] = [];
  const asked = Array.from({ length: 30 }, async (_, at) => {
    const answer = await call<{ readonly error?: object }>(server.url, paths[at % 2] ?? '');
    statuses.push(answer.status);
    return answer;
  });
  await expect.poll(() => statuses).toEqual(Array(10).fill(429));
  gate.resolve();
  const answers = await Promise.all(asked);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
  expect(answers.find(({ status }) => status === 429)?.body.error).toMatchObject({
    code: 'rate_limited',
    details: { limit: 20, retry_after: 1 },
  });
  expect((await call(server.url, '/jobs?q=args[0]:1')).status).toBe(200);
});
