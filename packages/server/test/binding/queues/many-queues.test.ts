import { expect, test } from 'vitest';
import { minuteParts } from '../../../src/engine/queues/minute-parts.ts';
import { serveClocked } from '../../support/clocked.ts';
import { call } from '../../support/request.ts';
import { storages } from '../../support/storages.ts';

test.each(storages)('a call about one queue does not read the others, $name', async (storage) => {
  await using server = await serveClocked(storage.url());
  const { url, bench } = server;
  const { body: other } = await call<{ id: string }>(url, '/jobs', {
    type: 'a.b',
    args: [],
    options: { queue: 'other' },
  });
  const { registry } = bench.engine.storage;
  const read = registry.queues.bind(registry);
  registry.queues = (which) => (which === undefined ? Promise.reject(new Error('all queues are read')) : read(which));
  const statistics = registry.statistics.bind(registry);
  registry.statistics = (since, until, names) =>
    names === undefined ? Promise.reject(new Error('all statistics are read')) : statistics(since, until, names);
  const options = { queue: 'q' };
  const job = { type: 'a.b', args: [], options };
  const calls: readonly (readonly [string, object | undefined, string?])[] = [
    ['/jobs', job],
    ['/jobs/bulk', { jobs: [job, job] }],
    ['/queues/q', undefined],
    ['/queues/q/stats', undefined],
    ['/admin/queues/q', undefined],
    ['/admin/stats/history?queue=q', undefined],
    ['/queues/q/config', { max_size: 100 }, 'PUT'],
    ['/queues/q/pause', {}],
    ['/queues/q/resume', {}],
    ['/jobs?queue=q', undefined],
    ['/jobs?queue=q&q=type:a.b', undefined],
    [`/admin/jobs/${other.id}/explain`, undefined],
    ['/admin/bulk', { action: 'cancel', filter: { queue: 'q' }, dry_run: true }],
    ['/queues', { name: 'new' }],
    ['/queues/new', undefined, 'DELETE'],
  ];
  for (const [path, sent, method] of calls) {
    // Settings and statistics are read once a second.
    bench.clock.advance(2_000);
    const { status, body } = await call(url, path, sent, method === undefined ? {} : { method });
    expect([path, status], JSON.stringify(body)).toEqual([path, expect.toSatisfy((code: number) => code < 300)]);
  }
});

test('totals of a thousand queues are read once a second for everyone', async () => {
  await using server = await serveClocked('memory:');
  const { url, bench } = server;
  const jobs = Array.from({ length: 1_000 }, (_, at) => ({ type: 'a.b', args: [], options: { queue: `q${at}` } }));
  await call(url, '/jobs/bulk', { jobs });
  const { registry } = bench.engine.storage;
  const read = registry.queues.bind(registry);
  let reads = 0;
  registry.queues = (which) => {
    if (which === undefined) reads += 1;
    return read(which);
  };
  const ask = async () => {
    for (const path of ['/admin/stats', '/queues?limit=5', '/jobs?limit=5', '/admin/stats', '/admin/queues?limit=5'])
      expect((await call(url, path)).status, path).toBe(200);
  };
  await ask();
  await ask();
  expect(reads).toBe(1);
  bench.clock.advance(1_000);
  await ask();
  expect(reads).toBe(2);
});

test('a minute of a thousand queues is read in parts, with turns for others between them', async () => {
  await using server = await serveClocked('memory:');
  const { url, bench } = server;
  const jobs = Array.from({ length: 1_200 }, (_, at) => ({ type: 'a.b', args: [], options: { queue: `q${at}` } }));
  await call(url, '/jobs/bulk', { jobs });
  const now = bench.clock.now();
  const seen: string[] = [];
  for await (const part of minuteParts(bench.engine.storage, now - 60_000, now + 60_000)) {
    seen.push(`${part.length} records`);
    setImmediate(() => seen.push('other work'));
  }
  expect(seen).toEqual(['500 records', 'other work', '500 records', 'other work', '200 records', 'other work']);
});

test.each(storages)('jobs create queues up to the maximum, and empty ones are removed, $name', async (storage) => {
  await using server = await serveClocked(storage.url(), { maxQueues: 3 });
  const { url, bench } = server;
  const job = (queue: string) => ({ type: 'a.b', args: [], options: { queue } });
  const enqueue = async (queue: string) => (await call(url, '/jobs', job(queue))).status;
  for (const name of ['a', 'b', 'c', 'a']) expect(await enqueue(name)).toBe(201);
  const refused = await call<{ error: { message: string } }>(url, '/jobs', job('d'));
  expect(refused).toMatchObject({ status: 422, body: { error: { code: 'unsupported', details: { max_queues: 3 } } } });
  expect(refused.body.error.message).toContain('at most 3');
  const bulk = await call<{ results: readonly { status: string }[] }>(url, '/jobs/bulk', {
    jobs: ['a', 'd', 'c'].map(job),
  });
  expect(bulk.body).toMatchObject({ succeeded: 2, failed: 1 });
  expect((await call(url, '/jobs/batch', { jobs: ['a', 'd'].map(job) })).status).toBe(422);
  const chain = (queue: string) => ({ type: 'chain', steps: [job('a'), job(queue)] });
  const batch = { type: 'batch', jobs: [job('a')], callbacks: { on_success: job('d') } };
  const scheduled = (queue: string) => ({ name: 'nightly', cron: '0 3 * * *', job_template: job(queue) });
  for (const [path, sent] of [
    ['/workflows', chain('d')],
    ['/workflows', batch],
    ['/cron', scheduled('d')],
  ] as const)
    expect(await call(url, path, sent), path).toMatchObject({
      status: 422,
      body: { error: { code: 'unsupported', details: { queue: 'd' } } },
    });
  expect((await call(url, '/workflows', chain('b'))).status).toBe(201);
  expect((await call(url, '/cron', scheduled('b'))).status).toBeLessThan(300);
  expect((await call(url, '/cron/nightly', undefined, { method: 'DELETE' })).status).toBe(200);
  const { body } = await call<{ jobs: readonly { id: string }[] }>(url, '/jobs?queue=b');
  for (const { id } of body.jobs) await call(url, `/jobs/${id}`, undefined, { method: 'DELETE' });
  await call(url, '/admin/queues/b/jobs', { states: ['cancelled'], confirm: true }, { method: 'DELETE' });
  bench.clock.advance(3_700_000);
  await bench.engine.upkeep.run();
  const names = async () => (await bench.engine.storage.registry.queues()).map(({ name }) => name);
  await expect.poll(names).toEqual(['a', 'c']);
  expect(await enqueue('d')).toBe(201);
});
