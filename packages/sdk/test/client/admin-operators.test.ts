import { uuidv7 } from '@ojs-ts/core';
import { openEmbedded } from '@ojs-ts/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  Admin,
  Client,
  chain,
  JobNotFoundError,
  OJSValidationError,
  type RetryPolicy,
  Worker,
} from '../../src/index.ts';
import { gate } from '../support/bench.ts';

const deadLetter: RetryPolicy = { maxAttempts: 1, onExhaustion: 'dead_letter' };

describe('what operators do', () => {
  async function open() {
    const embedded = await openEmbedded('memory:');
    // A full queue is refused for now, and would be tried again.
    const [client, admin] = [new Client(embedded, { requestRetry: false }), new Admin(embedded)];
    onTestFinished(async () => {
      await Promise.all([client.close(), admin.close()]);
      await embedded[Symbol.asyncDispose]();
    });
    const work = (queue: string, handler: () => unknown) => {
      const worker = new Worker(embedded, { queues: [queue], handleSignals: false, logger: silent });
      worker.register('a.job', handler);
      return worker;
    };
    /** Jobs that stand in the dead letter. */
    const die = async (queue: string, ...args: readonly string[]) => {
      const jobs = await client.enqueueBatch(
        args.map((arg) => ({ type: 'a.job', args: [arg], queue, retry: deadLetter })),
      );
      const worker = work(queue, () => {
        throw new TypeError('no good');
      });
      await worker.runUntil(Promise.allSettled(jobs.map((job) => job.wait())));
      return jobs.map(({ id }) => id);
    };
    return { embedded, client, admin, work, die };
  }

  test('an operator reads limits with their use, overrides and restores them; a second job waits', async () => {
    const { client, admin, work } = await open();
    const limits = [{ key: 'stripe', concurrency: 1, rate: { limit: 100, period: '1m' } }] as const;
    const jobs = await client.enqueueBatch([1, 2].map((n) => ({ type: 'a.job', args: [n], limits })));
    const [began, go] = [gate<void>(), gate<void>()];
    const worker = work('default', async () => {
      began.open();
      await go.opened;
    });
    await worker.runUntil(async () => {
      await began.opened;
      await expect
        .poll(() => admin.getLimit('stripe'))
        .toMatchObject({ key: 'stripe', concurrency: 1, active: 1, waiting: 1 });
      const limit = await admin.getLimit('stripe');
      expect(limit.rates).toEqual([{ limit: 100, period: 'PT1M', used: 1, resetsAt: expect.any(Date) }]);
      expect(limit.override).toBeUndefined();
      expect((await admin.listLimits()).items).toMatchObject([{ key: 'stripe', active: 1 }]);

      const expiresAt = new Date(Date.now() + 3_600_000);
      const stopped = await admin.overrideLimit('stripe', { concurrency: 0, spacing: '2s', expiresAt });
      expect(stopped).toMatchObject({ concurrency: 0, override: { concurrency: 0, spacing: 'PT2S', expiresAt } });
      const restored = await admin.restoreLimit('stripe');
      expect(restored).toMatchObject({ concurrency: 1, rates: [{ limit: 100 }] });
      expect(restored.override).toBeUndefined();
      go.open();
      await Promise.all(jobs.map((job) => job.wait()));
    });
    await expect(admin.getLimit('nobody')).rejects.toBeInstanceOf(JobNotFoundError);
  });

  test('an operator asks why a job does not run', async () => {
    const { client, admin } = await open();
    const limits = [{ key: 'stripe', concurrency: 1 }] as const;
    const job = await client.enqueue('a.job', [], { limits });
    await admin.overrideLimit('stripe', { concurrency: 0 });
    await admin.pauseQueue('default');
    const explanation = await admin.explain(job.id);
    expect(explanation).toMatchObject({
      jobId: job.id,
      state: 'available',
      verdict: expect.stringMatching(/^The job is available: .*\.$/),
      checkedAt: expect.any(Date),
      reasons: [
        { code: 'queue_paused', since: expect.any(Date), remedy: 'Resume the queue.' },
        { code: 'limit_stopped', keys: ['stripe'] },
        { code: 'no_worker', message: 'No live worker is known to read queue default.' },
      ],
    });
    expect(explanation.nextStartAt).toBeUndefined();
    const later = await client.enqueue('a.job', [], { delay: '1h' });
    const { nextStartAt, reasons } = await admin.explain(later.id);
    expect(reasons).toMatchObject([{ code: 'scheduled', until: nextStartAt }]);
    const { id } = await client.workflow(
      chain('two', [
        { type: 'a.job', args: [] },
        { type: 'a.job', args: [] },
      ]),
    );
    expect(await admin.explain(id, { step: '1' })).toMatchObject({
      workflowId: id,
      step: '1',
      state: 'waiting',
      reasons: [{ code: 'step_waits', steps: [{ id: '0', state: 'available', jobId: expect.any(String) }] }],
    });
    await expect(admin.explain(id)).rejects.toBeInstanceOf(JobNotFoundError);
  });

  test('an operator sets, reads and resets the configuration of a queue, creates it and deletes it', async () => {
    const { client, admin } = await open();
    const config = {
      concurrency: 3,
      rate: { limit: 5, period: 'PT1S' },
      maxDepth: 2,
      overflow: 'reject',
      warningThreshold: 0.5,
    } as const;
    expect(await admin.createQueue('mail', config)).toMatchObject({
      name: 'mail',
      paused: false,
      config,
      stats: { available: 0 },
    });
    expect(await admin.queueConfig('mail')).toEqual({
      ...config,
      retention: { completed: expect.any(String), discarded: expect.any(String), cancelled: expect.any(String) },
    });
    await client.enqueueBatch([1, 2].map((n) => ({ type: 'a.job', args: [n], queue: 'mail' })));
    await expect(client.enqueue('a.job', [3], { queue: 'mail' })).rejects.toMatchObject({ code: 'queue_full' });
    expect(await admin.configureQueue('mail', { overflow: 'warn' })).toMatchObject({ ...config, overflow: 'warn' });
    await client.enqueue('a.job', [3], { queue: 'mail' });
    const free = await admin.configureQueue('mail', { concurrency: null, rate: null, maxDepth: null });
    expect([free.concurrency, free.rate, free.maxDepth]).toEqual([undefined, undefined, undefined]);
    expect(await admin.getQueue('mail')).toMatchObject({ name: 'mail', stats: { available: 3 } });
    await expect(admin.deleteQueue('mail')).rejects.toMatchObject({ code: 'conflict' });
    await admin.cancelJobs({ queue: 'mail' });
    await admin.deleteJobs({ queue: 'mail' });
    expect(await admin.deleteQueue('mail')).toEqual({ deleted: true, name: 'mail' });
    await expect(admin.getQueue('mail')).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(admin.createQueue('bad name')).rejects.toMatchObject({ issues: [{ path: 'queueName' }] });
  });

  test('bulk cancel, retry and delete take ids or a filter and give each job its own outcome', async () => {
    const { client, admin, die } = await open();
    const jobs = await client.enqueueBatch(
      [1, 2, 3].map((n) => ({
        type: n < 3 ? 'a.job' : 'b.job',
        args: [n],
        queue: 'bulk',
        priority: n,
        meta: { tenant: `t${n}` },
      })),
    );
    const ids = jobs.map(({ id }) => id);
    const byId = await admin.cancelJobs([ids[0] ?? '', 'nonsense']);
    expect(byId).toMatchObject({ succeeded: 1, failed: 1, hasMore: false });
    expect(byId.items).toEqual([
      { jobId: ids[0], ok: true },
      { jobId: 'nonsense', ok: false, error: expect.objectContaining({ code: 'not_found', name: 'JobNotFoundError' }) },
    ]);
    expect(await admin.cancelJobs({ queue: 'bulk', type: 'b.*', meta: { tenant: 't3' }, priority: 3 })).toMatchObject({
      items: [{ jobId: ids[2], ok: true }],
    });
    const since = new Date(Date.now() + 3_600_000);
    expect(await admin.cancelJobs({ queue: 'bulk', createdAfter: since })).toMatchObject({ items: [] });
    expect(await admin.deleteJobs(ids)).toMatchObject({ succeeded: 2, failed: 1 });
    expect(await admin.retryJobs(['nonsense'])).toMatchObject({ succeeded: 0, failed: 1, items: [{ ok: false }] });
    const [dead = ''] = await die('dying', 'x');
    expect(await admin.retryJobs({ queue: 'dying', state: 'discarded', errorType: 'TypeError' })).toMatchObject({
      items: [{ jobId: dead, ok: true }],
    });
  });

  test('an operator searches, counts, retries with changes and purges the dead letter', async () => {
    const { client, admin, die } = await open();
    const before = new Date();
    const [one = '', two = '', three = ''] = [...(await die('mail', 'one', 'two')), ...(await die('other', 'three'))];
    const found = async (filter: Parameters<Admin['listDeadLetterJobs']>[0]) =>
      (await Array.fromAsync(await admin.listDeadLetterJobs(filter))).map(({ id }) => id).toSorted();
    expect(await found({})).toEqual([one, two, three].toSorted());
    expect(await found({ queue: 'mail', args: '"two"' })).toEqual([two]);
    expect(await found({ type: 'a.*', errorType: 'TypeError', since: before, limit: 1 })).toEqual(
      [one, two, three].toSorted(),
    );
    expect(await found({ until: before })).toEqual([]);
    expect(await found({ olderThan: '1h' })).toEqual([]);
    expect((await client.listDeadLetterJobs({ queue: 'other' })).items.map(({ id }) => id)).toEqual([three]);
    expect(await admin.getDeadLetterJob(one)).toMatchObject({
      id: one,
      state: 'discarded',
      error: { type: 'TypeError' },
    });
    expect(await admin.deadLetterStats()).toMatchObject({
      total: 3,
      byQueue: { mail: 2, other: 1 },
      byErrorType: { TypeError: 3 },
      newestAt: expect.any(Date),
      retention: { maxCount: expect.any(Number), removedOverCap: 0 },
    });

    const { errors, total, jobs } = await admin.errors({ deadLetter: true, limit: 2 });
    expect([total, jobs]).toEqual([1, 3]);
    const [error] = errors;
    expect(error).toEqual({
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      count: 3,
      errorType: 'TypeError',
      message: expect.any(String),
      firstAt: expect.any(Date),
      lastAt: expect.any(Date),
    });
    expect(await admin.errors({ state: 'retryable', queue: 'mail', type: 'a.job' })).toMatchObject({ errors: [] });
    const fingerprint = error?.fingerprint ?? '';
    expect(await found({ fingerprint })).toEqual([one, two, three].toSorted());
    expect(await found({ fingerprint, queue: 'other' })).toEqual([three]);

    const changed = await admin.retryDeadLetterJob(one, {
      changes: { args: ['mended'], meta: { by: 'ops' }, queue: 'again', retry: { maxAttempts: 7 } },
    });
    expect(changed).toMatchObject({
      state: 'available',
      attempt: 0,
      args: ['mended'],
      meta: { by: 'ops' },
      queue: 'again',
      maxAttempts: 7,
    });
    expect(await admin.retryDeadLetterJobs([one, two])).toMatchObject({
      succeeded: 1,
      items: [
        { jobId: one, ok: false },
        { jobId: two, ok: true },
      ],
    });
    expect(await admin.retryDeadLetterJobs({ queue: 'nobody' })).toMatchObject({ items: [] });
    expect(await admin.purgeDeadLetter({ olderThan: '1h' })).toMatchObject({ items: [] });
    expect(await admin.purgeDeadLetter({ queue: 'other' })).toMatchObject({ items: [{ jobId: three, ok: true }] });
    await expect(admin.getDeadLetterJob(three)).rejects.toBeInstanceOf(JobNotFoundError);
    expect(await found({ includeDiscarded: true })).toEqual([]);
  });

  test('an ended job runs again as a new one with changes', async () => {
    const { client, admin } = await open();
    const old = await client.enqueue('a.job', [1], { queue: 'mail', unique: { keys: ['type'], onConflict: 'ignore' } });
    await admin.cancelJob(old.id);
    const id = uuidv7();
    const { job, outcome } = await admin.rerunJob(old.id, {
      changes: {
        id,
        args: [2],
        meta: { by: 'ops' },
        queue: 'other',
        priority: 4,
        delay: '1h',
        retry: { maxAttempts: 2 },
      },
    });
    expect(outcome).toBe('created');
    expect(job).toMatchObject({ id, state: 'scheduled', args: [2], queue: 'other', priority: 4, maxAttempts: 2 });
    expect(job.meta).toEqual({ by: 'ops', 'ojs.rerun_of': old.id });
    expect(await admin.rerunJob(old.id)).toMatchObject({ outcome: 'duplicate', job: { id } });
    await expect(admin.rerunJob(id)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a waiting job changes its priority, time and args, if it is as the caller saw it', async () => {
    const { client, admin } = await open();
    const { id } = await client.enqueue('a.job', [1], { delay: '1h' });
    const edited = await admin.editJob(id, { priority: 5, args: [2], timeout: '9s', retry: { maxAttempts: 2 } });
    expect(edited).toMatchObject({ id, state: 'scheduled', priority: 5, args: [2], maxAttempts: 2, timeoutMs: 9_000 });
    await expect(admin.editJob(id, { priority: 6, ifMatch: { priority: 0 } })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await admin.editJob(id, { scheduledAt: 'now', ifMatch: { state: 'scheduled' } })).toMatchObject({
      state: 'available',
    });
    await expect(admin.editJob(id, { delay: '1h' })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('the progress of a job starts anew with each attempt and is complete with the job', async () => {
    const { client, embedded } = await open();
    const reported = gate<void>();
    const go = gate<void>();
    const worker = new Worker(embedded, { handleSignals: false, logger: silent });
    worker.register('a.job', async (ctx) => {
      if (ctx.attempt === 2) return ctx.progress(10);
      await ctx.progress(40, 'two of five', { rows: 2 });
      reported.open();
      await go.opened;
      throw new Error('once more');
    });
    const job = await client.enqueue('a.job', [], { retry: { maxAttempts: 2, initialInterval: '20ms' } });
    expect(job.progress).toBeUndefined();
    expect(await client.getProgress(job.id)).toBeNull();
    await worker.runUntil(async () => {
      await reported.opened;
      const progress = { percent: 40, message: 'two of five', data: { rows: 2 }, updatedAt: expect.any(Date) };
      expect((await job.refresh()).progress).toEqual(progress);
      expect((await client.getJob(job.id)).progress).toEqual(progress);
      expect(await client.getProgress(job.id)).toEqual(progress);
      go.open();
      await job.wait();
    });
    expect((await job.refresh()).progress).toEqual({ percent: 100, updatedAt: expect.any(Date) });
  });

  test('every option of a job reaches the server', async () => {
    const { client } = await open();
    const job = await client.enqueue('a.job', [], {
      limits: [{ key: 'one', concurrency: 2, rate: { limit: 3, period: '1m' }, spacing: '200ms' }, { key: 'two' }],
      resultTtl: '1h',
      resultSizeLimit: 4_096,
      totalTimeout: '2h',
      enqueueTtl: '10m',
      gracePeriod: '5s',
      heartbeatTimeout: '45s',
      pending: true,
      retry: { backoffStrategy: 'linear' },
    });
    expect(job).toMatchObject({ state: 'pending', retry: { backoffStrategy: 'linear' } });
    expect(job.raw).toMatchObject({
      rate_limit: [
        { key: 'one', concurrency: 2, rate: { limit: 3, period: 'PT1M' }, throttle: { limit: 1, period: 'PT0.2S' } },
        { key: 'two' },
      ],
      result_ttl: 3_600,
      result_size_limit: 4_096,
      total_timeout: 7_200,
      enqueue_ttl: 600,
      grace_period: 5,
      heartbeat_timeout: 45,
    });
    expect(await client.activateJob(job.id)).toMatchObject({ state: 'available' });
    await expect(client.activateJob(job.id)).rejects.toMatchObject({ code: 'conflict' });
    expect((await client.enqueue('a.job', [], { resultTtl: 'forever' })).raw.result_ttl).toBe(-1);
  });
});

test('checkpoints and workers', async () => {
  await using embedded = await openEmbedded('memory:');
  await using admin = new Admin(embedded);
  await using client = new Client(embedded);
  const [saved, go] = [gate<void>(), gate<void>()];
  const worker = new Worker(embedded, { handleSignals: false, logger: silent });
  worker.register('a.job', async (ctx) => {
    await ctx.checkpoint({ page: 3 });
    saved.open();
    await go.opened;
  });
  const job = await client.enqueue('a.job', []);
  await worker.runUntil(async () => {
    await saved.opened;
    expect(await admin.getCheckpoint(job.id)).toEqual({
      jobId: job.id,
      state: { page: 3 },
      sequence: 1,
      createdAt: expect.any(Date),
    });
    await expect
      .poll(() => admin.workerHealth(worker.workerId))
      .toMatchObject({ workerId: worker.workerId, alive: true, state: 'running' });
    const { items } = await admin.listWorkers();
    expect(items).toEqual([expect.objectContaining({ workerId: worker.workerId, alive: true, activeJobs: 1 })]);
    go.open();
    await job.wait();
  });
  expect(await admin.deleteCheckpoint(job.id)).toEqual({ deleted: true, jobId: job.id });
  await expect(admin.getCheckpoint(job.id)).rejects.toBeInstanceOf(JobNotFoundError);
  await embedded.call({ operation: 'worker.heartbeat', body: JSON.stringify({ worker_id: 'gone', active_jobs: [] }) });
  await expect(admin.removeWorker('gone')).rejects.toMatchObject({ code: 'conflict' });
  expect(await admin.removeWorker('gone', { force: true })).toEqual({ deleted: true, workerId: 'gone' });
  await expect(admin.workerHealth('gone')).rejects.toBeInstanceOf(JobNotFoundError);
});

test('an invalid argument is refused with its path before anything is sent', async () => {
  await using embedded = await openEmbedded('memory:');
  await using admin = new Admin(embedded);
  await using client = new Client(embedded);
  const refuses = (call: Promise<unknown>, path: string, message?: RegExp) =>
    expect(call).rejects.toMatchObject({
      name: 'OJSValidationError',
      issues: [{ path, ...(message && { message: expect.stringMatching(message) }) }],
    });
  const enqueue = (options: object) => client.enqueue('a.job', [], options);
  await refuses(
    enqueue({ limits: [{ key: 'k', concurency: 1 }] }),
    'limits[0].concurency',
    /Did you mean concurrency\?/,
  );
  await refuses(enqueue({ limits: [{ key: '' }] }), 'limits[0].key');
  await refuses(enqueue({ limits: [{ key: 'k', concurrency: 0 }] }), 'limits[0].concurrency');
  await refuses(enqueue({ limits: [{ key: 'k', rate: { limit: 1, period: '2d' } }] }), 'limits[0].rate.period');
  await refuses(enqueue({ limits: [{ key: 'k', rate: { period: '1s' } }] }), 'limits[0].rate.limit');
  await refuses(enqueue({ limits: { key: 'k' } }), 'limits');
  await refuses(enqueue({ resultTtl: '1.5s' }), 'resultTtl', /whole seconds/);
  await refuses(enqueue({ totalTimeout: 0 }), 'totalTimeout');
  await refuses(enqueue({ pending: 'yes' }), 'pending');
  const config: object = { concurency: 2 };
  await refuses(admin.configureQueue('q', config), 'concurency', /Did you mean concurrency\?/);
  await refuses(admin.configureQueue('q', { warningThreshold: 2 }), 'warningThreshold');
  await refuses(admin.overrideLimit('k', {}), 'concurrency');
  const filter: object = { queu: 'q' };
  await refuses(admin.cancelJobs(filter), 'queu', /Did you mean queue\?/);
  await refuses(admin.purgeDeadLetter(filter), 'queu');
  await refuses(admin.deleteJobs({ queue: undefined }), 'queue', /would match every job/);
  await refuses(admin.purgeDeadLetter({ type: undefined, queue: 'q' }), 'type', /would match every job/);
  await refuses(admin.retryDeadLetterJobs({ olderThan: undefined }), 'olderThan', /would match every job/);
  await expect(admin.listJobs(filter)).rejects.toBeInstanceOf(OJSValidationError);
  await expect(client.listDeadLetterJobs(filter)).rejects.toBeInstanceOf(OJSValidationError);
  await refuses(admin.retryDeadLetterJob('x', { changes: { queue: 'Not A Queue' } }), 'queue');
  await refuses(admin.editJob('x', JSON.parse('{"prioritty":1}')), 'edit.prioritty', /priority/);
  await refuses(admin.rerunJob('x', { changes: { queue: 'Not A Queue' } }), 'queue');
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
