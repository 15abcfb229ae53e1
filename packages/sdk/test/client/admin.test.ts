import { startServer } from '@ojs-ts/server';
import { describe, expect, test } from 'vitest';
import { Admin, Client, JobNotFoundError, OJSAuthenticationError, OjsAdmin, Worker } from '../../src/index.ts';
import { aborted, gate } from '../support/bench.ts';
import { keepingLogger } from '../support/log.ts';
import { openTargets } from '../support/targets.ts';

const { target } = await openTargets();
let queues = 0;

// A fault of other SDKs: no Admin (SDK-001, SDK-004).
describe.each(['http', 'embedded'] as const)('Admin over %s', (way) => {
  const newQueue = () => `admin-${queues++}`;

  test('queues', async () => {
    await using client = new Client(target(way));
    await using admin = new Admin(target(way));
    const queue = newQueue();
    await client.enqueue('test.job', [], { queue });
    expect((await admin.listQueues()).map(({ name }) => name)).toContain(queue);
    const wrong = `${queue}x`;
    const advice = { code: 'not_found', message: expect.stringContaining(`Did you mean ${queue}?`) };
    await expect(admin.pauseQueue(wrong)).rejects.toMatchObject(advice);
    await expect(admin.resumeQueue(wrong)).rejects.toMatchObject(advice);
    await expect(admin.configureQueue(wrong, { concurrency: 1 })).rejects.toMatchObject(advice);
    await expect(admin.overrideLimit(`queue:${wrong}`, { concurrency: 1 })).rejects.toMatchObject(advice);
    await expect(admin.overrideLimit('nix', { concurrency: 1 })).rejects.toMatchObject({ code: 'not_found' });
    expect((await admin.listQueues()).map(({ name }) => name)).not.toContain(wrong);
    expect(await admin.pauseQueue(wrong, { create: true })).toMatchObject({ name: wrong, paused: true });
    expect(await admin.pauseQueue(queue)).toMatchObject({ paused: true });
    expect(await admin.queueStats(queue)).toMatchObject({ status: 'paused', available: 1 });
    expect(await admin.resumeQueue(queue)).toMatchObject({ paused: false });
  });

  test('jobs by queue, state and type, over pages', async () => {
    await using client = new Client(target(way));
    await using admin = new Admin(target(way));
    const queue = newQueue();
    const jobs = await client.enqueueBatch(
      Array.from({ length: 5 }, (_, n) => ({
        type: n < 3 ? 'a.one' : 'b.two',
        args: [n],
        queue,
        meta: { tenant: n % 2 },
      })),
    );
    await jobs[0]?.cancel();
    const page = await admin.listJobs({ queue, limit: 2 });
    expect(page).toMatchObject({ total: 5, hasMore: true });
    expect((await Array.fromAsync(page)).map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect((await admin.listJobs({ queue, state: 'cancelled' })).items.map(({ id }) => id)).toEqual([jobs[0]?.id]);
    expect((await Array.fromAsync(await admin.listJobs({ queue, type: 'a.*' }))).length).toBe(3);
    const ofTenant = await admin.listJobs({ queue, query: 'meta.tenant=1', type: 'a.*' });
    expect(ofTenant.items.map(({ id }) => id)).toEqual([jobs[1]?.id]);
    await expect(admin.listJobs({ query: '' })).rejects.toMatchObject({ issues: [{ path: 'query' }] });
    expect(await admin.getJob(jobs[1]?.id ?? '')).toMatchObject({ args: [1] });
    expect(await admin.cancelJob(jobs[1]?.id ?? '')).toMatchObject({ state: 'cancelled' });
  });

  test('discard and retry', async () => {
    await using client = new Client(target(way));
    await using admin = new Admin(target(way));
    const queue = newQueue();
    const waiting = await client.enqueue('test.job', [], { queue });
    expect(await admin.discardJob(waiting.id)).toMatchObject({
      state: 'discarded',
      discardedAt: expect.any(Date),
      error: { code: 'discarded', message: 'The job was discarded by hand.', attempt: 0 },
    });
    await expect(waiting.wait()).rejects.toMatchObject({ name: 'JobFailedError', errors: [{ type: 'discarded' }] });
    await expect(admin.discardJob(waiting.id)).rejects.toMatchObject({ statusCode: 409, code: 'conflict' });
    expect(await admin.retryJob(waiting.id)).toMatchObject({ state: 'available', attempt: 0 });
    await expect(admin.retryJob(waiting.id)).rejects.toMatchObject({ code: 'conflict', jobId: waiting.id });
    for (const id of ['no-id', '01900000-0000-7000-8000-000000000001']) {
      await expect(admin.discardJob(id)).rejects.toBeInstanceOf(JobNotFoundError);
      await expect(admin.retryJob(id)).rejects.toBeInstanceOf(JobNotFoundError);
    }
  });

  test('the history of a job, and its purge', async () => {
    await using client = new Client(target(way));
    await using admin = new Admin(target(way));
    const job = await client.enqueue('test.job', [], { queue: newQueue() });
    await expect(admin.purgeHistory(job.id)).rejects.toMatchObject({ code: 'conflict' });
    await job.cancel();
    const events = await admin.history(job.id);
    expect(events.map(({ eventType }) => eventType)).toEqual(['job.created', 'job.cancelled', 'job.state_changed']);
    expect(events[0]).toMatchObject({
      jobId: job.id,
      timestamp: expect.any(Date),
      actor: { type: 'client' },
      data: { args_size_bytes: 2 },
      reconstructed: false,
    });
    expect(await admin.purgeHistory(job.id)).toBe(3);
    expect((await admin.history(job.id)).map(({ eventType }) => eventType)).toEqual(['job.purged']);
    await expect(admin.history('01900000-0000-7000-8000-000000000001')).rejects.toBeInstanceOf(JobNotFoundError);
  });

  test('discarding a running job aborts its signal, and the server refuses its outcome', async () => {
    await using client = new Client(target(way));
    await using admin = new Admin(target(way));
    const queue = newQueue();
    const began = gate<AbortSignal>();
    const worker = new Worker(target(way), {
      queues: [queue],
      heartbeatInterval: 200,
      handleSignals: false,
      logger: keepingLogger(),
    });
    worker.register('test.job', async ({ signal }) => {
      began.open(signal);
      await aborted(signal);
      return 'too late';
    });
    const job = await client.enqueue('test.job', [], { queue });
    await worker.runUntil(async () => {
      const signal = await began.opened;
      await admin.discardJob(job.id);
      await aborted(signal);
    });
    expect(await admin.getJob(job.id)).toMatchObject({ state: 'discarded', error: { code: 'discarded', attempt: 1 } });
  });
});

test('alias; tokens', async () => {
  expect(OjsAdmin).toBe(Admin);
  await using guarded = await startServer({ storage: 'memory:', port: 0, log: false, tokens: ['long-secret'] });
  await using admin = new Admin(guarded.url);
  await expect(admin.discardJob('x')).rejects.toBeInstanceOf(OJSAuthenticationError);
});
