import type { Call, Transport } from '@ojs-ts/core';
import { openEmbedded, startServer } from '@ojs-ts/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Admin, Client, JobNotFoundError, OJSValidationError, Worker } from '../../src/index.ts';
import { gate } from '../support/bench.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The same over HTTP and in the process. */
describe.each(['http', 'embedded'])('the control plane, %s (ojs-admin-api)', (way) => {
  async function open() {
    const server = way === 'http' ? await startServer({ storage: 'memory:', port: 0, log: false }) : null;
    const target = server?.url ?? (await openEmbedded('memory:'));
    const [client, admin] = [new Client(target), new Admin(target)];
    onTestFinished(async () => {
      await Promise.all([client.close(), admin.close()]);
      if (server !== null) await server.close();
      else if (typeof target !== 'string') await target[Symbol.asyncDispose]();
    });
    return { client, admin, target };
  }

  test('an operator reads queues and sums, and purges', async () => {
    const { client, admin } = await open();
    await client.enqueueBatch([1, 2, 3].map((n) => ({ type: 'a.job', args: [n], queue: 'mail' })));
    await admin.pauseQueue('mail');
    expect((await admin.queueOverview()).items).toEqual([
      {
        name: 'mail',
        status: 'paused',
        paused: true,
        createdAt: expect.any(Date),
        counts: expect.objectContaining({ available: 3, active: 0 }),
        oldestAvailableAt: expect.any(Date),
        completedPerMinute: 0,
        failedPerMinute: 0,
        waitMs: {},
        durationMs: {},
      },
    ]);
    expect(await admin.stats()).toMatchObject({
      queues: 1,
      pausedQueues: 1,
      workers: 0,
      workersByState: { total: 0 },
      jobs: { available: 3 },
      completedLastHour: 0,
      uptimeSeconds: expect.any(Number),
    });
    const history = await admin.statsHistory({ period: '1d', queue: 'mail' });
    expect(history.at(-1)).toEqual({
      at: expect.any(Date),
      enqueued: 3,
      started: 0,
      completed: 0,
      failed: 0,
      retried: 0,
      discarded: 0,
      expired: 0,
      cancelled: 0,
      waitMs: {},
      durationMs: {},
    });
    expect((await admin.statsHistory({ type: 'no.such' })).every(({ enqueued }) => enqueued === 0)).toBe(true);
    expect(await admin.purgeQueue('mail', { states: ['completed', 'cancelled'], olderThan: '1h' })).toEqual({
      purged: 0,
    });
    expect(await admin.purgeQueue('mail', { states: 'available' })).toEqual({ purged: 3 });
    await expect(admin.purgeQueue('mail', { states: 'active' })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(admin.purgeQueue('none', { states: 'completed' })).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(admin.purgeQueue('mail', { states: [] })).rejects.toBeInstanceOf(OJSValidationError);
    await expect(admin.statsHistory({ since: 'yesterday' })).rejects.toBeInstanceOf(OJSValidationError);
    await expect(admin.statsHistory({ type: 'No Type' })).rejects.toBeInstanceOf(OJSValidationError);
  });

  test('in maintenance mode no job starts; its end starts what waits', async () => {
    const { client, admin, target } = await open();
    expect(await admin.maintenance()).toEqual({ on: false });
    const on = await admin.startMaintenance({ reason: 'migration', estimatedDuration: '30m' });
    expect(on).toEqual({ on: true, reason: 'migration', enabledAt: expect.any(Date), estimatedEnd: expect.any(Date) });
    expect((on.estimatedEnd?.getTime() ?? 0) - (on.enabledAt?.getTime() ?? 0)).toBeGreaterThanOrEqual(1_800_000);
    const job = await client.enqueue('a.job', []);
    const worker = new Worker(target, { handleSignals: false, logger: silent });
    worker.register('a.job', () => 'done');
    await worker.runUntil(async () => {
      expect((await client.health()).maintenance).toBe(true);
      expect((await client.getJob(job.id)).state).toBe('available');
      expect(await admin.endMaintenance()).toEqual({ on: false });
      expect(await job.wait()).toBe('done');
    });
  });

  test('a worker is looked at, made quiet, set going again, and stopped', async () => {
    const { client, admin, target } = await open();
    const worker = new Worker(target, { handleSignals: false, logger: silent });
    const [began, go] = [gate<void>(), gate<void>()];
    worker.register('a.job', async () => {
      began.open();
      await go.opened;
    });
    const job = await client.enqueue('a.job', []);
    const { workerId } = worker;
    await worker.runUntil(async () => {
      await began.opened;
      await expect.poll(() => admin.workerHealth(workerId)).toMatchObject({ state: 'running' });
      expect(await admin.getWorker(workerId)).toMatchObject({
        workerId,
        alive: true,
        activeJobs: 1,
        jobs: [{ id: job.id, type: 'a.job', queue: 'default', attempt: 1, startedAt: expect.any(Date) }],
      });
      expect(await admin.quietWorker(workerId)).toEqual({ workerId, directive: 'quiet' });
      expect(await admin.getWorker(workerId)).toMatchObject({ directive: 'quiet' });
      expect(await admin.resumeWorker(workerId)).toEqual({ workerId, directive: 'running' });
      expect(await admin.stopWorker(workerId)).toEqual({ workerId, directive: 'terminate' });
      await expect(admin.removeWorker(workerId)).rejects.toMatchObject({ code: 'conflict' });
      go.open();
      await job.wait();
    });
    await expect(admin.getWorker('nobody')).rejects.toBeInstanceOf(JobNotFoundError);
  });

  test('the settings of the server', async () => {
    const { admin } = await open();
    const config = await admin.serverConfig();
    expect(config).toMatchObject({ backend: 'memory', engine: { dead_after: 'PT30S' } });
    expect(config.settings === undefined).toBe(way === 'embedded');
  });
});

describe('a server by the words of ojs-admin-api', () => {
  const names = ['one', 'two', 'three', 'four', 'five'];

  /** Pages by `page` and `per_page`, of which it allows two, and tells only `{total, page, per_page}`. */
  function byPages(member: (name: string) => object): { readonly transport: Transport; readonly calls: Call[] } {
    const calls: Call[] = [];
    const transport: Transport = {
      async call(call) {
        calls.push(call);
        const page = Number(call.query?.page ?? 1);
        const length = Math.min(Number(call.query?.per_page ?? 2), 2);
        const items = names.slice((page - 1) * length, page * length).map(member);
        return answerOf({ items, pagination: { total: names.length, page, per_page: length } });
      },
      async [Symbol.asyncDispose]() {},
    };
    return { transport, calls };
  }

  const answerOf = (body: object) => ({ status: 200, text: JSON.stringify(body), headers: {} });

  test.each([undefined, 1, 2, 100])('is read to the end, in pages of %s', async (limit) => {
    const queues = byPages((name) => ({ name, state: 'active', counts: {} }));
    await using admin = new Admin(queues.transport);
    const page = await admin.queueOverview({ limit });
    expect(page).toMatchObject({ total: 5, hasMore: true, limit: limit === 1 ? 1 : 2, offset: 0 });
    expect((await Array.fromAsync(page)).map(({ name }) => name)).toEqual(names);
    const workers = byPages((id) => ({ id, state: 'running' }));
    await using other = new Admin(workers.transport);
    const found = await Array.fromAsync(await other.listWorkers({ limit }));
    expect(found.map(({ workerId }) => workerId)).toEqual(names);
  });

  test('is told what to purge in the body, and by the query too', async () => {
    const calls: Call[] = [];
    await using admin = new Admin({
      async call(call) {
        calls.push(call);
        return answerOf({ purged_count: 1 });
      },
      async [Symbol.asyncDispose]() {},
    });
    await admin.purgeQueue('mail', { states: ['completed', 'cancelled'], olderThan: '1h' });
    const [call] = calls;
    expect(JSON.parse(call?.body ?? '')).toEqual({
      states: ['completed', 'cancelled'],
      older_than: 'PT1H',
      confirm: true,
    });
    expect(call?.query).toEqual({ states: 'completed,cancelled', older_than: 'PT1H', confirm: 'true' });
  });

  test('that always answers the first page is asked for no third', async () => {
    const calls: Call[] = [];
    await using admin = new Admin({
      async call(call) {
        calls.push(call);
        return answerOf({ items: [{ name: 'one' }], pagination: { total: 5, page: 1, per_page: 1 } });
      },
      async [Symbol.asyncDispose]() {},
    });
    await Array.fromAsync(await admin.queueOverview());
    expect(calls).toHaveLength(2);
  });

  test('an empty page with a cursor is not the last one', async () => {
    const pages = [
      { jobs: [], pagination: { has_more: true, next_cursor: 'a', limit: 50, offset: 0 } },
      { jobs: [], pagination: { has_more: true, next_cursor: 'b', limit: 50, offset: 0 } },
      { jobs: [{ id: 'x', type: 'a.b', state: 'active' }], pagination: { has_more: false, limit: 50, offset: 0 } },
    ];
    const calls: Call[] = [];
    await using admin = new Admin({
      async call(call) {
        calls.push(call);
        return answerOf(pages[calls.length - 1] ?? {});
      },
      async [Symbol.asyncDispose]() {},
    });
    const jobs = await Array.fromAsync(await admin.listJobs({ type: 'a.*' }));
    expect(jobs.map(({ id }) => id)).toEqual(['x']);
    expect(calls.map(({ query }) => query?.cursor)).toEqual([undefined, 'a', 'b']);
  });
});
