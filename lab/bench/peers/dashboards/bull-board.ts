// A child process: BullMQ with many jobs, and bull-board.
import { once } from 'node:events';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { FlowProducer, type Job, type JobsOptions, Queue, Worker } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import * as mix from '../../src/control/mix.ts';
import { report } from './report.ts';

const batchSize = 1_000;
const concurrency = 20;
/** Of the queues of the scene. */
const others = ['pay', 'mail', 'later', 'done', 'api', 'single', 'failing', 'steps', 'reports', 'other'];

type Handle = (job: Job) => Promise<unknown>;

await report(async (storage, count) => {
  // Its workers ask for this option.
  const connect = () => new Redis(storage, { maxRetriesPerRequest: null });
  const connection = connect();
  const open = (name: string) => new Queue(name, { connection });
  const queues = new Map([...mix.queues, ...others].map((name) => [name, open(name)] as const));
  const queue = (name: string) => queues.get(name) ?? open(name);
  const work = (name: string, handle: Handle, options = {}) =>
    // With the metrics that its documentation recommends for the dashboard.
    new Worker(name, handle, { connection: connect(), concurrency, metrics: { maxDataPoints: 60 }, ...options });

  /** Adds jobs of the mix, `size` of them, in batches of one queue each. */
  async function add(size: number, options: JobsOptions): Promise<void> {
    const waiting = new Map<string, { name: string; data: object; opts: JobsOptions }[]>();
    for (let n = 0; n < size; n++) {
      const { queue: name, type, tenant, argument } = mix.jobOf(n);
      const batch = waiting.get(name) ?? [];
      waiting.set(name, batch);
      batch.push({ name: type, data: { ...argument, tenant }, opts: options });
      if (batch.length === batchSize) await queue(name).addBulk(batch.splice(0));
    }
    for (const [name, batch] of waiting) if (batch.length > 0) await queue(name).addBulk(batch);
  }

  /** Works off the jobs that wait in some queues. */
  async function workOff(names: readonly string[], size: number, handle: Handle): Promise<void> {
    const all = Promise.withResolvers<void>();
    let left = size;
    const workers = names.map((name) =>
      work(name, async (job) => {
        if (--left === 0) all.resolve();
        return handle(job);
      }),
    );
    if (size > 0) await all.promise;
    await Promise.all(workers.map((worker) => worker.close()));
  }

  let failures = 0;
  const fail = async () => {
    const { type, message } = mix.errorOf(failures++);
    throw Object.assign(new Error(message), { name: type });
  };
  const at = (share: number) => Math.round(share * count);
  const { completed, discarded, retryable, scheduled } = mix.shares;
  await add(at(completed), {});
  await workOff(mix.queues, at(completed), async () => mix.resultOf);
  await add(at(discarded), { attempts: 1 });
  await workOff(mix.queues, at(discarded), fail);
  await add(at(retryable), { attempts: 2, backoff: { type: 'fixed', delay: mix.retryMs } });
  await workOff(mix.queues, at(retryable), fail);
  await add(at(scheduled), { delay: mix.scheduledMs });
  await add(count - at(completed) - at(discarded) - at(retryable) - at(scheduled), {});

  const put = async (name: string, type: string, data: object, options: JobsOptions = {}) =>
    String((await queue(name).add(type, data, options)).id);
  const declined = await put('pay', 'pay.now', { user: 7 }, { attempts: 1 });
  await workOff(['pay'], 1, async () => {
    throw new Error('The card declined it: card declined.');
  });
  await put('done', 'done.job', {});
  await workOff(['done'], 1, async () => mix.resultOf);
  for (let n = 0; n < 3; n++) await put('failing', 'failing.job', {}, { attempts: 1 });
  await workOff(['failing'], 3, async () => {
    throw new Error('Gone: it failed');
  });
  const wanted = await put('mail', 'mail.send', { user: 42, tenant: 'acme' });
  const waiting = await put('mail', 'mail.send', { user: 43, tenant: 'other' }, { priority: 10 });
  const later = await put('later', 'mail.send', {}, { delay: mix.retryMs });
  const single = await put('single', 'call.api', { once: true }, { deduplication: { id: 'only' } });
  await queue('api').setGlobalConcurrency(1);
  const held = await put('api', 'call.api', {});
  const started = Promise.withResolvers<void>();
  work(
    'api',
    async () => {
      started.resolve();
      await new Promise(() => {});
    },
    { name: 'stuck' },
  );
  await started.promise;
  await work('other', async () => {}, { name: 'bad' }).waitUntilReady();
  const job = { name: 'report.make' };
  await queue('reports').upsertJobScheduler('nightly', { pattern: '30 2 * * *', tz: 'Europe/Berlin' }, job);
  const steps = await new FlowProducer({ connection }).add({
    ...{ name: 'second.step', queueName: 'steps' },
    children: [{ name: 'first.step', queueName: 'steps' }],
  });

  const adapter = new ExpressAdapter();
  createBullBoard({
    queues: [...queues.values()].map((one) => new BullMQAdapter(one)),
    serverAdapter: adapter,
    options: { uiConfig: { showMetrics: true } },
  });
  const server = express().use('/', adapter.getRouter()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scene = { wanted, declined, waiting, later, single, held, cancelled: declined, workflow: String(steps.job.id) };
  return { url: `http://127.0.0.1:${server.address().port}/`, scene };
});
